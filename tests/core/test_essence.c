#include "core/essence.h"

#include "core/safetensors.h"
#include "tests/temporary.h"
#include "tests/values.h"

#define DATA                                                                                       \
    "\"data\": {\"classes\": [{\"name\": \"fake\", \"label\": 0}, {\"name\": \"real\", "           \
    "\"label\": 1}]}"

static bool same(const char *one, const char *other) {
    cJSON *a = parsed(one), *b = parsed(other);
    bool same = essence_same(a, b);
    assert_int_equal(essence_same(b, a), same);
    cJSON_Delete(a);
    cJSON_Delete(b);
    return same;
}

static void what_changes_no_weights_makes_no_other_experiment(void **state) {
    (void)state;
    const char *const config = "{\"name\": \"a\", " DATA ", \"train\": {\"seed\": 3}}";
    assert_true(same(config,
                     "{\"name\": \"b\", \"priority\": 4, \"max_attempts\": 9,"
                     " \"resources\": {\"memory_gib\": 99}, \"after\": [\"c\"],"
                     " \"stop\": {\"rule\": \"median\"}, \"train\": {\"seed\": 3}, " DATA "}"));
    assert_false(same(config, "{\"name\": \"a\", " DATA ", \"train\": {\"seed\": 4}}"));
}

/* As a config of an earlier version, which has no such key. */
static void a_key_that_is_missing_counts_as_its_default(void **state) {
    (void)state;
    const char *const config = "{\"name\": \"a\", " DATA "}";
    assert_true(same(config, "{\"name\": \"a\", " DATA ", \"train\": {\"epochs\": 200}}"));
    assert_false(same(config, "{\"name\": \"a\", " DATA ", \"train\": {\"epochs\": 201}}"));
}

static void a_checkpoint_belongs_to_whose_config_it_holds(void **state) {
    char *path = temporary_path(state, "a.safetensors");
    cJSON *config = parsed("{\"name\": \"a\", " DATA "}"),
          *other = parsed("{\"name\": \"a\", " DATA ", \"train\": {\"seed\": 4}}");
    struct error error = {0};
    assert_false(essence_of_file(path, config, &error)); /* not there */
    assert_true(safetensors_write(path, NULL, 0, NULL, 0, &error));
    assert_false(essence_of_file(path, config, &error));
    const struct metadata held = {"config", "{\"name\": \"b\", " DATA "}"};
    assert_true(safetensors_write(path, NULL, 0, &held, 1, &error));
    assert_true(essence_of_file(path, config, &error));
    assert_false(essence_of_file(path, other, &error));
    cJSON_Delete(config);
    cJSON_Delete(other);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changes_no_weights_makes_no_other_experiment),
        cmocka_unit_test(a_key_that_is_missing_counts_as_its_default),
        IN_FOLDER(a_checkpoint_belongs_to_whose_config_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
