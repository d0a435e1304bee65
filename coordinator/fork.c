#include "coordinator/fork.h"

#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "core/fork.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

/* The config of an experiment; NULL when there is no such experiment, or on failure. */
static cJSON *config_of(struct store *store, int64_t id, struct error *error) {
    struct query query;
    cJSON *config = NULL;
    query_open(&query, store, "SELECT config FROM experiment WHERE id = ?");
    query_bind_int(&query, id);
    if (query_next(&query)) {
        const char *text = query_text(&query);
        config = json_parse(text, strlen(text), "config", NULL);
    }
    bool good = query_close(&query, error);
    if (good && config != NULL)
        return config;
    cJSON_Delete(config);
    if (good)
        error_set(error, ERROR_INPUT, "there is no experiment %lld" ERROR_LS, (long long)id);
    return NULL;
}

/* Of an epoch its own file first: best and last are written over. */
static bool find_checkpoint(struct store *store, struct fork *fork, struct error *error) {
    struct query query;
    bool found = false;
    query_open(&query, store,
               "SELECT epoch, path, host FROM checkpoint WHERE experiment = ?1"
               " AND ((kind = ?2 AND kind <> 'epoch') OR CAST(epoch AS TEXT) = ?2)"
               " ORDER BY kind = 'epoch' DESC, attempt DESC, epoch DESC LIMIT 1");
    query_bind_int(&query, fork->source);
    query_bind_text(&query, fork->checkpoint);
    if (query_next(&query)) {
        found = true;
        fork->epoch = query_int(&query);
        snprintf(fork->path, sizeof fork->path, "%s", query_text(&query));
        snprintf(fork->host, sizeof fork->host, "%s", query_text(&query));
    }
    if (!query_close(&query, error))
        return false;
    return found || fork_absent(fork->source, fork->checkpoint, error);
}

/* The checkpoint of that epoch, if it came here. */
static bool find_file(struct store *store, int64_t source, int64_t epoch, struct fork_file *file,
                      struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT sha256, bytes FROM artifact WHERE experiment = ? AND epoch = ?"
               " AND kind <> 'file' ORDER BY kind = 'epoch' DESC LIMIT 1");
    query_bind_int(&query, source);
    query_bind_int(&query, epoch);
    if (query_next(&query)) {
        snprintf(file->sha256, sizeof file->sha256, "%s", query_text(&query));
        file->bytes = query_int(&query);
    }
    return query_close(&query, error);
}

/* What is here of it. A best one that has a file somewhere must be here as well. */
static bool find_files(struct store *store, struct fork *fork, struct error *error) {
    struct query query;
    int64_t best = 0;
    bool somewhere = false;
    query_open(&query, store,
               "SELECT epoch, EXISTS (SELECT 1 FROM checkpoint AS c WHERE c.experiment = ?1"
               " AND c.epoch = e.epoch)"
               " FROM epoch AS e WHERE experiment = ?1 AND epoch <= ?2 AND best = 1"
               " ORDER BY epoch DESC LIMIT 1");
    query_bind_int(&query, fork->source);
    query_bind_int(&query, fork->epoch);
    if (query_next(&query)) {
        best = query_int(&query);
        somewhere = query_int(&query) != 0;
    }
    if (!query_close(&query, error) ||
        !find_file(store, fork->source, fork->epoch, &fork->file, error) ||
        (best != fork->epoch && !find_file(store, fork->source, best, &fork->best, error)))
        return false;
    fork->stored =
        fork->file.bytes > 0 && (best == fork->epoch || fork->best.bytes > 0 || !somewhere);
    return true;
}

/* `last` of an experiment that runs is written over before long, and its newest may not have come
 * yet: then the newest that is here is taken, which stays however long the fork has to wait. */
static bool prefer_stored(struct store *store, struct fork *fork, struct error *error) {
    struct query query;
    struct fork here = *fork;
    if (fork->stored || strcmp(fork->checkpoint, "last") != 0)
        return true;
    query_open(&query, store,
               "SELECT a.epoch FROM artifact AS a JOIN experiment AS e ON e.id = a.experiment"
               " WHERE a.experiment = ? AND a.kind = 'last' AND a.epoch < ?"
               " AND e.state = 'running'");
    query_bind_int(&query, fork->source);
    query_bind_int(&query, fork->epoch);
    bool found = query_next(&query);
    if (found)
        here.epoch = query_int(&query);
    here.file = here.best = (struct fork_file){0};
    if (!query_close(&query, error) || (found && !find_files(store, &here, error)))
        return false;
    if (found && here.stored)
        *fork = here;
    return true;
}

bool fork_find(struct store *store, const cJSON *from, const cJSON *config, struct fork *fork,
               struct error *error) {
    *fork = (struct fork){.source = (int64_t)json_member(from, "experiment")->valuedouble};
    snprintf(fork->checkpoint, sizeof fork->checkpoint, "%s",
             json_member(from, "checkpoint")->valuestring);
    cJSON *its = config_of(store, fork->source, error);
    bool good =
        its != NULL && find_checkpoint(store, fork, error) && find_files(store, fork, error) &&
        prefer_stored(store, fork, error) &&
        (fork_check(its, config, (uint32_t)fork->epoch, error) ||
         error_context(error, "experiment %lld@%s", (long long)fork->source, fork->checkpoint));
    cJSON_Delete(its);
    return good;
}

static bool is_there(const struct blobs *blobs, const char *sha256, int64_t bytes) {
    return blobs_size(blobs, sha256) == bytes;
}

void fork_look(struct fork *fork, const struct blobs *blobs) {
    fork->stored = fork->stored && is_there(blobs, fork->file.sha256, fork->file.bytes) &&
                   (fork->best.bytes == 0 || is_there(blobs, fork->best.sha256, fork->best.bytes));
}

static bool record_file(struct store *store, int64_t experiment, const char *kind,
                        const struct fork_file *file, struct error *error) {
    struct query query;
    if (file->bytes == 0)
        return true;
    query_open(&query, store,
               "INSERT INTO fork_file (experiment, kind, sha256, bytes) VALUES (?, ?, ?, ?)");
    query_bind_int(&query, experiment);
    query_bind_text(&query, kind);
    query_bind_text(&query, file->sha256);
    query_bind_int(&query, file->bytes);
    return query_run(&query, error);
}

static bool record_files(struct store *store, int64_t experiment, const struct fork *fork,
                         struct error *error) {
    return record_file(store, experiment, "file", &fork->file, error) &&
           record_file(store, experiment, "best", &fork->best, error);
}

bool fork_record(struct store *store, int64_t experiment, const struct fork *fork,
                 struct error *error) {
    struct query query;
    query_open(&query, store,
               "INSERT INTO fork (experiment, source, checkpoint, epoch, path, host)"
               " VALUES (?, ?, ?, ?, ?, ?)");
    query_bind_int(&query, experiment);
    query_bind_int(&query, fork->source);
    query_bind_text(&query, fork->checkpoint);
    query_bind_int(&query, fork->epoch);
    query_bind_text(&query, fork->path);
    query_bind_text(&query, fork->host);
    return query_run(&query, error) &&
           (!fork->stored || record_files(store, experiment, fork, error));
}

/* The next of the forks after `after` that have no content here; *experiment 0: none. */
static bool next_without_files(struct store *store, int64_t source, int64_t after,
                               int64_t *experiment, struct fork *fork, struct error *error) {
    struct query query;
    *experiment = 0;
    *fork = (struct fork){.source = source};
    query_open(&query, store,
               "SELECT f.experiment, f.epoch FROM fork AS f JOIN experiment AS e"
               " ON e.id = f.experiment WHERE f.experiment > ? AND f.source = ?"
               " AND e.state <> 'done' AND NOT EXISTS"
               " (SELECT 1 FROM fork_file AS g WHERE g.experiment = f.experiment)"
               " ORDER BY f.experiment LIMIT 1");
    query_bind_int(&query, after);
    query_bind_int(&query, source);
    if (query_next(&query)) {
        *experiment = query_int(&query);
        fork->epoch = query_int(&query);
    }
    return query_close(&query, error);
}

bool fork_arrived(struct store *store, int64_t source, struct scheduler *scheduler,
                  struct error *error) {
    struct fork fork;
    int64_t experiment = 0;
    for (;;) {
        if (!next_without_files(store, source, experiment, &experiment, &fork, error) ||
            (experiment != 0 && !find_files(store, &fork, error)))
            return false;
        if (experiment == 0)
            return true;
        if (!fork.stored)
            continue;
        struct job *job = scheduler_find(scheduler, experiment);
        if (!record_files(store, experiment, &fork, error))
            return false;
        if (job != NULL && !scheduler_set_host(scheduler, job, ""))
            return error_set(error, ERROR_FAILED, "no memory for the queue");
    }
}

/* True in *does when the experiment's own checkpoints are here, best and last, from which any
 * worker goes on without what it was forked from. */
static bool goes_on_by_itself(struct store *store, const struct blobs *blobs, int64_t experiment,
                              bool *does, struct error *error) {
    struct query query;
    int there = 0;
    query_open(&query, store,
               "SELECT sha256, bytes FROM artifact WHERE experiment = ?"
               " AND kind IN ('best', 'last')");
    query_bind_int(&query, experiment);
    while (query_next(&query)) {
        const char *sha256 = query_text(&query);
        there += is_there(blobs, sha256, query_int(&query));
    }
    *does = there >= 2;
    return query_close(&query, error);
}

/* To the host, for as long as it needs what it was forked from. */
static bool bind_to(struct store *store, const struct blobs *blobs, struct scheduler *scheduler,
                    int64_t experiment, const char *host, struct error *error) {
    struct job *job = scheduler_find(scheduler, experiment);
    bool goes_on = false;
    if (job == NULL)
        return true;
    return goes_on_by_itself(store, blobs, experiment, &goes_on, error) &&
           (scheduler_set_host(scheduler, job, goes_on ? "" : host) ||
            error_set(error, ERROR_FAILED, "no memory for the queue"));
}

bool fork_bind_lost(struct store *store, const struct blobs *blobs, int64_t which,
                    struct scheduler *scheduler, struct error *error) {
    struct query query;
    bool good = true;
    query_open(&query, store,
               "SELECT f.experiment, f.sha256, f.bytes, fork.host FROM fork_file AS f"
               " JOIN experiment AS e ON e.id = f.experiment"
               " JOIN fork ON fork.experiment = f.experiment"
               " WHERE f.experiment BETWEEN ? AND ? AND " LOOKUP_UNFINISHED);
    query_bind_int(&query, which);
    query_bind_int(&query, which == FORK_ALL ? INT64_MAX : which);
    while (good && query_next(&query)) {
        int64_t experiment = query_int(&query);
        const char *sha256 = query_text(&query);
        good = is_there(blobs, sha256, query_int(&query)) ||
               bind_to(store, blobs, scheduler, experiment, query_text(&query), error);
    }
    return query_close(&query, good ? error : NULL) && good;
}

/* Under "file" and "best", where they are with the coordinator. */
static bool view_files(struct store *store, int64_t experiment, cJSON *from, struct error *error) {
    struct query query;
    query_open(&query, store, "SELECT kind, sha256, bytes FROM fork_file WHERE experiment = ?");
    query_bind_int(&query, experiment);
    while (query_next(&query)) {
        cJSON *file = cJSON_AddObjectToObject(from, query_text(&query));
        cJSON_AddStringToObject(file, "sha256", query_text(&query));
        cJSON_AddNumberToObject(file, "bytes", (double)query_int(&query));
    }
    return query_close(&query, error);
}

bool fork_view(struct store *store, int64_t experiment, cJSON *object, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT source, checkpoint, epoch, path, host FROM fork WHERE experiment = ?");
    query_bind_int(&query, experiment);
    cJSON *from = NULL;
    if (query_next(&query)) {
        from = cJSON_AddObjectToObject(object, "from");
        cJSON_AddNumberToObject(from, "experiment", (double)query_int(&query));
        cJSON_AddStringToObject(from, "checkpoint", query_text(&query));
        cJSON_AddNumberToObject(from, "epoch", (double)query_int(&query));
        cJSON_AddStringToObject(from, "path", query_text(&query));
        cJSON_AddStringToObject(from, "host", query_text(&query));
    }
    return query_close(&query, error) &&
           (from == NULL || view_files(store, experiment, from, error));
}
