/* inside: whether a path stays inside a folder, as it is written and as it really is. */
#ifndef ASSAY_CORE_INSIDE_H
#define ASSAY_CORE_INSIDE_H

#include "core/error.h"

#include <stddef.h>

/* Relative and without "..": what is written stays below whatever folder it is read from. */
bool inside_written(const char *path);

/* What `path` is below `folder` ("a/b.png", "" for the folder itself), or NULL when it is not in
 * it. Compares text: both should come from realpath. Borrowed from `path`. */
const char *inside_real(const char *folder, const char *path);

/* Resolves `path` (symbolic links, "..") to what must lie in one of the folders, and be there; the
 * caller frees it. NULL otherwise, ERROR_INPUT: what lies elsewhere is refused with the same words
 * whether it is there or not, so that nobody learns of it. `what` names the path in errors. */
char *inside_resolve(const char *path, const char *const *folders, size_t count, const char *what,
                     struct error *error);

#endif
