#include "core/manifest_file.h"
#include "core/manifest_fingerprint.h"

#include "core/file.h"
#include "core/json.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

/* Three lists in memory: "b/2.png" is trained on twice, one name is no UTF-8. */
static void fill(struct split *split) {
    static const struct {
        unsigned list;
        const char *path;
        int label;
    } rows[] = {{0, "b/2.png", 1}, {0, "b/2.png", 1},      {0, "a/1.png", 0},
                {1, "b/1.png", 1}, {2, "a/\xe4\".png", 0}, {2, "a/0.png", 0}};
    struct split_list *const lists[] = {&split->train, &split->valid, &split->test};
    *split = (struct split){0};
    assert_true(split_add_class(split, "a", 0, 1, NULL) && split_add_class(split, "b", 1, 2, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct split_list *list = lists[rows[i].list];
        list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
        list->items[list->count++] = (struct split_item){.path = strdup(rows[i].path),
                                                         .label = rows[i].label,
                                                         .class_index = (size_t)rows[i].label};
    }
}

static void make(struct manifest *manifest) {
    struct split split;
    fill(&split);
    assert_true(manifest_of_split(&split, manifest, NULL));
    split_free(&split);
    for (size_t i = 0; i < manifest->count; i++) {
        manifest->pictures[i].bytes = 10 + i;
        memset(manifest->pictures[i].sha256, '0' + (int)i, 64);
    }
}

static void a_split_gives_each_picture_once_by_class_and_path(void **state) {
    (void)state;
    struct manifest manifest;
    make(&manifest);
    static const char *const paths[] = {"a/0.png", "a/1.png", "a/\xe4\".png", "b/1.png", "b/2.png"};
    static const unsigned lists[] = {MANIFEST_TEST, MANIFEST_TRAIN, MANIFEST_TEST, MANIFEST_VALID,
                                     MANIFEST_TRAIN};
    assert_int_equal(manifest.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(manifest.pictures[i].path, paths[i]);
        assert_int_equal(manifest.pictures[i].lists, lists[i]);
    }
    assert_int_equal(manifest.classes[1].first, 3);
    assert_int_equal(manifest.classes[1].count, 2);
    manifest_free(&manifest);
}

/* The class "z" comes first, and is in both lists with one picture. */
static void a_picture_has_all_its_lists_and_classes_keep_their_order(void **state) {
    (void)state;
    struct split split = {0};
    struct manifest manifest;
    struct split_list *const lists[] = {&split.train, &split.test};
    assert_true(split_add_class(&split, "z", 0, 1, NULL) &&
                split_add_class(&split, "a", 1, 1, NULL));
    for (size_t i = 0; i < 2; i++) {
        lists[i]->items = calloc(2, sizeof *lists[i]->items);
        lists[i]->items[0] = (struct split_item){.path = strdup("z/1.png"), .class_index = 0};
        lists[i]->count = 1;
    }
    split.train.items[split.train.count++] =
        (struct split_item){.path = strdup("a/1.png"), .label = 1, .class_index = 1};
    assert_true(manifest_of_split(&split, &manifest, NULL));
    assert_int_equal(manifest.count, 2);
    assert_string_equal(manifest.pictures[0].path, "z/1.png");
    assert_int_equal(manifest.pictures[0].lists, MANIFEST_TRAIN | MANIFEST_TEST);
    assert_string_equal(manifest.pictures[1].path, "a/1.png");
    assert_int_equal(manifest.pictures[1].lists, MANIFEST_TRAIN);
    assert_int_equal(manifest.classes[1].first, 1);
    split_free(&split);
    manifest_free(&manifest);
}

/* In a folder with the files b/1.png and b/2.png that have these sums: sha256sum b/?.png |
 * sha256sum. Here: python3 -c 'import hashlib; print(hashlib.sha256(("%s  b/1.png\n%s  b/2.png\n" %
 * ("3" * 64, "4" * 64)).encode()).hexdigest())' */
static const char sum_of_b[] = "7b1ad3a7f5a50289f58fe9dd6a7128e1f5cd871adb47f84646d1f082280ca706";

static void a_class_has_the_checksum_of_what_sha256sum_prints(void **state) {
    (void)state;
    struct manifest manifest;
    const struct experiment experiment = {0};
    make(&manifest);
    cJSON *fingerprint = manifest_fingerprint(&manifest, &experiment, NULL);
    const cJSON *b = cJSON_GetArrayItem(json_member(fingerprint, "classes"), 1);
    assert_string_equal(json_member(b, "sha256")->valuestring, sum_of_b);
    assert_int_equal(json_member(b, "bytes")->valuedouble, 13 + 14);
    assert_int_equal(json_member(b, "pictures")->valuedouble, 2);
    assert_null(json_member(fingerprint, "lists"));
    cJSON_Delete(fingerprint);
    manifest_free(&manifest);
}

static void a_manifest_reads_back_as_it_was_written(void **state) {
    struct manifest manifest, read;
    char *path = temporary_path(state, MANIFEST_NAME);
    make(&manifest);
    char *text = manifest_text(&manifest), *again;
    static const char begin[] = "{\n  \"pictures\": 5,\n  \"bytes\": 60,\n"; /* 10 + ... + 14 */
    assert_memory_equal(text, begin, sizeof begin - 1);
    assert_true(file_write_atomic(path, text, strlen(text), NULL));
    assert_true(manifest_read(path, &read, NULL));
    again = manifest_text(&read);
    assert_string_equal(again, text);
    assert_string_equal(read.pictures[2].path, "a/\xe4\".png");
    free(text);
    free(again);
    free(path);
    manifest_free(&read);
    manifest_free(&manifest);
}

enum { WRITERS = 4, TIMES = 25 };

struct writer {
    pthread_t thread;
    const char *path;
    const struct manifest *manifest;
    struct error error;
};

static void *write_often(void *context) {
    struct writer *writer = context;
    for (int i = 0; i < TIMES; i++)
        if (!manifest_write(writer->path, writer->manifest, &writer->error))
            break;
    return NULL;
}

static void several_who_write_it_at_once_take_turns(void **state) {
    struct manifest manifest, read;
    struct writer writers[WRITERS];
    char *path = temporary_path(state, MANIFEST_NAME);
    make(&manifest);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.path = path, .manifest = &manifest};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_often, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_string_equal(writers[i].error.message, "");
    }
    assert_true(manifest_read(path, &read, NULL));
    free(path);
    manifest_free(&read);
    manifest_free(&manifest);
}

static void what_is_no_manifest_is_refused(void **state) {
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"classes\": 1}",
        "{\"classes\": [1]}",
        "{\"classes\": [{\"name\": \"a\"}]}",
#define SHA256 "\"sha256\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
#define OF_PICTURE(...) "{\"classes\": [{\"name\": \"a\", \"files\": [{" __VA_ARGS__ "}]}]}"
        OF_PICTURE(""),
        OF_PICTURE("\"path\": \"x\", \"bytes\": 1"),
        OF_PICTURE("\"path\": \"x\", \"bytes\": 1, \"sha256\": \"00\""),
        OF_PICTURE("\"path\": \"x\", " SHA256),
        OF_PICTURE("\"path\": \"x\", \"bytes\": \"1\", " SHA256),
        OF_PICTURE("\"path\": \"x\", \"bytes\": -1, " SHA256),
        OF_PICTURE("\"path\": \"x\", \"bytes\": 1e16, " SHA256),
        OF_PICTURE("\"bytes\": 1, " SHA256),
        OF_PICTURE("\"path\": \"x\", \"bytes\": 1, " SHA256 "}, {")};
    char *path = temporary_path(state, MANIFEST_NAME);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct manifest manifest;
        struct error error = {0};
        assert_true(file_write_atomic(path, texts[i], strlen(texts[i]), NULL));
        assert_false(manifest_read(path, &manifest, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, MANIFEST_NAME));
        assert_null(manifest.pictures);
    }
    free(path);
}

static void expect_difference(const struct manifest *here, const struct manifest *then,
                              const struct manifest *shown, const char *message) {
    const struct experiment experiment = {0};
    struct error error = {0};
    cJSON *expected = manifest_fingerprint(then, &experiment, NULL),
          *actual = manifest_fingerprint(here, &experiment, NULL);
    bool same = manifest_compare(expected, actual, here, shown, &error);
    cJSON_Delete(expected);
    cJSON_Delete(actual);
    assert_int_equal(same, message == NULL);
    if (message == NULL)
        return;
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
}

static void differences_are_named_as_far_as_they_are_known(void **state) {
    (void)state;
    struct manifest here, then;
    make(&here);
    make(&then);
    expect_difference(&here, &then, &then, NULL);
    here.pictures[4].sha256[7] = 'f';
    expect_difference(
        &here, &then, &then,
        "class \"b\" has 2 in both, of 27 bytes here and 27 there, with other names or "
        "contents; first: \"b/2.png\" has other bytes; ");
    expect_difference(&here, &then, NULL, "with other names or contents; bring");
    expect_difference(&here, &then, &here, "with other names or contents; bring");
    here.classes[1].count = 1;
    expect_difference(&here, &then, &then,
                      "class \"b\" has 1 here and 2 there; first: \"b/2.png\" is missing here");
    expect_difference(&then, &here, &here,
                      "class \"b\" has 2 here and 1 there; first: \"b/2.png\" was not there");
    here.class_count = 1;
    expect_difference(&here, &then, &then, "there is no class \"b\"");
    expect_difference(&then, &here, &here, "there was no class \"b\"");
    here.class_count = 2;
    here.classes[1].count = 2;
    manifest_free(&here);
    manifest_free(&then);
}

static void each_split_file_is_part_of_the_fingerprint(void **state) {
    static const char *const keys[] = {"data.files.train", "data.files.valid", "data.files.test"};
    struct manifest manifest;
    struct experiment experiment = {0};
    char *path = temporary_path(state, "list.json"), *other = temporary_path(state, "other.json");
    char **const files[] = {&experiment.data.files.train, &experiment.data.files.valid,
                            &experiment.data.files.test};
    make(&manifest);
    assert_true(file_write_atomic(path, "[]", 2, NULL));
    assert_true(file_write_atomic(other, "[ ]", 3, NULL));
    *files[0] = *files[1] = *files[2] = path;
    cJSON *expected = manifest_fingerprint(&manifest, &experiment, NULL);
    assert_true(manifest_compare(expected, expected, &manifest, NULL, NULL));
    for (size_t i = 0; i < 3; i++) {
        struct error error = {0};
        *files[i] = other;
        cJSON *actual = manifest_fingerprint(&manifest, &experiment, NULL);
        assert_false(manifest_compare(expected, actual, &manifest, NULL, &error));
        assert_non_null(strstr(error.message, keys[i]));
        cJSON_Delete(actual);
        *files[i] = path;
    }
    cJSON_Delete(expected);
    manifest_free(&manifest);
    free(path);
    free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_gives_each_picture_once_by_class_and_path),
        cmocka_unit_test(a_picture_has_all_its_lists_and_classes_keep_their_order),
        cmocka_unit_test(a_class_has_the_checksum_of_what_sha256sum_prints),
        cmocka_unit_test(a_manifest_reads_back_as_it_was_written),
        cmocka_unit_test(several_who_write_it_at_once_take_turns),
        cmocka_unit_test(what_is_no_manifest_is_refused),
        cmocka_unit_test(differences_are_named_as_far_as_they_are_known),
        cmocka_unit_test(each_split_file_is_part_of_the_fingerprint),
    };
    return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
