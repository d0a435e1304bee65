#include "core/members.h"

#include "core/experiment.h"
#include "core/file.h"
#include "core/json.h"
#include "core/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t file_bytes_max = 1 << 20;

char *fault_text(const struct fault *fault, const char *file, const char *text) {
    char *line = NULL;
    const char *place = fault->place;
    if (asprintf(&line, "%s:%zu: %s%s%s", file, json_line(text, place), place,
                 place[0] != '\0' ? ": " : "", fault->message) < 0)
        return NULL;
    return line;
}

/* Where in the file a place of the member's config was written: the nearest value of the matrix
 * around it, or the place itself. */
static void place_in_file(const struct member *member, const char *place, struct text *out) {
    const char *file_place = "", *rest = place;
    for (const cJSON *one = member->origin->child; one != NULL; one = one->next) {
        const char *below = place_below(place, one->string);
        if (below != NULL && strlen(below) <= strlen(rest)) {
            file_place = one->valuestring;
            rest = below;
        }
    }
    text_format(out, "%s%s", file_place, rest);
}

static bool known(const struct faults *faults, const char *place, const char *message) {
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->items[i].place, place) == 0 &&
            strcmp(faults->items[i].message, message) == 0)
            return true;
    return false;
}

/* Members share most of the file: what they share is reported once. */
static void check_member(struct member *member, struct faults *faults) {
    struct experiment experiment;
    struct faults own = {0};
    if (experiment_from_json(member->config, &experiment, &own))
        experiment_free(&experiment);
    faults->machine |= own.machine;
    for (size_t i = 0; i < own.count; i++) {
        struct text place = {0};
        place_in_file(member, own.items[i].place, &place);
        if (!known(faults, text_string(&place), own.items[i].message))
            faults_add(faults, text_string(&place), "%s", own.items[i].message);
        text_free(&place);
    }
    faults_free(&own);
}

/* Beside a matrix that cannot be expanded the rest of the file is still checked, unless it counts
 * on the matrix for what every experiment needs. */
static void check_base(const cJSON *file, struct faults *faults) {
    cJSON *config = cJSON_Duplicate(file, true), *origin = cJSON_CreateObject();
    struct member base = {.config = config, .origin = origin};
    cJSON_DeleteItemFromObjectCaseSensitive(config, "matrix");
    const cJSON *data = json_member(config, "data");
    if (origin != NULL &&
        (json_member(data, "classes") != NULL || json_member(data, "files") != NULL))
        check_member(&base, faults);
    cJSON_Delete(config);
    cJSON_Delete(origin);
}

/* --- in the order of the file --- */

struct sorted {
    struct fault fault;
    size_t line, index;
};

static int compare_lines(const void *a, const void *b) {
    const struct sorted *left = a, *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->index < right->index ? -1 : 1;
}

static void sort_faults(struct faults *faults, const char *text) {
    struct sorted *sorted = calloc(faults->count, sizeof *sorted);
    if (sorted == NULL)
        return; /* unsorted is better than none */
    for (size_t i = 0; i < faults->count; i++)
        sorted[i] = (struct sorted){faults->items[i], json_line(text, faults->items[i].place), i};
    qsort(sorted, faults->count, sizeof *sorted, compare_lines);
    for (size_t i = 0; i < faults->count; i++)
        faults->items[i] = sorted[i].fault;
    free(sorted);
}

bool members_read(const char *path, struct members *members, char **text, struct faults *faults,
                  struct error *error) {
    size_t length;
    *members = (struct members){0};
    *text = NULL;
    if (!file_read(path, file_bytes_max, text, &length, error))
        return false;
    cJSON *file = json_parse(*text, length, path, error);
    if (file == NULL)
        return false;
    if (!matrix_expand(file, members, faults))
        check_base(file, faults);
    for (size_t i = 0; i < members->count; i++)
        check_member(&members->items[i], faults);
    cJSON_Delete(file);
    if (faults->count == 0)
        return true;
    sort_faults(faults, *text);
    members_free(members);
    return false;
}
