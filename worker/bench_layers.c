#include "worker/bench_layers.h"

#include "core/json.h"
#include "worker/nn/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- counting ---- */

struct total {
    double flops, bytes, floor_ms, ms;
};

static void add_to(struct total *sum, const struct total *one) {
    sum->flops += one->flops;
    sum->bytes += one->bytes;
    sum->floor_ms += one->floor_ms;
    sum->ms += one->ms;
}

static void add_work(const struct bench_layers *options, const struct work *work,
                     struct total *total) {
    total->flops += work->flops;
    total->bytes += work->bytes;
    if (options->peak != NULL)
        total->floor_ms += work_floor_ms(work, options->peak, options->precision);
}

static double mean_ms(const struct bench_layers *options, double sum_ms) {
    return options->profile != NULL ? sum_ms / options->steps : 0;
}

static void add_total(const struct bench_layers *options, cJSON *out, const char *name,
                      const struct total *total) {
    cJSON *json = cJSON_AddObjectToObject(out, name);
    cJSON_AddNumberToObject(json, "flops", total->flops);
    cJSON_AddNumberToObject(json, "bytes", total->bytes);
    if (options->profile != NULL)
        cJSON_AddNumberToObject(json, "ms", total->ms);
    if (options->peak != NULL)
        cJSON_AddNumberToObject(json, "floor_ms", total->floor_ms);
    if (options->profile != NULL && total->floor_ms > 0)
        cJSON_AddNumberToObject(json, "ratio", total->ms / total->floor_ms);
}

static void add_layer(const struct bench_layers *options, cJSON *rows, size_t index,
                      const struct shape *shape, const struct node_work *work, struct total *step) {
    const struct profile *profile = options->profile;
    const int output[] = {shape->channels, shape->height, shape->width};
    struct total forward = {0}, backward = {0};
    char name[64];
    add_work(options, &work->passes[WORK_FORWARD], &forward);
    add_work(options, &work->passes[WORK_DATA], &backward);
    add_work(options, &work->passes[WORK_WEIGHTS], &backward);
    forward.ms = profile != NULL ? mean_ms(options, profile->nodes[index].forward) : 0;
    backward.ms = profile != NULL ? mean_ms(options, profile->nodes[index].backward) : 0;
    cJSON *layer = cJSON_CreateObject();
    cJSON_AddStringToObject(layer, "name", node_name(options->network, index, name, sizeof name));
    json_put(layer, "output", cJSON_CreateIntArray(output, 3));
    add_total(options, layer, "forward", &forward);
    add_total(options, layer, "backward", &backward);
    json_append(rows, layer);
    add_to(step, &forward);
    add_to(step, &backward);
}

bool bench_layers(const struct bench_layers *options, cJSON *out, struct error *error) {
    const struct network *network = options->network;
    struct shape *shapes = calloc(network->node_count, sizeof *shapes);
    struct node_work *nodes = calloc(network->node_count, sizeof *nodes);
    struct total update = {0}, step = {0};
    bool done = (shapes != NULL && nodes != NULL) || error_memory(error);
    done = done && network_shapes(network, options->side, options->side, shapes, error);
    if (done) {
        if (options->peak != NULL) {
            cJSON_AddStringToObject(out, "floor_of", options->peak->what);
            cJSON_AddNumberToObject(out, "flops_per_second",
                                    options->peak->flops[options->precision]);
            cJSON_AddNumberToObject(out, "bytes_per_second", options->peak->bytes);
        }
        work_count(network, shapes, options->batch, options->precision, nodes);
        cJSON *rows = cJSON_AddArrayToObject(out, "rows");
        for (size_t i = 1; i < network->node_count; i++)
            add_layer(options, rows, i, &shapes[i], &nodes[i], &step);
        const struct work work =
            work_update(network, optimizer_moments(options->optimizer), options->precision);
        add_work(options, &work, &update);
        update.ms = options->profile != NULL ? mean_ms(options, options->profile->optimizer) : 0;
        add_to(&step, &update);
        add_total(options, out, "optimizer", &update);
        add_total(options, out, "step", &step);
    }
    free(shapes);
    free(nodes);
    return done;
}

/* ---- for people ---- */

static void print_number(const cJSON *of, const char *key, const char *format, double unit,
                         int width) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(of, key);
    if (cJSON_IsNumber(item))
        printf(format, item->valuedouble / unit);
    else
        printf("%*s", width, "-");
}

static void print_pass(const cJSON *pass) {
    print_number(pass, "flops", "%9.2f", 1e9, 9);
    print_number(pass, "bytes", "%9.1f", 1e6, 9);
    print_number(pass, "ms", "%9.3f", 1, 9);
    print_number(pass, "floor_ms", "%9.3f", 1, 9);
    print_number(pass, "ratio", "%7.1f", 1, 7);
}

void bench_layers_print(const cJSON *out) {
    const cJSON *layer, *of = cJSON_GetObjectItemCaseSensitive(out, "floor_of");
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(out, "rows");
    if (cJSON_IsString(of)) {
        printf("floor: %s, ", of->valuestring);
        print_number(out, "flops_per_second", "%.2f TFLOPS", 1e12, 1);
        print_number(out, "bytes_per_second", ", %.1f GB/s\n", 1e9, 1);
    }
    static const char *const passes[] = {"forward", "backward"};
    printf("%-24s", "");
    for (size_t i = 0; i < 2; i++)
        printf(" | %-43s", passes[i]);
    printf("\n%-24s", "layer");
    for (size_t i = 0; i < 2; i++)
        printf(" | %9s%9s%9s%9s%7s", "GFLOP", "MB", "ms", "floor", "ratio");
    printf("\n");
    cJSON_ArrayForEach(layer, rows) {
        printf("%-24s", cJSON_GetObjectItemCaseSensitive(layer, "name")->valuestring);
        for (size_t i = 0; i < 2; i++) {
            printf(" | ");
            print_pass(cJSON_GetObjectItemCaseSensitive(layer, passes[i]));
        }
        printf("\n");
    }
    static const char *const sums[] = {"optimizer", "step"};
    for (size_t i = 0; i < 2; i++) {
        printf("%-24s | ", sums[i]);
        print_pass(cJSON_GetObjectItemCaseSensitive(out, sums[i]));
        printf("\n");
    }
}
