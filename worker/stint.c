#include "worker/stint.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "core/machine.h"
#include "core/text.h"
#include "core/wire.h"
#include "worker/assignment.h"
#include "worker/folder.h"
#include "worker/luggage.h"
#include "worker/report.h"
#include "worker/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STINT_ROOM_BYTES = 16 << 20,
    STINT_LEAST_BYTES = 1 << 20, /* of room, below which no run is begun */
    FILES_QUIET_MS = 2000,       /* how long files may travel before people hear of it, */
    FILES_TOLD_EVERY_MS = 60000  /* and then so often */
};

void stint_say(const struct stint *stint, bool trouble, const char *format, ...) {
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_one_line(line); /* it may have words of others in it */
    stint->options->say(stint->options->context, trouble, line);
}

/* ---- the spool ---- */

/* Frees `body`. */
static bool spool_end(const struct stint *stint, int64_t experiment, int64_t attempt,
                      const char *kind, cJSON *body, struct error *error) {
    char *text = body != NULL ? json_text(body) : NULL;
    bool ok = text != NULL
                  ? spool_put(place_spool(stint->place), experiment, attempt, kind, text, error)
                  : error_memory(error);
    free(text);
    cJSON_Delete(body);
    return ok;
}

/* Of the attempt in hand. Frees `body`. */
static bool spool_report(const struct stint *stint, const char *kind, cJSON *body,
                         struct error *error) {
    return spool_end(stint, stint->duty->experiment, stint->duty->attempt, kind, body, error);
}

static bool hold_nothing(const struct stint *stint, struct error *error) {
    return spool_hold(place_spool(stint->place), 0, 0, error);
}

/* Ends the attempt that the process before this one died in. A crash in the middle of this ends it
 * twice, and a crash after its last report does too: an attempt that has ended stays as it is. */
static bool mourn(const struct stint *stint, struct error *error) {
    int64_t experiment, attempt;
    if (!spool_held(place_spool(stint->place), &experiment, &attempt, error))
        return false;
    return experiment == 0 ||
           (spool_end(stint, experiment, attempt, "end",
                      report_failure("the worker was killed or crashed", true), error) &&
            hold_nothing(stint, error));
}

/* ---- the trial ---- */

/* Reports how an attempt ended that came to nothing. A fault of the input is the same on every try;
 * what the machine lacks is not the experiment's fault. */
static bool spool_failure(struct stint *stint, const struct error *why, struct error *error) {
    stint->cause = why->cause;
    if (why->cause == CAUSE_ROOM)
        folder_room(stint->dir, &stint->room_bytes);
    if (why->cause == CAUSE_UNKNOWN)
        return spool_report(stint, "end", report_failure(why->message, why->code != ERROR_INPUT),
                            error);
    stint_say(stint, true, "this machine cannot train it now: it is given back, and %s",
              why->cause == CAUSE_ROOM ? "none is asked for until there is room"
                                       : "none is asked for now");
    return spool_report(stint, "end", report_hindered(why->message), error);
}

/* Whether there is more room by now than when the disk was full. */
static void look_for_room(struct stint *stint) {
    const struct duty_event room = {.kind = DUTY_ROOM};
    uint64_t bytes;
    if (stint->cause != CAUSE_ROOM || !folder_room(stint->dir, &bytes) ||
        bytes < stint->room_bytes + STINT_ROOM_BYTES)
        return;
    stint->cause = CAUSE_UNKNOWN;
    stint_say(stint, false, "there is room in %s again", stint->dir);
    duty_take(stint->duty, &room, clock_steady_ms());
}

static void trial_forget(struct stint *stint) {
    trial_free(stint->trial);
    stint->trial = NULL;
    free(stint->folder);
    stint->folder = NULL;
    trial_item_free(&stint->end);
    stint->end = (struct trial_item){0};
    stint->ended = false;
}

static bool trial_over(struct stint *stint, struct error *error) {
    trial_forget(stint);
    const struct duty_event ended = {.kind = DUTY_ENDED, .hindered = stint->cause != CAUSE_UNKNOWN};
    duty_take(stint->duty, &ended, clock_steady_ms());
    return hold_nothing(stint, error);
}

static bool trial_begin(struct stint *stint, struct error *error) {
    const struct agent_options *options = stint->options;
    const struct trainer_options trainer = {.data_root = options->data_root,
                                            .weights_root = options->weights_root,
                                            .backend = options->backend,
                                            .device = options->device,
                                            .threads = options->threads,
                                            .cache_bytes =
                                                machine_memory_bytes() / 4 / options->slots,
                                            .hashes = stint->hashes};
    const struct supply_source source = {.connect = options->connect,
                                         .keys = &options->keys,
                                         .shared = options->shared,
                                         .data_cache = options->data_cache,
                                         .data_cache_bytes = options->data_cache_bytes};
    const struct assignment_place place = {
        .dir = stint->dir, .folder = place_folder(stint->place), .host = stint->host};
    return assignment_start(stint->assignment, &place, &source, &trainer, options->train,
                            &stint->folder, &stint->trial, error);
}

static const char *assigned_name(const struct stint *stint) {
    return cJSON_GetStringValue(json_member(stint->assignment, "name"));
}

void stint_assign(struct stint *stint, cJSON *assignment) {
    cJSON_Delete(stint->assignment);
    stint->assignment = assignment;
}

/* A run on a full disk would but spend what the spool has in reserve to say that it is full. */
static bool has_room(const struct stint *stint, struct error *error) {
    uint64_t bytes;
    if (!folder_room(stint->dir, &bytes) || bytes >= STINT_LEAST_BYTES)
        return true;
    errno = ENOSPC;
    return error_errno(error, ERROR_FAILED, "no room in %s", stint->dir);
}

bool stint_start(struct stint *stint, struct error *error) {
    const struct duty *duty = stint->duty;
    struct error why = {0};
    stint->cause = CAUSE_UNKNOWN;
    stint_say(stint, false, "experiment %" PRId64 ", attempt %" PRId64 ": %s", duty->experiment,
              duty->attempt, assigned_name(stint));
    if (has_room(stint, &why)) {
        if (!spool_hold(place_spool(stint->place), duty->experiment, duty->attempt, error))
            return false;
        if (trial_begin(stint, &why))
            return true;
    }
    stint_say(stint, true, "experiment %" PRId64 " cannot start: %s", duty->experiment,
              why.message);
    return spool_failure(stint, &why, error) && trial_over(stint, error);
}

bool stint_give_back(struct stint *stint, struct error *error) {
    return spool_report(stint, "end", report_end("given_back"), error);
}

void stint_shorten(struct stint *stint, int64_t stop_epoch) {
    stint_say(stint, false, "experiment %" PRId64 ": to end after epoch %" PRId64 ", by its rule",
              stint->duty->experiment, stop_epoch);
    trial_shorten(stint->trial, (uint32_t)stop_epoch);
}

/* How the trial went, for the coordinator and for people. */
static bool tell_end(struct stint *stint, const struct trial_item *item, struct error *error) {
    const int64_t id = stint->duty->experiment;
    bool counts = duty_spools(stint->duty), ok = true;
    if (!counts) {
        stint_say(stint, false, "experiment %" PRId64 ": stopped, it is not this worker's any more",
                  id);
    } else if (item->outcome == TRAINER_DONE) {
        ok = spool_report(stint, "end", report_end("done"), error);
    } else if (item->outcome == TRAINER_STOPPED) {
        stint_say(stint, false, "experiment %" PRId64 ": given back", id);
        ok = stint_give_back(stint, error);
    } else {
        stint_say(stint, true, "experiment %" PRId64 " failed: %s", id, item->error.message);
        ok = spool_failure(stint, &item->error, error);
    }
    return ok && trial_over(stint, error);
}

/* ---- files ---- */

static struct luggage_owner owner_of(const struct stint *stint) {
    return (struct luggage_owner){stint->duty->experiment, stint->duty->attempt};
}

/* The trial has ended: its end is to be told when its files are where they belong. */
static bool hold_end(struct stint *stint, struct trial_item *item, struct error *error) {
    const struct luggage_owner owner = owner_of(stint);
    bool counts = duty_spools(stint->duty);
    stint->ended = true;
    stint->end = *item;
    memset(item, 0, sizeof *item);
    stint->patient_until_ms = stint->end_bytes = 0;
    if (!counts || stint->end.outcome != TRAINER_DONE)
        return true;
    stint_say(stint, false, "experiment %" PRId64 ": done", owner.experiment);
    bool sent =
        luggage_send_rest(stint->courier, &owner, stint->folder, assigned_name(stint), error);
    stint->end_bytes = courier_bytes(stint->courier, owner.experiment, owner.attempt);
    stint->tell_bytes_ms = clock_steady_ms() + FILES_QUIET_MS;
    return sent;
}

static struct progress files_progress(const struct stint *stint) {
    const struct luggage_owner owner = owner_of(stint);
    int64_t left = courier_bytes(stint->courier, owner.experiment, owner.attempt);
    return progress_of_bytes("send", stint->end_bytes - left, stint->end_bytes);
}

bool stint_progress(const struct stint *stint, struct progress *progress) {
    if (!stint->ended || stint->end_bytes == 0)
        return trial_progress(stint->trial, progress);
    *progress = files_progress(stint);
    return true;
}

static void tell_files(struct stint *stint) {
    int64_t now_ms = clock_steady_ms();
    if (stint->end_bytes == 0 || now_ms < stint->tell_bytes_ms)
        return;
    stint->tell_bytes_ms = now_ms + FILES_TOLD_EVERY_MS;
    const struct progress progress = files_progress(stint);
    stint_say(stint, false, "experiment %" PRId64 ": %" PRIu32 " of %" PRIu32 " MiB of files sent",
              stint->duty->experiment, progress.step, progress.steps);
}

bool stint_release(struct stint *stint, struct error *error) {
    const struct duty *duty = stint->duty;
    if (!stint->ended)
        return true;
    struct luggage_state state = {.counts = duty_spools(duty),
                                  .done = stint->end.outcome == TRAINER_DONE,
                                  .welcome = duty->welcome,
                                  .leaving = duty->leaving,
                                  .may_idle = stint->options->idle_exit_ms >= 0};
    state.waiting =
        courier_waiting(stint->courier, duty->experiment, duty->attempt, &state.refused);
    enum luggage_end end = luggage_end(&state, &stint->patient_until_ms, clock_steady_ms());
    if (end == LUGGAGE_WAIT) {
        tell_files(stint);
        return true;
    }
    if (end == LUGGAGE_GIVE_BACK)
        stint->end.outcome = TRAINER_STOPPED;
    if (!state.counts)
        courier_drop(stint->courier, duty->experiment, duty->attempt);
    return tell_end(stint, &stint->end, error);
}

static void tell_courier_trouble(struct stint *stint) {
    struct error trouble;
    if (courier_trouble(stint->courier, &trouble))
        stint_say(stint, true, "%s", trouble.message);
}

/* A report of the trainer. */
static bool take_report(struct stint *stint, struct trial_item *item, struct error *error) {
    const struct luggage_owner owner = owner_of(stint);
    if (item->line != NULL)
        stint_say(stint, false, "experiment %" PRId64 ": %s", owner.experiment, item->line);
    bool ok = strcmp(item->kind, "checkpoint") != 0 ||
              luggage_send_checkpoint(stint->courier, &owner, item->body, error);
    ok = ok && spool_report(stint, item->kind, item->body, error);
    item->body = NULL;
    return ok;
}

bool stint_take(struct stint *stint, struct error *error) {
    struct trial_item item;
    tell_courier_trouble(stint);
    look_for_room(stint);
    while (stint->trial != NULL && trial_take(stint->trial, &item)) {
        bool ok = true;
        if (item.kind == NULL)
            ok = hold_end(stint, &item, error);
        else if (duty_spools(stint->duty))
            ok = take_report(stint, &item, error);
        trial_item_free(&item);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- whose it is ---- */

/* Under experiments/ nobody fetches yet. */
static void sweep_experiments(const struct stint *stint) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/experiments", place_folder(stint->place)) <
        (int)sizeof path)
        sweep_parts(path, clock_unix_ms() / 1000);
}

/* Of the data cache what is a day old is nobody's. */
static void sweep_cache(const char *cache) {
    char path[PATH_MAX];
    if (cache != NULL && snprintf(path, sizeof path, "%s/incoming", cache) < (int)sizeof path)
        sweep_parts(path, clock_unix_ms() / 1000);
}

static bool engage_courier(struct stint *stint, struct error *error) {
    const struct agent_options *options = stint->options;
    const struct courier_options courier = {.connect = options->connect,
                                            .keys = &options->keys,
                                            .worker = stint->name,
                                            .history = spool_history(place_spool(stint->place)),
                                            .shared = options->shared};
    return courier_open(&courier, &stint->courier, error);
}

/* In a place that was just come to. */
static bool settle(struct stint *stint, struct error *error) {
    sweep_experiments(stint);
    return mourn(stint, error) && engage_courier(stint, error);
}

/* Stops what trains, which takes a step, for whoever it is of to give it out again. */
static bool put_down(struct stint *stint, struct error *error) {
    bool holds = stint->trial != NULL, counts = holds && duty_spools(stint->duty);
    trial_forget(stint);
    courier_close(stint->courier);
    stint->courier = NULL;
    return (!counts || stint_give_back(stint, error)) && (!holds || hold_nothing(stint, error));
}

bool stint_belong(struct stint *stint, const char *database, const char *history, bool *moved,
                  struct error *error) {
    char before[WIRE_IDENTITY_SIZE];
    *moved = !place_is(stint->place, database, history);
    if (!*moved)
        return true;
    snprintf(before, sizeof before, "%s", spool_database(place_spool(stint->place)));
    if (!put_down(stint, error) || !place_go(stint->place, database, history, error))
        return false;
    if (before[0] != '\0' && strcmp(before, spool_database(place_spool(stint->place))) == 0)
        stint_say(stint, false, "the database was restored from a backup: going on from that");
    else if (before[0] != '\0')
        stint_say(stint, false, "the coordinator has another database: what is of that is in %s",
                  place_folder(stint->place));
    return settle(stint, error);
}

bool stint_open(struct stint *stint, const struct agent_options *options, struct duty *duty,
                struct error *error) {
    *stint = (struct stint){.options = options, .duty = duty};
    machine_host(stint->host);
    if (!folder_make(options->dir, error))
        return false;
    stint->dir = realpath(options->dir, NULL);
    if (stint->dir == NULL)
        return error_errno(error, ERROR_INPUT, "cannot use %s", options->dir);
    if (asprintf(&stint->hashes, "%s/hashes.db", stint->dir) < 0) {
        stint->hashes = NULL;
        return error_memory(error);
    }
    if (!place_open(stint->dir, &stint->place, error))
        return false;
    sweep_cache(options->data_cache);
    stint->name = options->name != NULL ? options->name : place_worker(stint->place);
    return settle(stint, error);
}

void stint_close(struct stint *stint) {
    trial_forget(stint);
    courier_close(stint->courier);
    place_close(stint->place);
    cJSON_Delete(stint->assignment);
    free(stint->hashes);
    free(stint->dir);
}
