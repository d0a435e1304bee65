/* The members that a matrix makes: their product, and what exclude, include and ablate do to it. */
#include "tests/core/matrices.h"

#include <stdio.h>
#include <stdlib.h>

static void assert_names(const char *matrix, const char *const *names, size_t count) {
    struct members members = expand(matrix);
    for (size_t i = 0; i < count && i < members.count; i++)
        assert_string_equal(members.items[i].name, names[i]);
    assert_int_equal(members.count, count);
    members_free(&members);
}
#define NAMES(...)                                                                                 \
    (const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / sizeof(char *)

static void assert_json(const cJSON *value, const char *expected) {
    char *text = json_text(value);
    assert_string_equal(text, expected);
    free(text);
}

static void a_file_without_a_matrix_is_one_member(void **state) {
    (void)state;
    struct members members;
    struct faults faults = {0};
    cJSON *file = parsed("{\"name\": \"n\", \"priority\": 3}");
    assert_true(matrix_expand(file, &members, &faults));
    assert_int_equal(members.count, 1);
    assert_string_equal(members.items[0].name, "n");
    assert_string_equal(members.items[0].group, "n");
    assert_json(members.items[0].config, "{\"name\":\"n\",\"priority\":3}");
    assert_json(members.items[0].variant, "{}");
    members_free(&members);
    cJSON_Delete(file);
}

static void the_members_are_the_product_and_the_last_key_varies_fastest(void **state) {
    (void)state;
    assert_names("{\"data.upsample\": {\"none\": {}, \"real x2\": {\"real\": 2}},"
                 " \"train.seed\": [0, 1, 2]}",
                 NAMES("n/none,seed=0", "n/none,seed=1", "n/none,seed=2", "n/real x2,seed=0",
                       "n/real x2,seed=1", "n/real x2,seed=2"));
}

static void a_member_holds_its_values_and_says_which(void **state) {
    (void)state;
    struct members members =
        expand("{\"data.upsample\": {\"none\": {}, \"real x2\": {\"real\": 2}},"
               " \"train.optimizer.lr\": [0.1, 2e-4]}");
    const struct member *last = &members.items[3];
    assert_int_equal(members.count, 4);
    assert_string_equal(last->name, "n/real x2,lr=0.0002");
    assert_string_equal(last->group, "n");
    assert_json(last->config,
                "{\"name\":\"n\",\"train\":{\"epochs\":5,\"optimizer\":{\"lr\":0.0002}},"
                "\"data\":{\"upsample\":{\"real\":2}}}");
    assert_json(last->variant, "{\"data.upsample\":\"real x2\",\"train.optimizer.lr\":\"0.0002\"}");
    assert_json(last->origin,
                "{\"data.upsample\":\"matrix[\\\"data.upsample\\\"][\\\"real x2\\\"]\","
                "\"train.optimizer.lr\":\"matrix[\\\"train.optimizer.lr\\\"][1]\"}");
    members_free(&members);
}

static void values_of_a_list_are_named_after_the_last_key(void **state) {
    (void)state;
    assert_names("{\"model.arch\": [\"resnet18\", \"resnet50\"]}",
                 NAMES("n/arch=resnet18", "n/arch=resnet50"));
    assert_names("{\"train.deterministic\": [true, false]}",
                 NAMES("n/deterministic=true", "n/deterministic=false"));
    assert_names("{\"model.weights\": [null, \"a/b.pth\"]}",
                 NAMES("n/weights=null", "n/weights=a/b.pth"));
    assert_names("{\"train.optimizer.betas\": [[0.9, 0.99], [0.8, 0.9]]}",
                 NAMES("n/betas=#1", "n/betas=#2"));
    assert_names("{\"train.optimizer.lr\": [1, 1.0e-3, 1e-7]}",
                 NAMES("n/lr=1", "n/lr=0.001", "n/lr=1e-07"));
    assert_names("{\"priority\": [3]}", NAMES("n/priority=3"));
}

static void keys_that_end_alike_are_named_in_full(void **state) {
    (void)state;
    assert_names("{\"train.seed\": [1], \"data.split.seed\": [2], \"train.epochs\": [3]}",
                 NAMES("n/train.seed=1,data.split.seed=2,epochs=3"));
}

static void one_value_of_an_object_can_be_varied(void **state) {
    (void)state;
    struct members members = expand("{\"data.upsample.the real\": [2, 3]}");
    assert_string_equal(members.items[1].name, "n/the real=3");
    assert_json(json_member(json_member(members.items[1].config, "data"), "upsample"),
                "{\"the real\":3}");
    assert_json(members.items[1].origin, "{\"data.upsample[\\\"the real\\\"]\":"
                                         "\"matrix[\\\"data.upsample.the real\\\"][1]\"}");
    members_free(&members);
}

static void the_values_replace_what_the_file_has(void **state) {
    (void)state;
    struct members members = expand("{\"train\": {\"short\": {\"batch_size\": 8}}}");
    assert_json(members.items[0].config, "{\"name\":\"n\",\"train\":{\"batch_size\":8}}");
    members_free(&members);
}

/* --- exclude --- */

static void what_matches_all_of_an_entry_is_left_out(void **state) {
    (void)state;
    assert_names("{\"train.seed\": [0, 1], \"train.epochs\": [5, 6],"
                 " \"exclude\": [{\"train.seed\": 1, \"train.epochs\": 6}]}",
                 NAMES("n/seed=0,epochs=5", "n/seed=0,epochs=6", "n/seed=1,epochs=5"));
    assert_names("{\"train.seed\": [0, 1], \"train.epochs\": [5, 6],"
                 " \"exclude\": [{\"train.epochs\": 5}]}",
                 NAMES("n/seed=0,epochs=6", "n/seed=1,epochs=6"));
}

static void what_is_nearly_the_value_of_an_entry_stays(void **state) {
    (void)state;
    assert_names("{\"train.seed\": [9007199254740990, 9007199254740991],"
                 " \"exclude\": [{\"train.seed\": 9007199254740990}]}",
                 NAMES("n/seed=9007199254740991"));
}

static void an_entry_names_a_variant_or_its_value(void **state) {
    (void)state;
    static const char *const entries[] = {"\"real x2\"", "{\"real\": 2}"};
    for (size_t i = 0; i < 2; i++) {
        char matrix[300];
        snprintf(matrix, sizeof matrix,
                 "{\"data.upsample\": {\"none\": {}, \"real x2\": {\"real\": 2}},"
                 " \"train.seed\": [0, 1],"
                 " \"exclude\": [{\"data.upsample\": %s, \"train.seed\": \"1\"}]}",
                 entries[i]);
        assert_names(matrix, NAMES("n/none,seed=0", "n/none,seed=1", "n/real x2,seed=0"));
    }
}

/* --- include --- */

/* The example of "Running variations of jobs in a workflow" in the documentation of GitHub Actions,
 * "Example: Expanding configurations" and the rules before it, with fruit (apple, pear) as
 * train.seed (1, 2), animal (cat, dog) as data.split.seed (3, 4), color as train.epochs and shape
 * as priority: include: {color: green}, {color: pink, animal: cat}, {fruit: apple, shape: circle},
 * {fruit: banana}, {fruit: banana, animal: cat} makes {apple, cat, pink, circle} {apple, dog,
 * green, circle} {pear, cat, pink} {pear, dog, green} {banana} {banana, cat}. */
static void include_extends_or_adds_as_github_actions_does(void **state) {
    (void)state;
    static const char *const variants[] = {
        "{\"train.seed\":\"1\",\"data.split.seed\":\"3\",\"train.epochs\":\"20\",\"priority\":"
        "\"9\"}",
        "{\"train.seed\":\"1\",\"data.split.seed\":\"4\",\"train.epochs\":\"10\",\"priority\":"
        "\"9\"}",
        "{\"train.seed\":\"2\",\"data.split.seed\":\"3\",\"train.epochs\":\"20\"}",
        "{\"train.seed\":\"2\",\"data.split.seed\":\"4\",\"train.epochs\":\"10\"}",
        "{\"train.seed\":\"7\"}",
        "{\"train.seed\":\"7\",\"data.split.seed\":\"3\"}"};
    struct members members =
        expand("{\"train.seed\": [1, 2], \"data.split.seed\": [3, 4], \"include\": ["
               "{\"train.epochs\": 10}, {\"train.epochs\": 20, \"data.split.seed\": 3},"
               "{\"train.seed\": 1, \"priority\": 9}, {\"train.seed\": 7},"
               "{\"train.seed\": 7, \"data.split.seed\": 3}]}");
    assert_int_equal(members.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_json(members.items[i].variant, variants[i]);
    assert_string_equal(members.items[0].name,
                        "n/train.seed=1,data.split.seed=3,epochs=20,priority=9");
    assert_json(members.items[0].config, "{\"name\":\"n\",\"train\":{\"seed\":1,\"epochs\":20},"
                                         "\"data\":{\"split\":{\"seed\":3}},\"priority\":9}");
    assert_string_equal(members.items[5].name, "n/train.seed=7,data.split.seed=3");
    assert_json(members.items[4].config, "{\"name\":\"n\",\"train\":{\"epochs\":5,\"seed\":7}}");
    members_free(&members);
}

static void include_names_variants(void **state) {
    (void)state;
    struct members members =
        expand("{\"data.upsample\": {\"none\": {}, \"real x2\": {\"real\": 2}},"
               " \"exclude\": [{\"data.upsample\": \"real x2\"}],"
               " \"include\": [{\"data.upsample\": \"real x2\", \"train.epochs\": 7}]}");
    assert_int_equal(members.count, 2);
    assert_string_equal(members.items[1].name, "n/real x2,epochs=7");
    assert_json(members.items[1].config, "{\"name\":\"n\",\"train\":{\"epochs\":7},"
                                         "\"data\":{\"upsample\":{\"real\":2}}}");
    assert_json(members.items[1].origin,
                "{\"data.upsample\":\"matrix[\\\"data.upsample\\\"][\\\"real x2\\\"]\","
                "\"train.epochs\":\"matrix.include[0][\\\"train.epochs\\\"]\"}");
    members_free(&members);
}

static void include_alone_makes_members(void **state) {
    (void)state;
    assert_names("{\"include\": [{\"train.seed\": 1}, {\"model.fresh\": [\"fc\"]}]}",
                 NAMES("n/seed=1", "n/fresh=include#2"));
}

/* --- ablate --- */

static void one_at_a_time_is_the_base_and_each_single_change(void **state) {
    (void)state;
    struct members members =
        expand("{\"ablate\": \"one_at_a_time\", \"train.seed\": [1, 2],"
               " \"data.upsample\": {\"real x2\": {\"real\": 2}}, \"model.head\": [\"dropout\"]}");
    static const char *const names[] = {"n/base", "n/seed=1", "n/seed=2", "n/real x2",
                                        "n/head=dropout"};
    assert_int_equal(members.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(members.items[i].name, names[i]);
    assert_json(members.items[0].config, "{\"name\":\"n\",\"train\":{\"epochs\":5}}");
    assert_json(members.items[0].variant, "{}");
    assert_json(members.items[2].config, "{\"name\":\"n\",\"train\":{\"epochs\":5,\"seed\":2}}");
    assert_json(members.items[4].variant, "{\"model.head\":\"dropout\"}");
    members_free(&members);
}

static void one_at_a_time_takes_exclude_and_include(void **state) {
    (void)state;
    assert_names("{\"ablate\": \"one_at_a_time\", \"train.seed\": [1, 2],"
                 " \"exclude\": [{\"train.seed\": 1}],"
                 " \"include\": [{\"train.seed\": 2, \"priority\": 1}, {\"train.seed\": 3},"
                 " {\"max_attempts\": 4}]}",
                 NAMES("n/base,max_attempts=4", "n/seed=2,priority=1,max_attempts=4", "n/seed=3"));
}

/* --- a whole file --- */

static void the_published_ablation_has_its_members_complete(void **state) {
    (void)state;
    struct members members;
    struct faults faults = {0};
    struct error error = {0};
    char *text;
    assert_true(members_read(SOURCE_DIR "/experiments/augmentation_ablation.json", &members, &text,
                             &faults, &error));
    assert_int_equal(members.count, 4 * 2 * 3);
    const struct member *one = &members.items[10];
    assert_string_equal(one->name, "augmentation_ablation/flip+jitter,real x2,seed=1");
    assert_string_equal(one->group, "augmentation_ablation");
    assert_null(json_member(one->config, "matrix"));
    assert_json(json_member(json_member(one->config, "data"), "upsample"), "{\"real\":2}");
    assert_json(json_member(json_member(one->config, "train"), "scheduler"),
                "{\"name\":\"reduce_on_plateau\",\"factor\":0.5,\"patience\":10,\"min_lr\":1e-06}");
    members_free(&members);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_without_a_matrix_is_one_member),
        cmocka_unit_test(the_members_are_the_product_and_the_last_key_varies_fastest),
        cmocka_unit_test(a_member_holds_its_values_and_says_which),
        cmocka_unit_test(values_of_a_list_are_named_after_the_last_key),
        cmocka_unit_test(keys_that_end_alike_are_named_in_full),
        cmocka_unit_test(one_value_of_an_object_can_be_varied),
        cmocka_unit_test(the_values_replace_what_the_file_has),
        cmocka_unit_test(what_matches_all_of_an_entry_is_left_out),
        cmocka_unit_test(what_is_nearly_the_value_of_an_entry_stays),
        cmocka_unit_test(an_entry_names_a_variant_or_its_value),
        cmocka_unit_test(include_extends_or_adds_as_github_actions_does),
        cmocka_unit_test(include_names_variants),
        cmocka_unit_test(include_alone_makes_members),
        cmocka_unit_test(one_at_a_time_is_the_base_and_each_single_change),
        cmocka_unit_test(one_at_a_time_takes_exclude_and_include),
        cmocka_unit_test(the_published_ablation_has_its_members_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
