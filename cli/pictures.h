/* pictures: the demo's picture set: portraits and two forgeries of each, in the notebook's folders.
 *
 * DIR/real/NNNN.png is portrait NNNN as a camera saw it, DIR/fake_deepfake/NNNN.png and
 * DIR/fake_face2face/NNNN.png are forgeries of that very photograph. So the kinds share their
 * people, light, backgrounds, lenses and grain, and only what a forgery changes tells them apart;
 * one shuffle splits all three folders, so no face is in two parts of the split. Every picture ends
 * with the same steps (a little noise drawn for it alone, 8 bits, PNG). The same options give the
 * same bytes.
 */
#ifndef ASSAY_CLI_PICTURES_H
#define ASSAY_CLI_PICTURES_H

#include "cli/gang.h"
#include "core/image.h"

enum picture_kind { PICTURE_DEEPFAKE, PICTURE_FACE2FACE, PICTURE_REAL, PICTURE_KINDS };

struct picture_options {
    uint64_t seed;
    int count; /* of each kind */
    int size;  /* pixels a side */
};

/* "fake_deepfake", "fake_face2face", "real": the folders. */
const char *picture_folder(enum picture_kind kind);

/* Draws portrait `index` and its forgeries. On success the caller frees the images. */
bool picture_draw(const struct picture_options *options, int index,
                  struct image images[PICTURE_KINDS], struct error *error);

/* Draws and writes the whole set under `dir` on `threads` threads. `progress` (may be NULL) is the
 * gang's, of portraits; when it gives the work up that is an ERROR_FAILED. */
bool pictures_write(const struct picture_options *options, const char *dir, int threads,
                    gang_progress *progress, void *context, struct error *error);

#endif
