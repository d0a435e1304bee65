/* evaluate: `assay-worker evaluate`, what `assay test` runs: a checkpoint on a part of the data. */
#ifndef ASSAY_WORKER_EVALUATE_H
#define ASSAY_WORKER_EVALUATE_H

/* argv[0] is "evaluate"; returns the exit code. */
int evaluate_main(int argc, char **argv);

#endif
