/* What a thread keeps between two samples, and what of it comes into them. */
#include "worker/sample.h"

#include "core/png.h"
#include "tests/temporary.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIDE = 256, SMALLER = 224 };

static void black_picture(const char *path) {
    struct image image;
    assert_true(image_new(&image, SIDE, SIDE, NULL));
    memset(image.pixels, 0, 3 * SIDE * SIDE);
    assert_true(png_write(path, &image, NULL));
    image_free(&image);
}

/* Two ops in a row make a picture each, the second a smaller one, maybe where the one before both
 * was: its memory is free by then. (Not so under the address sanitizer, which keeps it a while.) */
static void the_room_for_a_picture_is_no_smaller_than_it_is_taken_for(void **state) {
    struct transform ops[] = {
        {.kind = TRANSFORM_RESIZE, .height = SIDE, .width = SIDE},
        {.kind = TRANSFORM_RANDOM_AFFINE, .degrees = {-20, 20}, .scale = {1, 2}},
        {.kind = TRANSFORM_RESIZE, .height = SMALLER, .width = SMALLER},
        {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}},
    };
    const struct pipeline pipeline = {ops, sizeof ops / sizeof ops[0]};
    struct sample_source source = {.root = *state};
    struct sample_memory memory = {0};
    static float out[3 * SMALLER * SMALLER];
    char *path = temporary_path(state, "black.png");
    black_picture(path);
    sample_keep_heap();
    assert_true(cache_new(1 << 24, &source.cache, NULL));
    sample_source_set(&source, &pipeline, 0, 0);
    for (uint64_t i = 0; i < 8; i++) {
        bool cached;
        assert_true(sample_load(&source, "black.png", i, &memory, out, &cached, NULL));
        assert_true(memory.capacity <= malloc_usable_size(memory.picture.pixels));
    }
    /* the same thread in a pass that draws nothing */
    const struct pipeline fixed = {ops + 2, 2};
    bool cached;
    sample_source_set(&source, &fixed, 0, 0);
    assert_true(sample_load(&source, "black.png", 0, &memory, out, &cached, NULL));
    assert_false(cached);
    assert_true(memory.capacity <= malloc_usable_size(memory.picture.pixels));
    sample_memory_free(&memory);
    cache_free(source.cache);
    free(path);
}

enum { CROP = 8 };

static void coloured(int width, int height, struct image *image) {
    assert_true(image_new(image, width, height, NULL));
    for (int i = 0; i < 3 * width * height; i++)
        image->pixels[i] = (uint8_t)(i * 37 + i / (3 * width) * 11);
}

static void put_picture(void **state, const char *name, int width, int height) {
    struct image image;
    char *path = temporary_path(state, name);
    coloured(width, height, &image);
    assert_true(png_write(path, &image, NULL));
    image_free(&image);
    free(path);
}

/* The picture that put_picture made, as its pipeline alone makes it. */
static void expect(const struct sample_source *source, const char *name, int width, int height,
                   uint64_t index, struct sample_memory *memory, bool from_cache) {
    static float out[3 * CROP * CROP], expected[3 * CROP * CROP];
    struct random_stream stream;
    struct image image;
    bool cached;
    coloured(width, height, &image);
    random_open(&stream, source->seed, RANDOM_AUGMENT, source->epoch, index);
    assert_true(pipeline_apply(source->pipeline, 0, &image, &stream, NULL));
    pipeline_normalize(source->pipeline, &image, expected);
    image_free(&image);
    assert_true(sample_load(source, name, index, memory, out, &cached, NULL));
    assert_int_equal(cached, from_cache);
    assert_memory_equal(out, expected, sizeof out);
}

static void pictures_of_several_sizes_come_from_the_cache_as_from_their_files(void **state) {
    struct transform ops[] = {{.kind = TRANSFORM_RANDOM_CROP, .height = CROP, .width = CROP},
                              {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}}};
    const struct pipeline pipeline = {ops, 2};
    struct sample_source source = {.root = *state};
    struct sample_memory memory = {0};
    put_picture(state, "a.png", 16, 12);
    put_picture(state, "b.png", 9, 33);
    assert_true(cache_new(1 << 20, &source.cache, NULL));
    sample_source_set(&source, &pipeline, 7, 2);
    for (int pass = 0; pass < 3; pass++) {
        expect(&source, "a.png", 16, 12, 0, &memory, pass > 0);
        expect(&source, "b.png", 9, 33, 1, &memory, pass > 0);
    }
    sample_memory_free(&memory);
    cache_free(source.cache);
}

static void of_more_fixed_ops_than_a_key_has_room_for_all_are_done(void **state) {
    enum { FIXED = 24 };
    struct transform ops[FIXED + 2] = {
        [FIXED] = {.kind = TRANSFORM_RANDOM_CROP, .height = CROP, .width = CROP},
        [FIXED + 1] = {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}}};
    const struct pipeline pipeline = {ops, FIXED + 2};
    struct sample_source source = {.root = *state};
    struct sample_memory memory = {0};
    for (int i = 0; i < FIXED; i++)
        ops[i] = (struct transform){.kind = TRANSFORM_RESIZE, .height = 9 + i, .width = 40 - i};
    put_picture(state, "a.png", 16, 12);
    assert_true(cache_new(1 << 20, &source.cache, NULL));
    sample_source_set(&source, &pipeline, 7, 2);
    assert_in_range(source.fixed_count, 1, FIXED - 1);
    for (int pass = 0; pass < 2; pass++)
        expect(&source, "a.png", 16, 12, 0, &memory, pass > 0);
    sample_memory_free(&memory);
    cache_free(source.cache);
}

static void what_a_picture_is_too_small_for_is_said_of_its_file(void **state) {
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = CROP / 2, .width = CROP / 2},
                              {.kind = TRANSFORM_RANDOM_CROP, .height = CROP, .width = CROP},
                              {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}}};
    const struct pipeline pipeline = {ops, 3};
    struct sample_source source = {.root = *state};
    struct sample_memory memory = {0};
    struct picture picture;
    struct image own = {0};
    struct error error = {0};
    char *path = temporary_path(state, "a.png");
    static float out[3 * CROP * CROP];
    bool cached;
    put_picture(state, "a.png", 16, 12);
    assert_true(cache_new(1 << 20, &source.cache, NULL));
    sample_source_set(&source, &pipeline, 0, 0);
    assert_false(sample_load(&source, "a.png", 0, &memory, out, &cached, &error));
    assert_memory_equal(error.message, path, strlen(path));
    assert_false(sample_picture(&source, "a.png", 0, &memory, &picture, &own, &cached, &error));
    assert_memory_equal(error.message, path, strlen(path));
    sample_memory_free(&memory);
    image_free(&own);
    cache_free(source.cache);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_room_for_a_picture_is_no_smaller_than_it_is_taken_for),
        IN_FOLDER(pictures_of_several_sizes_come_from_the_cache_as_from_their_files),
        IN_FOLDER(of_more_fixed_ops_than_a_key_has_room_for_all_are_done),
        IN_FOLDER(what_a_picture_is_too_small_for_is_said_of_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
