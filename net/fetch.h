/* fetch: a file from the coordinator's artifacts, by its SHA-256. */
#ifndef ASSAY_NET_FETCH_H
#define ASSAY_NET_FETCH_H

#include "core/sha256.h"
#include "net/dealer.h"

struct fetch {
    const char *sha256;
    int64_t bytes;
    const char *path; /* where it goes, in a folder that exists */
    int timeout_ms;   /* for the answer to one piece, the first time */
    unsigned late;    /* how often none came in time before: each time doubles it, as in pickup.h */
    /* Called before every piece, and while one is waited for, with how much is there; false ends it
     * (ERROR_FAILED). May be NULL. */
    bool (*go_on)(void *context, int64_t bytes_there);
    void *context;
};

/* The file appears under its path whole, checked and on the disk. A PATH.part from an earlier try
 * is continued. ERROR_UNREACHABLE: the same may be tried again. ERROR_INPUT: the coordinator does
 * not have the file, could not read it five times in a row, or what came is something else; nothing
 * is left of it then. ERROR_FAILED: it is this machine, or it was ended. */
bool fetch_file(struct dealer *dealer, const struct fetch *fetch, struct error *error);

#endif
