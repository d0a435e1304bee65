#include "core/image.h"

#include <stdlib.h>
#include <string.h>

/* Pillow's limit against decompression bombs (twice Image.MAX_IMAGE_PIXELS). */
static const uint64_t pixels_max = 2 * 89478485ULL;

bool image_check_claim(uint64_t width, uint64_t height, struct error *error) {
    if (width <= IMAGE_SIDE_MAX && height <= IMAGE_SIDE_MAX && width * height <= pixels_max)
        return true;
    return error_set(error, ERROR_INPUT,
                     "a picture of %llu x %llu pixels is too large (at most %d a side and %llu in "
                     "all); make it smaller",
                     (unsigned long long)width, (unsigned long long)height, IMAGE_SIDE_MAX,
                     (unsigned long long)pixels_max);
}

bool image_new(struct image *image, int width, int height, struct error *error) {
    *image = (struct image){0};
    if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
        return error_set(error, ERROR_INPUT,
                         "a picture of %d x %d pixels; sides must be between 1 and %d", width,
                         height, IMAGE_SIDE_MAX);
    size_t bytes = 3 * (size_t)width * (size_t)height;
    image->pixels = malloc(bytes);
    if (image->pixels == NULL)
        return error_machine(error, "no memory for a picture of %d x %d pixels", width, height);
    image->width = width;
    image->height = height;
    return true;
}

void image_free(struct image *image) {
    free(image->pixels);
    *image = (struct image){0};
}

bool image_copy(const struct image *from, struct image *to, struct error *error) {
    if (!image_new(to, from->width, from->height, error))
        return false;
    memcpy(to->pixels, from->pixels, 3 * (size_t)from->width * (size_t)from->height);
    return true;
}
