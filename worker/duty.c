#include "worker/duty.h"

#include "core/backoff.h"

#include <string.h>

void duty_init(struct duty *duty, int64_t idle_exit_ms, uint64_t seed, int64_t now_ms) {
    memset(duty, 0, sizeof *duty);
    duty->idle_exit_ms = idle_exit_ms;
    duty->idle_since_ms = now_ms;
    duty->hold_until_ms = now_ms;
    duty->jitter = seed;
}

bool duty_spools(const struct duty *duty) {
    return duty->work == DUTY_TRAINING || duty->work == DUTY_STOPPING;
}

static void back_off(struct duty *duty, int64_t now_ms) {
    duty->hold_until_ms = now_ms + backoff_ms(&BACKOFF_LINK, duty->failures++, &duty->jitter);
}

/* For work that this machine cannot do: it asks for none for a while. */
static void hinder(struct duty *duty, int64_t now_ms) {
    static const struct backoff growing = {.first_ms = 5000, .times = 2, .most_ms = 300 * 1000};
    duty->request_due_ms = now_ms + backoff_ms(&growing, duty->hindrances++, &duty->jitter);
}

static void leave(struct duty *duty, int64_t now_ms) {
    duty->leaving = true;
    duty->leave_by_ms = now_ms + DUTY_LEAVE_MS;
}

/* The coordinator is away. */
static void lose(struct duty *duty, int64_t now_ms) {
    duty->under_way = DUTY_NO_MESSAGE;
    duty->welcome = duty->refused = false;
    back_off(duty, now_ms);
}

/* The attempt is over: whatever it still has to say does not count. */
static void revoke(struct duty *duty, int64_t experiment, int64_t attempt) {
    duty->drop_attempt_due = true;
    duty->drop_experiment = experiment;
    duty->drop_attempt = attempt;
    if (experiment != duty->experiment || attempt != duty->attempt || !duty_spools(duty))
        return;
    duty->stop_due = duty->stop_due || duty->work == DUTY_TRAINING;
    duty->work = DUTY_REVOKED;
}

/* The trainer is to stop; what it says until then counts. */
static void stop_to_give_back(struct duty *duty) {
    if (duty->work != DUTY_TRAINING)
        return;
    duty->work = DUTY_STOPPING;
    duty->stop_due = true;
}

/* The experiment is to end after an epoch; it is said with every answer, and once is enough. */
static void shorten(struct duty *duty, int64_t stop_epoch) {
    if (stop_epoch == 0 || stop_epoch == duty->stop_epoch || duty->work != DUTY_TRAINING)
        return;
    duty->stop_epoch = stop_epoch;
    duty->shorten_due = true;
}

/* Told to leave, by a signal or by the coordinator; once is enough. */
static void leave_cleanly(struct duty *duty, int64_t now_ms) {
    if (duty->leaving)
        return;
    leave(duty, now_ms);
    stop_to_give_back(duty);
}

static struct duty_action exit_with(struct duty *duty, int code) {
    duty->exit_due = true;
    duty->exit_code = code;
    return (struct duty_action){.kind = DUTY_EXIT, .code = code};
}

/* Somebody has to look after the keys. */
static void take_bar(struct duty *duty) {
    if (!duty->met)
        exit_with(duty, 3);
}

static void take_refusal(struct duty *duty, const struct duty_event *event,
                         enum duty_message message, int64_t now_ms) {
    switch (event->refusal) {
    case DUTY_REFUSED_VERSION: exit_with(duty, 1); break;
    case DUTY_REFUSED_KEY:
        lose(duty, now_ms);
        take_bar(duty);
        break;
    case DUTY_REFUSED_OVER:
        if (message == DUTY_REPORT)
            revoke(duty, event->experiment, event->attempt);
        else if (message == DUTY_HEARTBEAT && duty_spools(duty))
            revoke(duty, duty->experiment, duty->attempt);
        else
            back_off(duty, now_ms);
        break;
    case DUTY_REFUSED_INVALID:
        if (message == DUTY_REPORT)
            duty->drop_report_due = true;
        else
            back_off(duty, now_ms);
        break;
    case DUTY_REFUSED_HELLO:
        duty->welcome = false;
        back_off(duty, now_ms);
        break;
    case DUTY_REFUSED_LATER: back_off(duty, now_ms); break;
    }
}

/* What was in hand is not this database's: nothing of it is to be done any more. */
static void put_down(struct duty *duty, int64_t now_ms) {
    if (duty->leaving && duty->work != DUTY_IDLE)
        leave(duty, now_ms);
    if (duty->work != DUTY_IDLE)
        duty->idle_since_ms = now_ms;
    duty->work = DUTY_IDLE;
    duty->experiment = duty->attempt = duty->stop_epoch = 0;
    duty->stop_due = duty->shorten_due = duty->drop_attempt_due = duty->drop_report_due = false;
}

static void take_answer(struct duty *duty, const struct duty_event *event, int64_t now_ms) {
    enum duty_message message = duty->under_way;
    duty->under_way = DUTY_NO_MESSAGE;
    duty->refused = event->kind == DUTY_REFUSED;
    if (!duty->refused)
        duty->failures = 0;
    switch (event->kind) {
    case DUTY_WELCOMED:
        duty->welcome = true;
        duty->met = true;
        if (event->moved)
            put_down(duty, now_ms);
        duty->heartbeat_ms = event->heartbeat_ms;
        duty->heartbeat_due_ms = now_ms;
        if (duty->hindrances == 0)
            duty->request_due_ms = now_ms;
        break;
    case DUTY_ASSIGNED:
        duty->work = DUTY_ASSIGNED_NOW;
        duty->experiment = event->experiment;
        duty->attempt = event->attempt;
        duty->stop_epoch = event->stop_epoch;
        duty->shorten_due = false;
        break;
    case DUTY_NOTHING: duty->request_due_ms = now_ms + event->retry_ms; break;
    case DUTY_BEAT:
        if (event->over && duty_spools(duty))
            revoke(duty, duty->experiment, duty->attempt);
        else if (event->paused)
            stop_to_give_back(duty);
        shorten(duty, event->stop_epoch);
        if (event->drain)
            leave_cleanly(duty, now_ms);
        break;
    case DUTY_ACKNOWLEDGED:
        if (event->over)
            revoke(duty, event->experiment, event->attempt);
        else if (event->experiment == duty->experiment && event->attempt == duty->attempt)
            shorten(duty, event->stop_epoch);
        break;
    case DUTY_FAREWELL: duty->exit_due = true; break;
    case DUTY_REFUSED: take_refusal(duty, event, message, now_ms); break;
    case DUTY_ENDED:
    case DUTY_ROOM:
    case DUTY_SIGNAL:
    case DUTY_UNSENT:
    case DUTY_BARRED: /* no answers */ break;
    }
}

void duty_take(struct duty *duty, const struct duty_event *event, int64_t now_ms) {
    switch (event->kind) {
    case DUTY_ENDED:
        duty->work = DUTY_IDLE;
        duty->idle_since_ms = now_ms;
        duty->request_due_ms = now_ms;
        if (event->hindered)
            hinder(duty, now_ms);
        else
            duty->hindrances = 0;
        if (duty->leaving)
            leave(duty, now_ms);
        break;
    case DUTY_ROOM: duty->request_due_ms = now_ms; break;
    case DUTY_SIGNAL: leave_cleanly(duty, now_ms); break;
    case DUTY_UNSENT: lose(duty, now_ms); break;
    case DUTY_BARRED:
        lose(duty, now_ms);
        take_bar(duty);
        break;
    default: take_answer(duty, event, now_ms);
    }
}

/* What an event made due, before anything new is thought of. */
static bool next_due(struct duty *duty, struct duty_action *action) {
    if (duty->exit_due) {
        *action = (struct duty_action){.kind = DUTY_EXIT, .code = duty->exit_code};
    } else if (duty->stop_due) {
        duty->stop_due = false;
        *action = (struct duty_action){.kind = DUTY_STOP};
    } else if (duty->shorten_due && duty->work == DUTY_TRAINING) {
        duty->shorten_due = false;
        *action = (struct duty_action){.kind = DUTY_SHORTEN, .stop_epoch = duty->stop_epoch};
    } else if (duty->drop_attempt_due) {
        duty->drop_attempt_due = false;
        *action = (struct duty_action){.kind = DUTY_DROP_ATTEMPT,
                                       .experiment = duty->drop_experiment,
                                       .attempt = duty->drop_attempt};
    } else if (duty->drop_report_due) {
        duty->drop_report_due = false;
        *action = (struct duty_action){.kind = DUTY_DROP_REPORT};
    } else if (duty->work == DUTY_ASSIGNED_NOW) {
        duty->work = duty->leaving ? DUTY_IDLE : DUTY_TRAINING;
        *action = (struct duty_action){.kind = duty->leaving ? DUTY_GIVE_BACK : DUTY_START,
                                       .experiment = duty->experiment,
                                       .attempt = duty->attempt};
    } else {
        return false;
    }
    return true;
}

static struct duty_action send_message(struct duty *duty, enum duty_message message,
                                       int64_t now_ms) {
    duty->under_way = message;
    duty->sent_ms = now_ms;
    if (message == DUTY_HEARTBEAT)
        duty->heartbeat_due_ms = now_ms + duty->heartbeat_ms;
    return (struct duty_action){.kind = DUTY_SEND, .message = message};
}

/* Which message is to be sent now, or none and *until_ms lowered to when that may change. */
static enum duty_message next_message(const struct duty *duty, size_t spooled, int64_t now_ms,
                                      int64_t *until_ms) {
    bool idle = duty->work == DUTY_IDLE;
    int64_t due[2] = {duty->heartbeat_due_ms, INT64_MAX};
    if (duty->hold_until_ms > now_ms)
        due[0] = duty->hold_until_ms;
    else if (!duty->welcome)
        return DUTY_HELLO;
    else if (duty->heartbeat_due_ms <= now_ms)
        return DUTY_HEARTBEAT;
    else if (spooled > 0)
        return DUTY_REPORT;
    else if (idle && duty->leaving)
        return DUTY_GOODBYE;
    else if (idle && duty->request_due_ms <= now_ms)
        return DUTY_REQUEST;
    else if (idle)
        due[1] = duty->request_due_ms;
    for (size_t i = 0; i < 2; i++)
        if (due[i] < *until_ms)
            *until_ms = due[i];
    return DUTY_NO_MESSAGE;
}

/* A worker without work whose idle time counts. True when it ends at once, with *action. */
static bool idle_over(struct duty *duty, size_t spooled, int64_t now_ms,
                      struct duty_action *action) {
    int64_t until_ms = duty->idle_since_ms + duty->idle_exit_ms;
    bool asking = !duty->welcome || duty->refused;
    if (duty->refused ||
        (asking && duty->idle_exit_ms == 0)) /* whether there is work is to be asked */
        until_ms += DUTY_ANSWER_MS;
    if (now_ms < until_ms) {
        action->until_ms = until_ms;
        return false;
    }
    if (asking) {
        *action = exit_with(duty, duty->refused ? 1 : 3);
        return true;
    }
    if (duty->request_due_ms > now_ms && duty->under_way == DUTY_NO_MESSAGE && spooled == 0)
        leave(duty, now_ms);
    return false;
}

struct duty_action duty_next(struct duty *duty, size_t spooled, int64_t now_ms) {
    struct duty_action action = {.kind = DUTY_WAIT, .until_ms = INT64_MAX};
    if (next_due(duty, &action))
        return action;
    if (duty->work == DUTY_IDLE && duty->leaving) {
        if (now_ms >= duty->leave_by_ms || (!duty->welcome && spooled == 0))
            return exit_with(duty, 0);
        action.until_ms = duty->leave_by_ms;
    } else if (duty->work == DUTY_IDLE && duty->idle_exit_ms >= 0) {
        if (idle_over(duty, spooled, now_ms, &action))
            return action;
    }
    if (duty->under_way != DUTY_NO_MESSAGE) {
        int64_t answer_by_ms = duty->sent_ms + DUTY_ANSWER_MS;
        if (now_ms < answer_by_ms) {
            if (answer_by_ms < action.until_ms)
                action.until_ms = answer_by_ms;
            return action;
        }
        lose(duty, now_ms);
    }
    enum duty_message message = next_message(duty, spooled, now_ms, &action.until_ms);
    return message == DUTY_NO_MESSAGE ? action : send_message(duty, message, now_ms);
}
