/* listings: which content the data sets have that people brought (assay data push): the rows that
 * keep its blobs (blobs.h), and those of blobs that are still to come.
 *
 * A listing stands in the database before the first of its files travels, so nothing clears away
 * what has come of it, and whoever begins again sends what is missing.
 */
#ifndef ASSAY_COORDINATOR_LISTINGS_H
#define ASSAY_COORDINATOR_LISTINGS_H

#include "coordinator/store.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* The listing is there, under its newest name. Inside a transaction, as all of these. */
bool listing_put(struct store *store, const char *listing, const char *name, int64_t now_ms,
                 struct error *error);
/* The listing, which is there, has this file. */
bool listing_add(struct store *store, const char *listing, const char *sha256, int64_t bytes,
                 struct error *error);
/* How many bytes a listing says that the file has: `like`, if any says so; -1: it is in none. */
bool listing_bytes(struct store *store, const char *sha256, int64_t like, int64_t *bytes,
                   struct error *error);

/* All of them, in order of their sums: [{"listing", "name", "files", "bytes", "pushed_ms",
 * "experiments", "unfinished", "ids"}]: how many of the newest LISTING_LOOKED experiments have it
 * in their fingerprint, how many of these are queued, paused or running, and the newest LISTING_IDS
 * of them. The array is the caller's. */
enum { LISTING_LOOKED = 5000, LISTING_IDS = 100 };
bool listing_all(struct store *store, cJSON **listings, struct error *error);
/* Calls `visit` with every file of every listing whose sum begins with the two digits. */
typedef void listing_visitor(void *context, const char *listing, const char *sha256, int64_t bytes);
bool listing_files(struct store *store, const char *digits, listing_visitor *visit, void *context,
                   struct error *error);

/* The sums of the listings that no experiment names which is queued, paused or running. The array
 * is the caller's. */
bool listing_unused(struct store *store, cJSON **unused, struct error *error);
/* Deletes the listing: its files stay no longer for it. */
bool listing_forget(struct store *store, const char *listing, struct error *error);
#endif
