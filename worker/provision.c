#include "worker/provision.h"

#include "core/checksums.h"
#include "core/file.h"
#include "core/json.h"
#include "core/manifest_fingerprint.h"
#include "core/text.h"
#include "net/gather.h"
#include "worker/fetching.h"
#include "worker/hashes.h"
#include "worker/pictures.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTING_BYTES_MAX = 256 << 20, ASLEEP_MS = 200 };

/* One data set on its way into the cache. */
struct bringing {
    const struct supply_source *source;
    struct fetching fetching; /* its bytes: of the whole set */
    const cJSON *fingerprint;
    struct data_cache *cache;
    struct data_hold *hold;
    struct dealer *dealer;
    struct manifest *classes; /* the listing of each */
    size_t class_count;
    const char **sums; /* contents that are to be fetched: pictures sorted, each once */
    const struct manifest_picture **pictures; /* of which each is the first of its content */
    size_t count;
    int64_t bytes_there;
    bool listed;
};

static bool go_on(void *context, int64_t bytes) {
    struct bringing *bringing = context;
    return fetching_go_on(&bringing->fetching, bringing->bytes_there + bytes);
}

/* --- what the set is called --- */

/* The SHA-256 of the fingerprint's own, a line each. "" when it is none; false without memory. */
static bool set_id(const cJSON *fingerprint, char id[SHA256_TEXT_SIZE], struct error *error) {
    struct text lines = {0};
    const cJSON *class;
    bool good = true;
    cJSON_ArrayForEach(class, json_member(fingerprint, "classes")) {
        const char *sha256 = json_string(class, "sha256");
        good = good && sha256 != NULL && sha256_valid(sha256);
        text_format(&lines, "%s\n", good ? sha256 : "");
    }
    for (size_t i = 0; i < MANIFEST_LISTS; i++) {
        const char *sha256 = json_string(json_member(fingerprint, "lists"), manifest_lists[i]);
        good = good && (sha256 == NULL || sha256_valid(sha256));
        text_format(&lines, "%s\n", good && sha256 != NULL ? sha256 : "-");
    }
    const bool made = !lines.failed || error_memory(error);
    id[0] = '\0';
    if (good && made)
        sha256_text(text_string(&lines), lines.length, id);
    text_free(&lines);
    return made;
}

/* --- listings and lists --- */

/* Files that stand in the set by names of their own. */
struct named {
    struct bringing *bringing;
    const char *sums[MANIFEST_LISTS];
    char names[MANIFEST_LISTS][SHA256_TEXT_SIZE + 16];
};

static bool keep_named(void *context, size_t index, const char *part, struct error *error) {
    struct named *named = context;
    const struct bringing *bringing = named->bringing;
    return data_cache_keep(bringing->cache, part, named->sums[index], error) &&
           data_cache_link(bringing->cache, bringing->hold, named->sums[index], named->names[index],
                           error);
}

static bool go_on_named(void *context, int64_t bytes) {
    (void)bytes;
    return go_on(((struct named *)context)->bringing, 0);
}

/* Fetches what of them is not there. */
static bool bring_named(struct named *named, size_t count, struct error *error) {
    const struct bringing *bringing = named->bringing;
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        bool there;
        int64_t bytes;
        if (!data_cache_take(bringing->cache, bringing->hold, named->sums[i], named->names[i],
                             &there, &bytes, error))
            return false;
        if (there)
            continue;
        named->sums[wanted] = named->sums[i];
        if (wanted != i)
            memcpy(named->names[wanted], named->names[i], sizeof named->names[i]);
        wanted++;
    }
    const struct gather gather = {.dealer = bringing->dealer,
                                  .sums = named->sums,
                                  .count = wanted,
                                  .folder = data_cache_incoming(bringing->cache),
                                  .most_bytes = LISTING_BYTES_MAX,
                                  .keep = keep_named,
                                  .go_on = go_on_named,
                                  .context = named};
    return gather_files(&gather, error);
}

static bool read_listing(struct bringing *bringing, const struct named *named,
                         struct manifest *listing, struct error *error) {
    char path[PATH_MAX], *text = NULL;
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", bringing->hold->path, named->names[0]);
    bool good = file_read(path, LISTING_BYTES_MAX, &text, &length, error) &&
                checksums_read(text, length, named->names[0], listing, error);
    free(text);
    return good;
}

/* What the fingerprint has the classes be. Whether the first of them is with the coordinator says
 * whether anybody has pushed this set. */
static bool bring_listings(struct bringing *bringing, struct error *error) {
    const cJSON *classes = json_member(bringing->fingerprint, "classes"), *class;
    bringing->classes = calloc((size_t)cJSON_GetArraySize(classes) + 1, sizeof(struct manifest));
    if (bringing->classes == NULL)
        return error_memory(error);
    cJSON_ArrayForEach(class, classes) {
        struct named named = {.bringing = bringing};
        named.sums[0] = json_member(class, "sha256")->valuestring;
        if (cJSON_GetNumberValue(json_member(class, "pictures")) < 1)
            continue;
        snprintf(named.names[0], sizeof named.names[0], "listings/%s", named.sums[0]);
        if (!bring_named(&named, 1, error))
            return false;
        bringing->listed = true;
        if (!read_listing(bringing, &named, &bringing->classes[bringing->class_count], error))
            return false;
        bringing->class_count++;
        bringing->fetching.bytes += (int64_t)cJSON_GetNumberValue(json_member(class, "bytes"));
    }
    return true;
}

static bool bring_lists(struct bringing *bringing, struct error *error) {
    struct named named = {.bringing = bringing};
    size_t count = 0;
    for (size_t i = 0; i < MANIFEST_LISTS; i++) {
        const char *sha256 =
            json_string(json_member(bringing->fingerprint, "lists"), manifest_lists[i]);
        if (sha256 == NULL)
            continue;
        named.sums[count] = sha256;
        snprintf(named.names[count++], sizeof named.names[0], "lists/%s.json", manifest_lists[i]);
    }
    return bring_named(&named, count, error);
}

/* --- pictures --- */

static int compare_sums(const void *a, const void *b) {
    return strcmp((*(const struct manifest_picture *const *)a)->sha256,
                  (*(const struct manifest_picture *const *)b)->sha256);
}

/* The name in the set of what stands at `path` below data.root; the caller frees. */
static char *name_of(const char *path, struct error *error) {
    char *name = NULL;
    if (asprintf(&name, "root/%s", path) >= 0)
        return name;
    error_memory(error);
    return NULL;
}

/* Links the pictures of which the cache has the content; leaves the others, sorted. */
static bool take_pictures(struct bringing *bringing, struct error *error) {
    size_t total = 0;
    for (size_t c = 0; c < bringing->class_count; c++)
        total += bringing->classes[c].count;
    bringing->pictures = calloc(total + 1, sizeof *bringing->pictures);
    bringing->sums = calloc(total + 1, sizeof *bringing->sums);
    if (bringing->pictures == NULL || bringing->sums == NULL)
        return error_memory(error);
    for (size_t c = 0; c < bringing->class_count; c++)
        for (size_t i = 0; i < bringing->classes[c].count; i++) {
            const struct manifest_picture *picture = &bringing->classes[c].pictures[i];
            char *name = name_of(picture->path, error);
            bool there = false;
            int64_t bytes = 0;
            bool good = name != NULL && go_on(bringing, 0) &&
                        data_cache_take(bringing->cache, bringing->hold, picture->sha256, name,
                                        &there, &bytes, error);
            free(name);
            if (!good)
                return false;
            if (there)
                bringing->bytes_there += bytes;
            else
                bringing->pictures[bringing->count++] = picture;
        }
    qsort(bringing->pictures, bringing->count, sizeof *bringing->pictures, compare_sums);
    return true;
}

/* Every path of the content at `index` of the sums. */
static bool keep_picture(void *context, size_t index, const char *part, struct error *error) {
    struct bringing *bringing = context;
    const char *sha256 = bringing->sums[index];
    struct manifest_picture key_picture = {0};
    const struct manifest_picture *key = &key_picture, **found;
    memcpy(key_picture.sha256, sha256, SHA256_TEXT_SIZE);
    found = bsearch(&key, bringing->pictures, bringing->count, sizeof *bringing->pictures,
                    compare_sums);
    while (found > bringing->pictures && strcmp(found[-1]->sha256, sha256) == 0)
        found--;
    bool good = data_cache_keep(bringing->cache, part, sha256, error);
    for (; good && found < bringing->pictures + bringing->count &&
           strcmp((*found)->sha256, sha256) == 0;
         found++) {
        char *name = name_of((*found)->path, error);
        good =
            name != NULL && data_cache_link(bringing->cache, bringing->hold, sha256, name, error);
        free(name);
    }
    return good;
}

static bool fetch_pictures(struct bringing *bringing, struct error *error) {
    const int64_t left = bringing->fetching.bytes - bringing->bytes_there;
    size_t sums = 0;
    for (size_t i = 0; i < bringing->count; i++)
        if (i == 0 || strcmp(bringing->pictures[i]->sha256, bringing->sums[sums - 1]) != 0)
            bringing->sums[sums++] = bringing->pictures[i]->sha256;
    const struct gather gather = {.dealer = bringing->dealer,
                                  .sums = bringing->sums,
                                  .count = sums,
                                  .folder = data_cache_incoming(bringing->cache),
                                  .most_bytes = left > 0 ? left : 0,
                                  .keep = keep_picture,
                                  .go_on = go_on,
                                  .context = bringing};
    return data_cache_room(bringing->cache, bringing->hold, gather.most_bytes, error) &&
           gather_files(&gather, error);
}

/* --- the set --- */

/* Waits for another process that fills, which may be bringing this very set. */
static bool wait_to_fill(struct bringing *bringing, int *lock, struct error *error) {
    while (data_cache_fill(bringing->cache, lock, error)) {
        if (*lock >= 0)
            return true;
        if (!go_on(bringing, 0))
            return error_set(error, ERROR_FAILED, "stopped");
        usleep(ASLEEP_MS * 1000);
    }
    return false;
}

/* `anew`: it was whole, and is not any more. */
static bool bring_set(struct bringing *bringing, const char *id, bool anew, struct error *error) {
    int lock = -1;
    if (!anew &&
        (!data_cache_hold(bringing->cache, id, bringing->hold, error) || bringing->hold->whole))
        return bringing->hold->whole;
    data_hold_release(bringing->hold);
    bool good = wait_to_fill(bringing, &lock, error) &&
                data_cache_hold(bringing->cache, id, bringing->hold, error) &&
                (!anew || data_cache_doubt(bringing->hold, error));
    if (good && !bringing->hold->whole)
        good = supply_connect(bringing->source, &bringing->dealer, error) &&
               bring_listings(bringing, error) && bring_lists(bringing, error) &&
               take_pictures(bringing, error) && fetch_pictures(bringing, error) &&
               data_cache_finish(bringing->cache, bringing->hold, error);
    if (lock >= 0)
        close(lock);
    return good;
}

static void bringing_free(struct bringing *bringing) {
    for (size_t c = 0; bringing->classes != NULL && c < bringing->class_count; c++)
        manifest_free(&bringing->classes[c]);
    free(bringing->classes);
    free(bringing->sums);
    free(bringing->pictures);
    dealer_close(bringing->dealer);
    data_cache_close(bringing->cache);
}

/* --- the experiment's paths --- */

static bool point_to(char **path, const char *set, const char *name, struct error *error) {
    char *made = NULL;
    if (asprintf(&made, "%s/%s", set, name) < 0)
        return error_memory(error);
    free(*path);
    *path = made;
    return true;
}

static bool point_into(struct experiment *experiment, struct trainer_options *options,
                       const char *set, struct error *error) {
    bool lists = experiment->data.files.train != NULL;
    options->data_root = set;
    return point_to(&experiment->data.root, set, "root", error) &&
           (!lists || (point_to(&experiment->data.files.train, set, "lists/train.json", error) &&
                       point_to(&experiment->data.files.valid, set, "lists/valid.json", error) &&
                       point_to(&experiment->data.files.test, set, "lists/test.json", error)));
}

/* *here: data.root has these pictures, or what is wrong with it is nothing that fetching mends.
 * False where this machine lacks what it takes to find out. */
static bool find_here(const struct experiment *experiment, const struct trainer_options *options,
                      const struct trainer_events *events, bool *here, bool *stopped,
                      struct error *error) {
    struct split split = {0};
    struct error why = {0};
    char *root = NULL;
    bool found = pictures_find(experiment, options, events, &root, &split, stopped, &why);
    free(root);
    split_free(&split);
    *here = found || (!*stopped && why.code != ERROR_INPUT);
    return found || !error_take_shortage(error, &why);
}

/* Of a set that was there: who cleans up a disk may have taken files, and disks fail. */
static bool mend_set(struct bringing *bringing, const char *id, struct experiment *experiment,
                     struct trainer_options *options, struct error *error) {
    bool here = false;
    bringing->listed = true; /* when it was fetched */
    if (!find_here(experiment, options, bringing->fetching.events, &here,
                   &bringing->fetching.stopped, error) ||
        bringing->fetching.stopped)
        return false;
    return here || (bring_set(bringing, id, true, error) &&
                    point_into(experiment, options, bringing->hold->path, error));
}

enum provision_outcome provision_bring(const struct supply_source *source,
                                       struct experiment *experiment,
                                       struct trainer_options *options,
                                       const struct trainer_events *events,
                                       struct provision *provision, struct error *error) {
    const cJSON *fingerprint = json_member(json_member(experiment->config, "data"), "fingerprint");
    struct bringing bringing = {.source = source,
                                .fetching = {.events = events},
                                .fingerprint = fingerprint,
                                .hold = &provision->hold};
    char id[SHA256_TEXT_SIZE];
    struct error why = {0};
    bool here = false;
    if (fingerprint == NULL || source->data_cache == NULL || source->data_cache_bytes == 0)
        return PROVISION_READY;
    if (!set_id(fingerprint, id, error))
        return PROVISION_FAILED;
    if (id[0] == '\0')
        return PROVISION_READY;
    if (!find_here(experiment, options, events, &here, &bringing.fetching.stopped, error))
        return PROVISION_FAILED;
    provision->right = here;
    if (here || bringing.fetching.stopped)
        return bringing.fetching.stopped ? PROVISION_STOPPED : PROVISION_READY;
    bool good =
        data_cache_open(source->data_cache, source->data_cache_bytes, &bringing.cache, &why) &&
        bring_set(&bringing, id, false, &why) &&
        point_into(experiment, options, provision->hold.path, &why) &&
        (bringing.dealer != NULL || mend_set(&bringing, id, experiment, options, &why));
    bringing_free(&bringing);
    provision->right = good;
    if (good)
        return PROVISION_READY;
    provision_end(provision);
    if (bringing.fetching.stopped)
        return PROVISION_STOPPED;
    if (why.code == ERROR_INPUT && !bringing.listed)
        return PROVISION_READY; /* nobody has pushed it: the trainer says what data.root lacks */
    error_machine(error, "cannot fetch the pictures: %s", why.message);
    return PROVISION_FAILED;
}

/* Every picture is read: what is remembered of one does not tell that the disk has changed it. */
void provision_blame(const struct provision *provision, const struct experiment *experiment,
                     const struct trainer_options *options, const struct trainer_events *events,
                     bool *stopped, struct error *error) {
    struct trainer_options reading = *options;
    bool here = true;
    *stopped = false;
    reading.hashes = NULL;
    if (!provision->right || error->code != ERROR_INPUT ||
        !find_here(experiment, &reading, events, &here, stopped, error) || here || *stopped)
        return;
    if (options->hashes != NULL)
        hashes_forget(options->hashes);
    error->code = ERROR_FAILED;
    error->cause = CAUSE_MACHINE;
    error_context(error, "the pictures have changed since the run began");
}

void provision_end(struct provision *provision) {
    data_hold_release(&provision->hold);
}
