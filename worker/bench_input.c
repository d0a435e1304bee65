#include "worker/bench_input.h"

#include "core/clock.h"
#include "core/picture.h"
#include "worker/batch_feed.h"
#include "worker/sample.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PASSES = 5, BATCH = 32, OPS = 4, PICTURES_MAX = 512 };

/* What is measured: pictures through the notebook's pipeline to tensors of side x side. */
struct feed {
    const char *folder;
    struct split_list pictures;
    struct transform ops[OPS];
    struct pipeline pipeline;
    int threads;
    size_t side;
};

/* pipeline.ops points into the feed, which therefore stays where it is. */
static void pipeline_make(struct feed *feed, int side) {
    const struct transform ops[OPS] = {
        {.kind = TRANSFORM_RESIZE, .height = side * 256 / 224},
        {.kind = TRANSFORM_RANDOM_CROP, .height = side, .width = side},
        {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
        {.kind = TRANSFORM_NORMALIZE,
         .mean = {0.485F, 0.456F, 0.406F},
         .std = {0.229F, 0.224F, 0.225F}},
    };
    memcpy(feed->ops, ops, sizeof ops);
    feed->pipeline = (struct pipeline){feed->ops, OPS};
    feed->side = (size_t)side;
}

/* ---- the pictures ---- */

static bool add(struct split_list *list, const char *below, const char *name, struct error *error) {
    struct split_item *grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    char *path = NULL;
    if (grown != NULL)
        list->items = grown;
    if (grown == NULL || asprintf(&path, "%s%s%s", below, below[0] != '\0' ? "/" : "", name) < 0)
        return error_memory(error);
    list->items[list->count++] = (struct split_item){.path = path};
    return true;
}

/* By its own status: not every file system says it beside the name. */
static bool is_folder(const char *path, const char *name) {
    char whole[PATH_MAX];
    struct stat status;
    return snprintf(whole, sizeof whole, "%s/%s", path, name) < (int)sizeof whole &&
           stat(whole, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool list_folder(const char *folder, const char *below, struct split_list *list,
                        struct error *error) {
    char *path = NULL;
    if (asprintf(&path, "%s%s%s", folder, below[0] != '\0' ? "/" : "", below) < 0)
        return error_memory(error);
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort);
    bool done = count >= 0 || error_errno(error, ERROR_INPUT, "cannot read the folder %s", path);
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        if (done && list->count < PICTURES_MAX && picture_named(name))
            done = add(list, below, name, error);
        else if (done && below[0] == '\0' && name[0] != '.' && is_folder(path, name))
            done = list_folder(folder, name, list, error);
        free(names[i]);
    }
    free(names);
    free(path);
    return done;
}

static void feed_close(struct feed *feed) {
    for (size_t i = 0; i < feed->pictures.count; i++)
        free(feed->pictures.items[i].path);
    free(feed->pictures.items);
}

static bool feed_open(const char *folder, int side, int threads, struct feed *feed,
                      struct error *error) {
    *feed = (struct feed){.folder = folder, .threads = threads};
    pipeline_make(feed, side);
    sample_keep_heap();
    bool done = list_folder(folder, "", &feed->pictures, error);
    if (done && feed->pictures.count == 0)
        done = error_set(error, ERROR_INPUT,
                         "no picture (" PICTURE_NAMES ") in %s or right below it", folder);
    if (!done)
        feed_close(feed);
    return done;
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
static bool time_stages(const struct feed *feed, size_t pass, float *out, double *decode,
                        double *resize, double *rest, struct error *error) {
    const struct split_list *list = &feed->pictures;
    bool done = true;
    for (size_t i = 0; done && i < list->count; i++) {
        char *path = NULL;
        struct image image = {0};
        struct random_stream stream;
        if (asprintf(&path, "%s/%s", feed->folder, list->items[i].path) < 0)
            return error_memory(error);
        double began = clock_steady_seconds();
        done = picture_read(path, &image, error);
        double decoded = clock_steady_seconds();
        random_open(&stream, 0, RANDOM_AUGMENT, (uint32_t)pass, i);
        done = done && transform_apply(&feed->ops[0], &image, &stream, error);
        double resized = clock_steady_seconds();
        done = done && pipeline_apply(&feed->pipeline, 1, &image, &stream, error);
        if (done)
            pipeline_normalize(&feed->pipeline, &image, out);
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
static bool time_samples(struct sample_source *source, const struct feed *feed, size_t pass,
                         struct sample_memory *memory, float *out, double *seconds,
                         struct error *error) {
    const struct split_list *list = &feed->pictures;
    bool done = true, cached;
    double began = clock_steady_seconds();
    sample_source_set(source, &feed->pipeline, 0, (uint32_t)pass);
    for (size_t i = 0; done && i < list->count; i++)
        done = sample_load(source, list->items[i].path, i, memory, out, &cached, error);
    *seconds = clock_steady_seconds() - began;
    return done;
}

static bool measure_thread(const struct feed *feed, cJSON *json, struct error *error) {
    double decode[PASSES] = {0}, resize[PASSES] = {0}, rest[PASSES] = {0}, cold[PASSES],
           cached[PASSES], filling;
    struct sample_memory memory = {0};
    struct sample_source without = {.root = feed->folder}, with = {.root = feed->folder};
    float *out = malloc(3 * feed->side * feed->side * sizeof *out);
    bool done = out != NULL || error_memory(error);
    done = done && cache_new(0, &without.cache, error) && cache_new(SIZE_MAX, &with.cache, error) &&
           time_samples(&with, feed, 0, &memory, out, &filling, error);
    for (size_t pass = 0; done && pass < PASSES; pass++)
        done = time_stages(feed, pass, out, &decode[pass], &resize[pass], &rest[pass], error) &&
               time_samples(&without, feed, pass, &memory, out, &cold[pass], error) &&
               time_samples(&with, feed, pass, &memory, out, &cached[pass], error);
    if (done) {
        add_rate(json, "decode", decode, PASSES, feed->pictures.count);
        add_rate(json, "resize", resize, PASSES, feed->pictures.count);
        add_rate(json, "rest", rest, PASSES, feed->pictures.count);
        add_rate(json, "cold", cold, PASSES, feed->pictures.count);
        add_rate(json, "cached", cached, PASSES, feed->pictures.count);
    }
    cache_free(with.cache);
    cache_free(without.cache);
    sample_memory_free(&memory);
    free(out);
    return done;
}

/* What a batch of the loader is for: nothing, or a step of training. */
struct reader {
    bench_train *train;
    void *context;
    const struct backend *backend;
    struct model *model;
};

static bool time_pass(struct loader *loader, const struct loader_pass *pass,
                      const struct reader *reader, double *seconds, struct error *error) {
    const struct batch *batch;
    struct batch_feed feed = {loader, reader == NULL ? &backend_cpu : reader->backend,
                              reader == NULL ? NULL : reader->model, NULL};
    double began = clock_steady_seconds();
    bool done = batch_feed_begin(&feed, pass, error);
    do {
        done = done && batch_feed_next(&feed, &batch, error);
        if (done && reader != NULL)
            done = reader->train(reader->context, batch, error);
    } while (done && batch != NULL);
    *seconds = clock_steady_seconds() - began;
    return done;
}

static bool measure_loader(const struct feed *feed, cJSON *json, struct error *error) {
    const struct loader_options options = {.root = feed->folder, .threads = feed->threads};
    struct loader_pass pass = {
        .list = &feed->pictures, .pipeline = &feed->pipeline, .batch_size = BATCH};
    double cold[PASSES], cached[PASSES];
    bool done = true;
    for (uint32_t i = 0; done && i < PASSES; i++) { /* a new loader has an empty cache */
        struct loader *loader = NULL;
        pass.epoch = i;
        done = loader_new(&options, &loader, error) &&
               time_pass(loader, &pass, NULL, &cold[i], error) &&
               time_pass(loader, &pass, NULL, &cached[i], error);
        loader_free(loader);
    }
    if (done) {
        add_rate(json, "cold", cold, PASSES, feed->pictures.count);
        add_rate(json, "cached", cached, PASSES, feed->pictures.count);
    }
    return done;
}

bool bench_input(const char *folder, int side, int threads, cJSON *out, struct error *error) {
    struct feed feed;
    if (!feed_open(folder, side, threads, &feed, error))
        return false;
    cJSON_AddNumberToObject(out, "pictures", (double)feed.pictures.count);
    bool done = measure_thread(&feed, cJSON_AddObjectToObject(out, "one_thread"), error) &&
                measure_loader(&feed, cJSON_AddObjectToObject(out, "loader"), error);
    feed_close(&feed);
    return done;
}

/* ---- with training ---- */

/* A pass that trains, and what part of it training stood waiting for pictures. */
static bool measure_fed(struct loader *loader, const struct loader_pass *pass,
                        const struct reader *reader, cJSON *json, struct error *error) {
    struct loader_statistics before, after;
    double seconds;
    int64_t from = clock_unix_ms();
    loader_statistics(loader, &before);
    if (!time_pass(loader, pass, reader, &seconds, error))
        return false;
    loader_statistics(loader, &after);
    cJSON_AddNumberToObject(json, "images_per_second", (double)pass->list->count / seconds);
    cJSON_AddNumberToObject(json, "waiting",
                            (after.waited_seconds - before.waited_seconds) / seconds);
    cJSON_AddNumberToObject(json, "from_unix_ms", (double)from);
    cJSON_AddNumberToObject(json, "until_unix_ms", (double)clock_unix_ms());
    return true;
}

bool bench_together(const struct bench_feed *options, bench_train *train, void *context, cJSON *out,
                    struct error *error) {
    struct feed feed;
    if (!feed_open(options->folder, options->side, options->threads, &feed, error))
        return false;
    const struct loader_options loader_options = {
        .root = feed.folder, .threads = feed.threads, .pictures = options->backend->takes_pictures};
    const struct reader reader = {train, context, options->backend, options->model};
    struct loader *loader = NULL;
    /* As many as the steps need, over and over; the paths stay the feed's. */
    struct split_list list = {.count = options->steps * options->batch};
    list.items = calloc(list.count, sizeof *list.items);
    bool done = list.items != NULL || error_memory(error);
    for (size_t i = 0; done && i < list.count; i++)
        list.items[i] = feed.pictures.items[i % feed.pictures.count];
    struct loader_pass pass = {
        .list = &list, .pipeline = &feed.pipeline, .batch_size = options->batch};
    done = done && loader_new(&loader_options, &loader, error) &&
           measure_fed(loader, &pass, &reader, cJSON_AddObjectToObject(out, "cold"), error);
    pass.epoch = 1;
    done =
        done && measure_fed(loader, &pass, &reader, cJSON_AddObjectToObject(out, "cached"), error);
    loader_free(loader);
    free(list.items);
    feed_close(&feed);
    return done;
}
