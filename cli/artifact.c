#include "cli/artifact.h"

#include "cli/field.h"
#include "cli/waiting.h"
#include "core/essence.h"
#include "core/file.h"
#include "core/format.h"
#include "core/home.h"
#include "core/safetensors.h"
#include "core/sha256.h"
#include "core/text.h"
#include "net/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5 };

/* The one that `which` means; an epoch's may be best or last as well as a file of its own, which
 * comes first: it is not written over. */
static const cJSON *find(const cJSON *array, const char *which) {
    const cJSON *item, *found = NULL;
    long long epoch = 0;
    bool number = options_number(which, 1, UINT32_MAX, &epoch);
    cJSON_ArrayForEach(item, array) {
        const char *kind = field_text(item, "kind", "");
        bool meant =
            number ? (long long)field_number(item, "epoch", 0) == epoch : strcmp(kind, which) == 0;
        if (meant && strcmp(field_text(found, "kind", ""), "epoch") != 0)
            found = item;
    }
    return found;
}

struct bringing {
    const char *name;
    int64_t bytes;
    struct waiting waiting;
};

/* fetch_file's go_on. */
static bool tell(void *context, int64_t bytes_there) {
    struct bringing *bringing = context;
    struct text line = {0};
    char there[FORMAT_SIZE], all[FORMAT_SIZE];
    text_format(&line, "Fetching %s: %s of %s\n", bringing->name,
                format_bytes(there, (uint64_t)bytes_there),
                format_bytes(all, (uint64_t)bringing->bytes));
    waiting_tell(&bringing->waiting, text_string(&line));
    text_free(&line);
    return true;
}

static bool fetch(struct client *client, const cJSON *artifact, const char *path,
                  struct error *error) {
    struct bringing bringing = {.name = field_text(artifact, "name", "?"),
                                .bytes = (int64_t)field_number(artifact, "bytes", 0),
                                .waiting = waiting_begin()};
    struct fetch request = {.sha256 = field_text(artifact, "sha256", ""),
                            .bytes = bringing.bytes,
                            .path = path,
                            .timeout_ms = client->timeout_ms,
                            .go_on = tell,
                            .context = &bringing};
    bool good = false;
    for (; request.late < TRIES && !good; request.late++) {
        good = fetch_file(client->dealer, &request, error);
        if (!good && error->code != ERROR_UNREACHABLE)
            break;
    }
    waiting_end(&bringing.waiting);
    return good || error_context(error, "cannot fetch %s", bringing.name);
}

/* Whether it was brought before, and is still what it was then. */
static bool is_brought(const char *path, const char *sha256) {
    char sum[SHA256_TEXT_SIZE];
    return access(path, R_OK) == 0 && sha256_path(path, sum, NULL, NULL) &&
           strcmp(sum, sha256) == 0;
}

/* One program at a time: several would add to the same part of the file. Where no lock is to be had
 * (a network's file system) they are not kept apart. */
static bool fetch_alone(struct client *client, const cJSON *artifact, const char *path,
                        struct error *error) {
    char *name = NULL;
    if (asprintf(&name, "%s.lock", path) < 0)
        return error_memory(error);
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock >= 0)
        file_lock(lock);
    bool good = is_brought(path, field_text(artifact, "sha256", "")) || /* by the one before */
                fetch(client, artifact, path, error);
    if (lock >= 0)
        close(lock);
    free(name);
    return good;
}

/* Brings the artifact here unless it was brought before. */
static bool bring(struct client *client, const cJSON *artifact, char path[PATH_MAX],
                  struct error *error) {
    struct text text = {0};
    const char *sha256 = field_text(artifact, "sha256", ""),
               *name = field_text(artifact, "name", "");
    bool good = sha256_valid(sha256) && name[0] != '.' && strchr(name, '/') == NULL;
    if (!good)
        return error_set(error, ERROR_FAILED, "the coordinator names a file that cannot be");
    char *fetched = home_path("fetched", error);
    if (fetched == NULL)
        return false;
    text_format(&text, "%s/%s", fetched, sha256);
    good = !text.failed && snprintf(path, PATH_MAX, "%s/%s", text_string(&text), name) < PATH_MAX;
    if (!good)
        error_set(error, ERROR_INPUT, "%s: the name is too long", fetched);
    good = good && folder_make(text_string(&text), error) &&
           (is_brought(path, sha256) || fetch_alone(client, artifact, path, error));
    text_free(&text);
    free(fetched);
    return good;
}

/* "best" and "last" are written over: whoever asks for an epoch is not given a later one. */
static bool is_of_epoch(const char *path, long long epoch, struct error *unread) {
    struct safetensors *file = NULL;
    char number[24];
    if (!safetensors_open_head(path, &file, unread))
        return false;
    const char *its = safetensors_metadata(file, "epoch");
    snprintf(number, sizeof number, "%lld", epoch);
    bool same = its != NULL && strcmp(its, number) == 0;
    safetensors_close(file);
    return same;
}

/* Whether the file where the worker wrote the checkpoint can be taken for it: at that path of this
 * machine there may be another experiment's. What has not come to the coordinator yet is known by
 * its config, and by its epoch where that is what `which` means. The error says why a file that is
 * there could not be looked at. */
static bool stands_here(const cJSON *experiment, const char *which, const cJSON *checkpoint,
                        const cJSON *artifact, struct error *unread) {
    long long epoch;
    const char *local = field_text(checkpoint, "path", "");
    char sum[SHA256_TEXT_SIZE];
    if (access(local, R_OK) != 0)
        return false;
    if (artifact == NULL ||
        field_number(artifact, "epoch", 0) < field_number(checkpoint, "epoch", 0))
        return essence_of_file(local, field_at(experiment, "config"), unread) &&
               (!options_number(which, 1, UINT32_MAX, &epoch) || is_of_epoch(local, epoch, unread));
    return sha256_path(local, sum, NULL, unread) &&
           strcmp(sum, field_text(artifact, "sha256", "")) == 0;
}

bool artifact_path(struct client *client, const cJSON *experiment, const char *which,
                   char path[PATH_MAX], struct error *error) {
    const cJSON *checkpoint = find(field_at(experiment, "checkpoints"), which);
    const cJSON *artifact = find(field_at(experiment, "artifacts"), which);
    const char *local = field_text(checkpoint, "path", "");
    double id = field_number(experiment, "id", 0);
    if (checkpoint == NULL && artifact == NULL)
        return error_set(error, ERROR_INPUT,
                         "experiment %.0f has no checkpoint %s; assay show %.0f lists those it has",
                         id, which, id);
    struct error unread = {0};
    if (stands_here(experiment, which, checkpoint, artifact, &unread) &&
        snprintf(path, PATH_MAX, "%s", local) < PATH_MAX)
        return true;
    if (artifact == NULL && error_take_shortage(error, &unread))
        return false;
    if (artifact != NULL)
        return bring(client, artifact, path, error);
    if (access(local, R_OK) == 0)
        return error_set(error, ERROR_FAILED,
                         "%s is another checkpoint by now, and this one was not sent to the "
                         "coordinator",
                         local);
    return error_set(error, ERROR_FAILED,
                     "the checkpoint %s is on %s, not on this machine, and was not sent to the "
                     "coordinator",
                     local, field_text(checkpoint, "host", "?"));
}

bool artifact_which(const char *which) {
    long long epoch;
    return strcmp(which, "best") == 0 || strcmp(which, "last") == 0 ||
           options_number(which, 1, UINT32_MAX, &epoch);
}

/* The checkpoint of the one experiment that `name` stands for. */
static bool of_experiment(const struct command_input *input, char *name, const char *which,
                          char path[PATH_MAX], struct error *error) {
    struct client client = {0};
    cJSON *experiments = NULL, *selection;
    char digits[24], *words[] = {digits};
    long long id;
    bool good = client_open(input, &client, error) && client_resolve_one(&client, name, &id, error);
    if (good) {
        snprintf(digits, sizeof digits, "%lld", id);
        selection = client_selection(words, 1, error);
        good = selection != NULL &&
               client_experiments(&client, "show", selection, &experiments, error) &&
               artifact_path(&client, experiments->child, which, path, error);
    }
    cJSON_Delete(experiments);
    client_close(&client);
    return good;
}

bool artifact_of_word(const struct command_input *input, const char *word, char path[PATH_MAX],
                      struct error *error) {
    const char *at = strrchr(word, '@');
    const bool here = access(word, F_OK) == 0, absent = !here && errno == ENOENT;
    if (here || at == NULL || at == word || !artifact_which(at + 1)) {
        if (absent)
            return error_set(error, ERROR_INPUT,
                             "%s: No such file or directory; a checkpoint of an experiment is "
                             "ID@best, ID@last or ID@EPOCH",
                             word);
        return snprintf(path, PATH_MAX, "%s", word) < PATH_MAX ||
               error_set(error, ERROR_INPUT, "%s: the name is too long", word);
    }
    char *name = strndup(word, (size_t)(at - word));
    bool good =
        name != NULL ? of_experiment(input, name, at + 1, path, error) : error_memory(error);
    free(name);
    return good;
}
