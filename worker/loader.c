/* The threads take samples one by one in the order of the pass and write them into a ring of
 * batches; the caller of loader_next takes the batches in order. A sample may be taken as soon as
 * its batch has a place in the ring. The one lock guards counters alone: reading, decoding and
 * transforming happen outside of it, and each sample's part of a batch is written by the one thread
 * that took it. */
#include "worker/loader.h"

#include "core/clock.h"
#include "core/machine.h"
#include "worker/cache.h"
#include "worker/sample.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* One batch of the ring. */
struct slot {
    float *images;
    struct picture *pictures; /* instead of images */
    struct image *own;        /* of the pictures that the cache has no room for */
    int32_t *labels;
    uint64_t *samples;
    struct batch batch;
    size_t done;      /* samples finished, well or not; guarded by the loader's lock */
    bool failed;      /* guarded by the lock, as are the next two */
    size_t failed_at; /* the first failed place, so that the error does not depend on threads */
    struct error failure;
};

struct loader {
    char *root;
    struct sample_source source; /* root and cache, and what the pass adds */
    pthread_t *threads;
    size_t thread_count;
    struct slot *slots;
    size_t slot_count;
    size_t slot_samples, slot_floats; /* what each slot has memory for */
    bool pictures;                    /* what the options say */

    /* The pass: written by loader_begin while no thread is at work. */
    struct loader_pass pass;
    size_t sample_count, batch_count;
    int height, width;
    bool raw; /* this pass gives pictures */

    pthread_mutex_t lock;
    pthread_cond_t work;     /* a sample may have become free to take, or stopping */
    pthread_cond_t progress; /* a batch is complete, or no thread is at work any more */
    /* All below is guarded by the lock. */
    bool stopping;
    size_t taken;     /* samples given to threads */
    size_t at_work;   /* of those, not finished yet */
    size_t given;     /* batches given to the caller */
    size_t delivered; /* of those, what the caller is done with: all but the last two */
    uint64_t number;  /* of batches opened in all passes */
    uint64_t decoded, from_cache;
    double waited_seconds;
};

/* The lock is held. */
static bool may_take(const struct loader *loader) {
    return loader->taken < loader->sample_count &&
           loader->taken / loader->pass.batch_size < loader->delivered + loader->slot_count;
}

static bool sample_make(const struct loader *loader, const struct slot *slot, size_t index,
                        size_t in_batch, struct sample_memory *memory, bool *cached,
                        struct error *error) {
    const char *path = loader->pass.list->items[index].path;
    size_t floats = 3 * (size_t)loader->height * (size_t)loader->width;
    return loader->raw
               ? sample_picture(&loader->source, path, index, memory, &slot->pictures[in_batch],
                                &slot->own[in_batch], cached, error)
               : sample_load(&loader->source, path, index, memory, slot->images + in_batch * floats,
                             cached, error);
}

/* The lock is held at the beginning and at the end, and not while the sample is made. */
static void work_on_next(struct loader *loader, struct sample_memory *memory) {
    size_t place = loader->taken++, in_batch = place % loader->pass.batch_size;
    struct slot *slot = &loader->slots[place / loader->pass.batch_size % loader->slot_count];
    loader->at_work++;
    pthread_mutex_unlock(&loader->lock);

    size_t index = loader->pass.order != NULL ? loader->pass.order[place] : place;
    struct error error = {0};
    bool cached = false;
    bool done = sample_make(loader, slot, index, in_batch, memory, &cached, &error);
    slot->labels[in_batch] = loader->pass.list->items[index].label;
    slot->samples[in_batch] = index;

    pthread_mutex_lock(&loader->lock);
    loader->at_work--;
    loader->decoded += done && !cached;
    loader->from_cache += done && cached;
    if (!done && (!slot->failed || in_batch < slot->failed_at)) {
        slot->failed = true;
        slot->failed_at = in_batch;
        slot->failure = error;
    }
    if (++slot->done == slot->batch.count || loader->at_work == 0)
        pthread_cond_signal(&loader->progress);
}

static void *thread_main(void *argument) {
    struct loader *loader = argument;
    struct sample_memory memory = {0};
    pthread_mutex_lock(&loader->lock);
    while (!loader->stopping) {
        if (may_take(loader))
            work_on_next(loader, &memory);
        else
            pthread_cond_wait(&loader->work, &loader->lock);
    }
    pthread_mutex_unlock(&loader->lock);
    sample_memory_free(&memory);
    return NULL;
}

static size_t quarter_of_memory(void) {
    uint64_t bytes = machine_memory_bytes();
    return bytes > 0 ? (size_t)(bytes / 4) : (size_t)1 << 28;
}

/* Signals are for the program's own thread. */
static bool start_threads(struct loader *loader, size_t count, struct error *error) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    while (failure == 0 && loader->thread_count < count) {
        failure = pthread_create(&loader->threads[loader->thread_count], NULL, thread_main, loader);
        loader->thread_count += failure == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure == 0 ||
           error_machine(error, "cannot start loader threads: %s", strerror(failure));
}

bool loader_new(const struct loader_options *options, struct loader **loader, struct error *error) {
    struct loader *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_machine(error, "no memory for the loader");
    sample_keep_heap();
    size_t threads = options->threads > 0 ? (size_t)options->threads : machine_cores();
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->progress, NULL);
    made->slot_count = (options->batches_ahead > 0 ? options->batches_ahead : 4) + 2;
    made->pictures = options->pictures;
    made->root = strdup(options->root);
    made->source.root = made->root;
    made->slots = calloc(made->slot_count, sizeof *made->slots);
    made->threads = calloc(threads, sizeof *made->threads);
    size_t cache_limit = options->cache_bytes > 0 ? options->cache_bytes : quarter_of_memory();
    bool done = made->root != NULL && made->slots != NULL && made->threads != NULL;
    if (!done)
        error_machine(error, "no memory for the loader");
    done = done && cache_new(cache_limit, &made->source.cache, error) &&
           start_threads(made, threads, error);
    if (!done) {
        loader_free(made);
        return false;
    }
    *loader = made;
    return true;
}

static void free_slots(struct loader *loader) {
    for (size_t i = 0; loader->slots != NULL && i < loader->slot_count; i++) {
        for (size_t j = 0; loader->slots[i].own != NULL && j < loader->slot_samples; j++)
            image_free(&loader->slots[i].own[j]);
        free(loader->slots[i].own);
        free(loader->slots[i].pictures);
        free(loader->slots[i].images);
        free(loader->slots[i].labels);
        free(loader->slots[i].samples);
        loader->slots[i] = (struct slot){0};
    }
    loader->slot_samples = loader->slot_floats = 0;
}

void loader_free(struct loader *loader) {
    if (loader == NULL)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->stopping = true;
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    for (size_t i = 0; i < loader->thread_count; i++)
        pthread_join(loader->threads[i], NULL);
    free_slots(loader);
    free(loader->slots);
    free(loader->threads);
    cache_free(loader->source.cache);
    pthread_cond_destroy(&loader->progress);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    free(loader->root);
    free(loader);
}

/* No new samples are taken, and those at work are waited for. */
static void end_pass(struct loader *loader) {
    pthread_mutex_lock(&loader->lock);
    loader->sample_count = loader->batch_count = loader->taken = 0;
    loader->given = loader->delivered = 0;
    while (loader->at_work > 0)
        pthread_cond_wait(&loader->progress, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
}

static bool slot_new(struct slot *slot, size_t samples, size_t floats, bool pictures) {
    if (floats > 0)
        slot->images = malloc(floats * sizeof *slot->images);
    if (pictures) {
        slot->pictures = calloc(samples, sizeof *slot->pictures);
        slot->own = calloc(samples, sizeof *slot->own);
    }
    slot->labels = malloc(samples * sizeof *slot->labels);
    slot->samples = malloc(samples * sizeof *slot->samples);
    return (floats == 0 || slot->images != NULL) &&
           (!pictures || (slot->pictures != NULL && slot->own != NULL)) && slot->labels != NULL &&
           slot->samples != NULL;
}

/* Memory for batches of `samples` pictures; what the pass before had is used again where it is
 * enough. */
static bool reserve_slots(struct loader *loader, size_t samples, struct error *error) {
    size_t floats = loader->raw ? 0 : samples * 3 * (size_t)loader->height * (size_t)loader->width;
    if (samples <= loader->slot_samples && floats <= loader->slot_floats)
        return true;
    free_slots(loader);
    bool done = samples < SIZE_MAX / 3 / IMAGE_SIDE_MAX / IMAGE_SIDE_MAX / sizeof(float);
    loader->slot_samples = samples; /* free_slots frees that many pictures */
    for (size_t i = 0; done && i < loader->slot_count; i++)
        done = slot_new(&loader->slots[i], samples, floats, loader->pictures);
    if (!done) {
        free_slots(loader);
        return error_machine(error,
                             "no memory for %zu batches of %zu pictures of %d x %d; make "
                             "train.batch_size smaller",
                             loader->slot_count, samples, loader->width, loader->height);
    }
    loader->slot_floats = floats;
    return true;
}

/* Makes a slot ready for a batch of the pass. The lock is held, or no thread is at work. */
static void open_slot(struct loader *loader, size_t batch) {
    struct slot *slot = &loader->slots[batch % loader->slot_count];
    size_t first = batch * loader->pass.batch_size, left = loader->sample_count - first;
    slot->done = 0;
    slot->failed = false;
    slot->batch = (struct batch){
        .count = left < loader->pass.batch_size ? left : loader->pass.batch_size,
        .height = loader->height,
        .width = loader->width,
        .images = loader->raw ? NULL : slot->images,
        .labels = slot->labels,
        .samples = slot->samples,
        .epoch = loader->pass.epoch,
        .pictures = loader->raw ? slot->pictures : NULL,
        .normalize = &loader->pass.pipeline->ops[loader->pass.pipeline->count - 1],
        .number = ++loader->number,
    };
}

bool loader_begin(struct loader *loader, const struct loader_pass *pass, struct error *error) {
    end_pass(loader);
    if (pass->batch_size == 0 || pass->list->count == 0)
        return error_set(error, ERROR_INPUT, "there are no pictures to load");
    loader->pass = *pass;
    if (!pipeline_output_size(pass->pipeline, &loader->height, &loader->width, error))
        return false;
    sample_source_set(&loader->source, pass->pipeline, pass->seed, pass->epoch);
    loader->raw =
        loader->pictures && pipeline_pixelwise(pass->pipeline, loader->source.fixed_count);
    size_t count = pass->list->count;
    if (!reserve_slots(loader, count < pass->batch_size ? count : pass->batch_size, error))
        return false;

    pthread_mutex_lock(&loader->lock);
    loader->sample_count = count;
    loader->batch_count = (count + pass->batch_size - 1) / pass->batch_size;
    for (size_t batch = 0; batch < loader->slot_count && batch < loader->batch_count; batch++)
        open_slot(loader, batch);
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    return true;
}

/* The lock is held. Gives the place of the older of two batches that the caller has to the one that
 * comes into reach. */
static void release_older(struct loader *loader) {
    if (loader->given < loader->delivered + 2)
        return;
    size_t reached = loader->delivered++ + loader->slot_count;
    if (reached < loader->batch_count)
        open_slot(loader, reached);
    pthread_cond_broadcast(&loader->work);
}

bool loader_next(struct loader *loader, const struct batch **batch, struct error *error) {
    *batch = NULL;
    pthread_mutex_lock(&loader->lock);
    release_older(loader);
    bool done = true;
    if (loader->given < loader->batch_count) {
        const struct slot *slot = &loader->slots[loader->given % loader->slot_count];
        double began = clock_steady_seconds();
        while (slot->done < slot->batch.count)
            pthread_cond_wait(&loader->progress, &loader->lock);
        loader->waited_seconds += clock_steady_seconds() - began;
        done = !slot->failed;
        if (done) {
            loader->given++;
            *batch = &slot->batch;
        } else if (error != NULL) {
            *error = slot->failure;
        }
    }
    pthread_mutex_unlock(&loader->lock);
    return done;
}

void loader_statistics(const struct loader *loader, struct loader_statistics *statistics) {
    struct loader *locked = (struct loader *)loader; /* reading takes the lock as well */
    pthread_mutex_lock(&locked->lock);
    statistics->decoded = loader->decoded;
    statistics->from_cache = loader->from_cache;
    statistics->waited_seconds = loader->waited_seconds;
    pthread_mutex_unlock(&locked->lock);
    statistics->cache_bytes = cache_bytes(loader->source.cache);
}
