/* team: how many threads loops and oneDNN run on.
 *
 * A kernel of oneDNN is compiled for a number of threads. On fewer it leaves out what the others
 * would have done, and nobody is told: its results are wrong. Fewer than were asked for is what
 * OMP_DYNAMIC, OMP_THREAD_LIMIT and OMP_MAX_ACTIVE_LEVELS in the environment may make of them.
 */
#ifndef ASSAY_WORKER_NN_CPU_TEAM_H
#define ASSAY_WORKER_NN_CPU_TEAM_H

/* From here on each parallel region of the calling thread has so many threads (0: one a core), or
 * OMP_THREAD_LIMIT where that is less; omp_get_max_threads says how many. */
void team_set(int threads);

#endif
