#include "core/split_make.h"

#include "tests/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Keep in step with ODD in make_split.py. */
static const char *const odd_names[] = {
    "a b.png",
    "quote\".png",
    "back\\slash.png",
    "tab\t.png",
    "line\n.png",
    "bell\x07.PNG",
    "delete\x7f.png",
    "\xc3\xa4.png",
    "\xe2\x82\xac.png",
    "\xf0\x9f\x98\x80.png",
    "latin1-\xe4.png",
    "cut-\xe2\x82.png",
    "overlong-\xc0\xaf.png",
    "surrogate-\xed\xa0\x80.png",
    "Z.png",
    "_.Png",
    "\x01.png",
    "slash.png.png",
};
enum { ODD_COUNT = sizeof odd_names / sizeof odd_names[0] };

static void touch(void **state, const char *folder, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", (const char *)*state, folder, name);
    int descriptor = open(path, O_CREAT | O_WRONLY, 0666);
    assert_true(descriptor >= 0);
    close(descriptor);
}

static void make_folder(void **state, const char *name) {
    char *path = temporary_path(state, name);
    assert_int_equal(mkdir(path, 0777), 0);
    free(path);
}

/* A folder with pictures 0000.png, 0001.png, ... */
static void make_class(void **state, const char *name, int count) {
    make_folder(state, name);
    for (int i = 0; i < count; i++) {
        char file[32];
        snprintf(file, sizeof file, "%04d.png", i);
        touch(state, name, file);
    }
}

/* An experiment on the given classes, split 0.8, 0.1, 0.1 with seed 0. */
static struct experiment experiment_on(struct experiment_class *classes, size_t count) {
    struct experiment experiment = {0};
    experiment.data.classes = classes;
    experiment.data.class_count = count;
    experiment.data.train = 0.8;
    experiment.data.valid = experiment.data.test = 0.1;
    return experiment;
}

static void expect_json(const struct split_list *list, const char *name) {
    char path[256], expected[16384];
    snprintf(path, sizeof path, "%s/split/%s.json", TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(expected, 1, sizeof expected - 1, file);
    expected[length] = '\0';
    fclose(file);
    char *text = split_to_json(list);
    assert_string_equal(text, expected);
    free(text);
}

static void lists_are_pythons_byte_for_byte(void **state) {
    make_folder(state, "fake_deepfake");
    for (size_t i = 0; i < ODD_COUNT; i++)
        touch(state, "fake_deepfake", odd_names[i]);
    make_class(state, "fake_face2face", 18);
    make_folder(state, "real");
    for (int i = 0; i < 29; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.png", i);
        touch(state, "real", name);
    }
    make_folder(state, "other");
    for (int i = 0; i < 11; i++) {
        char name[32];
        snprintf(name, sizeof name,
                 "\xc3\xbc"
                 "ber %d.jpg",
                 i);
        touch(state, "other", name);
    }
    struct experiment_class classes[] = {{"fake_deepfake", "fake_deepfake", 0, 1},
                                         {"fake_face2face", "fake_face2face", 0, 1},
                                         {"real", "real", 1, 2},
                                         {"other", "other", 1, 1}};
    const struct experiment experiment = experiment_on(classes, 4);
    struct split split;
    assert_true(split_make(&experiment, *state, &split, NULL));
    expect_json(&split.train, "train");
    expect_json(&split.valid, "valid");
    expect_json(&split.test, "test");
    split_free(&split);
    expect_json(&split.train, "empty");
}

/* random.seed(0); index = list(range(4000)); random.shuffle(index); index[:2], index[3200],
 * index[3600] */
static void the_notebooks_4000_pictures_a_class_share_one_shuffle(void **state) {
    make_class(state, "a", 4000);
    make_class(state, "b", 4000);
    struct experiment_class classes[] = {{"a", "a", 0, 1}, {"b", "b/", 1, 1}};
    const struct experiment experiment = experiment_on(classes, 2);
    struct split split;
    assert_true(split_make(&experiment, *state, &split, NULL));
    assert_int_equal(split.train.count, 6400);
    assert_int_equal(split.valid.count, 800);
    assert_int_equal(split.test.count, 800);
    assert_string_equal(split.train.items[0].path, "a/2314.png");
    assert_string_equal(split.train.items[3200].path, "b/2314.png");
    assert_string_equal(split.train.items[3201].path, "b/3128.png");
    assert_string_equal(split.test.items[799].path, "b/3458.png");
    assert_int_equal(split.train.items[3200].label, 1);
    assert_int_equal(split.train.items[3200].class_index, 1);
    split_free(&split);
}

static void fractions_of_a_class_are_rounded_down_as_pythons_int_does(void **state) {
    make_class(state, "a", 100);
    struct experiment_class classes[] = {{"a", "a", 0, 1}};
    struct experiment experiment = experiment_on(classes, 1);
    /* In double 0.29 * 100 is 28.999999999999996 and 0.57 * 100 is 56.99999999999999. */
    experiment.data.train = 0.57;
    experiment.data.valid = 0.29;
    struct split split;
    assert_true(split_make(&experiment, *state, &split, NULL));
    assert_int_equal(split.train.count, 56);
    assert_int_equal(split.valid.count, 28);
    assert_int_equal(split.test.count, 16);
    split_free(&split);
}

static void all_for_training_leaves_the_other_lists_empty(void **state) {
    make_class(state, "a", 3);
    struct experiment_class classes[] = {{"a", "a", 0, 3}};
    struct experiment experiment = experiment_on(classes, 1);
    experiment.data.train = 1;
    experiment.data.valid = experiment.data.test = 0;
    struct split split;
    assert_true(split_make(&experiment, *state, &split, NULL));
    assert_int_equal(split.train.count, 9);
    assert_string_equal(split.train.items[0].path, split.train.items[3].path);
    assert_int_equal(split.valid.count + split.test.count, 0);
    split_free(&split);
}

static void folders_and_other_files_are_no_pictures(void **state) {
    make_class(state, "a", 2);
    make_folder(state, "a/folder.png");
    touch(state, "a", "notes.txt");
    touch(state, "a", "png");
    struct experiment_class classes[] = {{"a", "a", 0, 1}};
    const struct experiment experiment = experiment_on(classes, 1);
    struct split split;
    assert_true(split_make(&experiment, *state, &split, NULL));
    assert_int_equal(split.train.count + split.valid.count + split.test.count, 2);
    split_free(&split);
}

static void a_split_without_pictures_to_train_or_validate_on_is_refused(void **state) {
    (void)state;
    struct split_item items[] = {{.label = 0}, {.label = 1}};
    struct error error = {0};
    struct split split = {.train = {items, 2}, .valid = {items, 1}};
    assert_true(split_check_trainable(&split, &error));
    split.valid.count = 0;
    assert_false(split_check_trainable(&split, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "no picture to validate on"));
    assert_non_null(strstr(error.message, "fill the list of data.files.valid"));
    split.train.count = 0;
    assert_false(split_check_trainable(&split, &error));
    assert_non_null(strstr(error.message, "no picture to train on: 0 valid, 0 test"));
}

/* Of a class of one picture, 0.8 of it is none. */
static void a_split_that_trains_on_one_label_is_refused(void **state) {
    make_class(state, "a", 10);
    make_class(state, "b", 1);
    struct experiment_class classes[] = {{"a", "a", 0, 1}, {"b", "b", 1, 1}};
    const struct experiment experiment = experiment_on(classes, 2);
    struct split split;
    struct error error = {0};
    assert_true(split_make(&experiment, *state, &split, &error));
    assert_int_equal(split.train.count, 8);
    assert_false(split_check_trainable(&split, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "no picture to train on has the label 1"));
    split_free(&split);
}

static void a_label_that_is_not_validated_on_is_told(void **state) {
    (void)state;
    struct split_item items[] = {{.label = 0}, {.label = 1}, {.label = 0}};
    struct split split = {.train = {items, 3}, .valid = {items, 2}};
    assert_null(split_caution(&split));
    split.valid.count = 1;
    char *text = split_caution(&split);
    assert_non_null(strstr(text, "no picture to validate on has the label 1:"));
    free(text);
    split.valid.items = items + 1;
    text = split_caution(&split);
    assert_non_null(strstr(text, "no picture to validate on has the label 0:"));
    free(text);
    assert_int_equal(split_missing_label(&split.valid), 0);
    assert_int_equal(split_missing_label(&split.train), -1);
}

static void a_link_to_a_picture_is_a_picture(void **state) {
    make_class(state, "a", 1);
    char *link_path = temporary_path(state, "a/link.png");
    assert_int_equal(symlink("0000.png", link_path), 0);
    free(link_path);
    struct experiment_class classes[] = {{"a", "a", 0, 1}};
    const struct experiment experiment = experiment_on(classes, 1);
    struct split split;
    assert_true(split_make(&experiment, *state, &split, NULL));
    assert_int_equal(split.train.count + split.valid.count + split.test.count, 2);
    split_free(&split);
}

static void expect_refused(void **state, char *dir, const char *message) {
    struct experiment_class classes[] = {{"faces", dir, 0, 1}};
    const struct experiment experiment = experiment_on(classes, 1);
    char *root = temporary_path(state, "root");
    struct split split;
    struct error error = {0};
    assert_false(split_make(&experiment, root, &split, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_null(split.train.items);
    free(root);
}

static void class_folders_that_leave_the_root_are_refused(void **state) {
    make_folder(state, "root");
    make_class(state, "outside", 2);
    make_class(state, "rootless", 2);
    char *link_path = temporary_path(state, "root/link");
    assert_int_equal(symlink("../outside", link_path), 0);
    free(link_path);
    link_path = temporary_path(state, "root/beside");
    assert_int_equal(symlink("../rootless", link_path), 0);
    free(link_path);
    expect_refused(state, "../outside", "leaves data.root");
    expect_refused(state, "a/../../outside", "leaves data.root");
    expect_refused(state, "..", "leaves data.root");
    expect_refused(state, "/etc", "leaves data.root");
    expect_refused(state, "link", "leads out of data.root");
    expect_refused(state, "beside", "leads out of data.root");
}

static void missing_and_empty_class_folders_are_named(void **state) {
    make_folder(state, "root");
    make_folder(state, "root/empty");
    touch(state, "root", "file.png");
    expect_refused(state, "missing", "root/missing\": No such file");
    expect_refused(state, "empty", "no picture (.png, .jpg, .jpeg or .webp) in");
    expect_refused(state, "file.png", "Not a directory");
}

static void a_picture_that_is_a_dead_link_is_named(void **state) {
    make_folder(state, "root");
    make_folder(state, "root/a");
    char *link_path = temporary_path(state, "root/a/gone.png");
    assert_int_equal(symlink("nowhere", link_path), 0);
    free(link_path);
    expect_refused(state, "a", "gone.png");
}

struct dirent *__wrap_readdir(DIR *folder);
struct dirent *__real_readdir(DIR *folder);
static int reads; /* until one fails; 0: none does */
struct dirent *__wrap_readdir(DIR *folder) {
    if (--reads != 0)
        return __real_readdir(folder);
    errno = EIO;
    return NULL;
}

/* Else a run would train on some of the pictures, and call them all. */
static void a_folder_that_is_not_read_to_its_end_is_named(void **state) {
    make_class(state, "a", 3);
    struct experiment_class classes[] = {{"a", "a", 0, 1}};
    const struct experiment experiment = experiment_on(classes, 1);
    struct split split;
    struct error error = {0};
    reads = 5; /* ".", "..", two of the pictures */
    assert_false(split_make(&experiment, *state, &split, &error));
    assert_non_null(strstr(error.message, "/a\": Input/output error"));
    assert_int_equal(error.cause, CAUSE_MACHINE);
}

/* As who looks at each picture has it: in its place among 10, as Python deals them out with seed 0:
 * l = list(range(10)); random.seed(0); random.shuffle(l) makes it 7 8 1 5 3 4 2 0 9 6 */
static void by_its_name_a_dead_link_has_its_place_in_the_split(void **state) {
    make_class(state, "a", 8);
    make_folder(state, "a/zfolder.png");
    const char *const links[][2] = {{"nowhere", "a/0003a.png"}, {"0007b.png", "a/0007b.png"}};
    for (size_t i = 0; i < 2; i++) {
        char *link_path = temporary_path(state, links[i][1]);
        assert_int_equal(symlink(links[i][0], link_path), 0);
        free(link_path);
    }
    struct experiment_class classes[] = {{"a", "a", 0, 1}};
    const struct experiment experiment = experiment_on(classes, 1);
    struct split split;
    assert_true(split_make_as_named(&experiment, *state, &split, NULL));
    assert_int_equal(split.train.count, 8);
    assert_string_equal(split.train.items[5].path, "a/0003a.png");
    assert_string_equal(split.valid.items[0].path, "a/0007b.png");
    split_free(&split);
}

static void a_missing_root_is_named(void **state) {
    expect_refused(state, "a", "data.root");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(lists_are_pythons_byte_for_byte),
        IN_FOLDER(the_notebooks_4000_pictures_a_class_share_one_shuffle),
        IN_FOLDER(fractions_of_a_class_are_rounded_down_as_pythons_int_does),
        IN_FOLDER(all_for_training_leaves_the_other_lists_empty),
        IN_FOLDER(folders_and_other_files_are_no_pictures),
        cmocka_unit_test(a_split_without_pictures_to_train_or_validate_on_is_refused),
        IN_FOLDER(a_split_that_trains_on_one_label_is_refused),
        cmocka_unit_test(a_label_that_is_not_validated_on_is_told),
        IN_FOLDER(a_link_to_a_picture_is_a_picture),
        IN_FOLDER(class_folders_that_leave_the_root_are_refused),
        IN_FOLDER(missing_and_empty_class_folders_are_named),
        IN_FOLDER(a_picture_that_is_a_dead_link_is_named),
        IN_FOLDER(a_folder_that_is_not_read_to_its_end_is_named),
        IN_FOLDER(by_its_name_a_dead_link_has_its_place_in_the_split),
        IN_FOLDER(a_missing_root_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
