#include "core/ticks.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

static const int round_numbers[] = {1, 2, 5};
enum { ROUND_COUNT = 3 };

/* round * 10^exponent without the error of a negative power of ten. */
static double scaled(double number, int exponent) {
    return exponent < 0 ? number / pow(10, -exponent) : number * pow(10, exponent);
}

static bool is_range(double low, double high) {
    return fabs(low) <= ticks_most && fabs(high) <= ticks_most && low <= high;
}

/* A tick's place counted in steps; what is within rounding of a whole number is that. */
static double steps_below(double value, double round, int exponent) {
    double steps = scaled(value, -exponent) / round, nearest = nearbyint(steps);
    return fabs(steps - nearest) < 1e-9 * fmax(1, fabs(nearest)) ? nearest : floor(steps);
}
static double steps_above(double value, double round, int exponent) {
    return -steps_below(-value, round, exponent);
}

static void fill(struct ticks *ticks, double from, double to, double round, int exponent) {
    for (double step = from; step <= to && ticks->count < TICKS_MAX; step++)
        ticks->values[ticks->count++] = scaled(step * round, exponent);
}

struct ticks ticks_around(double low, double high, size_t most) {
    struct ticks ticks = {0};
    assert(most >= 2 && most <= TICKS_MAX);
    if (!is_range(low, high))
        low = 0, high = 1;
    double largest = fmax(fabs(low), fabs(high));
    if (high - low <= 1e-12 * largest || largest < ticks_least) {
        double margin = largest < ticks_least ? 0.5 : largest / 10;
        low -= margin;
        high += margin;
    }
    for (int exponent = (int)floor(log10(high - low)) - 2;; exponent++)
        for (size_t i = 0; i < ROUND_COUNT; i++) {
            double from = steps_below(low, round_numbers[i], exponent);
            double to = steps_above(high, round_numbers[i], exponent);
            if (to - from + 1 > (double)most)
                continue;
            fill(&ticks, from, to, round_numbers[i], exponent);
            ticks.low = ticks.values[0];
            ticks.high = ticks.values[ticks.count - 1];
            return ticks;
        }
}

struct ticks ticks_whole(double low, double high, size_t most) {
    struct ticks ticks = {.low = low, .high = high};
    assert(most >= 2 && most <= TICKS_MAX);
    if (!is_range(low, high))
        ticks.low = 0, ticks.high = 1;
    for (int exponent = 0;; exponent++)
        for (size_t i = 0; i < ROUND_COUNT; i++) {
            double from = steps_above(ticks.low, round_numbers[i], exponent);
            double to = steps_below(ticks.high, round_numbers[i], exponent);
            if (to - from + 1 > (double)most)
                continue;
            fill(&ticks, from, to, round_numbers[i], exponent);
            if (ticks.high <= ticks.low) {
                ticks.low -= 0.5;
                ticks.high += 0.5;
            }
            return ticks;
        }
}

/* Puts a ladder of ticks from at or below `low` to at or above `high` into `ticks`, as far as there
 * is room: 1, 2 and 5 of every decade when `fine`, else every so many decades. Returns how many
 * there are. */
static size_t climb(double low, double high, bool fine, int decades, struct ticks *ticks) {
    size_t count = 0;
    const double slack = 1e-9;
    int exponent = (int)floor(log10(low) + slack);
    exponent -= ((exponent % decades) + decades) % decades;
    *ticks = (struct ticks){0};
    for (;; exponent += decades)
        for (size_t i = 0; i < (fine ? ROUND_COUNT : 1); i++) {
            double value = scaled(round_numbers[i], exponent);
            if (value <= low * (1 + slack)) /* nearer to `low` than what was there */
                count = ticks->count = 0;
            count++;
            if (ticks->count < TICKS_MAX)
                ticks->values[ticks->count++] = value;
            if (value >= high * (1 - slack) && count > 1)
                return count;
        }
}

struct ticks ticks_log(double low, double high, size_t most) {
    struct ticks ticks;
    assert(most >= 2 && most <= TICKS_MAX);
    if (!is_range(low, high) || low < ticks_least)
        low = 0.1, high = 1;
    if (high <= low * (1 + 1e-12)) { /* so that a single value does not lie on the edge */
        low /= 2;
        high *= 2;
    }
    if (climb(low, high, true, 1, &ticks) > most)
        for (int decades = 1; climb(low, high, false, decades, &ticks) > most;)
            decades++;
    ticks.uneven = true;
    ticks.low = ticks.values[0];
    ticks.high = ticks.values[ticks.count - 1];
    return ticks;
}

/* How far apart the ticks are. */
static double step_of(const struct ticks *ticks) {
    return ticks->count > 1 ? ticks->values[1] - ticks->values[0] : 1;
}

const char *ticks_label(const struct ticks *ticks, size_t index, char label[TICKS_LABEL]) {
    double value = fabs(ticks->values[index]) > 0 ? ticks->values[index] : 0.0; /* no -0 */
    double largest = 0, step = step_of(ticks);
    int decimals = 0;
    for (size_t i = 0; i < ticks->count; i++)
        largest = fmax(largest, fabs(ticks->values[i]));
    for (size_t i = 0; i < ticks->count; i++)
        while (decimals < 12) {
            double power = pow(10, decimals), shifted = ticks->values[i] * power;
            if (fabs(shifted - nearbyint(shifted)) < 1e-3 * step * power)
                break;
            decimals++;
        }
    if (ticks->uneven) {
        snprintf(label, TICKS_LABEL, "%g", value);
    } else if (decimals > 4 || largest >= 1e6) {
        int digits = 1 + (int)floor(log10(largest)) - (int)floor(log10(step) + 1e-9);
        snprintf(label, TICKS_LABEL, "%.*g", digits < 6 ? 6 : digits, value);
    } else {
        snprintf(label, TICKS_LABEL, "%.*f", decimals, value);
    }
    return label;
}
