/* canvas: float RGB pictures, as forgeries and cameras need them between drawing and 8 bits. */
#ifndef ASSAY_CLI_CANVAS_H
#define ASSAY_CLI_CANVAS_H

#include "cli/colour.h"
#include "core/image.h"
#include "core/random.h"

/* Display values, 0 black to 1 white, row by row. */
struct canvas {
    struct colour *pixels;
    int width, height;
};

/* Takes memory for a black canvas. */
bool canvas_new(struct canvas *canvas, int width, int height, struct error *error);
void canvas_free(struct canvas *canvas); /* a zeroed canvas may be freed */
bool canvas_copy(const struct canvas *from, struct canvas *to, struct error *error);

static inline struct colour *canvas_at(const struct canvas *canvas, int x, int y) {
    return canvas->pixels + (size_t)y * (size_t)canvas->width + (size_t)x;
}

/* The colour at a place between pixels (pixel centres at whole numbers), bilinear, edges repeated.
 */
struct colour canvas_sample(const struct canvas *canvas, float x, float y);

/* Gaussian blur; sigma in pixels, at most 8. */
bool canvas_blur(struct canvas *canvas, float sigma, struct error *error);

/* Adds a sensor's grain: normal noise of deviation `sigma`, mostly grey, with neighbours a little
 * alike. */
bool canvas_grain(struct canvas *canvas, float sigma, struct random_stream *stream,
                  struct error *error);

/* Linear light to display values (gamma 2.2). */
void canvas_encode(struct canvas *canvas);

/* Rounds to 8 bits. */
bool canvas_to_image(const struct canvas *canvas, struct image *image, struct error *error);

#endif
