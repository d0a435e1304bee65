/* choices: which engine was taken for each convolution, remembered from one run to the next.
 *
 * cuDNN names engines, best first, and the first that can be built and keeps the promises of the
 * task is taken; finding it may mean building several in vain. A choice is where it stood in the
 * list. It is a hint and no more: the engine must still keep the promises, and where it does not,
 * or cannot be built, all are tried as before. The same device and version of cuDNN give the same
 * list, so with a choice as without one the same engine is taken.
 *
 * The file is text, a line a choice behind a line with their SHA-256. It is not trusted: one that
 * is damaged or too large is as none.
 */
#ifndef ASSAY_WORKER_NN_CUDA_CHOICES_H
#define ASSAY_WORKER_NN_CUDA_CHOICES_H

#include "core/error.h"
#include "worker/nn/cuda/convolution.h"

enum { CHOICE_DEVICE = 96, CHOICE_MODES = 2, CHOICE_ENGINES = 64 };

struct choice_key {
    char device[CHOICE_DEVICE]; /* its name, of printable characters */
    size_t version;             /* of cuDNN */
    enum pass pass;
    struct convolution_task task;
};

struct choice {
    int mode, index; /* which list, and where in it; -1: none */
};

struct choices; /* by one thread at a time */

/* *choices is there even when this fails, and then empty: ERROR_INPUT for a damaged file. A file
 * that is not there is an empty one. NULL only when memory is out. */
bool choices_load(const char *path, struct choices **choices, struct error *error);
/* The same for who goes on without: what was wrong is told in a line, if there is a `tell`. */
struct choices *choices_open(const char *path, void (*tell)(void *context, const char *line),
                             void *context);
void choices_free(struct choices *choices); /* NULL is fine */
/* {-1, -1} where there is none. */
struct choice choices_find(const struct choices *choices, const struct choice_key *key);
/* Replaces the key's; forgets all when there are too many. False when memory is out. */
bool choices_put(struct choices *choices, const struct choice_key *key, struct choice choice);
/* Writes the file, whole or not at all, if anything was put that it does not have. */
bool choices_save(struct choices *choices, const char *path, struct error *error);

#endif
