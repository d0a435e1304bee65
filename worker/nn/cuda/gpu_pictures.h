/* gpu_pictures: decoded pictures in the device's memory, and the batches that are made of them.
 *
 * Pictures that last (the loader's cache holds them) are copied to the device once and stay there,
 * as long as there is room beside what training needs. Those for which there is none come anew with
 * each batch, through pinned memory, so that the next batch's copy runs beside the work on those
 * before it.
 */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_PICTURES_H
#define ASSAY_WORKER_NN_CUDA_GPU_PICTURES_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"

/* One for each batch that may be under way, one for the batch that is brought meanwhile, and one
 * more: a pass's first is brought behind its second, but is not over behind it. */
enum { PICTURE_SETS = BACKEND_AHEAD + 2 };

/* A batch on its way: what is to be done to its pictures, in pinned memory and on the device. */
struct picture_staging {
    uint64_t number; /* the batch's; 0: none */
    struct picture_task *tasks;
    void *device_tasks;
    size_t task_room; /* pictures */
    int loose;        /* where those of its pictures stand that are not kept; -1: there is none */
};

/* Pictures that are not kept, or images, of one batch, in pinned memory and on the device. They are
 * large: before one is used again it is waited for, if need be. */
struct loose_pixels {
    uint8_t *pixels, *device_pixels;
    size_t room;         /* bytes */
    bool sent, finished; /* finished: the launches that read them are queued, a mark behind them */
};

struct kept_picture {
    const uint8_t *pixels; /* on the host: what it is known by; NULL: a free place */
    uint8_t *device_pixels;
};

struct gpu_pictures {
    struct device *device;     /* borrowed */
    struct kept_picture *kept; /* a hash table with open addressing */
    size_t kept_count, kept_places;
    void **slabs;                            /* the device's memory that kept pictures stand in */
    size_t slab_count, slab_room, slab_used; /* used: of the last one */
    bool full;
    struct picture_staging staging[PICTURE_SETS];
    struct loose_pixels loose[MARKS_PICTURES];
    int turn, loose_turn;
    uint32_t *sums; /* on the device */
    size_t sum_room;
};

void gpu_pictures_init(struct device *device, struct gpu_pictures *pictures);
void gpu_pictures_free(struct gpu_pictures *pictures);

/* Gives back the memory of kept pictures, for something that needs it more; they are not kept any
 * more. False when there was none. */
bool gpu_pictures_yield(struct gpu_pictures *pictures);

/* Begins to bring the batch's pictures to the device, beside what the device does. */
bool gpu_pictures_send(struct gpu_pictures *pictures, const struct batch *batch,
                       struct error *error);

/* Makes the batch, NHWC, at `to`; sends it first if it was not sent. */
bool gpu_pictures_make(struct gpu_pictures *pictures, const struct batch *batch,
                       enum element element, void *to, struct error *error);

/* The same of a batch with images instead of pictures, which are copied before this returns. */
bool gpu_pictures_lay(struct gpu_pictures *pictures, const struct batch *batch,
                      enum element element, void *to, struct error *error);

#endif
