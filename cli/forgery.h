/* forgery: the two ways in which the demo's portraits are forged.
 *
 * They leave what real forgeries leave (Rossler et al., "FaceForensics++", ICCV 2019): a network's
 * face is softer than the lens was, has not the sensor's grain, meets the rest in a seam and nearly
 * has its tone. `canvas` holds the target's photograph, grain included, and is changed in place;
 * what lies outside the forged part keeps every value.
 */
#ifndef ASSAY_CLI_FORGERY_H
#define ASSAY_CLI_FORGERY_H

#include "cli/portrait.h"

/* Deepfake: the inner face of `donor`, in the target's pose and expression, blended in. */
bool forgery_deepfake(const struct portrait *target, const struct portrait *donor,
                      struct canvas *canvas, struct random_stream *stream, struct error *error);

/* Face2Face: mouth and eyes warped to another expression. */
bool forgery_face2face(const struct portrait *target, struct canvas *canvas,
                       struct random_stream *stream, struct error *error);

#endif
