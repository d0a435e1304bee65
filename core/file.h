/* file: whole files in and out, and folders.
 *
 * Errors name the path, those of file_read in front: "PATH: cannot be read: ...". What cannot be
 * read is wrong input (ERROR_INPUT), what cannot be written has failed (ERROR_FAILED).
 */
#ifndef ASSAY_CORE_FILE_H
#define ASSAY_CORE_FILE_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a whole file of at most `limit` bytes into memory that the caller frees; a NUL follows it.
 */
bool file_read(const char *path, size_t limit, char **data, size_t *length, struct error *error);

/* Has the system read a whole file in one go, in the background, for who will read it here and
 * there: pages of a database, which a disk takes several times as long to find one by one. Before
 * SQLite opens it: closing the file would give up the locks that this process has on it. Does
 * nothing where it cannot be read. */
void file_read_ahead(const char *path);

/* `length` bytes of an open file from `offset` on, for the caller to free; NULL when it no longer
 * has that many, cannot be read, or there is no memory. `path` is what errors call it. */
void *file_piece(int descriptor, const char *path, int64_t offset, size_t length,
                 struct error *error);

/* Writes data to a temporary name beside `path`, syncs it, renames it over `path` and syncs the
 * folder: after a crash the file is the old one or the new one, whole. */
bool file_write_atomic(const char *path, const void *data, size_t length, struct error *error);

/* Makes the folder and its parents (mode 0777 less the umask), each durable before anything is made
 * in it. An existing folder is no error, and taken to be durable. */
bool folder_make(const char *path, struct error *error);
/* The same for the folder that the file `path` stands in; one without a folder needs none. */
bool folder_make_of(const char *path, struct error *error);

/* Waits until flock(2) gives the open file or folder to this descriptor alone, which closing it
 * ends. False where there are no locks (a network's file system). */
bool file_lock(int descriptor);

#endif
