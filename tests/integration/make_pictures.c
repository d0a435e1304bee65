/* make_pictures DIR COUNT: writes DIR/fake and DIR/real with COUNT PNGs of 32 x 32 each, for the
 * integration tests: noise over a slope that rises in the one class and falls in the other, so that
 * a small network learns it within a few epochs. The same COUNT gives the same bytes. */
#include "core/file.h"
#include "core/image.h"
#include "core/json.h"
#include "core/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, COUNT_MAX = 9999 };

static void paint(struct image *image, bool real, uint64_t number) {
    struct random_stream stream;
    random_open(&stream, real, RANDOM_PORTRAIT, 0, number);
    int tone = (int)random_below(&stream, 60);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int channel = 0; channel < 3; channel++) {
                int slope = real ? x + y : 2 * (SIDE - 1) - x - y;
                int value = tone + slope + (int)random_below(&stream, 120);
                image->pixels[3 * (y * SIDE + x) + channel] = (uint8_t)value;
            }
}

int main(int argc, char **argv) {
    static const char *const folders[] = {"fake", "real"};
    struct error error = {0};
    struct image image = {0};
    char path[4096];
    int count = argc == 3 ? atoi(argv[2]) : 0;
    if (count < 1 || count > COUNT_MAX || strlen(argv[1]) > sizeof path - 64) {
        fprintf(stderr, "usage: make_pictures DIR COUNT\n");
        return 2;
    }
    bool ok = image_new(&image, SIDE, SIDE, &error);
    for (int label = 0; ok && label < 2; label++) {
        snprintf(path, sizeof path, "%s/%s", argv[1], folders[label]);
        ok = folder_make(path, &error);
        for (int i = 0; ok && i < count; i++) {
            paint(&image, label == 1, (uint64_t)i);
            snprintf(path, sizeof path, "%s/%s/%04d.png", argv[1], folders[label], i);
            ok = png_write(path, &image, &error);
        }
    }
    image_free(&image);
    if (!ok)
        fprintf(stderr, "make_pictures: %s\n", error.message);
    return ok ? 0 : 1;
}
