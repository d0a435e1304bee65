#include "core/paired.h"

#include "core/random.h"

#include <math.h>
#include <stdlib.h>

enum { CELLS = 8 };

void paired_add(struct paired *paired, int label, int first, int second) {
    paired->cells[label == 1][first == 1][second == 1]++;
}

uint64_t paired_only_first(const struct paired *paired) {
    return paired->cells[0][0][1] + paired->cells[1][1][0];
}

uint64_t paired_only_second(const struct paired *paired) {
    return paired->cells[0][1][0] + paired->cells[1][0][1];
}

double paired_mcnemar(const struct paired *paired) {
    uint64_t first = paired_only_first(paired), second = paired_only_second(paired);
    uint64_t few = first < second ? first : second;
    double count = (double)(first + second), tail = 0;
    for (uint64_t i = 0; i <= few; i++) /* the binomial of one half, by logarithms */
        tail += exp(lgamma(count + 1) - lgamma((double)i + 1) - lgamma(count - (double)i + 1) -
                    count * log(2));
    return fmin(1, 2 * tail);
}

/* The counts that a metric of one of the two is a ratio of. */
static bool ratio_of(const struct paired *paired, enum paired_metric metric, bool second,
                     double *value) {
    uint64_t part = 0, whole = 0;
    for (int label = 0; label < 2; label++)
        for (int own = 0; own < 2; own++) {
            uint64_t count = second ? paired->cells[label][0][own] + paired->cells[label][1][own]
                                    : paired->cells[label][own][0] + paired->cells[label][own][1];
            bool counts = metric == PAIRED_ACCURACY || (metric == PAIRED_PRECISION ? own : label);
            whole += counts ? count : 0;
            part += counts && label == own ? count : 0;
        }
    if (whole == 0)
        return false;
    *value = (double)part / (double)whole;
    return true;
}

bool paired_difference(const struct paired *paired, enum paired_metric metric, double *value) {
    double first, second;
    if (!ratio_of(paired, metric, false, &first) || !ratio_of(paired, metric, true, &second))
        return false;
    *value = second - first;
    return true;
}

/* The same with pictures in one cell that the difference does not tell apart: it is then drawn by
 * fewer, and mostly smaller, counts. */
static struct paired told_apart(const struct paired *paired, enum paired_metric metric) {
    struct paired merged = {0};
    for (int label = 0; label < 2; label++)
        for (int first = 0; first < 2; first++)
            for (int second = 0; second < 2; second++) {
                bool alike = metric == PAIRED_ACCURACY    ? first == second
                             : metric == PAIRED_PRECISION ? first == 0 && second == 0
                                                          : label == 0;
                uint64_t *cell =
                    alike ? &merged.cells[0][0][0] : &merged.cells[label][first][second];
                *cell += paired->cells[label][first][second];
            }
    return merged;
}

/* How pictures are drawn: cell by cell, the small ones first, each as a binomial of those that are
 * left; the last takes the rest. */
struct drawing_order {
    int cells[CELLS];
    double waits[CELLS]; /* log(1 - p) of a picture's chance of this cell and none before it */
    uint32_t pictures;
};

static struct drawing_order order_of(const uint64_t *from, uint32_t pictures) {
    struct drawing_order order = {.pictures = pictures};
    uint64_t left = pictures;
    for (int i = 0; i < CELLS; i++) {
        int at = i;
        for (; at > 0 && from[order.cells[at - 1]] > from[i]; at--)
            order.cells[at] = order.cells[at - 1];
        order.cells[at] = i;
    }
    for (int i = 0; i + 1 < CELLS; i++) {
        uint64_t count = from[order.cells[i]];
        order.waits[i] = log1p(-(double)count / (double)left); /* at most a half: more follow */
        left -= count;
    }
    return order;
}

/* A binomial of `count` by the waiting times between successes, which are geometric (Devroye 1986,
 * "Non-Uniform Random Variate Generation", X.4.3). */
static uint32_t draw_binomial(struct random_stream *stream, uint32_t count, double wait) {
    uint32_t successes = 0;
    if (!(wait < 0))
        return 0;
    for (double at = 0;; successes++) {
        at += floor(log1p(-random_uniform(stream)) / wait) + 1;
        if (at > count)
            return successes;
    }
}

/* As many pictures as there are, drawn with replacement. */
static void resample(const struct drawing_order *order, struct random_stream *stream,
                     struct paired *to) {
    uint64_t *cells = &to->cells[0][0][0];
    uint32_t left = order->pictures;
    for (int i = 0; i + 1 < CELLS; i++) {
        uint32_t drawn = draw_binomial(stream, left, order->waits[i]);
        cells[order->cells[i]] = drawn;
        left -= drawn;
    }
    cells[order->cells[CELLS - 1]] = left;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool paired_bootstrap(const struct paired *paired, enum paired_metric metric, double level,
                      uint64_t seed, struct paired_interval *interval) {
    const struct paired merged = told_apart(paired, metric);
    const uint64_t *cells = &merged.cells[0][0][0];
    uint64_t pictures = 0;
    size_t defined = 0;
    double as_it_is;
    for (int i = 0; i < CELLS; i++)
        pictures += cells[i];
    if (pictures > UINT32_MAX || !paired_difference(paired, metric, &as_it_is))
        return false;
    const struct drawing_order order = order_of(cells, (uint32_t)pictures);
    double *differences = malloc(PAIRED_RESAMPLES * sizeof *differences);
    if (differences == NULL)
        return false;
    for (uint32_t i = 0; i < PAIRED_RESAMPLES; i++) {
        struct random_stream stream;
        struct paired drawn;
        random_open(&stream, seed, RANDOM_BOOTSTRAP, 0, i);
        resample(&order, &stream, &drawn);
        defined += paired_difference(&drawn, metric, &differences[defined]);
    }
    bool enough = 2 * defined > PAIRED_RESAMPLES;
    if (enough) {
        qsort(differences, defined, sizeof *differences, ascending);
        double last = (double)(defined - 1);
        interval->low = differences[(size_t)floor((1 - level) / 2 * last)];
        interval->high = differences[(size_t)ceil((1 + level) / 2 * last)];
    }
    free(differences);
    return enough;
}
