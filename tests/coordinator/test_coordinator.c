/* What comes into the queue, who gets it, and what is shown of it. */
#include "tests/coordinator/bench.h"

/* --- submit --- */

static void the_same_key_submits_once(void **state) {
    struct bench *bench = *state;
    cJSON *first = cJSON_Duplicate(
        ask(bench, "submit", body_submit("the one key", 3, 2, 3), "submitted"), true);
    assert_int_equal(cJSON_GetArraySize(json_member(first, "ids")), 3);
    const cJSON *again = ask(bench, "submit", body_submit("the one key", 3, 2, 3), "submitted");
    assert_true(cJSON_Compare(first, again, true));
    again = ask(bench, "submit", body_submit("another key", 3, 2, 3), "submitted");
    assert_false(cJSON_Compare(first, again, true));
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "queued"), 6);
    cJSON_Delete(first);
}

static void of_a_submission_with_a_fault_nothing_is_queued(void **state) {
    struct bench *bench = *state;
    cJSON *broken = body_submit("a test's key", 3, 2, 3);
    cJSON *last = cJSON_GetArrayItem(json_member(broken, "experiments"), 2);
    cJSON_AddNumberToObject(cJSON_GetObjectItem(last, "config"), "epocs", 3);
    const cJSON *error = ask(bench, "submit", broken, "error");
    assert_string_equal(text_of(error, "code"), "invalid");
    assert_non_null(strstr(text_of(error, "message"), "experiments[2] (e3): "));
    assert_non_null(strstr(text_of(error, "message"), "epocs"));
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "queued"), 0);
    submit(bench, 1, 2, 3); /* the key is still free */
}

static void names_that_would_reach_a_terminal_have_no_control_characters(void **state) {
    struct bench *bench = *state;
    static const char *const names[][2] = {{"\\u001b[2J", "g"}, {"e", "g\\u0007"}};
    for (size_t i = 0; i < 2; i++) {
        cJSON *submission = body("{\"key\": \"a test's key\", \"experiments\": []}");
        cJSON_AddItemToArray(cJSON_GetObjectItem(submission, "experiments"),
                             body_experiment(names[i][0], names[i][1], 1, 1));
        const cJSON *error = ask(bench, "submit", submission, "error");
        assert_string_equal(text_of(error, "code"), "invalid");
        assert_non_null(strstr(text_of(error, "message"), "control characters"));
    }
    assert_string_equal(text_of(ask(bench, "hello", body_hello("w\\u0007"), "error"), "code"),
                        "invalid");
    cJSON *labelled = body_hello("w");
    cJSON_AddItemToObject(labelled, "labels", body("[\"a\\u0007\"]"));
    assert_non_null(strstr(text_of(ask(bench, "hello", labelled, "error"), "message"), "label"));
    const cJSON *error =
        ask(bench, "cancel", body("{\"ids\": [1], \"person\": \"ann\\u001b[2J\"}"), "error");
    assert_non_null(strstr(text_of(error, "message"), "person has control characters"));
}

static void where_and_with_what_was_submitted_is_told_and_has_no_control_characters(void **state) {
    struct bench *bench = *state;
    cJSON *submission = body_submit("a test's key", 1, 1, 1);
    cJSON_AddStringToObject(submission, "host", "node-1");
    cJSON_AddStringToObject(submission, "version", "0.1.0");
    ask(bench, "submit", submission, "submitted");
    assert_string_equal(text_of(show(bench, 1), "submit_host"), "node-1");
    assert_string_equal(text_of(show(bench, 1), "submit_version"), "0.1.0");
    ask(bench, "submit", body_submit("an earlier assay's", 1, 1, 1), "submitted");
    assert_string_equal(text_of(show(bench, 2), "submit_host"), "");
    assert_string_equal(text_of(show(bench, 2), "submit_version"), "");
    static const char *const keys[] = {"host", "version"};
    for (size_t i = 0; i < 2; i++) {
        submission = body_submit("a hostile one's", 1, 1, 1);
        cJSON_AddStringToObject(submission, keys[i], "\033[2J");
        assert_string_equal(text_of(ask(bench, "submit", submission, "error"), "code"), "invalid");
    }
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "queued"), 2);
}

/* --- who gets what --- */

static void two_workers_never_get_the_same_experiment(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    hello(bench, "a");
    hello(bench, "b");
    hello(bench, "c");
    begin(bench); /* in one batch */
    answer(bench, "request", body_worker("a"));
    assert_int_equal(number_of(bench->answer.body, "experiment"), 1);
    answer(bench, "request", body_worker("b"));
    assert_int_equal(number_of(bench->answer.body, "experiment"), 2);
    answer(bench, "request", body_worker("c"));
    assert_string_equal(bench->answer.name, "nothing");
    commit(bench);
    assert_int_equal(take(bench, "a"), 1); /* asked again: the same, and no new attempt */
    assert_int_equal(number_of(bench->answer.body, "attempt"), 1);
}

static void a_worker_has_to_say_hello_first(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {"request", "heartbeat"};
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(text_of(ask(bench, names[i], body_worker("w"), "error"), "code"),
                            "state");
    cJSON *report = body_report("w", 1, 1, "epoch", body_epoch(1, 0.5));
    assert_string_equal(text_of(ask(bench, "report", report, "error"), "code"), "state");
}

static void the_checkpoint_to_go_on_from_comes_with_the_assignment(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    assert_true(cJSON_IsNull(json_member(bench->answer.body, "resume")));
    assert_string_equal(text_of(bench->answer.body, "name"), "e1");
    assert_non_null(json_member(json_member(bench->answer.body, "config"), "evaluation"));
    fenced(bench, "a", 1, 1, "checkpoint",
           body("{\"kind\": \"last\", \"epoch\": 1, \"path\": \"/p\", \"host\": \"h\"}"));
    fenced(bench, "a", 1, 1, "checkpoint",
           body("{\"kind\": \"best\", \"epoch\": 2, \"path\": \"/b\", \"host\": \"h\"}"));
    take(bench, "a");
    const cJSON *resume = json_member(bench->answer.body, "resume");
    assert_int_equal(number_of(resume, "epoch"), 1);
    assert_string_equal(text_of(resume, "path"), "/p");
    assert_string_equal(text_of(resume, "host"), "h");
}

/* Submits e1 of body_submit with more epochs, from a checkpoint; the answer is called `expected`.
 */
static const cJSON *submit_from(struct bench *bench, const char *key, const char *from, int epochs,
                                const char *expected) {
    cJSON *request = body_submit(key, 1, epochs, 3);
    cJSON *item = cJSON_GetObjectItemCaseSensitive(request, "experiments")->child;
    cJSON_AddItemToObject(item, "from", body("%s", from));
    return ask(bench, "submit", request, expected);
}

static void an_experiment_goes_on_from_a_checkpoint_that_is_there(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    static const char *const checkpoints[] = {
        "{\"kind\": \"epoch\", \"epoch\": 1, \"path\": \"/p/1\", \"host\": \"here\"}",
        "{\"kind\": \"best\", \"epoch\": 1, \"path\": \"/p/best\", \"host\": \"here\"}",
        "{\"kind\": \"last\", \"epoch\": 2, \"path\": \"/p/last\", \"host\": \"elsewhere\"}",
    };
    for (size_t i = 0; i < 3; i++)
        fenced(bench, "a", 1, 1, "checkpoint", body("%s", checkpoints[i]));
    fenced(bench, "a", 1, 1, "end", body("{\"outcome\": \"done\"}"));
    submit_from(bench, "forks key 1", "{\"experiment\": 1, \"checkpoint\": \"last\"}", 3,
                "submitted");
    submit_from(bench, "forks key 2", "{\"experiment\": 1, \"checkpoint\": \"1\"}", 3, "submitted");
    const cJSON *from = json_member(show(bench, 2), "from");
    assert_int_equal(number_of(from, "experiment"), 1);
    assert_string_equal(text_of(from, "checkpoint"), "last");
    assert_string_equal(text_of(from, "path"), "/p/last");
    assert_null(json_member(show(bench, 1), "from"));
    assert_string_equal(text_of(show(bench, 2), "waits"),
                        "no worker on elsewhere, which has its checkpoint");
    assert_int_equal(take(bench, "a"), 3); /* 2's is elsewhere */
    from = json_member(bench->answer.body, "from");
    assert_int_equal(number_of(from, "epoch"), 1);
    assert_string_equal(text_of(from, "path"), "/p/1");
    assert_string_equal(text_of(from, "host"), "here");
}

/* Best and last are written over. */
static void of_an_epoch_its_own_file_is_gone_on_from_whoever_wrote_it(void **state) {
    struct bench *bench = *state;
    static const char *const checkpoints[] = {
        "{\"kind\": \"epoch\", \"epoch\": 1, \"path\": \"/p/1\", \"host\": \"here\"}",
        "{\"kind\": \"last\", \"epoch\": 1, \"path\": \"/p/last\", \"host\": \"here\"}"};
    static const char *const ends[] = {"{\"outcome\": \"given_back\"}", "{\"outcome\": \"done\"}"};
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    for (int i = 0; i < 2; i++) {
        take(bench, "a");
        fenced(bench, "a", 1, i + 1, "checkpoint", body("%s", checkpoints[i]));
        assert_false(fenced(bench, "a", 1, i + 1, "end", body("%s", ends[i])));
    }
    submit_from(bench, "forks key", "{\"experiment\": 1, \"checkpoint\": \"1\"}", 3, "submitted");
    assert_string_equal(text_of(json_member(show(bench, 2), "from"), "path"), "/p/1");
}

static void what_cannot_go_on_from_a_checkpoint_is_not_queued(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "checkpoint",
           body("{\"kind\": \"last\", \"epoch\": 2, \"path\": \"/p\", \"host\": \"here\"}"));
    static const struct {
        const char *from;
        int epochs;
        const char *what;
    } cases[] = {
        {"{\"experiment\": 9, \"checkpoint\": \"last\"}", 3, "there is no experiment 9"},
        {"{\"experiment\": 1, \"checkpoint\": \"best\"}", 3, "experiment 1 has no checkpoint best"},
        {"{\"experiment\": 1, \"checkpoint\": \"1\"}", 3, "experiment 1 has no checkpoint 1"},
        {"{\"experiment\": 1, \"checkpoint\": \"last\"}", 2, "train.epochs is 2; raise it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const cJSON *refusal =
            submit_from(bench, "forks key", cases[i].from, cases[i].epochs, "error");
        assert_string_equal(text_of(refusal, "code"), "invalid");
        assert_non_null(strstr(text_of(refusal, "message"), cases[i].what));
    }
    ask(bench, "show", body("{\"ids\": [2]}"), "error");
}

static void a_worker_is_to_beat_often_enough_for_its_lease_and_for_who_cancels(void **state) {
    struct bench *bench = *state;
    static const int64_t leases[] = {LEASE_MS, 60 * 1000}, beats[] = {LEASE_MS / 3, 500};
    for (size_t i = 0; i < 2; i++) {
        bench->coordinator.lease_ms = leases[i];
        const cJSON *welcome = ask(bench, "hello", body_hello("a"), "welcome");
        assert_int_equal(number_of(welcome, "lease_ms"), leases[i]);
        assert_int_equal(number_of(welcome, "heartbeat_ms"), beats[i]);
    }
}

static void a_full_list_of_workers_takes_a_lost_ones_place_or_none(void **state) {
    struct bench *bench = *state;
    char name[16];
    begin(bench);
    for (int i = 0; i < COORDINATOR_WORKERS_MAX; i++) {
        snprintf(name, sizeof name, "w%d", i);
        answer(bench, "hello", body_hello(name));
        assert_string_equal(bench->answer.name, "welcome");
    }
    commit(bench);
    ask(bench, "hello", body_hello("one more"), "error");
    hello(bench, "w7"); /* has its place */
    wait_ms(bench, LEASE_MS / 2);
    hello(bench, "w0");
    wait_ms(bench, LEASE_MS / 2 + 1);
    hello(bench, "one more");
    struct error error = {0};
    for (int life = 0; life < 2; life++) {
        ask(bench, "heartbeat", body_worker("w1"), "error");
        ask(bench, "heartbeat", body_worker("w0"), "beat");
        coordinator_close(&bench->coordinator);
        assert_true(
            coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    }
}

/* --- looking --- */

static void what_is_not_there_is_not_found(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    static const char *const names[] = {"list", "show", "cancel"};
    for (size_t i = 0; i < 3; i++) {
        const cJSON *error = ask(bench, names[i], body("{\"ids\": [1, 99]}"), "error");
        assert_string_equal(text_of(error, "code"), "not_found");
        assert_non_null(strstr(text_of(error, "message"), "99"));
    }
    state_is(bench, 1, "queued");
    ask(bench, "show", body("{\"group\": \"no such\"}"), "error");
    ask(bench, "show", body("{\"group\": \"no such\", \"after\": 1}"),
        "details"); /* the last page */
    ask(bench, "logs", body("{\"id\": 99, \"offset\": 0}"), "error");
}

static void an_epoch_comes_back_as_it_was_reported(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    cJSON *epoch = body_epoch(1, 0.1);
    fenced(bench, "a", 1, 1, "epoch", cJSON_Duplicate(epoch, true));
    fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.7)); /* it is the same report again */
    assert_true(cJSON_Compare(json_member(show(bench, 1), "history")->child, epoch, true));
    assert_true(cJSON_Compare(json_member(show(bench, 1), "best"), epoch, true));
    cJSON_Delete(epoch);
}

static void an_epoch_that_the_experiment_has_not_is_refused(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    fenced(bench, "a", 1, 1, "epoch", body_epoch(2, 0.1));
    const cJSON *refusal =
        ask(bench, "report", body_report("a", 1, 1, "epoch", body_epoch(3, 0.1)), "error");
    assert_string_equal(text_of(refusal, "code"), "invalid");
    assert_non_null(
        strstr(text_of(refusal, "message"), "there is no epoch 3 of experiment 1, which has 2"));
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 1);
}

static void many_experiments_are_shown_in_pages_that_fit(void **state) {
    struct bench *bench = *state;
    enum { MANY = 20, LARGE = 100 << 10 };
    char *variant = malloc(LARGE + 1);
    memset(variant, 'v', LARGE);
    variant[LARGE] = '\0';
    for (int i = 0; i < MANY; i++) {
        char key[32];
        snprintf(key, sizeof key, "submission %d", i);
        cJSON *submission = body_submit(key, 1, 2, 3);
        cJSON *only = cJSON_GetArrayItem(json_member(submission, "experiments"), 0);
        cJSON_ReplaceItemInObject(cJSON_GetObjectItem(only, "variant"), "train.seed",
                                  cJSON_CreateString(variant));
        ask(bench, "submit", submission, "submitted");
    }
    free(variant);
    bool seen[MANY + 1];
    static const char *const requests[] = {"show", "list"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_in_range(page_through(bench, requests[i], "", seen, MANY), MANY * LARGE / (1 << 20),
                        i == 0 ? MANY / 4 : MANY);
        for (int id = 1; id <= MANY; id++)
            assert_true(seen[id]);
    }
    assert_int_equal(
        page_through(bench, "show", "\"group\": \"g\", \"ids\": [20, 1, 2, 19],", seen, MANY), 1);
    for (int id = 1; id <= MANY; id++)
        assert_int_equal(seen[id], id <= 2 || id >= 19);
}

static void a_log_comes_in_whole_characters_from_any_offset(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    /* 3 bytes a character, so that the 256 KiB of an answer end within one. */
    enum { CHARACTERS = 100000, BYTES = 3 * CHARACTERS };
    char *text = malloc(BYTES + 1);
    for (int i = 0; i < CHARACTERS; i++)
        memcpy(text + 3 * i, "\xe2\x82\xac", 4);
    cJSON *piece = body("{\"offset\": 1}"); /* nothing was reported for the first byte */
    cJSON_AddStringToObject(piece, "text", text);
    fenced(bench, "a", 1, 1, "log", piece);
    const cJSON *log = ask(bench, "logs", body("{\"id\": 1, \"offset\": 0}"), "log");
    assert_int_equal(number_of(log, "offset"), 1);
    long long next = number_of(log, "next");
    assert_int_equal(next, 1 + (256 << 10) / 3 * 3);
    assert_int_equal(strlen(text_of(log, "text")), next - 1);
    log = ask(bench, "logs", body("{\"id\": 1, \"offset\": %lld}", next), "log");
    assert_int_equal(strlen(text_of(log, "text")), 1 + BYTES - next);
    assert_memory_equal(text_of(log, "text"), text, 3);
    log = ask(bench, "logs", body("{\"id\": 1, \"offset\": 1000000}"), "log");
    assert_string_equal(text_of(log, "text"), "");
    assert_int_equal(number_of(log, "next"), 1000000);
    assert_string_equal(text_of(log, "state"), "running");
    free(text);
}

static void a_log_is_not_cut_within_a_character_that_just_does_not_fit(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    take(bench, "a");
    enum { PAGE = 256 << 10 };
    char *text = calloc(1, PAGE);
    memset(text, 'x', PAGE - 1);
    cJSON *piece = body("{\"offset\": 0}");
    cJSON_AddStringToObject(piece, "text", text);
    fenced(bench, "a", 1, 1, "log", piece);
    fenced(bench, "a", 1, 1, "log", body("{\"offset\": %d, \"text\": \"\\u20ac!\"}", PAGE - 1));
    const cJSON *log = ask(bench, "logs", body("{\"id\": 1, \"offset\": 0}"), "log");
    assert_int_equal(number_of(log, "next"), PAGE - 1);
    log = ask(bench, "logs", body("{\"id\": 1, \"offset\": %d}", PAGE - 1), "log");
    assert_string_equal(text_of(log, "text"), "\xe2\x82\xac!");
    free(text);
}

/* --- a batch that fails --- */

static void a_batch_that_cannot_be_committed_has_not_happened(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    submit(bench, 1, 2, 3);
    hello(bench, "a");
    begin(bench);
    answer(bench, "request", body_worker("a"));
    answer(bench, "report", body_report("a", 1, 1, "epoch", body_epoch(1, 0.5)));
    error_set(&bench->coordinator.failure, ERROR_FAILED, "the disk is full");
    bench->coordinator.broken = true;
    answer(bench, "status", body("{}"));
    assert_string_equal(bench->answer.name, "error");
    assert_string_equal(text_of(bench->answer.body, "code"), "internal");
    assert_false(coordinator_commit(&bench->coordinator, &error));
    assert_string_equal(error.message, "the disk is full");
    state_is(bench, 1, "queued");
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(number_of(bench->answer.body, "attempt"), 1);
    assert_false(fenced(bench, "a", 1, 1, "epoch", body_epoch(1, 0.5)));
    assert_int_equal(number_of(show(bench, 1), "epochs_done"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(the_same_key_submits_once),
        ON_BENCH(of_a_submission_with_a_fault_nothing_is_queued),
        ON_BENCH(names_that_would_reach_a_terminal_have_no_control_characters),
        ON_BENCH(where_and_with_what_was_submitted_is_told_and_has_no_control_characters),
        ON_BENCH(two_workers_never_get_the_same_experiment),
        ON_BENCH(a_worker_has_to_say_hello_first),
        ON_BENCH(the_checkpoint_to_go_on_from_comes_with_the_assignment),
        ON_BENCH(an_experiment_goes_on_from_a_checkpoint_that_is_there),
        ON_BENCH(of_an_epoch_its_own_file_is_gone_on_from_whoever_wrote_it),
        ON_BENCH(what_cannot_go_on_from_a_checkpoint_is_not_queued),
        ON_BENCH(a_worker_is_to_beat_often_enough_for_its_lease_and_for_who_cancels),
        ON_BENCH(a_full_list_of_workers_takes_a_lost_ones_place_or_none),
        ON_BENCH(what_is_not_there_is_not_found),
        ON_BENCH(an_epoch_comes_back_as_it_was_reported),
        ON_BENCH(an_epoch_that_the_experiment_has_not_is_refused),
        ON_BENCH(many_experiments_are_shown_in_pages_that_fit),
        ON_BENCH(a_log_comes_in_whole_characters_from_any_offset),
        ON_BENCH(a_log_is_not_cut_within_a_character_that_just_does_not_fit),
        ON_BENCH(a_batch_that_cannot_be_committed_has_not_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
