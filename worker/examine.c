#include "worker/examine.h"

#include "worker/checkpoint.h"

#include <string.h>

static const char *const split_names[EXAMINE_SPLITS] = {"valid", "test"};

static const struct split_list *list_of(const struct session *session, size_t split) {
    return split == EXAMINE_VALID ? &session->split.valid : &session->split.test;
}

static bool load(struct session *session, const char *path, uint32_t *epoch, struct error *error) {
    struct checkpoint *checkpoint;
    if (!checkpoint_open(path, &checkpoint, error))
        return false;
    *epoch = checkpoint_state(checkpoint)->epoch;
    bool ok = checkpoint_restore(checkpoint, &session->network, session->backend, session->model, 0,
                                 NULL, error) ||
              error_context(error, "%s", path);
    checkpoint_close(checkpoint);
    return ok;
}

/* What is loaded, on the splits up to `last`. */
static bool evaluate(struct session *session, uint32_t epoch, size_t last,
                     struct evaluation_report reports[EXAMINE_SPLITS], struct error *error) {
    for (size_t i = 0; i <= last; i++) {
        const struct split_list *list = list_of(session, i);
        struct evaluation_report *report = &reports[i];
        evaluation_free(report);
        if (!evaluation_begin(&session->split, list, report, error))
            return false;
        report->split = split_names[i];
        report->epoch = epoch;
        if (!session_evaluate(session, list, report->split, epoch, &report->metrics, report->scores,
                              error) ||
            !evaluation_finish(report, i == EXAMINE_VALID ? NULL : &reports[EXAMINE_VALID], error))
            return false;
    }
    return true;
}

bool examine_both(struct session *session, const char *path,
                  struct evaluation_report reports[EXAMINE_SPLITS], struct error *error) {
    uint32_t epoch;
    if (load(session, path, &epoch, error))
        return evaluate(session, epoch, EXAMINE_TEST, reports, error);
    if (error != NULL && error->code == ERROR_INPUT)
        error->code = ERROR_FAILED;
    return false;
}

/* "best", "last" or "epoch", by the file's name. */
static const char *kind_of(const char *path) {
    const char *name = strrchr(path, '/');
    name = name != NULL ? name + 1 : path;
    return strncmp(name, "checkpoint_best", 15) == 0   ? "best"
           : strncmp(name, "checkpoint_last", 15) == 0 ? "last"
                                                       : "epoch";
}

bool examine_checkpoint(const struct experiment *experiment, const struct trainer_options *options,
                        const char *path, const char *split, const struct trainer_events *events,
                        struct evaluation_report *report, struct error *error) {
    struct session session = {0};
    struct evaluation_report reports[EXAMINE_SPLITS] = {0};
    uint32_t epoch;
    size_t which = strcmp(split, split_names[EXAMINE_VALID]) == 0 ? EXAMINE_VALID : EXAMINE_TEST;
    if (strcmp(split, split_names[which]) != 0)
        return error_set(error, ERROR_INPUT, "split is valid or test, not \"%s\"", split);
    if (!session_open(experiment, options, events, false, &session, error))
        return false;
    bool ok = list_of(&session, which)->count > 0 ||
              error_set(error, ERROR_INPUT, "no picture in the split \"%s\"", split);
    ok = ok && load(&session, path, &epoch, error) &&
         evaluate(&session, epoch, which, reports, error);
    if (!ok && session.stopped)
        error_set(error, ERROR_FAILED, "stopped");
    if (ok) {
        *report = reports[which];
        reports[which] = (struct evaluation_report){0};
        report->checkpoint = kind_of(path);
        report->list = NULL;
    }
    for (size_t i = 0; i < EXAMINE_SPLITS; i++)
        evaluation_free(&reports[i]);
    session_close(&session);
    return ok;
}
