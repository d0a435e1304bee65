#include "worker/agent.h"

#include "core/clock.h"
#include "core/descriptors.h"
#include "core/json.h"
#include "core/machine.h"
#include "core/wire.h"
#include "worker/nn/backend.h"
#include "worker/request.h"
#include "worker/stint.h"

#include <inttypes.h>
#include <unistd.h>
#include <zmq.h>

enum {
    AGENT_COMPLAIN_EVERY_MS = 30000,
    AGENT_FAREWELL_MS = 2000,
    /* What a worker opens at most was 54, while it fetched pictures and sent a checkpoint. */
    AGENT_DESCRIPTORS = 60,
};

struct agent {
    struct agent_options options; /* `backend`: the one that was found */
    const struct backend *backend;
    char device[256];
    struct dealer *dealer;
    struct duty duty;
    struct stint stint;
    uint64_t number, since; /* of the last request; answers to those before `since` are void */
    struct spooled report;  /* the one under way */
    bool away;              /* the coordinator, as far as people were told */
    int64_t complained_ms;  /* when they were told last */
};

static struct spool *spool_of(const struct agent *agent) {
    return place_spool(agent->stint.place);
}

static struct asker asker_of(const struct agent *agent) {
    return (struct asker){agent->stint.name, spool_history(spool_of(agent))};
}

/* ---- the socket ---- */

static cJSON *hello(const struct agent *agent) {
    const struct agent_options *options = &agent->options;
    const uint64_t memory_bytes = options->memory_bytes > 0
                                      ? options->memory_bytes
                                      : agent->backend->memory_bytes(options->device);
    const uint64_t share_bytes = memory_bytes / options->slots;
    const struct worker_card card = {
        .asker = asker_of(agent),
        .host = agent->stint.host,
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
    const struct asker asker = asker_of(agent);
    struct progress progress;
    if (agent->stint.trial == NULL)
        return request_plain(&asker);
    bool known = stint_progress(&agent->stint, &progress);
    return request_heartbeat(&asker, agent->duty.experiment, agent->duty.attempt,
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
    stint_say(&agent->stint, true, "%s%s%s", what, last ? "" : "; trying again",
              !last && agent->stint.trial != NULL ? ", training goes on" : "");
}

static void complain_of_silence(struct agent *agent) {
    struct error silence = {0};
    error_set(&silence, ERROR_UNREACHABLE, "no answer from the coordinator at %s",
              agent->options.connect);
    complain(agent, silence.message);
}

static bool send_message(struct agent *agent, enum duty_message message, struct error *error) {
    static const char *const names[] = {[DUTY_HELLO] = "hello",
                                        [DUTY_REQUEST] = "request",
                                        [DUTY_HEARTBEAT] = "heartbeat",
                                        [DUTY_REPORT] = "report",
                                        [DUTY_GOODBYE] = "goodbye"};
    const struct asker asker = asker_of(agent);
    struct error why = {0};
    if (message == DUTY_REPORT) {
        spooled_free(&agent->report);
        if (!spool_first(spool_of(agent), &agent->report, error))
            return false;
    }
    cJSON *body = message == DUTY_HELLO       ? hello(agent)
                  : message == DUTY_HEARTBEAT ? heartbeat(agent)
                  : message == DUTY_REPORT    ? request_report(&asker, &agent->report)
                                              : request_plain(&asker);
    bool sent = body != NULL
                    ? dealer_send(agent->dealer, names[message], body, &agent->number, &why)
                    : error_memory(&why);
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
    return !answer_read(message, DUTY_REPORT, &agent->report, &event) ||
           event.kind != DUTY_ACKNOWLEDGED || event.over ||
           spool_delete(spool_of(agent), event.sequence, error);
}

static bool take_welcome(struct agent *agent, const cJSON *body, bool *moved, struct error *error) {
    stint_say(&agent->stint, false, "connected to %s as %s: %s, %s", agent->options.connect,
              agent->stint.name, agent->backend->name, agent->device);
    agent->away = false;
    if (!stint_belong(&agent->stint, cJSON_GetStringValue(json_member(body, "database")),
                      cJSON_GetStringValue(json_member(body, "history")), moved, error))
        return false;
    agent->since = *moved ? agent->number : agent->since;
    return true;
}

static bool take_message(struct agent *agent, struct wire_message *message, struct error *error) {
    struct duty_event event;
    bool ok = true;
    if (message->request != agent->number && message->request != 0)
        return message->request < agent->since || take_late(agent, message, error);
    const enum duty_message asked = agent->duty.under_way;
    if (asked == DUTY_NO_MESSAGE || !answer_read(message, asked, &agent->report, &event))
        return true;
    if (event.kind == DUTY_WELCOMED) {
        ok = take_welcome(agent, message->body, &event.moved, error);
    } else if (event.kind == DUTY_ACKNOWLEDGED && !event.over) {
        ok = spool_delete(spool_of(agent), agent->report.sequence, error);
    } else if (event.kind == DUTY_ASSIGNED) {
        stint_assign(&agent->stint, message->body);
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
    stint_say(&agent->stint, true,
              "the coordinator does not take a report of kind %s of experiment %" PRId64
              ": it is dropped",
              agent->report.kind, agent->report.experiment);
    return spool_delete(spool_of(agent), agent->report.sequence, error);
}

/* After some failures a GPU works only in another process, if at all: who starts workers again,
 * slots or systemd, mends that. */
static bool check_device(const struct agent *agent, struct error *error) {
    char why[256];
    return agent->stint.cause != CAUSE_MACHINE ||
           agent->backend->available(agent->options.device, why, sizeof why) ||
           error_set(error, ERROR_FAILED,
                     "backend \"%s\" does not work any more: %s; start the worker again",
                     agent->backend->name, why);
}

static bool perform(struct agent *agent, const struct duty_action *action, struct error *error) {
    switch (action->kind) {
    case DUTY_SEND:
        return (action->message != DUTY_REQUEST || check_device(agent, error)) &&
               send_message(agent, action->message, error);
    case DUTY_START: return stint_start(&agent->stint, error);
    case DUTY_GIVE_BACK: return stint_give_back(&agent->stint, error);
    case DUTY_STOP: trial_stop(agent->stint.trial); return true;
    case DUTY_SHORTEN: stint_shorten(&agent->stint, action->stop_epoch); return true;
    case DUTY_DROP_ATTEMPT:
        return spool_drop(spool_of(agent), action->experiment, action->attempt, error);
    case DUTY_DROP_REPORT: return drop_report(agent, error);
    case DUTY_WAIT:
    case DUTY_EXIT: return true;
    }
    return true;
}

/* Sleeps until something is to be taken or until_ms, and takes it. */
static bool wait_and_take(struct agent *agent, int64_t until_ms, struct error *error) {
    const struct stint *stint = &agent->stint;
    zmq_pollitem_t items[4] = {
        {.socket = dealer_socket(agent->dealer), .events = ZMQ_POLLIN},
        {.fd = agent->options.leave_fd, .events = ZMQ_POLLIN},
        {.fd = courier_fd(stint->courier), .events = ZMQ_POLLIN},
    };
    int count = 3;
    if (stint->ended && stint->patient_until_ms > 0 && stint->patient_until_ms < until_ms)
        until_ms = stint->patient_until_ms;
    if (agent->duty.leaving) /* the descriptor stays readable: once is enough */
        items[1].events = 0;
    if (stint->trial != NULL)
        items[count++] = (zmq_pollitem_t){.fd = trial_fd(stint->trial), .events = ZMQ_POLLIN};
    if (zmq_poll(items, count, clock_poll_ms(until_ms)) < 0)
        return true; /* a signal: its descriptor is readable now */
    if (items[1].revents != 0) {
        const struct duty_event left = {.kind = DUTY_SIGNAL};
        duty_take(&agent->duty, &left, clock_steady_ms());
    }
    return take_messages(agent, error) && stint_take(&agent->stint, error);
}

/* Said where the idle time was up and no work could be asked for. */
static void tell_idle_end(const struct agent *agent, int code) {
    if (code != 0)
        stint_say(&agent->stint, true,
                  "the time of --idle-exit is up, and the coordinator at %s %s",
                  agent->options.connect,
                  code == ERROR_UNREACHABLE ? "could not be asked for work; is one running there?"
                                            : "refused to be asked for work; see why above");
}

static bool agent_loop(struct agent *agent, int *code, struct error *error) {
    for (;;) {
        bool told = agent->duty.exit_due;
        struct duty_action action =
            duty_next(&agent->duty, spool_count(spool_of(agent)), clock_steady_ms());
        if (action.kind == DUTY_EXIT) {
            if (!told)
                tell_idle_end(agent, action.code);
            *code = action.code;
            return true;
        }
        const bool held = agent->stint.ended;
        if (!perform(agent, &action, error) || !stint_release(&agent->stint, error))
            return false;
        if (!agent->duty.exit_due && !agent->duty.welcome &&
            agent->duty.under_way == DUTY_NO_MESSAGE && agent->duty.failures > 1)
            complain_of_silence(agent);
        /* an end that was told is to be sent first */
        const bool told_end = held && !agent->stint.ended;
        if (action.kind == DUTY_WAIT && !told_end && !wait_and_take(agent, action.until_ms, error))
            return false;
    }
}

static bool agent_prepare(struct agent *agent, struct error *error) {
    struct agent_options *options = &agent->options;
    if (!descriptors_left(AGENT_DESCRIPTORS, error))
        return false;
    agent->backend = backend_find(options->backend, options->device, error);
    if (agent->backend == NULL)
        return false;
    agent->backend->available(options->device, agent->device, sizeof agent->device);
    char passed[512];
    if (backend_passed(options->backend, options->device, passed, sizeof passed))
        options->say(options->context, false, passed);
    options->backend = agent->backend->name; /* what the coordinator is told holds for all runs */
    duty_init(&agent->duty, options->idle_exit_ms,
              (uint64_t)getpid() * 0x9e3779b97f4a7c15U + (uint64_t)clock_unix_ms(),
              clock_steady_ms());
    return stint_open(&agent->stint, options, &agent->duty, error) &&
           dealer_open(options->connect, &options->keys, &agent->dealer, error);
}

bool agent_run(const struct agent_options *options, int *code, struct error *error) {
    struct agent agent = {.options = *options};
    cJSON *goodbye = NULL;
    bool ok = agent_prepare(&agent, error);
    if (ok && !agent_loop(&agent, code, error)) {
        /* Its spool fails, memory, or its device: nothing that the experiment in hand is to blame
         * for, or anybody has to wait for a lease for. Who hears it gives that back. */
        const struct asker asker = asker_of(&agent);
        goodbye = agent.duty.welcome ? request_plain(&asker) : NULL;
        ok = false;
    }
    stint_close(&agent.stint);
    if (goodbye != NULL)
        dealer_call(agent.dealer, "goodbye", goodbye, "farewell", AGENT_FAREWELL_MS, NULL, NULL);
    cJSON_Delete(goodbye);
    dealer_close(agent.dealer);
    spooled_free(&agent.report);
    return ok;
}
