/* sweep: takes away what came of files that nobody went on fetching. */
#ifndef ASSAY_WORKER_SWEEP_H
#define ASSAY_WORKER_SWEEP_H

#include <stdint.h>

enum { SWEEP_AFTER_S = 24 * 60 * 60 };
#define SWEEP_FORK "from" /* where what a fork goes on from is fetched to, in its run's folder */

/* Removes the files *.part that nobody has written to for SWEEP_AFTER_S: in the folder, in its
 * folders, and in a folder SWEEP_FORK of those, not elsewhere below. What cannot be removed, or
 * read, stays. */
void sweep_parts(const char *dir, int64_t now_s);

#endif
