#include "worker/supply.h"

#include "core/atomic_file.h"
#include "core/backoff.h"
#include "core/depot.h"
#include "core/file.h"
#include "core/json.h"
#include "core/sha256.h"
#include "net/fetch.h"
#include "worker/checkpoint.h"
#include "worker/fetching.h"
#include "worker/fork.h"
#include "worker/resume.h"
#include "worker/sweep.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 10000, ASLEEP_MS = 50 };

/* One file on its way. */
struct errand {
    const struct supply_source *source;
    struct fetching fetching;
    struct dealer *dealer;
    const char *sha256;
    const struct trainer_options *options; /* supply_bring's, as is the next */
    const struct experiment *experiment;
};

bool supply_connect(const struct supply_source *source, struct dealer **dealer,
                    struct error *error) {
    struct error why = {0};
    return dealer_open(source->connect, source->keys, dealer, &why) ||
           error_machine(error, "%s", why.message);
}

static bool go_on(void *context, int64_t bytes_there) {
    struct errand *errand = context;
    return fetching_go_on(&errand->fetching, bytes_there);
}

static void rest(struct errand *errand, int64_t wait_ms) {
    for (int64_t slept = 0; slept < wait_ms && !fetching_stopped(&errand->fetching);
         slept += ASLEEP_MS)
        usleep(ASLEEP_MS * 1000);
}

/* Whether the file could be linked from the shared folder. */
static bool link_shared(const struct errand *errand, const char *path) {
    char from[PATH_MAX];
    return errand->source->shared != NULL &&
           depot_file(errand->source->shared, errand->sha256, from) && access(from, R_OK) == 0 &&
           atomic_file_link(from, path, NULL);
}

/* False with the error of the last try when the file cannot be had, or `stopped`. */
static bool bring_file(struct errand *errand, const char *path, struct error *error) {
    struct fetch fetch = {.sha256 = errand->sha256,
                          .bytes = errand->fetching.bytes,
                          .path = path,
                          .timeout_ms = ANSWER_MS,
                          .go_on = go_on,
                          .context = errand};
    uint64_t jitter = (uint64_t)getpid();
    if (link_shared(errand, path))
        return true;
    for (unsigned failures = 0; !fetching_stopped(&errand->fetching); failures++) {
        if (fetch_file(errand->dealer, &fetch, error))
            return true;
        if (error->code != ERROR_UNREACHABLE)
            return false;
        fetch.late++;
        rest(errand, backoff_ms(&BACKOFF_LINK, failures, &jitter));
    }
    return false;
}

static const cJSON *find_kind(const cJSON *files, const char *kind) {
    const cJSON *file;
    cJSON_ArrayForEach(file, files) {
        if (strcmp(cJSON_GetStringValue(json_member(file, "kind")), kind) == 0)
            return file;
    }
    return NULL;
}

/* The epoch of the checkpoint at `path` and its best one's; 0 when there is none that is whole.
 * False without memory to find out: nothing may be put in its place then. */
static bool epochs_at(const char *path, uint32_t *epoch, uint32_t *best, struct error *error) {
    struct checkpoint *checkpoint;
    struct error unread = {0};
    *epoch = *best = 0;
    if (path == NULL || access(path, R_OK) != 0)
        return true;
    if (!checkpoint_open(path, &checkpoint, &unread))
        return !error_take_shortage(error, &unread);
    *epoch = checkpoint_state(checkpoint)->epoch;
    *best = checkpoint_state(checkpoint)->best_epoch;
    checkpoint_close(checkpoint);
    return true;
}

/* The epoch from which the run can go on by the checkpoint at `path`: 0 also where its best one is
 * not beside it, without which it is passed over (resume.h). */
static bool epoch_at(const char *path, uint32_t *epoch, struct error *error) {
    uint32_t best, beside, its;
    if (!epochs_at(path, epoch, &best, error))
        return false;
    if (best == *epoch)
        return true;
    char *copy = strdup(path);
    char *best_path = copy != NULL ? checkpoint_path_best(dirname(copy)) : NULL;
    bool known =
        best_path != NULL ? epochs_at(best_path, &beside, &its, error) : error_memory(error);
    if (known && beside != best)
        *epoch = 0;
    free(best_path);
    free(copy);
    return known;
}

static bool bring_content(struct errand *errand, const cJSON *content, const char *path,
                          struct error *error) {
    errand->sha256 = cJSON_GetStringValue(json_member(content, "sha256"));
    errand->fetching.bytes = (int64_t)cJSON_GetNumberValue(json_member(content, "bytes"));
    if (!sha256_valid(errand->sha256))
        return error_set(error, ERROR_INPUT, "the coordinator names a file that cannot be");
    return bring_file(errand, path, error);
}

/* Best first and last last, as they were written: what is cut short leaves nothing that misleads.
 * Records that are here are of a shorter run, or of another worker's beginning of it: the lengths
 * in the last one mean others. */
static bool bring_both(struct errand *errand, const cJSON *best, const cJSON *last,
                       const char *best_path, const char *last_path, struct error *error) {
    const char *sums[] = {cJSON_GetStringValue(json_member(best, "sha256")),
                          cJSON_GetStringValue(json_member(last, "sha256"))};
    if (!bring_content(errand, best, best_path, error) ||
        !resume_drop_records(errand->options, errand->experiment, error))
        return false;
    if (strcmp(sums[0], sums[1]) == 0)
        return atomic_file_link(best_path, last_path, error);
    return bring_content(errand, last, last_path, error);
}

/* What the coordinator does not have, or has not whole, is done without. */
static bool end_errand(struct errand *errand, bool brought, const struct error *why, bool *stopped,
                       struct error *error) {
    *stopped = !brought && errand->fetching.stopped;
    const bool ok = brought || (!*stopped && why->code != ERROR_FAILED);
    if (!ok && error != NULL)
        *error = *why;
    dealer_close(errand->dealer);
    return ok;
}

bool supply_bring(const struct supply_source *source, const cJSON *files,
                  const struct experiment *experiment, const struct trainer_options *options,
                  const struct trainer_events *events, bool *stopped, struct error *error) {
    struct errand errand = {.source = source,
                            .fetching = {.events = events},
                            .options = options,
                            .experiment = experiment};
    struct error why = {0};
    const cJSON *best = find_kind(files, "best"), *last = find_kind(files, "last");
    char *best_path = checkpoint_path_best(options->dir);
    char *last_path = checkpoint_path_last(options->dir);
    bool ok = best_path != NULL && last_path != NULL;
    *stopped = false;
    if (!ok)
        error_memory(error);
    if (!ok || best == NULL || last == NULL)
        goto out;
    uint32_t epoch = (uint32_t)cJSON_GetNumberValue(json_member(last, "epoch")), own, other;
    ok = epoch_at(last_path, &own, error) && epoch_at(options->resume, &other, error);
    if (!ok || own >= epoch || other >= epoch)
        goto out;
    ok = supply_connect(source, &errand.dealer, &why) &&
         bring_both(&errand, best, last, best_path, last_path, &why);
    ok = end_errand(&errand, ok, &why, stopped, error);
out:
    free(best_path);
    free(last_path);
    return ok;
}

/* Both into a folder of their own in the run's; the checkpoint last. */
static bool bring_fork(struct errand *errand, const cJSON *from, uint32_t epoch, const char *folder,
                       char **path, struct error *error) {
    const cJSON *best = json_member(from, "best");
    char *best_path = checkpoint_path_best(folder);
    *path = checkpoint_path_epoch(folder, epoch);
    bool good = (best_path != NULL && *path != NULL) || error_memory(error);
    good = good && folder_make(folder, error) &&
           (best == NULL || bring_content(errand, best, best_path, error)) &&
           bring_content(errand, json_member(from, "file"), *path, error);
    free(best_path);
    return good;
}

bool supply_fork(const struct supply_source *source, const cJSON *from, bool there,
                 struct trainer_options *options, const struct trainer_events *events, char **path,
                 bool *stopped, struct error *error) {
    const uint32_t epoch = options->from.epoch;
    struct errand errand = {.source = source, .fetching = {.events = events}};
    struct error why = {0};
    char *last = checkpoint_path_last(options->dir), *folder = NULL;
    *stopped = false;
    bool ok = last != NULL && asprintf(&folder, "%s/" SWEEP_FORK, options->dir) >= 0;
    if (!ok) {
        free(last);
        return error_memory(error);
    }
    uint32_t own = 0, other = 0;
    const bool stored = json_member(from, "file") != NULL;
    const bool with_best = json_member(from, "best") != NULL;
    ok =
        !stored || (epoch_at(last, &own, error) && epoch_at(options->resume, &other, error) &&
                    (!there || fork_is_there(options->from.path, epoch, with_best, &there, error)));
    if (ok && stored && own < epoch && other < epoch && !there) {
        ok = supply_connect(source, &errand.dealer, &why) &&
             bring_fork(&errand, from, epoch, folder, path, &why);
        if (ok)
            options->from.path = *path;
        ok = end_errand(&errand, ok, &why, stopped, error);
    }
    free(folder);
    free(last);
    return ok;
}
