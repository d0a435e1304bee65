#include "core/file.h"
#include "core/json.h"
#include "tests/world/world.h"
#include "worker/report.h"
#include "worker/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- up and down --- */

static void leave(struct world *world, struct hand *hand, int64_t down_ms) {
    trial_forget(hand);
    courier_drop(hand);
    spooled_free(&hand->report);
    place_close(hand->place);
    hand->place = NULL;
    hand->spool = NULL;
    hand->life++;
    hand->up_at_ms = world->now.steady_ms + down_ms;
    mail_drop(world, hand, false);
    if (chance(world, 500))
        mail_drop(world, hand, true);
}

void hand_kill(struct world *world, struct hand *hand, bool power_cut, int64_t down_ms) {
    if (hand->spool == NULL)
        return;
    tell(world, power_cut ? "power cut at %s" : "%s is killed", hand->name);
    disk_kill(&hand->disk);
    leave(world, hand, down_ms);
    disk_revive(&hand->disk, power_cut, &world->draws);
}

/* Frees `body`. */
static bool spool_report(struct hand *hand, const char *kind, cJSON *body) {
    char *text = json_text(body);
    bool good = spool_put(hand->spool, hand->duty.experiment, hand->duty.attempt, kind, text, NULL);
    free(text);
    cJSON_Delete(body);
    return good;
}

/* As stint.c mourns: the attempt that the process before died in has failed. */
static bool mourn(struct hand *hand) {
    if (!spool_held(hand->spool, &hand->duty.experiment, &hand->duty.attempt, NULL))
        return false;
    return hand->duty.experiment == 0 ||
           (spool_report(hand, "end", report_failure("killed", true)) &&
            spool_hold(hand->spool, 0, 0, NULL));
}

static void hand_open(struct world *world, struct hand *hand) {
    struct error error = {0};
    if (!folder_make(hand->disk.folder, &error) ||
        !place_open(hand->disk.folder, &hand->place, &error)) {
        demand(world, hand->disk.dead || hand->disk.full, "%s does not start: %s", hand->name,
               error.message);
        tell(world, "%s does not start: %s", hand->name, error.message);
        disk_kill(&hand->disk);
        disk_revive(&hand->disk, hand->power_cut, &world->draws);
        hand->up_at_ms = world->now.steady_ms + 1000;
        return;
    }
    hand->spool = place_spool(hand->place);
    duty_init(&hand->duty, -1, random_u32(&world->draws), world->now.steady_ms);
    hand->number = hand->since = 0;
    tell(world, "%s is up, %zu in its spool", hand->name, spool_count(hand->spool));
    if (!mourn(hand))
        hand_kill(world, hand, hand->power_cut, 1000);
}

/* --- as agent.c does it --- */

static bool trial_over(struct world *world, struct hand *hand, bool hindered) {
    const struct duty_event ended = {.kind = DUTY_ENDED, .hindered = hindered};
    trial_forget(hand);
    duty_take(&hand->duty, &ended, world->now.steady_ms);
    return spool_hold(hand->spool, 0, 0, NULL);
}

static bool take_end(struct world *world, struct hand *hand, const struct item *item) {
    bool good = true;
    if (duty_spools(&hand->duty))
        good = spool_report(hand, "end",
                            item->outcome == ITEM_DONE       ? report_end("done")
                            : item->outcome == ITEM_STOPPED  ? report_end("given_back")
                            : item->outcome == ITEM_HINDERED ? report_hindered("no room")
                            : item->outcome == ITEM_HOPELESS ? report_failure(HOPELESS, false)
                                                             : report_failure("bad luck", true));
    else
        tell(world, "%s has stopped %lld, which is not its own any more", hand->name,
             (long long)hand->duty.experiment);
    return good && trial_over(world, hand, item->outcome == ITEM_HINDERED);
}

static bool take_trial(struct world *world, struct hand *hand) {
    while (hand->trial.item_count > 0) {
        struct item item = hand->trial.items[0];
        memmove(hand->trial.items, hand->trial.items + 1,
                (size_t)--hand->trial.item_count * sizeof item);
        bool good = true;
        if (item.kind == NULL)
            return take_end(world, hand, &item);
        if (duty_spools(&hand->duty)) {
            if (strcmp(item.kind, "checkpoint") == 0)
                courier_send(world, hand, item.body);
            good = spool_report(hand, item.kind, item.body);
        } else
            cJSON_Delete(item.body);
        if (!good)
            return false;
    }
    return true;
}

int hand_process(int life) {
    return 1 + life;
}

static cJSON *message_body(const struct hand *hand, enum duty_message message) {
    const struct asker asker = {hand->name, spool_history(hand->spool)};
    const struct worker_card card = {.asker = asker,
                                     .host = hand->host,
                                     .backend = "cpu",
                                     .device = "none",
                                     .pid = hand_process(hand->life),
                                     .threads = 1,
                                     .memory_bytes = 0x1p33};
    switch (message) {
    case DUTY_HELLO: return request_hello(&card);
    case DUTY_HEARTBEAT:
        if (hand->trial.active)
            return request_heartbeat(&asker, hand->duty.experiment, hand->duty.attempt, NULL);
        return request_plain(&asker);
    case DUTY_REPORT: return request_report(&asker, &hand->report);
    default: return request_plain(&asker);
    }
}

static bool send_message(struct world *world, struct hand *hand, enum duty_message message) {
    static const char *const names[] = {[DUTY_HELLO] = "hello",
                                        [DUTY_REQUEST] = "request",
                                        [DUTY_HEARTBEAT] = "heartbeat",
                                        [DUTY_REPORT] = "report",
                                        [DUTY_GOODBYE] = "goodbye"};
    const struct duty_event unsent = {.kind = DUTY_UNSENT};
    if (message == DUTY_REPORT) {
        spooled_free(&hand->report);
        if (!spool_first(hand->spool, &hand->report, NULL))
            return false;
    }
    if ((world->office.store == NULL || hand->cut_until_ms > world->now.steady_ms) &&
        chance(world, 500))
        duty_take(&hand->duty, &unsent, world->now.steady_ms);
    else {
        struct wire_message letter = {.request = ++hand->number,
                                      .body = message_body(hand, message)};
        snprintf(letter.name, sizeof letter.name, "%s", names[message]);
        mail_send(world, hand, true, &letter);
    }
    return true;
}

/* As stint_belong: what is in hand is of a database, or a history of it, that is not there. */
static bool belong(struct world *world, struct hand *hand, const cJSON *welcome, bool *moved) {
    const char *database = cJSON_GetStringValue(json_member(welcome, "database"));
    const char *history = cJSON_GetStringValue(json_member(welcome, "history"));
    bool counts = hand->trial.active && duty_spools(&hand->duty);
    *moved = !place_is(hand->place, database, history);
    if (!*moved)
        return true;
    tell(world, "%s goes by another history from now on", hand->name);
    bool holds = hand->trial.active;
    trial_forget(hand);
    courier_drop(hand);
    hand->since = hand->number;
    if ((counts && !spool_report(hand, "end", report_end("given_back"))) ||
        (holds && !spool_hold(hand->spool, 0, 0, NULL)) ||
        !place_go(hand->place, database, history, NULL))
        return false;
    hand->spool = place_spool(hand->place);
    return true;
}

/* Which hand a path is at: "/HAND/EXPERIMENT..."; -1: there is none. */
static int hand_of(const cJSON *place) {
    const char *path = cJSON_GetStringValue(json_member(place, "path"));
    return path != NULL ? path[1] - '0' : -1;
}

static struct assigned assigned_of(const cJSON *body, int stop_epoch) {
    const cJSON *from = json_member(body, "from"), *file = json_member(from, "file");
    struct assigned assigned = {.stop_epoch = stop_epoch,
                                .resume_hand = hand_of(json_member(body, "resume")),
                                .origin_hand = hand_of(from)};
    if (from != NULL) {
        const char *path = json_string(from, "path");
        assigned.origin_stays = strrchr(path, '/') > strchr(path + 1, '/');
        assigned.origin = (struct origin){.experiment = (int)json_integer(from, "experiment"),
                                          .epoch = (int)json_integer(from, "epoch")};
    }
    if (file != NULL)
        snprintf(assigned.sha256, sizeof assigned.sha256, "%s", json_string(file, "sha256"));
    return assigned;
}

static bool take_message(struct world *world, struct hand *hand, struct wire_message *message) {
    struct duty_event event;
    bool good = true, late = message->request != hand->number && message->request != 0;
    if ((!late && hand->duty.under_way == DUTY_NO_MESSAGE) ||
        !answer_read(message, late ? DUTY_REPORT : hand->duty.under_way, &hand->report, &event))
        return true;
    if (message->request != 0 && message->request < hand->since)
        return true;
    if (late)
        return event.kind != DUTY_ACKNOWLEDGED || event.over ||
               spool_delete(hand->spool, event.sequence, NULL);
    if (event.kind == DUTY_WELCOMED) {
        good = belong(world, hand, message->body, &event.moved);
    } else if (event.kind == DUTY_ACKNOWLEDGED && !event.over) {
        good = spool_delete(hand->spool, hand->report.sequence, NULL);
    } else if (event.kind == DUTY_ASSIGNED) {
        hand->assigned = assigned_of(message->body, (int)event.stop_epoch);
    }
    duty_take(&hand->duty, &event, world->now.steady_ms);
    return good;
}

static bool perform(struct world *world, struct hand *hand, const struct duty_action *action) {
    switch (action->kind) {
    case DUTY_SEND: return send_message(world, hand, action->message);
    case DUTY_START:
        if (!spool_hold(hand->spool, hand->duty.experiment, hand->duty.attempt, NULL))
            return false;
        trial_begin(world, hand);
        return true;
    case DUTY_GIVE_BACK: return spool_report(hand, "end", report_end("given_back"));
    case DUTY_STOP: hand->trial.stop = true; return true;
    case DUTY_SHORTEN: hand->trial.stop_epoch = (int)action->stop_epoch; return true;
    case DUTY_DROP_ATTEMPT:
        tell(world, "%s drops the reports of %lld, attempt %lld", hand->name,
             (long long)action->experiment, (long long)action->attempt);
        return spool_drop(hand->spool, action->experiment, action->attempt, NULL);
    case DUTY_DROP_REPORT:
        demand(world, false, "%s: a report was refused as invalid", hand->name);
        return true;
    case DUTY_WAIT:
    case DUTY_EXIT: return true;
    }
    return true;
}

/* Everything that can be done now. False when the process cannot go on. */
static bool work(struct world *world, struct hand *hand) {
    for (;;) {
        struct duty_action action =
            duty_next(&hand->duty, spool_count(hand->spool), world->now.steady_ms);
        if (action.kind == DUTY_EXIT) {
            tell(world, "%s leaves", hand->name);
            demand(world, action.code == 0, "%s leaves with %d", hand->name, action.code);
            leave(world, hand, some(world, 5000));
            return true;
        }
        if (!perform(world, hand, &action))
            return false;
        if (action.kind != DUTY_WAIT)
            continue;
        struct letter *letter = mail_take(world, hand);
        bool nothing = letter == NULL && hand->trial.item_count == 0;
        bool good = letter == NULL || courier_hear(world, hand, &letter->message) ||
                    take_message(world, hand, &letter->message);
        if (letter != NULL)
            letter_free(letter);
        if (!good || !take_trial(world, hand))
            return false;
        if (nothing)
            return true;
    }
}

void hand_turn(struct world *world, struct hand *hand) {
    if (hand->spool == NULL && hand->up_at_ms <= world->now.steady_ms)
        hand_open(world, hand);
    if (hand->spool == NULL || hand->stopped_until_ms > world->now.steady_ms)
        return;
    trial_turn(world, hand);
    if (hand->spool == NULL)
        return;
    courier_turn(world, hand);
    if (work(world, hand))
        return;
    demand(world, hand->disk.dead || hand->disk.full, "%s: the spool fails", hand->name);
    tell(world, "%s cannot write its spool:", hand->name);
    hand_kill(world, hand, hand->disk.dead && hand->power_cut, 1000 + some(world, 4000));
}
