/* storage: all of what is written, and names that stand after a crash: what core/file.h and
 * core/atomic_file.h are made of.
 */
#ifndef ASSAY_CORE_STORAGE_H
#define ASSAY_CORE_STORAGE_H

#include "core/error.h"

#include <stddef.h>

/* Writes all of it to an open file; false with errno set. */
bool storage_write_all(int descriptor, const void *data, size_t length);

/* Makes durable which names stand in the folder. */
bool storage_sync_folder(const char *path, struct error *error);
/* Makes durable that `path`, a file or a folder, stands in its folder. */
bool storage_sync_folder_of(const char *path, struct error *error);

#endif
