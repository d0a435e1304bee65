#include "coordinator/fork.h"

#include "coordinator/query.h"
#include "core/fork.h"
#include "core/json.h"

#include <stdio.h>
#include <stdlib.h>
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
        error_set(error, ERROR_INPUT, "there is no experiment %lld", (long long)id);
    return NULL;
}

/* Of an epoch its own file first: best and last are written over. */
static bool find_checkpoint(struct store *store, struct fork *fork, struct error *error) {
    struct query query;
    bool found = false;
    query_open(&query, store,
               "SELECT epoch, path, host FROM checkpoint WHERE experiment = ?1"
               " AND (kind = ?2 OR CAST(epoch AS TEXT) = ?2)"
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
    return found || error_set(error, ERROR_INPUT,
                              "experiment %lld has no checkpoint %s; assay show %lld lists those "
                              "it has",
                              (long long)fork->source, fork->checkpoint, (long long)fork->source);
}

bool fork_find(struct store *store, const cJSON *from, const cJSON *config, struct fork *fork,
               struct error *error) {
    *fork = (struct fork){.source = (int64_t)json_member(from, "experiment")->valuedouble};
    snprintf(fork->checkpoint, sizeof fork->checkpoint, "%s",
             json_member(from, "checkpoint")->valuestring);
    cJSON *its = config_of(store, fork->source, error);
    bool good =
        its != NULL && find_checkpoint(store, fork, error) &&
        (fork_check(its, config, (uint32_t)fork->epoch, error) ||
         error_context(error, "experiment %lld@%s", (long long)fork->source, fork->checkpoint));
    cJSON_Delete(its);
    return good;
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
    return query_run(&query, error);
}

bool fork_view(struct store *store, int64_t experiment, cJSON *object, struct error *error) {
    struct query query;
    query_open(&query, store,
               "SELECT source, checkpoint, epoch, path, host FROM fork WHERE experiment = ?");
    query_bind_int(&query, experiment);
    if (query_next(&query)) {
        cJSON *from = cJSON_AddObjectToObject(object, "from");
        cJSON_AddNumberToObject(from, "experiment", (double)query_int(&query));
        cJSON_AddStringToObject(from, "checkpoint", query_text(&query));
        cJSON_AddNumberToObject(from, "epoch", (double)query_int(&query));
        cJSON_AddStringToObject(from, "path", query_text(&query));
        cJSON_AddStringToObject(from, "host", query_text(&query));
    }
    return query_close(&query, error);
}
