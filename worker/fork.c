#include "worker/fork.h"

#include "core/fork.h"
#include "core/json.h"
#include "core/shortage.h"
#include "worker/resume.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file, where it is `from`'s best: of that epoch, and of the same experiment. Takes `path`
 * over. False without memory to find out. */
static bool open_best(char *path, const struct checkpoint *from, struct checkpoint **best,
                      struct error *error) {
    struct error unread = {0};
    bool known = path != NULL || error_memory(error);
    if (known && access(path, R_OK) == 0 && !checkpoint_open(path, best, &unread) &&
        error_take_shortage(error, &unread))
        known = false;
    if (*best != NULL && (checkpoint_state(*best)->epoch != checkpoint_state(from)->best_epoch ||
                          !checkpoint_matches(*best, checkpoint_config(from)))) {
        checkpoint_close(*best);
        *best = NULL;
        known = !shortage_in_trees() || error_memory(error);
    }
    free(path);
    return known;
}

static bool find_best(const char *path, const struct checkpoint *from, struct checkpoint **best,
                      struct error *error) {
    const struct checkpoint_state *state = checkpoint_state(from);
    if (state->best_epoch == state->epoch)
        return true;
    char *copy = strdup(path);
    if (copy == NULL)
        return error_memory(error);
    const char *dir = dirname(copy);
    bool ok = open_best(checkpoint_path_best(dir), from, best, error) &&
              (*best != NULL ||
               open_best(checkpoint_path_epoch(dir, state->best_epoch), from, best, error));
    free(copy);
    return ok;
}

bool fork_is_there(const char *path, uint32_t epoch, bool with_best, bool *there,
                   struct error *error) {
    struct fork fork = {0};
    struct error unread = {0};
    *there = false;
    if (access(path, R_OK) != 0)
        return true;
    if (!checkpoint_open(path, &fork.from, &unread))
        return !error_take_shortage(error, &unread);
    const struct checkpoint_state *state = checkpoint_state(fork.from);
    bool known = !with_best || find_best(path, fork.from, &fork.best, error);
    bool whole = !with_best || fork.best != NULL || state->best_epoch == state->epoch;
    *there = known && whole && state->epoch == epoch;
    fork_close(&fork);
    return known;
}

/* Why it cannot be had (errno): where it is the machine that cannot get at it, another time it may.
 */
static bool refuse_unread(const char *path, const char *host, struct error *error) {
    struct error why = {0};
    error_errno(&why, ERROR_INPUT, "cannot read %s on %s, the checkpoint to go on from", path,
                host);
    if (why.cause == CAUSE_UNKNOWN)
        return error_set(error, ERROR_INPUT,
                         "cannot read %s on %s, the checkpoint to go on from; bring it back, or "
                         "submit again from another one",
                         path, host);
    if (error != NULL)
        *error = why;
    return false;
}

bool fork_open(const struct trainer_options *options, const struct experiment *experiment,
               struct fork *fork, struct error *error) {
    const char *path = options->from.path;
    *fork = (struct fork){0};
    if (access(path, R_OK) != 0)
        return refuse_unread(path, options->from.host, error);
    if (!checkpoint_open(path, &fork->from, error))
        return false;
    uint32_t epoch = checkpoint_state(fork->from)->epoch;
    if (epoch != options->from.epoch)
        return error_set(error, ERROR_INPUT,
                         "%s is of epoch %" PRIu32 " now and was of %" PRIu32
                         " when this was submitted; submit again",
                         path, epoch, options->from.epoch);
    if (!fork_check(checkpoint_config(fork->from), experiment->config, epoch, error))
        return error_context(error, "%s", path);
    return find_best(path, fork->from, &fork->best, error);
}

bool fork_changes_rate(const struct fork *fork, double lr) {
    const cJSON *train = json_member(checkpoint_config(fork->from), "train");
    const cJSON *its = json_member(json_member(train, "optimizer"), "lr");
    return cJSON_IsNumber(its) && (its->valuedouble < lr || its->valuedouble > lr);
}

void fork_close(struct fork *fork) {
    checkpoint_close(fork->from);
    checkpoint_close(fork->best);
    *fork = (struct fork){0};
}
