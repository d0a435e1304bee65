/* blobs: files named by what is in them: DIR/sha256/ab/cdef... (64 hexadecimal digits in all).
 *
 * A blob comes piece by piece into DIR/incoming/SHA.part and gets its name only when it is whole:
 * its SHA-256 is the one in its name, it is synced, renamed, its folder synced. So what has a name
 * is good, whatever was killed when. A part outlives its process and goes on at its length; what a
 * power cut left in it instead of the bytes that came shows when it is sealed, and it is removed.
 *
 * `sha256` is always one that sha256_valid takes. Calls for different blobs may come from different
 * threads.
 */
#ifndef ASSAY_COORDINATOR_BLOBS_H
#define ASSAY_COORDINATOR_BLOBS_H

#include "core/sha256.h"

struct blobs;

/* Makes the folder if missing and locks it: two coordinators would clear away each other's files.
 */
bool blobs_open(const char *dir, struct blobs **blobs, struct error *error);
void blobs_close(struct blobs *blobs); /* NULL is fine */
const char *blobs_dir(const struct blobs *blobs);

/* Bytes of the blob, or of its part; -1 when there is none. */
int64_t blobs_size(const struct blobs *blobs, const char *sha256);
int64_t blobs_part_size(const struct blobs *blobs, const char *sha256);
/* Bytes that the disk has left for the likes of us. Fails when the folder cannot be looked at. */
bool blobs_room(const struct blobs *blobs, int64_t *bytes, struct error *error);

/* Adds to the end of the part, making it; not synced. After a failure (a full disk) the part is as
 * long as it was. One that has a second name is a worker's own file (--shared), and not added to.
 */
bool blobs_append(struct blobs *blobs, const char *sha256, const void *data, size_t length,
                  struct error *error);
/* Makes the part a blob. ERROR_INPUT, and the part is gone, when that is not what is in it. Reads
 * and syncs the whole file: for a thread that has the time. */
bool blobs_seal(struct blobs *blobs, const char *sha256, struct error *error);

/* Reads at most `capacity` bytes at the offset. */
bool blobs_read(const struct blobs *blobs, const char *sha256, int64_t offset, void *data,
                size_t capacity, size_t *length, struct error *error);

/* Removes the blob, or its part. One that is not there is no error. Of a blob only the name goes;
 * its bytes go with blobs_sweep, because that takes a while for some hundred megabytes. */
bool blobs_remove(struct blobs *blobs, const char *sha256, struct error *error);
void blobs_sweep(struct blobs *blobs);
bool blobs_remove_part(struct blobs *blobs, const char *sha256, struct error *error);

/* The folders of blobs, by the first two digits of their sums, and behind them that of parts. */
enum { BLOBS_PARTS = 256, BLOBS_FOLDERS };
typedef void blobs_visitor(void *context, const char *sha256, bool part, int64_t bytes);
/* Calls `visit` for every blob or part of a folder. False when that cannot be read. */
bool blobs_each_in(const struct blobs *blobs, unsigned folder, blobs_visitor *visit, void *context,
                   struct error *error);
/* The same of all folders. */
bool blobs_each(const struct blobs *blobs, blobs_visitor *visit, void *context,
                struct error *error);

#endif
