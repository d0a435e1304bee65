/* A coordinator with keys on a socket, in a thread of its own: who comes in, and what they may ask.
 */
#include "coordinator/server.h"

#include "net/dealer.h"
#include "tests/coordinator/bodies.h"
#include "tests/coordinator/key_lists.h"
#include "tests/temporary.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, LEASE_MS = 3000 };

/* --- a coordinator --- */

enum who { COORDINATOR, WORKER, PERSON, BOTH, STRANGER, WHO };
static const char *const files[WHO] = {"coordinator.key", "worker", "person", "both", "stranger"};

struct stage {
    void *folder;
    struct key_pair pairs[WHO];
    char *paths[WHO], server_key[KEY_TEXT_SIZE];
    struct store *store;
    struct coordinator coordinator;
    struct guard *guard;
    struct server *server;
    int stop;
    pthread_t thread;
    bool good; /* of the thread; read after it was joined */
    struct error error;
};

static void say_nothing(void *context, const char *line) {
    (void)context, (void)line;
}

static void *serve(void *context) {
    struct stage *stage = context;
    stage->good = server_run(stage->server, stage->stop, &stage->error);
    return NULL;
}

/* Writes the list: these keys, up to COORDINATOR, which is on none, all with this name. */
static void allow_as(struct stage *stage, const char *list, const enum who *keys,
                     const char *name) {
    char text[4 * (KEY_TEXT_SIZE + KEY_NAME_MAX)] = "", hex[KEY_TEXT_SIZE];
    for (size_t i = 0; keys[i] != COORDINATOR; i++) {
        key_text(&stage->pairs[keys[i]].public, hex);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s\n", hex, name);
    }
    char *path = temporary_path(&stage->folder, list);
    write_file(path, text);
    free(path);
}

static void allow(struct stage *stage, const char *list, const enum who *keys) {
    allow_as(stage, list, keys, "");
}

static void start(struct stage *stage, const char *listen) {
    struct moment now = {.unix_ms = 1700000000000, .steady_ms = 0};
    struct error error = {0};
    stage->stop = eventfd(0, EFD_CLOEXEC);
    if (!guard_open(stage->folder, say_nothing, NULL, &stage->guard, &error) ||
        !store_open(":memory:", &stage->store, &error) ||
        !coordinator_open(&stage->coordinator, stage->store, LEASE_MS, now, &error) ||
        !server_open(listen, stage->guard, &stage->coordinator, &stage->server, &error))
        fail_msg("%s", error.message);
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
}

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    struct error error = {0};
    if (temporary_make(&stage->folder) != 0)
        return -1;
    for (size_t i = 0; i < WHO; i++) {
        stage->paths[i] = temporary_path(&stage->folder, files[i]);
        if (!key_pair_make(&stage->pairs[i], &error) ||
            !key_pair_write(stage->paths[i], &stage->pairs[i], files[i], &error))
            return -1;
    }
    key_text(&stage->pairs[COORDINATOR].public, stage->server_key);
    allow(stage, "authorized_workers", (const enum who[]){WORKER, BOTH, COORDINATOR});
    allow(stage, "authorized_people", (const enum who[]){PERSON, BOTH, COORDINATOR});
    start(stage, "tcp://127.0.0.1:*");
    *state = stage;
    return 0;
}

static int stage_strike(void **state) {
    struct stage *stage = *state;
    uint64_t one = 1;
    assert_int_equal(write(stage->stop, &one, sizeof one), sizeof one);
    assert_int_equal(pthread_join(stage->thread, NULL), 0);
    server_close(stage->server);
    guard_close(stage->guard);
    coordinator_close(&stage->coordinator);
    store_close(stage->store);
    close(stage->stop);
    if (!stage->good)
        fail_msg("%s", stage->error.message);
    for (size_t i = 0; i < WHO; i++)
        free(stage->paths[i]);
    void *folder = stage->folder;
    free(stage);
    return temporary_remove(&folder);
}

/* --- clients --- */

static struct dealer *connect_with(struct stage *stage, const struct dealer_keys *keys) {
    struct dealer *dealer = NULL;
    struct error error = {0};
    if (!dealer_open(server_endpoint(stage->server), keys, &dealer, &error))
        fail_msg("%s", error.message);
    return dealer;
}

static struct dealer *connect_as(struct stage *stage, enum who who) {
    const struct dealer_keys keys = {.key = stage->paths[who], .server = stage->server_key};
    return connect_with(stage, &keys);
}

/* Asks; "" when it was answered as `expected`, else the error. */
static const char *ask(struct dealer *dealer, const char *name, cJSON *of_name,
                       const char *expected, struct error *error) {
    *error = (struct error){0};
    bool good = dealer_call(dealer, name, of_name, expected, PATIENCE_MS, NULL, error);
    cJSON_Delete(of_name);
    return good ? "" : error->message;
}

static void is_served(struct dealer *dealer) {
    struct error error;
    assert_string_equal(ask(dealer, "status", NULL, "coordinator", &error), "");
}

/* Unreachable, and why. */
static void is_not(struct dealer *dealer, const char *name, cJSON *of_name, const char *word) {
    struct error error;
    const char *why = ask(dealer, name, of_name, "coordinator", &error);
    if (strstr(why, word) == NULL)
        fail_msg("%s: \"%s\" does not say: %s", name, why, word);
    assert_int_equal(error.code, ERROR_UNREACHABLE);
}

#define SUM "0123456789012345678901234567890123456789012345678901234567890123"

static void a_key_may_ask_what_its_list_says_and_nothing_else(void **state) {
    struct stage *stage = *state;
    /* clang-format off */
    static const struct {
        const char *name, *body;
    } of_people[] = {
        {"list", "{}"}, {"show", "{}"}, {"workers", "{}"}, {"status", "{}"},
        {"cancel", "{\"ids\": [1]}"}, {"pause", "{\"ids\": [1]}"}, {"resume", "{\"ids\": [1]}"},
        {"retry", "{\"ids\": [1]}"}, {"priority", "{\"ids\": [1], \"priority\": 1}"},
        {"tag", "{\"ids\": [1]}"}, {"erase", "{\"id\": 1, \"number\": 1}"},
        {"note", "{\"ids\": [1], \"key\": \"a test's key\", \"text\": \"x\"}"},
        {"logs", "{\"id\": 1, \"offset\": 0}"}, {"gc", "{\"dry_run\": true}"},
        {"survey", "{}"},
    }, of_workers[] = {
        {"request", "{\"worker\": \"a\"}"}, {"heartbeat", "{\"worker\": \"a\"}"},
        {"goodbye", "{\"worker\": \"a\"}"},
        {"offer", "{\"worker\": \"a\", \"experiment\": 1, \"attempt\": 1, \"name\": \"n\", "
                  "\"kind\": \"file\", \"epoch\": 0, \"sha256\": \"" SUM "\", \"bytes\": 1}"},
    };
    /* clang-format on */
    static const char not_people[] = "in authorized_workers, not in authorized_people",
                      not_workers[] = "in authorized_people, not in authorized_workers";
    struct dealer *worker = connect_as(stage, WORKER), *person = connect_as(stage, PERSON);
    for (size_t i = 0; i < sizeof of_people / sizeof of_people[0]; i++)
        is_not(worker, of_people[i].name, body("%s", of_people[i].body), not_people);
    for (size_t i = 0; i < sizeof of_workers / sizeof of_workers[0]; i++)
        is_not(person, of_workers[i].name, body("%s", of_workers[i].body), not_workers);
    is_not(worker, "submit", body_submit("a test's key", 1, 1, 3), not_people);
    is_not(person, "hello", body_hello("a"), not_workers);
    is_not(person, "report", body_report("a", 1, 1, "epoch", body_epoch(1, 0.5)), not_workers);
    struct error error;
    assert_string_equal(ask(worker, "hello", body_hello("a"), "welcome", &error), "");
    is_served(person);
    dealer_close(worker);
    dealer_close(person);
}

static void a_key_on_both_lists_may_ask_everything(void **state) {
    struct stage *stage = *state;
    struct error error;
    struct dealer *dealer = connect_as(stage, BOTH);
    assert_string_equal(ask(dealer, "hello", body_hello("a"), "welcome", &error), "");
    is_served(dealer);
    dealer_close(dealer);
}

static void
who_submits_and_cancels_is_the_name_beside_the_key_whatever_the_request_says(void **state) {
    struct stage *stage = *state;
    struct error error = {0};
    cJSON *answer = NULL;
    allow_as(stage, "authorized_people", (const enum who[]){PERSON, COORDINATOR}, "ann");
    struct dealer *dealer = connect_as(stage, PERSON);
    cJSON *submit = body_submit("a test's key", 1, 1, 3);
    cJSON_AddStringToObject(submit, "person", "bea");
    assert_string_equal(ask(dealer, "submit", submit, "submitted", &error), "");
    assert_string_equal(
        ask(dealer, "cancel", body("{\"ids\": [1], \"person\": \"bea\"}"), "changed", &error), "");
    cJSON *show = body("{\"ids\": [1]}");
    assert_true(dealer_call(dealer, "show", show, "details", PATIENCE_MS, &answer, &error));
    cJSON_Delete(show);
    const cJSON *shown = json_member(answer, "experiments")->child;
    assert_string_equal(cJSON_GetStringValue(json_member(shown, "person")), "ann");
    const cJSON *deed = json_member(shown, "steering")->child;
    assert_string_equal(cJSON_GetStringValue(json_member(deed, "person")), "ann");
    assert_string_equal(cJSON_GetStringValue(json_member(deed, "what")), "cancel");
    cJSON_Delete(answer);
    dealer_close(dealer);
}

static void a_worker_under_the_name_of_another_key_is_refused(void **state) {
    struct stage *stage = *state;
    struct error error;
    allow_as(stage, "authorized_workers", (const enum who[]){WORKER, COORDINATOR}, "worker=gpu1");
    struct dealer *dealer = connect_as(stage, WORKER);
    assert_string_equal(ask(dealer, "hello", body_hello("gpu1"), "welcome", &error), "");
    is_not(dealer, "hello", body_hello("gpu2"), "this key is worker gpu1's and not gpu2's");
    is_not(dealer, "goodbye", body_worker("gpu2"), "this key is worker gpu1's and not gpu2's");
    dealer_close(dealer);
}

static void a_key_on_no_list_is_told_so(void **state) {
    struct stage *stage = *state;
    struct dealer *dealer = connect_as(stage, STRANGER);
    is_not(dealer, "status", NULL, "does not know the key in");
    assert_true(dealer_barred(dealer));
    dealer_close(dealer);
}

static void who_has_no_key_is_told_so(void **state) {
    struct stage *stage = *state;
    struct dealer *dealer = connect_with(stage, NULL);
    struct error error;
    assert_string_not_equal(ask(dealer, "status", NULL, "coordinator", &error), "");
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(error.message, "keys"));
    dealer_close(dealer);
}

static void who_takes_it_for_another_coordinator_is_told_so(void **state) {
    struct stage *stage = *state;
    char other[KEY_TEXT_SIZE];
    key_text(&stage->pairs[STRANGER].public, other);
    const struct dealer_keys keys = {.key = stage->paths[PERSON], .server = other};
    struct dealer *dealer = connect_with(stage, &keys);
    is_not(dealer, "status", NULL, "is --server-key the coordinator's public key");
    assert_false(dealer_barred(dealer)); /* a tunnel to a coordinator that is away looks the same */
    dealer_close(dealer);
}

static void a_key_that_is_added_comes_in_without_a_restart(void **state) {
    struct stage *stage = *state;
    struct dealer *dealer = connect_as(stage, STRANGER);
    is_not(dealer, "status", NULL, "does not know the key in");
    dealer_close(dealer); /* it tries again by itself, and may have been refused once more by now */
    allow(stage, "authorized_people", (const enum who[]){PERSON, STRANGER, COORDINATOR});
    dealer = connect_as(stage, STRANGER);
    is_served(dealer);
    dealer_close(dealer);
}

static void a_key_that_is_taken_out_is_not_served_on_a_connection_that_stands(void **state) {
    struct stage *stage = *state;
    struct dealer *dealer = connect_as(stage, PERSON);
    is_served(dealer);
    allow(stage, "authorized_people", (const enum who[]){BOTH, COORDINATOR});
    is_not(dealer, "status", NULL, "does not know this key any more");
    dealer_close(dealer);
    dealer = connect_as(stage, PERSON);
    is_not(dealer, "status", NULL, "does not know the key in");
    dealer_close(dealer);
    allow(stage, "authorized_people", (const enum who[]){PERSON, COORDINATOR});
    dealer = connect_as(stage, PERSON);
    is_served(dealer);
    dealer_close(dealer);
}

static void a_broken_line_shuts_out_nobody_else(void **state) {
    struct stage *stage = *state;
    char hex[KEY_TEXT_SIZE], text[2 * KEY_TEXT_SIZE];
    char *path = temporary_path(&stage->folder, "authorized_people");
    key_text(&stage->pairs[STRANGER].public, hex);
    snprintf(text, sizeof text, "oops\n%s\n", hex);
    write_file(path, text);
    struct dealer *dealer = connect_as(stage, STRANGER);
    is_served(dealer);
    dealer_close(dealer);
    free(path);
}

static void note(void *context, const char *line) {
    snprintf(context, 256, "%s", line);
}

static void a_list_is_told_of_when_it_is_read_again_and_only_then(void **state) {
    struct stage *stage = *state;
    struct guard *guard = NULL;
    struct error error = {0};
    char said[256] = "";
    char *path = temporary_path(&stage->folder, "authorized_people");
    write_file(path, KEY_A " ann\n" KEY_B " bob\n");
    if (!guard_open(stage->folder, note, said, &guard, &error))
        fail_msg("%s", error.message);
    said[0] = '\0';
    guard_refresh(guard);
    assert_string_equal(said, "");
    write_file(path, KEY_A " ann\n");
    guard_refresh(guard);
    assert_non_null(strstr(said, "authorized_people read again: 1 "));
    assert_string_equal(strrchr(said, ' '), " key");
    said[0] = '\0';
    guard_refresh(guard);
    assert_string_equal(said, "");
    guard_close(guard);
    free(path);
}

static void a_list_that_is_broken_at_the_start_is_an_error(void **state) {
    struct stage *stage = *state;
    struct guard *guard = NULL;
    struct error error = {0};
    char *path = temporary_path(&stage->folder, "authorized_people");
    write_file(path, "\noops\n");
    assert_false(guard_open(stage->folder, say_nothing, NULL, &guard, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "authorized_people:2: "));
    free(path);
}

static void
a_folder_without_the_coordinators_key_is_an_error_that_says_how_to_make_it(void **state) {
    struct stage *stage = *state;
    struct guard *guard = NULL;
    struct error error = {0};
    unlink(stage->paths[COORDINATOR]);
    assert_false(guard_open(stage->folder, say_nothing, NULL, &guard, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "assay keygen"));
}

static void half_the_keys_are_an_error(void **state) {
    struct stage *stage = *state;
    const struct dealer_keys halves[] = {{.key = stage->paths[PERSON]},
                                         {.server = stage->server_key}};
    for (size_t i = 0; i < 2; i++) {
        struct dealer *dealer = NULL;
        struct error error = {0};
        assert_false(dealer_open("tcp://127.0.0.1:1", &halves[i], &dealer, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "give both"));
    }
}

int main(void) {
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_key_may_ask_what_its_list_says_and_nothing_else),
        ON_STAGE(a_key_on_both_lists_may_ask_everything),
        ON_STAGE(who_submits_and_cancels_is_the_name_beside_the_key_whatever_the_request_says),
        ON_STAGE(a_worker_under_the_name_of_another_key_is_refused),
        ON_STAGE(a_key_on_no_list_is_told_so),
        ON_STAGE(who_has_no_key_is_told_so),
        ON_STAGE(who_takes_it_for_another_coordinator_is_told_so),
        ON_STAGE(a_key_that_is_added_comes_in_without_a_restart),
        ON_STAGE(a_key_that_is_taken_out_is_not_served_on_a_connection_that_stands),
        ON_STAGE(a_broken_line_shuts_out_nobody_else),
        ON_STAGE(a_list_is_told_of_when_it_is_read_again_and_only_then),
        ON_STAGE(a_list_that_is_broken_at_the_start_is_an_error),
        ON_STAGE(a_folder_without_the_coordinators_key_is_an_error_that_says_how_to_make_it),
        ON_STAGE(half_the_keys_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
