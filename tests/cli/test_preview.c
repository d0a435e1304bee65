/* assay preview and assay transform, called as main calls them. */
#include "cli/command.h"
#include "cli/sheet.h"

#include "core/file.h"
#include "core/picture.h"
#include "core/safetensors.h"
#include "core/transform.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static const char experiment[] =
    "{\"name\": \"small\", \"data\": {\"root\": \"faces\", \"classes\": ["
    "{\"name\": \"forged\", \"dir\": \"forged\", \"label\": 0},"
    "{\"name\": \"real\", \"dir\": \"real\", \"label\": 1}], \"upsample\": {\"real\": 2}},"
    "\"augmentations\": [{\"op\": \"resize\", \"size\": 40},"
    "{\"op\": \"random_crop\", \"size\": 32},{\"op\": \"random_horizontal_flip\"},"
    "{\"op\": \"random_affine\", \"degrees\": 10, \"scale\": [1, 2]},{\"op\": \"normalize\"}],"
    "\"evaluation\": [{\"op\": \"resize\", \"size\": 40},{\"op\": \"center_crop\", \"size\": 32},"
    "{\"op\": \"normalize\"}],"
    "\"model\": {\"weights\": null, \"fresh\": []}, \"train\": {\"seed\": 5}}";

/* What the file above says of training. */
static struct transform training_ops[] = {
    {.kind = TRANSFORM_RESIZE, .height = 40},
    {.kind = TRANSFORM_RANDOM_CROP, .height = 32, .width = 32},
    {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
    {.kind = TRANSFORM_RANDOM_AFFINE, .degrees = {-10, 10}, .scale = {1, 2}},
    {.kind = TRANSFORM_NORMALIZE,
     .mean = {0.485F, 0.456F, 0.406F},
     .std = {0.229F, 0.224F, 0.225F}},
};
static const struct pipeline training = {training_ops, 5};

/* In a folder of its own, with twenty pictures and the file; the test runs inside it. */
static int enter(void **state) {
    struct error error;
    if (temporary_make(state) != 0 || chdir(*state) != 0 || !folder_make("faces/forged", &error) ||
        !folder_make("faces/real", &error))
        return -1;
    for (int i = 0; i < 20; i++) {
        char path[64];
        struct image image = sample_picture(50 + i, 60);
        snprintf(path, sizeof path, "faces/%s/%d.png", i % 2 == 0 ? "real" : "forged", i);
        if (!png_write(path, &image, &error))
            return -1;
        image_free(&image);
    }
    return file_write_atomic("small.json", experiment, strlen(experiment), &error) ? 0 : -1;
}

static int leave(void **state) {
    return chdir("/") != 0 ? -1 : temporary_remove(state);
}

static int run(int (*command)(int, char **), char **argv) {
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return command(argc, argv);
}
#define PREVIEW(...) run(command_preview, (char *[]){"preview", __VA_ARGS__, NULL})
#define TRANSFORM(...) run(command_transform, (char *[]){"transform", __VA_ARGS__, NULL})

static size_t dark_pixels(const struct image *image) {
    size_t count = 0;
    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++)
        count += image->pixels[3 * i] + image->pixels[3 * i + 1] + image->pixels[3 * i + 2] < 600;
    return count;
}

static void the_sheet_grows_with_its_rows_and_shows_pictures(void **state) {
    (void)state;
    struct image two, four;
    assert_int_equal(PREVIEW("small.json", "--out", "two.png", "--rows", "2"), 0);
    assert_int_equal(PREVIEW("small.json", "--out", "four.png"), 0); /* two of each class */
    assert_true(picture_read("two.png", &two, NULL));
    assert_true(picture_read("four.png", &four, NULL));
    assert_int_equal(two.width, four.width);
    assert_true(four.height > two.height + 200);
    /* 14 pictures of about 110 x 128 in each row, mostly darker than the paper */
    assert_in_range(dark_pixels(&two), 2 * 14 * 4000, 2 * 14 * 128 * 128);
    assert_in_range(dark_pixels(&four), 4 * 14 * 4000, 4 * 14 * 128 * 128);
    image_free(&two);
    image_free(&four);
}

static void more_rows_than_pictures_show_each_once(void **state) {
    (void)state;
    struct image all, more;
    assert_int_equal(PREVIEW("small.json", "--out", "all.png", "--rows", "16"), 0);
    assert_int_equal(PREVIEW("small.json", "--out", "more.png", "--rows", "100"), 0);
    assert_true(picture_read("all.png", &all, NULL));
    assert_true(picture_read("more.png", &more, NULL));
    assert_int_equal(more.height, all.height); /* 8 of 10 of each class are trained on */
    image_free(&all);
    image_free(&more);
}

/* The dark pixels of a row's two lines. */
static size_t dark_label(const char *path, int row) {
    struct image image;
    assert_true(picture_read(path, &image, NULL));
    const int left = 36, width = 150, top = image.height - 28 - 128 - (1 - row) * 138, lines = 36;
    size_t dark = 0;
    for (int y = top; y < top + lines; y++) {
        struct image line = {.width = width, .height = 1};
        line.pixels = image.pixels + 3 * ((size_t)y * (size_t)image.width + (size_t)left);
        dark += dark_pixels(&line);
    }
    image_free(&image);
    return dark;
}

/* Names that stand before the first of two rows must not keep the second from being labelled. */
static void a_name_too_long_or_of_no_text_leaves_the_next_row_its_label(void **state) {
    (void)state;
    static const struct sheet_column column = {.block = "Step by step", .title = "resize"};
    char names[][301] = {"plain", "", "x", "caf\xE9", "\xF0\x9F\x99"};
    for (int i = 0; i < 300; i++) {
        names[1][i] = "\xC3\xA9"[i % 2];
        if (i < 299)
            names[2][i + 1] = names[1][i];
    }
    size_t plain = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sheet *sheet;
        assert_true(sheet_new("title", "subtitle", &column, 1, 2, &sheet, NULL));
        sheet_label(sheet, 0, names[i], "first, label 0", 0);
        sheet_label(sheet, 1, "second", "second.png, label 1", 1);
        assert_true(sheet_write(sheet, "labels.png", NULL));
        sheet_free(sheet);
        plain = i == 0 ? dark_label("labels.png", 1) : plain;
        assert_true(plain > 50);
        assert_int_equal(dark_label("labels.png", 1), plain);
        assert_true(dark_label("labels.png", 0) > 50);
    }
}

static void the_training_stage_makes_the_draws_of_its_epoch_and_place(void **state) {
    (void)state;
    struct image expected, image;
    struct random_stream stream;
    assert_int_equal(TRANSFORM("small.json", "faces/real/4.png", "--stage", "train", "--epoch", "3",
                               "--index", "7", "--out", "out.png"),
                     0);
    assert_true(picture_read("faces/real/4.png", &expected, NULL));
    random_open(&stream, 5, RANDOM_AUGMENT, 3, 7);
    assert_true(pipeline_apply(&training, 0, &expected, &stream, NULL));
    assert_true(picture_read("out.png", &image, NULL));
    assert_int_equal(image.width, 32);
    assert_int_equal(image.height, 32);
    assert_true(image_hash(&image) == image_hash(&expected));

    struct safetensors *file;
    float values[3 * 32 * 32];
    assert_int_equal(TRANSFORM("small.json", "faces/real/4.png", "--stage", "train", "--epoch", "3",
                               "--index", "7", "--out", "out.safetensors"),
                     0);
    assert_true(safetensors_open("out.safetensors", &file, NULL));
    const struct tensor *tensor = safetensors_find(file, "image");
    assert_non_null(tensor);
    assert_int_equal(tensor->type, TENSOR_F32);
    assert_int_equal(tensor->rank, 3);
    assert_int_equal(tensor->shape[0], 3);
    assert_int_equal(tensor->bytes, sizeof values);
    pipeline_normalize(&training, &expected, values);
    assert_memory_equal(tensor->data, values, sizeof values);
    safetensors_close(file);
    image_free(&expected);
    image_free(&image);
}

static void the_evaluation_stage_draws_nothing(void **state) {
    (void)state;
    struct image first, second;
    assert_int_equal(
        TRANSFORM("small.json", "faces/real/4.png", "--stage", "eval", "--out", "a.png"), 0);
    assert_int_equal(TRANSFORM("small.json", "faces/real/4.png", "--stage", "eval", "--epoch", "9",
                               "--out", "b.png"),
                     0);
    assert_true(picture_read("a.png", &first, NULL));
    assert_true(picture_read("b.png", &second, NULL));
    assert_true(image_hash(&first) == image_hash(&second));
    image_free(&first);
    image_free(&second);
}

static void an_index_that_draws_have_no_room_for_is_a_mistake(void **state) {
    (void)state;
    assert_int_equal(TRANSFORM("small.json", "faces/real/4.png", "--stage", "train", "--index",
                               "72057594037927935", "--out", "last.png"),
                     0);
    assert_int_equal(TRANSFORM("small.json", "faces/real/4.png", "--stage", "train", "--index",
                               "72057594037927936", "--out", "next.png"),
                     2);
}

static void epochs_are_counted_from_one(void **state) {
    (void)state;
    assert_int_equal(TRANSFORM("small.json", "faces/real/4.png", "--stage", "train", "--epoch", "0",
                               "--out", "none.png"),
                     2);
    assert_int_equal(access("none.png", F_OK), -1);
}

/* The shuffle, the numbers below the title and every draw are others. */
static void a_member_is_asked_for_where_the_matrix_changes_what_is_drawn(void **state) {
    (void)state;
    static const char *const matrices[] = {
        "\"data.split\": {\"a\": {\"seed\": 1}, \"b\": {\"seed\": 2}}",
        "\"data.upsample\": {\"once\": {}, \"twice\": {\"real\": 2}}",
        "\"train.seed\": [1, 2]",
    };
    for (size_t i = 0; i < sizeof matrices / sizeof matrices[0]; i++) {
        char text[2048];
        int length = snprintf(text, sizeof text, "%.*s, \"matrix\": {%s}}",
                              (int)sizeof experiment - 2, experiment, matrices[i]);
        assert_true(file_write_atomic("many.json", text, (size_t)length, NULL));
        assert_int_equal(PREVIEW("many.json", "--out", "many.png", "--rows", "1"), 2);
        assert_int_equal(access("many.png", F_OK), -1);
    }
    assert_int_equal(
        PREVIEW("many.json", "--out", "many.png", "--rows", "1", "--member", "small/seed=2"), 0);
}

static void a_sheet_has_the_name_of_a_png_or_is_not_drawn(void **state) {
    (void)state;
    assert_int_equal(PREVIEW("small.json", "--out", "sheet.gif"), 2);
    assert_int_equal(access("sheet.gif", F_OK), -1);
    assert_int_equal(PREVIEW("small.json", "--out", "sheet.PNG", "--rows", "1"), 0);
    assert_int_equal(access("sheet.PNG", F_OK), 0);
}

static void mistakes_and_broken_pictures_are_wrong_input(void **state) {
    (void)state;
    assert_true(file_write_atomic("broken.png", "\x89PNG\r\n\x1a\n", 8, NULL));
    assert_int_equal(PREVIEW("small.json"), 2);
    assert_int_equal(PREVIEW("small.json", "--out", "s.png", "--rows", "0"), 2);
    assert_int_equal(PREVIEW("small.json", "--out", "s.png", "--member", "large"), 2);
    assert_int_equal(PREVIEW("missing.json", "--out", "s.png"), 2);
    assert_int_equal(TRANSFORM("small.json", "broken.png", "--stage", "eval", "--out", "s.png"), 2);
    assert_int_equal(TRANSFORM("small.json", "missing.png", "--stage", "eval", "--out", "s.png"),
                     2);
    assert_int_equal(TRANSFORM("small.json", "broken.png", "--stage", "test", "--out", "s.png"), 2);
    assert_int_equal(TRANSFORM("small.json", "broken.png", "--stage", "eval", "--out", "s.jpg"), 2);
    assert_int_equal(access("s.png", F_OK), -1);
    for (int i = 0; i < 20; i += 2) { /* whichever of them are trained on */
        char path[64];
        snprintf(path, sizeof path, "faces/real/%d.png", i);
        assert_true(file_write_atomic(path, "cut", 3, NULL));
    }
    assert_int_equal(PREVIEW("small.json", "--out", "s.png", "--rows", "100"), 2);
    assert_int_equal(access("s.png", F_OK), -1);
}

#define INSIDE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        INSIDE(the_sheet_grows_with_its_rows_and_shows_pictures),
        INSIDE(more_rows_than_pictures_show_each_once),
        INSIDE(a_name_too_long_or_of_no_text_leaves_the_next_row_its_label),
        INSIDE(the_training_stage_makes_the_draws_of_its_epoch_and_place),
        INSIDE(the_evaluation_stage_draws_nothing),
        INSIDE(an_index_that_draws_have_no_room_for_is_a_mistake),
        INSIDE(epochs_are_counted_from_one),
        INSIDE(a_member_is_asked_for_where_the_matrix_changes_what_is_drawn),
        INSIDE(a_sheet_has_the_name_of_a_png_or_is_not_drawn),
        INSIDE(mistakes_and_broken_pictures_are_wrong_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
