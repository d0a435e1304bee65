/* step: `assay-worker step`, one training step from files to a file, for checking numerics. */
#ifndef ASSAY_WORKER_STEP_H
#define ASSAY_WORKER_STEP_H

/* argv[0] is "step". Returns the exit code; mistakes are printed as "assay: ...". */
int step_main(int argc, char **argv);

#endif
