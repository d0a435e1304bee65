#include "worker/nn/flow.h"

#include "worker/nn/plan_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The flow of a network on so many pictures of side x side, with floats everywhere. */
static void flow_of(const char *arch, const char *freeze, bool training, int lag,
                    struct network *network, struct flow *flow) {
    struct error error = {0};
    struct shape shapes[512];
    struct flow_bytes bytes[512] = {0};
    char *prefixes[] = {(char *)freeze};
    assert_true(network_build(arch, HEAD_DROPOUT, 0.5, network, &error));
    if (freeze != NULL)
        assert_true(network_freeze(network, prefixes, 1, &error));
    assert_true(network_shapes(network, 64, 64, shapes, &error));
    for (size_t i = 0; i < network->node_count; i++) {
        assert_true(flow_map_bytes(&shapes[i], 8, sizeof(float), &bytes[i].output, &error));
        if (network->nodes[i].op == OP_BATCH_NORM || network->nodes[i].op == OP_CONV)
            bytes[i].saved = 64;
    }
    const struct flow_needs needs = {4096, lag, lag > 0 ? 512 : 0};
    assert_true(flow_new(network, training, bytes, &needs, flow, &error));
}

static size_t bytes_of_all(const struct flow *flow) {
    size_t sum = 0;
    for (size_t i = 0; i < flow->tensor_count; i++)
        sum += flow->tensors[i].bytes;
    return sum;
}

static void tensors_that_live_at_once_stand_apart(void **state) {
    (void)state;
    static const char *const frozen[] = {NULL, "layer1", "conv1"};
    for (int i = 0; i < 9; i++) {
        struct network network;
        struct flow flow;
        flow_of("resnet50", frozen[i % 3], i / 3 != 1, i / 3, &network, &flow);
        for (size_t a = 0; a < flow.tensor_count; a++) {
            const struct arena_tensor *one = &flow.tensors[a];
            assert_true(one->offset + one->bytes <= flow.arena_bytes);
            for (size_t b = 0; b < a; b++) {
                const struct arena_tensor *two = &flow.tensors[b];
                if (one->first <= two->last && two->first <= one->last)
                    assert_true(one->offset + one->bytes <= two->offset ||
                                two->offset + two->bytes <= one->offset);
            }
        }
        flow_free(&flow);
        network_free(&network);
    }
}

/* Whatever a step reads was written before and is still there. */
static void what_is_read_is_alive(void **state) {
    (void)state;
    struct network network;
    struct flow flow;
    flow_of("resnet18", NULL, true, 0, &network, &flow);
    int nodes = (int)network.node_count;
    for (int i = 1; i < nodes; i++) {
        const struct node *node = &network.nodes[i];
        const struct flow_step *step = &flow.steps[i];
        const struct arena_tensor *input = &flow.tensors[flow.steps[node->input].output];
        int back = 2 * nodes - 1 - i;
        assert_true(input->first <= i && input->last >= i);
        if (node->op == OP_CONV || node->op == OP_BATCH_NORM || node->op == OP_LINEAR)
            assert_true(input->last >= back);
        else if (node->op == OP_MAX_POOL)
            assert_int_equal(input->last, i); /* it knows by what it saved */
        if (node->op == OP_BATCH_NORM)
            assert_true(flow.tensors[step->saved].last >= back);
        for (int j = 0; j < step->gradient_count; j++) {
            const struct arena_tensor *gradient = &flow.tensors[step->gradients[j]];
            assert_true(gradient->first <= back && gradient->last >= back);
        }
        assert_true(step->gradient_count >= 1);
    }
    flow_free(&flow);
    network_free(&network);
}

/* And the maps before the pool, which can be asked for, are there to the end. */
static void what_an_evaluation_reads_is_alive(void **state) {
    (void)state;
    struct network network;
    struct flow flow;
    flow_of("resnet18", NULL, false, 0, &network, &flow);
    int nodes = (int)network.node_count;
    for (int i = 1; i < nodes; i++) {
        const struct node *node = &network.nodes[i];
        assert_true(flow.tensors[flow.steps[node->input].output].last >= i);
        if (node->residual >= 0)
            assert_true(flow.tensors[flow.steps[node->residual].output].last >= i);
    }
    int maps = flow.steps[network_pooled(&network)].output;
    assert_true(flow.tensors[maps].last >= nodes - 1);
    flow_free(&flow);
    network_free(&network);
}

/* A batch norm behind its convolution, and dropout. */
static void what_nothing_goes_back_through_stands_where_its_input_stood(void **state) {
    (void)state;
    for (int training = 0; training < 2; training++) {
        struct network network;
        struct flow flow;
        flow_of("resnet18", NULL, training, 0, &network, &flow);
        for (size_t i = 1; i < network.node_count; i++) {
            const struct node *node = &network.nodes[i];
            bool may = node->op == OP_BATCH_NORM || node->op == OP_DROPOUT;
            assert_int_equal(flow.steps[i].output == flow.steps[node->input].output,
                             may && !training);
        }
        flow_free(&flow);
        network_free(&network);
    }
}

static void places_are_used_again(void **state) {
    (void)state;
    struct network network;
    struct flow training, evaluation;
    flow_of("resnet50", NULL, true, 0, &network, &training);
    assert_true(training.arena_bytes < bytes_of_all(&training) * 2 / 3);
    network_free(&network);
    flow_of("resnet50", NULL, false, 0, &network, &evaluation);
    assert_true(evaluation.arena_bytes < bytes_of_all(&evaluation) / 4);
    assert_true(evaluation.arena_bytes < training.arena_bytes / 4);
    flow_free(&training);
    flow_free(&evaluation);
    network_free(&network);
}

static void frozen_layers_at_the_bottom_keep_nothing(void **state) {
    (void)state;
    struct network network;
    struct flow all, top;
    flow_of("resnet50", NULL, true, 0, &network, &all);
    size_t arena = all.arena_bytes;
    flow_free(&all);
    network_free(&network);
    flow_of("resnet50", "conv1", true, 0, &network, &top);
    assert_true(top.arena_bytes <= arena);
    assert_int_equal(top.steps[1].gradient_count, 0);
    flow_free(&top);
    network_free(&network);
}

static void maps_too_large_to_count_are_refused(void **state) {
    (void)state;
    struct error error = {0};
    const struct shape shape = {1 << 30, 1 << 30, 1 << 30};
    size_t bytes;
    assert_false(flow_map_bytes(&shape, 2, 4, &bytes, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "too large"));
}

static void the_plan_used_least_recently_makes_room(void **state) {
    (void)state;
    struct plan_cache cache = {0};
    int plans[PLANS + 1];
    struct plan_key keys[PLANS + 1];
    for (int i = 0; i <= PLANS; i++)
        keys[i] = (struct plan_key){(size_t)i + 1, 8, 8, i % 2 == 0};
    for (int i = 0; i < PLANS; i++)
        assert_null(plan_cache_keep(&cache, &keys[i], &plans[i]));
    assert_ptr_equal(plan_cache_find(&cache, &keys[0]), &plans[0]);
    assert_ptr_equal(plan_cache_keep(&cache, &keys[PLANS], &plans[PLANS]), &plans[1]);
    assert_null(plan_cache_find(&cache, &keys[1]));
    assert_ptr_equal(plan_cache_find(&cache, &keys[0]), &plans[0]);
    const struct plan_key other = {1, 8, 8, false};
    assert_null(plan_cache_find(&cache, &other));
}

static void what_late_gradients_read_stays_as_long(void **state) {
    (void)state;
    enum { LAG = 3 };
    struct network network;
    struct flow flow;
    flow_of("resnet50", "layer1", true, LAG, &network, &flow);
    int last = 2 * (int)network.node_count - 1;
    assert_int_equal(flow.tensors[flow.late_scratch].bytes, 512);
    assert_int_equal(flow.tensors[flow.late_scratch].first, network.node_count);
    assert_int_equal(flow.tensors[flow.late_scratch].last, last);
    size_t seen = 0;
    for (size_t i = 0; i < network.node_count; i++) {
        const struct node *node = &network.nodes[i];
        if (node->op != OP_CONV || node->frozen || !node->backward)
            continue;
        int late = last - (int)i + LAG < last ? last - (int)i + LAG : last;
        assert_true(flow.tensors[flow.steps[i].gradients[0]].last >= late);
        assert_int_equal(flow.tensors[flow.steps[i].saved].last, i); /* and is made once more */
        assert_int_equal(flow.tensors[flow.steps[i].late].first, last - (int)i);
        assert_int_equal(flow.tensors[flow.steps[i].late].last, late);
        if (flow.steps[node->input].output >= 0)
            assert_true(flow.tensors[flow.steps[node->input].output].last >= late);
        seen++;
    }
    assert_int_equal(seen, 53 - 10);
    flow_free(&flow);
    network_free(&network);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_late_gradients_read_stays_as_long),
        cmocka_unit_test(tensors_that_live_at_once_stand_apart),
        cmocka_unit_test(what_is_read_is_alive),
        cmocka_unit_test(what_an_evaluation_reads_is_alive),
        cmocka_unit_test(what_nothing_goes_back_through_stands_where_its_input_stood),
        cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(frozen_layers_at_the_bottom_keep_nothing),
        cmocka_unit_test(maps_too_large_to_count_are_refused),
        cmocka_unit_test(the_plan_used_least_recently_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
