/* stop: whether an experiment is to end before its last epoch, judged by the others of its group
 * (the config's "stop"): pure, from the epochs that were reported.
 *
 * Median stopping rule (Golovin et al., Google Vizier, KDD 2017, 3.2.2): stop at epoch e when the
 * best value so far is strictly worse than the median of the others' running averages up to e.
 *
 * Asynchronous successive halving (Li et al., A System for Massively Parallel Hyperparameter
 * Tuning, MLSys 2020), the variant that stops instead of pausing, as Ray Tune's AsyncHyperBand and
 * Optuna's SuccessiveHalvingPruner do: rungs are at grace_epochs * eta^k; who comes to a rung goes
 * on when its value there is among the best floor(n / eta), and one at least, of the n that have
 * come there so far, itself among them. Whoever goes on is never called back.
 */
#ifndef ASSAY_COORDINATOR_STOP_H
#define ASSAY_COORDINATOR_STOP_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stop_rule_name { STOP_MEDIAN, STOP_ASHA };
enum stop_metric { STOP_VALID_LOSS, STOP_ACCURACY, STOP_PRECISION, STOP_RECALL };

struct stop_rule {
    enum stop_rule_name name;
    enum stop_metric metric;
    int64_t grace_epochs, min_peers;
    int64_t eta; /* of asha */
};

/* A complete config's "stop"; false when it is null or of a later version. */
bool stop_rule_read(const cJSON *stop, struct stop_rule *rule);
const char *stop_rule_text(enum stop_rule_name name);  /* "median" */
const char *stop_metric_text(enum stop_metric metric); /* "valid_loss" */

/* Whether the rule looks at this epoch (from 1) of `epochs` at all: at the last one there is
 * nothing left to stop. */
bool stop_due(const struct stop_rule *rule, int64_t epoch, int64_t epochs);

/* How an experiment stands after an epoch, by one metric; NaN where that is undefined, which counts
 * as the worst value there is. Begins, after epoch 0, as {.value = NAN, .best = NAN}. */
struct stop_standing {
    int64_t epoch;
    double value; /* at this epoch */
    double total; /* of all up to it */
    double best;  /* of those that are defined */
};

/* Goes on to a later epoch with its value (NaN: undefined). One that was left out is undefined. */
void stop_stand(struct stop_standing *standing, enum stop_metric metric, int64_t epoch,
                double value);

struct stop_verdict {
    bool stop;
    double value;     /* median: the best so far; asha: at this epoch; NaN when undefined */
    double threshold; /* what it had to be at least as good as; NaN when undefined */
    size_t peers;     /* how many others had come as far */
};

/* After an epoch at which the rule is due; the `others` are those that have come there, and stand
 * after the same epoch. False without memory. */
bool stop_decide(const struct stop_rule *rule, const struct stop_standing *own,
                 const struct stop_standing *others, size_t count, struct stop_verdict *verdict);

#endif
