#include "core/picture.h"

#include "core/file.h"
#include "tests/png_chunks.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Image.open(name).convert("RGB") */
static const struct {
    const char *name;
    int width, height;
    uint64_t hash;
} kinds[] = {
#include "tests/data/pictures/kinds.inc"
};

static void kind_path(size_t i, char *path, size_t size) {
    snprintf(path, size, TEST_DATA "/pictures/%s.png", kinds[i].name);
}

static void every_kind_of_png_ends_as_pillow_converts_it(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[512];
        struct image image;
        struct error error;
        kind_path(i, path, sizeof path);
        if (!picture_read(path, &image, &error))
            fail_msg("%s", error.message);
        assert_int_equal(image.width, kinds[i].width);
        assert_int_equal(image.height, kinds[i].height);
        if (image_hash(&image) != kinds[i].hash)
            fail_msg("%s: other pixels", kinds[i].name);
        image_free(&image);
    }
}

static void what_is_written_reads_back_the_same(void **state) {
    struct image image = sample_picture(61, 47), read;
    char *path = temporary_path(state, "picture.png");
    struct error error;
    assert_true(png_write(path, &image, &error));
    assert_true(picture_read(path, &read, &error));
    assert_int_equal(read.width, 61);
    assert_int_equal(read.height, 47);
    assert_true(image_hash(&read) == image_hash(&image));
    image_free(&image);
    image_free(&read);
    free(path);
}

/* --- broken files, built chunk by chunk --- */

/* What a PNG is made of; a test bends one of them. */
struct recipe {
    uint32_t width, height;
    uint8_t depth, color, compression, filter, interlace;
    size_t rows;         /* in the data */
    uint8_t filter_type; /* of every row */
    size_t cut;          /* bytes missing at the end of the zlib stream */
    int flip_zlib;       /* a byte of the zlib stream to turn over, or -1 */
    const char *before;  /* an empty chunk of this type before IDAT */
    bool turn_before;    /* a bit of its CRC */
    bool no_header, no_data, no_end, twice_header;
};

static const struct recipe good = {
    .width = 4, .height = 3, .depth = 8, .color = 2, .rows = 3, .flip_zlib = -1};

static void put_header(struct png_bytes *bytes, const struct recipe *recipe) {
    struct png_bytes header = {.length = 0};
    png_put_u32(&header, recipe->width);
    png_put_u32(&header, recipe->height);
    png_put(&header,
            (const uint8_t[]){recipe->depth, recipe->color, recipe->compression, recipe->filter,
                              recipe->interlace},
            5);
    png_put_chunk(bytes, "IHDR", header.data, header.length);
}

/* zlib's format with the rows stored, not compressed (RFC 1950, RFC 1951). */
static void put_data(struct png_bytes *bytes, const struct recipe *recipe) {
    uint8_t raw[1024];
    size_t row = 1 + 3 * 4, length = recipe->rows * row;
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < length; i++) {
        raw[i] = (uint8_t)(i % row == 0 ? recipe->filter_type : 17 * i);
        a = (a + raw[i]) % 65521;
        b = (b + a) % 65521;
    }
    struct png_bytes zlib = {.length = 0};
    png_put(&zlib,
            (const uint8_t[]){0x78, 0x01, 0x01, (uint8_t)length, (uint8_t)(length >> 8),
                              (uint8_t)~length, (uint8_t)(~length >> 8)},
            7);
    png_put(&zlib, raw, length);
    png_put_u32(&zlib, b << 16 | a);
    if (recipe->flip_zlib >= 0)
        zlib.data[recipe->flip_zlib] ^= 0xFF;
    png_put_chunk(bytes, "IDAT", zlib.data, zlib.length - recipe->cut);
}

static struct png_bytes bake(const struct recipe *recipe) {
    struct png_bytes bytes = {.length = 0};
    png_put(&bytes, "\x89PNG\r\n\x1a\n", 8);
    for (int i = 0; i < (recipe->no_header ? 0 : recipe->twice_header ? 2 : 1); i++)
        put_header(&bytes, recipe);
    if (recipe->before != NULL)
        png_put_chunk(&bytes, recipe->before, "", 0);
    bytes.data[bytes.length - 1] ^= recipe->turn_before;
    if (!recipe->no_data)
        put_data(&bytes, recipe);
    if (!recipe->no_end)
        png_put_chunk(&bytes, "IEND", "", 0);
    return bytes;
}

/* One line, exit code 2, the file's name first, and after a semicolon what to do. */
static void assert_refused(const struct png_bytes *bytes, const char *what) {
    struct image image;
    struct error error = {0};
    if (png_decode(bytes->data, bytes->length, "faces/1.png", &image, &error))
        fail_msg("%s was read", what);
    print_message("  %s: %s\n", what, error.message);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_int_equal(strncmp(error.message, "faces/1.png: ", 13), 0);
    assert_non_null(strstr(error.message, "; "));
    assert_null(strchr(error.message, '\n'));
    assert_null(image.pixels);
}

static void the_recipe_of_the_broken_files_is_good_itself(void **state) {
    (void)state;
    struct png_bytes bytes = bake(&good);
    struct image image;
    assert_true(png_decode(bytes.data, bytes.length, "good", &image, NULL));
    assert_int_equal(image.pixels[0], 17);
    image_free(&image);
}

#define BENT(what, ...)                                                                            \
    do {                                                                                           \
        struct recipe bent = good;                                                                 \
        __VA_ARGS__;                                                                               \
        struct png_bytes bytes = bake(&bent);                                                      \
        assert_refused(&bytes, what);                                                              \
    } while (0)

static void a_broken_header_is_an_error(void **state) {
    (void)state;
    BENT("width 0", bent.width = 0);
    BENT("height 0", bent.height = 0);
    BENT("width of 2^31", bent.width = 1U << 31);
    BENT("sides of 2^32 - 1", bent.width = bent.height = UINT32_MAX);
    BENT("depth 3", bent.depth = 3);
    BENT("depth 0", bent.depth = 0);
    BENT("depth 4 of RGB", bent.depth = 4);
    BENT("colour type 5", bent.color = 5);
    BENT("palette without PLTE", bent.color = 3);
    BENT("compression 1", bent.compression = 1);
    BENT("filter method 1", bent.filter = 1);
    BENT("interlace 2", bent.interlace = 2);
    BENT("no IHDR", bent.no_header = true);
    BENT("two IHDR", bent.twice_header = true);
}

static void broken_picture_data_is_an_error(void **state) {
    (void)state;
    BENT("no IDAT", bent.no_data = true);
    BENT("no IEND", bent.no_end = true);
    BENT("a row too few", bent.rows = 2);
    BENT("no rows", bent.rows = 0);
    BENT("filter type 5", bent.filter_type = 5);
    BENT("filter type 255", bent.filter_type = 255);
    BENT("zlib without its checksum", bent.cut = 4);
    BENT("zlib cut in the rows", bent.cut = 10);
    BENT("empty IDAT", bent.cut = 7 + 39 + 4);
    BENT("zlib method", bent.flip_zlib = 0);
    BENT("zlib flags", bent.flip_zlib = 1);
    BENT("deflate block type", bent.flip_zlib = 2);
    BENT("deflate block length", bent.flip_zlib = 3);
    BENT("zlib checksum", bent.flip_zlib = 7 + 39);
    BENT("an unknown critical chunk", bent.before = "FACE");
    BENT("CRC of a text", bent.before = "tEXt"; bent.turn_before = true);
    BENT("CRC of a transparency", bent.before = "tRNS"; bent.turn_before = true);
    BENT("empty PLTE", bent.before = "PLTE"; bent.color = 3);
}

static void every_cut_of_a_file_is_an_error(void **state) {
    (void)state;
    struct png_bytes bytes = bake(&good);
    size_t whole = bytes.length;
    for (bytes.length = 0; bytes.length < whole; bytes.length++) {
        struct image image;
        struct error error = {0};
        assert_false(png_decode(bytes.data, bytes.length, "cut", &image, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

/* Each chunk's CRC covers all but its length; the signature and the lengths are checked otherwise.
 */
static void every_single_turned_byte_is_an_error(void **state) {
    (void)state;
    const struct png_bytes whole = bake(&good);
    for (size_t i = 0; i < whole.length; i++) {
        struct png_bytes bytes = whole;
        struct image image;
        struct error error = {0};
        bytes.data[i] ^= 0xFF;
        if (png_decode(bytes.data, bytes.length, "turned", &image, &error))
            fail_msg("byte %zu turned over and nobody noticed", i);
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

static void what_is_no_png_is_an_error(void **state) {
    (void)state;
    static const char *const files[] = {"",
                                        "x",
                                        "\x89PNG",
                                        "\x89PNG\r\n\x1a",
                                        "\xff\xd8\xff\xe0 a JPEG",
                                        "GIF89a",
                                        "\x89PNG\n\x1a\n lost its carriage return",
                                        "not a picture at all, but long enough to be one"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct png_bytes bytes = {.length = 0};
        png_put(&bytes, files[i], strlen(files[i]));
        assert_refused(&bytes, "no PNG");
    }
}

static long peak_memory_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void a_small_file_that_claims_a_huge_picture_takes_no_memory(void **state) {
    (void)state;
    long before = peak_memory_kib();
    BENT("30000 x 30000", bent.width = bent.height = 30000);
    BENT("32768 x 5461", bent.width = 32768; bent.height = 5461);
    BENT("13000 x 13000", bent.width = bent.height = 13000);
    BENT("65536 x 1", bent.width = 65536; bent.height = 1);
    BENT("1 x 2^31 - 1", bent.width = 1; bent.height = INT32_MAX);
    BENT("13000 x 13000 of one bit, interlaced", bent.width = bent.height = 13000; bent.depth = 1;
         bent.color = 0; bent.interlace = 1);
    assert_in_range(peak_memory_kib() - before, 0, 8 << 10);
}

/* One bit a pixel, of which so many bytes could hold as many. */
static void a_picture_of_more_pixels_than_there_may_be_is_refused(void **state) {
    static uint8_t data[1 << 15];
    struct image image;
    struct error error = {0};
    struct recipe bent = good;
    (void)state;
    bent.width = 32768;
    bent.height = 5462;
    bent.depth = 1;
    bent.color = 0;
    struct png_bytes bytes = bake(&bent);
    memcpy(data, bytes.data, bytes.length);
    assert_false(png_decode(data, sizeof data, "large", &image, &error));
    assert_non_null(strstr(error.message, "a picture of 32768 x 5462 pixels is too large"));
    bent.height = 5461;
    bytes = bake(&bent); /* without the bytes behind it */
    assert_false(png_decode(bytes.data, bytes.length, "large", &image, &error));
    assert_non_null(strstr(error.message, "it claims 32768 x 5461 pixels, more than its"));
}

static uint32_t next(uint32_t *state) {
    return (*state = *state * 1664525 + 1013904223) >> 8;
}

/* What comes out does not matter, as long as it is a picture or an error; sanitizers watch the
 * rest. */
static void random_damage_is_a_picture_or_an_error(void **state) {
    (void)state;
    uint32_t random = 1;
    size_t errors = 0, rounds = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[512], *data;
        size_t length;
        kind_path(i, path, sizeof path);
        assert_true(file_read(path, 1 << 20, &data, &length, NULL));
        for (int round = 0; round < 40; round++, rounds++) {
            size_t size = round % 4 == 0 ? next(&random) % length : length;
            uint8_t *bent = malloc(size + (size == 0)); /* exact: reading beyond is seen */
            memcpy(bent, data, size);
            for (uint32_t n = 1 + next(&random) % 6; n > 0 && size > 8; n--)
                bent[8 + next(&random) % (size - 8)] ^= (uint8_t)(1U << next(&random) % 8);
            if (round % 2 == 0) /* to come further in */
                png_repair(bent, size);
            struct image image;
            struct error error = {0};
            if (png_decode(bent, size, "bent", &image, &error)) {
                assert_in_range(image.width, 1, IMAGE_SIDE_MAX);
            } else {
                errors++;
                assert_int_equal(error.code, ERROR_INPUT);
                assert_null(image.pixels);
            }
            image_free(&image);
            free(bent);
        }
        free(data);
    }
    assert_in_range(errors, rounds / 2, rounds - 1);
}

static void a_path_that_is_no_file_is_an_error_that_names_it(void **state) {
    char *paths[] = {temporary_path(state, "missing.png"), temporary_path(state, "folder.png")};
    assert_int_equal(mkdir(paths[1], 0777), 0);
    for (size_t i = 0; i < 2; i++) {
        struct image image;
        struct error error = {0};
        assert_false(picture_read(paths[i], &image, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, paths[i]));
        assert_null(image.pixels);
        free(paths[i]);
    }
}

/* Everything that makes libpng warn or give up, with file descriptor 2 in a file. */
static void libpng_prints_nothing(void **state) {
    char *path = temporary_path(state, "stderr");
    struct png_bytes whole = bake(&good);
    fflush(stderr);
    int kept = dup(STDERR_FILENO), file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    assert_true(kept >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    for (size_t i = 0; i < whole.length; i++) {
        struct png_bytes bytes = whole;
        struct image image;
        bytes.data[i] ^= 0xFF;
        png_decode(bytes.data, bytes.length, "turned", &image, NULL);
        image_free(&image);
    }
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_size, 0);
    close(kept);
    close(file);
    free(path);
}

static void an_impossible_place_is_an_error_of_writing(void **state) {
    struct image image = sample_picture(3, 3);
    struct error error = {0};
    char *path = temporary_path(state, "nowhere/picture.png");
    assert_false(png_write(path, &image, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "nowhere"));
    image_free(&image);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_png_ends_as_pillow_converts_it),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(the_recipe_of_the_broken_files_is_good_itself),
        cmocka_unit_test(a_broken_header_is_an_error),
        cmocka_unit_test(broken_picture_data_is_an_error),
        cmocka_unit_test(every_cut_of_a_file_is_an_error),
        cmocka_unit_test(every_single_turned_byte_is_an_error),
        cmocka_unit_test(what_is_no_png_is_an_error),
        cmocka_unit_test(a_picture_of_more_pixels_than_there_may_be_is_refused),
        cmocka_unit_test(a_small_file_that_claims_a_huge_picture_takes_no_memory),
        cmocka_unit_test(random_damage_is_a_picture_or_an_error),
        cmocka_unit_test(a_path_that_is_no_file_is_an_error_that_names_it),
        cmocka_unit_test(an_impossible_place_is_an_error_of_writing),
        cmocka_unit_test(libpng_prints_nothing),
    };
    return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
