/* PNG pictures: what is decoded has as many pixels as it says. */
#include "core/image.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image image = {0};
    struct error error = {0};
    if (png_decode(data, size, "input", &image, &error)) {
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
