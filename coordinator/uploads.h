/* uploads: blobs on their way in, from the offer to the seal.
 *
 * Whoever has a file offers it: it is there already, or it is wanted from an offset on, or what
 * came is being sealed. Then its pieces come, in order; one that came before, or comes too early,
 * changes nothing: the answer says what is wanted next. When all have come a thread of its own
 * seals the blob (blobs.h), because that takes a second for some hundred megabytes, and the next
 * offer says how it went. All of it may be repeated at any time.
 *
 * What is remembered is bounded (UPLOADS_MAX): of more, the one that was silent longest is to be
 * offered again, and goes on at its part. So is one that was silent for UPLOADS_SILENT_MS, as when
 * its experiment was cancelled. Used by one thread; now_ms is the steady clock's.
 */
#ifndef ASSAY_COORDINATOR_UPLOADS_H
#define ASSAY_COORDINATOR_UPLOADS_H

#include "coordinator/blobs.h"

enum {
    UPLOADS_MAX = 256,
    UPLOADS_CREDIT = 8,        /* pieces that a sender may have under way */
    UPLOADS_PIECE = 256 << 10, /* bytes of a piece, either way; the last one may be smaller. What
                                * else goes over the link waits for it */
    UPLOADS_SILENT_MS = 10 * 60 * 1000,
    UPLOADS_RESERVE = 16 << 20, /* bytes of disk that are left to the database */
};
#define UPLOADS_BYTES_MAX ((int64_t)1 << 40) /* of one file */

struct uploads;

enum upload_state {
    UPLOAD_THERE,  /* the blob is in its place, and on the disk */
    UPLOAD_WANTED, /* from `offset` on */
    UPLOAD_SEALING,
    UPLOAD_UNKNOWN, /* a piece of what was not offered (lately): offer it */
    UPLOAD_REFUSED, /* the error says why: no room, a failing disk, what came is something else */
};

/* `most_bytes`: what all blobs together may take; 0: as much as the disk has. `blobs` is borrowed
 * until uploads_close. */
bool uploads_open(struct blobs *blobs, int64_t most_bytes, struct uploads **uploads,
                  struct error *error);
void uploads_close(struct uploads *uploads); /* waits for the seal under way; NULL is fine */
struct blobs *uploads_blobs(struct uploads *uploads);

/* Somebody has a file of so many bytes to send. *offset: from where it is wanted. */
enum upload_state uploads_offer(struct uploads *uploads, const char *sha256, int64_t bytes,
                                int64_t now_ms, int64_t *offset, struct error *error);
/* A piece of a file that was offered: what is not the next piece is left out. *next: from where the
 * next one is wanted. */
enum upload_state uploads_take(struct uploads *uploads, const char *sha256, int64_t offset,
                               const void *data, size_t length, int64_t now_ms, int64_t *next,
                               struct error *error);

/* Bytes of all blobs that are in their place. */
int64_t uploads_bytes(const struct uploads *uploads);

/* Whether the blob is on its way: its part is not to be cleared away. */
bool uploads_expects(struct uploads *uploads, const char *sha256, int64_t now_ms);
/* Removes a blob; its room is given back by the sealing thread. */
bool uploads_remove(struct uploads *uploads, const char *sha256, struct error *error);

#endif
