#include "core/roc.h"

#include <math.h>
#include <stdlib.h>

enum { PICTURES_MAX = INT32_MAX }; /* so that products of two counts fit 64 bits */

/* By probability from the highest down. */
static int compare(const void *left, const void *right) {
    const struct score *a = left, *b = right;
    return (a->probability < b->probability) - (a->probability > b->probability);
}

static bool check(const struct score *scores, size_t count, struct error *error) {
    if (count > PICTURES_MAX)
        return error_set(error, ERROR_INPUT, "%zu pictures are more than an evaluation takes",
                         count);
    for (size_t i = 0; i < count; i++)
        if (!(scores[i].probability >= 0 && scores[i].probability <= 1))
            return error_set(error, ERROR_INPUT,
                             "picture %zu: the probability %g is not from 0 to 1", i,
                             scores[i].probability);
    return true;
}

bool roc_make(const struct score *scores, size_t count, struct roc *roc, struct error *error) {
    *roc = (struct roc){0};
    if (!check(scores, count, error))
        return false;
    struct score *sorted = calloc(count + 1, sizeof *sorted);
    roc->points = calloc(count + 1, sizeof *roc->points);
    if (sorted == NULL || roc->points == NULL) {
        free(sorted);
        roc_free(roc);
        return error_machine(error, "no memory for the scores of %zu pictures", count);
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = scores[i];
    qsort(sorted, count, sizeof *sorted, compare);
    roc->points[roc->count++].probability = INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (roc->points[roc->count - 1].probability > sorted[i].probability)
            roc->points[roc->count++].probability = sorted[i].probability;
        *(sorted[i].label == 1 ? &roc->positive : &roc->negative) += 1;
        roc->points[roc->count - 1].true_positive = roc->positive;
        roc->points[roc->count - 1].false_positive = roc->negative;
    }
    free(sorted);
    return true;
}

void roc_free(struct roc *roc) {
    free(roc->points);
    *roc = (struct roc){0};
}

static bool both_labels(const struct roc *roc) {
    return roc->positive > 0 && roc->negative > 0;
}

bool roc_auc(const struct roc *roc, double *value) {
    uint64_t twice = 0; /* the area, in pairs of a real and a fake picture */
    if (!both_labels(roc))
        return false;
    for (size_t i = 1; i < roc->count; i++) {
        const struct roc_point *point = &roc->points[i], *before = point - 1;
        twice += (point->false_positive - before->false_positive) *
                 (point->true_positive + before->true_positive);
    }
    *value = (double)twice / (2 * (double)roc->positive * (double)roc->negative);
    return true;
}

bool roc_average_precision(const struct roc *roc, double *value) {
    double sum = 0;
    if (!both_labels(roc))
        return false;
    for (size_t i = 1; i < roc->count; i++) {
        const struct roc_point *point = &roc->points[i], *before = point - 1;
        sum += (double)(point->true_positive - before->true_positive) *
               (double)point->true_positive /
               (double)(point->true_positive + point->false_positive);
    }
    *value = sum / (double)roc->positive;
    return true;
}

/* The part of the fakes called real less the part of the real ones called fake, in pairs: from
 * -pairs at the first point to pairs at the last, and larger at every point than before it. */
static int64_t imbalance(const struct roc *roc, const struct roc_point *point) {
    return (int64_t)(point->false_positive * roc->positive) -
           (int64_t)((roc->positive - point->true_positive) * roc->negative);
}

bool roc_equal_error_rate(const struct roc *roc, double *value) {
    size_t i = 1;
    if (!both_labels(roc))
        return false;
    while (imbalance(roc, &roc->points[i]) < 0)
        i++;
    const struct roc_point *point = &roc->points[i], *before = point - 1;
    double below = -(double)imbalance(roc, before), above = (double)imbalance(roc, point);
    double part = below / (below + above);
    double added = (double)(point->false_positive - before->false_positive);
    *value = ((double)before->false_positive + part * added) / (double)roc->negative;
    return true;
}

/* Youden's J in pairs. */
static int64_t youden(const struct roc *roc, const struct roc_point *point) {
    return (int64_t)(point->true_positive * roc->negative) -
           (int64_t)(point->false_positive * roc->positive);
}

/* A threshold below `point` and not below the one after it. */
static double between(const struct roc_point *point) {
    double middle = (point->probability + point[1].probability) / 2;
    return middle < point->probability ? middle : point[1].probability;
}

bool roc_threshold(const struct roc *roc, double *value) {
    if (!both_labels(roc))
        return false;
    size_t at_half = 0;
    while (at_half + 1 < roc->count && roc->points[at_half + 1].probability > 0.5)
        at_half++;
    int64_t best = youden(roc, &roc->points[at_half]);
    double threshold = 0.5;
    for (size_t i = 1; i + 1 < roc->count; i++) {
        int64_t here = youden(roc, &roc->points[i]);
        double candidate = between(&roc->points[i]);
        double nearer = fabs(threshold - 0.5) - fabs(candidate - 0.5);
        if (here > best || (here == best && nearer >= 0)) { /* they come from the largest down */
            best = here;
            threshold = candidate;
        }
    }
    *value = threshold;
    return true;
}
