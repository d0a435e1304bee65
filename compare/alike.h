/* alike: which of many texts are the same. They are sorted once, so thousands that all differ, the
 * values of a key in a sweep, cost little more than thousands that do not.
 */
#ifndef ASSAY_COMPARE_ALIKE_H
#define ASSAY_COMPARE_ALIKE_H

#include <stdbool.h>
#include <stddef.h>

/* The indexes of the texts, those of one text side by side and the lowest first. */
struct alike {
    size_t *order;
    size_t *place; /* of each index: where the indexes of its text begin in order */
    size_t *many;  /* of each index: how many have its text; 0: it has none */
};

/* A text may be NULL: then it has none, and stands in no group. False without memory. alike_free,
 * also on failure. */
bool alike_make(const char *const *texts, size_t count, struct alike *alike);
void alike_free(struct alike *alike);

/* Whether no text before this one is the same; false of one that is NULL. */
bool alike_first(const struct alike *alike, size_t index);

/* The indexes of those that have the text of this one, many[index] of them, itself included. */
const size_t *alike_members(const struct alike *alike, size_t index);

#endif
