#include "coordinator/query.h"
#include "core/json.h"
#include "tests/world/world.h"

#include <stdio.h>
#include <string.h>

/* The process that the coordinator knows of that name; 0: none. */
static int64_t process_of(struct world *world, const char *worker) {
    struct query query;
    query_open(&query, world->office.store, "SELECT pid FROM worker WHERE name = ?");
    query_bind_text(&query, worker);
    int64_t pid = query_next(&query) ? query_int(&query) : 0;
    query_close(&query, NULL);
    return pid;
}

static cJSON *drain(struct world *world) {
    int which = (int)some(world, HANDS);
    const char *name = world->hands[which].name;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "worker", name);
    world->office.told.asked[which] = process_of(world, name);
    return body;
}

static cJSON *steer(struct world *world, const char *name) {
    cJSON *body = cJSON_CreateObject();
    double id = (double)(1 + some(world, world->there.experiments));
    if (strcmp(name, "priority") == 0)
        cJSON_AddNumberToObject(body, "priority", (double)some(world, 5));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "ids"), cJSON_CreateNumber(id));
    return body;
}

/* Of the epochs' checkpoints some stay, or all, or none. */
static cJSON *clear(struct world *world) {
    cJSON *body = cJSON_CreateObject();
    int64_t every = some(world, 4);
    cJSON_AddBoolToObject(body, "dry_run", false);
    if (every < 3)
        cJSON_AddNumberToObject(body, "keep_every", (double)every);
    world->office.cleared = true;
    return body;
}

void public_ask(struct world *world) {
    static const char *const names[] = {"cancel", "pause", "resume", "retry", "priority",
                                        "drain",  "gc",    "gc",     "gc",    "gc"};
    const char *name = names[some(world, world->shelf.folder[0] != '\0' ? 10 : 6)];
    struct wire_message request = {.request = 1}, answered = {.request = 1};
    request.body = strcmp(name, "drain") == 0 ? drain(world)
                   : strcmp(name, "gc") == 0  ? clear(world)
                                              : steer(world, name);
    snprintf(request.name, sizeof request.name, "%s", name);
    char *asked = cJSON_PrintUnformatted(request.body);
    office_answer(world, &request, &answered);
    tell(world, "somebody says %s %s: %s", name, asked, answered.name);
    cJSON_free(asked);
    wire_message_free(&request);
    wire_message_free(&answered);
}

void public_note(struct world *world) {
    struct told *told = &world->office.told;
    for (int i = 0; i < HANDS; i++)
        if (told->asked[i] != 0)
            told->drained[i] = told->asked[i];
    if (world->office.cleared)
        shelf_check(world);
}

bool public_counts(const struct world *world, const struct hand *hand) {
    const struct promises *promises = &world->office.promises;
    return hand->duty.attempt == promises->latest[hand->duty.experiment] &&
           !promises->finished[hand->duty.experiment];
}

/* Handed out to whoever can have the right checkpoint. */
static void check_origin(struct world *world, const struct hand *hand, long long experiment,
                         const cJSON *from) {
    const struct origin *origin = &world->there.origins[experiment];
    demand(world,
           from == NULL ? origin->experiment == 0
                        : json_integer(from, "experiment") == origin->experiment &&
                              json_integer(from, "epoch") == origin->epoch,
           "experiment %lld goes on from something else", experiment);
    demand(world,
           from == NULL || json_member(from, "file") != NULL ||
               strcmp(json_string(from, "host"), hand->host) == 0,
           "%s has not what the fork %lld goes on from", hand->name, experiment);
}

void public_check(struct world *world, const struct hand *hand, int life, const cJSON *assignment,
                  bool anew) {
    long long experiment = json_integer(assignment, "experiment");
    check_origin(world, hand, experiment, json_member(assignment, "from"));
    int64_t drained = world->office.told.drained[hand->index];
    /* a hello of the process before may have come after that of the one that asks */
    demand(world,
           !anew || drained != hand_process(life) || process_of(world, hand->name) != drained,
           "%s is drained and gets experiment %lld", hand->name, experiment);
    demand(world,
           !world->waits || experiment != BASES ||
               office_count(world,
                            "SELECT count(*) FROM experiment WHERE id = 1 AND state = 'done'") == 1,
           "experiment %lld waits and is handed out", experiment);
}
