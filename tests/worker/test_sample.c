/* What a thread keeps between two samples. */
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
    sample_memory_free(&memory);
    cache_free(source.cache);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_room_for_a_picture_is_no_smaller_than_it_is_taken_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
