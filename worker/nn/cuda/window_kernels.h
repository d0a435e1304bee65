/* window_kernels: a convolution's windows laid down as rows, one for each pixel of its output: then
 * it is a product of matrices. For the input, whose three channels are too few for the engines that
 * convolve.
 *
 * A row is what stands under the window, line by line, pixel by pixel, channel by channel, with
 * zeros where the window leaves the picture, and zeros at its end up to a whole pack. Packs are put
 * together as they are stored: each line of the window gives a run of values that stand together in
 * the picture too, beginning anywhere between its packs.
 */
#ifndef ASSAY_WORKER_NN_CUDA_WINDOW_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_WINDOW_KERNELS_H

#include "worker/nn/cuda/element.h"

/* Values of a row, for a window of so many pixels. */
PORTABLE unsigned window_row(enum element element, unsigned pixels, unsigned channels) {
    unsigned width = pack_width(element);
    return (pixels * channels + width - 1) / width * width;
}

/* How many pictures a thread takes: where its values stand is found once for all. */
enum { WINDOW_PICTURES = 4 };

/* Thread: a pack of the row of one pixel, in each of WINDOW_PICTURES pictures; window_threads.
 * from: NHWC, unpadded, readable up to a whole pack. to: count x to_height x to_width rows. */
struct window_rows {
    enum element element;
    unsigned count, height, width, channels, to_height, to_width, kernel, stride, padding;
    const void *from;
    void *to;
};

PORTABLE unsigned window_packs(const struct window_rows *a, enum element element) {
    return window_row(element, a->kernel * a->kernel, a->channels) / pack_width(element);
}

PORTABLE size_t window_threads(const struct window_rows *a) {
    size_t groups = (a->count + WINDOW_PICTURES - 1) / WINDOW_PICTURES;
    return groups * a->to_height * a->to_width * window_packs(a, a->element);
}

/* What a pack takes from one line: its values `from` up to `until`, which are none where that is
 * not more. */
struct window_part {
    int from, until;
    ptrdiff_t at; /* where in the first picture the pack's first value would stand */
};

/* Of pack `pack` of the row at (row, column), the part of the window's line `line`. */
PORTABLE struct window_part window_part_of(const struct window_rows *a, enum element element,
                                           unsigned row, unsigned column, unsigned pack,
                                           unsigned line) {
    int width = (int)pack_width(element);
    int run = (int)(a->kernel * a->channels), length = (int)(a->width * a->channels);
    int in_run = (int)pack * width - (int)line * run; /* of the pack's first value */
    int in_line = ((int)(column * a->stride) - (int)a->padding) * (int)a->channels + in_run;
    int y = (int)(row * a->stride + line) - (int)a->padding;
    int from = in_run < in_line ? -in_run : -in_line;
    int until = run - in_run < length - in_line ? run - in_run : length - in_line;
    struct window_part part;
    part.from = from > 0 ? from : 0;
    part.until = y < 0 || y >= (int)a->height ? 0 : until < width ? until : width;
    part.at = (ptrdiff_t)y * length + in_line;
    return part;
}

/* Ones in the values of the part. */
PORTABLE struct pack_bits window_mask(enum element element, const struct window_part *part) {
    struct pack_bits mask;
    UNROLL
    for (int i = 0; i < 4; i++) {
        int lower = element == ELEMENT_BF16 ? 2 * i : i;
        int upper = element == ELEMENT_BF16 ? 2 * i + 1 : i;
        mask.v[i] = (lower >= part->from && lower < part->until ? 0xffff : 0) |
                    (upper >= part->from && upper < part->until ? 0xffff0000 : 0);
    }
    return mask;
}

/* The pack that begins `shift` values into `low` and goes on in `high`. */
PORTABLE struct pack_bits window_join(enum element element, struct pack_bits low,
                                      struct pack_bits high, unsigned shift) {
    unsigned halves = element == ELEMENT_BF16 ? shift : 2 * shift;
    struct pack_bits joined;
    uint32_t words[8];
    UNROLL
    for (int i = 0; i < 4; i++) {
        words[i] = low.v[i];
        words[4 + i] = high.v[i];
    }
    UNROLL
    for (int i = 0; i < 6; i++)
        words[i] = (halves & 4) != 0 ? words[i + 2] : words[i];
    UNROLL
    for (int i = 0; i < 5; i++)
        words[i] = (halves & 2) != 0 ? words[i + 1] : words[i];
    UNROLL
    for (int i = 0; i < 4; i++)
        joined.v[i] = (halves & 1) != 0 ? words[i] >> 16 | words[i + 1] << 16 : words[i];
    return joined;
}

/* Adds the part to the packs of pictures `first` up to a->count. All is asked for before any of it
 * is used. */
PORTABLE void window_take(const struct window_rows *a, enum element element,
                          const struct window_part *part, unsigned first,
                          struct pack_bits packs[WINDOW_PICTURES]) {
    int width = (int)pack_width(element);
    ptrdiff_t picture = (ptrdiff_t)a->height * a->width * a->channels;
    ptrdiff_t begin = first * picture + part->at;
    struct pack_bits mask = window_mask(element, part);
    struct pack_bits low[WINDOW_PICTURES] = {{{0}}}, high[WINDOW_PICTURES] = {{{0}}};
    UNROLL
    for (unsigned i = 0; i < WINDOW_PICTURES; i++) {
        int shift = (int)(begin + i * picture) & (width - 1);
        ptrdiff_t pack = (begin + i * picture - shift) / width;
        if (first + i < a->count && part->from + shift < width)
            low[i] = pack_fetch(a->from, (size_t)pack);
        if (first + i < a->count && part->until + shift > width)
            high[i] = pack_fetch(a->from, (size_t)(pack + 1));
    }
    UNROLL
    for (unsigned i = 0; i < WINDOW_PICTURES; i++) {
        int shift = (int)(begin + i * picture) & (width - 1);
        struct pack_bits taken = window_join(element, low[i], high[i], (unsigned)shift);
        UNROLL
        for (int word = 0; word < 4; word++)
            packs[i].v[word] |= taken.v[word] & mask.v[word];
    }
}

PORTABLE void window_rows_as(const struct window_rows *a, enum element element, size_t thread) {
    unsigned width = pack_width(element), row_packs = window_packs(a, element);
    unsigned pack = (unsigned)thread % row_packs, place = (unsigned)thread / row_packs;
    unsigned pixels = a->to_height * a->to_width, run = a->kernel * a->channels;
    unsigned pixel = place % pixels, first = place / pixels * WINDOW_PICTURES;
    unsigned row = pixel / a->to_width, column = pixel % a->to_width;
    struct pack_bits packs[WINDOW_PICTURES] = {{{0}}};
    for (unsigned line = pack * width / run; line < a->kernel && line * run < (pack + 1) * width;
         line++) {
        struct window_part part = window_part_of(a, element, row, column, pack, line);
        if (part.from < part.until)
            window_take(a, element, &part, first, packs);
    }
    UNROLL
    for (unsigned i = 0; i < WINDOW_PICTURES; i++)
        if (first + i < a->count)
            pack_put(a->to, ((size_t)(first + i) * pixels + pixel) * row_packs + pack, packs[i]);
}

PORTABLE void window_rows(const struct window_rows *a, size_t thread) {
    if (a->element == ELEMENT_BF16)
        window_rows_as(a, ELEMENT_BF16, thread);
    else
        window_rows_as(a, ELEMENT_F32, thread);
}

#endif
