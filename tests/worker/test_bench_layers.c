#include "worker/bench_layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The table of ResNet-18 on four pictures of 64 x 64; each pass of a layer took 3 ms, twice. */
static cJSON *table(const struct peak *peak, bool measured) {
    static const struct optimizer adam = {.lr = 2e-4};
    struct network network;
    struct error error = {0};
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, &error));
    struct profile profile = {calloc(network.node_count, sizeof *profile.nodes), 10};
    for (size_t i = 0; i < network.node_count; i++)
        profile.nodes[i] = (struct node_times){6, 8};
    const struct bench_layers options = {.network = &network,
                                         .side = 64,
                                         .batch = 4,
                                         .optimizer = &adam,
                                         .peak = peak,
                                         .profile = measured ? &profile : NULL,
                                         .steps = 2};
    cJSON *out = cJSON_CreateObject();
    if (!bench_layers(&options, out, &error))
        fail_msg("%s", error.message);
    free(profile.nodes);
    network_free(&network);
    return out;
}

static double number(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static const cJSON *pass_of(const cJSON *out, const char *layer, const char *pass) {
    const cJSON *row;
    cJSON_ArrayForEach(
        row,
        cJSON_GetObjectItemCaseSensitive(
            out, "rows")) if (strcmp(cJSON_GetObjectItemCaseSensitive(row, "name")->valuestring,
                                     layer) == 0) return cJSON_GetObjectItemCaseSensitive(row,
                                                                                          pass);
    fail_msg("there is no layer %s", layer);
    return NULL;
}

static const struct peak MACHINE = {"a machine", {1e12, 0, 0}, 1e9};

static void a_layer_has_its_time_its_floor_and_their_ratio(void **state) {
    (void)state;
    cJSON *out = table(&MACHINE, true);
    const cJSON *forward = pass_of(out, "layer1.0.conv1", "forward");
    /* 4 pictures of 16 x 16, 64 channels in and out, a window of 3 x 3 */
    double flops = 2.0 * 4 * 16 * 16 * 64 * 64 * 9, bytes = 4 * (2.0 * 4 * 16 * 16 * 64 + 64 * 576);
    assert_true(number(forward, "flops") == flops);
    assert_true(number(forward, "bytes") == bytes);
    assert_true(number(forward, "ms") == 3);
    assert_true(number(forward, "floor_ms") == 1e3 * (bytes / 1e9));
    assert_true(number(forward, "ratio") == 3 / (1e3 * (bytes / 1e9)));
    const cJSON *backward = pass_of(out, "layer1.0.conv1", "backward"); /* input and weights */
    assert_true(number(backward, "ms") == 4);
    assert_true(number(backward, "flops") == 2 * flops);
    cJSON_Delete(out);
}

static void a_step_is_the_sum_of_its_layers_and_the_update(void **state) {
    (void)state;
    cJSON *out = table(&MACHINE, true);
    const cJSON *row, *rows = cJSON_GetObjectItemCaseSensitive(out, "rows");
    const cJSON *update = cJSON_GetObjectItemCaseSensitive(out, "optimizer");
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(out, "step");
    double flops = 0;
    cJSON_ArrayForEach(row, rows) {
        flops += number(cJSON_GetObjectItemCaseSensitive(row, "forward"), "flops") +
                 number(cJSON_GetObjectItemCaseSensitive(row, "backward"), "flops");
    }
    assert_true(number(step, "flops") == flops);
    assert_true(number(update, "ms") == 5);
    assert_true(number(step, "ms") == 7 * cJSON_GetArraySize(rows) + 5);
    cJSON_Delete(out);
}

static void what_is_not_known_is_left_out(void **state) {
    (void)state;
    cJSON *out = table(NULL, true);
    const cJSON *forward = pass_of(out, "fc", "forward");
    assert_false(cJSON_HasObjectItem(out, "floor_of"));
    assert_false(cJSON_HasObjectItem(forward, "floor_ms"));
    assert_false(cJSON_HasObjectItem(forward, "ratio"));
    assert_true(number(forward, "ms") == 3);
    cJSON_Delete(out);
    out = table(&MACHINE, false);
    forward = pass_of(out, "fc", "forward");
    assert_false(cJSON_HasObjectItem(forward, "ms"));
    assert_true(number(forward, "floor_ms") > 0);
    cJSON_Delete(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_has_its_time_its_floor_and_their_ratio),
        cmocka_unit_test(a_step_is_the_sum_of_its_layers_and_the_update),
        cmocka_unit_test(what_is_not_known_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
