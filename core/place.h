/* place: where in a JSON tree, as a person writes it: `augmentations[2].p`, and in brackets and
 * quotes the key that is no plain word: `matrix["data.upsample"]["real x2"]`.
 *
 * A place is built in a struct text while walking down: remember `length`, add a step, walk, cut
 * back.
 */
#ifndef ASSAY_CORE_PLACE_H
#define ASSAY_CORE_PLACE_H

#include "core/text.h"

void place_add_key(struct text *place, const char *key);
void place_add_index(struct text *place, size_t index);
/* Takes the steps after the first `length` bytes off again. */
void place_cut(struct text *place, size_t length);

/* What `place` goes on with below `prefix` ("" when they are one, "[2].p", ".lr"), or NULL when it
 * lies elsewhere. */
const char *place_below(const char *place, const char *prefix);

#endif
