#include "core/split_files.h"

#include "core/file.h"
#include "core/split_make.h"
#include "tests/temporary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Names that need every kind of escape, the last two no UTF-8. */
static const char *const names[] = {
    "0.png",        "quote\".jpg",           "back\\slash.png", "tab\t.webp",
    "\xc3\xa4.png", "\xf0\x9f\x98\x80.JPEG", "latin1-\xe4.png", "surrogate-\xed\xa0\x80.png"};
enum { NAMES = sizeof names / sizeof *names };

static void touch(void **state, const char *path) {
    char *whole = temporary_path(state, path), *slash = strrchr(whole, '/');
    *slash = '\0';
    assert_true(folder_make(whole, NULL));
    *slash = '/';
    assert_true(file_write_atomic(whole, "", 0, NULL));
    free(whole);
}

/* root/fake, root/real: NAMES and more pictures. */
static void make_pictures(void **state) {
    char path[256];
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "root/fake/%s", names[i]);
        touch(state, path);
        snprintf(path, sizeof path, "root/real/%s", names[i]);
        touch(state, path);
    }
    for (int i = 10; i < 23; i++) {
        snprintf(path, sizeof path, "root/real/%d.png", i);
        touch(state, path);
    }
}

/* An experiment in memory that its tests fill in, with what it points to. */
struct bench {
    struct experiment experiment;
    struct experiment_class classes[2];
    char *root, *lists[3];
};

static void bench_open(void **state, struct bench *bench) {
    static const char *const files[] = {"train.json", "valid.json", "test.json"};
    *bench = (struct bench){.classes = {{"fake", "fake", 0, 1}, {"real", "real", 1, 1}}};
    bench->root = temporary_path(state, "root");
    for (size_t i = 0; i < 3; i++)
        bench->lists[i] = temporary_path(state, files[i]);
    bench->experiment.data.classes = bench->classes;
    bench->experiment.data.class_count = 2;
    bench->experiment.data.train = 0.6;
    bench->experiment.data.valid = bench->experiment.data.test = 0.2;
}

static void use_files(struct bench *bench) {
    bench->experiment.data.files.train = bench->lists[0];
    bench->experiment.data.files.valid = bench->lists[1];
    bench->experiment.data.files.test = bench->lists[2];
}

static void bench_close(struct bench *bench) {
    cJSON_Delete(bench->experiment.config);
    free(bench->root);
    for (size_t i = 0; i < 3; i++)
        free(bench->lists[i]);
}

static void write_lists(const struct bench *bench, const struct split *split) {
    const struct split_list *const lists[] = {&split->train, &split->valid, &split->test};
    for (size_t i = 0; i < 3; i++) {
        char *text = split_to_json(lists[i]);
        assert_true(file_write_atomic(bench->lists[i], text, strlen(text), NULL));
        free(text);
    }
}

static void expect_same(const struct split_list *list, const struct split_list *expected) {
    assert_int_equal(list->count, expected->count);
    for (size_t i = 0; i < list->count; i++) {
        assert_string_equal(list->items[i].path, expected->items[i].path);
        assert_int_equal(list->items[i].label, expected->items[i].label);
        assert_int_equal(list->items[i].class_index, expected->items[i].class_index);
    }
}

static void make(const struct bench *bench, struct split *split) {
    struct error error = {0};
    if (!split_make(&bench->experiment, bench->root, split, &error))
        fail_msg("%s", error.message);
}

static void upsample_real(struct bench *bench, const char *json) {
    cJSON_Delete(bench->experiment.config);
    bench->experiment.config = cJSON_Parse(json);
    assert_non_null(bench->experiment.config);
}

/* With data.classes, and without, when the folders' names are the classes'. */
static void a_split_that_was_written_reads_back_the_same(void **state) {
    struct bench bench;
    struct split split, read;
    make_pictures(state);
    bench_open(state, &bench);
    make(&bench, &split);
    write_lists(&bench, &split);
    use_files(&bench);
    for (size_t given = 0; given <= 2; given += 2) {
        bench.experiment.data.class_count = given;
        make(&bench, &read);
        expect_same(&read.train, &split.train);
        expect_same(&read.valid, &split.valid);
        expect_same(&read.test, &split.test);
        assert_int_equal(read.class_count, 2);
        assert_string_equal(read.classes[0].name, "fake");
        assert_string_equal(read.classes[1].name, "real");
        assert_int_equal(read.classes[1].label, 1);
        split_free(&read);
    }
    split_free(&split);
    bench_close(&bench);
}

static void upsampling_applies_by_class_as_to_folders(void **state) {
    struct bench bench;
    struct split split, upsampled, read;
    make_pictures(state);
    bench_open(state, &bench);
    make(&bench, &split);
    write_lists(&bench, &split);
    bench.classes[1].repeat = 3;
    make(&bench, &upsampled);
    use_files(&bench);
    upsample_real(&bench, "{\"data\": {\"upsample\": {\"real\": 3}}}");
    for (size_t given = 0; given <= 2; given += 2) {
        bench.experiment.data.class_count = given;
        make(&bench, &read);
        expect_same(&read.train, &upsampled.train);
        expect_same(&read.valid, &split.valid);
        split_free(&read);
    }
    split_free(&upsampled);
    split_free(&split);
    bench_close(&bench);
}

static void put(const struct bench *bench, size_t list, const char *text) {
    assert_true(file_write_atomic(bench->lists[list], text, strlen(text), NULL));
}

#define ITEM(label, path) "{\"label\": " #label ", \"path\": \"" path "\"}"

static void open_small(void **state, struct bench *bench) {
    static const char *const pictures[] = {"root/a/1.png", "root/a/2.png", "root/a/3.png",
                                           "root/b/1.png", "root/b/2.png", "root/4.png"};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        touch(state, pictures[i]);
    bench_open(state, bench);
    use_files(bench);
    bench->experiment.data.class_count = 0;
    put(bench, 0, "[" ITEM(0, "a/1.png") ", " ITEM(1, "b/1.png") ", " ITEM(0, "a/2.png") "]");
    put(bench, 1, "[" ITEM(1, "b/2.png") "]");
    put(bench, 2, "[]");
}

static void expect_paths(const struct split_list *list, const char *expected) {
    char text[512] = "";
    for (size_t i = 0; i < list->count; i++) {
        strcat(text, i == 0 ? "" : " ");
        strcat(text, list->items[i].path);
    }
    assert_string_equal(text, expected);
}

static void lists_keep_their_order_and_copies_follow_the_last_of_a_class(void **state) {
    struct bench bench;
    struct split split;
    open_small(state, &bench);
    make(&bench, &split);
    expect_paths(&split.train, "a/1.png b/1.png a/2.png");
    assert_int_equal(split.test.count, 0);
    split_free(&split);
    upsample_real(&bench, "{\"data\": {\"upsample\": {\"a\": 2, \"b\": 3}}}");
    make(&bench, &split);
    expect_paths(&split.train, "a/1.png b/1.png b/1.png b/1.png a/2.png a/1.png a/2.png");
    split_free(&split);
    bench_close(&bench);
}

static void a_list_that_was_upsampled_when_written_stays_as_it_is(void **state) {
    struct bench bench;
    struct split split;
    open_small(state, &bench);
    put(&bench, 0, "[" ITEM(0, "a/1.png") ", " ITEM(1, "b/1.png") ", " ITEM(1, "b/1.png") "]");
    make(&bench, &split);
    expect_paths(&split.train, "a/1.png b/1.png b/1.png");
    split_free(&split);
    bench_close(&bench);
}

static void paths_may_be_absolute_and_untidy_inside_the_root(void **state) {
    struct bench bench;
    struct split split;
    char text[2048];
    open_small(state, &bench);
    char *link_path = temporary_path(state, "link");
    assert_int_equal(symlink("root", link_path), 0);
    snprintf(
        text, sizeof text,
        "[{\"path\": \"%s/a/1.png\", \"label\": 0}, {\"path\": \"%s/a//./2.png\", \"label\": 0}, "
        "{\"path\": \"./b/1.png\", \"label\": 1}, {\"path\": \"4.png\", \"label\": 1}]",
        bench.root, link_path);
    put(&bench, 0, text);
    make(&bench, &split);
    expect_paths(&split.train, "a/1.png a/2.png b/1.png 4.png");
    assert_string_equal(split.classes[split.train.items[3].class_index].name, "root");
    split_free(&split);
    free(link_path);
    bench_close(&bench);
}

static void a_picture_in_the_root_may_be_named_by_a_link_to_it(void **state) {
    struct bench bench;
    struct split split;
    char text[2048];
    open_small(state, &bench);
    char *link_path = temporary_path(state, "link");
    assert_int_equal(symlink("root", link_path), 0);
    snprintf(text, sizeof text, "[{\"path\": \"%s/4.png\", \"label\": 0}, " ITEM(1, "b/1.png") "]",
             link_path);
    put(&bench, 0, text);
    make(&bench, &split);
    expect_paths(&split.train, "4.png b/1.png");
    split_free(&split);
    free(link_path);
    bench_close(&bench);
}

static void a_folder_with_both_labels_is_two_classes(void **state) {
    struct bench bench;
    struct split split;
    open_small(state, &bench);
    put(&bench, 0, "[" ITEM(0, "a/1.png") ", " ITEM(1, "a/2.png") ", " ITEM(0, "b/1.png") "]");
    put(&bench, 1, "[" ITEM(0, "b/2.png") "]");
    make(&bench, &split);
    assert_int_equal(split.class_count, 3);
    assert_string_equal(split.classes[0].name, "a (label 0)");
    assert_string_equal(split.classes[1].name, "a (label 1)");
    assert_string_equal(split.classes[2].name, "b");
    split_free(&split);
    bench_close(&bench);
}

static void the_longest_dir_of_data_classes_decides(void **state) {
    struct bench bench;
    struct split split;
    open_small(state, &bench);
    touch(state, "root/a/c/1.png");
    put(&bench, 0, "[" ITEM(0, "a/1.png") ", " ITEM(1, "a/c/1.png") ", " ITEM(1, "b/1.png") "]");
    bench.experiment.data.class_count = 2;
    for (size_t inner = 0; inner < 2; inner++) {
        bench.classes[1 - inner] = (struct experiment_class){"outer", "a", 0, 1};
        bench.classes[inner] = (struct experiment_class){"inner", "a/c", 1, 1};
        make(&bench, &split);
        assert_string_equal(split.classes[split.train.items[0].class_index].name, "outer");
        assert_string_equal(split.classes[split.train.items[1].class_index].name, "inner");
        assert_string_equal(split.classes[split.train.items[2].class_index].name, "b");
        split_free(&split);
    }
    bench_close(&bench);
}

static void expect_refused(const struct bench *bench, const char *message) {
    struct split split;
    struct error error = {0};
    if (split_make(&bench->experiment, bench->root, &split, &error))
        fail_msg("nobody said \"%s\"", message);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_null(strchr(error.message, '\n'));
    if (strstr(error.message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
    assert_null(split.train.items);
    assert_null(split.classes);
}

static void broken_lists_are_refused_with_their_place(void **state) {
    struct bench bench;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "train.json:1: there is nothing in it"},
        {"{}", "train.json:1: must be a list of {\"label\", \"path\"} in JSON"},
        {"path,label\na.png,1\n", "train.json:1: must be a list of"},
        {"\xef\xbb\xbf[]", "byte order mark"},
        {" ", "train.json:1: there is nothing in it"},
        {"[\n{\"label\": 0, \"path\": \"a/1.png\"},\n{\"label\": 0, \"path\": ", "train.json:3: "},
        {"[1]", "train.json:1: [0]: must be an object"},
        {"[" ITEM(0, "a/1.png") ",\n" ITEM(2, "b/1.png") "]",
         "train.json:2: [1].label: \"label\" must be 0 or 1"},
        {"[" ITEM("1", "a/1.png") "]", "[0].label"},
        {"[" ITEM(0.5, "a/1.png") "]", "[0].label"},
        {"[{\"path\": \"a/1.png\"}]", "[0]: \"label\" must be 0 or 1"},
        {"[{\"label\": 1}]", "[0]: \"path\" must name a picture"},
        {"[{\"label\": 1, \"path\": 7}]", "[0].path"},
        {"[{\"label\": 1, \"path\": \"\"}]", "[0].path"},
        {"[{\"label\": 1, \"path\": \"a/1.png\", \"x\": 1}]", "unknown key \"x\""},
        {"[" ITEM(0, "../root/a/1.png") "]", "is not inside data.root"},
        {"[" ITEM(0, "a/../../outside/1.png") "]", "is not inside data.root"},
        {"[" ITEM(0, "/etc/passwd") "]", "is not inside data.root"},
        {"[" ITEM(0, "out/1.png") "]", "leads out of data.root"},
        {"[" ITEM(0, "a/9.png") "]", "a/9.png\": No such file"},
        {"[" ITEM(0, "c/9.png") "]", "c\": No such file"},
        {"[" ITEM(0, "a") "]", "is no file"},
        {"[" ITEM(0, "\\udc80\\ud800.png") "]", "half a character"},
        {"[" ITEM(0, "a/1.png") "]", "no picture has the label 1"},
        {"[" ITEM(1, "a/1.png") "]", "no picture has the label 0"},
        {"[" ITEM(0, "a/1.png") ", " ITEM(1, "a/1.png") "]",
         "has the label 1, and as [0] the label 0"},
        {"[" ITEM(0, "a/1.png") ", " ITEM(1, "b/2.png") "]", "valid.json: [0]: \"b/2.png\" is in "},
    };
    open_small(state, &bench);
    touch(state, "outside/1.png");
    char *link_path = temporary_path(state, "root/out");
    assert_int_equal(symlink("../outside", link_path), 0);
    free(link_path);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(&bench, 0, rows[i].text);
        expect_refused(&bench, rows[i].message);
    }
    bench_close(&bench);
}

static void a_later_list_is_refused_with_its_own_place(void **state) {
    struct bench bench;
    char text[1024];
    open_small(state, &bench);
    put(&bench, 1, "[" ITEM(1, "b/2.png") ",\n1]");
    expect_refused(&bench, "valid.json:2: [1]: must be an object");
    snprintf(text, sizeof text, "[{\"path\": \"%s/a/../b/2.png\", \"label\": 1}]", bench.root);
    put(&bench, 1, text);
    expect_refused(&bench, "b/2.png\" has a \"..\" part");
    bench_close(&bench);
}

static void a_picture_twice_in_what_is_validated_on_is_refused(void **state) {
    struct bench bench;
    open_small(state, &bench);
    put(&bench, 1, "[" ITEM(1, "b/2.png") ", " ITEM(1, "./b/2.png") "]");
    expect_refused(&bench, "valid.json: [1]: \"b/2.png\" is [0] already");
    bench_close(&bench);
}

static void a_picture_is_found_in_two_places_however_far_apart(void **state) {
    struct bench bench;
    open_small(state, &bench);
    put(&bench, 2, "[" ITEM(0, "a/3.png") ", " ITEM(0, "a/1.png") "]");
    expect_refused(&bench, "test.json: [1]: \"a/1.png\" is in ");
    expect_refused(&bench, "train.json too, as [0]");
    put(&bench, 2, "[" ITEM(0, "a/3.png") ", " ITEM(1, "b/2.png") "]");
    expect_refused(&bench, "valid.json too, as [0]");
    put(&bench, 0, "[" ITEM(0, "a/1.png") ", " ITEM(1, "b/1.png") ", " ITEM(1, "a/1.png") "]");
    expect_refused(&bench, "train.json: [2]: \"a/1.png\" has the label 1, and as [0] the label 0");
    bench_close(&bench);
}

static void a_label_that_contradicts_its_class_is_refused(void **state) {
    struct bench bench;
    open_small(state, &bench);
    bench.classes[0] = (struct experiment_class){"forged", "a", 1, 1};
    bench.experiment.data.class_count = 1;
    expect_refused(&bench, "[0].label: is 0, and class \"forged\" has the label 1");
    bench_close(&bench);
}

/* The longest name of a folder is 255 bytes, of a class in a message 256. */
static void a_class_whose_name_no_message_carries_is_refused(void **state) {
    struct bench bench;
    char folder[256], path[300], text[1200];
    open_small(state, &bench);
    memset(folder, 'n', 255);
    folder[255] = '\0';
    for (int i = 1; i <= 2; i++) {
        snprintf(path, sizeof path, "root/%s/%d.png", folder, i);
        touch(state, path);
    }
    snprintf(text, sizeof text,
             "[{\"label\": 0, \"path\": \"%s/1.png\"}, {\"label\": 1, \"path\": \"%s/2.png\"}]",
             folder, folder);
    put(&bench, 0, text);
    expect_refused(&bench, "nnn...\" has pictures of both labels");
    bench_close(&bench);
}

static void an_unknown_class_to_upsample_is_refused(void **state) {
    struct bench bench;
    open_small(state, &bench);
    upsample_real(&bench, "{\"data\": {\"upsample\": {\"bb\": 2}}}");
    expect_refused(&bench, "no class \"bb\"; did you mean \"");
    bench_close(&bench);
}

/* A picture of which the file system has lost the server. */
static const char *lost;
int __wrap_stat(const char *path, struct stat *status);
int __real_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status) {
    if (lost == NULL || strstr(path, lost) == NULL)
        return __real_stat(path, status);
    errno = ESTALE;
    return -1;
}

/* So that who lacks it does not fail the experiment for everybody. */
static void that_the_machine_cannot_get_at_a_picture_is_no_fault_of_the_list(void **state) {
    struct bench bench;
    struct split split = {0};
    struct error error = {0};
    open_small(state, &bench);
    lost = "a/2.png";
    assert_false(split_make(&bench.experiment, bench.root, &split, &error));
    lost = NULL;
    assert_non_null(strstr(error.message, "a/2.png\": Stale file handle"));
    assert_int_equal(error.cause, CAUSE_MACHINE);
    split_free(&split);
    bench_close(&bench);
}

static void a_missing_list_is_named(void **state) {
    struct bench bench;
    open_small(state, &bench);
    assert_int_equal(unlink(bench.lists[2]), 0);
    expect_refused(&bench, "test.json: cannot be read");
    bench_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_split_that_was_written_reads_back_the_same),
        IN_FOLDER(upsampling_applies_by_class_as_to_folders),
        IN_FOLDER(lists_keep_their_order_and_copies_follow_the_last_of_a_class),
        IN_FOLDER(a_list_that_was_upsampled_when_written_stays_as_it_is),
        IN_FOLDER(paths_may_be_absolute_and_untidy_inside_the_root),
        IN_FOLDER(a_picture_in_the_root_may_be_named_by_a_link_to_it),
        IN_FOLDER(a_folder_with_both_labels_is_two_classes),
        IN_FOLDER(the_longest_dir_of_data_classes_decides),
        IN_FOLDER(broken_lists_are_refused_with_their_place),
        IN_FOLDER(a_later_list_is_refused_with_its_own_place),
        IN_FOLDER(a_picture_twice_in_what_is_validated_on_is_refused),
        IN_FOLDER(a_picture_is_found_in_two_places_however_far_apart),
        IN_FOLDER(a_label_that_contradicts_its_class_is_refused),
        IN_FOLDER(a_class_whose_name_no_message_carries_is_refused),
        IN_FOLDER(an_unknown_class_to_upsample_is_refused),
        IN_FOLDER(that_the_machine_cannot_get_at_a_picture_is_no_fault_of_the_list),
        IN_FOLDER(a_missing_list_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
