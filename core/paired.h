/* paired: whether two checkpoints that answered for the same pictures differ by more than chance.
 *
 * Two answers to one picture are no two samples: most pictures are easy for both. So the tests here
 * look at the pictures one by one: McNemar's test at those that exactly one of the two gets right
 * (McNemar 1947, in its exact binomial form), and the bootstrap draws whole pictures, with both
 * answers (Efron 1979; the interval is that of the percentiles).
 */
#ifndef ASSAY_CORE_PAIRED_H
#define ASSAY_CORE_PAIRED_H

#include <stdbool.h>
#include <stdint.h>

/* How many pictures have this label and got these answers (0 or 1 each). Zero-initialise. */
struct paired {
    uint64_t cells[2][2][2]; /* [label][first's answer][second's answer] */
};

void paired_add(struct paired *paired, int label, int first, int second);

/* Pictures that the first alone, and the second alone, gets right. */
uint64_t paired_only_first(const struct paired *paired);
uint64_t paired_only_second(const struct paired *paired);

/* McNemar's exact two-sided p: how likely counts at least as uneven as those two are when both
 * checkpoints are as good. 1 when there is no such picture. */
double paired_mcnemar(const struct paired *paired);

/* Positive is label 1, as in core/metrics.h. */
enum paired_metric { PAIRED_ACCURACY, PAIRED_PRECISION, PAIRED_RECALL };

/* The second's metric less the first's; false when it is undefined for one of them. */
bool paired_difference(const struct paired *paired, enum paired_metric metric, double *value);

struct paired_interval {
    double low, high;
};

enum { PAIRED_RESAMPLES = 10000 };

/* The interval that holds the middle `level` (0.95) of the difference over PAIRED_RESAMPLES sets of
 * as many pictures drawn with replacement; the same seed gives the same interval. Sets in which the
 * difference is undefined do not count; false when it is undefined in the set as it is, in more
 * than half of those drawn, or without memory. */
bool paired_bootstrap(const struct paired *paired, enum paired_metric metric, double level,
                      uint64_t seed, struct paired_interval *interval);

#endif
