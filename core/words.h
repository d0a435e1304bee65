/* words: what a person probably meant to write. */
#ifndef ASSAY_CORE_WORDS_H
#define ASSAY_CORE_WORDS_H

#include <stddef.h>

/* The candidate with the least Damerau-Levenshtein distance to `word`, or NULL when none is near
 * (more than a third of the longer word differs). Of two as near, the first. */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
