#include "worker/agent.h"

#include "core/clock.h"
#include "core/json.h"
#include "core/machine.h"
#include "core/text.h"
#include "core/wire.h"
#include "worker/assignment.h"
#include "worker/duty.h"
#include "worker/folder.h"
#include "worker/luggage.h"
#include "worker/nn/backend.h"
#include "worker/report.h"
#include "worker/request.h"
#include "worker/spool.h"
#include "worker/sweep.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { AGENT_COMPLAIN_EVERY_MS = 30000, AGENT_ROOM_BYTES = 16 << 20 };

struct agent {
    const struct agent_options *options;
    const struct backend *backend;
    char *dir;    /* absolute */
    char *hashes; /* a file in it */
    const char *name;
    char host[64], device[256];
    struct spool *spool;
    struct dealer *dealer;
    struct duty duty;
    uint64_t number;       /* of the last request */
    struct spooled report; /* the one under way */
    cJSON *assignment;     /* the last one's body */
    struct trial *trial;
    char *folder; /* of the trial: its options point at it and into the assignment */
    struct courier *courier;
    bool ended; /* the trial has, and `end` waits until its files have arrived */
    struct trial_item end;
    int64_t patient_until_ms; /* 0: for as long as it takes */
    bool away;                /* the coordinator, as far as people were told */
    int64_t complained_ms;    /* when they were told last */
    enum error_cause cause;   /* what hinders this machine since the last attempt */
    uint64_t room_bytes;      /* that there were when the disk was full */
};

__attribute__((format(printf, 3, 4))) static void say(const struct agent *agent, bool trouble,
                                                      const char *format, ...) {
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_one_line(line); /* it may have words of others in it */
    agent->options->say(agent->options->context, trouble, line);
}

/* ---- the spool ---- */

/* Frees `body`. */
static bool spool_report(struct agent *agent, const char *kind, cJSON *body, struct error *error) {
    char *text = body != NULL ? json_text(body) : NULL;
    bool ok = text != NULL ? spool_put(agent->spool, agent->duty.experiment, agent->duty.attempt,
                                       kind, text, error)
                           : error_set(error, ERROR_FAILED, "out of memory");
    free(text);
    cJSON_Delete(body);
    return ok;
}

/* Ends the attempt that the process before this one died in. A crash in the middle of this ends it
 * twice, and a crash after its last report does too: an attempt that has ended stays as it is. */
static bool spool_mourn(struct agent *agent, struct error *error) {
    struct duty *duty = &agent->duty;
    if (!spool_held(agent->spool, &duty->experiment, &duty->attempt, error))
        return false;
    return duty->experiment == 0 ||
           (spool_report(agent, "end", report_failure("the worker was killed or crashed", true),
                         error) &&
            spool_hold(agent->spool, 0, 0, error));
}

/* ---- the trial ---- */

/* Reports how an attempt ended that came to nothing. A fault of the input is the same on every try;
 * what the machine lacks is not the experiment's fault. */
static bool spool_failure(struct agent *agent, const struct error *why, struct error *error) {
    agent->cause = why->cause;
    if (why->cause == CAUSE_ROOM)
        agent->room_bytes = folder_room(agent->dir);
    if (why->cause == CAUSE_UNKNOWN)
        return spool_report(agent, "end", report_failure(why->message, why->code != ERROR_INPUT),
                            error);
    say(agent, true, "this machine cannot train it now: it is given back, and %s",
        why->cause == CAUSE_ROOM ? "none is asked for until there is room"
                                 : "none is asked for now");
    return spool_report(agent, "end", report_hindered(why->message), error);
}

/* Whether there is more room by now than when the disk was full. */
static void look_for_room(struct agent *agent) {
    const struct duty_event room = {.kind = DUTY_ROOM};
    if (agent->cause != CAUSE_ROOM ||
        folder_room(agent->dir) < agent->room_bytes + AGENT_ROOM_BYTES)
        return;
    agent->cause = CAUSE_UNKNOWN;
    say(agent, false, "there is room in %s again", agent->dir);
    duty_take(&agent->duty, &room, clock_steady_ms());
}

static bool trial_over(struct agent *agent, struct error *error) {
    trial_free(agent->trial);
    agent->trial = NULL;
    free(agent->folder);
    agent->folder = NULL;
    agent->ended = false;
    const struct duty_event ended = {.kind = DUTY_ENDED, .hindered = agent->cause != CAUSE_UNKNOWN};
    duty_take(&agent->duty, &ended, clock_steady_ms());
    return spool_hold(agent->spool, 0, 0, error);
}

static bool trial_begin(struct agent *agent, struct error *error) {
    const struct agent_options *options = agent->options;
    const struct trainer_options trainer = {.data_root = options->data_root,
                                            .weights_root = options->weights_root,
                                            .backend = options->backend,
                                            .device = options->device,
                                            .threads = options->threads,
                                            .cache_bytes =
                                                machine_memory_bytes() / 4 / options->slots,
                                            .hashes = agent->hashes};
    const struct supply_source source = {.connect = options->connect,
                                         .keys = &options->keys,
                                         .shared = options->shared,
                                         .data_cache = options->data_cache,
                                         .data_cache_bytes = options->data_cache_bytes};
    return assignment_start(agent->assignment, agent->dir, agent->host, &source, &trainer,
                            options->train, &agent->folder, &agent->trial, error);
}

static bool start(struct agent *agent, struct error *error) {
    struct error why = {0};
    agent->cause = CAUSE_UNKNOWN;
    const char *name =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(agent->assignment, "name"));
    say(agent, false, "experiment %" PRId64 ", attempt %" PRId64 ": %s", agent->duty.experiment,
        agent->duty.attempt, name);
    if (!spool_hold(agent->spool, agent->duty.experiment, agent->duty.attempt, error))
        return false;
    if (trial_begin(agent, &why))
        return true;
    say(agent, true, "experiment %" PRId64 " cannot start: %s", agent->duty.experiment,
        why.message);
    return spool_failure(agent, &why, error) && trial_over(agent, error);
}

/* How the trial went, for the coordinator and for people. */
static bool take_end(struct agent *agent, const struct trial_item *item, struct error *error) {
    const int64_t id = agent->duty.experiment;
    agent->cause = CAUSE_UNKNOWN;
    bool counts = duty_spools(&agent->duty), ok = true;
    if (!counts) {
        say(agent, false, "experiment %" PRId64 ": stopped, it is not this worker's any more", id);
    } else if (item->outcome == TRAINER_DONE) {
        ok = spool_report(agent, "end", report_end("done"), error);
    } else if (item->outcome == TRAINER_STOPPED) {
        say(agent, false, "experiment %" PRId64 ": given back", id);
        ok = spool_report(agent, "end", report_end("given_back"), error);
    } else {
        say(agent, true, "experiment %" PRId64 " failed: %s", id, item->error.message);
        ok = spool_failure(agent, &item->error, error);
    }
    return ok && trial_over(agent, error);
}

/* ---- files ---- */

static struct luggage_owner owner_of(const struct agent *agent) {
    return (struct luggage_owner){agent->duty.experiment, agent->duty.attempt};
}

/* The trial has ended: its end is to be told when its files are where they belong. */
static bool hold_end(struct agent *agent, struct trial_item *item, struct error *error) {
    const struct luggage_owner owner = owner_of(agent);
    bool counts = duty_spools(&agent->duty);
    agent->ended = true;
    agent->end = *item;
    memset(item, 0, sizeof *item);
    agent->patient_until_ms = 0;
    if (!counts || agent->end.outcome != TRAINER_DONE)
        return true;
    say(agent, false, "experiment %" PRId64 ": done", owner.experiment);
    return luggage_send_rest(agent->courier, &owner, agent->folder,
                             json_member(agent->assignment, "name")->valuestring, error);
}

/* Tells the end when nothing speaks against it. */
static bool release_end(struct agent *agent, struct error *error) {
    const struct duty *duty = &agent->duty;
    struct luggage_state state = {.counts = duty_spools(duty),
                                  .done = agent->end.outcome == TRAINER_DONE,
                                  .welcome = duty->welcome,
                                  .leaving = duty->leaving,
                                  .may_idle = agent->options->idle_exit_ms >= 0};
    state.waiting =
        courier_waiting(agent->courier, duty->experiment, duty->attempt, &state.refused);
    enum luggage_end end = luggage_end(&state, &agent->patient_until_ms, clock_steady_ms());
    if (end == LUGGAGE_WAIT)
        return true;
    if (end == LUGGAGE_GIVE_BACK)
        agent->end.outcome = TRAINER_STOPPED;
    if (!state.counts)
        courier_drop(agent->courier, duty->experiment, duty->attempt);
    bool ok = take_end(agent, &agent->end, error);
    trial_item_free(&agent->end);
    return ok;
}

static void tell_courier_trouble(struct agent *agent) {
    struct error trouble;
    if (courier_trouble(agent->courier, &trouble))
        say(agent, true, "%s", trouble.message);
}

static bool take_trial(struct agent *agent, struct error *error) {
    struct trial_item item;
    while (agent->trial != NULL && trial_take(agent->trial, &item)) {
        bool ok = true;
        if (item.kind == NULL) {
            ok = hold_end(agent, &item, error);
        } else if (duty_spools(&agent->duty)) {
            if (item.line != NULL)
                say(agent, false, "experiment %" PRId64 ": %s", agent->duty.experiment, item.line);
            const struct luggage_owner owner = owner_of(agent);
            ok = strcmp(item.kind, "checkpoint") != 0 ||
                 luggage_send_checkpoint(agent->courier, &owner, item.body, error);
            ok = ok && spool_report(agent, item.kind, item.body, error);
            item.body = NULL;
        }
        trial_item_free(&item);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- the socket ---- */

static cJSON *hello(const struct agent *agent) {
    const struct agent_options *options = agent->options;
    const uint64_t memory_bytes = options->memory_bytes > 0
                                      ? options->memory_bytes
                                      : agent->backend->memory_bytes(options->device);
    const uint64_t share_bytes = memory_bytes / options->slots;
    const struct worker_card card = {
        .worker = agent->name,
        .host = agent->host,
        .backend = agent->backend->name,
        .device = agent->device,
        .pid = (int)getpid(),
        .threads = options->threads > 0 ? options->threads : (int)machine_cores(),
        .memory_bytes = (double)share_bytes,
        .labels = options->labels,
        .label_count = options->label_count,
    };
    return request_hello(&card);
}

static cJSON *heartbeat(const struct agent *agent) {
    struct progress progress;
    if (agent->trial == NULL)
        return request_plain(agent->name);
    bool known = trial_progress(agent->trial, &progress);
    return request_heartbeat(agent->name, agent->duty.experiment, agent->duty.attempt,
                             known ? &progress : NULL);
}

/* People hear of trouble with the coordinator when it begins and then now and again, and when it
 * ends the worker. */
static void complain(struct agent *agent, const char *what) {
    int64_t now_ms = clock_steady_ms();
    bool last = agent->duty.exit_due;
    if (agent->away && !last && now_ms - agent->complained_ms < AGENT_COMPLAIN_EVERY_MS)
        return;
    agent->away = true;
    agent->complained_ms = now_ms;
    say(agent, true, "%s%s%s", what, last ? "" : "; trying again",
        !last && agent->trial != NULL ? ", training goes on" : "");
}

static bool send_message(struct agent *agent, enum duty_message message, struct error *error) {
    static const char *const names[] = {[DUTY_HELLO] = "hello",
                                        [DUTY_REQUEST] = "request",
                                        [DUTY_HEARTBEAT] = "heartbeat",
                                        [DUTY_REPORT] = "report",
                                        [DUTY_GOODBYE] = "goodbye"};
    struct error why = {0};
    if (message == DUTY_REPORT) {
        spooled_free(&agent->report);
        if (!spool_first(agent->spool, &agent->report, error))
            return false;
    }
    cJSON *body = message == DUTY_HELLO       ? hello(agent)
                  : message == DUTY_HEARTBEAT ? heartbeat(agent)
                  : message == DUTY_REPORT    ? request_report(agent->name, &agent->report)
                                              : request_plain(agent->name);
    bool sent = dealer_send(agent->dealer, names[message], body, &agent->number, &why);
    cJSON_Delete(body);
    if (sent)
        return true;
    if (why.code != ERROR_UNREACHABLE) {
        *error = why;
        return error_context(error, "cannot send %s", names[message]);
    }
    bool barred = dealer_barred(agent->dealer);
    const struct duty_event unsent = {.kind = barred ? DUTY_BARRED : DUTY_UNSENT};
    duty_take(&agent->duty, &unsent, clock_steady_ms());
    if (dealer_trouble(agent->dealer) != NULL)
        complain(agent, why.message);
    return true;
}

/* The answer to a question that was asked again since. That a report is kept is true all the same,
 * and over a slow link, which takes longer to carry a report than is waited for its answer, nothing
 * else ever comes. */
static bool take_late(struct agent *agent, const struct wire_message *message,
                      struct error *error) {
    struct duty_event event;
    return !answer_read(message, &agent->report, &event) || event.kind != DUTY_ACKNOWLEDGED ||
           event.over || spool_delete(agent->spool, event.sequence, error);
}

static bool take_message(struct agent *agent, struct wire_message *message, struct error *error) {
    struct duty_event event;
    bool ok = true;
    if (message->request != agent->number && message->request != 0)
        return take_late(agent, message, error);
    if (agent->duty.under_way == DUTY_NO_MESSAGE || !answer_read(message, &agent->report, &event))
        return true;
    if (event.kind == DUTY_WELCOMED) {
        say(agent, false, "connected to %s as %s: %s, %s", agent->options->connect, agent->name,
            agent->backend->name, agent->device);
        agent->away = false;
    } else if (event.kind == DUTY_ACKNOWLEDGED && !event.over) {
        ok = spool_delete(agent->spool, agent->report.sequence, error);
    } else if (event.kind == DUTY_ASSIGNED) {
        cJSON_Delete(agent->assignment);
        agent->assignment = message->body;
        message->body = NULL;
    }
    duty_take(&agent->duty, &event, clock_steady_ms());
    struct error why = {0};
    if (event.kind == DUTY_REFUSED && !wire_check_answer(message, &why))
        complain(agent, why.message);
    return ok;
}

static bool take_messages(struct agent *agent, struct error *error) {
    for (;;) {
        struct wire_message message = {0};
        struct error why = {0};
        bool received = false;
        if (!dealer_receive(agent->dealer, 0, &message, &received, &why)) {
            complain(agent, why.message);
            continue;
        }
        if (!received)
            return true;
        bool ok = take_message(agent, &message, error);
        wire_message_free(&message);
        if (!ok)
            return false;
    }
}

/* ---- the loop ---- */

static bool drop_report(struct agent *agent, struct error *error) {
    say(agent, true,
        "the coordinator does not take a report of kind %s of experiment %" PRId64
        ": it is dropped",
        agent->report.kind, agent->report.experiment);
    return spool_delete(agent->spool, agent->report.sequence, error);
}

static void shorten(struct agent *agent, int64_t stop_epoch) {
    say(agent, false, "experiment %" PRId64 ": to end after epoch %" PRId64 ", by its rule",
        agent->duty.experiment, stop_epoch);
    trial_shorten(agent->trial, (uint32_t)stop_epoch);
}

static bool perform(struct agent *agent, const struct duty_action *action, struct error *error) {
    switch (action->kind) {
    case DUTY_SEND: return send_message(agent, action->message, error);
    case DUTY_START: return start(agent, error);
    case DUTY_GIVE_BACK: return spool_report(agent, "end", report_end("given_back"), error);
    case DUTY_STOP: trial_stop(agent->trial); return true;
    case DUTY_SHORTEN: shorten(agent, action->stop_epoch); return true;
    case DUTY_DROP_ATTEMPT:
        return spool_drop(agent->spool, action->experiment, action->attempt, error);
    case DUTY_DROP_REPORT: return drop_report(agent, error);
    case DUTY_WAIT:
    case DUTY_EXIT: return true;
    }
    return true;
}

/* Sleeps until something is to be taken or until_ms, and takes it. */
static bool wait_and_take(struct agent *agent, int64_t until_ms, struct error *error) {
    zmq_pollitem_t items[4] = {
        {.socket = dealer_socket(agent->dealer), .events = ZMQ_POLLIN},
        {.fd = agent->options->leave_fd, .events = ZMQ_POLLIN},
        {.fd = courier_fd(agent->courier), .events = ZMQ_POLLIN},
    };
    int count = 3;
    if (agent->ended && agent->patient_until_ms > 0 && agent->patient_until_ms < until_ms)
        until_ms = agent->patient_until_ms;
    if (agent->duty.leaving) /* the descriptor stays readable: once is enough */
        items[1].events = 0;
    if (agent->trial != NULL)
        items[count++] = (zmq_pollitem_t){.fd = trial_fd(agent->trial), .events = ZMQ_POLLIN};
    int64_t wait_ms = until_ms - clock_steady_ms();
    wait_ms = wait_ms < 0 ? 0 : wait_ms > 60000 ? 60000 : wait_ms;
    if (zmq_poll(items, count, (long)wait_ms) < 0)
        return true; /* a signal: its descriptor is readable now */
    if (items[1].revents != 0) {
        const struct duty_event left = {.kind = DUTY_SIGNAL};
        duty_take(&agent->duty, &left, clock_steady_ms());
    }
    tell_courier_trouble(agent);
    look_for_room(agent);
    return take_messages(agent, error) && take_trial(agent, error);
}

static bool agent_loop(struct agent *agent, int *code, struct error *error) {
    for (;;) {
        struct duty_action action =
            duty_next(&agent->duty, spool_count(agent->spool), clock_steady_ms());
        if (action.kind == DUTY_EXIT) {
            *code = action.code;
            return true;
        }
        if (!perform(agent, &action, error) || (agent->ended && !release_end(agent, error)))
            return false;
        if (!agent->duty.exit_due && !agent->duty.welcome &&
            agent->duty.under_way == DUTY_NO_MESSAGE && agent->duty.failures > 1)
            complain(agent, "no answer from the coordinator");
        if (action.kind == DUTY_WAIT && !wait_and_take(agent, action.until_ms, error))
            return false;
    }
}

/* Under DIR/experiments nobody fetches yet; of the data cache what is a day old is nobody's. */
static void sweep(const struct agent *agent) {
    const char *cache = agent->options->data_cache;
    const int64_t now_s = clock_unix_ms() / 1000;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/experiments", agent->dir) < (int)sizeof path)
        sweep_parts(path, now_s);
    if (cache != NULL && snprintf(path, sizeof path, "%s/incoming", cache) < (int)sizeof path)
        sweep_parts(path, now_s);
}

static bool agent_prepare(struct agent *agent, struct error *error) {
    const struct agent_options *options = agent->options;
    agent->backend = backend_find(options->backend, options->device, error);
    if (agent->backend == NULL)
        return false;
    agent->backend->available(options->device, agent->device, sizeof agent->device);
    char passed[512];
    if (backend_passed(options->backend, options->device, passed, sizeof passed))
        options->say(options->context, false, passed);
    if (gethostname(agent->host, sizeof agent->host - 1) != 0 || agent->host[0] == '\0')
        snprintf(agent->host, sizeof agent->host, "localhost");
    if (!folder_make(options->dir, error))
        return false;
    agent->dir = realpath(options->dir, NULL);
    if (agent->dir == NULL)
        return error_errno(error, ERROR_INPUT, "cannot use %s", options->dir);
    if (asprintf(&agent->hashes, "%s/hashes.db", agent->dir) < 0) {
        agent->hashes = NULL;
        return error_set(error, ERROR_FAILED, "out of memory");
    }
    if (!spool_open(agent->dir, &agent->spool, error))
        return false;
    sweep(agent);
    agent->name = options->name != NULL ? options->name : spool_worker(agent->spool);
    const struct courier_options courier = {.connect = options->connect,
                                            .keys = &options->keys,
                                            .worker = agent->name,
                                            .shared = options->shared};
    return dealer_open(options->connect, &options->keys, &agent->dealer, error) &&
           courier_open(&courier, &agent->courier, error);
}

bool agent_run(const struct agent_options *options, int *code, struct error *error) {
    struct agent agent = {.options = options};
    bool ok = agent_prepare(&agent, error);
    if (ok) {
        duty_init(&agent.duty, options->idle_exit_ms,
                  (uint64_t)getpid() * 0x9e3779b97f4a7c15U + (uint64_t)clock_unix_ms(),
                  clock_steady_ms());
        ok = spool_mourn(&agent, error) && agent_loop(&agent, code, error);
    }
    trial_free(agent.trial);
    trial_item_free(&agent.end);
    courier_close(agent.courier);
    free(agent.folder);
    dealer_close(agent.dealer);
    spooled_free(&agent.report);
    spool_close(agent.spool);
    cJSON_Delete(agent.assignment);
    free(agent.hashes);
    free(agent.dir);
    return ok;
}
