#include "worker/bench_input.h"

#include "core/clock.h"
#include "worker/loader.h"
#include "worker/sample.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PASSES = 5, BATCH = 32, SIDE = 224, PICTURES_MAX = 512 };

static struct transform ops[] = {
    {.kind = TRANSFORM_RESIZE, .height = 256},
    {.kind = TRANSFORM_RANDOM_CROP, .height = SIDE, .width = SIDE},
    {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
    {.kind = TRANSFORM_NORMALIZE,
     .mean = {0.485F, 0.456F, 0.406F},
     .std = {0.229F, 0.224F, 0.225F}},
};
static const struct pipeline pipeline = {ops, sizeof ops / sizeof *ops};

/* ---- the pictures ---- */

static bool add(struct split_list *list, const char *below, const char *name, struct error *error) {
    struct split_item *grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    char *path = NULL;
    if (grown != NULL)
        list->items = grown;
    if (grown == NULL || asprintf(&path, "%s%s%s", below, below[0] != '\0' ? "/" : "", name) < 0)
        return error_set(error, ERROR_FAILED, "out of memory");
    list->items[list->count++] = (struct split_item){.path = path};
    return true;
}

static bool list_folder(const char *folder, const char *below, struct split_list *list,
                        struct error *error) {
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, below[0] != '\0' ? "/" : "", below) < 0)
        return error_set(error, ERROR_FAILED, "out of memory");
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    bool done = count >= 0 || error_errno(error, ERROR_INPUT, "cannot read the folder %s", path);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        size_t length = strlen(name);
        if (done && list->count < PICTURES_MAX && length > 4 &&
            strcasecmp(name + length - 4, ".png") == 0)
            done = add(list, below, name, error);
        else if (done && below[0] == '\0' && names[i]->d_type == DT_DIR && name[0] != '.')
            done = list_folder(folder, name, list, error);
        free(names[i]);
    }
    free(names);
    free(path);
    return done;
}

static void list_free(struct split_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
}

/* ---- figures ---- */

static int compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void add_rate(cJSON *out, const char *name, double *seconds, size_t passes, size_t count) {
    qsort(seconds, passes, sizeof *seconds, compare);
    cJSON_AddNumberToObject(out, name, (double)count / seconds[passes / 2]);
}

/* Every picture once, stage by stage, on this thread; adds the seconds of each. */
static bool time_stages(const char *folder, const struct split_list *list, size_t pass, float *out,
                        double *decode, double *resize, double *rest, struct error *error) {
    bool done = true;
    for (size_t i = 0; done && i < list->count; i++) {
        char *path = NULL;
        struct image image = {0};
        struct random_stream stream;
        if (asprintf(&path, "%s/%s", folder, list->items[i].path) < 0)
            return error_set(error, ERROR_FAILED, "out of memory");
        double began = clock_steady_seconds();
        done = png_read(path, &image, error);
        double decoded = clock_steady_seconds();
        random_open(&stream, 0, RANDOM_AUGMENT, (uint32_t)pass, i);
        done = done && transform_apply(&ops[0], &image, &stream, error);
        double resized = clock_steady_seconds();
        done = done && pipeline_apply(&pipeline, 1, &image, &stream, error);
        if (done)
            pipeline_normalize(&pipeline, &image, out);
        double ended = clock_steady_seconds();
        *decode += decoded - began;
        *resize += resized - decoded;
        *rest += ended - resized;
        image_free(&image);
        free(path);
    }
    return done;
}

/* Every picture once through sample_load, as a loader's thread does it. */
static bool time_samples(struct sample_source *source, const struct split_list *list, size_t pass,
                         struct sample_memory *memory, float *out, double *seconds,
                         struct error *error) {
    bool done = true, cached;
    double began = clock_steady_seconds();
    sample_source_set(source, &pipeline, 0, (uint32_t)pass);
    for (size_t i = 0; done && i < list->count; i++)
        done = sample_load(source, list->items[i].path, i, memory, out, &cached, error);
    *seconds = clock_steady_seconds() - began;
    return done;
}

static bool measure_thread(const char *folder, const struct split_list *list, cJSON *json,
                           struct error *error) {
    double decode[PASSES] = {0}, resize[PASSES] = {0}, rest[PASSES] = {0}, cold[PASSES],
           cached[PASSES], filling;
    struct sample_memory memory = {0};
    struct sample_source without = {.root = folder}, with = {.root = folder};
    float *out = malloc(3 * SIDE * SIDE * sizeof *out);
    bool done = out != NULL || error_set(error, ERROR_FAILED, "out of memory");
    done = done && cache_new(0, &without.cache, error) && cache_new(SIZE_MAX, &with.cache, error) &&
           time_samples(&with, list, 0, &memory, out, &filling, error);
    for (size_t pass = 0; done && pass < PASSES; pass++)
        done = time_stages(folder, list, pass, out, &decode[pass], &resize[pass], &rest[pass],
                           error) &&
               time_samples(&without, list, pass, &memory, out, &cold[pass], error) &&
               time_samples(&with, list, pass, &memory, out, &cached[pass], error);
    if (done) {
        add_rate(json, "decode", decode, PASSES, list->count);
        add_rate(json, "resize", resize, PASSES, list->count);
        add_rate(json, "rest", rest, PASSES, list->count);
        add_rate(json, "cold", cold, PASSES, list->count);
        add_rate(json, "cached", cached, PASSES, list->count);
    }
    cache_free(with.cache);
    cache_free(without.cache);
    sample_memory_free(&memory);
    free(out);
    return done;
}

static bool time_pass(struct loader *loader, const struct split_list *list, uint32_t epoch,
                      double *seconds, struct error *error) {
    const struct loader_pass pass = {
        .list = list, .pipeline = &pipeline, .batch_size = BATCH, .epoch = epoch};
    const struct batch *batch;
    double began = clock_steady_seconds();
    bool done = loader_begin(loader, &pass, error);
    do
        done = done && loader_next(loader, &batch, error);
    while (done && batch != NULL);
    *seconds = clock_steady_seconds() - began;
    return done;
}

static bool measure_loader(const char *folder, int threads, const struct split_list *list,
                           cJSON *json, struct error *error) {
    const struct loader_options options = {.root = folder, .threads = threads};
    double cold[PASSES], cached[PASSES];
    bool done = true;
    for (uint32_t i = 0; done && i < PASSES; i++) { /* a new loader has an empty cache */
        struct loader *loader = NULL;
        done = loader_new(&options, &loader, error) &&
               time_pass(loader, list, 2 * i, &cold[i], error) &&
               time_pass(loader, list, 2 * i + 1, &cached[i], error);
        loader_free(loader);
    }
    if (done) {
        add_rate(json, "cold", cold, PASSES, list->count);
        add_rate(json, "cached", cached, PASSES, list->count);
    }
    return done;
}

bool bench_input(const char *folder, int threads, cJSON *out, struct error *error) {
    struct split_list list = {0};
    sample_keep_heap();
    bool done = list_folder(folder, "", &list, error);
    if (done && list.count == 0)
        done = error_set(error, ERROR_INPUT, "no .png files in %s or right below it", folder);
    if (done) {
        cJSON_AddNumberToObject(out, "pictures", (double)list.count);
        done =
            measure_thread(folder, &list, cJSON_AddObjectToObject(out, "one_thread"), error) &&
            measure_loader(folder, threads, &list, cJSON_AddObjectToObject(out, "loader"), error);
    }
    list_free(&list);
    return done;
}
