/* picture_kernels: from decoded pictures to a batch: every op of the recipes, Normalize and the
 * change of layout in one kernel (core/recipe_pixel.h finds each pixel alone). Before it,
 * contrast's mean greys, sums of whole numbers, which are the same in any order. */
#ifndef ASSAY_WORKER_NN_CUDA_PICTURE_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_PICTURE_KERNELS_H

#include "core/recipe_pixel.h"
#include "worker/nn/cuda/element.h"

/* One picture of a batch, in the device's memory. */
struct picture_task {
    const uint8_t *pixels; /* decoded, as the recipe takes it */
    struct recipe recipe;
    uint8_t greys[RECIPE_STEPS]; /* filled by picture_mean, contrast after contrast */
};

/* How many parts a row's sum is taken in. */
enum { PICTURE_PARTS = 8 };

/* The step that is contrast number `contrast`, or -1. */
PORTABLE int picture_contrast(const struct recipe *recipe, int contrast) {
    for (int i = 0; i < recipe->count; i++)
        if (recipe->steps[i].kind == RECIPE_CONTRAST && contrast-- == 0)
            return i;
    return -1;
}

/* Thread: a part of a row of the picture that stands before a contrast. sums: [count][rows][parts]
 * of lumas; `rows`: the most that any picture has. */
struct picture_luma {
    const struct picture_task *tasks;
    int contrast;
    size_t rows;
    uint32_t *sums;
};

PORTABLE void picture_luma(const struct picture_luma *a, size_t thread) {
    size_t part = thread % PICTURE_PARTS, row = thread / PICTURE_PARTS % a->rows;
    const struct picture_task *task = &a->tasks[thread / PICTURE_PARTS / a->rows];
    int step = picture_contrast(&task->recipe, a->contrast);
    uint32_t sum = 0;
    if (step >= 0 && row < (size_t)task->recipe.steps[step].height) {
        size_t width = (size_t)task->recipe.steps[step].width;
        for (size_t x = width * part / PICTURE_PARTS; x < width * (part + 1) / PICTURE_PARTS; x++) {
            uint8_t rgb[3];
            recipe_pixel(&task->recipe, step, task->pixels, task->greys, (int)x, (int)row, rgb);
            sum += color_luma(rgb[0], rgb[1], rgb[2]);
        }
    }
    a->sums[thread] = sum;
}

/* Thread: a picture. */
struct picture_mean {
    struct picture_task *tasks;
    int contrast;
    size_t rows;
    const uint32_t *sums;
};

PORTABLE void picture_mean(const struct picture_mean *a, size_t picture) {
    struct picture_task *task = &a->tasks[picture];
    int step = picture_contrast(&task->recipe, a->contrast);
    if (step < 0)
        return;
    uint64_t sum = 0, parts = a->rows * PICTURE_PARTS;
    for (uint64_t i = 0; i < parts; i++)
        sum += a->sums[picture * parts + i];
    const struct recipe_step *at = &task->recipe.steps[step];
    task->greys[a->contrast] = color_mean(sum, (uint64_t)at->width * (uint64_t)at->height);
}

/* Thread: a pixel of the batch, NHWC. */
struct picture_pixels {
    const struct picture_task *tasks;
    size_t height, width;
    enum element element;
    float mean[3], deviation[3];
    void *to;
};

PORTABLE void picture_pixels(const struct picture_pixels *a, size_t thread) {
    size_t x = thread % a->width, y = thread / a->width % a->height;
    const struct picture_task *task = &a->tasks[thread / a->width / a->height];
    uint8_t rgb[3];
    recipe_pixel(&task->recipe, task->recipe.count, task->pixels, task->greys, (int)x, (int)y, rgb);
    UNROLL
    for (size_t i = 0; i < 3; i++)
        element_store(a->to, a->element, 3 * thread + i,
                      recipe_normal(rgb[i], a->mean[i], a->deviation[i]));
}

#endif
