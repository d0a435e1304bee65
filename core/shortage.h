/* shortage: memory that was refused where nobody can be told of it.
 *
 * cJSON leaves out of a tree what it has no memory for, and so does a table with its cells: whoever
 * goes on with them takes a part for the whole. So it is noted here, and asked for where it counts:
 * json_text and experiment_from_json fail for a tree with a gap, and a program that was to print
 * something does not end with 0 (standard_finish).
 */
#ifndef ASSAY_CORE_SHORTAGE_H
#define ASSAY_CORE_SHORTAGE_H

#include <stdbool.h>

/* Something that is to be printed lacks a part. */
void shortage_note(void);
/* Whether that was so, or a tree has a gap, at any time in this process. */
bool shortage_ever(void);

/* Whether a tree that this thread made has a gap, since this thread last asked or forgave. Such a
 * tree is asked for in the thread that made it, before another one takes it. */
bool shortage_in_trees(void);
/* Takes back what was noted since shortage_count said `count`, for who reports it in another way.
 */
unsigned shortage_count(void);
void shortage_forgive(unsigned count);

#endif
