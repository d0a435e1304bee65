/* pth_error: what is wrong with a file of torch.save, in the words of all who read one. Each is
 * false, as error_set is. */
#ifndef ASSAY_CORE_PTH_ERROR_H
#define ASSAY_CORE_PTH_ERROR_H

#include "core/error.h"

/* It is one, and holds something else. */
static inline bool pth_not_tensors(const char *path, const char *what, struct error *error) {
    return error_set(error, ERROR_INPUT,
                     "%s: %s; save the weights alone: torch.save(model.state_dict(), \"%s\")", path,
                     what, path);
}

static inline bool pth_damaged(const char *path, const char *what, struct error *error) {
    return error_set(error, ERROR_INPUT, "%s: %s; the file is damaged: fetch it again", path, what);
}

#endif
