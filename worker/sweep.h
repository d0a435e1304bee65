/* sweep: takes away what came of files that nobody went on fetching. */
#ifndef ASSAY_WORKER_SWEEP_H
#define ASSAY_WORKER_SWEEP_H

#include <stdint.h>

enum { SWEEP_AFTER_S = 24 * 60 * 60 };

/* Removes the files *.part in the folder and in its folders (not below those) that nobody has
 * written to for SWEEP_AFTER_S. What cannot be removed, or read, stays. */
void sweep_parts(const char *dir, int64_t now_s);

#endif
