/* sweep: takes away what came of files that nobody went on fetching. */
#ifndef ASSAY_WORKER_SWEEP_H
#define ASSAY_WORKER_SWEEP_H

#include <stdint.h>

enum { SWEEP_AFTER_S = 24 * 60 * 60 };
#define SWEEP_FORK "from" /* where what a fork goes on from is fetched to, in its run's folder */

/* Removes the files *.part that nobody has written to for SWEEP_AFTER_S, in the folder and in its
 * folders, and whatever is as old in a folder SWEEP_FORK of those: a fork that has not begun by
 * then, or began before it was killed, fetches it again if it must. What cannot be removed, or
 * read, stays. */
void sweep_parts(const char *dir, int64_t now_s);

/* Removes the folder SWEEP_FORK of the run's folder, in which nothing is being fetched: for a fork
 * that has a checkpoint of its own. What cannot be removed stays. */
void sweep_fork(const char *dir);

#endif
