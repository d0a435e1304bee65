/* duel: whether two checkpoints differ by more than chance, on the test pictures that both answered
 * for (core/paired.h).
 */
#ifndef ASSAY_COMPARE_DUEL_H
#define ASSAY_COMPARE_DUEL_H

#include "compare/contender.h"
#include "compare/score_list.h"
#include "core/paired.h"

/* A checkpoint of an experiment. */
struct duelist {
    const struct contender *contender;
    enum checkpoint checkpoint;
};

struct duel {
    struct duelist first, second;
    size_t pictures; /* that both answered for */
    struct paired paired;
    double p;                        /* McNemar's */
    double difference;               /* of the accuracies, second less first */
    struct paired_interval interval; /* 95 % */
};

enum { DUELS_MAX = 12 };
static const double duel_chance = 0.05; /* below this p, a difference is called one */

/* Pictures are the same where their paths are; each path counts once. False without memory. */
bool duel_pair(const struct score_list *first, const struct score_list *second, struct duel *duel);

/* The first-ranked contender's checkpoint to keep against its other one, when that is of another
 * epoch, and against what the others would keep, in the order of the ranking: DUELS_MAX at most,
 * which `duels` has room for. Those without scores are left out. */
bool duels_make(const struct source *source, const struct contender *contenders,
                const size_t *order, size_t ranked, struct duel *duels, size_t *count,
                struct error *error);

/* [{"first": {"id", "checkpoint"}, "second", "pictures", "only_first", "only_second", "p_value",
 *  "more_than_chance", "accuracy_difference": {"value", "low", "high"}}] */
cJSON *duels_json(const struct duel *duels, size_t count);

/* What follows, in a few sentences: which checkpoint to keep and why, and whether the test pictures
 * can tell it from the others, of which it says how many have no duel, and when a duel is about
 * fewer pictures than its checkpoints were tested on. `best` is the first
 * of `ranked` contenders. The caller frees; NULL without memory. */
char *duels_verdict(const struct contender *best, size_t ranked, const struct duel *duels,
                    size_t count);

#endif
