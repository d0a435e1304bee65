/* PNG pictures: what is decoded has as many pixels as it says, and the fast way takes nothing that
 * libpng would not read the same. */
#include "core/png.h"
#include "tests/fuzz/fuzz.h"
#include "tests/png_chunks.h"

#include <string.h>

static void decode(const uint8_t *data, size_t size) {
    struct image image = {0}, slow = {0};
    struct error error = {0};
    if (png_decode(data, size, "input", &image, &error)) {
        size_t bytes = 3 * (size_t)image.width * (size_t)image.height;
        FUZZ_HOLDS(image.width > 0 && image.height > 0);
        FUZZ_HOLDS(png_decode_libpng(data, size, "input", &slow, &error));
        FUZZ_HOLDS(image.width == slow.width && image.height == slow.height);
        FUZZ_HOLDS(memcmp(image.pixels, slow.pixels, bytes) == 0);
        image_free(&image);
        image_free(&slow);
    } else {
        FUZZ_HOLDS(image.pixels == NULL && error.code != ERROR_NONE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    decode(data, size);
    uint8_t *repaired = malloc(size + 1); /* behind the CRCs, where chance would not come */
    FUZZ_HOLDS(repaired != NULL);
    memcpy(repaired, data, size);
    png_repair(repaired, size);
    decode(repaired, size);
    free(repaired);
    return 0;
}
