#include "coordinator/after.h"

#include "core/array.h"

#include <stdlib.h>
#include <string.h>

enum colour { UNSEEN, UNDER_WAY, SEEN };

struct after_list {
    const cJSON *words;
    size_t first, count; /* of the members, items of the submission that it names */
    size_t next;         /* the member that the walk comes to next */
    size_t from;         /* the list that the walk came from */
    enum colour colour;
};

/* One after_plan_make. */
struct making {
    const struct after_item *items;
    size_t count;
    const struct after_item **by_name, **by_group; /* sorted */
    struct after_list *lists;
    size_t *members, *taken_by; /* taken_by: of each item, the last list that has it, plus 1 */
    size_t member_count, member_capacity;
    struct after_plan *plan;
};

static int compare_names(const void *a, const void *b) {
    return strcmp((*(const struct after_item *const *)a)->name,
                  (*(const struct after_item *const *)b)->name);
}

static int compare_groups(const void *a, const void *b) {
    return strcmp((*(const struct after_item *const *)a)->group,
                  (*(const struct after_item *const *)b)->group);
}

static bool out_of_memory(struct error *error) {
    return error_set(error, ERROR_FAILED, "no memory for who waits for whom");
}

/* Adds an item to the list unless it is there. */
static bool add_member(struct making *making, size_t list, size_t item, struct error *error) {
    if (making->taken_by[item] == list + 1)
        return true;
    if (making->member_count == AFTER_MEMBERS_MAX)
        return error_set(error, ERROR_INPUT,
                         "the \"after\" of this submission names more than %d experiments; submit "
                         "in parts",
                         AFTER_MEMBERS_MAX);
    size_t *members = array_room(making->members, making->member_count + 1,
                                 &making->member_capacity, sizeof *members);
    if (members == NULL)
        return out_of_memory(error);
    making->members = members;
    making->taken_by[item] = list + 1;
    making->members[making->member_count++] = item;
    making->lists[list].count++;
    return true;
}

/* Adds the items whose key (by the order of `sorted`) is that of `like`. */
static bool add_equal(struct making *making, size_t list, const struct after_item **sorted,
                      int (*compare)(const void *, const void *), const struct after_item *like,
                      bool *found, struct error *error) {
    size_t low = 0, high = making->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&sorted[middle], &like) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < making->count && compare(&sorted[low], &like) == 0; low++) {
        *found = true;
        if (!add_member(making, list, (size_t)(sorted[low] - making->items), error))
            return false;
    }
    return true;
}

static bool add_words(struct making *making, size_t list, struct error *error) {
    struct after_plan *plan = making->plan;
    const cJSON *word;
    cJSON_ArrayForEach(word, making->lists[list].words) {
        const struct after_item like = {.name = word->valuestring, .group = word->valuestring};
        bool found = false;
        if (!add_equal(making, list, making->by_name, compare_names, &like, &found, error) ||
            !add_equal(making, list, making->by_group, compare_groups, &like, &found, error))
            return false;
        if (found)
            continue;
        const char **elsewhere =
            realloc(plan->elsewhere, (plan->elsewhere_count + 1) * sizeof *plan->elsewhere);
        if (elsewhere == NULL)
            return out_of_memory(error);
        plan->elsewhere = elsewhere;
        plan->elsewhere[plan->elsewhere_count++] = word->valuestring;
    }
    return true;
}

/* Members of one file follow one another with one list: it is nearly always the last. */
static size_t list_like(struct making *making, size_t item) {
    const struct after_plan *plan = making->plan;
    for (size_t i = plan->list_count; i > 0; i--)
        if (cJSON_Compare(making->lists[i - 1].words, making->items[item].words, true))
            return i - 1;
    return AFTER_NOBODY;
}

static bool make_lists(struct making *making, struct error *error) {
    struct after_plan *plan = making->plan;
    for (size_t i = 0; i < making->count; i++) {
        plan->list_of[i] = AFTER_NOBODY;
        if (making->items[i].words == NULL || making->items[i].words->child == NULL)
            continue;
        plan->list_of[i] = list_like(making, i);
        if (plan->list_of[i] != AFTER_NOBODY)
            continue;
        if (plan->list_count == AFTER_LISTS_MAX)
            return error_set(
                error, ERROR_INPUT,
                "this submission has more than %d different \"after\"; submit in parts",
                AFTER_LISTS_MAX);
        size_t list = plan->list_count++;
        plan->list_of[i] = list;
        plan->lists[list] = making->items[i].words;
        making->lists[list] =
            (struct after_list){.words = making->items[i].words, .first = making->member_count};
        if (!add_words(making, list, error))
            return false;
    }
    return true;
}

/* Walks from list to list, depth first: a list that is met while it is under way is in a cycle. */
static bool walk(struct making *making, size_t list, struct error *error) {
    struct after_list *lists = making->lists;
    lists[list].colour = UNDER_WAY;
    lists[list].from = AFTER_NOBODY;
    while (list != AFTER_NOBODY) {
        struct after_list *here = &lists[list];
        if (here->next == here->count) {
            here->colour = SEEN;
            list = here->from;
            continue;
        }
        size_t item = making->members[here->first + here->next++];
        size_t to = making->plan->list_of[item];
        if (to == AFTER_NOBODY || lists[to].colour == SEEN)
            continue;
        if (lists[to].colour == UNDER_WAY)
            return error_set(error, ERROR_INPUT,
                             "%.200s would wait for itself: what it comes \"after\" comes after it",
                             making->items[item].name);
        lists[to].colour = UNDER_WAY;
        lists[to].from = list;
        list = to;
    }
    return true;
}

static const struct after_item **sorted_copy(const struct making *making,
                                             int (*compare)(const void *, const void *)) {
    const struct after_item **sorted = calloc(making->count + 1, sizeof *sorted);
    for (size_t i = 0; sorted != NULL && i < making->count; i++)
        sorted[i] = &making->items[i];
    if (sorted != NULL)
        qsort(sorted, making->count, sizeof *sorted, compare);
    return sorted;
}

bool after_plan_make(const struct after_item *items, size_t count, struct after_plan *plan,
                     struct error *error) {
    struct making making = {.items = items, .count = count, .plan = plan};
    bool good = false;
    *plan = (struct after_plan){0};
    making.by_name = sorted_copy(&making, compare_names);
    making.by_group = sorted_copy(&making, compare_groups);
    making.lists = calloc(count + 1, sizeof *making.lists);
    making.taken_by = calloc(count + 1, sizeof *making.taken_by);
    plan->list_of = calloc(count + 1, sizeof *plan->list_of);
    plan->lists = calloc(count + 1, sizeof *plan->lists);
    if (making.by_name == NULL || making.by_group == NULL || making.lists == NULL ||
        making.taken_by == NULL || plan->list_of == NULL || plan->lists == NULL) {
        out_of_memory(error);
        goto out;
    }
    good = make_lists(&making, error);
    for (size_t i = 0; good && i < plan->list_count; i++)
        good = making.lists[i].colour == SEEN || walk(&making, i, error);
out:
    free(making.by_name);
    free(making.by_group);
    free(making.lists);
    free(making.taken_by);
    free(making.members);
    return good;
}

void after_plan_free(struct after_plan *plan) {
    free(plan->list_of);
    free(plan->lists);
    free(plan->elsewhere);
    *plan = (struct after_plan){0};
}
