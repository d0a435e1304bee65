/* cam: where in a picture a network saw what speaks for a class.
 *
 * Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via
 * Gradient-based Localization"): the maps A^k of the last stage, each weighted by the mean over
 * positions of dy/dA^k (eq. 1), y the class's logit before softmax; what is below 0 of their sum
 * is cut off (eq. 2). Above those maps stand only the average pool and what works on rows: the
 * gradient is taken here, on the host, for every backend alike, which gives the maps
 * (evaluate_maps).
 */
#ifndef ASSAY_WORKER_NN_CAM_H
#define ASSAY_WORKER_NN_CAM_H

#include "worker/nn/backend.h"

struct cam;

/* Copies what stands above the average pool out of the model. One thread at a time. */
bool cam_new(const struct network *network, const struct backend *backend, struct model *model,
             struct cam **cam, struct error *error);
void cam_free(struct cam *cam); /* NULL is fine */

/* maps: one picture's, channels x height x width (`shape` is network_pooled's); result: height x
 * width, none below 0. */
void cam_make(struct cam *cam, const struct shape *shape, const float *maps, int class,
              float *result);

/* Bilinear, as torch.nn.functional.interpolate(mode="bilinear", align_corners=False). */
void cam_enlarge(const float *from, int height, int width, float *to, int to_height, int to_width);

#endif
