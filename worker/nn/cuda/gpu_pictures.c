#include "worker/nn/cuda/gpu_pictures.h"

#include <stdlib.h>
#include <string.h>

/* Pictures are taken in until this much of the device's memory is left: cuDNN loads its kernels as
 * they are asked for, and other programs may be there. */
static const size_t RESERVE_BYTES = (size_t)2 << 30;
static const size_t SLAB_BYTES = (size_t)64 << 20;
enum { PICTURE_ALIGNMENT = 16 };

void gpu_pictures_init(struct device *device, struct gpu_pictures *pictures) {
    *pictures = (struct gpu_pictures){.device = device};
}

static void release(struct gpu_pictures *pictures, void *memory) {
    if (memory != NULL)
        pictures->device->release(pictures->device, memory);
}

static void unpin(struct gpu_pictures *pictures, void *memory) {
    if (memory != NULL)
        pictures->device->unpin(pictures->device, memory);
}

static size_t picture_bytes(const struct picture *picture) {
    size_t bytes = 3 * (size_t)picture->recipe.width * (size_t)picture->recipe.height;
    return (bytes + PICTURE_ALIGNMENT - 1) / PICTURE_ALIGNMENT * PICTURE_ALIGNMENT;
}

/* ---- pictures that are kept ---- */

bool gpu_pictures_yield(struct gpu_pictures *pictures) {
    bool held = pictures->slab_count > 0;
    for (size_t i = 0; i < pictures->slab_count; i++)
        release(pictures, pictures->slabs[i]);
    free(pictures->slabs);
    free(pictures->kept);
    pictures->slabs = NULL;
    pictures->kept = NULL;
    pictures->slab_count = pictures->slab_room = pictures->slab_used = 0;
    pictures->kept_count = pictures->kept_places = 0;
    pictures->full = true;
    for (int i = 0; i < PICTURE_SETS; i++) /* what is on its way may stand in them */
        pictures->staging[i].number = 0;
    return held;
}

/* The picture's place in the table, or the free place where it would go. */
static struct kept_picture *place_of(const struct gpu_pictures *pictures, const uint8_t *pixels) {
    size_t mask = pictures->kept_places - 1;
    size_t at =
        (size_t)((uintptr_t)pixels / PICTURE_ALIGNMENT * UINT64_C(0x9e3779b97f4a7c15) >> 20);
    for (at &= mask; pictures->kept[at].pixels != NULL && pictures->kept[at].pixels != pixels;)
        at = (at + 1) & mask;
    return &pictures->kept[at];
}

/* At least half of the table stays free. */
static bool table_grow(struct gpu_pictures *pictures) {
    if (pictures->kept_count < pictures->kept_places / 2)
        return true;
    struct gpu_pictures grown = *pictures;
    grown.kept_places = pictures->kept_places == 0 ? 1024 : 2 * pictures->kept_places;
    grown.kept = calloc(grown.kept_places, sizeof *grown.kept);
    if (grown.kept == NULL)
        return false;
    for (size_t i = 0; i < pictures->kept_places; i++)
        if (pictures->kept[i].pixels != NULL)
            *place_of(&grown, pictures->kept[i].pixels) = pictures->kept[i];
    free(pictures->kept);
    pictures->kept = grown.kept;
    pictures->kept_places = grown.kept_places;
    return true;
}

static bool slab_new(struct gpu_pictures *pictures, size_t bytes) {
    size_t room = pictures->device->room(pictures->device);
    void *slab = NULL;
    void **slabs = reallocarray(pictures->slabs, pictures->slab_count + 1, sizeof *slabs);
    if (slabs == NULL)
        return false;
    pictures->slabs = slabs;
    bytes = bytes > SLAB_BYTES ? bytes : SLAB_BYTES;
    if (room < RESERVE_BYTES || room - RESERVE_BYTES < bytes ||
        !pictures->device->allocate(pictures->device, bytes, &slab, NULL))
        return false;
    pictures->slabs[pictures->slab_count++] = slab;
    pictures->slab_room = bytes;
    pictures->slab_used = 0;
    return true;
}

/* Where the picture stands on the device for good, sent there if it is new; NULL: it is not kept.
 */
static const uint8_t *keep(struct gpu_pictures *pictures, const struct picture *picture) {
    if (!picture->lasting)
        return NULL;
    struct kept_picture *place =
        pictures->kept_places > 0 ? place_of(pictures, picture->pixels) : NULL;
    if (place != NULL && place->pixels != NULL)
        return place->device_pixels;
    size_t bytes = picture_bytes(picture);
    if (pictures->full || !table_grow(pictures))
        return NULL;
    if (pictures->slab_room - pictures->slab_used < bytes && !slab_new(pictures, bytes)) {
        pictures->full = true;
        return NULL;
    }
    uint8_t *there = (uint8_t *)pictures->slabs[pictures->slab_count - 1] + pictures->slab_used;
    size_t exact = 3 * (size_t)picture->recipe.width * (size_t)picture->recipe.height;
    if (!pictures->device->upload_aside(pictures->device, there, picture->pixels, exact, NULL))
        return NULL;
    pictures->slab_used += bytes;
    pictures->kept_count++;
    *place_of(pictures, picture->pixels) = (struct kept_picture){picture->pixels, there};
    return there;
}

/* ---- batches on their way ---- */

static void staging_free(struct gpu_pictures *pictures, struct picture_staging *staging) {
    unpin(pictures, staging->tasks);
    release(pictures, staging->device_tasks);
    *staging = (struct picture_staging){0};
}

static void loose_free(struct gpu_pictures *pictures, struct loose_pixels *loose) {
    unpin(pictures, loose->pixels);
    release(pictures, loose->device_pixels);
    *loose = (struct loose_pixels){0};
}

static bool reserve_both(struct gpu_pictures *pictures, size_t bytes, void **host, void **device,
                         struct error *error) {
    unpin(pictures, *host);
    release(pictures, *device);
    *host = *device = NULL;
    return pictures->device->pin(pictures->device, bytes, host, error) &&
           pictures->device->allocate(pictures->device, bytes, device, error);
}

static bool staging_reserve_tasks(struct gpu_pictures *pictures, struct picture_staging *staging,
                                  size_t count, struct error *error) {
    if (count <= staging->task_room)
        return true;
    staging->task_room = 0;
    void *tasks = staging->tasks;
    bool done = reserve_both(pictures, count * sizeof *staging->tasks, &tasks,
                             &staging->device_tasks, error);
    staging->tasks = tasks;
    staging->task_room = done ? count : 0;
    return done;
}

/* Nothing reads or writes the next of the loose sets any more, and it has room. */
static bool loose_reserve(struct gpu_pictures *pictures, size_t bytes, struct error *error) {
    struct loose_pixels *loose = &pictures->loose[pictures->loose_turn];
    struct device *device = pictures->device;
    int mark = MARK_PICTURES + pictures->loose_turn;
    if (loose->sent && ((!loose->finished && /* its batch was never queued */
                         (!device->join(device, error) || !device->mark(device, mark, error))) ||
                        !device->wait(device, mark, error)))
        return false;
    loose->sent = loose->finished = false;
    if (bytes <= loose->room)
        return true;
    loose->room = 0;
    void *pixels = loose->pixels, *device_pixels = loose->device_pixels;
    bool done = reserve_both(pictures, bytes, &pixels, &device_pixels, error);
    loose->pixels = pixels;
    loose->device_pixels = device_pixels;
    loose->room = done ? bytes : 0;
    return done;
}

/* Fills the tasks: kept pictures point to where they are, the others to where they will be once the
 * pinned memory has been copied. */
static void staging_fill(struct picture_staging *staging, const struct loose_pixels *loose,
                         const struct batch *batch) {
    size_t used = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct picture *picture = &batch->pictures[i];
        struct picture_task *task = &staging->tasks[i];
        task->recipe = picture->recipe;
        if (task->pixels != NULL)
            continue;
        memcpy(loose->pixels + used, picture->pixels,
               3 * (size_t)picture->recipe.width * (size_t)picture->recipe.height);
        task->pixels = loose->device_pixels + used;
        used += picture_bytes(picture);
    }
}

/* Brings the `bytes` that stand in the next set to the device. */
static bool loose_send(struct gpu_pictures *pictures, size_t bytes, struct error *error) {
    struct loose_pixels *loose = &pictures->loose[pictures->loose_turn];
    pictures->loose_turn = (pictures->loose_turn + 1) % MARKS_PICTURES;
    loose->sent = true;
    return pictures->device->upload_aside(pictures->device, loose->device_pixels, loose->pixels,
                                          bytes, error);
}

bool gpu_pictures_send(struct gpu_pictures *pictures, const struct batch *batch,
                       struct error *error) {
    struct picture_staging *staging = &pictures->staging[pictures->turn];
    struct device *device = pictures->device;
    size_t bytes = 0;
    pictures->turn = (pictures->turn + 1) % PICTURE_SETS;
    staging->number = 0;
    if (!staging_reserve_tasks(pictures, staging, batch->count, error))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        staging->tasks[i].pixels = keep(pictures, &batch->pictures[i]);
        if (staging->tasks[i].pixels == NULL)
            bytes += picture_bytes(&batch->pictures[i]);
    }
    if (bytes > 0 && !loose_reserve(pictures, bytes, error))
        return false;
    staging_fill(staging, &pictures->loose[pictures->loose_turn], batch);
    staging->loose = bytes > 0 ? pictures->loose_turn : -1;
    if ((bytes > 0 && !loose_send(pictures, bytes, error)) ||
        !device->upload_aside(device, staging->device_tasks, staging->tasks,
                              batch->count * sizeof *staging->tasks, error))
        return false;
    staging->number = batch->number;
    return true;
}

static const struct picture_staging *sent(const struct gpu_pictures *pictures,
                                          const struct batch *batch) {
    for (int i = 0; i < PICTURE_SETS; i++)
        if (pictures->staging[i].number != 0 && pictures->staging[i].number == batch->number)
            return &pictures->staging[i];
    return NULL;
}

/* ---- making a batch ---- */

/* The most contrasts that a recipe of the batch has, and the most rows a picture before one. */
static int contrasts_of(const struct batch *batch, size_t *rows) {
    int most = 0;
    *rows = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct recipe *recipe = &batch->pictures[i].recipe;
        int contrasts = 0;
        for (int step; (step = picture_contrast(recipe, contrasts)) >= 0; contrasts++)
            if ((size_t)recipe->steps[step].height > *rows)
                *rows = (size_t)recipe->steps[step].height;
        most = contrasts > most ? contrasts : most;
    }
    return most;
}

static bool sums_reserve(struct gpu_pictures *pictures, size_t count, struct error *error) {
    if (count <= pictures->sum_room)
        return true;
    release(pictures, pictures->sums);
    pictures->sums = NULL;
    pictures->sum_room = 0;
    if (!pictures->device->allocate(pictures->device, count * sizeof *pictures->sums,
                                    (void **)&pictures->sums, error))
        return false;
    pictures->sum_room = count;
    return true;
}

static bool greys_find(struct gpu_pictures *pictures, const struct picture_staging *staging,
                       const struct batch *batch, struct error *error) {
    size_t rows;
    int contrasts = contrasts_of(batch, &rows);
    size_t threads = batch->count * rows * PICTURE_PARTS;
    if (!sums_reserve(pictures, threads, error))
        return false;
    for (int i = 0; i < contrasts; i++) {
        const struct picture_luma luma = {staging->device_tasks, i, rows, pictures->sums};
        const struct picture_mean mean = {staging->device_tasks, i, rows, pictures->sums};
        if (!device_launch(pictures->device, picture_luma, &luma, threads, error) ||
            !device_launch(pictures->device, picture_mean, &mean, batch->count, error))
            return false;
    }
    return true;
}

/* The launches that read the set are queued. */
static bool loose_finish(struct gpu_pictures *pictures, int set, struct error *error) {
    pictures->loose[set].finished = true;
    return pictures->device->mark(pictures->device, MARK_PICTURES + set, error);
}

bool gpu_pictures_make(struct gpu_pictures *pictures, const struct batch *batch,
                       enum element element, void *to, struct error *error) {
    struct picture_pixels arguments = {.height = (size_t)batch->height,
                                       .width = (size_t)batch->width,
                                       .element = element,
                                       .to = to};
    if (sent(pictures, batch) == NULL && !gpu_pictures_send(pictures, batch, error))
        return false;
    const struct picture_staging *staging = sent(pictures, batch);
    if (staging == NULL)
        return error_set(error, ERROR_FAILED, "a batch of pictures has no number");
    memcpy(arguments.mean, batch->normalize->mean, sizeof arguments.mean);
    memcpy(arguments.deviation, batch->normalize->std, sizeof arguments.deviation);
    arguments.tasks = staging->device_tasks;
    return pictures->device->join(pictures->device, error) &&
           greys_find(pictures, staging, batch, error) &&
           device_launch(pictures->device, picture_pixels, &arguments,
                         batch->count * arguments.height * arguments.width, error) &&
           (staging->loose < 0 || loose_finish(pictures, staging->loose, error));
}

bool gpu_pictures_lay(struct gpu_pictures *pictures, const struct batch *batch,
                      enum element element, void *to, struct error *error) {
    size_t pixels = (size_t)batch->height * (size_t)batch->width;
    size_t bytes = batch->count * 3 * pixels * sizeof(float);
    if (!loose_reserve(pictures, bytes, error))
        return false;
    int set = pictures->loose_turn;
    const struct loose_pixels *loose = &pictures->loose[set];
    const struct planes_gather gather = {pixels, element, (const float *)loose->device_pixels, to};
    memcpy(loose->pixels, batch->images, bytes);
    return loose_send(pictures, bytes, error) && pictures->device->join(pictures->device, error) &&
           device_launch(pictures->device, planes_gather, &gather, batch->count * pixels, error) &&
           loose_finish(pictures, set, error);
}

void gpu_pictures_free(struct gpu_pictures *pictures) {
    if (pictures->device == NULL)
        return;
    gpu_pictures_yield(pictures);
    for (int i = 0; i < PICTURE_SETS; i++)
        staging_free(pictures, &pictures->staging[i]);
    for (int i = 0; i < MARKS_PICTURES; i++)
        loose_free(pictures, &pictures->loose[i]);
    release(pictures, pictures->sums);
    *pictures = (struct gpu_pictures){0};
}
