/* Schedules of faults while files are on their way: each of three workers sends its files, two of
 * which have one name, and fetches what the coordinator has promised to have. Some files have the
 * same content. Deliveries and pickups are the product's (net/), and so is who answers; around them
 * are the mail, the kills and the power cuts of world.h, and now and then somebody says gc.
 *
 * Whatever happens, what the database names is there; and once the disturbances are over every
 * file has arrived whole and once, every fetch has brought the right bytes, and of all others, the
 * parts too, nothing is left. The main function is world_main. */
#include "coordinator/query.h"
#include "core/json.h"
#include "tests/coordinator/bodies.h"
#include "tests/world/porter.h"

#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 20 };
#else
enum { SEEDS = 200 };
#endif
enum {
    TICK_MS = 120, /* at most */
    DISTURBED_MS = 60 * 1000,
    QUIET_MS = 600 * 1000,        /* until everything has arrived */
    LATE_MS = 3 * DUTY_ANSWER_MS, /* until every letter has */
    FOREVER_MS = 24 * 3600 * 1000 /* nobody loses an experiment here */
};

/* --- what goes wrong --- */

static void disturb_porter(struct world *world, struct hand *hand) {
    int64_t now_ms = world->now.steady_ms;
    if (rarely(world, 4))
        porter_kill(world, hand, chance(world, 500));
    if (rarely(world, 3))
        hand->stopped_until_ms = now_ms + some(world, 2 * PORTER_KILLED_MS);
    if (rarely(world, 3)) {
        hand->cut_until_ms = now_ms + some(world, 2 * PORTER_KILLED_MS);
        tell(world, "%s is cut off until %.2f s", hand->name, (double)hand->cut_until_ms / 1000);
    }
    if (rarely(world, 3)) {
        tell(world, "gc");
        porter_clear(world, hand);
    }
}

static void disturb(struct world *world) {
    struct office *office = &world->office;
    if (rarely(world, 8)) {
        office->power_cut = chance(world, 500);
        office->disk.dies_after = (int)some(world, 12);
    }
    if (rarely(world, 4))
        office_kill(world, chance(world, 500), some(world, PORTER_KILLED_MS));
    if (rarely(world, 2))
        office->stopped_until_ms = world->now.steady_ms + some(world, 2 * PORTER_KILLED_MS);
    if (rarely(world, 4))
        world->now.unix_ms += (some(world, 2000001) - 1000000) * 1000;
    for (int i = 0; i < HANDS; i++)
        disturb_porter(world, &world->hands[i]);
}

/* --- the course of it --- */

static void tick(struct world *world) {
    int64_t step_ms = 1 + some(world, TICK_MS);
    world->now.steady_ms += step_ms;
    world->now.unix_ms += step_ms;
    office_turn(world);
    for (int i = 0; i < HANDS; i++)
        porter_turn(world, &world->hands[i]);
}

/* Lengths around those of pieces, too. */
static void make_content(struct world *world) {
    static char data[BYTES_MOST];
    int64_t piece = UPLOADS_PIECE, whole = piece * (1 + some(world, 4));
    int64_t bytes = chance(world, 500) ? 1 + some(world, BYTES_MOST) : whole - 1 + some(world, 3);
    uint64_t state = random_u32(&world->draws);
    for (int64_t i = 0; i < bytes; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U; /* Knuth's MMIX */
        data[i] = (char)(state >> 56);
    }
    shelf_content(world, data, bytes);
}

static void make_porter(struct world *world, int index) {
    struct hand *hand = &world->hands[index];
    struct porter *porter = &porters[index];
    hand->index = index;
    snprintf(hand->name, sizeof hand->name, "hand%d", index);
    cJSON_Delete(office_ask(world, "hello", body_hello(hand->name), "welcome"));
    cJSON *given = office_ask(world, "request", body_worker(hand->name), "assignment");
    *porter = (struct porter){
        .experiment = cJSON_GetNumberValue(json_member(given, "experiment")),
        .attempt = cJSON_GetNumberValue(json_member(given, "attempt")),
    };
    for (int i = 0; i < FILES; i++)
        porter->files[i] = &world->shelf.contents[some(world, CONTENTS)];
    cJSON_Delete(given);
}

static void files_begin(struct world *world, uint64_t seed, bool told, const char *folder) {
    char path[600];
    *world = (struct world){.seed = seed, .told = told, .lease_ms = FOREVER_MS};
    random_open(&world->draws, seed, RANDOM_SHUFFLE, 0, 1);
    world->now = (struct moment){.unix_ms = 1700000000000, .steady_ms = 1000};
    snprintf(path, sizeof path, "%s/coordinator", folder);
    disk_make(&world->office.disk, path);
    snprintf(world->shelf.folder, sizeof world->shelf.folder, "%s/files", folder);
    for (int i = 0; i < CONTENTS; i++)
        make_content(world);
    office_open(world);
    cJSON_Delete(
        office_ask(world, "submit", body_submit("a test's key", HANDS, EPOCHS, 3), "submitted"));
    for (int i = 0; i < HANDS; i++)
        make_porter(world, i);
    world->disturbed = true;
}

static void files_end(struct world *world) {
    office_kill(world, false, 0);
    for (int i = 0; i < HANDS; i++) {
        mail_drop(world, &world->hands[i], true);
        mail_drop(world, &world->hands[i], false);
    }
    for (int i = 0; i < CONTENTS; i++)
        free(world->shelf.contents[i].data);
    disk_free(&world->office.disk);
}

/* --- what must hold in the end --- */

static bool is_kept(const struct content *content) {
    bool kept = false;
    for (int i = 0; i < HANDS; i++)
        for (int file = 1; file < FILES; file++)
            kept = kept || porters[i].files[file] == content;
    return kept;
}

static void check_content(struct world *world, const struct content *content, int64_t *bytes) {
    static char data[BYTES_MOST];
    const struct blobs *blobs = world->shelf.blobs;
    int64_t size = blobs_size(blobs, content->sha256);
    size_t length = 0;
    demand(world, size == (is_kept(content) ? content->bytes : -1), "%.8s has %lld bytes of %lld",
           content->sha256, (long long)size, (long long)content->bytes);
    demand(world, blobs_part_size(blobs, content->sha256) == -1, "a part of %.8s is left",
           content->sha256);
    if (size < 0)
        return;
    demand(world,
           blobs_read(blobs, content->sha256, 0, data, sizeof data, &length, NULL) &&
               (int64_t)length == size && memcmp(data, content->data, length) == 0,
           "%.8s is not what was sent", content->sha256);
    *bytes += size;
}

/* Each name of each worker has the content that it was sent last with, once. */
static void check_rows(struct world *world) {
    struct query query;
    int rows = 0;
    query_open(&query, world->office.store,
               "SELECT experiment, name, epoch, sha256 FROM artifact ORDER BY experiment, name");
    for (; query_next(&query); rows++) {
        double experiment = (double)query_int(&query);
        const char *name = query_text(&query);
        int file = strcmp(name, porter_plan[1].name) == 0 ? 1 : 2, owner = 0;
        while (owner < HANDS - 1 && porters[owner].experiment != experiment)
            owner++;
        demand(world,
               porters[owner].experiment == experiment &&
                   strcmp(name, porter_plan[file].name) == 0 &&
                   query_int(&query) == porter_plan[file].epoch &&
                   strcmp(query_text(&query), porters[owner].files[file]->sha256) == 0,
               "experiment %.0f has another %s than was sent", experiment, name);
    }
    demand(world, query_close(&query, NULL), "the artifacts cannot be read");
    demand(world, rows == HANDS * (FILES - 1), "there are %d artifacts", rows);
}

static void check_end(struct world *world) {
    int64_t bytes = 0;
    office_check(world);
    check_rows(world);
    for (int i = 0; i < CONTENTS; i++)
        check_content(world, &world->shelf.contents[i], &bytes);
    demand(world, uploads_bytes(world->shelf.uploads) == bytes, "%lld bytes are counted of %lld",
           (long long)uploads_bytes(world->shelf.uploads), (long long)bytes);
}

static bool all_there(void) {
    bool all = true;
    for (int i = 0; i < HANDS; i++)
        all = all && porters[i].sent == FILES && porters[i].fetched == FETCHES;
    return all;
}

static void run(uint64_t seed, bool told, const char *folder) {
    static struct world world;
    files_begin(&world, seed, told, folder);
    while (world.now.steady_ms < DISTURBED_MS) {
        disturb(&world);
        tick(&world);
    }
    world_mend(&world);
    int64_t mended_ms = world.now.steady_ms;
    while (world.office.store == NULL || !all_there()) {
        tick(&world);
        demand(&world, world.now.steady_ms < mended_ms + QUIET_MS, "a file is stuck");
    }
    for (int64_t until_ms = world.now.steady_ms + LATE_MS; world.now.steady_ms < until_ms;)
        tick(&world);
    world.now.steady_ms += UPLOADS_SILENT_MS;
    cJSON_Delete(office_ask(&world, "gc", body("{\"dry_run\": false}"), "cleared"));
    check_end(&world);
    files_end(&world);
}

int main(int count, char **words) {
    return world_main(count, words, SEEDS, run);
}
