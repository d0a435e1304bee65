/* peak: what this processor does at most, measured: the rate of a large matrix product, and that at
 * which memory is read and written. */
#ifndef ASSAY_WORKER_NN_CPU_PEAK_H
#define ASSAY_WORKER_NN_CPU_PEAK_H

#include "worker/nn/work.h"

/* The best of some tries, on so many threads (0: all cores). */
bool peak_measure(int threads, struct peak *peak, struct error *error);

#endif
