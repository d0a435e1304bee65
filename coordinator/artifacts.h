/* artifacts: which file of which experiment has which content: the rows beside the blobs (blobs.h).
 *
 * A row is written when its blob is there, and a blob is removed when no row names it any more; in
 * between a crash leaves a blob too many, never one too few; `assay gc` finds those.
 */
#ifndef ASSAY_COORDINATOR_ARTIFACTS_H
#define ASSAY_COORDINATOR_ARTIFACTS_H

#include "coordinator/store.h"
#include "core/sha256.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct artifact {
    int64_t experiment, attempt;
    const char *name, *kind, *sha256; /* borrowed; kind: "best", "last", "epoch", "file" */
    int64_t epoch, bytes;
};

/* Writes the row, unless the file of that name is of a later attempt, or of this one and a later
 * epoch. `replaced` is the content that the name had before, "" when none or the same. */
bool artifact_put(struct store *store, const struct artifact *artifact, int64_t now_ms,
                  char replaced[static SHA256_TEXT_SIZE], struct error *error);

/* Those of an experiment: [{"name", "kind", "epoch", "sha256", "bytes"}], the newest of more than
 * `most`; `checkpoints`: only best and last. The array is the caller's. */
bool artifact_list(struct store *store, int64_t experiment, bool checkpoints, int most,
                   cJSON **artifacts, struct error *error);

/* Retention: best, last and other files stay; of the "epoch" checkpoints those of every `every`th
 * epoch, none when it is 0, all when it is ARTIFACT_KEEP_ALL. */
enum { ARTIFACT_KEEP_ALL = -1 };
/* Deletes the rows that do not stay. */
bool artifact_thin(struct store *store, int64_t every, struct error *error);
/* Whether a row that stays names this content: an artifact's, a data set's (listings.h) but for
 * those of `without` (a JSON list of listings; NULL: none), or that of a fork that is not done
 * (fork.h). */
bool artifact_kept(struct store *store, const char *sha256, int64_t every, const char *without,
                   bool *kept, struct error *error);

#endif
