/* predictor: a checkpoint that scores pictures, by its own config's model and evaluation transform.
 */
#ifndef ASSAY_WORKER_PREDICTOR_H
#define ASSAY_WORKER_PREDICTOR_H

#include "core/error.h"

#include <stddef.h>

struct predictor;

struct predictor_options {
    const char *backend; /* "auto", "cpu", "cuda" */
    int device, threads; /* threads that read pictures; 0: the cores */
    size_t batch;        /* pictures at once */
};

bool predictor_open(const char *checkpoint, const struct predictor_options *options,
                    struct predictor **predictor, struct error *error);
void predictor_close(struct predictor *predictor); /* NULL is fine */

struct prediction {
    double probability;  /* of label 1 */
    struct error broken; /* code ERROR_NONE unless the picture cannot be read */
};

/* Scores at most `batch` pictures. False when the model fails; what one picture lacks is said in
 * its prediction. */
bool predictor_score(struct predictor *predictor, char *const *paths, size_t count,
                     struct prediction *predictions, struct error *error);

#endif
