/* JPEG pictures: what is decoded has as many pixels as it says. */
#include "tests/fuzz/pixels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_pixels(jpeg_decode, data, size);
}
