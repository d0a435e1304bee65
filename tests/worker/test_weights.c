#include "worker/weights.h"

#include "core/content_sum.h"
#include "tests/temporary.h"
#include "tests/worker/fake_backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A resnet18, and a file of weights for it in which every value of tensor i is i. */
struct bench {
    char *root, *path;
    struct network network;
    struct model *model;
    struct experiment experiment;
    struct tensor *tensors;
    float **data;
    size_t count;
    int64_t tracked[64];
};

static int bench_make(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    void *root = NULL;
    if (bench == NULL || temporary_make(&root) != 0 ||
        !network_build("resnet18", HEAD_RELU, 0, &bench->network, NULL))
        return -1;
    bench->root = root;
    bench->path = temporary_path(&root, "w.safetensors");
    bench->experiment.model.arch = "resnet18";
    bench->experiment.model.weights = bench->path;
    bench->experiment.train.seed = 3;
    fake_new(&bench->network, NULL, &bench->model, NULL);
    bench->tensors = calloc(bench->network.parameter_count + 4, sizeof *bench->tensors);
    bench->data = calloc(bench->network.parameter_count, sizeof *bench->data);
    for (size_t i = 0; i < bench->network.parameter_count; i++) {
        const struct parameter *parameter = &bench->network.parameters[i];
        if (strncmp(parameter->name, "head.", 5) == 0)
            continue;
        float *values = bench->data[bench->count] = malloc(parameter->count * sizeof *values);
        for (size_t k = 0; k < parameter->count; k++)
            values[k] = (float)i;
        struct tensor *tensor = &bench->tensors[bench->count++];
        *tensor = (struct tensor){.name = parameter->name,
                                  .rank = parameter->rank,
                                  .data = values,
                                  .bytes = parameter->count * sizeof *values};
        memcpy(tensor->shape, parameter->shape, parameter->rank * sizeof *parameter->shape);
    }
    *state = bench;
    return 0;
}

static int bench_free(void **state) {
    struct bench *bench = *state;
    void *root = bench->root;
    fake_free(bench->model);
    for (size_t i = 0; i < bench->network.parameter_count; i++)
        free(bench->data[i]);
    network_free(&bench->network);
    free(bench->data);
    free(bench->tensors);
    free(bench->path);
    free(bench);
    return temporary_remove(&root);
}

static struct tensor *tensor_named(struct bench *bench, const char *name) {
    for (size_t i = 0; i < bench->count; i++) {
        if (strcmp(bench->tensors[i].name, name) == 0)
            return &bench->tensors[i];
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

static void write_file(const struct bench *bench) {
    struct error error = {0};
    if (!safetensors_write(bench->path, bench->tensors, bench->count, NULL, 0, &error))
        fail_msg("%s", error.message);
}

static bool begin(struct bench *bench, struct error *error) {
    return weights_begin(&bench->experiment, &bench->network, &fake_backend, bench->model,
                         bench->tracked, error);
}

static void expect_begin(struct bench *bench) {
    struct error error = {0};
    if (!begin(bench, &error))
        fail_msg("%s", error.message);
}

/* The model's parameter is the file's (every value its index), or what network_initialise draws. */
static void expect_parameter(const struct bench *bench, const char *name, bool fresh) {
    long index = network_find(&bench->network, name);
    size_t i = (size_t)index, count = bench->network.parameters[i].count;
    float *expected = malloc(count * sizeof *expected);
    assert_true(index >= 0);
    for (size_t k = 0; k < count; k++)
        expected[k] = (float)i;
    if (fresh)
        network_initialise(&bench->network, i, 3, expected);
    if (memcmp(bench->model->values[MODEL_VALUE][i], expected, count * sizeof *expected) != 0)
        fail_msg("%s is not %s", name, fresh ? "fresh" : "the file's");
    free(expected);
}

static void without_a_file_everything_is_fresh(void **state) {
    struct bench *bench = *state;
    bench->experiment.model.weights = NULL;
    bench->tracked[0] = 5;
    expect_begin(bench);
    for (size_t i = 0; i < bench->network.parameter_count; i++)
        expect_parameter(bench, bench->network.parameters[i].name, true);
    assert_int_equal(bench->tracked[0], 0);
}

static void a_file_without_a_head_gives_everything_else(void **state) {
    struct bench *bench = *state;
    write_file(bench);
    expect_begin(bench);
    expect_parameter(bench, "conv1.weight", false);
    expect_parameter(bench, "layer4.1.bn2.running_var", false);
    expect_parameter(bench, "fc.bias", false);
    expect_parameter(bench, "head.weight", true);
    expect_parameter(bench, "head.bias", true);
}

static void fresh_parts_match_whole_components_of_names(void **state) {
    struct bench *bench = *state;
    char *fresh[] = {"layer4", "fc", "layer1.0.bn1", "bn1.bias"};
    bench->experiment.model.fresh = fresh;
    bench->experiment.model.fresh_count = 4;
    tensor_named(bench, "fc.weight")->shape[0] = 500; /* another model's: no matter when fresh */
    tensor_named(bench, "fc.weight")->bytes /= 2;
    const float more = 1;
    bench->tensors[bench->count++] =
        (struct tensor){.name = "fc.scale", .data = &more, .bytes = sizeof more};
    write_file(bench);
    expect_begin(bench);
    expect_parameter(bench, "layer4.0.conv1.weight", true);
    expect_parameter(bench, "fc.weight", true);
    expect_parameter(bench, "layer1.0.bn1.weight", true);
    expect_parameter(bench, "layer1.0.bn2.weight", false);
    expect_parameter(bench, "bn1.bias", true);
    expect_parameter(bench, "bn1.weight", false);
    expect_parameter(bench, "layer3.0.conv1.weight", false);
}

static void a_prefix_that_is_part_of_a_component_names_nothing(void **state) {
    struct bench *bench = *state;
    char *fresh[] = {"layer"};
    struct error error = {0};
    bench->experiment.model.fresh = fresh;
    bench->experiment.model.fresh_count = 1;
    write_file(bench);
    assert_false(begin(bench, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "resnet18 has no part \"layer\""));
}

static void batches_tracked_are_taken_over_but_for_fresh_parts(void **state) {
    struct bench *bench = *state;
    const int64_t first = 1234567890123, second = 77;
    char *fresh[] = {"layer1.0"};
    bench->experiment.model.fresh = fresh;
    bench->experiment.model.fresh_count = 1;
    bench->tensors[bench->count++] = (struct tensor){
        .name = "bn1.num_batches_tracked", .type = TENSOR_I64, .data = &first, .bytes = 8};
    bench->tensors[bench->count++] = (struct tensor){.name = "layer1.0.bn1.num_batches_tracked",
                                                     .type = TENSOR_I64,
                                                     .data = &second,
                                                     .bytes = 8};
    write_file(bench);
    expect_begin(bench);
    assert_int_equal(bench->tracked[0], first);
    assert_int_equal(bench->tracked[1], 0);
    assert_int_equal(bench->tracked[3], 0);
    assert_int_equal(weights_tracked_count(&bench->network), 20);
}

static void what_is_no_count_of_batches_counts_none(void **state) {
    struct bench *bench = *state;
    static const int64_t counts[2] = {5, 6};
    bench->tensors[bench->count++] = (struct tensor){
        .name = "bn1.num_batches_tracked", .type = TENSOR_I32, .data = counts, .bytes = 4};
    bench->tensors[bench->count++] = (struct tensor){.name = "layer1.0.bn1.num_batches_tracked",
                                                     .type = TENSOR_I64,
                                                     .rank = 1,
                                                     .shape = {2},
                                                     .data = counts,
                                                     .bytes = sizeof counts};
    write_file(bench);
    expect_begin(bench);
    assert_int_equal(bench->tracked[0], 0);
    assert_int_equal(bench->tracked[1], 0);
}

/* As PyTorch's BatchNorm2d counts in train mode, and not in eval mode. */
static void batches_are_counted_where_statistics_are_learned(void **state) {
    struct bench *bench = *state;
    long first = network_find(&bench->network, "bn1.running_mean");
    assert_true(first >= 0);
    bench->network.parameters[first].frozen = true;
    for (int i = 0; i < 21; i++)
        bench->tracked[i] = 100;
    weights_tracked_add(&bench->network, bench->tracked, 7);
    assert_int_equal(bench->tracked[0], 100);
    for (int i = 1; i < 20; i++)
        assert_int_equal(bench->tracked[i], 107);
    assert_int_equal(bench->tracked[20], 100); /* there are 20 of them */
}

static void an_assay_checkpoint_gives_its_head_too(void **state) {
    struct bench *bench = *state;
    long weight = network_find(&bench->network, "head.weight");
    float values[2000], bias[2] = {(float)(weight + 1), (float)(weight + 1)};
    for (int k = 0; k < 2000; k++)
        values[k] = (float)weight;
    bench->tensors[bench->count++] = (struct tensor){.name = "head.weight",
                                                     .rank = 2,
                                                     .shape = {2, 1000},
                                                     .data = values,
                                                     .bytes = sizeof values};
    bench->tensors[bench->count++] = (struct tensor){
        .name = "head.bias", .rank = 1, .shape = {2}, .data = bias, .bytes = sizeof bias};
    bench->tensors[bench->count++] = (struct tensor){.name = "optimizer.m.head.bias",
                                                     .rank = 1,
                                                     .shape = {2},
                                                     .data = bias,
                                                     .bytes = sizeof bias};
    write_file(bench);
    expect_begin(bench);
    expect_parameter(bench, "head.weight", false);
    expect_parameter(bench, "head.bias", false);
}

/* --- files that do not fit --- */

static void expect_refused(struct bench *bench, const char *const *parts, size_t count) {
    struct error error = {0};
    write_file(bench);
    assert_false(begin(bench, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    for (size_t i = 0; i < count; i++) {
        if (strstr(error.message, parts[i]) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.message, parts[i]);
    }
}

static void missing_surplus_and_misshapen_tensors_are_listed_with_their_shapes(void **state) {
    struct bench *bench = *state;
    tensor_named(bench, "conv1.weight")->name = "conv.weight";
    struct tensor *fc = tensor_named(bench, "fc.weight");
    fc->shape[0] = 512;
    fc->shape[1] = 1000;
    struct tensor *kernel = tensor_named(bench, "layer1.0.conv2.weight");
    kernel->shape[2] = 1;
    kernel->shape[3] = 9;
    static const char *const parts[] = {
        "w.safetensors does not fit resnet18: ",
        "conv1.weight [64, 3, 7, 7] is missing",
        "fc.weight is [512, 1000] and should be [1000, 512]",
        "layer1.0.conv2.weight is [64, 64, 1, 9] and should be [64, 64, 3, 3]",
        "conv.weight [64, 3, 7, 7] has no place",
        "model.fresh",
    };
    expect_refused(bench, parts, 6);
}

/* torchvision's resnet18 has 102 tensors but for num_batches_tracked. */
static void a_long_list_is_cut_and_counted(void **state) {
    struct bench *bench = *state;
    assert_int_equal(bench->count, 102);
    bench->count = 102 - 9;
    static const char *const nine[] = {
        "resnet18: layer4.1.bn1.running_mean [512] is missing, layer4.1.bn1.running_var [512] is "
        "missing, ",
        "fc.weight [1000, 512] is missing, and 1 more; "};
    expect_refused(bench, nine, 2);
    bench->count = 102 - 8;
    static const char *const eight[] = {"fc.bias [1000] is missing; "};
    expect_refused(bench, eight, 1);
}

static void a_head_of_which_a_part_is_missing_is_not_begun_anew(void **state) {
    struct bench *bench = *state;
    static const float values[2000];
    static const char *const without_bias[] = {"head.bias [2] is missing;"},
                             *const without_weight[] = {"head.weight [2, 1000] is missing;"};
    struct tensor *head = &bench->tensors[bench->count++];
    *head = (struct tensor){.name = "head.weight",
                            .rank = 2,
                            .shape = {2, 1000},
                            .data = values,
                            .bytes = sizeof values};
    expect_refused(bench, without_bias, 1);
    *head =
        (struct tensor){.name = "head.bias", .rank = 1, .shape = {2}, .data = values, .bytes = 8};
    expect_refused(bench, without_weight, 1);
}

static void damage_is_found_where_a_file_has_its_sum(void **state) {
    struct bench *bench = *state;
    static const struct metadata sum = {CONTENT_SUM_KEY, "01234567"};
    struct error error = {0};
    assert_true(safetensors_write(bench->path, bench->tensors, bench->count, &sum, 1, NULL));
    assert_false(begin(bench, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "w.safetensors: is damaged"));
}

static void weights_of_another_type_are_refused(void **state) {
    struct bench *bench = *state;
    tensor_named(bench, "bn1.bias")->type = TENSOR_I32;
    static const char *const parts[] = {"bn1.bias is not F32"};
    expect_refused(bench, parts, 1);
}

/* norm.pth is bn1's state_dict by PyTorch, norm.safetensors the same (tests/make_pth_data.py); so
 * are parallel.pth and parallel.safetensors, by its DataParallel, and compiled ones, by the
 * torch.compile of PyTorch 2.6 (tests/make_compiled_data.py). */
static void expect_norm(struct bench *bench, char *path) {
    char *fresh[] = {"conv1", "layer1", "layer2", "layer3", "layer4", "fc"};
    struct safetensors *expected = NULL;
    bench->experiment.model.fresh = fresh;
    bench->experiment.model.fresh_count = 6;
    bench->experiment.model.weights = path;
    expect_begin(bench);
    assert_true(safetensors_open(TEST_DATA "/pth/norm.safetensors", &expected, NULL));
    static const char *const names[] = {"bn1.weight", "bn1.bias", "bn1.running_mean",
                                        "bn1.running_var"};
    for (size_t i = 0; i < 4; i++) {
        const struct tensor *tensor = safetensors_find(expected, names[i]);
        size_t index = (size_t)network_find(&bench->network, names[i]);
        assert_memory_equal(bench->model->values[MODEL_VALUE][index], tensor->data, tensor->bytes);
    }
    assert_int_equal(bench->tracked[0], 77);
    assert_int_equal(bench->tracked[1], 0);
    expect_parameter(bench, "conv1.weight", true);
    safetensors_close(expected);
}

static void a_pth_file_gives_its_tensors(void **state) {
    expect_norm(*state, TEST_DATA "/pth/norm.pth");
}

static void names_of_data_parallel_are_taken_from_both_kinds_of_file(void **state) {
    expect_norm(*state, TEST_DATA "/pth/parallel.pth");
    expect_norm(*state, TEST_DATA "/pth/parallel.safetensors");
}

static void names_of_compiled_models_are_taken_also_beside_those_of_data_parallel(void **state) {
    expect_norm(*state, TEST_DATA "/pth/compiled.pth");
    expect_norm(*state, TEST_DATA "/pth/parallel_of_compiled.pth");
    expect_norm(*state, TEST_DATA "/pth/compiled_parallel.pth");
}

static void a_prefix_that_not_all_names_have_is_part_of_those_that_do(void **state) {
    struct bench *bench = *state;
    static const char *const parts[] = {"bn1.bias [64] is missing",
                                        "module.bn1.bias [64] has no place"};
    tensor_named(bench, "bn1.bias")->name = "module.bn1.bias";
    expect_refused(bench, parts, 2);
}

static void a_pth_file_of_another_model_is_listed_as_any_other(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    bench->experiment.model.weights = TEST_DATA "/pth/small.pth";
    assert_false(begin(bench, &error));
    assert_non_null(strstr(error.message, "conv1.weight [64, 3, 7, 7] is missing"));
}

static void what_is_wrong_with_a_pth_file_is_said(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    bench->experiment.model.weights = TEST_DATA "/pth/big_endian.pth";
    assert_false(begin(bench, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "model.weights: "));
    assert_non_null(strstr(error.message, "was written on a big-endian machine"));
}

static void a_missing_file_is_named(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    assert_false(begin(bench, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "model.weights: "));
    assert_non_null(strstr(error.message, "w.safetensors: No such file"));
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_make, bench_free)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(without_a_file_everything_is_fresh),
        ON_BENCH(a_file_without_a_head_gives_everything_else),
        ON_BENCH(fresh_parts_match_whole_components_of_names),
        ON_BENCH(a_prefix_that_is_part_of_a_component_names_nothing),
        ON_BENCH(batches_tracked_are_taken_over_but_for_fresh_parts),
        ON_BENCH(what_is_no_count_of_batches_counts_none),
        ON_BENCH(batches_are_counted_where_statistics_are_learned),
        ON_BENCH(an_assay_checkpoint_gives_its_head_too),
        ON_BENCH(missing_surplus_and_misshapen_tensors_are_listed_with_their_shapes),
        ON_BENCH(a_long_list_is_cut_and_counted),
        ON_BENCH(a_head_of_which_a_part_is_missing_is_not_begun_anew),
        ON_BENCH(damage_is_found_where_a_file_has_its_sum),
        ON_BENCH(weights_of_another_type_are_refused),
        ON_BENCH(a_pth_file_gives_its_tensors),
        ON_BENCH(names_of_data_parallel_are_taken_from_both_kinds_of_file),
        ON_BENCH(names_of_compiled_models_are_taken_also_beside_those_of_data_parallel),
        ON_BENCH(a_prefix_that_not_all_names_have_is_part_of_those_that_do),
        ON_BENCH(a_pth_file_of_another_model_is_listed_as_any_other),
        ON_BENCH(what_is_wrong_with_a_pth_file_is_said),
        ON_BENCH(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
