#include "compare/effects.h"

#include "compare/differences.h"
#include "core/field.h"
#include "tests/values.h"

#include <stdio.h>
#include <stdlib.h>

/* A 2 x 2 design: augmentations x upsampling, and one experiment that was not evaluated. */
static const char *const four =
    "[{\"id\": 1, \"variant\": {\"augmentations\": \"flip\", \"data.upsample\": \"none\"},"
    "  \"config\": {\"name\": \"a\", \"augmentations\": [1], \"data\": {\"upsample\": {}}},"
    "  \"evaluations\": [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.8}]},"
    " {\"id\": 2, \"variant\": {\"augmentations\": \"flip\", \"data.upsample\": \"real x2\"},"
    "  \"config\": {\"name\": \"b\", \"augmentations\": [1], \"data\": {\"upsample\": {\"real\": "
    "2}}},"
    "  \"evaluations\": [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.9}]},"
    " {\"id\": 3, \"variant\": {\"augmentations\": \"jitter\", \"data.upsample\": \"none\"},"
    "  \"config\": {\"name\": \"c\", \"augmentations\": [2], \"data\": {\"upsample\": {}}},"
    "  \"evaluations\": [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.6}]},"
    " {\"id\": 4, \"variant\": {\"augmentations\": \"jitter\", \"data.upsample\": \"real x2\"},"
    "  \"config\": {\"name\": \"d\", \"augmentations\": [2], \"data\": {\"upsample\": {\"real\": "
    "2}}},"
    "  \"evaluations\": [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.7}]},"
    " {\"id\": 5, \"variant\": {\"augmentations\": \"affine\", \"data.upsample\": \"none\"},"
    "  \"config\": {\"name\": \"e\", \"augmentations\": [3], \"data\": {\"upsample\": {}}},"
    "  \"evaluations\": []}]";

static void an_effect_is_the_mean_over_all_other_values(void **state) {
    (void)state;
    cJSON *experiments = parsed(four);
    size_t count;
    struct contender *contenders = contenders_make(experiments, &count);
    cJSON *effects = effects_of(contenders, count);
    assert_int_equal(cJSON_GetArraySize(effects), 2);
    const cJSON *flip = field_at(effects, "augmentations.flip");
    const cJSON *twice = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(effects, "data.upsample"), "real x2");
    assert_near(field_number(flip, "experiments", 0), 2, 0);
    assert_near(field_number(flip, "valid.mean", 0), 0.85, 1e-12);
    assert_near(field_number(flip, "valid.effect", 0), 0.1, 1e-12);
    assert_near(field_number(flip, "valid.standard_deviation", 0), 0.05 * sqrt(2), 1e-12);
    assert_near(field_number(twice, "valid.effect", 0), 0.05, 1e-12);
    assert_null(field_at(flip, "test"));
    assert_null(field_at(effects, "augmentations.affine"));
    cJSON_Delete(effects);
    free(contenders);
    cJSON_Delete(experiments);
}

/* One at a time: base, two single changes of one key and one of another; and one of another file.
 */
static void members_that_leave_a_key_alone_have_what_the_file_has(void **state) {
    (void)state;
    cJSON *experiments =
        parsed("[{\"id\": 1, \"group\": \"g\", \"variant\": {}, \"evaluations\":"
               "  [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.8}]},"
               " {\"id\": 2, \"group\": \"g\", \"variant\": {\"augmentations\": \"+jitter\"}, "
               "\"evaluations\":"
               "  [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.9}]},"
               " {\"id\": 3, \"group\": \"g\", \"variant\": {\"data.upsample\": \"real x2\"}, "
               "\"evaluations\":"
               "  [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.7}]},"
               " {\"id\": 4, \"group\": \"h\", \"variant\": {}, \"evaluations\":"
               "  [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.1}]}]");
    size_t count;
    struct contender *contenders = contenders_make(experiments, &count);
    cJSON *effects = effects_of(contenders, count);
    const cJSON *augmentations = cJSON_GetObjectItemCaseSensitive(effects, "augmentations");
    const cJSON *upsample = cJSON_GetObjectItemCaseSensitive(effects, "data.upsample");
    const cJSON *left = cJSON_GetObjectItemCaseSensitive(augmentations, "as the file has it");
    assert_int_equal(cJSON_GetArraySize(augmentations), 2);
    assert_near(field_number(left, "experiments", 0), 2, 0);
    assert_near(field_number(left, "valid.mean", 0), 0.75, 1e-12);
    const cJSON *jitter = field_at(augmentations, "+jitter");
    assert_near(field_number(jitter, "valid.mean", 0), 0.9, 1e-12);
    assert_true(cJSON_IsNull(
        cJSON_GetObjectItemCaseSensitive(field_at(jitter, "valid"), "standard_deviation")));
    left = cJSON_GetObjectItemCaseSensitive(upsample, "as the file has it");
    assert_near(field_number(left, "valid.mean", 0), 0.85, 1e-12);
    cJSON_Delete(effects);
    free(contenders);
    cJSON_Delete(experiments);
}

static void a_key_of_one_value_has_no_effect(void **state) {
    (void)state;
    cJSON *experiments =
        parsed("[{\"id\": 1, \"variant\": {\"k\": \"a\"}, \"evaluations\":"
               "  [{\"checkpoint\": \"best\", \"split\": \"valid\", \"accuracy\": 0.8}]},"
               " {\"id\": 2, \"variant\": {\"k\": \"b\"}, \"evaluations\": []}]");
    size_t count;
    struct contender *contenders = contenders_make(experiments, &count);
    cJSON *effects = effects_of(contenders, count);
    assert_null(effects->child);
    cJSON_Delete(effects);
    free(contenders);
    cJSON_Delete(experiments);
}

/* --- differences --- */

/* That the experiments differ in just that. */
static void assert_differ(const char *given, const char *expected) {
    cJSON *experiments = parsed(given), *differences = differences_of(experiments);
    cJSON *document = parsed(expected);
    assert_true(cJSON_Compare(differences, document, true));
    cJSON_Delete(document);
    cJSON_Delete(differences);
    cJSON_Delete(experiments);
}

static void only_what_differs_is_told_as_the_matrix_calls_it(void **state) {
    (void)state;
    assert_differ(four, "{\"augmentations\": {\"flip\": [1, 2], \"jitter\": [3, 4],"
                        " \"affine\": [5]},"
                        " \"data.upsample\": {\"none\": [1, 3, 5], \"real x2\": [2, 4]}}");
}

static void a_member_without_a_label_has_what_the_file_has(void **state) {
    (void)state;
    assert_differ("[{\"id\": 1, \"variant\": {}, \"config\": {\"augmentations\": [1]}},"
                  " {\"id\": 2, \"variant\": {\"augmentations\": \"+jitter\"},"
                  "  \"config\": {\"augmentations\": [1, 2]}}]",
                  "{\"augmentations\": {\"as the file has it\": [1], \"+jitter\": [2]}}");
}

/* As after a change of the file between two submissions. */
static void values_of_one_label_that_differ_are_told_apart(void **state) {
    (void)state;
    assert_differ(
        "[{\"id\": 1, \"variant\": {\"k\": \"flip\"}, \"config\": {\"k\": {\"a\": 1, \"b\": 2}}},"
        " {\"id\": 2, \"variant\": {\"k\": \"flip\"}, \"config\": {\"k\": {\"a\": 1, \"b\": 3}}},"
        " {\"id\": 3, \"variant\": {\"k\": \"flip\"}, \"config\": {\"k\": {\"b\": 2, \"a\": 1}}},"
        " {\"id\": 4, \"variant\": {\"k\": \"flip\"}, \"config\": {\"k\": {\"b\": 3, \"a\": 1}}}]",
        "{\"k\": {\"flip\": [1, 3], \"flip (as in 2)\": [2, 4]}}");
    assert_differ("[{\"id\": 1, \"variant\": {\"augmentations\": \"jitter\"},"
                  "  \"config\": {\"augmentations\": [1, 2]}},"
                  " {\"id\": 2, \"variant\": {}, \"config\": {\"augmentations\": [1]}},"
                  " {\"id\": 3, \"variant\": {}, \"config\": {\"augmentations\": [3]}}]",
                  "{\"augmentations\": {\"jitter\": [1], \"as the file has it\": [2],"
                  " \"as the file has it (as in 3)\": [3]}}");
}

static void what_only_some_have_differs_too(void **state) {
    (void)state;
    assert_differ("[{\"id\": 1, \"config\": {\"model\": {\"arch\": \"resnet18\"}}},"
                  " {\"id\": 2, \"config\": {\"model\": {\"arch\": \"resnet18\","
                  "  \"dropout\": 0.5}, \"priority\": 3}}]",
                  "{\"model.dropout\": {\"not set\": [1], \"0.5\": [2]}}");
}

static void what_is_an_object_in_some_alone_is_told_by_what_each_has(void **state) {
    (void)state;
    assert_differ("[{\"id\": 1, \"config\": {\"stop\": null, \"train\": {\"seed\": 0}}},"
                  " {\"id\": 2, \"config\": {\"stop\": null, \"train\": {\"seed\": 0}}},"
                  " {\"id\": 3, \"config\": {\"stop\": {\"rule\": \"asha\"},"
                  "  \"train\": {\"seed\": 1, \"epochs\": 9}}}]",
                  "{\"stop\": {\"not set\": [1, 2], \"{\\\"rule\\\":\\\"asha\\\"}\": [3]},"
                  " \"train.seed\": {\"0\": [1, 2], \"1\": [3]},"
                  " \"train.epochs\": {\"not set\": [1, 2], \"9\": [3]}}");
}

static void what_is_empty_in_some_is_told_once_whoever_comes_first(void **state) {
    (void)state;
#define EMPTY(id) "{\"id\": " #id ", \"config\": {\"data\": {\"upsample\": {}}, \"stop\": null}}"
#define FULL(id)                                                                                   \
    "{\"id\": " #id ", \"config\": {\"data\": {\"upsample\": {\"real\": 2}},"                      \
    " \"stop\": {\"rule\": \"asha\"}}}"
    assert_differ("[" EMPTY(1) "," FULL(2) "]",
                  "{\"data.upsample\": {\"{}\": [1], \"{\\\"real\\\":2}\": [2]},"
                  " \"stop\": {\"not set\": [1], \"{\\\"rule\\\":\\\"asha\\\"}\": [2]}}");
    assert_differ("[" FULL(1) "," EMPTY(2) "]",
                  "{\"data.upsample\": {\"{\\\"real\\\":2}\": [1], \"{}\": [2]},"
                  " \"stop\": {\"{\\\"rule\\\":\\\"asha\\\"}\": [1], \"not set\": [2]}}");
}

static void seeds_that_are_nearly_the_same_differ(void **state) {
    (void)state;
    assert_differ("[{\"id\": 1, \"config\": {\"train\": {\"seed\": 9007199254740990}}},"
                  " {\"id\": 2, \"config\": {\"train\": {\"seed\": 9007199254740991}}}]",
                  "{\"train.seed\": {\"9007199254740990\": [1], \"9007199254740991\": [2]}}");
}

static void a_class_may_have_dots_in_its_name(void **state) {
    (void)state;
    assert_differ("[{\"id\": 1, \"config\": {\"data\": {\"upsample\": {\"real.v2\": 2}}}},"
                  " {\"id\": 2, \"config\": {\"data\": {\"upsample\": {\"real.v2\": 3}}}}]",
                  "{\"data.upsample.real.v2\": {\"2\": [1], \"3\": [2]}}");
}

static void below_the_ninth_key_a_value_is_told_as_a_whole(void **state) {
    (void)state;
#define NINE(value)                                                                                \
    "{\"a\": {\"b\": {\"c\": {\"d\": {\"e\": {\"f\": {\"g\": {\"h\": {\"i\": {\"j\": " value       \
    "}}}}}}}}}}"
    assert_differ("[{\"id\": 1, \"config\": " NINE("1") "},"
                                                        " {\"id\": 2, \"config\": " NINE("2") "}]",
                  "{\"a.b.c.d.e.f.g.h.i\": {\"{\\\"j\\\":1}\": [1], \"{\\\"j\\\":2}\": [2]}}");
}

/* A class that split files bring is named after its folder, by up to 256 bytes. */
static void how_often_a_class_of_the_longest_name_is_repeated_differs(void **state) {
    (void)state;
    char name[257] = "", given[1024], expected[512];
    memset(name, 'n', sizeof name - 1);
    snprintf(given, sizeof given,
             "[{\"id\": 1, \"config\": {\"data\": {\"upsample\": {\"%s\": 2}}}},"
             " {\"id\": 2, \"config\": {\"data\": {\"upsample\": {\"%s\": 3}}}}]",
             name, name);
    snprintf(expected, sizeof expected, "{\"data.upsample.%s\": {\"2\": [1], \"3\": [2]}}", name);
    assert_differ(given, expected);
}

static void a_path_longer_than_any_of_a_config_is_left_aside(void **state) {
    (void)state;
    char key[DIFFERENCES_PATH_SIZE] = "", path[DIFFERENCES_PATH_SIZE];
    memset(key, 'k', sizeof key - 3);
    assert_true(differences_path("a", key, path));
    assert_int_equal(strlen(path), sizeof path - 1);
    assert_false(differences_path("aa", key, path));
}

/* Before a first `assay data check`, after it, and after a picture was taken for another. */
static void other_pictures_are_told_and_pictures_that_nobody_knows(void **state) {
    (void)state;
#define OF_FACES(sum)                                                                              \
    "\"config\": {\"data\": {\"root\": \"faces\", \"fingerprint\": {\"classes\": ["                \
    "{\"name\": \"fake\", \"pictures\": 40, \"sha256\": \"0a\"},"                                  \
    "{\"name\": \"real\", \"pictures\": 2, \"sha256\": \"" sum "\"}]}}}"
    assert_differ("[{\"id\": 1, \"config\": {\"data\": {\"root\": \"faces\"}}},"
                  " {\"id\": 2, " OF_FACES("1b") "}, {\"id\": 3, " OF_FACES(
                      "2c") "},"
                            " {\"id\": 4, " OF_FACES("1b") "}]",
                  "{\"data.fingerprint\": {\"not set\": [1], \"42 pictures\": [2, 4],"
                  " \"42 pictures (as in 3)\": [3]}}");
    assert_differ("[{\"id\": 2, " OF_FACES("1b") "}, {\"id\": 4, " OF_FACES("1b") "}]", "{}");
}

static void one_experiment_differs_in_nothing(void **state) {
    (void)state;
    cJSON *experiments = parsed("[{\"id\": 1, \"config\": {\"name\": \"a\"}}]");
    cJSON *differences = differences_of(experiments);
    assert_null(differences->child);
    cJSON_Delete(differences);
    cJSON_Delete(experiments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_effect_is_the_mean_over_all_other_values),
        cmocka_unit_test(members_that_leave_a_key_alone_have_what_the_file_has),
        cmocka_unit_test(a_key_of_one_value_has_no_effect),
        cmocka_unit_test(only_what_differs_is_told_as_the_matrix_calls_it),
        cmocka_unit_test(a_member_without_a_label_has_what_the_file_has),
        cmocka_unit_test(values_of_one_label_that_differ_are_told_apart),
        cmocka_unit_test(what_only_some_have_differs_too),
        cmocka_unit_test(what_is_an_object_in_some_alone_is_told_by_what_each_has),
        cmocka_unit_test(what_is_empty_in_some_is_told_once_whoever_comes_first),
        cmocka_unit_test(seeds_that_are_nearly_the_same_differ),
        cmocka_unit_test(a_class_may_have_dots_in_its_name),
        cmocka_unit_test(below_the_ninth_key_a_value_is_told_as_a_whole),
        cmocka_unit_test(how_often_a_class_of_the_longest_name_is_repeated_differs),
        cmocka_unit_test(a_path_longer_than_any_of_a_config_is_left_aside),
        cmocka_unit_test(other_pictures_are_told_and_pictures_that_nobody_knows),
        cmocka_unit_test(one_experiment_differs_in_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
