/* pth_old: the format of torch.save before PyTorch 1.6, in which torchvision's older files are:
 * pickles one after the other (a magic number, a version, what machine wrote it, the object, the
 * keys of its storages), then of each key's storage the number of elements and their bytes
 * (torch/serialization.py, _legacy_save).
 */
#ifndef ASSAY_CORE_PTH_OLD_H
#define ASSAY_CORE_PTH_OLD_H

#include "core/pickle.h"

struct pth_old_storage {
    const char *key; /* borrowed from the pickle */
    const uint8_t *data;
    size_t element_bytes, bytes;
};

struct pth_old {
    char *data; /* the whole file */
    size_t length;
    struct pickle *pickle;            /* the object */
    struct pth_old_storage *storages; /* by key, each once */
    size_t count;
};

/* Whether the first bytes of a file are those of the format. */
enum { PTH_OLD_MAGIC_BYTES = 24 };
bool pth_old_recognise(const uint8_t magic[static PTH_OLD_MAGIC_BYTES]);

/* Reads the whole file, which has at most 16 GiB. What is broken is ERROR_INPUT. The caller frees
 * with pth_old_free, also on failure. */
bool pth_old_read(const char *path, struct pth_old *old, struct error *error);
void pth_old_free(struct pth_old *old); /* zeroed is fine */

/* NULL when there is none. */
const struct pth_old_storage *pth_old_find(const struct pth_old *old, const char *key);

#endif
