/* shortage: memory that was refused where nobody can be told of it.
 *
 * cJSON leaves out of a tree what it has no memory for, and a table its cells: who goes on with
 * those takes half for whole. So it is noted here, and asked where it counts: json_text and
 * experiment_from_json have no text and no experiment of a tree with a gap, and a program that was
 * to print something does not end with 0 (standard_finish).
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
/* Takes back what came since shortage_count said `count`: its caller is told otherwise. */
unsigned shortage_count(void);
void shortage_forgive(unsigned count);

#endif
