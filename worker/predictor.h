/* predictor: a checkpoint that scores pictures, by its own config's model and evaluation transform.
 */
#ifndef ASSAY_WORKER_PREDICTOR_H
#define ASSAY_WORKER_PREDICTOR_H

#include "core/image.h"

struct predictor;

struct predictor_options {
    const char *backend;                           /* "auto", "cpu", "cuda" */
    int device, threads;                           /* threads that read pictures; 0: the cores */
    size_t batch;                                  /* pictures at once */
    bool maps;                                     /* also where the network looked */
    int class;                                     /* for which class, or PREDICTED_CLASS */
    void (*tell)(void *context, const char *line); /* as in struct model_options, or NULL */
};
enum { PREDICTED_CLASS = -1 };

bool predictor_open(const char *checkpoint, const struct predictor_options *options,
                    struct predictor **predictor, struct error *error);
void predictor_close(struct predictor *predictor); /* NULL is fine */

struct prediction {
    double probability;  /* of label 1 */
    struct error broken; /* code ERROR_NONE unless the picture cannot be read */
    /* With `maps`, else zeroed; the predictor's own until it scores again or is closed. */
    struct looking {
        const struct image *seen; /* what the network saw, before normalisation */
        int class;
        int height, width; /* of the map */
        const float *map;  /* Grad-CAM (cam.h), row by row */
    } looking;
};
int prediction_label(const struct prediction *prediction); /* 1 above 0.5 */

/* Scores at most `batch` pictures. False when the model fails; what one picture lacks is said in
 * its prediction. */
bool predictor_score(struct predictor *predictor, char *const *paths, size_t count,
                     struct prediction *predictions, struct error *error);

#endif
