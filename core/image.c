#include "core/image.h"

#include <stdlib.h>
#include <string.h>

bool image_new(struct image *image, int width, int height, struct error *error) {
    *image = (struct image){0};
    if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
        return error_set(error, ERROR_INPUT,
                         "a picture of %d x %d pixels; sides must be between 1 and %d", width,
                         height, IMAGE_SIDE_MAX);
    size_t bytes = 3 * (size_t)width * (size_t)height;
    image->pixels = malloc(bytes);
    if (image->pixels == NULL)
        return error_set(error, ERROR_FAILED, "no memory for a picture of %d x %d pixels", width,
                         height);
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
