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

/* As many pictures as `from` has, drawn from it with replacement. */
static void resample(const uint64_t *from, uint32_t count, struct random_stream *stream,
                     struct paired *to) {
    uint64_t *cells = &to->cells[0][0][0];
    *to = (struct paired){0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t picture = random_below(stream, count);
        int cell = 0;
        while (picture >= from[cell])
            picture -= from[cell++];
        cells[cell]++;
    }
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool paired_bootstrap(const struct paired *paired, enum paired_metric metric, double level,
                      uint64_t seed, struct paired_interval *interval) {
    const uint64_t *cells = &paired->cells[0][0][0];
    uint64_t pictures = 0;
    size_t defined = 0;
    double as_it_is;
    for (int i = 0; i < CELLS; i++)
        pictures += cells[i];
    if (pictures > UINT32_MAX || !paired_difference(paired, metric, &as_it_is))
        return false;
    double *differences = malloc(PAIRED_RESAMPLES * sizeof *differences);
    if (differences == NULL)
        return false;
    for (uint32_t i = 0; i < PAIRED_RESAMPLES; i++) {
        struct random_stream stream;
        struct paired drawn;
        random_open(&stream, seed, RANDOM_BOOTSTRAP, 0, i);
        resample(cells, (uint32_t)pictures, &stream, &drawn);
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
