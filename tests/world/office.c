#include "coordinator/query.h"
#include "core/json.h"
#include "tests/world/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A request of the batch and the answer to it. */
struct exchange {
    struct letter *letter;
    struct wire_message answer;
};

struct batch {
    struct exchange items[BATCH];
    int count;
};

static long long number_of(const cJSON *object, const char *key) {
    return (long long)cJSON_GetNumberValue(json_member(object, key));
}

/* --- up and down --- */

void office_open(struct world *world) {
    struct office *office = &world->office;
    struct error error = {0};
    char path[600];
    snprintf(path, sizeof path, "%s/assay.db", office->disk.folder);
    bool open = store_open(path, &office->store, &error);
    if (!open || !coordinator_open(&office->coordinator, office->store, world->lease_ms, world->now,
                                   &error)) {
        demand(world, office->disk.dead || office->disk.full, "the coordinator does not start: %s",
               error.message);
        tell(world, "the coordinator does not start: %s", error.message);
        disk_kill(&office->disk);
        if (open)
            store_close(office->store);
        office->store = NULL;
        office->up_at_ms = world->now.steady_ms + 1000;
        disk_revive(&office->disk, false, &world->draws);
        return;
    }
    demand(world, shelf_open(world, &error), "the files cannot be opened: %s", error.message);
    office->coordinator.uploads = world->shelf.uploads;
    office->told = (struct told){0};
    /* pages of the log between two checkpoints: few, so that a schedule has many of them */
    office_count(world, "PRAGMA wal_autocheckpoint = 24");
    tell(world, "the coordinator is up");
    office_check(world);
}

void office_kill(struct world *world, bool power_cut, int64_t down_ms) {
    struct office *office = &world->office;
    if (office->store == NULL)
        return;
    tell(world, power_cut ? "power cut at the coordinator" : "the coordinator is killed");
    disk_kill(&office->disk);
    shelf_kill(world, power_cut);
    coordinator_close(&office->coordinator);
    store_close(office->store);
    office->store = NULL;
    office->up_at_ms = world->now.steady_ms + down_ms;
    disk_revive(&office->disk, power_cut, &world->draws);
    if (chance(world, 500))
        mail_drop(world, NULL, true);
}

static sqlite3 *database_of(struct store *store) {
    struct query query;
    query_open(&query, store, "SELECT 1");
    sqlite3 *database = query_next(&query) ? sqlite3_db_handle(query.statement) : NULL;
    query_close(&query, NULL);
    return database;
}

void office_back_up(struct world *world) {
    struct office *office = &world->office;
    struct backup *backup = &office->backup;
    sqlite3 *database = office->store != NULL ? database_of(office->store) : NULL;
    sqlite3_int64 length;
    unsigned char *bytes =
        database != NULL ? sqlite3_serialize(database, "main", &length, 0) : NULL;
    if (bytes == NULL) /* it is down, or its disk is */
        return;
    tell(world, "a backup is made");
    sqlite3_free(backup->bytes);
    *backup = (struct backup){.bytes = bytes, .length = length, .promises = office->promises};
}

void office_restore(struct world *world, int64_t down_ms) {
    struct office *office = &world->office;
    const struct backup *backup = &office->backup;
    struct error error = {0};
    struct store *store = NULL;
    char path[600];
    if (backup->bytes == NULL)
        return;
    office_kill(world, false, down_ms);
    tell(world, "its database is lost, and the backup restored");
    snprintf(path, sizeof path, "%s/assay.db", office->disk.folder);
    disk_revive(&office->disk, false, &world->draws);
    disk_put(&office->disk, path, backup->bytes, (size_t)backup->length);
    demand(world, store_open(path, &store, &error), "the backup is none: %s", error.message);
    sqlite3_exec(database_of(store), "UPDATE identity SET history = ''", NULL, NULL, NULL);
    store_close(store);
    office->promises = backup->promises;
    world->restored = true;
}

/* --- what has been promised --- */

/* The epoch to end after stays what it is from the first time it is told. */
static void note_stop(struct world *world, const cJSON *asked, const cJSON *answer) {
    const cJSON *epoch = json_member(answer, "stop_epoch");
    if (epoch == NULL)
        return;
    long long experiment = number_of(asked, "experiment");
    long long *promised = &world->office.promises.stop_epoch[experiment];
    demand(world, world->stops, "experiment %lld is stopped by no rule", experiment);
    if (*promised == 0)
        tell(world, "experiment %lld is to end after epoch %d", experiment, epoch->valueint);
    demand(world, *promised == 0 || *promised == epoch->valueint,
           "experiment %lld was to end after epoch %lld, then after %d", experiment, *promised,
           epoch->valueint);
    *promised = epoch->valueint;
}

static void note_assignment(struct world *world, const struct hand *hand, int life,
                            const cJSON *answer) {
    struct promises *promises = &world->office.promises;
    long long experiment = number_of(answer, "experiment"), attempt = number_of(answer, "attempt");
    demand(world, attempt >= 1 && attempt < ATTEMPTS_MAX, "attempt %lld", attempt);
    char *holder = promises->holder[experiment][attempt];
    if (holder[0] == '\0')
        snprintf(holder, sizeof promises->holder[0][0], "%s", hand->name);
    demand(world, strcmp(holder, hand->name) == 0, "attempt %lld of %lld is %s's and %s's", attempt,
           experiment, holder, hand->name);
    demand(world, attempt >= promises->latest[experiment],
           "experiment %lld: attempt %lld is handed out after %lld", experiment, attempt,
           promises->latest[experiment]);
    public_check(world, hand, life, answer, attempt > promises->latest[experiment]);
    promises->latest[experiment] = attempt;
    tell(world, "experiment %lld, attempt %lld: to %s", experiment, attempt, hand->name);
}

/* Who has ended an attempt may say so again, and what came before. */
static bool ended_by_holder(struct world *world, long long experiment, long long attempt) {
    struct query query;
    query_open(&query, world->office.store,
               "SELECT 1 FROM attempt WHERE experiment = ? AND attempt = ?"
               " AND outcome IN ('done', 'failed', 'given_back')");
    query_bind_int(&query, experiment);
    query_bind_int(&query, attempt);
    bool ended = query_next(&query);
    query_close(&query, NULL);
    return ended;
}

static void note_ack(struct world *world, const struct hand *hand, const cJSON *report,
                     const cJSON *answer) {
    struct promises *promises = &world->office.promises;
    long long experiment = number_of(report, "experiment"), attempt = number_of(report, "attempt");
    const char *kind = cJSON_GetStringValue(json_member(report, "kind"));
    const cJSON *body = json_member(report, "body");
    bool fenced = cJSON_IsTrue(json_member(answer, "fenced"));
    tell(world, "experiment %lld, attempt %lld: %s %.0f of %s is %s", experiment, attempt, kind,
         strcmp(kind, "epoch") == 0 ? cJSON_GetNumberValue(json_member(body, "epoch")) : 0.0,
         hand->name, fenced ? "fenced" : "acknowledged");
    if (fenced)
        return;
    if (strcmp(kind, "epoch") == 0)
        promises->stored[experiment][number_of(body, "epoch")] = true;
    demand(world, strcmp(promises->holder[experiment][attempt], hand->name) == 0,
           "experiment %lld: a report of %s counts, which does not have it", experiment,
           hand->name);
    demand(world,
           attempt == promises->latest[experiment] || ended_by_holder(world, experiment, attempt),
           "experiment %lld: a report of attempt %lld counts during attempt %lld", experiment,
           attempt, promises->latest[experiment]);
    if (strcmp(kind, "end") == 0 &&
        strcmp(cJSON_GetStringValue(json_member(body, "outcome")), "done") == 0)
        promises->finished[experiment] = true;
}

static void note(struct world *world, const struct exchange *exchange) {
    const struct hand *hand = &world->hands[exchange->letter->hand];
    const char *name = exchange->answer.name;
    const cJSON *asked = exchange->letter->message.body, *answered = exchange->answer.body;
    if (strcmp(name, "assignment") == 0) {
        note_assignment(world, hand, exchange->letter->life, answered);
        note_stop(world, answered, answered);
    } else if (strcmp(name, "ack") == 0) {
        note_ack(world, hand, asked, answered);
        note_stop(world, asked, answered);
    } else if (strcmp(name, "beat") == 0) {
        note_stop(world, asked, answered);
    }
}

int64_t office_count(struct world *world, const char *sql) {
    struct query query;
    struct error error = {0};
    query_open(&query, world->office.store, sql);
    int64_t value = query_next(&query) ? query_int(&query) : -1;
    demand(world, query_close(&query, &error), "%s", error.message);
    return value;
}

/* What was told is what the database says, and follows from the losses. */
static void check_stops(struct world *world) {
    const struct promises *promises = &world->office.promises;
    long long decided[EXPERIMENTS + 1] = {0};
    struct query query;
    query_open(&query, world->office.store,
               "SELECT experiment, epoch, value, threshold, rule = 'median' FROM stop");
    while (query_next(&query)) {
        int64_t id = query_int(&query), epoch = query_int(&query);
        double value = query_double(&query), threshold = query_double(&query);
        double judged = loss_of(weights_after(world, id, (int)epoch));
        bool so_far = query_int(&query) != 0; /* the other rule looks at the epoch alone */
        for (int i = 1; so_far && i < epoch; i++)
            judged = fmin(judged, loss_of(weights_after(world, id, i)));
        demand(world, value == judged && value > threshold && epoch < EPOCHS,
               "experiment %d is stopped after epoch %d for another reason than its losses",
               (int)id, (int)epoch);
        decided[id] = epoch;
    }
    demand(world, query_close(&query, NULL), "the stops cannot be read");
    for (int id = 1; id <= EXPERIMENTS; id++)
        demand(world, promises->stop_epoch[id] == 0 || decided[id] == promises->stop_epoch[id],
               "experiment %d was to end after epoch %lld, which is forgotten", id,
               promises->stop_epoch[id]);
}

void office_check(struct world *world) {
    static const struct {
        const char *sql, *what;
    } never[] = {
        {"SELECT count(*) FROM (SELECT 1 FROM experiment WHERE state = 'running' GROUP BY worker"
         " HAVING count(*) > 1)",
         "a worker has two experiments"},
        {"SELECT count(*) FROM experiment e WHERE (state = 'running') <> (SELECT count(*) FROM"
         " attempt a WHERE a.experiment = e.id AND a.outcome = 'running' AND a.attempt = e.attempt"
         " AND a.worker = e.worker)",
         "a running experiment has no running attempt, or another one has"},
        {"SELECT count(*) FROM attempt a JOIN experiment e ON e.id = a.experiment"
         " WHERE a.outcome = 'running' AND (a.attempt <> e.attempt OR e.state <> 'running')",
         "an attempt is running that is over"},
        {"SELECT count(*) FROM experiment e WHERE attempt <> (SELECT count(*) FROM attempt a"
         " WHERE a.experiment = e.id)",
         "an attempt is missing"},
    };
    const struct promises *promises = &world->office.promises;
    wish_check(world);
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        demand(world, office_count(world, never[i].sql) == 0, "%s", never[i].what);
    struct query query;
    bool seen[EXPERIMENTS + 1][EPOCHS + 1] = {{false}};
    query_open(&query, world->office.store, "SELECT experiment, epoch, valid_loss FROM epoch");
    while (query_next(&query)) {
        int64_t id = query_int(&query), epoch = query_int(&query);
        double loss = query_double(&query);
        demand(world, loss == loss_of(weights_after(world, id, (int)epoch)),
               "experiment %d: the loss of epoch %d is another run's", (int)id, (int)epoch);
        seen[id][epoch] = true;
    }
    demand(world, query_close(&query, NULL), "the epochs cannot be read");
    for (int id = 1; id <= EXPERIMENTS; id++)
        for (int epoch = 1; epoch <= EPOCHS; epoch++)
            demand(world, seen[id][epoch] || !promises->stored[id][epoch],
                   "experiment %d: epoch %d was acknowledged and is gone", id, epoch);
    check_stops(world);
    shelf_check(world);
    query_open(&query, world->office.store, "SELECT id, state, attempt FROM experiment");
    while (query_next(&query)) {
        int64_t id = query_int(&query);
        bool done = strcmp(query_text(&query), "done") == 0;
        demand(world, done || !promises->finished[id], "experiment %d was done and is not",
               (int)id);
        demand(world, query_int(&query) >= promises->latest[id],
               "experiment %d: an attempt was handed out and is forgotten", (int)id);
    }
    query_close(&query, NULL);
}

/* --- a turn --- */

void office_answer(struct world *world, const struct wire_message *request,
                   struct wire_message *answered) {
    struct reply reply;
    coordinator_answer(&world->office.coordinator, &(struct caller){.roles = ROLE_BOTH}, request,
                       &reply);
    if (reply.settle != NULL) /* before the commit: nobody here looks at how much went with it */
        reply.settle(&world->office.coordinator, &reply);
    free(reply.unsettled);
    snprintf(answered->name, sizeof answered->name, "%s", reply.name);
    answered->body = reply.body != NULL ? reply.body : cJSON_CreateObject();
    answered->bytes = reply.bytes;
    answered->bytes_length = reply.bytes_length;
    shelf_note(world, request, reply.name);
}

/* Sends the answers; a kill in the middle loses the rest. */
static void send_answers(struct world *world, struct batch *batch) {
    bool killed = rarely(world, 8);
    int sent = killed ? (int)some(world, batch->count + 1) : batch->count;
    for (int i = 0; i < batch->count; i++) {
        struct exchange *exchange = &batch->items[i];
        const struct hand *hand = &world->hands[exchange->letter->hand];
        if (i < sent && hand->life == exchange->letter->life) {
            exchange->answer.request = exchange->letter->message.request;
            mail_send(world, hand, false, &exchange->answer);
        }
    }
    if (killed)
        office_kill(world, chance(world, 300), some(world, 8000));
}

static void batch_free(struct batch *batch) {
    for (int i = 0; i < batch->count; i++) {
        letter_free(batch->items[i].letter);
        wire_message_free(&batch->items[i].answer);
    }
}

/* What the answers are when nothing of the batch has happened. */
static void batch_refuse(struct batch *batch, const struct error *error) {
    for (int i = 0; i < batch->count && i < BATCH; i++) {
        struct wire_message *answered = &batch->items[i].answer;
        wire_message_free(answered);
        snprintf(answered->name, sizeof answered->name, "error");
        answered->body = wire_error_body(WIRE_INTERNAL, error->message);
    }
}

void office_turn(struct world *world) {
    struct office *office = &world->office;
    struct batch batch = {.count = 0};
    struct error error = {0};
    bool drained = false, dies = false;
    if (office->store == NULL && office->up_at_ms <= world->now.steady_ms)
        office_open(world);
    if (office->store == NULL || office->stopped_until_ms > world->now.steady_ms)
        return;
    coordinator_begin(&office->coordinator, world->now);
    memset(office->told.asked, 0, sizeof office->told.asked);
    office->wish = WISH_UNASKED;
    office->cleared = false;
    while (batch.count < BATCH && !drained && !dies) {
        struct exchange *exchange = &batch.items[batch.count];
        *exchange = (struct exchange){.letter = mail_take(world, NULL)};
        drained = exchange->letter == NULL;
        batch.count += !drained;
        dies = !drained && !shelf_prepare(world, &exchange->letter->message);
        if (!drained && !dies)
            office_answer(world, &exchange->letter->message, &exchange->answer);
    }
    if (world->steered && rarely(world, 6))
        public_ask(world);
    if (world->steered && (rarely(world, 20) || wish_is_due(world)))
        wish_ask(world);
    if (drained)
        coordinator_expire(&office->coordinator);
    if (dies || rarely(world, 3)) {
        tell(world, "killed before a commit:");
        office_kill(world, chance(world, 300), some(world, 8000));
    } else if (coordinator_commit(&office->coordinator, &error)) {
        for (int i = 0; i < batch.count; i++)
            note(world, &batch.items[i]);
        public_note(world);
        wish_note(world);
        send_answers(world, &batch);
    } else if (office->disk.dead) {
        tell(world, "killed within a commit:");
        office_kill(world, office->power_cut, some(world, 8000));
    } else {
        tell(world, "the batch fails: %s", error.message);
        demand(world, office->disk.full, "a batch fails: %s", error.message);
        batch_refuse(&batch, &error);
        send_answers(world, &batch);
    }
    batch_free(&batch);
}

cJSON *office_ask(struct world *world, const char *name, cJSON *body, const char *expected) {
    struct office *office = &world->office;
    struct wire_message request = {.request = 1, .body = body}, answered = {.request = 1};
    struct error error = {0};
    snprintf(request.name, sizeof request.name, "%s", name);
    coordinator_begin(&office->coordinator, world->now);
    office_answer(world, &request, &answered);
    demand(world, coordinator_commit(&office->coordinator, &error), "%s: %s", name, error.message);
    wire_message_free(&request);
    demand(world, expected == NULL || strcmp(answered.name, expected) == 0,
           "%s is answered with %s: %s", name, answered.name,
           cJSON_GetStringValue(json_member(answered.body, "message")));
    return answered.body;
}
