/* inside: whether a path stays inside a folder, as it is written and as it really is. */
#ifndef ASSAY_CORE_INSIDE_H
#define ASSAY_CORE_INSIDE_H

#include <stdbool.h>

/* Relative and without "..": what is written stays below whatever folder it is read from. */
bool inside_written(const char *path);

/* What `path` is below `folder` ("a/b.png", "" for the folder itself), or NULL when it is not in
 * it. Compares text: both should come from realpath. Borrowed from `path`. */
const char *inside_real(const char *folder, const char *path);

#endif
