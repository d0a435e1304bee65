#include "cli/data_push.h"

#include "cli/client.h"
#include "cli/experiment_file.h"
#include "cli/field.h"
#include "cli/fingerprint.h"
#include "cli/output.h"
#include "cli/waiting.h"
#include "core/array.h"
#include "core/checksums.h"
#include "core/file.h"
#include "core/json.h"
#include "core/manifest_file.h"
#include "net/shipment.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAGE_FILES = 1000, /* as messages.schema.json says */
    PATIENCE_MS = 60000,
};

struct pushing {
    struct client client;
    struct experiment experiment;
    struct split split;
    struct manifest manifest;
    char **paths;                /* absolute, of every picture */
    char **texts;                /* the listing of every class */
    struct shipment_file *files; /* what the coordinator does not have */
    size_t count, room;
    int64_t bytes; /* of those */
    struct waiting waiting;
};

/* --- what there is --- */

/* The checksums, from the manifest or from the pictures, of which a new one is made. */
static bool sum_up(struct pushing *pushing, const char *manifest, struct error *error) {
    struct manifest *here = &pushing->manifest;
    char text[80];
    if (fingerprint_checksums(manifest, pushing->experiment.data.root, here, NULL))
        return true;
    for (size_t i = 0; i < here->count; i++) {
        int64_t bytes;
        if (!sha256_path(pushing->paths[i], here->pictures[i].sha256, &bytes, error))
            return false;
        here->pictures[i].bytes = (uint64_t)bytes;
        snprintf(text, sizeof text, "%zu of %zu pictures read\n", i + 1, here->count);
        waiting_tell(&pushing->waiting, text);
    }
    return manifest_write(manifest, here, error);
}

static bool look(struct pushing *pushing, const char *file, const struct member *member,
                 const char *manifest, struct error *error) {
    struct experiment *experiment = &pushing->experiment;
    char *path = NULL;
    if (!experiment_decode(member, experiment, error) ||
        !experiment_file_split(file, experiment, &pushing->split, error) ||
        !manifest_of_split(&pushing->split, &pushing->manifest, error))
        return false;
    pushing->paths = calloc(pushing->manifest.count + 1, sizeof *pushing->paths);
    pushing->texts = calloc(pushing->manifest.class_count + 1, sizeof *pushing->texts);
    if (pushing->paths == NULL || pushing->texts == NULL)
        return error_memory(error);
    for (size_t i = 0; i < pushing->manifest.count; i++)
        if (asprintf(&pushing->paths[i], "%s/%s", experiment->data.root,
                     pushing->manifest.pictures[i].path) < 0) {
            pushing->paths[i] = NULL;
            return error_memory(error);
        }
    if (manifest == NULL && asprintf(&path, "%s/" MANIFEST_NAME, experiment->data.root) < 0)
        return error_memory(error);
    bool good = sum_up(pushing, manifest != NULL ? manifest : path, error);
    free(path);
    return good;
}

/* --- what is missing --- */

static bool add_file(struct pushing *pushing, const struct shipment_file *file,
                     struct error *error) {
    struct shipment_file *files =
        array_room(pushing->files, pushing->count + 1, &pushing->room, sizeof *files);
    if (files == NULL)
        return error_memory(error);
    pushing->files = files;
    pushing->files[pushing->count++] = *file;
    return true;
}

/* Says what the listing has, and adds what of it the coordinator does not have. */
static bool push_page(struct pushing *pushing, const char *listing, const char *name,
                      const struct shipment_file *files, size_t count, struct error *error) {
    cJSON *answer, *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "listing", listing);
    cJSON_AddStringToObject(body, "name", name);
    cJSON *array = cJSON_AddArrayToObject(body, "files");
    for (size_t i = 0; i < count; i++) {
        cJSON *file = cJSON_CreateObject();
        cJSON_AddStringToObject(file, "sha256", files[i].sha256);
        cJSON_AddNumberToObject(file, "bytes", (double)files[i].bytes);
        cJSON_AddItemToArray(array, file);
    }
    if (!client_ask(&pushing->client, "push", body, "missing", &answer, error))
        return false;
    bool good = true;
    size_t i = 0;
    const cJSON *missing; /* in the order of what was asked */
    cJSON_ArrayForEach(missing, field_at(answer, "files")) {
        while (i < count && strcmp(files[i].sha256, field_text(missing, "sha256", "")) != 0)
            i++;
        good = good &&
               (i < count ||
                error_set(error, ERROR_FAILED,
                          "the coordinator misses a file of %s that is not in it", name)) &&
               add_file(pushing, &files[i++], error);
    }
    cJSON_Delete(answer);
    return good;
}

static bool push_pages(struct pushing *pushing, const char *listing, const char *name,
                       const struct shipment_file *files, size_t count, struct error *error) {
    bool good = true;
    for (size_t first = 0; first < count && good; first += PAGE_FILES) {
        size_t page = count - first < PAGE_FILES ? count - first : PAGE_FILES;
        good = push_page(pushing, listing, name, files + first, page, error);
    }
    return good;
}

static int compare_sums(const void *a, const void *b) {
    return strcmp(((const struct shipment_file *)a)->sha256,
                  ((const struct shipment_file *)b)->sha256);
}

/* Sorts them and leaves of those with one content the first. Returns how many there are then. */
static size_t unique(struct shipment_file *files, size_t count) {
    size_t kept = 0;
    if (count > 0)
        qsort(files, count, sizeof *files, compare_sums);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_sums(&files[i], &files[kept - 1]) != 0)
            files[kept++] = files[i];
    return kept;
}

/* A listing has a line a picture. */
static bool names_fit(const struct manifest *manifest, const struct manifest_class *class,
                      struct error *error) {
    for (size_t i = class->first; i < class->first + class->count; i++)
        if (strchr(manifest->pictures[i].path, '\n') != NULL)
            return error_set(error, ERROR_INPUT,
                             "%s: a name with a line feed cannot be pushed; rename it",
                             manifest->pictures[i].path);
    return true;
}

/* A class: its listing first, then its pictures. */
static bool push_class(struct pushing *pushing, size_t index, struct error *error) {
    const struct manifest_class *class = &pushing->manifest.classes[index];
    struct manifest again;
    size_t length = 0;
    char *text = pushing->texts[index] = checksums_text(&pushing->manifest, class, &length);
    struct shipment_file *files = calloc(class->count + 1, sizeof *files);
    if (text == NULL || files == NULL) {
        free(files);
        return error_memory(error);
    }
    files[0] = (struct shipment_file){.path = class->name, .text = text, .bytes = (int64_t)length};
    sha256_text(text, length, files[0].sha256);
    bool good = names_fit(&pushing->manifest, class, error) &&
                (class->count == 0 || checksums_read(text, length, class->name, &again, error));
    if (good && class->count > 0)
        manifest_free(&again);
    for (size_t i = 0; i < class->count && good; i++) {
        const struct manifest_picture *picture = &pushing->manifest.pictures[class->first + i];
        struct shipment_file *file = &files[i + 1];
        file->path = pushing->paths[class->first + i];
        file->bytes = (int64_t)picture->bytes;
        memcpy(file->sha256, picture->sha256, sizeof file->sha256);
        good = file->bytes > 0 || error_set(error, ERROR_INPUT, "%s is empty", file->path);
    }
    good = good && (class->count == 0 || push_pages(pushing, files[0].sha256, class->name, files,
                                                    1 + unique(files + 1, class->count), error));
    free(files);
    return good;
}

static bool push_lists(struct pushing *pushing, struct error *error) {
    const char *const lists[] = {pushing->experiment.data.files.train,
                                 pushing->experiment.data.files.valid,
                                 pushing->experiment.data.files.test};
    for (size_t i = 0; i < 3 && lists[i] != NULL; i++) {
        struct shipment_file file = {.path = lists[i]};
        const char *slash = strrchr(lists[i], '/'), *name = slash != NULL ? slash + 1 : lists[i];
        if (!sha256_path(lists[i], file.sha256, &file.bytes, error) ||
            !push_page(pushing, file.sha256, name, &file, 1, error))
            return false;
    }
    return true;
}

/* --- all of it --- */

static void on_progress(void *context, size_t files, int64_t bytes) {
    struct pushing *pushing = context;
    char text[160], done[FORMAT_SIZE], all[FORMAT_SIZE];
    snprintf(text, sizeof text, "%zu of %zu files sent, %s of %s\n", files, pushing->count,
             format_bytes(done, (uint64_t)bytes), format_bytes(all, (uint64_t)pushing->bytes));
    waiting_tell(&pushing->waiting, text);
}

static bool push(struct pushing *pushing, struct error *error) {
    bool good = true;
    for (size_t c = 0; c < pushing->manifest.class_count && good; c++)
        good = push_class(pushing, c, error);
    if (!good || !push_lists(pushing, error))
        return false;
    pushing->count = unique(pushing->files, pushing->count); /* of several classes */
    for (size_t i = 0; i < pushing->count; i++)
        pushing->bytes += pushing->files[i].bytes;
    const struct shipment shipment = {.dealer = pushing->client.dealer,
                                      .files = pushing->files,
                                      .count = pushing->count,
                                      .patience_ms = PATIENCE_MS,
                                      .progress = on_progress,
                                      .context = pushing};
    return shipment_send(&shipment, error);
}

static bool print(const struct pushing *pushing, bool json) {
    const char *root = pushing->experiment.data.root;
    char all[FORMAT_SIZE], sent[FORMAT_SIZE];
    uint64_t bytes = 0;
    for (size_t i = 0; i < pushing->manifest.count; i++)
        bytes += pushing->manifest.pictures[i].bytes;
    if (!json) {
        printf("%s: %zu pictures, %s; sent %zu file%s, %s\n", root, pushing->manifest.count,
               format_bytes(all, bytes), pushing->count, pushing->count == 1 ? "" : "s",
               format_bytes(sent, (uint64_t)pushing->bytes));
        return true;
    }
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "root", root);
    cJSON_AddNumberToObject(document, "pictures", (double)pushing->manifest.count);
    cJSON_AddNumberToObject(document, "bytes", (double)bytes);
    cJSON_AddNumberToObject(document, "sent_files", (double)pushing->count);
    cJSON_AddNumberToObject(document, "sent_bytes", (double)pushing->bytes);
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

static void pushing_free(struct pushing *pushing) {
    for (size_t i = 0; pushing->paths != NULL && i < pushing->manifest.count; i++)
        free(pushing->paths[i]);
    for (size_t c = 0; pushing->texts != NULL && c < pushing->manifest.class_count; c++)
        free(pushing->texts[c]);
    free(pushing->paths);
    free(pushing->texts);
    free(pushing->files);
    manifest_free(&pushing->manifest);
    split_free(&pushing->split);
    experiment_free(&pushing->experiment);
    client_close(&pushing->client);
}

int data_push(const struct command_input *input, const char *file, const struct member *member,
              const char *manifest) {
    struct pushing pushing = {.waiting = waiting_begin()};
    struct error error = {0};
    bool good = look(&pushing, file, member, manifest, &error) &&
                client_open(input, &pushing.client, &error) && push(&pushing, &error);
    waiting_end(&pushing.waiting);
    int status = !good ? command_fail(&error) : print(&pushing, input->json) ? 0 : ERROR_FAILED;
    pushing_free(&pushing);
    return status;
}
