#include "coordinator/page_compare.h"

#include "compare/comparison.h"
#include "core/json.h"
#include "core/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 8 };

/* A comparison that was made: of which selection, what its experiments were, and what it said, or
 * that it was too much. */
struct kept {
    char *selection, *members;
    char *document;       /* NULL: it was too much */
    struct error refused; /* then */
    unsigned long used;   /* when last, by the count of uses */
};

struct page_compare {
    pthread_mutex_t lock; /* guards all below; held over no question and no comparison */
    pthread_cond_t left;
    bool busy; /* somebody makes one */
    unsigned long uses;
    struct kept kept[KEPT_MAX];
};

bool page_compare_open(struct page_compare **compare, struct error *error) {
    struct page_compare *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "no memory for comparisons");
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->left, NULL);
    *compare = made;
    return true;
}

static void forget(struct kept *kept) {
    free(kept->selection);
    free(kept->members);
    free(kept->document);
    *kept = (struct kept){0};
}

void page_compare_close(struct page_compare *compare) {
    if (compare == NULL)
        return;
    for (size_t i = 0; i < KEPT_MAX; i++)
        forget(&compare->kept[i]);
    pthread_mutex_destroy(&compare->lock);
    pthread_cond_destroy(&compare->left);
    free(compare);
}

/* --- what is kept --- */

/* Under the lock. */
static struct kept *find(struct page_compare *compare, const char *selection) {
    for (size_t i = 0; i < KEPT_MAX; i++)
        if (compare->kept[i].selection != NULL &&
            strcmp(compare->kept[i].selection, selection) == 0)
            return &compare->kept[i];
    return NULL;
}

/* The place of what it was, else that of what was used longest ago, or never. */
static struct kept *place_for(struct page_compare *compare, const char *selection) {
    struct kept *place = find(compare, selection);
    if (place != NULL)
        return place;
    place = &compare->kept[0];
    for (size_t i = 1; i < KEPT_MAX; i++)
        if (compare->kept[i].used < place->used)
            place = &compare->kept[i];
    return place;
}

/* Keeps the document; NULL: that it was refused. */
static void keep(struct page_compare *compare, const char *selection, const char *members,
                 const char *document, const struct error *refused) {
    pthread_mutex_lock(&compare->lock);
    struct kept *place = place_for(compare, selection);
    forget(place);
    *place = (struct kept){.selection = strdup(selection),
                           .members = strdup(members),
                           .document = document != NULL ? strdup(document) : NULL,
                           .used = ++compare->uses};
    if (document == NULL)
        place->refused = *refused;
    if (place->selection == NULL || place->members == NULL ||
        (place->document == NULL && document != NULL))
        forget(place);
    pthread_mutex_unlock(&compare->lock);
}

/* Whether it is kept: then *document is its copy, for free, or stays NULL and *error says why.
 * Otherwise the caller is the one to make it, and to leave. */
static bool enter(struct page_compare *compare, const char *selection, const char *members,
                  char **document, struct error *error) {
    bool found = false;
    pthread_mutex_lock(&compare->lock);
    for (;;) {
        struct kept *kept = find(compare, selection);
        found = kept != NULL && strcmp(kept->members, members) == 0;
        if (found) {
            kept->used = ++compare->uses;
            if (kept->document == NULL)
                *error = kept->refused;
            else if ((*document = strdup(kept->document)) == NULL)
                error_memory(error);
        }
        if (found || !compare->busy)
            break;
        pthread_cond_wait(&compare->left, &compare->lock);
    }
    compare->busy = compare->busy || !found;
    pthread_mutex_unlock(&compare->lock);
    return found;
}

static void leave(struct page_compare *compare) {
    pthread_mutex_lock(&compare->lock);
    compare->busy = false;
    pthread_cond_broadcast(&compare->left);
    pthread_mutex_unlock(&compare->lock);
}

/* --- what is asked --- */

/* What a comparison depends on and `list` tells; results come before an experiment is done. */
static char *members_of(const cJSON *experiments, struct error *error) {
    static const char *const told[] = {"id", "attempt", "state", "finished_ms", "stopped", "tags"};
    struct text text = {0};
    const cJSON *experiment;
    if (cJSON_GetArraySize(experiments) > PAGE_COMPARE_MEMBERS_MAX) {
        error_set(error, ERROR_FAILED,
                  "these are more than %d experiments; assay compare compares them",
                  PAGE_COMPARE_MEMBERS_MAX);
        return NULL;
    }
    text_add(&text, "", 0);
    cJSON_ArrayForEach(experiment, experiments) {
        for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
            const cJSON *value = json_member(experiment, told[i]);
            char *json = value != NULL ? json_text(value) : NULL;
            text_format(&text, "%s ", json != NULL ? json : "-");
            free(json);
        }
    }
    char *members = text_take(&text);
    if (members == NULL)
        error_memory(error);
    return members;
}

/* Takes a page of `show` without what no comparison needs and is much. */
static bool take(void *all, cJSON *page, struct error *error) {
    static const char *const dropped[] = {"history", "checkpoints", "artifacts", "attempts",
                                          "steering"};
    cJSON *experiment;
    (void)error;
    cJSON_ArrayForEach(experiment, page) {
        for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
            cJSON_DeleteItemFromObjectCaseSensitive(experiment, dropped[i]);
    }
    json_move_items(page, all);
    return true;
}

/* A source that gives so many pictures and no more. */
struct reader {
    const struct source *source;
    int pictures;
};

static bool too_much(const struct reader *reader) {
    return reader->pictures > PAGE_COMPARE_PICTURES_MAX;
}

static bool ask(void *context, const char *request, cJSON *body, const char *expected,
                cJSON **answer, struct error *error) {
    struct reader *reader = context;
    if (!reader->source->ask(reader->source->context, request, body, expected, answer, error))
        return false;
    reader->pictures += cJSON_GetArraySize(json_member(*answer, "pictures"));
    if (!too_much(reader))
        return true;
    cJSON_Delete(*answer);
    *answer = NULL;
    return error_set(error, ERROR_FAILED,
                     "these are more than %d test pictures to compare; assay compare reads them",
                     PAGE_COMPARE_PICTURES_MAX);
}

static char *make(struct reader *reader, const cJSON *selection, struct error *error) {
    struct comparison comparison = {0};
    cJSON *experiments = cJSON_CreateArray();
    char *text = NULL;
    if (source_pages(reader->source, "show", selection, take, experiments, error) &&
        comparison_make(&(struct source){ask, reader}, experiments, &comparison, error)) {
        cJSON *document = comparison_json(&comparison);
        text = json_text(document);
        cJSON_Delete(document);
        if (text == NULL)
            error_memory(error);
    }
    comparison_free(&comparison);
    cJSON_Delete(experiments);
    return text;
}

char *page_compare(struct page_compare *compare, const struct source *source,
                   const cJSON *selection, struct error *error) {
    char *document = NULL, *name = json_text(selection);
    cJSON *experiments = source_experiments(source, "list", selection, error);
    char *members = experiments != NULL ? members_of(experiments, error) : NULL;
    cJSON_Delete(experiments);
    if (name == NULL)
        error_memory(error);
    else if (members != NULL && !enter(compare, name, members, &document, error)) {
        struct reader reader = {.source = source};
        document = make(&reader, selection, error);
        if (document != NULL || too_much(&reader))
            keep(compare, name, members, document, error);
        leave(compare);
    }
    free(members);
    free(name);
    return document;
}
