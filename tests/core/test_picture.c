#include "core/picture.h"

#include "core/file.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Image.open(tests/data/pictures/NAME).convert("RGB"), by make_picture_data.py */
static const struct {
    const char *name;
    int width, height;
    uint64_t hash;
} formats[] = {
#include "tests/data/pictures/formats.inc"
};
enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

/* The same files with byte `at` turned by `bits`, or (bits 0) cut short there; 0: Pillow raises. */
static const struct {
    const char *name;
    size_t at;
    uint8_t bits;
    uint64_t hash;
} damages[] = {
#include "tests/data/pictures/damages.inc"
};

/* The same JPEG files with other bytes, in hexadecimal, in place of EOI; 0: Pillow raises. */
static const struct {
    const char *name, *end;
    size_t length;
    uint64_t hash;
} endings[] = {
#include "tests/data/pictures/endings.inc"
};

struct file {
    uint8_t *data;
    size_t length;
};

static struct file load(const char *name) {
    char path[512], *data;
    struct file file;
    snprintf(path, sizeof path, "%s/pictures/%s", TEST_DATA, name);
    assert_true(file_read(path, 1 << 20, &data, &file.length, NULL));
    file.data = (uint8_t *)data;
    return file;
}

/* In memory of exactly its length, so that sanitizers see a read beyond. */
static bool decode_exact(const uint8_t *data, size_t length, struct image *image,
                         struct error *error) {
    uint8_t *exact = malloc(length + (length == 0));
    memcpy(exact, data, length);
    bool done = picture_decode(exact, length, "file", image, error);
    free(exact);
    assert_true(done || (image->pixels == NULL && error->code == ERROR_INPUT));
    assert_true(done || strncmp(error->message, "file: ", 6) == 0);
    return done;
}

static void every_kind_of_jpeg_and_webp_ends_as_pillow_converts_it(void **state) {
    (void)state;
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        char path[512];
        struct image image;
        struct error error = {0};
        snprintf(path, sizeof path, "%s/pictures/%s", TEST_DATA, formats[i].name);
        if (!picture_read(path, &image, &error))
            fail_msg("%s", error.message);
        assert_int_equal(image.width, formats[i].width);
        assert_int_equal(image.height, formats[i].height);
        if (image_hash(&image) != formats[i].hash)
            fail_msg("other pixels than Pillow's: %s", formats[i].name);
        image_free(&image);
    }
}

static void what_follows_a_jpegs_last_row_counts_as_in_pillow(void **state) {
    (void)state;
    size_t read = 0, refused = 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct file file = load(endings[i].name);
        struct image image;
        struct error error = {0};
        size_t rows = file.length - 2, length = rows + endings[i].length;
        uint8_t *data = realloc(file.data, length);
        assert_non_null(data);
        for (size_t k = 0; k < endings[i].length; k++)
            assert_int_equal(sscanf(endings[i].end + 2 * k, "%2hhx", &data[rows + k]), 1);
        bool done = decode_exact(data, length, &image, &error);
        if (done != (endings[i].hash != 0) || (done && image_hash(&image) != endings[i].hash))
            fail_msg("%s, then %s: %s", endings[i].name, endings[i].end,
                     done ? "other pixels than Pillow's" : error.message);
        done ? read++ : refused++;
        image_free(&image);
        free(data);
    }
    assert_true(read > 10 && refused > 10);
}

static void damaged_files_end_as_in_pillow(void **state) {
    (void)state;
    size_t read = 0, refused = 0;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct file file = load(damages[i].name);
        struct image image;
        struct error error = {0};
        assert_true(damages[i].at < file.length);
        file.data[damages[i].at] ^= damages[i].bits;
        size_t length = damages[i].bits == 0 ? damages[i].at : file.length;
        bool done = decode_exact(file.data, length, &image, &error);
        if (done != (damages[i].hash != 0) || (done && image_hash(&image) != damages[i].hash))
            fail_msg("%s at %zu by %d: %s", damages[i].name, damages[i].at, damages[i].bits,
                     done ? "other pixels than Pillow's" : error.message);
        done ? read++ : refused++;
        image_free(&image);
        free(file.data);
    }
    assert_true(read > 50 && refused > 50);
}

static void the_format_is_told_by_the_bytes_not_by_the_name(void **state) {
    char *path = temporary_path(state, "really_a_png.jpg");
    struct image image = sample_picture(9, 4), read;
    assert_true(png_write(path, &image, NULL));
    assert_true(picture_read(path, &read, NULL));
    assert_true(image_hash(&read) == image_hash(&image));
    image_free(&read);
    image_free(&image);
    free(path);
}

static void names_of_pictures_are_known_in_any_case(void **state) {
    (void)state;
    static const char *const named[] = {"a.png", "A.PNG", "a.jpg", "a.JPEG", "a.b.WebP", ".png"};
    static const char *const others[] = {"png", "a.gif", "a.jpg.txt", "a.jpe", "", "jpeg"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        assert_true(picture_named(named[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(picture_named(others[i]));
}

static void every_cut_of_a_file_is_a_picture_or_an_error(void **state) {
    (void)state;
    static const char *const names[] = {"jpeg_420_7x5.jpg",       "jpeg_422_progressive_7x5.jpg",
                                        "jpeg_cmyk_7x5.jpg",      "webp_lossy_alpha_7x5.webp",
                                        "webp_lossless_7x5.webp", "webp_animated_offset.webp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct file file = load(names[i]);
        for (size_t length = 0; length < file.length; length++) {
            struct image image;
            struct error error = {0};
            decode_exact(file.data, length, &image, &error);
            image_free(&image);
        }
        free(file.data);
    }
}

static void random_damage_anywhere_is_a_picture_or_an_error(void **state) {
    (void)state;
    uint32_t random = 1;
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        struct file file = load(formats[i].name);
        for (int round = 0; round < 60; round++) {
            uint8_t *bent = malloc(file.length);
            struct image image;
            struct error error = {0};
            memcpy(bent, file.data, file.length);
            for (int n = 0; n <= round % 5; n++) {
                random = random * 1664525 + 1013904223;
                bent[(random >> 8) % file.length] ^= (uint8_t)(1U << (random >> 5) % 8);
            }
            decode_exact(bent, file.length, &image, &error);
            image_free(&image);
            free(bent);
        }
        free(file.data);
    }
}

static long peak_memory_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Sets the height and width after SOF0 or SOF2. */
static void claim(struct file *file, int height, int width) {
    size_t at = 2;
    while (file->data[at + 1] != 0xc0 && file->data[at + 1] != 0xc2)
        at += 2 + (size_t)(file->data[at + 2] << 8 | file->data[at + 3]);
    const uint8_t size[4] = {(uint8_t)(height >> 8), (uint8_t)height, (uint8_t)(width >> 8),
                             (uint8_t)width};
    memcpy(file->data + at + 5, size, sizeof size);
}

static void a_small_jpeg_that_claims_a_huge_picture_takes_no_memory(void **state) {
    (void)state;
    static const char *const names[] = {"jpeg_420_7x5.jpg", "jpeg_420_progressive_7x5.jpg"};
    static const int sizes[][2] = {{65500, 65500}, {13000, 13000}, {4000, 4000}, {32769, 1}};
    long before = peak_memory_kib();
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct file file = load(names[i]);
            struct image image;
            struct error error = {0};
            claim(&file, sizes[k][0], sizes[k][1]);
            assert_false(decode_exact(file.data, file.length, &image, &error));
            free(file.data);
        }
    assert_in_range(peak_memory_kib() - before, 0, 8 << 10);
}

/* Image.open refuses what has more than 2 * Image.MAX_IMAGE_PIXELS, which are 178956970. */
static void a_claim_is_refused_from_the_pixel_on_that_pillow_refuses(void **state) {
    (void)state;
    struct error error = {0};
    assert_true(image_check_claim(IMAGE_SIDE_MAX, 5461, NULL));
    assert_true(image_check_claim(5461, IMAGE_SIDE_MAX, NULL));
    assert_true(image_check_claim(16385, 10922, NULL)); /* 178956970 */
    assert_false(image_check_claim(IMAGE_SIDE_MAX, 5462, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "178956970 in all"));
}

/* The position of the next segment of the kind, or the next of any (0), from `at` on. */
static size_t segment(const struct file *file, size_t at, uint8_t kind) {
    while (at + 1 < file->length &&
           (file->data[at] != 0xff ||
            (kind == 0 ? file->data[at + 1] < 0xc0 : file->data[at + 1] != kind)))
        at++;
    return at;
}

/* The first scan of a progressive file as often as makes `scans` of all. */
static bool decode_scans(size_t scans, struct image *image, struct error *error) {
    struct file file = load("jpeg_420_progressive_7x5.jpg");
    size_t first = segment(&file, 2, 0xda), next = segment(&file, first + 2, 0);
    size_t scan = next - first, own = 0;
    for (size_t at = first; at + 1 < file.length; at = segment(&file, at + 2, 0xda))
        own++;
    uint8_t *data = malloc(file.length + scans * scan), *end = data + first;
    memcpy(data, file.data, first);
    for (size_t i = own; i <= scans; i++, end += scan)
        memcpy(end, file.data + first, scan);
    memcpy(end, file.data + next, file.length - next);
    bool done = decode_exact(data, (size_t)(end - data) + file.length - next, image, error);
    free(data);
    free(file.data);
    return done;
}

static void a_jpeg_of_more_scans_than_anyone_writes_is_an_error(void **state) {
    (void)state;
    struct image image;
    struct error error = {0};
    assert_true(decode_scans(500, &image, &error));
    image_free(&image);
    assert_false(decode_scans(501, &image, &error));
    assert_string_equal(error.message, "file: damaged JPEG: more than 500 scans; restore the file "
                                       "or remove it");
}

/* What libjpeg and libpng say of it. */
static void damage_is_named_in_the_librarys_words(void **state) {
    (void)state;
    struct file jpeg = load("jpeg_420_7x5.jpg");
    struct image image;
    struct error error = {0};
    jpeg.data[segment(&jpeg, 2, 0xc0) + 4] = 9;
    assert_false(decode_exact(jpeg.data, jpeg.length, &image, &error));
    assert_string_equal(error.message, "file: damaged JPEG: Unsupported JPEG data precision 9; "
                                       "restore the file or remove it");
    free(jpeg.data);
    char *path = temporary_path(state, "a.png"), *png;
    size_t length;
    struct image small = sample_picture(2, 2);
    assert_true(png_write(path, &small, NULL));
    assert_true(file_read(path, 1 << 20, &png, &length, NULL));
    png[17] ^= 1; /* in the width */
    assert_false(decode_exact((const uint8_t *)png, length, &image, &error));
    assert_string_equal(error.message, "file: damaged PNG: IHDR: CRC error; restore the file or "
                                       "remove it");
    image_free(&small);
    free(png);
    free(path);
}

static void what_is_no_picture_is_an_error_that_names_it(void **state) {
    static const char *const texts[] = {
        "",     "x",        "GIF89a and more", "RIFF....WAVEfmt ",
        "RIFF", "\xff\xd8", "\xff\xd8\xff",    "not a picture at all"};
    char *path = temporary_path(state, "face.jpg");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct image image;
        struct error error = {0};
        assert_true(file_write_atomic(path, texts[i], strlen(texts[i]), NULL));
        assert_false(picture_read(path, &image, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, path));
        assert_null(strchr(error.message, '\n'));
    }
    free(path);
}

/* With file descriptor 2 in a file. */
static void the_libraries_print_nothing(void **state) {
    char *path = temporary_path(state, "stderr");
    fflush(stderr);
    int kept = dup(STDERR_FILENO), file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    assert_true(kept >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    damaged_files_end_as_in_pillow(NULL);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_size, 0);
    close(kept);
    close(file);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_jpeg_and_webp_ends_as_pillow_converts_it),
        cmocka_unit_test(damaged_files_end_as_in_pillow),
        cmocka_unit_test(what_follows_a_jpegs_last_row_counts_as_in_pillow),
        cmocka_unit_test(the_format_is_told_by_the_bytes_not_by_the_name),
        cmocka_unit_test(names_of_pictures_are_known_in_any_case),
        cmocka_unit_test(every_cut_of_a_file_is_a_picture_or_an_error),
        cmocka_unit_test(random_damage_anywhere_is_a_picture_or_an_error),
        cmocka_unit_test(a_claim_is_refused_from_the_pixel_on_that_pillow_refuses),
        cmocka_unit_test(a_jpeg_of_more_scans_than_anyone_writes_is_an_error),
        cmocka_unit_test(damage_is_named_in_the_librarys_words),
        cmocka_unit_test(a_small_jpeg_that_claims_a_huge_picture_takes_no_memory),
        cmocka_unit_test(what_is_no_picture_is_an_error_that_names_it),
        cmocka_unit_test(the_libraries_print_nothing),
    };
    return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
