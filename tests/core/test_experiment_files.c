/* Whole experiment files: good ones, broken ones, and what chance has made of them. */
#include "core/members.h"
#include "core/text.h"
#include "tests/core/configs.h"
#include "tests/temporary.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What assay validate must print of a file, in the folder of the file. */
static char *validate(const char *path, bool *valid) {
    struct members members;
    struct faults faults = {0};
    struct error error = {0};
    struct text lines = {0};
    char *text = NULL;
    *valid = members_read(path, &members, &text, &faults, &error);
    if (*valid) {
        assert_int_equal(faults.count, 0);
        assert_int_not_equal(members.count, 0);
    } else if (faults.count == 0) {
        assert_int_equal(error.code, ERROR_INPUT);
        text_format(&lines, "assay: %s\n", error.message);
    }
    for (size_t i = 0; i < faults.count; i++) {
        char *line = fault_text(&faults.items[i], path, text);
        text_format(&lines, "assay: %s\n", line);
        free(line);
    }
    members_free(&members);
    faults_free(&faults);
    free(text);
    return text_take(&lines);
}

static int is_json(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static void each_broken_file_gives_its_lines(void **state) {
    (void)state;
    struct dirent **entries;
    assert_int_equal(chdir(FOLDER "broken"), 0);
    int count = scandir(".", &entries, is_json, alphasort);
    assert_in_range(count, 40, 10000);
    for (int i = 0; i < count; i++) {
        struct error error = {0};
        char *name = entries[i]->d_name, expected_name[300], *expected;
        size_t length;
        bool valid;
        snprintf(expected_name, sizeof expected_name, "%.*s.txt", (int)strlen(name) - 5, name);
        if (!file_read(expected_name, 1 << 20, &expected, &length, &error))
            fail_msg("%s", error.message);
        char *lines = validate(name, &valid);
        assert_false(valid);
        assert_string_equal(lines, expected);
        free(lines);
        free(expected);
        free(entries[i]);
    }
    free(entries);
}

static void each_good_file_is_good(void **state) {
    (void)state;
    static const char *const folders[] = {FOLDER "good", SOURCE_DIR "/experiments"};
    for (size_t folder = 0; folder < 2; folder++) {
        struct dirent **entries;
        assert_int_equal(chdir(folders[folder]), 0);
        int count = scandir(".", &entries, is_json, alphasort);
        assert_in_range(count, 2, 10000);
        for (int i = 0; i < count; i++) {
            bool valid;
            char *lines = validate(entries[i]->d_name, &valid);
            assert_string_equal(lines, "");
            assert_true(valid);
            free(lines);
            free(entries[i]);
        }
        free(entries);
    }
}

static void what_is_no_file_is_said_so(void **state) {
    bool valid;
    assert_int_equal(chdir(*state), 0);
    char *lines = validate("none.json", &valid);
    assert_string_equal(lines, "assay: none.json: cannot be read: No such file or directory\n");
    free(lines);
    lines = validate(".", &valid);
    assert_string_equal(lines, "assay: .: cannot be read: Is a directory\n");
    free(lines);
}

static void a_huge_file_is_refused_before_it_is_parsed(void **state) {
    bool valid;
    FILE *file;
    assert_int_equal(chdir(*state), 0);
    file = fopen("huge.json", "w");
    assert_non_null(file);
    for (int i = 0; i < 1 << 15; i++)
        fputs("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", file);
    fclose(file);
    char *lines = validate("huge.json", &valid);
    assert_string_equal(lines,
                        "assay: huge.json: larger than 1048576 bytes; is it the right file?\n");
    free(lines);
}

/* --- anything at all --- */

static uint32_t next(uint64_t *random) { /* Knuth's MMIX generator */
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33);
}

/* Changes, takes out, doubles or moves a few bytes; the alphabet is what JSON is made of. */
static size_t mutate(char *text, size_t length, size_t capacity, uint64_t *random) {
    static const char alphabet[] = "{}[]:,\"\\ \n0123456789.-+eEtruefalsn\xc3\xa9\x01";
    for (uint32_t count = 1 + next(random) % 3; count > 0 && length > 1; count--) {
        size_t at = next(random) % length, span = 1 + next(random) % 12;
        span = span < length - at ? span : length - at;
        switch (next(random) % 4) {
        case 0: text[at] = alphabet[next(random) % (sizeof alphabet - 1)]; break;
        case 1:
            memmove(text + at, text + at + span, length - at - span);
            length -= span;
            break;
        case 2:
            if (length + span <= capacity) {
                memmove(text + at + span, text + at, length - at);
                length += span;
            }
            break;
        default: memmove(text + at, text + next(random) % (length - span + 1), span);
        }
    }
    return length;
}

static void a_mutated_file_is_valid_or_has_faults(void **state) {
    static const char *const paths[] = {FOLDER "good/all_keys.json", FOLDER "good/least.json",
                                        SOURCE_DIR "/experiments/augmentation_ablation.json"};
    struct error error;
    uint64_t random = 1;
    size_t valid_count = 0, fault_count = 0;
    assert_int_equal(chdir(*state), 0);
    for (int i = 0; i < 6000; i++) {
        char *good, *lines, mutant[8192];
        size_t length;
        bool valid;
        assert_true(file_read(paths[i % 3], sizeof mutant / 2, &good, &length, &error));
        memcpy(mutant, good, length);
        free(good);
        length = mutate(mutant, length, sizeof mutant, &random);
        FILE *file = fopen("mutant.json", "w");
        assert_int_equal(fwrite(mutant, 1, length, file), length);
        fclose(file);
        lines = validate("mutant.json", &valid);
        valid_count += valid;
        fault_count += !valid && strchr(lines, '\n') != NULL;
        assert_true(valid == (lines[0] == '\0'));
        free(lines);
    }
    assert_int_equal(valid_count + fault_count, 6000);
    assert_int_not_equal(valid_count, 0);
}

/* Replaces values anywhere in the tree by values of every kind: deeper than bytes reach. */
static void mutate_tree(cJSON *tree, uint64_t *random) {
    static const char *const values[] = {
        "null",       "true",      "-1",       "0",     "0.5",   "1e300", "\"\"",
        "\"resize\"", "[]",        "{}",       "[0,1]", "[1,0]", "[[]]",  "{\"op\":\"normalize\"}",
        "{\"a\":1}",  "[1,2,3,4]", "\"real\"", "[null]"};
    cJSON *at = tree;
    while (at->child != NULL && next(random) % 4 != 0) {
        int count = cJSON_GetArraySize(at);
        at = cJSON_GetArrayItem(at, (int)(next(random) % (uint32_t)count));
    }
    if (at == tree)
        return;
    const char *text = values[next(random) % (sizeof values / sizeof values[0])];
    cJSON *value = json_parse(text, strlen(text), "value", NULL);
    assert_non_null(value);
    /* In place: the new value takes over the key and the neighbours of the old one. */
    cJSON old = *at;
    at->type = value->type;
    at->child = value->child;
    at->valuestring = value->valuestring;
    at->valueint = value->valueint;
    at->valuedouble = value->valuedouble;
    value->type = old.type;
    value->child = old.child;
    value->valuestring = old.valuestring;
    cJSON_Delete(value);
}

static void a_mutated_tree_is_valid_and_stable_or_has_faults(void **state) {
    (void)state;
    cJSON *good = read_config(FOLDER "good/all_keys.json");
    uint64_t random = 2;
    size_t valid_count = 0;
    for (int i = 0; i < 6000; i++) {
        struct experiment experiment;
        struct faults faults = {0};
        cJSON *config = cJSON_Duplicate(good, true);
        for (uint32_t count = 1 + next(&random) % 4; count > 0; count--)
            mutate_tree(config, &random);
        bool valid = experiment_from_json(config, &experiment, &faults);
        assert_true(valid == (faults.count == 0));
        if (valid) {
            experiment_free(&experiment);
            assert_filled_is_stable(config);
            valid_count++;
        }
        faults_free(&faults);
        cJSON_Delete(config);
    }
    assert_in_range(valid_count, 1, 5999);
    cJSON_Delete(good);
}

/* Each part is broken in a way that those who read it count on the schema to have found. */
static void a_part_is_not_read_whose_faults_are_beyond_the_limit(void **state) {
    static const char *const parts[] = {
        "\"train\":{\"optimizer\":{\"name\":\"adm\"},\"scheduler\":{\"name\":\"cosine\"}}",
        "\"train\":{\"scheduler\":{\"name\":7}}",
        "\"train\":7,\"stop\":{\"rule\":\"asha\"}",
        "\"augmentations\":[{\"op\":\"resize\"},{\"op\":7}]",
        "\"evaluation\":[{}]",
        "\"evaluation\":[]",
        "\"model\":{\"arch\":7,\"fresh\":[7],\"freeze\":[{}]}",
        "\"data\":{\"classes\":[{\"name\":7,\"dir\":7},7],\"upsample\":{\"x\":1}}",
        "\"data\":{\"split\":{\"train\":\"all\"},\"classes\":[{},{\"label\":9}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct text text = {0};
        struct experiment experiment;
        struct faults faults = {0};
        text_format(&text, "{\"name\":7");
        for (int k = 1; k < FAULTS_MAX; k++)
            text_format(&text, ",\"unknown %d\":0", k);
        text_format(&text, ",%s}", parts[i]);
        cJSON *config = json_parse(text.data, text.length, "text", NULL);
        assert_non_null(config);
        assert_false(experiment_from_json(config, &experiment, &faults));
        assert_int_equal(faults.count, FAULTS_MAX);
        faults_free(&faults);
        cJSON_Delete(config);
        text_free(&text);
    }
}

static const char *class_item(int index, char text[64]) {
    snprintf(text, 64, "{\"name\":\"c%d\",\"dir\":\"d%d\",\"label\":%d}", index, index, index % 2);
    return text;
}

/* The schema looks at no more items than a list may have. */
static void a_list_is_not_read_that_is_too_long(void **state) {
    static const struct {
        const char *before, *item, *last, *after, *fault; /* item: NULL is a class */
        int most;
    } lists[] = {
        {"\"data\":{\"classes\":[", NULL, "{\"name\":7}", "]}",
         "must have at most 1000 items, has 1001", 1000},
        {"\"augmentations\":[", "{\"op\":\"random_vertical_flip\"}", "{}", "]",
         "must have at most 100 items, has 101", 100},
        {"\"evaluation\":[", "{\"op\":\"normalize\"}", "{\"op\":\"random_affine\"}", "]",
         "must have at most 100 items, has 101", 100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct text text = {0};
        struct experiment experiment;
        struct faults faults = {0};
        char class[64];
        bool said = false;
        text_format(&text, "{\"name\":\"x\",%s", lists[i].before);
        for (int k = 0; k < lists[i].most; k++)
            text_format(&text, "%s,", lists[i].item != NULL ? lists[i].item : class_item(k, class));
        text_format(&text, "%s%s}", lists[i].last, lists[i].after);
        cJSON *config = json_parse(text.data, text.length, "text", NULL);
        assert_non_null(config);
        assert_false(experiment_from_json(config, &experiment, &faults));
        for (size_t k = 0; k < faults.count; k++)
            said = said || strcmp(faults.items[k].message, lists[i].fault) == 0;
        assert_true(said);
        faults_free(&faults);
        cJSON_Delete(config);
        text_free(&text);
    }
}

static void faults_beyond_the_limit_are_dropped(void **state) {
    (void)state;
    struct faults faults = {0};
    for (int i = 0; i < FAULTS_MAX + 5; i++)
        faults_add(&faults, "a", "line\nbreak %d", i);
    assert_int_equal(faults.count, FAULTS_MAX);
    assert_string_equal(faults.items[7].message, "line?break 7");
    faults_free(&faults);
    assert_int_equal(faults.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_file_gives_its_lines),
        cmocka_unit_test(each_good_file_is_good),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_said_so, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_huge_file_is_refused_before_it_is_parsed, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_mutated_file_is_valid_or_has_faults, temporary_make,
                                        temporary_remove),
        cmocka_unit_test(a_mutated_tree_is_valid_and_stable_or_has_faults),
        cmocka_unit_test(a_part_is_not_read_whose_faults_are_beyond_the_limit),
        cmocka_unit_test(a_list_is_not_read_that_is_too_long),
        cmocka_unit_test(faults_beyond_the_limit_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
