/* A person who wants one thing at a time and asks until the answer comes, as one does whose `assay`
 * was cut off: tags, notes, and forks, each under a key of its own. */
#include "coordinator/query.h"
#include "core/json.h"
#include "tests/coordinator/bodies.h"
#include "tests/world/world.h"

#include <stdio.h>
#include <string.h>

/* --- what there is --- */

static bool read_tags(struct world *world, struct book *book) {
    struct query query;
    query_open(&query, world->office.store, "SELECT experiment, tag FROM tag");
    while (query_next(&query)) {
        int64_t id = query_int(&query);
        book->tags[id] |= 1U << (query_text(&query)[1] - '0');
    }
    return query_close(&query, NULL);
}

static int key_of(const char *text) {
    return (int)strtol(strrchr(text, ' ') + 1, NULL, 10);
}

static bool read_notes(struct world *world, struct book *book) {
    struct query query;
    query_open(&query, world->office.store,
               "SELECT experiment, number, key, text IS NULL, text FROM note"
               " ORDER BY experiment, number");
    while (query_next(&query)) {
        int64_t id = query_int(&query), number = query_int(&query);
        demand(world, number == ++book->note_count[id] && number <= NOTES,
               "note %lld of experiment %lld is not the next", (long long)number, (long long)id);
        struct written *note = &book->notes[id][number - 1];
        note->key = key_of(query_text(&query));
        note->erased = (int)query_int(&query);
        demand(world, note->erased || key_of(query_text(&query)) == note->key,
               "note %lld of experiment %lld says something else", (long long)number,
               (long long)id);
    }
    return query_close(&query, NULL);
}

static bool read_origins(struct world *world, struct book *book) {
    struct query query;
    query_open(&query, world->office.store, "SELECT count(*) FROM experiment");
    book->experiments = query_next(&query) ? (int)query_int(&query) : 0;
    if (!query_close(&query, NULL))
        return false;
    query_open(&query, world->office.store,
               "SELECT f.experiment, f.source, f.epoch, e.submission FROM fork AS f"
               " JOIN experiment AS e ON e.id = f.experiment");
    while (query_next(&query)) {
        int64_t id = query_int(&query);
        book->origins[id].experiment = (int)query_int(&query);
        book->origins[id].epoch = (int)query_int(&query);
        book->fork_keys[id] = key_of(query_text(&query));
    }
    return query_close(&query, NULL);
}

/* False when the disk has died meanwhile. */
static bool read_book(struct world *world, struct book *book) {
    memset(book, 0, sizeof *book);
    return read_origins(world, book) && read_tags(world, book) && read_notes(world, book);
}

/* --- what a wish makes of it --- */

static void put_note(struct book *book, int id, int key) {
    for (int i = 0; i < book->note_count[id]; i++)
        if (book->notes[id][i].key == key)
            return;
    book->notes[id][book->note_count[id]++].key = key;
}

static void put_fork(struct book *book, const struct wish *wish) {
    for (int id = 1; id <= book->experiments; id++)
        if (book->fork_keys[id] == wish->key)
            return;
    int id = ++book->experiments;
    book->origins[id] = wish->origin;
    book->fork_keys[id] = wish->key;
    book->tags[id] = wish->add;
    put_note(book, id, wish->key);
}

static void fulfil(struct book *book, const struct wish *wish) {
    for (int id = 1; id <= EXPERIMENTS; id++) {
        bool meant = (wish->ids >> id & 1) != 0;
        if (meant && wish->kind == WISH_TAG)
            book->tags[id] = (book->tags[id] & ~wish->remove) | wish->add;
        if (meant && wish->kind == WISH_NOTE)
            put_note(book, id, wish->key);
        if (meant && wish->kind == WISH_ERASE)
            book->notes[id][wish->number - 1].erased = 1;
    }
    if (wish->kind == WISH_FORK)
        put_fork(book, wish);
}

static bool same(const struct book *a, const struct book *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

_Static_assert(EPOCHS == 4, "as the SQL has it");

/* --- a new one --- */

/* Some of those that there are. */
static unsigned some_ids(struct world *world, const struct book *book) {
    unsigned ids = 0;
    for (int id = 1; id <= book->experiments; id++)
        ids |= chance(world, 400) ? 1U << id : 0;
    return ids;
}

/* Some checkpoint that there is. False: there is none. */
static bool some_origin(struct world *world, struct origin *origin) {
    int64_t there = office_count(world, "SELECT count(*) FROM checkpoint WHERE epoch < 4");
    struct query query;
    if (there == 0)
        return false;
    query_open(&query, world->office.store,
               "SELECT experiment, epoch FROM checkpoint WHERE epoch < 4"
               " ORDER BY experiment, epoch LIMIT 1 OFFSET ?");
    query_bind_int(&query, some(world, there));
    query_next(&query);
    origin->experiment = (int)query_int(&query);
    origin->epoch = (int)query_int(&query);
    return query_close(&query, NULL);
}

static bool room_for_notes(const struct book *book, unsigned ids) {
    for (int id = 1; id <= EXPERIMENTS; id++)
        if ((ids >> id & 1) != 0 && book->note_count[id] == NOTES)
            return false;
    return true;
}

/* Its kind stays WISH_NOTHING where it cannot be. */
static void wish_make(struct world *world, const struct book *book, struct wish *wish) {
    static const enum wish_kind kinds[] = {WISH_TAG,   WISH_TAG,  WISH_NOTE, WISH_NOTE,
                                           WISH_ERASE, WISH_FORK, WISH_FORK, WISH_FORK};
    enum wish_kind kind = kinds[some(world, 8)];
    int id = 1 + (int)some(world, book->experiments);
    *wish = (struct wish){.key = wish->key + 1, .ids = some_ids(world, book)};
    wish->add = (unsigned)some(world, 1 << TAGS);
    wish->remove = (unsigned)some(world, 1 << TAGS);
    bool can = false;
    switch (kind) {
    case WISH_TAG: can = wish->ids != 0; break;
    case WISH_NOTE: can = wish->ids != 0 && room_for_notes(book, wish->ids); break;
    case WISH_ERASE:
        can = book->note_count[id] > 0;
        wish->ids = 1U << id;
        wish->number = can ? 1 + (int)some(world, book->note_count[id]) : 0;
        break;
    case WISH_FORK:
        can = book->experiments < EXPERIMENTS && some_origin(world, &wish->origin);
        break;
    case WISH_NOTHING: break;
    }
    if (can)
        wish->kind = kind;
}

/* --- how it is said --- */

static void add_ids(cJSON *body, unsigned ids) {
    cJSON *list = cJSON_AddArrayToObject(body, "ids");
    for (int id = 1; id <= EXPERIMENTS; id++)
        if ((ids >> id & 1) != 0)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(id));
}

static void add_tags(cJSON *body, const char *name, unsigned tags) {
    cJSON *list = cJSON_AddArrayToObject(body, name);
    for (int i = 0; i < TAGS; i++)
        if ((tags >> i & 1) != 0) {
            char tag[] = {'t', (char)('0' + i), '\0'};
            cJSON_AddItemToArray(list, cJSON_CreateString(tag));
        }
}

static cJSON *fork_body(const struct world *world, const struct wish *wish) {
    char name[16];
    cJSON *submit = body("{\"key\": \"the key %d\", \"note\": \"note %d\", \"experiments\": []}",
                         wish->key, wish->key);
    snprintf(name, sizeof name, "fork%d", wish->key);
    cJSON *one = body_experiment(name, "forks", EPOCHS, world->max_attempts);
    cJSON_AddItemToObject(one, "from",
                          body("{\"experiment\": %d, \"checkpoint\": \"%d\"}",
                               wish->origin.experiment, wish->origin.epoch));
    cJSON_AddItemToArray(cJSON_GetObjectItem(submit, "experiments"), one);
    add_tags(submit, "tags", wish->add);
    return submit;
}

static cJSON *wish_body(const struct world *world, const struct wish *wish, const char **name) {
    static const char *const names[] = {
        [WISH_TAG] = "tag", [WISH_NOTE] = "note", [WISH_ERASE] = "erase", [WISH_FORK] = "submit"};
    cJSON *asked = NULL;
    *name = names[wish->kind];
    switch (wish->kind) {
    case WISH_TAG:
        asked = body("{}");
        add_ids(asked, wish->ids);
        add_tags(asked, "add", wish->add);
        add_tags(asked, "remove", wish->remove);
        break;
    case WISH_NOTE:
        asked = body("{\"key\": \"the key %d\", \"text\": \"note %d\"}", wish->key, wish->key);
        add_ids(asked, wish->ids);
        break;
    case WISH_ERASE:
        asked = body("{\"id\": %d, \"number\": %d}", __builtin_ctz(wish->ids), wish->number);
        break;
    case WISH_FORK: asked = fork_body(world, wish); break;
    case WISH_NOTHING: break;
    }
    return asked;
}

/* --- what is answered --- */

/* The experiments that have other tags, or another note, than before. */
static unsigned changed_ids(const struct book *before, const struct book *after) {
    unsigned ids = 0;
    for (int id = 1; id <= EXPERIMENTS; id++)
        if (before->tags[id] != after->tags[id] ||
            memcmp(before->notes[id], after->notes[id], sizeof after->notes[id]) != 0)
            ids |= 1U << id;
    return ids;
}

static unsigned listed_ids(const cJSON *answer) {
    unsigned ids = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, json_member(answer, "ids")) ids |= 1U << id->valueint;
    return ids;
}

static void check_numbers(struct world *world, const struct wish *wish, const struct book *after,
                          const cJSON *answer) {
    unsigned ids = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, json_member(answer, "notes")) {
        int id = (int)json_integer(one, "id"), number = (int)json_integer(one, "number");
        demand(world,
               number >= 1 && number <= NOTES && after->notes[id][number - 1].key == wish->key,
               "the note on experiment %d has not the number %d", id, number);
        ids |= 1U << id;
    }
    demand(world, ids == wish->ids, "not all that were asked for are noted");
}

static void check_answer(struct world *world, const struct book *before,
                         const struct wire_message *answered) {
    const struct wish *wish = &world->office.promises.wish;
    const struct book *after = &world->there;
    if (wish->kind == WISH_NOTE)
        check_numbers(world, wish, after, answered->body);
    else if (wish->kind == WISH_FORK)
        for (int id = 1; id <= EXPERIMENTS; id++)
            demand(world,
                   (after->fork_keys[id] == wish->key) ==
                       ((listed_ids(answered->body) >> id & 1) != 0),
                   "the fork %d is not what the answer says", id);
    else
        demand(world, listed_ids(answered->body) == changed_ids(before, after),
               "other experiments have changed than the answer says");
}

/* Granted, it has done what was asked and nothing else; refused, nothing. */
static void take_answer(struct world *world, const struct book *before, const char *asked,
                        const struct wire_message *answered) {
    const struct wish *wish = &world->office.promises.wish;
    struct book expected = *before;
    bool granted = strcmp(answered->name, "error") != 0;
    /* of a checkpoint that a batch, or a history, knew that is no more */
    demand(world, granted || wish->kind == WISH_FORK, "%s is refused: %s", asked,
           json_string(answered->body, "message"));
    world->office.wish = granted ? WISH_GRANTED : WISH_REFUSED;
    if (granted)
        fulfil(&expected, wish);
    if (!read_book(world, &world->there)) {
        demand(world, world->office.disk.dead, "the database cannot be read");
        return;
    }
    demand(world, same(&world->there, &expected), "%s has done something else", asked);
    if (granted)
        check_answer(world, before, answered);
}

/* --- asking --- */

/* The answers of a batch count only if it is committed; in one that has failed already there are
 * none. */
void wish_ask(struct world *world) {
    struct office *office = &world->office;
    struct wish *wish = &office->promises.wish;
    const char *name;
    if (office->coordinator.broken || office->disk.dead)
        return;
    wish_check(world);
    const struct book before = world->there;
    if (wish->kind == WISH_NOTHING)
        wish_make(world, &before, wish);
    if (wish->kind == WISH_NOTHING)
        return;
    struct wire_message request = {.request = 1}, answered = {.request = 1};
    request.body = wish_body(world, wish, &name);
    snprintf(request.name, sizeof request.name, "%s", name);
    char *asked = json_text(request.body);
    office_answer(world, &request, &answered);
    tell(world, "somebody says %s %s: %s", name, asked, answered.name);
    if (!office->coordinator.broken)
        take_answer(world, &before, asked, &answered);
    free(asked);
    wire_message_free(&request);
    wire_message_free(&answered);
}

void wish_note(struct world *world) {
    struct promises *promises = &world->office.promises;
    enum wish_state state = world->office.wish;
    if (state == WISH_GRANTED)
        fulfil(&promises->book, &promises->wish);
    /* now and then it is said once more all the same, and changes nothing */
    if (state == WISH_REFUSED || (state == WISH_GRANTED && chance(world, 700)))
        promises->wish.kind = WISH_NOTHING;
}

void wish_check(struct world *world) {
    const struct promises *promises = &world->office.promises;
    struct book fulfilled = promises->book;
    if (!world->steered)
        return;
    demand(world, read_book(world, &world->there), "the database cannot be read");
    fulfil(&fulfilled, &promises->wish);
    demand(world, same(&world->there, &promises->book) || same(&world->there, &fulfilled),
           "what people wrote, or forked, is not what they were told");
}

bool wish_is_due(struct world *world) {
    bool waits = world->office.promises.wish.kind != WISH_NOTHING;
    return waits && chance(world, world->disturbed ? 50 : 500);
}
