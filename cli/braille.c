#include "cli/braille.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool braille_new(struct braille *braille, size_t columns, size_t rows) {
    *braille = (struct braille){.columns = columns,
                                .rows = rows,
                                .dots = calloc(columns * rows + 1, 1),
                                .curves = calloc(columns * rows + 1, 1)};
    if (braille->dots != NULL && braille->curves != NULL)
        return true;
    braille_free(braille);
    return false;
}

void braille_free(struct braille *braille) {
    free(braille->dots);
    free(braille->curves);
    *braille = (struct braille){0};
}

/* Dot (x, y) from the left and from the top. */
static void set_dot(struct braille *braille, long x, long y, uint8_t curve) {
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= 2 * (long)braille->columns || y >= 4 * (long)braille->rows)
        return;
    size_t cell = (size_t)(y / 4) * braille->columns + (size_t)(x / 2);
    braille->dots[cell] |= bits[y % 4][x % 2];
    braille->curves[cell] = curve;
}

/* A line between two dots, a dot for each step of its longer side. */
static void draw_line(struct braille *braille, const double from[2], const double to[2],
                      uint8_t curve) {
    double across = to[0] - from[0], down = to[1] - from[1];
    long steps = lround(fmax(1, ceil(fmax(fabs(across), fabs(down)))));
    for (long i = 0; i <= steps; i++) {
        double part = (double)i / (double)steps;
        set_dot(braille, lround(from[0] + across * part), lround(from[1] + down * part), curve);
    }
}

static double dot_column(const struct braille *braille, size_t index, size_t whole) {
    double last = 2 * (double)braille->columns - 1;
    return whole > 1 ? (double)index * last / (double)(whole - 1) : 0;
}

size_t braille_column(const struct braille *braille, size_t index, size_t whole) {
    return (size_t)lround(dot_column(braille, index, whole)) / 2;
}

void braille_curve(struct braille *braille, const double *values, size_t count, size_t whole,
                   double low, double high, uint8_t curve) {
    double before[2] = {0}, bottom = 4 * (double)braille->rows - 1;
    bool joined = false;
    for (size_t i = 0; i < count; i++) {
        bool there = isfinite(values[i]) && values[i] >= low && values[i] <= high;
        double part = high > low ? (values[i] - low) / (high - low) : 0.5;
        double here[2] = {dot_column(braille, i, whole), bottom * (1 - part)};
        if (there)
            draw_line(braille, joined ? before : here, here, curve);
        memcpy(before, here, sizeof before);
        joined = there;
    }
}

void braille_cell(const struct braille *braille, size_t column, size_t row,
                  char text[BRAILLE_CELL]) {
    unsigned dots = braille->dots[row * braille->columns + column];
    if (dots == 0) {
        memcpy(text, " ", sizeof " ");
        return;
    }
    unsigned code = 0x2800 + dots;
    text[0] = (char)(0xE0 | code >> 12);
    text[1] = (char)(0x80 | (code >> 6 & 0x3F));
    text[2] = (char)(0x80 | (code & 0x3F));
    text[3] = '\0';
}
