#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/arch.h"
#include "worker/nn/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Made with:
 * python3 -c "
 * import torchvision
 * def fnv(s):
 *     h = 14695981039346656037
 *     for c in s.encode(): h = ((h ^ c) * 1099511628211) % 2**64
 *     return h
 * for a in 'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152':
 *     m = getattr(torchvision.models, a)()
 *     d = {k: v for k, v in m.state_dict().items() if not k.endswith('num_batches_tracked')}
 *     h = 0
 *     for k, v in d.items(): h ^= fnv(k + ' ' + 'x'.join(map(str, v.shape)))
 *     print(a, len(d), sum(p.numel() for p in m.parameters()), hex(h))" */
static const struct {
    const char *arch;
    size_t tensors, trainable;
    uint64_t hash; /* of all names and shapes */
} torchvision[] = {
    {"resnet18", 102, 11689512, 0x6704cc0ff4b1e08b},
    {"resnet34", 182, 21797672, 0x6df923822f9f23e3},
    {"resnet50", 267, 25557032, 0x70d7ab7c4df0b273},
    {"resnet101", 522, 44549160, 0xa9ac59c18d0f8563},
    {"resnet152", 777, 60192808, 0x55a87ab40ad327b4},
};

static uint64_t fnv(const char *text) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t parameter_hash(const struct parameter *parameter) {
    char text[160];
    int length = snprintf(text, sizeof text, "%s ", parameter->name);
    for (size_t i = 0; i < parameter->rank; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s%zu", i == 0 ? "" : "x",
                           parameter->shape[i]);
    return fnv(text);
}

static void every_depth_has_torchvisions_names_and_shapes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof torchvision / sizeof torchvision[0]; i++) {
        struct network network;
        size_t tensors = 0, trainable = 0;
        uint64_t hash = 0;
        assert_true(network_build(torchvision[i].arch, HEAD_RELU, 0, &network, NULL));
        for (size_t j = 0; j < network.parameter_count; j++) {
            const struct parameter *parameter = &network.parameters[j];
            if (strncmp(parameter->name, "head.", 5) == 0)
                continue;
            tensors++;
            trainable += parameter->trainable ? parameter->count : 0;
            hash ^= parameter_hash(parameter);
        }
        assert_int_equal(tensors, torchvision[i].tensors);
        assert_int_equal(trainable, torchvision[i].trainable);
        assert_true(hash == torchvision[i].hash);
        network_free(&network);
    }
}

/* core/arch.h knows the names without the network; here they are held to it. */
static void every_part_that_may_be_named_is_there_and_no_other(void **state) {
    static const char *const kinds[] = {"weight", "bias", "running_mean", "running_var"};
    (void)state;
    for (size_t i = 0; i < sizeof torchvision / sizeof torchvision[0]; i++) {
        struct network network;
        struct arch_parts parts;
        assert_true(network_build(torchvision[i].arch, HEAD_RELU, 0, &network, NULL));
        assert_true(arch_parts_make(arch_find(torchvision[i].arch), &parts));
        for (size_t p = 0; p < network.parameter_count; p++) {
            char name[64];
            snprintf(name, sizeof name, "%s", network.parameters[p].name);
            char *last = strrchr(name, '.');
            *last = '\0';
            if (!arch_part_has(name, last + 1))
                fail_msg("%s has %s", torchvision[i].arch, network.parameters[p].name);
            *last = '.';
            for (char *dot; (dot = strrchr(name, '.')) != NULL;) {
                *dot = '\0'; /* the layer, and all that holds it */
                if (!arch_parts_have(&parts, name))
                    fail_msg("%s has %s", torchvision[i].arch, name);
            }
        }
        size_t parameters = 0;
        for (size_t p = 0; p < parts.count; p++) {
            char *name = parts.names[p];
            for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
                parameters += arch_part_has(name, kinds[k]);
            if (!network_freeze(&network, &name, 1, NULL))
                fail_msg("%s has no %s", torchvision[i].arch, name);
            network_free(&network);
            assert_true(network_build(torchvision[i].arch, HEAD_RELU, 0, &network, NULL));
        }
        assert_int_equal(parameters, network.parameter_count);
        arch_parts_free(&parts);
        network_free(&network);
    }
}

static void nodes_read_only_nodes_before_them(void **state) {
    (void)state;
    struct network network;
    assert_true(network_build("resnet50", HEAD_DROPOUT, 0.5, &network, NULL));
    for (size_t i = 1; i < network.node_count; i++) {
        assert_in_range(network.nodes[i].input, 0, i - 1);
        assert_true(network.nodes[i].residual < (int)i);
    }
    const struct node *dropout = &network.nodes[network.node_count - 2];
    assert_int_equal(dropout->op, OP_DROPOUT);
    assert_true(dropout->dropout == 0.5);
    network_free(&network);
}

static void shapes_halve_five_times(void **state) {
    (void)state;
    struct network network;
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, NULL));
    struct shape *shapes = calloc(network.node_count, sizeof *shapes);
    assert_true(network_shapes(&network, 224, 161, shapes, NULL));
    const struct shape *last = &shapes[network.node_count - 4]; /* before pool, fc and head */
    assert_int_equal(last->channels, 2048);
    assert_int_equal(last->height, 7);
    assert_int_equal(last->width, 6);
    assert_true(network_shapes(&network, 1, 1, shapes, NULL));
    free(shapes);
    network_free(&network);
}

static void a_picture_without_pixels_is_refused_with_the_smallest_size(void **state) {
    (void)state;
    struct network network;
    struct error error = {0};
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, NULL));
    struct shape *shapes = calloc(network.node_count, sizeof *shapes);
    assert_false(network_shapes(&network, 0, 20, shapes, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "at least 1 x 1"));
    free(shapes);
    network_free(&network);
}

static void an_unknown_arch_is_refused(void **state) {
    (void)state;
    struct network network;
    struct error error = {0};
    assert_false(network_build("resnet51", HEAD_RELU, 0, &network, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "resnet51"));
    assert_false(network_build("resnet50", HEAD_DROPOUT, 1, &network, &error));
}

static void moments(const float *values, size_t count, double *mean, double *deviation) {
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        square += (double)values[i] * (double)values[i];
    }
    *mean = sum / (double)count;
    *deviation = sqrt(square / (double)count - *mean * *mean);
}

static float *initial(const struct network *network, const char *name, uint64_t seed,
                      size_t *count) {
    long index = network_find(network, name);
    assert_true(index >= 0);
    *count = network->parameters[index].count;
    float *values = calloc(*count, sizeof *values);
    network_initialise(network, (size_t)index, seed, values);
    return values;
}

/* sqrt(2 / fan out), fan out = 512 * 3 * 3 */
static void convolutions_begin_he_normal(void **state) {
    (void)state;
    struct network network;
    size_t count;
    double mean, deviation, expected = sqrt(2.0 / (512 * 9));
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, NULL));
    float *values = initial(&network, "layer4.1.conv2.weight", 3, &count);
    moments(values, count, &mean, &deviation);
    assert_true(fabs(mean) < 4 * expected / sqrt((double)count));
    assert_true(fabs(deviation / expected - 1) < 4 / sqrt(2 * (double)count));
    free(values);
    network_free(&network);
}

/* Computed in Python from the papers: Philox 4x32-10 of the seed and the name's FNV-1a, then
 * Box-Muller. */
static void a_parameters_values_follow_from_the_seed_and_its_name(void **state) {
    (void)state;
    static const struct {
        size_t index;
        float value;
    } known[] = {{0, 0.0108204354f},    {1, 0.0241854433f},     {1023, 0.0376920588f},
                 {1024, 0.0118685924f}, {1025, 0.00428062724f}, {2359295, 0.024937259f}};
    struct network network;
    size_t count;
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, NULL));
    float *values = initial(&network, "layer4.1.conv2.weight", 3, &count);
    assert_int_equal(count, 2359296);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_float_equal(values[known[i].index], known[i].value, 1e-8);
    free(values);
    network_free(&network);
}

/* +-1/sqrt(2048): a uniform distribution's deviation is its half width / sqrt(3) */
static void linear_layers_begin_uniform(void **state) {
    (void)state;
    struct network network;
    size_t count;
    double mean, deviation, bound = 1 / sqrt(2048);
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, NULL));
    float *values = initial(&network, "fc.weight", 3, &count);
    moments(values, count, &mean, &deviation);
    assert_true(fabs(mean) < 4 * bound / sqrt(3 * (double)count));
    assert_true(fabs(deviation * sqrt(3) / bound - 1) < 0.005);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)values[i]) <= bound * 1.000001);
    free(values);
    values = initial(&network, "fc.bias", 3, &count);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs((double)values[i]) <= bound * 1.000001);
    free(values);
    network_free(&network);
}

static int ascending(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

static double normal_below(double x) {
    return erfc(-x / sqrt(2)) / 2;
}

static double uniform_below(double x) {
    return x < -1 ? 0 : x > 1 ? 1 : (x + 1) / 2;
}

/* Kolmogorov and Smirnov's test at 1 in 1000: the largest distance of the sample's distribution
 * (in units of `scale`) from `below`, times the root of its size, is less than 1.95. */
static void expect_distribution(const struct network *network, const char *name, double scale,
                                double (*below)(double)) {
    size_t count;
    double distance = 0;
    float *values = initial(network, name, 11, &count);
    qsort(values, count, sizeof *values, ascending);
    for (size_t i = 0; i < count; i++) {
        double expected = below((double)values[i] / scale);
        distance = fmax(distance, fabs((double)(i + 1) / (double)count - expected));
        distance = fmax(distance, fabs((double)i / (double)count - expected));
    }
    if (!(distance * sqrt((double)count) < 1.95))
        fail_msg("%s: the distance is %.3g", name, distance * sqrt((double)count));
    free(values);
}

/* torch.nn.init: kaiming_normal_(mode="fan_out", nonlinearity="relu") has std sqrt(2 / fan_out);
 * nn.Linear's kaiming_uniform_(a=sqrt(5)) has bound 1 / sqrt(fan_in), and so has its bias. */
static void fresh_values_have_pytorchs_distributions(void **state) {
    (void)state;
    struct network network;
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, NULL));
    expect_distribution(&network, "conv1.weight", sqrt(2.0 / (64 * 49)), normal_below);
    expect_distribution(&network, "layer1.0.conv2.weight", sqrt(2.0 / (64 * 9)), normal_below);
    expect_distribution(&network, "layer4.0.downsample.0.weight", sqrt(2.0 / 2048), normal_below);
    expect_distribution(&network, "fc.weight", 1 / sqrt(2048), uniform_below);
    expect_distribution(&network, "fc.bias", 1 / sqrt(2048), uniform_below);
    expect_distribution(&network, "head.weight", 1 / sqrt(1000), uniform_below);
    network_free(&network);
}

static void expect_all(const struct network *network, const char *name, float value) {
    size_t count;
    float *values = initial(network, name, 11, &count);
    for (size_t i = 0; i < count; i++)
        assert_true(values[i] == value);
    free(values);
}

static void batch_norm_begins_with_ones_and_zeros(void **state) {
    (void)state;
    struct network network;
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, NULL));
    expect_all(&network, "layer4.2.bn3.weight", 1);
    expect_all(&network, "layer4.2.bn3.bias", 0);
    expect_all(&network, "layer4.2.bn3.running_mean", 0);
    expect_all(&network, "layer4.2.bn3.running_var", 1);
    network_free(&network);
}

/* --- heads and frozen layers --- */

static const struct node *node_of(const struct network *network, const char *name) {
    for (size_t i = 0; i < network->node_count; i++) {
        const struct node *node = &network->nodes[i];
        if ((node->op == OP_CONV || node->op == OP_LINEAR || node->op == OP_BATCH_NORM) &&
            strcmp(network->parameters[node->parameter].name, name) == 0)
            return node;
    }
    fail_msg("no %s", name);
    return NULL;
}

static void every_head_has_fc_and_head_and_linear_has_no_relu(void **state) {
    (void)state;
    static const enum head heads[] = {HEAD_RELU, HEAD_DROPOUT, HEAD_LINEAR};
    for (size_t i = 0; i < 3; i++) {
        struct network network;
        assert_true(network_build("resnet18", heads[i], 0.5, &network, NULL));
        assert_int_equal(node_of(&network, "fc.weight")->relu, heads[i] != HEAD_LINEAR);
        assert_int_equal(node_of(&network, "head.weight")->in_channels, 1000);
        network_free(&network);
    }
}

static void the_backward_pass_ends_above_what_is_frozen(void **state) {
    (void)state;
    struct network network;
    char *freeze[] = {"conv1", "bn1", "layer1", "layer3.0.bn2"};
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, NULL));
    assert_true(network_freeze(&network, freeze, 4, NULL));
    assert_false(node_of(&network, "bn1.weight")->backward);
    assert_false(node_of(&network, "layer1.1.bn2.weight")->backward);
    assert_true(node_of(&network, "layer2.0.conv1.weight")->backward);
    assert_true(node_of(&network, "layer3.0.bn2.weight")->backward);
    assert_true(node_of(&network, "layer3.0.bn2.weight")->frozen);
    assert_false(node_of(&network, "layer3.0.conv2.weight")->frozen);
    long variance = network_find(&network, "layer3.0.bn2.running_var");
    assert_true(network.parameters[variance].frozen);
    assert_false(network.parameters[network_find(&network, "layer1.0.conv1.weight")].trainable);
    network_free(&network);
}

static void what_is_no_layer_cannot_be_frozen_nor_everything(void **state) {
    (void)state;
    struct network network;
    struct error error = {0};
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, NULL));
    assert_false(network_freeze(&network, (char *[]){"layer1.0.bn1.weight"}, 1, &error));
    assert_non_null(strstr(error.message, "no layer \"layer1.0.bn1.weight\""));
    assert_false(network_freeze(&network, (char *[]){"layer"}, 1, &error));
    char *all[] = {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc", "head"};
    assert_false(network_freeze(&network, all, 8, &error));
    assert_non_null(strstr(error.message, "nothing is left to train"));
    network_free(&network);
}

static void a_parameters_start_depends_on_its_name_and_the_seed_alone(void **state) {
    (void)state;
    struct network deep, shallow;
    size_t count;
    assert_true(network_build("resnet50", HEAD_RELU, 0, &deep, NULL));
    assert_true(network_build("resnet18", HEAD_DROPOUT, 0.5, &shallow, NULL));
    float *a = initial(&deep, "conv1.weight", 9, &count);
    float *b = initial(&shallow, "conv1.weight", 9, &count);
    float *c = initial(&shallow, "conv1.weight", 10, &count);
    assert_memory_equal(a, b, count * sizeof *a);
    assert_memory_not_equal(b, c, count * sizeof *a);
    free(a);
    free(b);
    free(c);
    network_free(&deep);
    network_free(&shallow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_depth_has_torchvisions_names_and_shapes),
        cmocka_unit_test(every_part_that_may_be_named_is_there_and_no_other),
        cmocka_unit_test(nodes_read_only_nodes_before_them),
        cmocka_unit_test(shapes_halve_five_times),
        cmocka_unit_test(a_picture_without_pixels_is_refused_with_the_smallest_size),
        cmocka_unit_test(an_unknown_arch_is_refused),
        cmocka_unit_test(convolutions_begin_he_normal),
        cmocka_unit_test(a_parameters_values_follow_from_the_seed_and_its_name),
        cmocka_unit_test(linear_layers_begin_uniform),
        cmocka_unit_test(fresh_values_have_pytorchs_distributions),
        cmocka_unit_test(batch_norm_begins_with_ones_and_zeros),
        cmocka_unit_test(every_head_has_fc_and_head_and_linear_has_no_relu),
        cmocka_unit_test(the_backward_pass_ends_above_what_is_frozen),
        cmocka_unit_test(what_is_no_layer_cannot_be_frozen_nor_everything),
        cmocka_unit_test(a_parameters_start_depends_on_its_name_and_the_seed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
