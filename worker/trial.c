#include "worker/trial.h"

#include "core/format.h"
#include "core/shortage.h"
#include "worker/provision.h"
#include "worker/report.h"
#include "worker/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TRIAL_QUEUE_MAX = 64 };

struct trial {
    trial_function *run;
    struct experiment experiment;
    struct trainer_options options;
    struct trial_supply supply;
    struct provision provision; /* the thread's */
    char *fork;                 /* likewise: the checkpoint that was fetched to go on from */
    char *host;
    pthread_t thread;
    bool started;
    bool short_of_memory; /* the thread's: a report could not be made */
    uint32_t resumed;     /* the thread's: the epoch that it goes on from, or 0 */
    atomic_bool stop;
    atomic_uint stop_epoch; /* trainer_events' */
    int wake;               /* eventfd */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t room;  /* the queue has room, or abandoned */
    struct trial_item queue[TRIAL_QUEUE_MAX];
    size_t first, count;
    struct progress progress;
    bool has_progress;
    bool abandoned; /* nobody takes items any more: they are freed instead of queued */
};

void trial_item_free(struct trial_item *item) {
    cJSON_Delete(item->body);
    free(item->line);
    memset(item, 0, sizeof *item);
}

static void trial_wake(struct trial *trial) {
    const uint64_t one = 1;
    while (write(trial->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* Waits for room; the queue owns the item from here on. */
static void trial_put(struct trial *trial, struct trial_item item) {
    if (item.kind != NULL && shortage_in_trees()) {
        trial->short_of_memory = true;
        atomic_store(&trial->stop, true);
        trial_item_free(&item);
        return;
    }
    pthread_mutex_lock(&trial->lock);
    while (trial->count == TRIAL_QUEUE_MAX && !trial->abandoned)
        pthread_cond_wait(&trial->room, &trial->lock);
    bool queued = !trial->abandoned;
    if (queued)
        trial->queue[(trial->first + trial->count++) % TRIAL_QUEUE_MAX] = item;
    pthread_mutex_unlock(&trial->lock);
    if (queued)
        trial_wake(trial);
    else
        trial_item_free(&item);
}

bool trial_take(struct trial *trial, struct trial_item *item) {
    uint64_t drained;
    pthread_mutex_lock(&trial->lock);
    bool found = trial->count > 0;
    if (found) {
        *item = trial->queue[trial->first];
        trial->first = (trial->first + 1) % TRIAL_QUEUE_MAX;
        trial->count--;
        pthread_cond_signal(&trial->room);
    } else {
        /* under the lock, so that a wake for an item that comes now is not drained with it */
        while (read(trial->wake, &drained, sizeof drained) < 0 && errno == EINTR)
            ;
    }
    pthread_mutex_unlock(&trial->lock);
    return found;
}

bool trial_progress(struct trial *trial, struct progress *progress) {
    pthread_mutex_lock(&trial->lock);
    bool known = trial->has_progress;
    *progress = trial->progress;
    pthread_mutex_unlock(&trial->lock);
    return known;
}

static void on_progress(void *context, const struct progress *progress) {
    struct trial *trial = context;
    pthread_mutex_lock(&trial->lock);
    trial->progress = *progress;
    trial->has_progress = true;
    pthread_mutex_unlock(&trial->lock);
}

__attribute__((format(printf, 1, 2))) static char *line_make(const char *format, ...) {
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0)
        line = NULL;
    va_end(arguments);
    return line;
}

static void on_resume(void *context, uint32_t epoch) {
    struct trial *trial = context;
    trial->resumed = epoch;
}

/* What people hear of it; nothing of those that they have heard of, but for the last. */
static char *epoch_line(const struct trial *trial, const struct epoch_report *report) {
    double train = 0, valid = 0, accuracy = 0;
    char texts[3][FORMAT_SIZE];
    if (report->epoch < trial->resumed)
        return NULL;
    bool has_train = metrics_loss(&report->train, &train);
    bool has_valid = metrics_loss(&report->valid, &valid);
    bool has_accuracy = metrics_accuracy(&report->valid, &accuracy);
    return line_make("%sepoch %" PRIu32 "/%" PRIu32
                     ": train loss %s, valid loss %s, accuracy %s%s; %.1f images/s",
                     report->epoch == trial->resumed ? "going on from " : "", report->epoch,
                     trial->experiment.train.epochs, format_ratio(texts[0], has_train, train),
                     format_ratio(texts[1], has_valid, valid),
                     format_ratio(texts[2], has_accuracy, accuracy),
                     report->best ? " (best so far)" : "", report->images_per_second);
}

static void on_epoch(void *context, const struct epoch_report *report) {
    trial_put(context, (struct trial_item){.kind = "epoch",
                                           .body = report_epoch(report),
                                           .line = epoch_line(context, report)});
}

static void on_checkpoint(void *context, const struct checkpoint_report *report) {
    struct trial *trial = context;
    if (trial->supply.from != NULL && strcmp(report->kind, "last") == 0)
        sweep_fork(trial->options.dir); /* from here on the run goes on from its own */
    trial_put(trial, (struct trial_item){.kind = "checkpoint",
                                         .body = report_checkpoint(report, trial->host)});
}

/* The scores first: where the evaluation stands, they all do. */
static void on_evaluation(void *context, const struct evaluation_report *report) {
    for (size_t position = 0; position < report->list->count;)
        trial_put(context,
                  (struct trial_item){.kind = "scores", .body = report_scores(report, &position)});
    double accuracy = 0;
    char text[FORMAT_SIZE];
    bool defined = metrics_accuracy(&report->metrics, &accuracy);
    char *line =
        line_make("%s checkpoint (epoch %" PRIu32 ") on %s: accuracy %s", report->checkpoint,
                  report->epoch, report->split, format_ratio(text, defined, accuracy));
    trial_put(context, (struct trial_item){
                           .kind = "evaluation", .body = report_evaluation(report), .line = line});
}

static void on_log(void *context, uint64_t offset, const char *text) {
    trial_put(context, (struct trial_item){.kind = "log", .body = report_log(offset, text)});
}

static bool on_stop(void *context) {
    struct trial *trial = context;
    return atomic_load(&trial->stop);
}

/* What the trainer needs, and then the trainer. */
static enum trainer_outcome train(struct trial *trial, const struct trainer_events *events,
                                  struct error *error) {
    const struct supply_source *source = &trial->supply.source;
    enum trainer_outcome outcome;
    bool stopped;
    if (trial->supply.from != NULL &&
        !supply_fork(source, trial->supply.from, trial->supply.from_there, &trial->options, events,
                     &trial->fork, &stopped, error))
        return stopped ? TRAINER_STOPPED : TRAINER_FAILED;
    if (!supply_bring(source, trial->supply.files, &trial->experiment, &trial->options, events,
                      &stopped, error))
        return stopped ? TRAINER_STOPPED : TRAINER_FAILED;
    switch (provision_bring(source, &trial->experiment, &trial->options, events, &trial->provision,
                            error)) {
    case PROVISION_READY: break;
    case PROVISION_STOPPED: return TRAINER_STOPPED;
    case PROVISION_FAILED: return TRAINER_FAILED;
    }
    outcome = trial->run(&trial->experiment, &trial->options, events, error);
    if (outcome != TRAINER_FAILED)
        return outcome;
    provision_blame(&trial->provision, &trial->experiment, &trial->options, events, &stopped,
                    error);
    return stopped ? TRAINER_STOPPED : TRAINER_FAILED;
}

static uint32_t on_stop_epoch(void *context) {
    struct trial *trial = context;
    return atomic_load(&trial->stop_epoch);
}

static void *trial_main(void *context) {
    struct trial *trial = context;
    const struct trainer_events events = {.context = trial,
                                          .progress = on_progress,
                                          .resume = on_resume,
                                          .epoch = on_epoch,
                                          .checkpoint = on_checkpoint,
                                          .evaluation = on_evaluation,
                                          .log = on_log,
                                          .stop = on_stop,
                                          .stop_epoch = on_stop_epoch};
    struct trial_item end = {.kind = NULL};
    end.outcome = train(trial, &events, &end.error);
    if (trial->short_of_memory) {
        end.outcome = TRAINER_FAILED;
        error_machine(&end.error, "out of memory for a report");
    }
    provision_end(&trial->provision);
    trial_put(trial, end);
    return NULL;
}

bool trial_start(trial_function *run, struct experiment *experiment,
                 const struct trainer_options *options, const struct trial_supply *supply,
                 const char *host, struct trial **out, struct error *error) {
    *out = NULL;
    struct trial *trial = calloc(1, sizeof *trial);
    if (trial == NULL) {
        experiment_free(experiment);
        return error_memory(error);
    }
    trial->run = run;
    trial->experiment = *experiment;
    trial->options = *options;
    trial->supply = *supply;
    trial->provision.hold.descriptor = -1;
    atomic_init(&trial->stop_epoch, options->stop_epoch);
    pthread_mutex_init(&trial->lock, NULL);
    pthread_cond_init(&trial->room, NULL);
    trial->host = strdup(host);
    trial->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int code = trial->host == NULL || trial->wake < 0
                   ? errno
                   : pthread_create(&trial->thread, NULL, trial_main, trial);
    trial->started = code == 0;
    if (code != 0) {
        trial_free(trial);
        return error_machine(error, "cannot start the trainer: %s", strerror(code));
    }
    *out = trial;
    return true;
}

void trial_stop(struct trial *trial) {
    atomic_store(&trial->stop, true);
}

void trial_shorten(struct trial *trial, uint32_t stop_epoch) {
    atomic_store(&trial->stop_epoch, stop_epoch);
}

void trial_free(struct trial *trial) {
    if (trial == NULL)
        return;
    trial_stop(trial);
    pthread_mutex_lock(&trial->lock);
    trial->abandoned = true;
    pthread_cond_broadcast(&trial->room);
    pthread_mutex_unlock(&trial->lock);
    if (trial->started)
        pthread_join(trial->thread, NULL);
    for (size_t i = 0; i < trial->count; i++)
        trial_item_free(&trial->queue[(trial->first + i) % TRIAL_QUEUE_MAX]);
    if (trial->wake >= 0)
        close(trial->wake);
    pthread_cond_destroy(&trial->room);
    pthread_mutex_destroy(&trial->lock);
    experiment_free(&trial->experiment);
    free(trial->fork);
    free(trial->host);
    free(trial);
}

int trial_fd(const struct trial *trial) {
    return trial->wake;
}
