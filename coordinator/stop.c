#include "coordinator/stop.h"

#include "core/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const rules[] = {[STOP_MEDIAN] = "median", [STOP_ASHA] = "asha"};
static const char *const metrics[] = {[STOP_VALID_LOSS] = "valid_loss",
                                      [STOP_ACCURACY] = "accuracy",
                                      [STOP_PRECISION] = "precision",
                                      [STOP_RECALL] = "recall"};
enum { RULES = sizeof rules / sizeof rules[0], METRICS = sizeof metrics / sizeof metrics[0] };

const char *stop_rule_text(enum stop_rule_name name) {
    return rules[name];
}

const char *stop_metric_text(enum stop_metric metric) {
    return metrics[metric];
}

/* The index of the member's word; `count` when it is none of them. */
static size_t word_of(const cJSON *stop, const char *key, const char *const *words, size_t count) {
    const char *word = cJSON_GetStringValue(json_member(stop, key));
    size_t index = 0;
    while (index < count && (word == NULL || strcmp(words[index], word) != 0))
        index++;
    return index;
}

bool stop_rule_read(const cJSON *stop, struct stop_rule *rule) {
    size_t name = word_of(stop, "rule", rules, RULES);
    size_t metric = word_of(stop, "metric", metrics, METRICS);
    if (name == RULES || metric == METRICS)
        return false;
    *rule = (struct stop_rule){.name = (enum stop_rule_name)name,
                               .metric = (enum stop_metric)metric,
                               .grace_epochs = json_integer(stop, "grace_epochs"),
                               .min_peers = json_integer(stop, "min_peers"),
                               .eta = json_integer(stop, "eta")};
    return rule->grace_epochs >= 1 && (rule->name != STOP_ASHA || rule->eta >= 2);
}

bool stop_due(const struct stop_rule *rule, int64_t epoch, int64_t epochs) {
    if (epoch < rule->grace_epochs || epoch >= epochs)
        return false;
    if (rule->name == STOP_MEDIAN)
        return true;
    int64_t rung = rule->grace_epochs;
    while (rung <= epoch / rule->eta)
        rung *= rule->eta;
    return rung == epoch;
}

/* As a cost: the less, the better, whatever the metric. Its own inverse but for what is undefined.
 */
static double cost_of(enum stop_metric metric, double value) {
    if (isnan(value))
        return INFINITY;
    return metric == STOP_VALID_LOSS ? value : -value;
}

static double value_of(enum stop_metric metric, double cost) {
    return isinf(cost) ? (double)NAN : cost_of(metric, cost);
}

static int compare(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

void stop_stand(struct stop_standing *standing, enum stop_metric metric, int64_t epoch,
                double value) {
    double best = cost_of(metric, standing->best);
    standing->value = value;
    standing->total += epoch == standing->epoch + 1 ? value : (double)NAN;
    standing->best = value_of(metric, fmin(best, cost_of(metric, value)));
    standing->epoch = epoch;
}

/* Of one of the others: what it is compared by. */
static double cost_of_other(const struct stop_rule *rule, const struct stop_standing *other) {
    double average = other->total / (double)other->epoch;
    return cost_of(rule->metric, rule->name == STOP_MEDIAN ? average : other->value);
}

/* What the others' `costs` (sorted) ask of this one: at most this. */
static double limit_of(const struct stop_rule *rule, const double *costs, size_t count) {
    if (rule->name == STOP_MEDIAN)
        return (costs[(count - 1) / 2] + costs[count / 2]) / 2;
    /* With this one there are count + 1, of which `pass` go on: it does when it is no worse than
     * the pass-th of the others. */
    size_t pass = (count + 1) / (size_t)rule->eta;
    return costs[pass > 1 ? pass - 1 : 0];
}

bool stop_decide(const struct stop_rule *rule, const struct stop_standing *own,
                 const struct stop_standing *others, size_t count, struct stop_verdict *verdict) {
    enum stop_metric metric = rule->metric;
    double *costs = calloc(count + 1, sizeof *costs);
    if (costs == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        costs[i] = cost_of_other(rule, &others[i]);
    qsort(costs, count, sizeof *costs, compare);
    bool enough = count > 0 && count >= (size_t)rule->min_peers;
    double limit = enough ? limit_of(rule, costs, count) : INFINITY;
    double cost = cost_of(metric, rule->name == STOP_MEDIAN ? own->best : own->value);
    *verdict = (struct stop_verdict){.stop = cost > limit,
                                     .value = value_of(metric, cost),
                                     .threshold = value_of(metric, limit),
                                     .peers = count};
    free(costs);
    return true;
}
