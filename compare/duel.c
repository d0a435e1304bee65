#include "compare/duel.h"

#include "core/field.h"
#include "core/json.h"
#include "core/metrics.h"
#include "core/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int by_path(const void *left, const void *right) {
    const struct scored_picture *const *a = left, *const *b = right;
    return strcmp((*a)->path, (*b)->path);
}

/* The scores in the order of their paths; NULL without memory. */
static const struct scored_picture **sorted(const struct score_list *list) {
    const struct scored_picture **scores = calloc(list->count + 1, sizeof *scores);
    for (size_t i = 0; scores != NULL && i < list->count; i++)
        scores[i] = &list->items[i];
    if (scores != NULL)
        qsort(scores, list->count, sizeof *scores, by_path);
    return scores;
}

bool duel_pair(const struct score_list *first, const struct score_list *second, struct duel *duel) {
    const struct scored_picture **a = sorted(first), **b = sorted(second);
    bool good = a != NULL && b != NULL;
    size_t i = 0, j = 0;
    while (good && i < first->count && j < second->count) {
        int order = strcmp(a[i]->path, b[j]->path);
        bool again = i > 0 && strcmp(a[i]->path, a[i - 1]->path) == 0;
        if (order == 0 && !again) {
            paired_add(&duel->paired, a[i]->label, a[i]->probability > 0.5,
                       b[j]->probability > 0.5);
            duel->pictures++;
        }
        i += order <= 0;
        j += order > 0 || (order == 0 && !again);
    }
    free(a);
    free(b);
    duel->p = paired_mcnemar(&duel->paired);
    return good;
}

static bool fetch(const struct source *source, const struct duelist *duelist,
                  struct score_list *list, struct error *error) {
    return score_list_fetch(
        source, (long long)field_number(duelist->contender->experiment, "id", 0),
        checkpoint_names[duelist->checkpoint], split_names[SPLIT_TEST], list, error);
}

/* Whom the first-ranked meets: its other checkpoint, then the others. */
static size_t choose(const struct contender *contenders, const size_t *order, size_t ranked,
                     struct duelist *others) {
    size_t count = 0;
    const struct contender *best = &contenders[order[0]];
    enum checkpoint other = best->keep == CHECKPOINT_BEST ? CHECKPOINT_LAST : CHECKPOINT_BEST;
    const cJSON *kept = best->evaluations[best->keep][SPLIT_TEST];
    const cJSON *left = best->evaluations[other][SPLIT_TEST];
    double kept_epoch = field_number(kept, "epoch", 0), left_epoch = field_number(left, "epoch", 0);
    if (left != NULL && (kept_epoch < left_epoch || kept_epoch > left_epoch))
        others[count++] = (struct duelist){best, other};
    for (size_t i = 1; i < ranked && count < DUELS_MAX; i++)
        others[count++] =
            (struct duelist){&contenders[order[i]], (enum checkpoint)contenders[order[i]].keep};
    return count;
}

bool duels_make(const struct source *source, const struct contender *contenders,
                const size_t *order, size_t ranked, struct duel *duels, size_t *count,
                struct error *error) {
    struct duelist others[DUELS_MAX];
    struct score_list mine = {0};
    *count = 0;
    if (ranked == 0)
        return true;
    const struct contender *best = &contenders[order[0]];
    struct duelist first = {best, (enum checkpoint)best->keep};
    size_t chosen = choose(contenders, order, ranked, others);
    bool good = fetch(source, &first, &mine, error);
    for (size_t i = 0; good && i < chosen; i++) {
        struct duel *duel = &duels[*count];
        struct score_list theirs = {0};
        *duel = (struct duel){.first = first, .second = others[i]};
        good = fetch(source, &others[i], &theirs, error) &&
               (duel_pair(&mine, &theirs, duel) || error_memory(error));
        score_list_free(&theirs);
        if (duel->pictures == 0) /* no scores */
            continue;
        good =
            good && ((paired_difference(&duel->paired, PAIRED_ACCURACY, &duel->difference) &&
                      paired_bootstrap(&duel->paired, PAIRED_ACCURACY, 0.95, 0, &duel->interval)) ||
                     error_memory(error));
        *count += 1;
    }
    score_list_free(&mine);
    return good;
}

static void add_json(cJSON *object, const char *key, const struct duelist *duelist) {
    cJSON *value = cJSON_AddObjectToObject(object, key);
    cJSON_AddNumberToObject(value, "id", field_number(duelist->contender->experiment, "id", 0));
    cJSON_AddStringToObject(value, "checkpoint", checkpoint_names[duelist->checkpoint]);
}

cJSON *duels_json(const struct duel *duels, size_t count) {
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        const struct duel *duel = &duels[i];
        cJSON *object = cJSON_CreateObject();
        add_json(object, "first", &duel->first);
        add_json(object, "second", &duel->second);
        cJSON_AddNumberToObject(object, "pictures", (double)duel->pictures);
        cJSON_AddNumberToObject(object, "only_first", (double)paired_only_first(&duel->paired));
        cJSON_AddNumberToObject(object, "only_second", (double)paired_only_second(&duel->paired));
        cJSON_AddNumberToObject(object, "p_value", duel->p);
        cJSON_AddBoolToObject(object, "more_than_chance", duel->p < duel_chance);
        cJSON *difference = cJSON_AddObjectToObject(object, "accuracy_difference");
        cJSON_AddNumberToObject(difference, "value", duel->difference);
        cJSON_AddNumberToObject(difference, "low", duel->interval.low);
        cJSON_AddNumberToObject(difference, "high", duel->interval.high);
        json_append(array, object);
    }
    return array;
}

static bool same_contender(const struct duel *duel) {
    return duel->first.contender == duel->second.contender;
}

/* How many test pictures a checkpoint was evaluated on; 0 when that is not known. */
static int64_t tested(const struct duelist *duelist) {
    return metrics_json_count(duelist->contender->evaluations[duelist->checkpoint][SPLIT_TEST]);
}

/* Says so where not all had the same test pictures, by which a duel may stand on very few. */
static void say_shared(struct text *text, const struct duel *duels, size_t count) {
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        int64_t shared = (int64_t)duels[i].pictures;
        bool other = shared < tested(&duels[i].first) || shared < tested(&duels[i].second);
        if (other && !same_contender(&duels[i]) && duels[i].pictures < least)
            least = duels[i].pictures;
    }
    if (least < SIZE_MAX)
        text_format(text,
                    " Not all were tested on the same pictures: only those that two share are "
                    "compared, as few as %zu.",
                    least);
}

/* How the kept checkpoint's other half does against it. */
static void say_own(struct text *text, const struct duel *duel) {
    const char *other = checkpoint_names[duel->second.checkpoint];
    if (duel->p >= duel_chance)
        text_format(text,
                    " On the test pictures nothing but chance parts it from its %s (p = %.2g).",
                    other, duel->p);
    else
        text_format(text, " On the test pictures it is %s than its %s (p = %.2g).",
                    duel->difference < 0 ? "better" : "worse", other, duel->p);
}

/* `all` is how many others there are: not all of them need have been met. */
static void say_others(struct text *text, size_t all, const struct duel *duels, size_t count) {
    size_t others = 0, better = 0, worse = 0;
    for (size_t i = 0; i < count; i++) {
        bool other = !same_contender(&duels[i]), told = other && duels[i].p < duel_chance;
        others += other;
        better += told && duels[i].difference < 0;
        worse += told && duels[i].difference > 0;
    }
    if (all == 0)
        return;
    if (others == 0) {
        text_format(text, " %zu other%s not compared.", all, all > 1 ? "s were" : " was");
        return;
    }
    if (better + worse > 0)
        text_format(text,
                    " Of %s%zu other%s the test pictures show it better than %zu and worse than "
                    "%zu, and cannot tell for %zu",
                    others < all ? "" : "the ", others, others > 1 ? "s" : "", better, worse,
                    others - better - worse);
    else if (others < all)
        text_format(text, " The test pictures cannot tell it from %zu other%s", others,
                    others > 1 ? "s" : "");
    else
        text_format(text, " The test pictures cannot tell it from the other%s",
                    others > 1 ? "s" : "");
    if (others < all)
        text_format(text, "; %zu %s not compared", all - others, all - others > 1 ? "were" : "was");
    text_format(text, ".");
}

/* Says so where the validation pictures, which have chosen, all have one label. */
static void say_one_label(struct text *text, const cJSON *valid) {
    int64_t real = json_integer(valid, "true_positive") + json_integer(valid, "false_negative");
    int64_t fake = json_integer(valid, "true_negative") + json_integer(valid, "false_positive");
    if ((real > 0) != (fake > 0))
        text_format(text,
                    " All validation pictures have the label %d: neither number says how it does "
                    "on label %d.",
                    real > 0, fake > 0);
}

char *duels_verdict(const struct contender *best, size_t ranked, const struct duel *duels,
                    size_t count) {
    struct text text = {0};
    char ratio[FORMAT_SIZE];
    const cJSON *valid = best->evaluations[best->keep][SPLIT_VALID];
    text_format(&text, "Keep the %s checkpoint of %.0f %s (epoch %.0f): validation accuracy %s",
                checkpoint_names[best->keep], field_number(best->experiment, "id", 0),
                field_text(best->experiment, "name", "?"), field_number(valid, "epoch", 0),
                field_ratio(ratio, valid, "accuracy"));
    text_format(&text, ", loss %s.", field_ratio(ratio, valid, "loss"));
    say_one_label(&text, valid);
    for (size_t i = 0; i < count; i++)
        if (same_contender(&duels[i]))
            say_own(&text, &duels[i]);
    say_others(&text, ranked - 1, duels, count);
    say_shared(&text, duels, count);
    return text_take(&text);
}
