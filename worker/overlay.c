#include "worker/overlay.h"

#include "core/heat.h"
#include "worker/nn/cam.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file's name has 255 bytes: a number, this, ".png", and ".tmp" while it is written. */
enum { NAME_LONGEST = 220 };

static const double GREY = 0.5;    /* how much of its colour the picture loses */
static const double OPACITY = 0.7; /* where the map is largest */

/* One part of the colour of a value from 0 to 1. */
static double heat_at(double value, size_t part) {
    double place = value * (HEAT_STOPS - 1);
    size_t stop = place < HEAT_STOPS - 2 ? (size_t)place : HEAT_STOPS - 2;
    double along = place - (double)stop;
    return (1 - along) * heat_stops[stop][part] + along * heat_stops[stop + 1][part];
}

static void blend(uint8_t *pixel, double value) {
    double opacity = OPACITY * value;
    double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    for (size_t part = 0; part < 3; part++) {
        double faded = (1 - GREY) * pixel[part] + GREY * grey;
        pixel[part] = (uint8_t)lround((1 - opacity) * faded + opacity * heat_at(value, part));
    }
}

bool overlay_draw(const struct looking *looking, struct image *image, struct error *error) {
    const struct image *seen = looking->seen;
    size_t pixels = (size_t)seen->width * (size_t)seen->height;
    size_t count = (size_t)looking->height * (size_t)looking->width;
    float *values = calloc(pixels, sizeof *values), largest = 0;
    if (values == NULL)
        return error_machine(error, "out of memory for a picture");
    for (size_t i = 0; i < count; i++)
        largest = fmaxf(largest, looking->map[i]);
    cam_enlarge(looking->map, looking->height, looking->width, values, seen->height, seen->width);
    bool good = image_copy(seen, image, error);
    for (size_t i = 0; good && i < pixels; i++)
        blend(image->pixels + 3 * i, largest > 0 ? (double)(values[i] / largest) : 0);
    free(values);
    return good;
}

/* The length of what fits into `most` bytes of the longer UTF-8 text, in whole characters. */
static int characters_until(const char *text, int most) {
    int length = most;
    while (length > most - 4 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    return length;
}

bool overlay_write(const struct looking *looking, const char *folder, size_t number,
                   const char *picture, char **path, struct error *error) {
    const char *slash = strrchr(picture, '/'), *name = slash != NULL ? slash + 1 : picture;
    const char *dot = strrchr(name, '.');
    int length = (int)(dot != NULL && dot > name ? dot - name : (ptrdiff_t)strlen(name));
    if (length > NAME_LONGEST)
        length = characters_until(name, NAME_LONGEST);
    const char *between = folder[0] != '\0' && folder[strlen(folder) - 1] == '/' ? "" : "/";
    struct image image = {0};
    if (asprintf(path, "%s%s%04zu-%.*s.png", folder, between, number, length, name) < 0) {
        *path = NULL;
        return error_machine(error, "out of memory for a name");
    }
    bool good = overlay_draw(looking, &image, error) && png_write(*path, &image, error);
    image_free(&image);
    return good;
}
