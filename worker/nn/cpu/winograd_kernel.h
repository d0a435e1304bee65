/* winograd_kernel: the loops of a 3x3 convolution by minimal filtering (winograd.h).
 *
 * A tile is 4x4 values of the input, from which come 2x2 of the output; tiles of a map overlap by
 * two. Tiles of a batch are counted picture by picture, row by row. What a tile becomes are its 16
 * points. Points of activations stand as [point][channels / block][tile][block], points of weights
 * as [point][out_channels / block][in_channels][block]: a block of channels is a vector everywhere.
 *
 * Below, d is a tile of the input, w 3x3 weights, g 2x2 of the output's gradient, m and s sums of
 * products, and B' the transpose of B; A, B and G are those of Lavin and Gray.
 */
#ifndef ASSAY_WORKER_NN_CPU_WINOGRAD_KERNEL_H
#define ASSAY_WORKER_NN_CPU_WINOGRAD_KERNEL_H

#include <stddef.h>

enum { WINOGRAD_POINTS = 16 };

/* A run of a batch's tiles, and where their points go. */
struct winograd_tiles {
    size_t height, width; /* of the map */
    size_t channels;
    size_t first, count;
    size_t at;    /* where the first of them stands among the points */
    size_t rows;  /* from one block of channels to the next */
    size_t point; /* floats from one point to the next */
};

typedef void winograd_transform(const struct winograd_tiles *tiles, size_t block, const float *from,
                                float *to);

struct winograd_kernel {
    /* Points of an input's tiles, of one block of channels: B'dB. */
    winograd_transform *input;
    /* Points of an output's gradient: A g A'. */
    winograd_transform *gradient;
    /* An output from its points: A'mA. */
    winograd_transform *output;

    /* Points of weights, OIhw8i8o or OIhw16i16o, of one block of output channels: G w G'. `point`
     * floats lie from one point to the next. */
    void (*weights)(size_t in_channels, size_t point, size_t block, const float *weights,
                    float *points);
    /* The same of the weights that take an output's gradient to the input's: turned by half a turn,
     * inputs and outputs changed over; `block` is one of input channels. */
    void (*weights_turned)(size_t in_channels, size_t out_channels, size_t point, size_t block,
                           const float *weights, float *points);
    /* Gradients of weights from their points: G'sG. */
    void (*weights_gradient)(size_t in_channels, size_t point, size_t block, const float *points,
                             float *gradient);
};

/* For blocks of so many channels (lanes.h). */
extern const struct winograd_kernel winograd_kernel_8, winograd_kernel_16;

#endif
