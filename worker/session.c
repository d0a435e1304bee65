#include "worker/session.h"

#include "core/clock.h"
#include "core/random.h"
#include "worker/pictures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOGGED_EVERY = 100, TOLD_EVERY_MS = 100 };

/* --- opening --- */

/* What was trained on a GPU may be evaluated without one, and the other way round. */
static const struct backend *choose_backend(const struct experiment *experiment,
                                            const struct trainer_options *options, bool training,
                                            struct error *error) {
    const char *asked = experiment->resources.backend, *here = options->backend;
    bool automatic = here == NULL || strcmp(here, "auto") == 0;
    bool any = asked == NULL || strcmp(asked, "any") == 0 ||
               (!training && !(automatic && strcmp(asked, "cpu") == 0));
    if (!any && !automatic && strcmp(asked, here) != 0) {
        error_set(error, ERROR_INPUT,
                  "the experiment asks for backend \"%s\" and this worker runs \"%s\"; change "
                  "resources.backend or start the worker with another --backend",
                  asked, here);
        return NULL;
    }
    return backend_find(!automatic ? here : any ? "auto" : asked, options->device, error);
}

/* Batch norm in training needs more than one value a channel: a batch of one picture whose map has
 * shrunk to 1 x 1 has none to speak of (PyTorch refuses it too). */
static bool check_smallest_batch(const struct session *session, const struct shape *shapes,
                                 struct error *error) {
    size_t count = session->split.train.count, size = session->experiment->train.batch_size;
    bool one_value = false;
    if (count % size != 1 && size != 1)
        return true;
    for (size_t i = 0; i < session->network.node_count && !one_value; i++)
        one_value = session->network.nodes[i].op == OP_BATCH_NORM &&
                    !session->network.nodes[i].frozen && shapes[i].height * shapes[i].width == 1;
    if (!one_value)
        return true;
    size_t better = size + 1;
    while (better < count && count % better == 1)
        better++;
    if (count == 1)
        return error_set(error, ERROR_INPUT,
                         "1 training picture is too few for batch norm; add pictures");
    return error_set(error, ERROR_INPUT,
                     "the last batch of an epoch would be 1 of %zu training pictures, too few for "
                     "batch norm on maps of 1 x 1; change train.batch_size from %zu to %zu, or use "
                     "larger pictures",
                     count, size, better);
}

static bool check_sizes(const struct session *session, bool training, struct error *error) {
    const struct experiment *experiment = session->experiment;
    int height, width;
    struct shape *shapes = calloc(session->network.node_count, sizeof *shapes);
    bool ok = shapes != NULL || error_memory(error);
    ok = ok && pipeline_output_size(&experiment->evaluation, &height, &width, error) &&
         network_shapes(&session->network, height, width, shapes, error);
    if (!ok)
        error_context(error, "evaluation");
    if (ok && training) {
        ok = pipeline_output_size(&experiment->augmentations, &height, &width, error) &&
             network_shapes(&session->network, height, width, shapes, error);
        if (!ok)
            error_context(error, "augmentations");
        ok = ok && check_smallest_batch(session, shapes, error);
    }
    free(shapes);
    return ok;
}

static bool make_buffers(struct session *session, struct error *error) {
    session->order = calloc(session->split.train.count + 1, sizeof *session->order);
    return session->order != NULL || error_memory(error);
}

uint32_t session_last_epoch(const struct session *session) {
    const struct trainer_events *events = session->events;
    uint32_t planned = session->experiment->train.epochs;
    uint32_t asked = events->stop_epoch != NULL ? events->stop_epoch(events->context) : 0;
    return asked > 0 && asked < planned ? asked : planned;
}

static bool asked_to_stop(struct session *session) {
    const struct trainer_events *events = session->events;
    session->stopped = session->stopped || (events->stop != NULL && events->stop(events->context));
    session->surplus = session->surplus || session->epoch > session_last_epoch(session);
    return session->stopped || session->surplus;
}

/* For the backend. */
static bool stop_step(void *context) {
    return asked_to_stop(context);
}

/* For the backend. */
static void take_note(void *context, const char *line) {
    struct session *session = context;
    text_format(&session->notes, "%s\n", line);
}

bool session_open(const struct experiment *experiment, const struct trainer_options *options,
                  const struct trainer_events *events, bool training, struct session *session,
                  struct error *error) {
    *session = (struct session){.experiment = experiment, .events = events};
    bool ok = false;
    char *root = NULL;
    session->backend = choose_backend(experiment, options, training, error);
    if (session->backend == NULL)
        goto out;
    if (!pictures_find(experiment, options, events, &root, &session->split, &session->stopped,
                       error) ||
        (training && !split_check_trainable(&session->split, error)) ||
        !network_build(experiment->model.arch, experiment->model.head, experiment->model.dropout,
                       &session->network, error) ||
        !network_freeze(&session->network, experiment->model.freeze, experiment->model.freeze_count,
                        error) ||
        !check_sizes(session, training, error) || !make_buffers(session, error))
        goto out;
    const struct loader_options loader = {.root = root,
                                          .threads = options->threads,
                                          .cache_bytes = options->cache_bytes,
                                          .pictures = session->backend->takes_pictures};
    const enum precision precision = experiment->train.precision;
    const struct model_options model = {
        .precision =
            training ? precision : backend_evaluation_precision(session->backend, precision),
        .deterministic = experiment->train.deterministic,
        .loss = &experiment->train.loss,
        .seed = experiment->train.seed,
        .device = options->device,
        .stop = stop_step,
        .stop_context = session,
        .tell = take_note,
        .tell_context = session};
    if (!loader_new(&loader, &session->loader, error) ||
        !session->backend->model_new(&session->network, &model, &session->model, error))
        goto out;
    session->feed = (struct batch_feed){session->loader, session->backend, session->model, NULL};
    session->evaluation_size =
        backend_evaluation_size(session->backend, experiment->train.batch_size);
    ok = flight_open(session->backend, session->model, session->evaluation_size, &session->flight,
                     error);
out:
    free(root);
    if (!ok) {
        bool stopped = session->stopped;
        session_close(session);
        session->stopped = stopped;
    }
    return ok;
}

void session_close(struct session *session) {
    if (session->backend != NULL && session->model != NULL)
        session->backend->model_free(session->model);
    loader_free(session->loader); /* whose pictures the model may have been reading */
    flight_close(&session->flight);
    free(session->order);
    network_free(&session->network);
    split_free(&session->split);
    text_free(&session->notes);
    *session = (struct session){0};
}

/* --- passes --- */

static uint32_t steps_of(const struct loader_pass *pass) {
    size_t count = pass->list->count, size = pass->batch_size;
    return (uint32_t)(count / size + (count % size != 0));
}

/* Adds the batch's pictures to the metrics; the sum of their losses. */
static double count_batch(const struct landed *batch, struct metrics *metrics) {
    double sum = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const float *logits = batch->logits + NETWORK_CLASSES * i;
        metrics_add(metrics, batch->labels[i], logits[1] > logits[0], batch->losses[i]);
        sum += batch->losses[i];
    }
    return sum;
}

static void score_batch(const struct landed *batch, const struct split_item *items,
                        struct score *scores) {
    for (size_t i = 0; i < batch->count; i++)
        scores[i] =
            (struct score){.probability = score_probability(batch->logits + NETWORK_CLASSES * i),
                           .label = items[i].label,
                           .class_index = items[i].class_index};
}

struct phase {
    const char *name;
    uint32_t epoch, step, steps; /* step: those whose results are there */
    double weights; /* of the pictures so far, by which the sum of their losses is divided */
    int64_t began_ms;
};

static void tell_progress(struct session *session, const struct phase *phase,
                          const struct metrics *metrics) {
    int64_t now_ms = clock_steady_ms();
    if (session->events->progress == NULL ||
        (session->told_ms != 0 && now_ms - session->told_ms < TOLD_EVERY_MS))
        return;
    session->told_ms = now_ms;
    int64_t spent_ms = now_ms - phase->began_ms;
    double count = (double)metrics_count(metrics);
    struct progress progress = {.phase = phase->name,
                                .epoch = phase->epoch,
                                .epochs = session->experiment->train.epochs,
                                .step = phase->step,
                                .steps = phase->steps,
                                .images_per_second =
                                    spent_ms > 0 ? count * 1000 / (double)spent_ms : 0};
    progress.loss = metrics->loss_sum / phase->weights;
    session->events->progress(session->events->context, &progress);
}

static bool check_finite(double loss, const char *what, uint32_t epoch, uint32_t step,
                         struct error *error) {
    return isfinite(loss) ||
           error_set(error, ERROR_INPUT,
                     "epoch %" PRIu32 ", step %" PRIu32 ": the %s loss is no number any more (%g); "
                     "try a smaller train.optimizer.lr, or look for pictures or weights that are "
                     "broken",
                     epoch, step, what, loss);
}

/* Begins a step of training; those that are under way come before it. */
static bool train_send(struct session *session, const struct batch *batch,
                       const struct session_epoch *epoch, struct error *error) {
    struct update update = {session->experiment->train.optimizer,
                            epoch->iteration + flight_count(&session->flight) + 1};
    update.optimizer.lr = epoch->learning_rate;
    return flight_send(&session->flight, batch, &update, error);
}

/* Counts the oldest step that is under way. */
static bool train_land(struct session *session, struct session_epoch *epoch, struct phase *phase,
                       struct trainlog *log, struct tensorboard *board, struct error *error) {
    const struct experiment *experiment = session->experiment;
    const struct landed *batch;
    double weights = 0;
    phase->step++;
    epoch->iteration++;
    if (!flight_land(&session->flight, &batch, error))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        weights += experiment->train.loss.class_weights[batch->labels[i]];
    double loss = count_batch(batch, &epoch->metrics) / weights;
    phase->weights += weights;
    if (!check_finite(loss, "training", phase->epoch, phase->step, error))
        return false;
    board_step(board, epoch->iteration, loss);
    if (epoch->iteration % LOGGED_EVERY == 0)
        trainlog_line(log,
                      "epoch %" PRIu32 "/%" PRIu32 " step %" PRIu32 "/%" PRIu32 " loss_train %.4f",
                      phase->epoch, experiment->train.epochs, phase->step, phase->steps, loss);
    tell_progress(session, phase, &epoch->metrics);
    return true;
}

/* Whether a result must be waited for: before another batch is sent, or (`over`) before the end. */
static bool must_land(const struct session *session, bool over) {
    return over ? flight_count(&session->flight) > 0 : flight_due(&session->flight);
}

bool session_train(struct session *session, struct session_epoch *epoch, struct trainlog *log,
                   struct tensorboard *board, struct error *error) {
    const struct experiment *experiment = session->experiment;
    const struct split_list *list = &session->split.train;
    struct random_stream stream;
    for (size_t i = 0; i < list->count; i++)
        session->order[i] = i;
    random_open(&stream, experiment->train.seed, RANDOM_SHUFFLE, epoch->epoch, 0);
    random_shuffle(&stream, session->order, list->count);
    const struct loader_pass pass = {.list = list,
                                     .pipeline = &experiment->augmentations,
                                     .order = session->order,
                                     .batch_size = experiment->train.batch_size,
                                     .seed = experiment->train.seed,
                                     .epoch = epoch->epoch};
    struct phase phase = {.name = "train",
                          .epoch = epoch->epoch,
                          .steps = steps_of(&pass),
                          .began_ms = clock_steady_ms()};
    const struct batch *batch;
    epoch->metrics = (struct metrics){0};
    if (asked_to_stop(session) || !batch_feed_begin(&session->feed, &pass, error))
        return false;
    while (batch_feed_next(&session->feed, &batch, error)) {
        if (batch != NULL && !train_send(session, batch, epoch, error))
            return false;
        while (must_land(session, batch == NULL))
            if (!train_land(session, epoch, &phase, log, board, error))
                return false;
        if (batch == NULL) {
            epoch->metrics.loss_sum *= (double)list->count / phase.weights;
            epoch->seconds = (double)(clock_steady_ms() - phase.began_ms) / 1000;
            return true;
        }
        if (asked_to_stop(session))
            return false;
    }
    return false;
}

static bool evaluate_land(struct session *session, struct phase *phase, struct metrics *metrics,
                          const struct split_item *items, struct score *scores,
                          struct error *error) {
    const struct landed *batch;
    size_t first = metrics_count(metrics);
    phase->step++;
    if (!flight_land(&session->flight, &batch, error))
        return false;
    double sum = count_batch(batch, metrics);
    phase->weights += (double)batch->count;
    if (!check_finite(sum, phase->name, phase->epoch, phase->step, error))
        return false;
    if (scores != NULL)
        score_batch(batch, items + first, scores + first);
    tell_progress(session, phase, metrics);
    return true;
}

static bool evaluate_all(struct session *session, const struct split_list *list,
                         const char *phase_name, uint32_t epoch, struct metrics *metrics,
                         struct score *scores, struct error *error) {
    const struct loader_pass pass = {.list = list,
                                     .pipeline = &session->experiment->evaluation,
                                     .batch_size = session->evaluation_size};
    struct phase phase = {.name = phase_name,
                          .epoch = epoch,
                          .steps = steps_of(&pass),
                          .began_ms = clock_steady_ms()};
    const struct batch *batch;
    *metrics = (struct metrics){0};
    if (list->count == 0)
        return true;
    if (asked_to_stop(session) || !batch_feed_begin(&session->feed, &pass, error))
        return false;
    while (batch_feed_next(&session->feed, &batch, error)) {
        if (batch != NULL && !flight_send(&session->flight, batch, NULL, error))
            return false;
        while (must_land(session, batch == NULL))
            if (!evaluate_land(session, &phase, metrics, list->items, scores, error))
                return false;
        if (batch == NULL)
            return true;
        if (asked_to_stop(session))
            return false;
    }
    return false;
}

/* Waits for what a pass that has ended early left under way. */
static bool drop_rest(struct session *session, struct error *error) {
    const struct landed *batch;
    while (flight_count(&session->flight) > 0)
        if (!flight_land(&session->flight, &batch, error))
            return false;
    return true;
}

bool session_leave_training(struct session *session, struct error *error) {
    session->epoch = 0;
    session->surplus = false;
    return drop_rest(session, error);
}

/* After a pass that failed with `error`: whether another with smaller batches may do better. */
static bool evaluate_smaller(struct session *session, struct error *error) {
    size_t size = session->experiment->train.batch_size;
    if (session->stopped || session->surplus || session->evaluation_size == size ||
        !drop_rest(session, NULL))
        return false;
    text_format(&session->notes, "evaluation goes in batches of %zu, since in batches of %zu: %s\n",
                size, session->evaluation_size, error->message);
    session->evaluation_size = size;
    *error = (struct error){0};
    return true;
}

bool session_evaluate(struct session *session, const struct split_list *list,
                      const char *phase_name, uint32_t epoch, struct metrics *metrics,
                      struct score *scores, struct error *error) {
    return evaluate_all(session, list, phase_name, epoch, metrics, scores, error) ||
           (evaluate_smaller(session, error) &&
            evaluate_all(session, list, phase_name, epoch, metrics, scores, error));
}
