/* A combination chooses a variant for each axis; the include entries add to it; a member is made of
 * it. */
#include "core/matrix.h"

#include "core/array.h"
#include "core/json.h"
#include "core/matrix_read.h"
#include "core/shortage.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

enum { NOT_CHOSEN = -1, NAME_BYTES_MAX = 4096 }; /* the messages carry no longer name */

/* What is set in a member, in the order in which it stands in the name. */
struct setting {
    const struct axis *axis;
    const struct variant *variant;
};

struct settings {
    struct setting *items;
    size_t count, capacity;
};

struct expansion {
    const struct matrix *matrix;
    const cJSON *file;
    const char *name;
    struct members *members;
    struct faults *faults;
    struct settings settings; /* of the member in the making */
    bool *included;           /* an entry of include that some combination took */
    int choice[MATRIX_AXES_MAX];
};

static bool fail_memory(struct expansion *expansion) {
    shortage_forgive(0);
    faults_add_memory(expansion->faults, "matrix", "expand it");
    return false;
}

/* --- one member --- */

/* A later setting of the same path takes the place of the earlier. */
static bool settings_add(struct expansion *expansion, const struct axis *axis,
                         const struct variant *variant) {
    struct settings *settings = &expansion->settings;
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].axis->key, axis->key) == 0) {
            settings->items[i] = (struct setting){axis, variant};
            return true;
        }
    struct setting *items =
        array_room(settings->items, settings->count + 1, &settings->capacity, sizeof *items);
    if (items == NULL)
        return fail_memory(expansion);
    settings->items = items;
    settings->items[settings->count++] = (struct setting){axis, variant};
    return true;
}

static struct member *members_add(struct expansion *expansion) {
    struct members *members = expansion->members;
    if (members->count == MATRIX_MEMBERS_MAX) {
        faults_add(expansion->faults, "matrix", "makes more than %d experiments; take some out",
                   MATRIX_MEMBERS_MAX);
        return NULL;
    }
    /* Doubles at the powers of two. */
    if ((members->count & (members->count - 1)) == 0) {
        size_t capacity = members->count == 0 ? 1 : 2 * members->count;
        struct member *items = reallocarray(members->items, capacity, sizeof *items);
        if (items == NULL) {
            fail_memory(expansion);
            return NULL;
        }
        members->items = items;
    }
    struct member *made = &members->items[members->count++];
    *made = (struct member){.group = strdup(expansion->name),
                            .config = cJSON_Duplicate(expansion->file, true),
                            .variant = cJSON_CreateObject(),
                            .origin = cJSON_CreateObject()};
    return made;
}

/* A member of the settings; `only` is the whole of its label when it has none: "base". */
static bool make_member(struct expansion *expansion, const char *only) {
    struct member *made = members_add(expansion);
    struct text name = {0};
    if (made == NULL)
        return false;
    bool ok = made->group != NULL && made->config != NULL && made->variant != NULL &&
              made->origin != NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(made->config, "matrix");
    text_format(&name, "%s%s%s", expansion->name, only != NULL ? "/" : "",
                only != NULL ? only : "");
    for (size_t i = 0; ok && i < expansion->settings.count; i++) {
        const struct setting *setting = &expansion->settings.items[i];
        const char *label = setting->variant->label;
        text_format(&name, "%s%s", i == 0 && only == NULL ? "/" : ",", setting->variant->part);
        schema_path_set(made->config, &setting->axis->path,
                        cJSON_Duplicate(setting->variant->value, true));
        ok = cJSON_AddStringToObject(made->variant, setting->axis->key, label) != NULL &&
             cJSON_AddStringToObject(made->origin, setting->axis->place, setting->variant->place);
    }
    made->name = text_take(&name);
    return (ok && made->name != NULL) || fail_memory(expansion);
}

/* --- combinations --- */

static const struct variant *chosen(const struct expansion *expansion, size_t axis) {
    return expansion->choice[axis] == NOT_CHOSEN
               ? NULL
               : &expansion->matrix->axes[axis].variants[expansion->choice[axis]];
}

/* True when the combination has every value of the entry; paths that are no axis do not count. */
static bool entry_matches(const struct expansion *expansion, const struct entry *entry) {
    for (size_t i = 0; i < entry->count; i++) {
        const struct pair *pair = &entry->pairs[i];
        if (pair->axis == expansion->matrix->axis_count)
            continue;
        const struct variant *variant = chosen(expansion, pair->axis);
        if (variant == NULL || !variant_is(variant, pair->value))
            return false;
    }
    return true;
}

static bool excluded(const struct expansion *expansion) {
    const struct entries *exclude = &expansion->matrix->exclude;
    for (size_t i = 0; i < exclude->count; i++)
        if (entry_matches(expansion, &exclude->items[i]))
            return true;
    return false;
}

static bool add_pairs(struct expansion *expansion, const struct entry *entry, bool axes_too) {
    const struct matrix *matrix = expansion->matrix;
    for (size_t i = 0; i < entry->count; i++) {
        const struct pair *pair = &entry->pairs[i];
        bool own = pair->variant == pair->own.variants;
        if (pair->axis < matrix->axis_count && !axes_too)
            continue;
        if (!settings_add(expansion, own ? &pair->own : &matrix->axes[pair->axis], pair->variant))
            return false;
    }
    return true;
}

/* The member of the choice, unless it is excluded. */
static bool make_combination(struct expansion *expansion, const char *only) {
    const struct matrix *matrix = expansion->matrix;
    if (excluded(expansion))
        return true;
    expansion->settings.count = 0;
    for (size_t i = 0; i < matrix->axis_count; i++)
        if (chosen(expansion, i) != NULL &&
            !settings_add(expansion, &matrix->axes[i], chosen(expansion, i)))
            return false;
    for (size_t i = 0; i < matrix->include.count; i++) {
        if (!entry_matches(expansion, &matrix->include.items[i]))
            continue;
        expansion->included[i] = true;
        if (!add_pairs(expansion, &matrix->include.items[i], false))
            return false;
    }
    return make_member(expansion, only);
}

/* The last axis varies fastest. */
static bool make_product(struct expansion *expansion) {
    const struct matrix *matrix = expansion->matrix;
    size_t total = matrix->axis_count > 0;
    for (size_t i = 0; i < matrix->axis_count; i++) {
        if (matrix->axes[i].count > MATRIX_MEMBERS_MAX / total) {
            faults_add(expansion->faults, "matrix",
                       "makes more than %d experiments; take some values out", MATRIX_MEMBERS_MAX);
            return false;
        }
        total *= matrix->axes[i].count;
        expansion->choice[i] = 0;
    }
    for (; total > 0; total--) {
        if (!make_combination(expansion, NULL))
            return false;
        for (size_t i = matrix->axis_count; i-- > 0;) {
            if (++expansion->choice[i] < (int)matrix->axes[i].count)
                break;
            expansion->choice[i] = 0;
        }
    }
    return true;
}

static bool make_one_at_a_time(struct expansion *expansion) {
    const struct matrix *matrix = expansion->matrix;
    for (size_t i = 0; i < matrix->axis_count; i++)
        expansion->choice[i] = NOT_CHOSEN;
    if (!make_combination(expansion, "base"))
        return false;
    for (size_t i = 0; i < matrix->axis_count; i++) {
        for (size_t j = 0; j < matrix->axes[i].count; j++) {
            expansion->choice[i] = (int)j;
            if (!make_combination(expansion, NULL))
                return false;
        }
        expansion->choice[i] = NOT_CHOSEN;
    }
    return true;
}

/* Entries of include that fit no combination are members of their own. */
static bool make_included(struct expansion *expansion) {
    const struct entries *include = &expansion->matrix->include;
    for (size_t i = 0; i < include->count; i++) {
        if (expansion->included[i])
            continue;
        expansion->settings.count = 0;
        if (!add_pairs(expansion, &include->items[i], true) || !make_member(expansion, NULL))
            return false;
    }
    return true;
}

/* --- the whole --- */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_names(const struct members *members, struct faults *faults) {
    const char **names = calloc(members->count + 1, sizeof *names);
    if (names == NULL) {
        faults_add_memory(faults, "matrix", "expand it");
        return;
    }
    for (size_t i = 0; i < members->count; i++) {
        names[i] = members->items[i].name;
        if (strlen(names[i]) > NAME_BYTES_MAX)
            faults_add(faults, "matrix", "a member's name is longer than %d bytes: %.100s...",
                       NAME_BYTES_MAX, names[i]);
    }
    qsort(names, members->count, sizeof *names, compare_names);
    for (size_t i = 1; i < members->count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            faults_add(faults, "matrix",
                       "two members are named \"%.200s\"; name their variants apart", names[i]);
    free(names);
}

static bool expand(struct expansion *expansion) {
    const struct matrix *matrix = expansion->matrix;
    expansion->included = calloc(matrix->include.count + 1, sizeof *expansion->included);
    bool ok = expansion->included != NULL || fail_memory(expansion);
    ok = ok && (matrix->one_at_a_time ? make_one_at_a_time(expansion) : make_product(expansion));
    ok = ok && make_included(expansion);
    free(expansion->included);
    free(expansion->settings.items);
    if (ok && expansion->members->count == 0)
        faults_add(expansion->faults, "matrix", "leaves no experiment; vary something");
    if (ok)
        check_names(expansion->members, expansion->faults);
    return ok;
}

void members_free(struct members *members) {
    for (size_t i = 0; i < members->count; i++) {
        struct member *member = &members->items[i];
        free(member->name);
        free(member->group);
        cJSON_Delete(member->config);
        cJSON_Delete(member->variant);
        cJSON_Delete(member->origin);
    }
    free(members->items);
    *members = (struct members){0};
}

bool matrix_expand(const cJSON *file, struct members *members, struct faults *faults) {
    size_t first = faults->count;
    const cJSON *name = json_member(file, "name"), *json = json_member(file, "matrix");
    struct matrix matrix = {0};
    struct expansion expansion = {.matrix = &matrix,
                                  .file = file,
                                  .name = cJSON_IsString(name) ? name->valuestring : "",
                                  .members = members,
                                  .faults = faults};
    *members = (struct members){0};
    if (json == NULL)
        make_member(&expansion, NULL);
    else if (matrix_read(json, &matrix, faults))
        expand(&expansion);
    matrix_free(&matrix);
    if (!faults_since(faults, first))
        return true;
    members_free(members);
    return false;
}
