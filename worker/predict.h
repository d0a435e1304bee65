/* predict: `assay-worker predict`, what `assay predict` runs: a checkpoint's scores of pictures. */
#ifndef ASSAY_WORKER_PREDICT_H
#define ASSAY_WORKER_PREDICT_H

/* argv[0] is "predict"; returns the exit code: 0; 1 when a picture could not be read (the others
 * are scored) or something else failed; 2 for wrong input. */
int predict_main(int argc, char **argv);

#endif
