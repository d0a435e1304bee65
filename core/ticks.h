/* ticks: the round numbers beside an axis: 1, 2 or 5 times a power of ten, as few as are useful.
 */
#ifndef ASSAY_CORE_TICKS_H
#define ASSAY_CORE_TICKS_H

#include <stdbool.h>
#include <stddef.h>

enum { TICKS_MAX = 16, TICKS_LABEL = 32 };

/* Beyond these a power of ten is none that a double holds: what is nearer to 0 counts as 0, what is
 * further from it as not finite. */
static const double ticks_least = 1e-300, ticks_most = 1e300;

struct ticks {
    double values[TICKS_MAX]; /* rising */
    size_t count;
    double low, high; /* what the axis covers */
    bool uneven;      /* logarithmic */
};

/* At most `most` (2 to TICKS_MAX) numbers around low to high, whose axis begins and ends with one.
 * A range of nothing is widened; one that is not finite counts as 0 to 1. */
struct ticks ticks_around(double low, double high, size_t most);

/* At most `most` whole numbers within low to high, for an axis that covers just that (and half a
 * unit on both sides where they are the same): epochs. */
struct ticks ticks_whole(double low, double high, size_t most);

/* For a logarithmic axis: 1, 2 and 5 times powers of ten around low to high, or powers of ten alone
 * where those are too many. Both are positive, else they count as 0.1 to 1. */
struct ticks ticks_log(double low, double high, size_t most);

/* "0.25", "200", "1e-05": as short as tells the ticks apart. */
const char *ticks_label(const struct ticks *ticks, size_t index, char label[TICKS_LABEL]);

#endif
