/* faces: a folder of pictures for the loader, its pipelines, and what must come of them. cmocka's
 * setup and teardown: faces_make, faces_remove. */
#ifndef ASSAY_TESTS_WORKER_FACES_H
#define ASSAY_TESTS_WORKER_FACES_H

#include "core/file.h"
#include "core/picture.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"
#include "worker/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PICTURES = 23, SIDE = 24, FLOATS = 3 * SIDE * SIDE };

static struct transform training_ops[] = {
    {.kind = TRANSFORM_RESIZE, .height = 30},
    {.kind = TRANSFORM_RANDOM_CROP, .height = SIDE, .width = SIDE},
    {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
    {.kind = TRANSFORM_RANDOM_AFFINE, .degrees = {-20, 20}, .scale = {1, 2}},
    {.kind = TRANSFORM_NORMALIZE, .mean = {0.5F, 0.4F, 0.3F}, .std = {0.2F, 0.3F, 0.4F}},
};
static struct transform evaluation_ops[] = {
    {.kind = TRANSFORM_RESIZE, .height = 30},
    {.kind = TRANSFORM_CENTER_CROP, .height = SIDE, .width = SIDE},
    {.kind = TRANSFORM_NORMALIZE, .mean = {0.5F, 0.4F, 0.3F}, .std = {0.2F, 0.3F, 0.4F}},
};
static const struct pipeline training = {training_ops, 5}, evaluation = {evaluation_ops, 3};

/* A folder of pictures of different sizes, and a list of them. */
struct faces {
    char *folder;
    char paths[PICTURES][16];
    struct split_item items[PICTURES];
    struct split_list list;
};

static inline int faces_make(void **state) {
    struct faces *faces = calloc(1, sizeof *faces);
    if (faces == NULL || temporary_make((void **)&faces->folder) != 0)
        return -1;
    for (int i = 0; i < PICTURES; i++) {
        char path[512];
        struct image image = sample_picture(31 + i % 7, 33 + i);
        snprintf(faces->paths[i], sizeof faces->paths[i], "%02d.png", i);
        snprintf(path, sizeof path, "%s/%s", faces->folder, faces->paths[i]);
        if (!png_write(path, &image, NULL))
            return -1;
        image_free(&image);
        faces->items[i] = (struct split_item){.path = faces->paths[i], .label = i % 3 == 0};
    }
    faces->list = (struct split_list){.items = faces->items, .count = PICTURES};
    *state = faces;
    return 0;
}

static inline int faces_remove(void **state) {
    struct faces *faces = *state;
    int rc = temporary_remove((void **)&faces->folder);
    free(faces);
    return rc;
}

static inline void spoil(const struct faces *faces, int picture) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", faces->folder, faces->paths[picture]);
    assert_true(file_write_atomic(path, "no picture", 10, NULL));
}

static inline struct loader_pass make_pass(const struct faces *faces,
                                           const struct pipeline *pipeline) {
    return (struct loader_pass){
        .list = &faces->list, .pipeline = pipeline, .batch_size = 5, .seed = 11, .epoch = 2};
}

/* One sample made without the loader. */
static inline void by_hand(const struct faces *faces, const struct loader_pass *pass, size_t index,
                           float *out) {
    char path[512];
    struct image image;
    struct random_stream stream;
    snprintf(path, sizeof path, "%s/%s", faces->folder, faces->paths[index]);
    assert_true(picture_read(path, &image, NULL));
    random_open(&stream, pass->seed, RANDOM_AUGMENT, pass->epoch, index);
    assert_true(pipeline_apply(pass->pipeline, 0, &image, &stream, NULL));
    pipeline_normalize(pass->pipeline, &image, out);
    image_free(&image);
}

#define WITH_FACES(test) cmocka_unit_test_setup_teardown(test, faces_make, faces_remove)

#endif
