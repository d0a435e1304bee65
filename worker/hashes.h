/* hashes: SHA-256 of files, remembered in a SQLite file, so that a worker reads gigabytes of
 * pictures once and not at every start. A file counts as the same while its path, size, inode and
 * both its times are: that of its content, which cp -p and rsync set back, and that of its status
 * (st_ctim), which nobody can.
 *
 * What is remembered can be done without: where the database is damaged or cannot be written
 * everything is read. A damaged one begins anew.
 */
#ifndef ASSAY_WORKER_HASHES_H
#define ASSAY_WORKER_HASHES_H

#include "core/sha256.h"

struct hashes;

/* `path` is made when it is missing; NULL: nothing is remembered. */
bool hashes_open(const char *path, struct hashes **hashes, struct error *error);
void hashes_close(struct hashes *hashes); /* NULL is fine */

/* What is remembered at `path`, which nobody has open, is not any more. */
void hashes_forget(const char *path);

/* Size and checksum of a file. Fails as sha256_path does. */
bool hashes_file(struct hashes *hashes, const char *path, uint64_t *bytes,
                 char text[static SHA256_TEXT_SIZE], struct error *error);

/* How many files were read since hashes_open. */
size_t hashes_read_count(const struct hashes *hashes);

#endif
