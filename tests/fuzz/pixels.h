/* pixels: a picture's reader under the fuzzer. */
#ifndef ASSAY_TESTS_FUZZ_PIXELS_H
#define ASSAY_TESTS_FUZZ_PIXELS_H

#include "core/image.h"
#include "tests/fuzz/fuzz.h"

typedef bool fuzz_reader(const uint8_t *data, size_t length, const char *name, struct image *image,
                         struct error *error);

/* What is read has as many pixels as it says; what is not has a reason and no pixels. */
static inline int fuzz_pixels(fuzz_reader *read, const uint8_t *data, size_t size) {
    struct image image = {0};
    struct error error = {0};
    if (read(data, size, "input", &image, &error)) {
        size_t bytes = 3 * (size_t)image.width * (size_t)image.height;
        volatile unsigned sum = 0;
        FUZZ_HOLDS(image.width > 0 && image.height > 0);
        for (size_t i = 0; i < bytes; i += 97)
            sum += image.pixels[i];
        sum += image.pixels[bytes - 1];
        (void)sum;
        image_free(&image);
    } else {
        FUZZ_HOLDS(image.pixels == NULL && error.code != ERROR_NONE);
    }
    return 0;
}

#endif
