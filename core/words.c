#include "core/words.h"

#include <string.h>

enum { WORD_MAX = 64 }; /* longer words are near to nothing */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
 * F. J. Damerau, "A technique for computer detection and correction of spelling errors", 1964. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(above[j] + 1, row[j - 1] + 1);
            row[j] = least(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count) {
    size_t length = strlen(word), best = WORD_MAX + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < count && length <= WORD_MAX; i++) {
        size_t other = strlen(candidates[i]);
        if (other > WORD_MAX)
            continue;
        size_t changes = distance(word, length, candidates[i], other);
        if (3 * changes <= (length > other ? length : other) && changes < best) {
            best = changes;
            nearest = candidates[i];
        }
    }
    return nearest;
}
