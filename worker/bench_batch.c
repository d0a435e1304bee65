#include "worker/bench_batch.h"

#include "core/random.h"

#include <stdlib.h>

static const struct transform normalize = {
    .kind = TRANSFORM_NORMALIZE, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.25F, 0.25F, 0.25F}};

/* Numbers that no loader's batch will have. */
static const uint64_t FIRST_NUMBER = UINT64_C(1) << 62;

static bool make_room(size_t count, size_t values, bool pictures, struct bench_batch *drawn) {
    drawn->labels = calloc(count, sizeof *drawn->labels);
    drawn->samples = calloc(count, sizeof *drawn->samples);
    if (pictures) {
        drawn->pixels = calloc(count, values);
        drawn->pictures = calloc(count, sizeof *drawn->pictures);
    } else {
        drawn->images = calloc(count, values * sizeof *drawn->images);
    }
    return drawn->labels != NULL && drawn->samples != NULL &&
           (pictures ? drawn->pixels != NULL && drawn->pictures != NULL : drawn->images != NULL);
}

bool bench_batch_draw(size_t count, int side, bool pictures, struct bench_batch *drawn,
                      struct error *error) {
    size_t values = 3 * (size_t)side * (size_t)side;
    *drawn = (struct bench_batch){0};
    if (!make_room(count, values, pictures, drawn))
        return error_machine(error, "out of memory for %zu pictures", count);
    for (size_t i = 0; i < count; i++) {
        struct random_stream stream;
        random_open(&stream, 0, RANDOM_AUGMENT, 0, i);
        for (size_t j = i * values; j < (i + 1) * values; j++)
            if (pictures)
                drawn->pixels[j] = (uint8_t)random_below(&stream, 256);
            else
                drawn->images[j] = (float)random_range(&stream, -2, 2);
        if (pictures) {
            drawn->pictures[i].pixels = drawn->pixels + i * values;
            drawn->pictures[i].lasting = true;
            recipe_begin(&drawn->pictures[i].recipe, side, side);
        }
        drawn->labels[i] = (int32_t)random_below(&stream, NETWORK_CLASSES);
        drawn->samples[i] = i;
    }
    drawn->batch = (struct batch){.count = count,
                                  .height = side,
                                  .width = side,
                                  .images = drawn->images,
                                  .labels = drawn->labels,
                                  .samples = drawn->samples,
                                  .pictures = drawn->pictures,
                                  .normalize = &normalize,
                                  .number = FIRST_NUMBER};
    return true;
}

void bench_batch_free(struct bench_batch *drawn) {
    free(drawn->images);
    free(drawn->pixels);
    free(drawn->pictures);
    free(drawn->labels);
    free(drawn->samples);
    *drawn = (struct bench_batch){0};
}
