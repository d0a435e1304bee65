/* assay preview and assay transform, called as main calls them. */
#include "cli/command.h"
#include "cli/contact.h"

#include "core/file.h"
#include "core/picture.h"
#include "core/safetensors.h"
#include "core/transform.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"
#include "tests/values.h"

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

/* The file above, with these augmentations instead. */
static void decode(const char *augmentations, struct experiment *decoded) {
    struct faults faults = {0};
    cJSON *config = parsed(experiment);
    if (augmentations != NULL)
        cJSON_ReplaceItemInObject(config, "augmentations", parsed(augmentations));
    assert_true(experiment_from_json(config, decoded, &faults));
    faults_free(&faults);
    cJSON_Delete(config);
}

static void columns_say_what_each_op_does(void **state) {
    (void)state;
    static const struct sheet_column expected[] = {
        {"Step by step, as in epoch 1", "original", ""},
        {NULL, "resize", "shorter side 40"},
        {NULL, "resize", "44 × 46"}, /* [height, width] in the file */
        {NULL, "center_crop", "42 × 42"},
        {NULL, "random_crop", "40 × 36"},
        {NULL, "random_vertical_flip", "probability 0.25"},
        {NULL, "color_jitter",
         "brightness 0.5 to 1.5, contrast 0 to 3, saturation 1 to 2, hue ±0.1"},
        {NULL, "color_jitter", ""},
        {NULL, "random_affine",
         "degrees ±10, scale 1 to 2, shear ±15, shear y 0 to 7.12, shift x ±0.1, shift y ±0.2"},
        {NULL, "random_affine", ""},
        {"Each alone, drawn three times", "random_crop", "40 × 36"},
    };
    struct experiment decoded;
    struct contact contact = {0};
    decode(
        "[{\"op\": \"resize\", \"size\": 40}, {\"op\": \"resize\", \"size\": [46, 44]},"
        "{\"op\": \"center_crop\", \"size\": 42}, {\"op\": \"random_crop\", \"size\": [36, 40]},"
        "{\"op\": \"random_vertical_flip\", \"p\": 0.25},"
        "{\"op\": \"color_jitter\", \"brightness\": 0.5, \"contrast\": 2, \"saturation\": [1, 2],"
        " \"hue\": 0.1}, {\"op\": \"color_jitter\"},"
        "{\"op\": \"random_affine\", \"degrees\": 10, \"scale\": [1, 2],"
        " \"shear\": [-15, 15, 0, 7.123], \"translate\": [0.1, 0.2]}, {\"op\": \"random_affine\", "
        "\"degrees\": 0}, {\"op\": \"normalize\"}]",
        &decoded);
    assert_true(contact_open(&decoded, 0, &contact, NULL));
    assert_int_equal(contact.column_count, 10 + 6 * 3);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct sheet_column *column = &contact.columns[i];
        assert_string_equal(column->title, expected[i].title);
        assert_string_equal(column->detail, expected[i].detail);
        assert_true((column->block == NULL) == (expected[i].block == NULL));
        if (column->block != NULL)
            assert_string_equal(column->block, expected[i].block);
    }
    for (size_t i = 10; i < contact.column_count; i++) { /* three to each op */
        assert_true((contact.columns[i].title != NULL) == (i % 3 == 1));
        assert_true((contact.columns[i].block != NULL) == (i == 10));
    }
    assert_string_equal(contact.columns[25].title, "random_affine");
    contact_close(&contact);
    experiment_free(&decoded);
}

/* Of 5 and 10 pictures 4 and 8 are trained on, the latter twice. */
static void rows_are_shared_out_among_the_classes_and_no_picture_comes_twice(void **state) {
    (void)state;
    static const size_t rows[][3] = {{0, 2, 2}, {1, 1, 0}, {7, 4, 3}, {100, 4, 8}};
    struct experiment decoded;
    decode(NULL, &decoded);
    for (int i = 1; i < 11; i += 2) {
        char path[64];
        snprintf(path, sizeof path, "faces/forged/%d.png", i);
        assert_int_equal(unlink(path), 0);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct contact contact = {0};
        assert_true(contact_open(&decoded, rows[i][0], &contact, NULL));
        assert_int_equal(contact.row_count, rows[i][1] + rows[i][2]);
        for (size_t j = 0; j < contact.row_count; j++) {
            assert_string_equal(contact_class(&contact, j)->name,
                                j < rows[i][1] ? "forged" : "real");
            assert_int_equal(strtol(contact_file(&contact, j), NULL, 10) % 2, j < rows[i][1]);
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(contact_file(&contact, k), contact_file(&contact, j));
        }
        contact_close(&contact);
    }
    experiment_free(&decoded);
}

/* 51 classes would have two rows each. */
static void there_are_no_more_rows_than_there_is_room_for(void **state) {
    (void)state;
    struct experiment decoded;
    struct faults faults = {0};
    struct contact contact = {0};
    cJSON *config = parsed(experiment), *classes = cJSON_CreateArray();
    for (int i = 0; i < 51; i++) {
        char text[100], path[100];
        snprintf(text, sizeof text, "{\"name\": \"c%d\", \"dir\": \"c%d\", \"label\": %d}", i, i,
                 i % 2);
        cJSON_AddItemToArray(classes, parsed(text));
        snprintf(path, sizeof path, "faces/c%d", i);
        assert_true(folder_make(path, NULL));
        for (int j = 0; j < 3; j++) {
            snprintf(path, sizeof path, "faces/c%d/%d.png", i, j);
            assert_true(file_write_atomic(path, "", 0, NULL));
        }
    }
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(config, "data"), "classes", classes);
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(config, "data"), "upsample");
    assert_true(experiment_from_json(config, &decoded, &faults));
    assert_true(contact_open(&decoded, 0, &contact, NULL));
    assert_int_equal(contact.row_count, CONTACT_ROWS_MAX);
    contact_close(&contact);
    faults_free(&faults);
    cJSON_Delete(config);
    experiment_free(&decoded);
}

struct seen {
    uint64_t hashes[16];
    size_t count;
};

static bool see(void *context, size_t row, size_t column, const struct image *image,
                struct error *error) {
    struct seen *seen = context;
    (void)error;
    assert_int_equal(row, 3);
    assert_int_equal(column, seen->count);
    seen->hashes[seen->count++] = image_hash(image);
    return true;
}

/* The picture of the fourth row after the ops of [from, to), with the draws of that epoch. */
static uint64_t hash_after(const struct contact *contact, size_t from, size_t to, uint32_t epoch) {
    const struct pipeline *pipeline = &contact->experiment->augmentations;
    struct random_stream stream;
    struct image image;
    char path[64];
    size_t fixed = pipeline->ops[0].kind == TRANSFORM_RESIZE;
    snprintf(path, sizeof path, "faces/real/%s", contact_file(contact, 3));
    assert_true(picture_read(path, &image, NULL));
    random_open(&stream, 5, RANDOM_AUGMENT, epoch, contact->places[3]);
    for (size_t i = 0; i < to; i++)
        if (i < fixed || i >= from)
            assert_true(transform_apply(&pipeline->ops[i], &image, &stream, NULL));
    uint64_t hash = image_hash(&image);
    image_free(&image);
    return hash;
}

/* With an op that draws nothing at the front and without. */
static void a_row_has_each_step_and_each_op_alone_as_three_epochs_draw_it(void **state) {
    (void)state;
    static const char *const augmentations[] = {
        NULL, "[{\"op\": \"random_affine\", \"degrees\": 10},"
              "{\"op\": \"random_crop\", \"size\": 32}, {\"op\": \"normalize\"}]"};
    for (size_t i = 0; i < 2; i++) {
        const size_t fixed = i == 0, last = i == 0 ? 4 : 2;
        struct experiment decoded;
        struct contact contact = {0};
        struct seen seen = {0};
        decode(augmentations[i], &decoded);
        assert_true(contact_open(&decoded, 4, &contact, NULL));
        assert_true(contact_row(&contact, 3, see, &seen, NULL));
        assert_int_equal(seen.count, contact.column_count);
        assert_int_equal(seen.count, 1 + last + 3 * (last - fixed));
        size_t at = 0;
        for (size_t op = 0; op <= last; op++)
            assert_true(seen.hashes[at++] == hash_after(&contact, 0, op, 1));
        for (size_t op = fixed; op < last; op++)
            for (uint32_t epoch = 1; epoch <= 3; epoch++)
                assert_true(seen.hashes[at++] == hash_after(&contact, op, op + 1, epoch));
        contact_close(&contact);
        experiment_free(&decoded);
    }
}

static void a_row_that_cannot_be_drawn_names_its_picture(void **state) {
    (void)state;
    struct experiment decoded;
    struct contact contact = {0};
    struct seen seen = {0};
    struct error error = {0};
    char path[64], expected[80];
    decode("[{\"op\": \"random_crop\", \"size\": 61}, {\"op\": \"normalize\"}]", &decoded);
    assert_true(contact_open(&decoded, 4, &contact, NULL));
    snprintf(path, sizeof path, "faces/real/%s", contact_file(&contact, 3));
    assert_false(contact_row(&contact, 3, see, &seen, &error));
    snprintf(expected, sizeof expected, "%s: ", path);
    assert_int_equal(strncmp(error.message, expected, strlen(expected)), 0);
    assert_true(file_write_atomic(path, "cut", 3, NULL));
    seen.count = 0;
    assert_false(contact_row(&contact, 3, see, &seen, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    const char *named = strstr(error.message, path); /* once */
    assert_non_null(named);
    assert_null(strstr(named + 1, path));
    contact_close(&contact);
    assert_int_equal(rename("faces", "elsewhere"), 0);
    assert_false(contact_open(&decoded, 4, &contact, &error));
    contact_close(&contact);
    experiment_free(&decoded);
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
        INSIDE(columns_say_what_each_op_does),
        INSIDE(rows_are_shared_out_among_the_classes_and_no_picture_comes_twice),
        INSIDE(there_are_no_more_rows_than_there_is_room_for),
        INSIDE(a_row_has_each_step_and_each_op_alone_as_three_epochs_draw_it),
        INSIDE(a_row_that_cannot_be_drawn_names_its_picture),
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
