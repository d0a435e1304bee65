/* `assay weights` and `assay verify`. Sums in the expected output are sha256sum's of numpy's bytes:
 * e.g. numpy.arange(3, dtype="<f4").tobytes() for "a" of tests/data/pth/small.pth. */
#include "cli/command.h"

#include "core/safetensors.h"
#include "tests/cli/fake.h"
#include "tests/temporary.h"

#define PTH TEST_DATA "/pth/"

/* --- weights --- */

static void weights_lists_tensors_and_sums(void **state) {
    (void)state;
    assert_run(RUN(command_weights, "weights", PTH "small.pth"), 0,
               "tensor  type  shape  elements  sha256\n"
               "a       F32   [3]           3  75664b4da1c08de9\n"
               "b       I64   [2]           2  493630ab4b4b7f42\n"
               "\n"
               "2 tensors, 28 B, sha256 "
               "4765a6b06dd264bd79302d1cbe2a07bd0559c0adcc53be65966adbf9326f0750\n"
               "5 parameters\n",
               "");
}

static void weights_tells_statistics_from_parameters(void **state) {
    (void)state;
    struct run run = RUN(command_weights, "weights", PTH "norm.pth");
    assert_non_null(strstr(run.out, "\n128 parameters, 129 running statistics\n"));
    free(run.out);
    free(run.err);
}

static void weights_sums_are_the_same_for_both_kinds_of_file(void **state) {
    (void)state;
    char *sums[2];
    static const char *const files[] = {PTH "kinds.pth", PTH "kinds.safetensors"};
    for (int i = 0; i < 2; i++) {
        struct run run = RUN(command_weights, "weights", (char *)files[i], "--json");
        cJSON *document = parsed(run.out);
        assert_int_equal(run.status, 0);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(document, "tensors")), 21);
        sums[i] = strdup(cJSON_GetObjectItem(document, "sha256")->valuestring);
        cJSON_Delete(document);
        free(run.out);
        free(run.err);
    }
    assert_string_equal(sums[0], sums[1]);
    free(sums[0]);
    free(sums[1]);
}

/* The sum is that of the lines "NAME TYPE SHAPE SHA256" in the order of the names, which the file
 * has not: in Python, hashlib.sha256(lines) with hashlib.sha256 of each data_offsets. */
static const char small_sum[] = "25bb0702e68c7b30b66895cbf09637948e896fa0d1ab289eb89d601c8a4f6c7b";

static void weights_lists_metadata_below_each_other(void **state) {
    (void)state;
    struct run run = RUN(command_weights, "weights", TEST_DATA "/safetensors/small.safetensors");
    assert_non_null(strstr(run.out, small_sum));
    assert_non_null(strstr(run.out, "\n15 parameters\n\n"
                                    "metadata\n"
                                    "  format  pt\n"
                                    "  note    \xc3\xa4?\n"));
    free(run.out);
    free(run.err);
}

static void weights_json_has_everything(void **state) {
    (void)state;
    struct run run =
        RUN(command_weights, "weights", TEST_DATA "/safetensors/small.safetensors", "--json");
    cJSON *document = parsed(run.out);
    const cJSON *tensor = cJSON_GetArrayItem(cJSON_GetObjectItem(document, "tensors"), 1);
    assert_string_equal(
        cJSON_GetObjectItem(cJSON_GetObjectItem(document, "metadata"), "note")->valuestring,
        "\xc3\xa4\n");
    assert_string_equal(cJSON_GetObjectItem(document, "file")->valuestring,
                        TEST_DATA "/safetensors/small.safetensors");
    assert_int_equal(cJSON_GetObjectItem(document, "count")->valueint, 7);
    assert_int_equal(cJSON_GetObjectItem(document, "bytes")->valueint, 48);
    assert_string_equal(cJSON_GetObjectItem(document, "sha256")->valuestring, small_sum);
    assert_int_equal(cJSON_GetObjectItem(document, "parameters")->valueint, 15);
    assert_int_equal(cJSON_GetObjectItem(document, "running_statistics")->valueint, 0);
    assert_int_equal(cJSON_GetObjectItem(document, "optimizer")->valueint, 0);
    assert_string_equal(cJSON_GetObjectItem(tensor, "name")->valuestring, "conv1.weight");
    assert_int_equal(cJSON_GetObjectItem(tensor, "elements")->valueint, 6);
    assert_string_equal(cJSON_GetObjectItem(tensor, "dtype")->valuestring, "F32");
    assert_int_equal(cJSON_GetObjectItem(tensor, "shape")->child->next->valueint, 3);
    assert_int_equal(cJSON_GetObjectItem(tensor, "bytes")->valueint, 24);
    assert_int_equal(strlen(cJSON_GetObjectItem(tensor, "sha256")->valuestring), 64);
    cJSON_Delete(document);
    free(run.out);
    free(run.err);
}

/* A file "w.safetensors" of one tensor whose checksum is `sum`. */
static char *file_with_sum(void **state, const char *sum) {
    static const float data[] = {1, -2};
    const struct tensor tensor = {"a", TENSOR_F32, 1, {2}, data, sizeof data};
    const struct metadata items[] = {{"epoch", "1"}, {"content_crc32", sum}};
    char *path = temporary_path(state, "w.safetensors");
    assert_true(safetensors_write(path, &tensor, 1, items, 2, NULL));
    return path;
}

/* python3 -c "import zlib, struct; s = lambda n, d: zlib.crc32(n + b'\0' + d); print('%08x' % ((
 *     s(b'epoch', b'1') + s(b'a', struct.pack('<2f', 1, -2))) % 2**32))" */
static const char right_sum[] = "e5369135", wrong_sum[] = "00000000";

static void weights_says_that_a_checkpoint_is_damaged(void **state) {
    char *path = file_with_sum(state, wrong_sum);
    struct run run = RUN(command_weights, "weights", path);
    assert_int_equal(run.status, 2);
    assert_non_null(strstr(run.out, "1 tensor, 8 B"));
    assert_non_null(strstr(run.err, "w.safetensors: is damaged: its content has the checksum "
                                    "e5369135 and was written with 00000000"));
    free(run.out);
    free(run.err);
    free(path);
}

/* What "damaged" is in --json. */
static const cJSON *damaged_of(char *path, int status, cJSON **document) {
    struct run run = RUN(command_weights, "weights", path, "--json");
    assert_int_equal(run.status, status);
    *document = parsed(run.out);
    free(run.out);
    free(run.err);
    return cJSON_GetObjectItem(*document, "damaged");
}

static void weights_json_tells_damaged_whole_and_unknown_apart(void **state) {
    cJSON *document;
    char *path = file_with_sum(state, wrong_sum);
    assert_true(cJSON_IsTrue(damaged_of(path, 2, &document)));
    cJSON_Delete(document);
    free(path);
    path = file_with_sum(state, right_sum);
    assert_true(cJSON_IsFalse(damaged_of(path, 0, &document)));
    cJSON_Delete(document);
    free(path);
    path = strdup(PTH "small.pth");
    assert_true(cJSON_IsNull(damaged_of(path, 0, &document)));
    cJSON_Delete(document);
    free(path);
}

static void weights_of_what_is_no_such_file_is_an_error(void **state) {
    (void)state;
    struct run run = RUN(command_weights, "weights", PTH "evil.pth");
    assert_int_equal(run.status, 2);
    assert_string_equal(run.out, "");
    assert_non_null(strstr(run.err, "assay: " PTH "evil.pth: holds a call of \"posix system\""));
    free(run.out);
    free(run.err);
}

/* --- verify --- */

struct pair {
    void *root;
    char *a, *b;
};

static int pair_make(void **state) {
    struct pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL || temporary_make(&pair->root) != 0)
        return -1;
    pair->a = temporary_path(&pair->root, "a.safetensors");
    pair->b = temporary_path(&pair->root, "b.safetensors");
    *state = pair;
    return 0;
}

static int pair_free(void **state) {
    struct pair *pair = *state;
    void *root = pair->root;
    free(pair->a);
    free(pair->b);
    free(pair);
    return temporary_remove(&root);
}

static const float ones[] = {1, 1, 1, 1, 1, 1}, others[] = {1, 1, 1, 1, 0.1f, 2};
static const struct metadata meta[] = {{"epoch", "3"}};

static void write_pair(const struct pair *pair, const struct tensor *a, size_t a_count,
                       const struct tensor *b, size_t b_count) {
    assert_true(safetensors_write(pair->a, a, a_count, meta, 1, NULL));
    assert_true(safetensors_write(pair->b, b, b_count, meta, 1, NULL));
}

#define ONES(name) (name), TENSOR_F32, 2, {2, 3}, ones, sizeof ones
#define OTHERS(name) (name), TENSOR_F32, 2, {2, 3}, others, sizeof others

static void verify_says_that_files_are_the_same(void **state) {
    struct pair *pair = *state;
    const struct tensor tensors[] = {{ONES("v")}, {OTHERS("w")}};
    write_pair(pair, tensors, 2, tensors, 2);
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 0,
               "the same: 2 tensors, 48 bytes\n", "");
    assert_run(RUN(command_verify, "verify", pair->a, pair->b, "--json"), 0,
               "{\"same\":true,\"tensors\":2,\"bytes\":48,\"differing\":[],\"only_in_a\":[],"
               "\"only_in_b\":[],\"metadata\":[]}\n",
               "");
}

static void verify_does_not_mind_the_order_or_kind_of_file(void **state) {
    (void)state;
    assert_run(RUN(command_verify, "verify", PTH "kinds.pth", PTH "kinds.safetensors"), 0,
               "the same: 21 tensors, 834 bytes\n", "");
}

static void verify_names_the_first_element_that_differs(void **state) {
    struct pair *pair = *state;
    const struct tensor a[] = {{ONES("u")}, {ONES("v")}, {ONES("w")}};
    const struct tensor b[] = {{ONES("u")}, {OTHERS("v")}, {OTHERS("w")}};
    write_pair(pair, a, 3, b, 3);
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 1,
               "v F32 [2, 3]: element [1, 1] is 1 in A and 0.100000001 in B; 2 of 6 elements "
               "differ\n"
               "1 other tensor differs\n"
               "1 tensor is the same\n",
               "");
}

static void verify_tells_values_apart_that_print_alike(void **state) {
    struct pair *pair = *state;
    const uint32_t left = 0x7fc00000, right = 0x7fc00001; /* two NaNs */
    const struct tensor a = {"n", TENSOR_F32, 0, {0}, &left, 4},
                        b = {"n", TENSOR_F32, 0, {0}, &right, 4};
    write_pair(pair, &a, 1, &b, 1);
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 1,
               "n F32 []: element [] is 0x7fc00000 in A and 0x7fc00001 in B; 1 of 1 elements "
               "differ\n"
               "0 tensors are the same\n",
               "");
}

static void verify_names_missing_tensors_and_other_shapes(void **state) {
    struct pair *pair = *state;
    const struct tensor a[] = {{ONES("u")}, {ONES("v")}};
    const struct tensor b[] = {{"v", TENSOR_F32, 2, {3, 2}, ones, sizeof ones}, {ONES("w")}};
    write_pair(pair, a, 2, b, 2);
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 1,
               "v is F32 [2, 3] in A and F32 [3, 2] in B\n"
               "only in A: u\n"
               "only in B: w\n"
               "0 tensors are the same\n",
               "");
}

static void expect_difference(const struct pair *pair, const char *said) {
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 1, said, "");
}

static void verify_says_what_one_alone_has_or_has_of_another_type(void **state) {
    struct pair *pair = *state;
    const struct tensor two[] = {{ONES("v")}, {ONES("w")}},
                        whole = {"v", TENSOR_I32, 2, {2, 3}, ones, sizeof ones};
    const struct metadata more[] = {{"epoch", "3"}, {"loss", "1"}};
    write_pair(pair, two, 1, two, 2);
    expect_difference(pair, "only in B: w\n1 tensor is the same\n");
    write_pair(pair, two, 2, two, 1);
    expect_difference(pair, "only in A: w\n1 tensor is the same\n");
    write_pair(pair, two, 1, &whole, 1);
    expect_difference(pair, "v is F32 [2, 3] in A and I32 [2, 3] in B\n0 tensors are the same\n");
    write_pair(pair, two, 1, two, 1);
    assert_true(safetensors_write(pair->b, two, 1, more, 2, NULL));
    expect_difference(pair, "metadata that differ: loss\n1 tensor is the same\n");
    write_pair(pair, two, 1, two, 1);
    assert_true(safetensors_write(pair->a, two, 1, more, 2, NULL));
    expect_difference(pair, "metadata that differ: loss\n1 tensor is the same\n");
}

static void write_history(const struct pair *pair, const char *left, const char *right,
                          const char *epoch) {
    const struct tensor tensor = {ONES("w")};
    const struct metadata a[] = {{"epoch", "3"}, {"history", left}, {"content_crc32", "00000001"}},
                          b[] = {
                              {"epoch", epoch}, {"history", right}, {"content_crc32", "00000002"}};
    assert_true(safetensors_write(pair->a, &tensor, 1, a, 3, NULL));
    assert_true(safetensors_write(pair->b, &tensor, 1, b, 3, NULL));
}

static void verify_leaves_out_what_a_clock_told(void **state) {
    struct pair *pair = *state;
    write_history(pair, "[{\"loss\":0.5,\"seconds\":1.5,\"images_per_second\":7}]",
                  "[{\"loss\":0.5,\"seconds\":2.5,\"images_per_second\":9}]", "3");
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 0, "the same: 1 tensor, 24 bytes\n",
               "");
}

static void verify_compares_the_rest_of_the_metadata(void **state) {
    struct pair *pair = *state;
    write_history(pair, "[{\"loss\":0.5,\"seconds\":1.5}]",
                  "[{\"loss\":0.50000000000000011,\"seconds\":1.5}]", "4");
    assert_run(RUN(command_verify, "verify", pair->a, pair->b), 1,
               "metadata that differ: epoch, history\n"
               "1 tensor is the same\n",
               "");
    assert_run(RUN(command_verify, "verify", "--tensors", pair->a, pair->b), 0,
               "the same: 1 tensor, 24 bytes\n", "");
}

static void verify_compares_a_history_that_is_none_as_it_stands(void **state) {
    struct pair *pair = *state;
    write_history(pair, "[{\"seconds\":1.5}]", "none", "3");
    expect_difference(pair, "metadata that differ: history\n1 tensor is the same\n");
    write_history(pair, "none", "[{\"seconds\":1.5}]", "3");
    expect_difference(pair, "metadata that differ: history\n1 tensor is the same\n");
}

static void verify_of_a_file_that_cannot_be_read_is_an_error(void **state) {
    (void)state;
    assert_run(
        RUN(command_verify, "verify", PTH "small.pth", "none.safetensors"), 2, "",
        "assay: none.safetensors: No such file or directory; a checkpoint of an experiment is "
        "ID@best, ID@last or ID@EPOCH\n");
}

#define ON_PAIR(test) cmocka_unit_test_setup_teardown(test, pair_make, pair_free)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_lists_tensors_and_sums),
        cmocka_unit_test(weights_tells_statistics_from_parameters),
        cmocka_unit_test(weights_sums_are_the_same_for_both_kinds_of_file),
        cmocka_unit_test(weights_lists_metadata_below_each_other),
        cmocka_unit_test(weights_json_has_everything),
        cmocka_unit_test_setup_teardown(weights_says_that_a_checkpoint_is_damaged, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(weights_json_tells_damaged_whole_and_unknown_apart,
                                        temporary_make, temporary_remove),
        cmocka_unit_test(weights_of_what_is_no_such_file_is_an_error),
        ON_PAIR(verify_says_that_files_are_the_same),
        cmocka_unit_test(verify_does_not_mind_the_order_or_kind_of_file),
        ON_PAIR(verify_names_the_first_element_that_differs),
        ON_PAIR(verify_tells_values_apart_that_print_alike),
        ON_PAIR(verify_names_missing_tensors_and_other_shapes),
        ON_PAIR(verify_leaves_out_what_a_clock_told),
        ON_PAIR(verify_says_what_one_alone_has_or_has_of_another_type),
        ON_PAIR(verify_compares_the_rest_of_the_metadata),
        ON_PAIR(verify_compares_a_history_that_is_none_as_it_stands),
        cmocka_unit_test(verify_of_a_file_that_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
