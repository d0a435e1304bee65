/* assay-worker step, from files to a file: the step that tests/make_step_data.py took. That every
 * tensor is PyTorch's is in tests/worker/nn/test_step.c; here it is what of it is written. */
#include "worker/step.h"

#include "core/file.h"
#include "tests/temporary.h"
#include "tests/worker/nn/reference.h"

#include <fcntl.h>

enum { PICTURES = 4, SIDE = 64 };

static const char config[] =
    "{\"name\": \"step\", \"data\": {\"classes\": [{\"name\": \"a\", \"dir\": \"a\", \"label\": "
    "0}, {\"name\": \"b\", \"dir\": \"b\", \"label\": 1}]}, \"model\": {\"arch\": \"resnet18\"}}";

static void write_tensors(void **state, const char *name, const struct tensor *tensors,
                          size_t count) {
    struct error error = {0};
    char *path = temporary_path(state, name);
    if (!safetensors_write(path, tensors, count, NULL, 0, &error))
        fail_msg("%s", error.message);
    free(path);
}

/* The weights that reference.h draws. */
static void write_weights(void **state, const struct network *network) {
    struct tensor *tensors = zeroed(network->parameter_count * sizeof *tensors);
    for (size_t i = 0; i < network->parameter_count; i++) {
        const struct parameter *p = &network->parameters[i];
        float *values = zeroed(p->count * sizeof(float));
        weight(network, i, 0, values);
        tensors[i] = (struct tensor){.name = p->name,
                                     .type = TENSOR_F32,
                                     .rank = p->rank,
                                     .data = values,
                                     .bytes = p->count * sizeof(float)};
        memcpy(tensors[i].shape, p->shape, sizeof p->shape);
    }
    write_tensors(state, "weights.safetensors", tensors, network->parameter_count);
    for (size_t i = 0; i < network->parameter_count; i++)
        free((void *)tensors[i].data);
    free(tensors);
}

static void write_batch(void **state) {
    size_t floats = (size_t)PICTURES * 3 * SIDE * SIDE;
    float *images = zeroed(floats * sizeof(float));
    const int64_t labels[PICTURES] = {0, 1, 0, 1};
    drawn("images", floats, images);
    const struct tensor tensors[] = {{.name = "images",
                                      .type = TENSOR_F32,
                                      .rank = 4,
                                      .shape = {PICTURES, 3, SIDE, SIDE},
                                      .data = images,
                                      .bytes = floats * sizeof(float)},
                                     {.name = "labels",
                                      .type = TENSOR_I64,
                                      .rank = 1,
                                      .shape = {PICTURES},
                                      .data = labels,
                                      .bytes = sizeof labels}};
    write_tensors(state, "batch.safetensors", tensors, 2);
    free(images);
}

static int make_files(void **state) {
    struct network network;
    struct error error = {0};
    if (temporary_make(state) != 0 || !network_build("resnet18", HEAD_RELU, 0.5, &network, &error))
        return -1;
    char *path = temporary_path(state, "config.json");
    bool done = file_write_atomic(path, config, strlen(config), &error);
    write_weights(state, &network);
    write_batch(state);
    network_free(&network);
    free(path);
    return done ? 0 : -1;
}

/* Runs the command with these weights; what it says is in the file "said". */
static int run(void **state, const char *weights) {
    char *paths[] = {temporary_path(state, "config.json"),
                     temporary_path(state, "batch.safetensors"),
                     temporary_path(state, "out.safetensors"), temporary_path(state, "said")};
    char *argv[] = {(char[]){"step"}, (char[]){"--backend"},
                    (char[]){"cpu"},  (char[]){"--threads"},
                    (char[]){"1"},    (char[]){"--config"},
                    paths[0],         (char[]){"--batch"},
                    paths[1],         (char[]){"--out"},
                    paths[2],         (char[]){"--weights"},
                    (char *)weights,  NULL};
    int kept = dup(STDERR_FILENO), said = open(paths[3], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(said, STDERR_FILENO);
    int code = step_main((int)(sizeof argv / sizeof *argv) - 1, argv);
    dup2(kept, STDERR_FILENO);
    close(said);
    close(kept);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        free(paths[i]);
    return code;
}

static void expect_said(void **state, const char *words) {
    char *path = temporary_path(state, "said"), *text = NULL;
    size_t length = 0;
    assert_true(file_read(path, 4096, &text, &length, NULL));
    if (strstr(text, words) == NULL)
        fail_msg("it says: %s", text);
    free(text);
    free(path);
}

static struct safetensors *result(void **state) {
    struct error error = {0};
    struct safetensors *file;
    char *path = temporary_path(state, "out.safetensors");
    if (!safetensors_open(path, &file, &error))
        fail_msg("%s", error.message);
    free(path);
    return file;
}

static void assert_near(const struct safetensors *got, const struct safetensors *expected,
                        const char *name, double tolerance) {
    size_t count = 0, others = 0;
    float *mine = data_floats(got, "", name, &count);
    float *theirs = data_floats(expected, "", name, &others);
    assert_int_equal(count, others);
    assert_close(name, mine, theirs, count, tolerance);
    free(mine);
    free(theirs);
}

static void a_step_from_files_is_pytorchs(void **state) {
    char *weights = temporary_path(state, "weights.safetensors");
    assert_int_equal(run(state, weights), 0);
    struct safetensors *got = result(state), *expected = data_open("resnet18_64.safetensors");
    assert_near(got, expected, "loss", 5e-5);
    assert_near(got, expected, "logits", 5e-5);
    assert_near(got, expected, "param.bn1.running_mean", 1e-4);
    assert_near(got, expected, "param.layer4.0.bn2.running_var", 1e-4);
    safetensors_close(expected);
    safetensors_close(got);
    free(weights);
}

static void assert_tensor(const struct safetensors *file, const char *prefix,
                          const struct parameter *parameter) {
    const struct tensor *tensor = data_find(file, prefix, parameter->name);
    assert_int_equal(tensor->type, TENSOR_F32);
    assert_int_equal(tensor->rank, parameter->rank);
    assert_memory_equal(tensor->shape, parameter->shape, tensor->rank * sizeof *tensor->shape);
}

static void every_gradient_and_parameter_is_written(void **state) {
    struct network network;
    char *weights = temporary_path(state, "weights.safetensors");
    assert_true(network_build("resnet18", HEAD_RELU, 0.5, &network, NULL));
    assert_int_equal(run(state, weights), 0);
    struct safetensors *got = result(state);
    size_t norms = 0, gradients = 0;
    for (size_t i = 0; i < network.parameter_count; i++) {
        assert_tensor(got, "param", &network.parameters[i]);
        if (network.parameters[i].trainable)
            assert_tensor(got, "grad", &network.parameters[i]);
        gradients += network.parameters[i].trainable;
        norms += network.parameters[i].kind == PARAMETER_MEAN;
    }
    assert_int_equal(safetensors_size(got), 2 + network.parameter_count + gradients + norms);
    int64_t tracked;
    memcpy(&tracked, data_find(got, "param", "layer4.1.bn2.num_batches_tracked")->data,
           sizeof tracked);
    assert_int_equal(tracked, 1);
    safetensors_close(got);
    network_free(&network);
    free(weights);
}

static void weights_without_a_head_are_refused(void **state) {
    assert_int_equal(run(state, TEST_DATA "/pth/norm.safetensors"), 2);
    expect_said(state, "norm.safetensors: head.weight [2, 1000] or head.bias [2] is missing");
}

static void a_pth_is_read_for_its_weights(void **state) {
    assert_int_equal(run(state, TEST_DATA "/pth/norm.pth"), 2);
    expect_said(state, "norm.pth: head.weight [2, 1000] or head.bias [2] is missing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_from_files_is_pytorchs),
        cmocka_unit_test(every_gradient_and_parameter_is_written),
        cmocka_unit_test(weights_without_a_head_are_refused),
        cmocka_unit_test(a_pth_is_read_for_its_weights),
    };
    return cmocka_run_group_tests_name("step", tests, make_files, temporary_remove);
}
