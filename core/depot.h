/* depot: where what is kept by its SHA-256 stands in a coordinator's artifacts folder
 * (docs/artifacts.md). The coordinator writes there; a worker with --shared links from and to it.
 */
#ifndef ASSAY_CORE_DEPOT_H
#define ASSAY_CORE_DEPOT_H

#include <limits.h>
#include <stdbool.h>

/* "DIR/sha256/ab", of which `sha256` needs no more than the first two digits; a content,
 * "DIR/sha256/ab/cdef..."; and what has come of one so far, "DIR/incoming/SHA.part". False when
 * that is longer than a path can be. */
bool depot_folder(const char *dir, const char *sha256, char path[static PATH_MAX]);
bool depot_file(const char *dir, const char *sha256, char path[static PATH_MAX]);
bool depot_part(const char *dir, const char *sha256, char path[static PATH_MAX]);

#endif
