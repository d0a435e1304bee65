#include "worker/assignment.h"

#include "core/essence.h"
#include "core/file.h"
#include "core/inside.h"
#include "core/json.h"
#include "core/shortage.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ASSIGNMENT_CONFIG_MAX = 16 << 20, ASSIGNMENT_ASIDE_MAX = 10000 };

/* The JSON in the file; NULL when it is not there or cannot be read, which the error says. */
static cJSON *read_json(const char *path, struct error *error) {
    char *data = NULL;
    size_t length = 0;
    cJSON *json = NULL;
    if (file_read(path, ASSIGNMENT_CONFIG_MAX, &data, &length, error))
        json = json_parse(data, length, path, error);
    free(data);
    return json;
}

/* Also when an earlier version wrote it, which knew fewer keys. */
static bool same_config(const char *path, const cJSON *config, struct error *error) {
    cJSON *was = read_json(path, error);
    bool same = cJSON_IsObject(was) && essence_same(was, config) &&
                cJSON_Compare(json_member(was, "name"), json_member(config, "name"), true);
    if (!same && shortage_in_trees())
        error_memory(error);
    cJSON_Delete(was);
    return same;
}

/* A member that one of them lacks counts as the same. */
static bool may_be_same(const cJSON *a, const cJSON *b, const char *key) {
    const cJSON *its = json_member(a, key), *other = json_member(b, key);
    return its == NULL || other == NULL || cJSON_Compare(its, other, true);
}

/* What a fork goes on from is the same also when its files, "file" and "best", have come to the
 * coordinator meanwhile. */
static bool same_from(const char *path, const char *text, struct error *error) {
    cJSON *is = json_parse(text, strlen(text), path, error);
    cJSON *was = is != NULL ? read_json(path, error) : NULL;
    static const char *const files[] = {"file", "best"};
    bool same = true;
    for (size_t i = 0; i < 2; i++) {
        same = same && may_be_same(was, is, files[i]);
        cJSON_DeleteItemFromObjectCaseSensitive(was, files[i]);
        cJSON_DeleteItemFromObjectCaseSensitive(is, files[i]);
    }
    same = same && cJSON_Compare(was, is, true);
    cJSON_Delete(was);
    cJSON_Delete(is);
    return same;
}

static bool set_aside(const char *path, struct error *error) {
    char *aside = NULL;
    bool ok = false;
    for (int i = 1; i <= ASSIGNMENT_ASIDE_MAX && !ok; i++) {
        struct stat status;
        free(aside);
        if (asprintf(&aside, "%s.%d", path, i) < 0)
            return error_memory(error);
        if (lstat(aside, &status) == 0)
            continue;
        ok = rename(path, aside) == 0;
        if (!ok)
            break;
    }
    if (!ok)
        error_errno(error, ERROR_FAILED, "cannot rename %s to %s", path, aside);
    free(aside);
    return ok;
}

/* What an experiment is, beside its number: its configuration, and for a fork what it goes on from,
 * as they stand in its folder. */
struct identity {
    char *config_path, *config, *from_path, *from; /* from: NULL where it is no fork */
};

static bool identity_of(const cJSON *body, const char *folder, struct identity *identity) {
    const cJSON *from = json_member(body, "from");
    identity->config = json_text(json_member(body, "config"));
    identity->from = cJSON_IsObject(from) ? json_text(from) : NULL;
    if (asprintf(&identity->config_path, "%s/experiment.json", folder) < 0)
        identity->config_path = NULL;
    if (asprintf(&identity->from_path, "%s/from.json", folder) < 0)
        identity->from_path = NULL;
    return identity->config_path != NULL && identity->from_path != NULL &&
           identity->config != NULL && (identity->from != NULL) == (bool)cJSON_IsObject(from);
}

static bool identity_matches(const struct identity *identity, const cJSON *config,
                             struct error *error) {
    return same_config(identity->config_path, config, error) &&
           (identity->from != NULL ? same_from(identity->from_path, identity->from, error)
                                   : access(identity->from_path, F_OK) != 0);
}

static bool identity_write(const struct identity *identity, struct error *error) {
    return (identity->from == NULL || file_write_atomic(identity->from_path, identity->from,
                                                        strlen(identity->from), error)) &&
           file_write_atomic(identity->config_path, identity->config, strlen(identity->config),
                             error);
}

static void identity_free(struct identity *identity) {
    free(identity->config_path);
    free(identity->config);
    free(identity->from_path);
    free(identity->from);
}

/* Makes the folder in `base`; what stands there is kept only if it is of the same experiment, and
 * unless this is the first that anybody hears of that. */
static bool folder_prepare(const char *base, const cJSON *body, bool first, char **out,
                           struct error *error) {
    const int64_t id = (int64_t)cJSON_GetNumberValue(json_member(body, "experiment"));
    struct identity identity = {0};
    struct error why = {0};
    char *path = NULL;
    bool ok = false;
    *out = NULL;
    if (asprintf(&path, "%s/experiments/%" PRId64, base, id) < 0)
        path = NULL;
    if (path == NULL || !identity_of(body, path, &identity)) {
        error_memory(error);
        goto out;
    }
    if (access(path, F_OK) == 0 &&
        (first || !identity_matches(&identity, json_member(body, "config"), &why))) {
        if (error_take_shortage(error, &why))
            goto out;
        if (!set_aside(path, error))
            goto out;
    }
    if (!folder_make(path, error) || !identity_write(&identity, error))
        goto out;
    *out = path;
    path = NULL;
    ok = true;
out:
    free(path);
    identity_free(&identity);
    return ok;
}

/* The configuration was checked when it was submitted, by a program of maybe another version. */
static bool decode_config(cJSON *config, struct experiment *experiment, struct error *error) {
    struct faults faults = {0};
    struct text text = {0};
    bool ok = experiment_from_json(config, experiment, &faults);
    if (faults.machine) {
        faults_error(&faults, error);
        faults_free(&faults);
        return error_context(error, "the configuration");
    }
    for (size_t i = 0; i < faults.count; i++)
        text_format(&text, "%s%s: %s", i > 0 ? "; " : "", faults.items[i].place,
                    faults.items[i].message);
    if (!ok)
        error_set(error, ERROR_INPUT, "this worker does not understand the configuration: %s",
                  text.data != NULL ? text.data : "out of memory");
    text_free(&text);
    faults_free(&faults);
    return ok;
}

/* With a data root an assignment may name files in that, in the weights root and in this worker's
 * own folder, and nowhere else. */
static bool may_read(const char *path, const char *what, const char *dir,
                     const struct trainer_options *options, struct error *error) {
    const char *folders[] = {options->data_root, dir, options->weights_root};
    if (options->data_root == NULL)
        return true;
    char *real = inside_resolve(path, folders, options->weights_root != NULL ? 3 : 2, what, error);
    free(real);
    return real != NULL;
}

/* What the experiment goes on from when it is a fork. */
static bool read_from(const cJSON *body, const char *dir, struct trainer_options *options,
                      struct error *error) {
    const cJSON *from = json_member(body, "from");
    if (!cJSON_IsObject(from))
        return true;
    options->from.path = cJSON_GetStringValue(json_member(from, "path"));
    options->from.host = cJSON_GetStringValue(json_member(from, "host"));
    options->from.epoch = (uint32_t)cJSON_GetNumberValue(json_member(from, "epoch"));
    const bool stored = json_member(from, "file") != NULL;
    return stored ||
           may_read(options->from.path, "the checkpoint to go on from", dir, options, error);
}

bool assignment_start(cJSON *body, const struct assignment_place *place,
                      const struct supply_source *source, const struct trainer_options *options,
                      trial_function *train, char **folder, struct trial **trial,
                      struct error *error) {
    cJSON *config = cJSON_GetObjectItemCaseSensitive(body, "config");
    const cJSON *resume = cJSON_GetObjectItemCaseSensitive(body, "resume");
    const char *dir = place->dir;
    const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(resume, "path"));
    const cJSON *stop_epoch = cJSON_GetObjectItemCaseSensitive(body, "stop_epoch");
    const cJSON *attempt = cJSON_GetObjectItemCaseSensitive(body, "attempt");
    bool first = path == NULL && cJSON_GetNumberValue(attempt) < 2;
    struct trainer_options own = *options;
    struct experiment experiment;
    *folder = NULL;
    if (!decode_config(config, &experiment, error))
        return false;
    const char *weights = experiment.model.weights;
    if ((weights != NULL && !may_read(weights, "model.weights", dir, options, error)) ||
        !read_from(body, dir, &own, error) ||
        !folder_prepare(place->folder, body, first, folder, error)) {
        experiment_free(&experiment);
        return false;
    }
    own.dir = *folder;
    own.name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "name"));
    own.stop_epoch = (uint32_t)(cJSON_IsNumber(stop_epoch) ? stop_epoch->valuedouble : 0);
    own.variant = cJSON_GetObjectItemCaseSensitive(body, "variant");
    struct error unread = {0};
    bool there = path != NULL && access(path, R_OK) == 0 &&
                 may_read(path, "the checkpoint", dir, options, &unread) &&
                 essence_of_file(path, config, &unread);
    if (!there && error_take_shortage(error, &unread)) {
        experiment_free(&experiment);
        return false;
    }
    own.resume = there ? path : NULL;
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(body, "from");
    const bool from_there = own.from.path != NULL && strcmp(own.from.host, place->host) == 0 &&
                            may_read(own.from.path, "the checkpoint", dir, options, NULL);
    const struct trial_supply supply = {.source = *source,
                                        .from = from,
                                        .from_there = from_there,
                                        .files = cJSON_GetObjectItemCaseSensitive(body, "files")};
    return trial_start(train, &experiment, &own, &supply, place->host, trial, error);
}
