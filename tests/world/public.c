#include "coordinator/query.h"
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
    double id = (double)(1 + some(world, EXPERIMENTS));
    if (strcmp(name, "priority") == 0)
        cJSON_AddNumberToObject(body, "priority", (double)some(world, 5));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "ids"), cJSON_CreateNumber(id));
    return body;
}

void public_ask(struct world *world) {
    static const char *const names[] = {"cancel", "pause", "resume", "retry", "priority", "drain"};
    const char *name = names[some(world, 6)];
    struct wire_message request = {.request = 1}, answered = {.request = 1};
    request.body = strcmp(name, "drain") == 0 ? drain(world) : steer(world, name);
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
}

void public_check(struct world *world, const struct hand *hand, long long experiment, bool anew) {
    demand(world, !anew || process_of(world, hand->name) != world->office.told.drained[hand->index],
           "%s is drained and gets experiment %lld", hand->name, experiment);
    demand(world,
           !world->waits || experiment != EXPERIMENTS ||
               office_count(world,
                            "SELECT count(*) FROM experiment WHERE id = 1 AND state = 'done'") == 1,
           "experiment %lld waits and is handed out", experiment);
}
