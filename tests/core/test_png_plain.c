/* The fast way of reading a PNG against libpng's. Any bytes are a picture's filtered rows, so the
 * pictures here are random ones, with each row's filter drawn as well. */
#include "core/file.h"
#include "core/png.h"
#include "tests/png_chunks.h"

#include <libdeflate.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS_MAX = 40000, NONE = 0, EXTRA_BEFORE = 1, EXTRA_WITHIN = 2, EXTRA_AFTER = 4 };

/* What a test bends; the rest is a good picture. */
struct recipe {
    uint32_t width, height;
    uint8_t color, depth, interlace;
    int filter;          /* of every row, or -1: drawn */
    int first_filter;    /* of the first, or 0: as the others */
    int level;           /* libdeflate's */
    size_t pieces;       /* IDATs */
    int extras;          /* where a chunk stands that says nothing of the pixels */
    const char *extra;   /* its type */
    size_t left_out;     /* bytes of the rows */
    size_t beyond;       /* bytes after the zlib stream */
    uint8_t window_bits; /* less 8, as the zlib stream says it; 0: 7, the usual 32 KiB */
    bool empty_piece, wrong_sum, flat;
};

static uint32_t next(uint32_t *state) {
    return (*state = *state * 1664525 + 1013904223) >> 8;
}

static size_t channels_of(uint8_t color) {
    return color == 2 ? 3 : color == 6 ? 4 : 1;
}

static size_t make_rows(const struct recipe *recipe, uint32_t *random, uint8_t *rows) {
    size_t stride = 1 + channels_of(recipe->color) * recipe->width, length = 0;
    for (uint32_t y = 0; y < recipe->height; y++) {
        rows[length++] =
            (uint8_t)(recipe->filter >= 0 ? (uint32_t)recipe->filter : next(random) % 5);
        for (size_t i = 1; i < stride; i++) /* half of them alike: matches for deflate */
            rows[length++] = (uint8_t)(recipe->flat || next(random) % 2 == 0 ? 3 : next(random));
    }
    assert_true(length <= ROWS_MAX);
    if (recipe->first_filter > 0)
        rows[0] = (uint8_t)recipe->first_filter;
    return length - recipe->left_out;
}

static size_t make_zlib(const struct recipe *recipe, const uint8_t *rows, size_t length,
                        uint8_t *zlib, size_t room) {
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(recipe->level);
    size_t size = libdeflate_zlib_compress(compressor, rows, length, zlib, room);
    libdeflate_free_compressor(compressor);
    assert_true(size > 0 && size + recipe->beyond <= room);
    if (recipe->window_bits > 0) {
        zlib[0] = (uint8_t)(recipe->window_bits << 4 | 8);
        zlib[1] = (uint8_t)(31 - zlib[0] * 256 % 31);
    }
    zlib[size - 1] ^= recipe->wrong_sum;
    memset(zlib + size, 0, recipe->beyond);
    return size + recipe->beyond;
}

static void put_extra(const struct recipe *recipe, int place, struct png_bytes *bytes) {
    if ((recipe->extras & place) != 0)
        png_put_chunk(bytes, recipe->extra, "what it says", 12);
}

static struct png_bytes bake(const struct recipe *recipe, uint32_t *random) {
    struct png_bytes bytes = {.length = 0}, header = {.length = 0};
    static uint8_t rows[ROWS_MAX], zlib[2 * ROWS_MAX];
    size_t length = make_zlib(recipe, rows, make_rows(recipe, random, rows), zlib, sizeof zlib);
    png_put(&bytes, "\x89PNG\r\n\x1a\n", 8);
    png_put_u32(&header, recipe->width);
    png_put_u32(&header, recipe->height);
    png_put(&header, (const uint8_t[]){recipe->depth, recipe->color, 0, 0, recipe->interlace}, 5);
    png_put_chunk(&bytes, "IHDR", header.data, header.length);
    put_extra(recipe, EXTRA_BEFORE, &bytes);
    size_t begin = 0;
    for (size_t piece = 1; piece <= recipe->pieces; piece++) {
        size_t end = length * piece / recipe->pieces;
        png_put_chunk(&bytes, "IDAT", zlib + begin, end - begin);
        begin = end;
        if (piece < recipe->pieces)
            put_extra(recipe, EXTRA_WITHIN, &bytes);
    }
    if (recipe->empty_piece)
        png_put_chunk(&bytes, "IDAT", "", 0);
    put_extra(recipe, EXTRA_AFTER, &bytes);
    png_put_chunk(&bytes, "IEND", "", 0);
    return bytes;
}

static const struct recipe good = {
    .width = 5, .height = 4, .color = 2, .depth = 8, .filter = -1, .level = 6, .pieces = 1};

/* What the fast way takes libpng takes too, and makes the same pixels of it. Whether it took it. */
static bool agree(const uint8_t *data, size_t length) {
    struct image fast, slow;
    struct error error = {0};
    bool taken = png_decode_plain(data, length, &fast);
    if (!taken) {
        assert_null(fast.pixels);
        return false;
    }
    if (!png_decode_libpng(data, length, "picture", &slow, &error))
        fail_msg("taken, but %s", error.message);
    assert_int_equal(fast.width, slow.width);
    assert_int_equal(fast.height, slow.height);
    assert_memory_equal(fast.pixels, slow.pixels, 3 * (size_t)fast.width * (size_t)fast.height);
    image_free(&fast);
    image_free(&slow);
    return true;
}

static bool agree_on(const struct recipe *recipe) {
    uint32_t random = 1;
    struct png_bytes bytes = bake(recipe, &random);
    return agree(bytes.data, bytes.length);
}

static void every_filter_is_undone_as_libpng_does(void **state) {
    (void)state;
    for (int filter = 0; filter < 5; filter++)
        for (int alpha = 0; alpha < 2; alpha++) {
            struct recipe recipe = good;
            recipe.filter = filter;
            recipe.color = alpha ? 6 : 2;
            recipe.width = 37;
            recipe.height = 21;
            assert_true(agree_on(&recipe));
        }
}

static void pictures_of_every_size_are_read_as_libpng_does(void **state) {
    (void)state;
    uint32_t random = 7;
    for (uint32_t width = 1; width <= 40; width++)
        for (uint32_t height = 1; height <= 9; height++) {
            struct recipe recipe = good;
            recipe.width = width;
            recipe.height = height;
            recipe.color = next(&random) % 2 == 0 ? 2 : 6;
            recipe.level = (int)(next(&random) % 13);
            recipe.pieces = 1 + next(&random) % 3;
            struct png_bytes bytes = bake(&recipe, &random);
            if (!agree(bytes.data, bytes.length))
                fail_msg("%u x %u is not taken", width, height);
        }
}

/* Whose rows are more than deflate's window. */
static void a_large_picture_is_read_as_libpng_does(void **state) {
    (void)state;
    struct recipe recipe = good;
    recipe.width = 110;
    recipe.height = 110;
    recipe.flat = true;
    assert_true(agree_on(&recipe));
}

#define BENT(...)                                                                                  \
    ({                                                                                             \
        struct recipe bent = good;                                                                 \
        __VA_ARGS__;                                                                               \
        agree_on(&bent);                                                                           \
    })

static void what_says_nothing_of_the_pixels_is_skipped(void **state) {
    (void)state;
    assert_true(BENT(bent.extras = EXTRA_BEFORE | EXTRA_AFTER, bent.extra = "tEXt"));
    assert_true(BENT(bent.extras = EXTRA_BEFORE, bent.extra = "tRNS"));
    assert_true(BENT(bent.extras = EXTRA_BEFORE, bent.extra = "faCe"));
    assert_true(BENT(bent.window_bits = 3)); /* 2 KiB are more than the rows */
}

/* Some of these are good pictures, some are not: it is libpng that knows. */
static void what_is_rare_or_odd_is_left_to_libpng(void **state) {
    (void)state;
    assert_false(BENT(bent.extras = EXTRA_BEFORE, bent.extra = "PLTE"));
    assert_false(BENT(bent.extras = EXTRA_BEFORE, bent.extra = "FACE"));
    assert_false(BENT(bent.extras = EXTRA_BEFORE, bent.extra = "te-t"));
    assert_false(BENT(bent.extras = EXTRA_BEFORE, bent.extra = "text"));
    assert_false(BENT(bent.extras = EXTRA_WITHIN, bent.extra = "tEXt", bent.pieces = 2));
    assert_false(BENT(bent.interlace = 1));
    assert_false(BENT(bent.depth = 16));
    assert_false(BENT(bent.color = 0));
    assert_false(BENT(bent.filter = 5));
    assert_false(BENT(bent.first_filter = 5));
    assert_false(BENT(bent.left_out = 1));
    assert_false(BENT(bent.left_out = 16));
    assert_false(BENT(bent.height--, bent.left_out = 0, bent.beyond = 1));
    assert_false(BENT(bent.empty_piece = true));
    assert_false(BENT(bent.wrong_sum = true));
    assert_false(BENT(bent.window_bits = 1, bent.width = 40, bent.height = 9));
}

static void rows_left_over_are_left_to_libpng(void **state) {
    (void)state;
    uint32_t random = 1;
    struct png_bytes bytes = bake(&good, &random);
    assert_int_equal(bytes.data[23], good.height);
    bytes.data[23]--;
    png_repair(bytes.data, bytes.length);
    assert_false(agree(bytes.data, bytes.length));
}

static void what_is_too_large_for_one_piece_of_memory_is_left_to_libpng(void **state) {
    (void)state;
    static const uint32_t sides[][2] = {{32768, 5461}, {4096, 4096}, {1U << 31, 1}, {0, 1}, {1, 0}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        uint32_t random = 1;
        struct png_bytes bytes = bake(&good, &random), header = {.length = 0};
        png_put_u32(&header, sides[i][0]);
        png_put_u32(&header, sides[i][1]);
        memcpy(bytes.data + 16, header.data, 8);
        png_repair(bytes.data, bytes.length);
        assert_false(agree(bytes.data, bytes.length));
    }
}

static void every_cut_and_every_turned_bit_is_noticed(void **state) {
    (void)state;
    uint32_t random = 3;
    const struct png_bytes whole = bake(&good, &random);
    for (size_t length = 0; length < whole.length; length++)
        assert_false(agree(whole.data, length));
    for (size_t bit = 0; bit < 8 * whole.length; bit++) {
        struct png_bytes bytes = whole;
        bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(agree(bytes.data, bytes.length));
    }
}

/* With the CRCs made right again the damage comes as far as deflate and its checksum, or is in what
 * says nothing of the pixels. */
static void damage_below_right_crcs_is_judged_as_libpng_does(void **state) {
    (void)state;
    uint32_t random = 5;
    size_t taken = 0;
    for (int round = 0; round < 3000; round++) {
        struct recipe recipe = good;
        recipe.level = (int)(next(&random) % 13);
        recipe.pieces = 1 + next(&random) % 3;
        recipe.extras = EXTRA_BEFORE | EXTRA_AFTER;
        recipe.extra = "tEXt";
        struct png_bytes bytes = bake(&recipe, &random);
        bytes.data[8 + next(&random) % (bytes.length - 8)] ^= (uint8_t)(1U << next(&random) % 8);
        png_repair(bytes.data, bytes.length);
        taken += agree(bytes.data, bytes.length);
    }
    assert_in_range(taken, 100, 2900);
}

/* The files that Pillow and libpng write. */
static void stored_pictures_are_read_as_libpng_does(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool taken;
    } files[] = {
        {"rgb8_33x9", true},        {"rgba8_33x9", true},      {"rgb8_extras", true},
        {"rgb8_pieces", false},     {"rgb8_trailing", true},   {"rgb8_trns", true},
        {"grey8_33x9", false},      {"palette8_33x9", false},  {"rgb16_33x9", false},
        {"rgba16_33x9", false},     {"rgb8_adam7_1x1", false}, {"rgba8_adam7_17x13", false},
        {"grey_alpha8_33x9", false}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512], *data;
        size_t length;
        snprintf(path, sizeof path, TEST_DATA "/pictures/%s.png", files[i].name);
        assert_true(file_read(path, 1 << 20, &data, &length, NULL));
        if (agree((const uint8_t *)data, length) != files[i].taken)
            fail_msg("%s", files[i].name);
        free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_is_undone_as_libpng_does),
        cmocka_unit_test(pictures_of_every_size_are_read_as_libpng_does),
        cmocka_unit_test(a_large_picture_is_read_as_libpng_does),
        cmocka_unit_test(what_says_nothing_of_the_pixels_is_skipped),
        cmocka_unit_test(what_is_rare_or_odd_is_left_to_libpng),
        cmocka_unit_test(rows_left_over_are_left_to_libpng),
        cmocka_unit_test(what_is_too_large_for_one_piece_of_memory_is_left_to_libpng),
        cmocka_unit_test(every_cut_and_every_turned_bit_is_noticed),
        cmocka_unit_test(damage_below_right_crcs_is_judged_as_libpng_does),
        cmocka_unit_test(stored_pictures_are_read_as_libpng_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
