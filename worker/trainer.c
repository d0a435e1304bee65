#include "worker/trainer.h"

#include "core/file.h"
#include "core/json.h"
#include "worker/examine.h"
#include "worker/fork.h"
#include "worker/records.h"
#include "worker/resume.h"
#include "worker/scribe.h"
#include "worker/weights.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One run of an experiment in its folder. */
struct run {
    const struct experiment *experiment;
    const struct trainer_options *options;
    const struct trainer_events *events;
    struct session session;
    struct records records;
    struct checkpoint_state state;
    char *config; /* compact JSON text, for the checkpoints */
    char *best_path, *last_path;
    /* the last finished epoch while its checkpoint is being written; scribe NULL: there is none */
    struct {
        struct scribe *scribe;
        struct epoch_report report;
        char *epoch_path; /* NULL: it is not due */
    } pending;
    struct trainer_events watched; /* the session's: the run's, which look after `pending` too */
    bool failed;                   /* the checkpoint could not be written: */
    struct error failure;
};

/* --- telling --- */

static void tell_epoch(const struct run *run, const struct epoch_report *report) {
    if (run->events->epoch != NULL)
        run->events->epoch(run->events->context, report);
}

static void tell_checkpoint(const struct run *run, const char *kind, uint32_t epoch,
                            const char *path) {
    const struct checkpoint_report report = {.kind = kind, .epoch = epoch, .path = path};
    if (run->events->checkpoint != NULL)
        run->events->checkpoint(run->events->context, &report);
}

static bool epoch_checkpoint_due(const struct run *run, uint32_t epoch) {
    uint32_t every = run->experiment->train.checkpoint_every;
    return every > 0 && epoch % every == 0;
}

/* Reports everything that the checkpoint knows of, after a resume. */
static bool tell_all_again(const struct run *run, struct error *error) {
    if (run->events->resume != NULL)
        run->events->resume(run->events->context, run->state.epoch);
    for (uint32_t epoch = 1; epoch <= run->state.epoch; epoch++) {
        tell_epoch(run, &run->state.history[epoch - 1]);
        if (!epoch_checkpoint_due(run, epoch))
            continue;
        char *path = checkpoint_path_epoch(run->options->dir, epoch);
        if (path == NULL)
            return error_memory(error);
        if (access(path, F_OK) == 0)
            tell_checkpoint(run, "epoch", epoch, path);
        free(path);
    }
    tell_checkpoint(run, "best", run->state.best_epoch, run->best_path);
    tell_checkpoint(run, "last", run->state.epoch, run->last_path);
    return true;
}

/* --- what is being written --- */

/* Ends the writing of the epoch that is pending, waiting for it, and reports what is durable now.
 */
static bool settle(struct run *run, struct error *error) {
    const struct epoch_report *report = &run->pending.report;
    char *epoch_path = run->pending.epoch_path;
    if (run->pending.scribe == NULL)
        return true;
    bool done = scribe_end(run->pending.scribe, error);
    run->pending.scribe = NULL;
    run->pending.epoch_path = NULL;
    if (done) {
        tell_epoch(run, report);
        if (report->best)
            tell_checkpoint(run, "best", report->epoch, run->best_path);
        if (epoch_path != NULL)
            tell_checkpoint(run, "epoch", report->epoch, epoch_path);
        tell_checkpoint(run, "last", report->epoch, run->last_path);
    }
    free(epoch_path);
    return done;
}

static uint32_t pass_stop_epoch(void *context) {
    const struct run *run = context;
    return run->events->stop_epoch != NULL ? run->events->stop_epoch(run->events->context) : 0;
}

/* The session asks after every step: an epoch that has become durable meanwhile is reported now,
 * and one that could not be written ends the run. */
static bool stop_or_settle(void *context) {
    struct run *run = context;
    if (run->pending.scribe != NULL && scribe_finished(run->pending.scribe))
        run->failed = !settle(run, &run->failure);
    return run->failed || (run->events->stop != NULL && run->events->stop(run->events->context));
}

/* Progress is the run's own, whose context the session's events have not. */
static void pass_progress(void *context, const struct progress *progress) {
    const struct run *run = context;
    if (run->events->progress != NULL)
        run->events->progress(run->events->context, progress);
}

/* --- beginning --- */

static bool write_checkpoint(struct run *run, const char *path, struct error *error) {
    return checkpoint_write(path, &run->session.network, run->session.backend, run->session.model,
                            &run->state, run->config, error);
}

/* The checkpoint must know the lengths that are there, not those that were. */
static bool open_records(struct run *run, const char *notes, struct error *error) {
    bool lost;
    return records_open(&run->records, notes, &run->state, &lost, error) &&
           (!lost ||
            (records_sync(&run->records, error) && write_checkpoint(run, run->last_path, error)));
}

/* Takes state, weights and so many of the optimizer's moments from the checkpoint at `path`. */
static bool state_restore(struct run *run, const struct checkpoint *checkpoint, const char *path,
                          size_t moments, struct error *error) {
    const struct checkpoint_state *from = checkpoint_state(checkpoint);
    struct checkpoint_state *state = &run->state;
    if (from->epoch > run->experiment->train.epochs)
        return error_set(error, ERROR_INPUT, "%s: is of epoch %" PRIu32 ", of %" PRIu32, path,
                         from->epoch, run->experiment->train.epochs);
    state->epoch = from->epoch;
    state->iteration = from->iteration;
    state->best_loss = from->best_loss;
    state->best_epoch = from->best_epoch;
    state->log_bytes = from->log_bytes;
    state->board_bytes = from->board_bytes;
    state->schedule = from->schedule;
    memcpy(state->history, from->history, from->epoch * sizeof *from->history);
    return checkpoint_restore(checkpoint, &run->session.network, run->session.backend,
                              run->session.model, moments, state->batches_tracked, error) ||
           error_context(error, "%s", path);
}

/* The same from a checkpoint of another experiment, whose files stay what they are: this run's have
 * its own config, and log and TensorBoard's events begin anew, with the history so far. Best is
 * written here, last once the log is. */
static bool state_fork(struct run *run, const struct fork *fork, struct text *notes,
                       struct error *error) {
    const char *path = run->options->from.path;
    const double lr = run->experiment->train.optimizer.lr;
    struct checkpoint_state *state = &run->state;
    size_t moments = checkpoint_state(fork->from)->moments; /* SGD has one with momentum alone */
    if (moments > state->moments)
        moments = state->moments;
    if (fork->best != NULL && (!state_restore(run, fork->best, path, moments, error) ||
                               !write_checkpoint(run, run->best_path, error)))
        return false;
    if (!state_restore(run, fork->from, path, moments, error))
        return false;
    state->log_bytes = state->board_bytes = 0;
    if (fork->best == NULL) {
        state->best_epoch = state->epoch;
        metrics_loss(&state->history[state->epoch - 1].valid, &state->best_loss);
    }
    if (run->experiment->train.scheduler.name == SCHEDULER_COSINE) /* a function of the epoch */
        schedule_step(run->experiment, state->epoch, 0, &state->schedule);
    else if (fork_changes_rate(fork, lr))
        state->schedule.lr = lr;
    text_format(notes, "going on from epoch %" PRIu32 " of %s\n", state->epoch, path);
    return fork->best != NULL || write_checkpoint(run, run->best_path, error);
}

/* Opens what the run goes on from: its own checkpoint, or another's when it has none that is as
 * far. */
static bool find_beginning(struct run *run, struct checkpoint **checkpoint, struct fork *fork,
                           struct text *warnings, struct error *error) {
    const struct trainer_options *options = run->options;
    if (!resume_find(options, run->experiment, checkpoint, warnings, error))
        return false;
    if (options->from.path == NULL ||
        (*checkpoint != NULL && checkpoint_state(*checkpoint)->epoch >= options->from.epoch))
        return true;
    checkpoint_close(*checkpoint);
    *checkpoint = NULL;
    return fork_open(options, run->experiment, fork, error);
}

static bool run_begin(struct run *run, struct error *error) {
    const struct experiment *experiment = run->experiment;
    const char *dir = run->options->dir;
    struct checkpoint *checkpoint = NULL;
    struct fork fork = {0};
    struct text notes = {0};
    bool ok = false;
    run->watched = (struct trainer_events){.context = run,
                                           .progress = pass_progress,
                                           .stop = stop_or_settle,
                                           .stop_epoch = pass_stop_epoch};
    run->records =
        (struct records){.session = &run->session, .options = run->options, .events = run->events};
    run->config = json_text(experiment->config);
    run->best_path = checkpoint_path_best(dir);
    run->last_path = checkpoint_path_last(dir);
    if (run->config == NULL || run->best_path == NULL || run->last_path == NULL) {
        error_memory(error);
        goto out;
    }
    if (!folder_make(dir, error) ||
        !session_open(experiment, run->options, &run->watched, true, &run->session, error) ||
        !find_beginning(run, &checkpoint, &fork, &notes, error) ||
        !checkpoint_state_new(experiment, &run->session.network, &run->state, error))
        goto out;
    ok = checkpoint != NULL
             ? state_restore(run, checkpoint, run->last_path, run->state.moments, error)
         : fork.from != NULL
             ? state_fork(run, &fork, &notes, error)
             : weights_begin(experiment, &run->session.network, run->session.backend,
                             run->session.model, run->state.batches_tracked, error);
    ok = ok && open_records(run, notes.data, error) &&
         (run->state.epoch == 0 || tell_all_again(run, error));
out:
    checkpoint_close(checkpoint);
    fork_close(&fork);
    text_free(&notes);
    return ok;
}

static void run_end(struct run *run) {
    records_close(&run->records);
    checkpoint_state_free(&run->state);
    session_close(&run->session);
    free(run->pending.epoch_path);
    free(run->best_path);
    free(run->last_path);
    free(run->config);
}

/* --- epochs --- */

/* Begins to make the epoch durable, "last" last; it is reported once it is. */
static bool save_epoch(struct run *run, const struct epoch_report *report, struct error *error) {
    struct draft *draft;
    const char *paths[SCRIBE_PATHS];
    size_t count = 0;
    char *epoch_path = NULL;
    if (!settle(run, error) || !records_sync(&run->records, error))
        return false;
    if (epoch_checkpoint_due(run, report->epoch)) {
        epoch_path = checkpoint_path_epoch(run->options->dir, report->epoch);
        if (epoch_path == NULL)
            return error_memory(error);
    }
    if (report->best)
        paths[count++] = run->best_path;
    if (epoch_path != NULL)
        paths[count++] = epoch_path;
    paths[count++] = run->last_path;
    run->pending.report = *report;
    run->pending.epoch_path = epoch_path;
    return checkpoint_draft(&run->session.network, run->session.backend, run->session.model,
                            &run->state, run->config, &draft, error) &&
           scribe_begin(draft, paths, count, &run->pending.scribe, error);
}

/* What the epoch's numbers change: schedule, best, history, and what log and TensorBoard say. */
static const struct epoch_report *account(struct run *run, const struct session_epoch *epoch,
                                          const struct metrics *valid) {
    struct checkpoint_state *state = &run->state;
    struct epoch_report *report = &state->history[epoch->epoch - 1];
    double loss = 0, count = (double)metrics_count(&epoch->metrics);
    metrics_loss(valid, &loss);
    *report =
        (struct epoch_report){.epoch = epoch->epoch,
                              .train = epoch->metrics,
                              .valid = *valid,
                              .learning_rate = epoch->learning_rate,
                              .seconds = epoch->seconds,
                              .images_per_second = epoch->seconds > 0 ? count / epoch->seconds : 0,
                              .best = loss < state->best_loss};
    weights_tracked_add(&run->session.network, state->batches_tracked,
                        (int64_t)(epoch->iteration - state->iteration));
    state->iteration = epoch->iteration;
    state->epoch = epoch->epoch;
    schedule_step(run->experiment, epoch->epoch, loss, &state->schedule);
    records_epoch(&run->records, report);
    if (report->best) {
        state->best_loss = loss;
        state->best_epoch = epoch->epoch;
        trainlog_line(run->records.log, "checkpoint_best_loss: epoch %" PRIu32 " loss_valid %.4f",
                      epoch->epoch, loss);
    }
    if (epoch_checkpoint_due(run, epoch->epoch))
        trainlog_line(run->records.log, "checkpoint_epoch_%03" PRIu32, epoch->epoch);
    state->log_bytes = trainlog_bytes(run->records.log);
    state->board_bytes = tensorboard_bytes(run->records.board);
    return report;
}

static bool run_epoch(struct run *run, struct error *error) {
    struct session *session = &run->session;
    struct metrics valid;
    session->epoch = run->state.epoch + 1;
    struct session_epoch epoch = {.epoch = run->state.epoch + 1,
                                  .learning_rate = run->state.schedule.lr,
                                  .iteration = run->state.iteration};
    return session_train(session, &epoch, run->records.log, run->records.board, error) &&
           session_evaluate(session, &session->split.valid, "valid", epoch.epoch, &valid, NULL,
                            error) &&
           save_epoch(run, account(run, &epoch, &valid), error);
}

/* --- the end --- */

/* Training is over, maybe early: what an epoch that is not wanted has written to log and events
 * goes. (The model has its steps in it; only the checkpoints count from here on.) */
static bool end_training(struct run *run, struct error *error) {
    struct session *session = &run->session;
    bool cut = session->surplus, lost;
    if (!session_leave_training(session, error))
        return false;
    if (run->state.epoch == run->experiment->train.epochs)
        return true;
    if (cut) {
        records_close(&run->records);
        if (!records_open(&run->records, NULL, &run->state, &lost, error))
            return false;
    }
    trainlog_line(run->records.log, "stopped early: after epoch %" PRIu32 " of %" PRIu32,
                  run->state.epoch, run->experiment->train.epochs);
    return true;
}

/* Keeps the scores in the run's folder, and reports. */
static bool tell_evaluation(struct run *run, const struct evaluation_report *report,
                            struct error *error) {
    if (!evaluation_write_scores(report, run->options->dir, error))
        return false;
    records_evaluation(&run->records, report);
    if (run->events->evaluation != NULL)
        run->events->evaluation(run->events->context, report);
    return true;
}

/* Evaluates best and last on valid and test. When they are the same epoch, once. */
static bool run_evaluations(struct run *run, struct error *error) {
    static const char *const kinds[] = {"best", "last"};
    const char *const paths[] = {run->best_path, run->last_path};
    struct evaluation_report reports[EXAMINE_SPLITS] = {0};
    bool ok = true;
    for (size_t k = 0; k < 2 && ok; k++) {
        bool known = k == 1 && run->state.best_epoch == run->state.epoch;
        ok = known || examine_both(&run->session, paths[k], reports, error);
        for (size_t s = 0; s < EXAMINE_SPLITS && ok; s++) {
            reports[s].checkpoint = kinds[k];
            ok = tell_evaluation(run, &reports[s], error);
        }
    }
    for (size_t s = 0; s < EXAMINE_SPLITS; s++)
        evaluation_free(&reports[s]);
    if (ok)
        tensorboard_end(run->records.board, true);
    return ok && records_sync(&run->records, error);
}

enum trainer_outcome trainer_run(const struct experiment *experiment,
                                 const struct trainer_options *options,
                                 const struct trainer_events *events, struct error *error) {
    struct run run = {.experiment = experiment, .options = options, .events = events};
    assert(experiment->config != NULL);
    bool ok = run_begin(&run, error);
    while (ok && run.state.epoch < session_last_epoch(&run.session))
        ok = run_epoch(&run, error);
    if (!ok && run.session.surplus && !run.session.stopped) {
        ok = true;
        if (error != NULL)
            *error = (struct error){0};
    }
    run.failed = run.failed || !settle(&run, &run.failure); /* also when it was stopped */
    if (run.failed && error != NULL)
        *error = run.failure;
    ok = ok && !run.failed && end_training(&run, error) && run_evaluations(&run, error);
    bool stopped = run.session.stopped && !run.failed;
    if (!ok && !stopped && run.records.log != NULL && error != NULL)
        records_failure(&run.records, error);
    run_end(&run);
    return ok ? TRAINER_DONE : stopped ? TRAINER_STOPPED : TRAINER_FAILED;
}
