/* product_kernel: the loops of products of activations and weights.
 *
 * Activations are rows of channels, [channels / block][rows][block], be they pixels of a map or
 * points of tiles; weights are [out_channels / block][in_channels][block]. Each sum is made in the
 * order of its index, whatever rows stand beside it and however large a block is.
 */
#ifndef ASSAY_WORKER_NN_CPU_PRODUCT_KERNEL_H
#define ASSAY_WORKER_NN_CPU_PRODUCT_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

enum { PRODUCT_TAPS = 7 }; /* of a row or column of a kernel */

struct product_kernel {
    /* output = input x weights: `count` rows of all input channels, a pair of blocks of output
     * channels; the sum goes on from what stands there when `add`. From one block of channels to
     * the next are `rows` rows, in input and output, and `apart` floats of weights. */
    void (*product)(size_t in_channels, size_t rows, size_t count, size_t apart, bool add,
                    const float *input, const float *weights, float *output);
    /* The same of a plain picture, whose channels begin `plane` values apart and its rows `line`:
     * `count` pixels of a row of the output by all taps of all channels, which for each pixel begin
     * `stride` values behind those of the pixel before. Weights are Ohwi8o or Ohwi16o. */
    void (*window)(size_t in_channels, size_t stride, size_t line, size_t plane, size_t rows,
                   size_t count, const float *input, const float *weights, float *output);
    /* The weights that take an output's gradient back to a block of input channels,
     * [out_channels][block], whose own first stands at `weights`; `apart` as above. */
    void (*turned)(size_t out_channels, size_t apart, const float *weights, float *turned);
    /* weights = input' x gradient, a block of input channels by a pair of output channels': the sum
     * over `count` rows, added to what stands there when `add`. */
    void (*outer)(size_t in_channels, size_t rows, size_t count, bool add, const float *input,
                  const float *gradient, float *weights);
    /* The same of one channel of a plain picture: `count` pixels of a row of the gradient by a row
     * of taps, as above. Of the weights it takes the row's and the channel's first. */
    void (*taps)(size_t in_channels, size_t stride, size_t rows, size_t count, bool add,
                 const float *input, const float *gradient, float *weights);
};

/* For blocks of so many channels (lanes.h). */
extern const struct product_kernel product_kernel_8, product_kernel_16;

#endif
