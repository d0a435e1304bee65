#include "core/json.h"
#include "core/schema.h"
#include "core/schema_branch.h"
#include "core/schema_path.h"
#include "core/text.h"
#include "core/words.h"
#include "tests/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The faults as lines "PLACE: MESSAGE\n". */
static void assert_faults(const char *schema_text, const char *value_text, const char *expected) {
    cJSON *schema = parsed(schema_text), *value = parsed(value_text);
    struct faults faults = {0};
    struct text lines = {0};
    schema_check(schema, schema, value, "", &faults);
    for (size_t i = 0; i < faults.count; i++)
        text_format(&lines, "%s: %s\n", faults.items[i].place, faults.items[i].message);
    assert_string_equal(text_string(&lines), expected);
    text_free(&lines);
    faults_free(&faults);
    cJSON_Delete(schema);
    cJSON_Delete(value);
}

static void assert_filled(const char *schema_text, const char *value_text, const char *expected) {
    cJSON *schema = parsed(schema_text), *value = parsed(value_text);
    schema_fill_defaults(schema, schema, value);
    char *text = json_text(value);
    assert_string_equal(text, expected);
    free(text);
    cJSON_Delete(schema);
    cJSON_Delete(value);
}

static void types_are_told_apart(void **state) {
    (void)state;
    assert_faults("{\"type\": \"integer\"}", "2.0", "");
    assert_faults("{\"type\": \"integer\"}", "2.5", ": must be a whole number, is 2.5\n");
    assert_faults("{\"type\": \"number\"}", "null", ": must be a number, is null\n");
    assert_faults("{\"type\": \"null\"}", "0", ": must be null, is 0\n");
    assert_faults("{\"type\": \"boolean\"}", "0", ": must be true or false, is 0\n");
    assert_faults("{\"type\": \"object\"}", "[]", ": must be an object, is an array\n");
    assert_faults("{\"type\": [\"string\", \"null\"]}", "null", "");
    assert_faults("{\"type\": [\"string\", \"null\"]}", "{}",
                  ": must be a string or null, is an object\n");
    assert_faults("{}", "[1, null, {}]", "");
}

static void bounds_include_or_exclude_their_ends(void **state) {
    (void)state;
    assert_faults("{\"minimum\": 1, \"maximum\": 2}", "1", "");
    assert_faults("{\"minimum\": 1, \"maximum\": 2}", "2", "");
    assert_faults("{\"minimum\": 1, \"maximum\": 2}", "0.5",
                  ": must be at least 1 and at most 2, is 0.5\n");
    assert_faults("{\"exclusiveMinimum\": 1}", "1", ": must be more than 1, is 1\n");
    assert_faults("{\"exclusiveMinimum\": 1}", "1.0000000000000002", "");
    assert_faults("{\"exclusiveMaximum\": 2}", "2", ": must be less than 2, is 2\n");
}

static void lengths_count_bytes_and_items(void **state) {
    (void)state;
    assert_faults("{\"minLength\": 1}", "\"\"", ": must not be empty\n");
    assert_faults("{\"minLength\": 2}", "\"a\"", ": must have at least 2 bytes, has 1\n");
    assert_faults("{\"maxLength\": 3}", "\"\\u20ac\"", "");
    assert_faults("{\"maxLength\": 2}", "\"\\u20ac\"", ": must have at most 2 bytes, has 3\n");
    assert_faults("{\"minItems\": 1}", "[]", ": must have at least 1 item, has 0\n");
    assert_faults("{\"maxItems\": 1, \"items\": {\"type\": \"string\"}}", "[\"a\", 2, 3]",
                  ": must have at most 1 item, has 3\n");
    assert_faults("{\"minProperties\": 1}", "{}", ": must not be empty\n");
}

static void constants_and_enums_name_the_nearest(void **state) {
    (void)state;
    assert_faults("{\"const\": \"a\"}", "\"b\"", ": must be \"a\", is \"b\"\n");
    assert_faults("{\"enum\": [\"left\", \"right\"]}", "\"rihgt\"",
                  ": unknown value \"rihgt\"; did you mean \"right\"?\n");
    assert_faults("{\"enum\": [\"left\", \"right\"]}", "\"up\"",
                  ": unknown value \"up\"; known: left, right\n");
    assert_faults("{\"enum\": [\"left\", null]}", "null", "");
    assert_faults("{\"enum\": [\"left\", null]}", "\"up\"",
                  ": must be one of [\"left\",null], is \"up\"\n");
}

static void items_after_the_prefix_follow_items(void **state) {
    (void)state;
    static const char schema[] =
        "{\"prefixItems\": [{\"type\": \"string\"}], \"items\": {\"type\": \"integer\"}}";
    assert_faults(schema, "[\"a\", 1, 2]", "");
    assert_faults(schema, "[1, 1, \"b\"]",
                  "[0]: must be a string, is 1\n[2]: must be a whole number, is \"b\"\n");
}

static void unknown_keys_are_faults_only_where_none_are_allowed(void **state) {
    (void)state;
    static const char closed[] =
        "{\"properties\": {\"seed\": {}, \"size\": {}}, \"additionalProperties\": false}";
    assert_faults(closed, "{\"seed\": 1}", "");
    assert_faults(closed, "{\"sede\": 1, \"x.y\": 2}",
                  "sede: unknown key \"sede\"; did you mean \"seed\"?\n"
                  "[\"x.y\"]: unknown key \"x.y\"; known: seed, size\n");
    assert_faults("{\"additionalProperties\": false}", "{\"seed\": 1}",
                  "seed: unknown key \"seed\"\n");
    assert_faults("{\"properties\": {\"seed\": {}}}", "{\"sede\": 1}", "");
    assert_faults("{\"additionalProperties\": {\"type\": \"integer\"}}", "{\"a\": 1, \"b\": \"c\"}",
                  "b: must be a whole number, is \"c\"\n");
}

static void every_missing_key_is_a_fault(void **state) {
    (void)state;
    assert_faults("{\"properties\": {\"a\": {\"required\": [\"x\", \"y\", \"z\"]}}}",
                  "{\"a\": {\"y\": 0}}",
                  "a: \"x\" is missing; add it\na: \"z\" is missing; add it\n");
}

static const char ops[] =
    "{\"oneOf\": [{\"$ref\": \"#/$defs/crop\"}, {\"$ref\": \"#/$defs/flip\"}],"
    " \"$defs\": {"
    "\"crop\": {\"properties\": {\"op\": {\"const\": \"crop\"},"
    " \"size\": {\"type\": \"integer\", \"default\": 8}},"
    " \"additionalProperties\": false},"
    "\"flip\": {\"properties\": {\"op\": {\"const\": \"flip\"},"
    " \"p\": {\"type\": \"number\", \"default\": 0.5}},"
    " \"additionalProperties\": false}}}";

static void a_constant_tells_the_branches_apart(void **state) {
    (void)state;
    assert_faults(ops, "{\"op\": \"crop\", \"size\": 3}", "");
    assert_faults(ops, "{\"op\": \"flip\", \"size\": 3}",
                  "size: unknown key \"size\"; known: op, p\n");
    assert_faults(ops, "{\"op\": \"crip\"}", "op: unknown op \"crip\"; did you mean \"crop\"?\n");
    assert_faults(ops, "{\"size\": 3}", ": \"op\" is missing; it is one of crop, flip\n");
    assert_faults(ops, "{\"op\": []}", "op: must be one of crop, flip, is an array\n");
}

static void types_tell_the_other_branches_apart(void **state) {
    (void)state;
    static const char schema[] =
        "{\"oneOf\": [{\"type\": \"number\", \"minimum\": 0},"
        " {\"type\": \"array\", \"maxItems\": 2, \"items\": {\"type\": \"number\"}},"
        " {\"type\": \"array\", \"minItems\": 4, \"items\": {\"type\": \"string\"}}]}";
    assert_faults(schema, "3", "");
    assert_faults(schema, "-1", ": must be at least 0, is -1\n");
    assert_faults(schema, "[1, 2]", "");
    assert_faults(schema, "[\"a\", \"b\", \"c\", \"d\"]", "");
    assert_faults(schema, "[1, \"b\"]", "[1]: must be a number, is \"b\"\n");
    assert_faults(schema, "null", ": must be a number or an array, is null\n");
}

static void a_place_in_front_is_kept(void **state) {
    (void)state;
    cJSON *schema = parsed("{\"items\": {\"type\": \"string\"}}"), *value = parsed("[1]");
    struct faults faults = {0};
    schema_check(schema, schema, value, "matrix.augmentations", &faults);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].place, "matrix.augmentations[0]");
    faults_free(&faults);
    cJSON_Delete(schema);
    cJSON_Delete(value);
}

static void defaults_are_filled_at_every_depth_in_the_order_of_the_schema(void **state) {
    (void)state;
    static const char schema[] =
        "{\"properties\": {\"a\": {\"default\": 1}, \"b\": {\"default\": {}, \"properties\": {"
        "\"c\": {\"default\": [2]}, \"d\": {}}}, \"e\": {\"items\": {\"properties\": {\"f\": "
        "{\"default\": null}}}}}}";
    assert_filled(schema, "{\"e\": [{}, {\"f\": 3}], \"a\": 0}",
                  "{\"a\":0,\"b\":{\"c\":[2]},\"e\":[{\"f\":null},{\"f\":3}]}");
    assert_filled(schema, "{\"b\": {\"d\": 4}}", "{\"a\":1,\"b\":{\"c\":[2],\"d\":4}}");
}

static void defaults_of_the_chosen_branch_are_filled(void **state) {
    (void)state;
    assert_filled(ops, "{\"op\": \"flip\"}", "{\"op\":\"flip\",\"p\":0.5}");
    assert_filled(ops, "{\"size\": 1, \"op\": \"crop\"}", "{\"op\":\"crop\",\"size\":1}");
}

static void the_default_beside_a_reference_comes_first(void **state) {
    (void)state;
    static const char schema[] =
        "{\"properties\": {\"a\": {\"$ref\": \"#/$defs/n\", \"default\": 1}, \"b\": {\"$ref\": "
        "\"#/$defs/n\"}}, \"$defs\": {\"n\": {\"default\": 2}}}";
    assert_filled(schema, "{}", "{\"a\":1,\"b\":2}");
}

static void filling_leaves_what_is_not_valid(void **state) {
    (void)state;
    assert_filled(ops, "{\"op\": \"blur\"}", "{\"op\":\"blur\"}");
    assert_filled("{\"properties\": {\"a\": {\"properties\": {\"b\": {\"default\": 1}}}}}",
                  "{\"a\": 3}", "{\"a\":3}");
    assert_filled("{\"properties\": {\"a\": {\"default\": 1}}}", "[]", "[]");
}

/* The interpreter does nothing for a keyword it does not know: the schemas must not use one. */
static void assert_understood(const cJSON *schema, const cJSON *root) {
    static const char *const keywords[] = {"x-bytes", /* by wire.c */
                                           "$schema",
                                           "$ref",
                                           "$defs",
                                           "title",
                                           "description",
                                           "type",
                                           "properties",
                                           "required",
                                           "additionalProperties",
                                           "items",
                                           "prefixItems",
                                           "enum",
                                           "const",
                                           "minimum",
                                           "maximum",
                                           "exclusiveMinimum",
                                           "exclusiveMaximum",
                                           "minItems",
                                           "maxItems",
                                           "minLength",
                                           "maxLength",
                                           "minProperties",
                                           "oneOf",
                                           "default",
                                           "$id",
                                           "$comment"};
    for (const cJSON *one = schema->child; one != NULL; one = one->next) {
        size_t i = 0;
        while (i < sizeof keywords / sizeof keywords[0] && strcmp(keywords[i], one->string) != 0)
            i++;
        if (i == sizeof keywords / sizeof keywords[0])
            fail_msg("the keyword \"%s\" is not understood", one->string);
        if (strcmp(one->string, "$ref") == 0)
            assert_non_null(
                json_member(json_member(root, "$defs"), one->valuestring + strlen("#/$defs/")));
        if (strcmp(one->string, "$defs") == 0 || strcmp(one->string, "properties") == 0 ||
            strcmp(one->string, "prefixItems") == 0 || strcmp(one->string, "oneOf") == 0)
            for (const cJSON *inner = one->child; inner != NULL; inner = inner->next)
                assert_understood(inner, root);
        if (cJSON_IsObject(one) &&
            (strcmp(one->string, "items") == 0 || strcmp(one->string, "additionalProperties") == 0))
            assert_understood(one, root);
    }
}

static bool requires(const cJSON *schema, const char *key) {
    const cJSON *one;
    cJSON_ArrayForEach(one, json_member(schema, "required")) {
        if (strcmp(one->valuestring, key) == 0)
            return true;
    }
    return false;
}

/* What is read by its `const` here is read by all branches elsewhere, of which JSON Schema's oneOf
 * wants exactly one: an object without that key may fit no other branch than the default one. */
static void assert_exclusive(const cJSON *schema, const cJSON *root) {
    const cJSON *branches = json_member(schema, "oneOf"), *branch, *inner;
    const cJSON *key = branches != NULL ? schema_discriminator(root, branches) : NULL;
    for (branch = key != NULL ? branches->child : NULL; branch != NULL; branch = branch->next) {
        const cJSON *resolved = schema_resolve(root, branch);
        const cJSON *own = json_member(json_member(resolved, "properties"), key->string);
        if (own != NULL && requires(resolved, key->string) == (json_member(own, "default") != NULL))
            fail_msg("%s: whether \"%s\" is required", json_member(own, "const")->valuestring,
                     key->string);
    }
    cJSON_ArrayForEach(inner, schema) {
        assert_exclusive(inner, root);
    }
}

static void the_branches_of_the_schemas_exclude_one_another(void **state) {
    (void)state;
    assert_exclusive(schema_experiment(), schema_experiment());
    assert_exclusive(schema_messages(), schema_messages());
}

static void the_schemas_use_only_what_is_understood(void **state) {
    (void)state;
    assert_understood(schema_experiment(), schema_experiment());
    assert_understood(schema_messages(), schema_messages());
}

/* Every default of the schema is valid under the schema it stands in. */
static void assert_defaults_valid(const cJSON *schema, const cJSON *root) {
    const cJSON *otherwise = json_member(schema, "default");
    if (otherwise != NULL && cJSON_IsObject(schema)) {
        struct faults faults = {0};
        schema_check(root, schema, otherwise, "default", &faults);
        if (faults.count > 0)
            fail_msg("%s: %s", faults.items[0].place, faults.items[0].message);
    }
    for (const cJSON *one = schema->child; one != NULL; one = one->next)
        if ((cJSON_IsObject(one) || cJSON_IsArray(one)) &&
            (one->string == NULL || strcmp(one->string, "default") != 0))
            assert_defaults_valid(one, root);
}

static void every_default_is_valid(void **state) {
    (void)state;
    assert_defaults_valid(schema_experiment(), schema_experiment());
}

/* Distances: /usr/bin/python3 has none; these are counted by hand. */
static void the_nearest_word_is_within_a_third(void **state) {
    (void)state;
    static const char *const words[] = {"seed", "size", "epochs", "brightness", "lr"};
    assert_string_equal(nearest_word("brighness", words, 5), "brightness"); /* 1 inserted */
    assert_string_equal(nearest_word("epcohs", words, 5), "epochs");        /* 1 swap */
    assert_string_equal(nearest_word("seeed", words, 5), "seed");           /* 1 deleted */
    assert_string_equal(nearest_word("sive", words, 5), "size");            /* 1 substituted */
    assert_string_equal(nearest_word("seed", words, 5), "seed");
    assert_string_equal(nearest_word("pecohs", words, 5), "epochs"); /* 2 swaps of 6 */
    assert_null(nearest_word("pecosh", words, 5));                   /* 3 */
    assert_null(nearest_word("epsolo", words, 5));                   /* 3 of 6 */
    assert_null(nearest_word("l", words, 5)); /* 1 of 2 is more than a third */
    assert_null(nearest_word("", words, 5));
    assert_null(nearest_word("seed", words, 0));
    char longest[66] = "";
    const char *const long_words[] = {longest};
    memset(longest, 'a', 64);
    assert_ptr_equal(nearest_word(longest, long_words, 1), longest);
    longest[64] = 'a';
    assert_null(nearest_word(longest, long_words, 1));
}

static void of_two_near_words_the_nearer_wins(void **state) {
    (void)state;
    static const char *const words[] = {"random_crop", "random_cropp", "center_crop"};
    assert_string_equal(nearest_word("random_corp", words, 3), "random_crop");
    assert_string_equal(nearest_word("centre_crop", words, 3), "center_crop");
}

static void words_of_any_length_are_compared(void **state) {
    (void)state;
    char word[300];
    const char *const words[] = {word, "abc"};
    memset(word, 'a', sizeof word);
    for (size_t length = 0; length < sizeof word; length++) {
        word[length] = '\0';
        nearest_word(word, words, 2);
        nearest_word("aaaaaaaaaa", words, 2);
        word[length] = 'a';
    }
}

static void dotted_paths_lead_into_the_schema(void **state) {
    (void)state;
    struct schema_path path;
    assert_true(schema_path_find(schema_experiment(), "train.optimizer.lr", &path));
    assert_int_equal(path.count, 3);
    assert_string_equal(path.keys[2], "lr");
    schema_path_free(&path);
    assert_true(schema_path_find(schema_experiment(), "data.upsample.a.b", &path));
    assert_int_equal(path.count, 3);
    assert_string_equal(path.keys[2], "a.b");
    schema_path_free(&path);
    static const char *const unknown[] = {"",
                                          ".",
                                          "train.",
                                          ".seed",
                                          "train..seed",
                                          "train.seed.x",
                                          "train.optimizer.amsgrad",
                                          "Train",
                                          "data.upsample."};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        if (schema_path_find(schema_experiment(), unknown[i], &path))
            fail_msg("\"%s\" was found", unknown[i]);
}

static void a_path_makes_the_objects_on_its_way(void **state) {
    (void)state;
    struct schema_path path;
    cJSON *object = parsed("{\"train\": {\"epochs\": 3}, \"data\": 7, \"stop\": null}");
    assert_true(schema_path_find(schema_experiment(), "train.optimizer.lr", &path));
    schema_path_set(object, &path, cJSON_CreateNumber(1));
    schema_path_set(object, &path, cJSON_CreateNumber(2));
    schema_path_free(&path);
    assert_true(schema_path_find(schema_experiment(), "data.split.seed", &path));
    schema_path_set(object, &path, cJSON_CreateNumber(1));
    schema_path_free(&path);
    assert_true(schema_path_find(schema_experiment(), "stop.rule", &path));
    schema_path_set(object, &path, cJSON_CreateString("asha"));
    schema_path_free(&path);
    char *text = json_text(object);
    assert_string_equal(text, "{\"train\":{\"epochs\":3,\"optimizer\":{\"lr\":2}},\"data\":7,"
                              "\"stop\":{\"rule\":\"asha\"}}");
    free(text);
    cJSON_Delete(object);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_told_apart),
        cmocka_unit_test(bounds_include_or_exclude_their_ends),
        cmocka_unit_test(lengths_count_bytes_and_items),
        cmocka_unit_test(constants_and_enums_name_the_nearest),
        cmocka_unit_test(items_after_the_prefix_follow_items),
        cmocka_unit_test(unknown_keys_are_faults_only_where_none_are_allowed),
        cmocka_unit_test(every_missing_key_is_a_fault),
        cmocka_unit_test(a_constant_tells_the_branches_apart),
        cmocka_unit_test(types_tell_the_other_branches_apart),
        cmocka_unit_test(a_place_in_front_is_kept),
        cmocka_unit_test(defaults_are_filled_at_every_depth_in_the_order_of_the_schema),
        cmocka_unit_test(defaults_of_the_chosen_branch_are_filled),
        cmocka_unit_test(the_default_beside_a_reference_comes_first),
        cmocka_unit_test(filling_leaves_what_is_not_valid),
        cmocka_unit_test(the_branches_of_the_schemas_exclude_one_another),
        cmocka_unit_test(the_schemas_use_only_what_is_understood),
        cmocka_unit_test(every_default_is_valid),
        cmocka_unit_test(the_nearest_word_is_within_a_third),
        cmocka_unit_test(of_two_near_words_the_nearer_wins),
        cmocka_unit_test(words_of_any_length_are_compared),
        cmocka_unit_test(dotted_paths_lead_into_the_schema),
        cmocka_unit_test(a_path_makes_the_objects_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
