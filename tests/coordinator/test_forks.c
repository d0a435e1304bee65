/* What waits for a checkpoint of another experiment, and what of that is kept for it. */
#include "tests/coordinator/archive.h"

/* Of experiment 1. */
static const cJSON *submit_fork(struct bench *bench, const char *key, int epochs,
                                const char *checkpoint, const char *expected) {
    cJSON *request = body_submit(key, 1, epochs, 3);
    cJSON_AddItemToObject(json_member(request, "experiments")->child, "from",
                          body("{\"experiment\": 1, \"checkpoint\": \"%s\"}", checkpoint));
    return ask(bench, "submit", request, expected);
}

/* Epoch 1 is the best so far and has a checkpoint on w's host, h; one that goes on from it. */
static const cJSON *fork_of_epoch_1(struct archive *archive) {
    struct bench *bench = archive->bench;
    fenced(bench, "w", 1, archive->attempt, "epoch", body_epoch(1, 0.5));
    fenced(bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"best\", \"epoch\": 1, \"path\": \"/p\", \"host\": \"gone\"}"));
    submit_fork(bench, "a fork's key", 11, "best", "submitted");
    hello(bench, "x");
    return show(bench, 2);
}

static void start_again(struct archive *archive) {
    struct bench *bench = archive->bench;
    struct uploads *uploads = bench->coordinator.uploads;
    struct error error = {0};
    coordinator_close(&bench->coordinator);
    bench->coordinator = (struct coordinator){0};
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
    assert_true(coordinator_keep_files(&bench->coordinator, uploads, &error));
    hello(bench, "x");
}

static void a_fork_of_what_is_stored_is_for_any_worker(void **state) {
    struct archive *archive = *state;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    const cJSON *from = json_member(fork_of_epoch_1(archive), "from");
    assert_string_equal(text_of(json_member(from, "file"), "sha256"), FIRST);
    assert_int_equal(take(archive->bench, "x"), 2);
    from = json_member(archive->bench->answer.body, "from");
    assert_int_equal(number_of(json_member(from, "file"), "bytes"), 5);
    assert_null(json_member(from, "best"));
}

/* `epoch` is a kind of checkpoint, and the name of none. */
static void a_fork_of_a_checkpoint_that_is_called_otherwise_is_refused(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    static const char *const others[] = {"epoch", "Best", "01", "1.0", " 1"};
    fenced(bench, "w", 1, archive->attempt, "epoch", body_epoch(1, 0.5));
    fenced(bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"epoch\", \"epoch\": 1, \"path\": \"/p\", \"host\": \"h\"}"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_non_null(
            strstr(text_of(submit_fork(bench, "a fork's key", 11, others[i], "error"), "message"),
                   "has no checkpoint"));
    submit_fork(bench, "a fork's key", 11, "1", "submitted");
}

static void a_fork_of_what_is_not_stored_waits_for_the_host_that_has_it(void **state) {
    struct archive *archive = *state;
    assert_string_equal(text_of(fork_of_epoch_1(archive), "waits"),
                        "no worker on gone, which has its checkpoint");
    ask(archive->bench, "request", body_worker("x"), "nothing");
}

static void a_fork_is_for_any_worker_once_its_checkpoint_has_come(void **state) {
    struct archive *archive = *state;
    fork_of_epoch_1(archive);
    upload(archive, "best.st", "best", 1, FIRST, "first");
    assert_string_equal(text_of(show(archive->bench, 2), "waits"), "its turn");
    assert_int_equal(take(archive->bench, "x"), 2);
    const cJSON *from = json_member(archive->bench->answer.body, "from");
    assert_string_equal(text_of(json_member(from, "file"), "sha256"), FIRST);
}

static void a_fork_waits_until_the_best_checkpoint_before_its_own_has_come_too(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    fork_of_epoch_1(archive);
    cJSON *epoch = body_epoch(2, 0.6);
    cJSON_ReplaceItemInObjectCaseSensitive(epoch, "best", cJSON_CreateFalse());
    fenced(bench, "w", 1, archive->attempt, "epoch", epoch);
    fenced(bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"last\", \"epoch\": 2, \"path\": \"/q\", \"host\": \"gone\"}"));
    submit_fork(bench, "another fork's key", 12, "last", "submitted");
    upload(archive, "last.st", "last", 2, SECOND, "second");
    assert_string_equal(text_of(show(bench, 3), "waits"),
                        "no worker on gone, which has its checkpoint");
    upload(archive, "best.st", "best", 1, FIRST, "first");
    const cJSON *from = json_member(show(bench, 3), "from");
    assert_string_equal(text_of(json_member(from, "file"), "sha256"), SECOND);
    assert_string_equal(text_of(json_member(from, "best"), "sha256"), FIRST);
    assert_string_equal(text_of(show(bench, 3), "waits"), "its turn");
}

/* As when epoch 1 had no checkpoint of its own when the worker died. */
static void a_fork_does_not_wait_for_a_best_checkpoint_that_is_nowhere(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    cJSON *epoch = body_epoch(2, 0.6);
    cJSON_ReplaceItemInObjectCaseSensitive(epoch, "best", cJSON_CreateFalse());
    fenced(bench, "w", 1, archive->attempt, "epoch", body_epoch(1, 0.5));
    fenced(bench, "w", 1, archive->attempt, "epoch", epoch);
    fenced(bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"last\", \"epoch\": 2, \"path\": \"/q\", \"host\": \"gone\"}"));
    submit_fork(bench, "a fork's key", 12, "last", "submitted");
    hello(bench, "x");
    upload(archive, "last.st", "last", 2, SECOND, "second");
    assert_string_equal(text_of(show(bench, 2), "waits"), "its turn");
    assert_null(json_member(json_member(show(bench, 2), "from"), "best"));
}

static void
a_cancelled_fork_whose_checkpoint_comes_then_is_for_any_worker_when_it_is_retried(void **state) {
    struct archive *archive = *state;
    fork_of_epoch_1(archive);
    ask(archive->bench, "cancel", body("{\"ids\": [2]}"), "changed");
    upload(archive, "best.st", "best", 1, FIRST, "first");
    ask(archive->bench, "retry", body("{\"ids\": [2]}"), "changed");
    assert_int_equal(take(archive->bench, "x"), 2);
}

static void what_a_fork_goes_on_from_stays_when_its_name_has_other_content(void **state) {
    struct archive *archive = *state;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    fork_of_epoch_1(archive);
    upload(archive, "best.st", "best", 2, SECOND, "second");
    gc(archive, "{\"dry_run\": false, \"keep_every\": 0}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

static void what_a_fork_went_on_from_goes_when_it_is_done(void **state) {
    struct archive *archive = *state;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    fork_of_epoch_1(archive);
    upload(archive, "best.st", "best", 2, SECOND, "second");
    assert_int_equal(take(archive->bench, "x"), 2);
    fenced(archive->bench, "x", 2, 1, "end", body("{\"outcome\": \"done\"}"));
    state_is(archive->bench, 2, "done");
    gc(archive, "{\"dry_run\": false}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
}

/* w has written epoch 2 over its checkpoint of epoch 1, and that one alone is here. */
static void a_fork_of_the_last_of_a_run_goes_on_from_the_last_that_is_here(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    for (int epoch = 1; epoch <= 2; epoch++) {
        fenced(bench, "w", 1, archive->attempt, "epoch", body_epoch(epoch, 0.5));
        fenced(
            bench, "w", 1, archive->attempt, "checkpoint",
            body("{\"kind\": \"last\", \"epoch\": %d, \"path\": \"/q\", \"host\": \"h\"}", epoch));
        if (epoch == 1)
            upload(archive, "last.st", "last", 1, FIRST, "first");
    }
    submit_fork(bench, "a fork's key", 12, "last", "submitted");
    upload(archive, "last.st", "last", 2, SECOND, "second");
    gc(archive, "{\"dry_run\": false}");
    hello(bench, "x");
    assert_int_equal(take(bench, "x"), 2);
    const cJSON *from = json_member(bench->answer.body, "from");
    assert_int_equal(number_of(from, "epoch"), 1);
    assert_string_equal(text_of(json_member(from, "file"), "sha256"), FIRST);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

/* Epochs from `first` to `last` of w's run, none of them the best, and its last checkpoint. */
static void come_to(struct archive *archive, int first, int last) {
    for (int i = first; i <= last; i++) {
        cJSON *epoch = body_epoch(i, 0.6);
        cJSON_ReplaceItemInObjectCaseSensitive(epoch, "best", cJSON_CreateBool(i == 1));
        fenced(archive->bench, "w", 1, archive->attempt, "epoch", epoch);
    }
    fenced(archive->bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"last\", \"epoch\": %d, \"path\": \"/q\", \"host\": \"gone\"}", last));
}

/* Experiment 2 goes on from that epoch, which is on the host `gone`. */
static void waits_for_epoch(struct bench *bench, int epoch) {
    const cJSON *shown = show(bench, 2);
    assert_int_equal(number_of(json_member(shown, "from"), "epoch"), epoch);
    assert_string_equal(text_of(shown, "waits"), "no worker on gone, which has its checkpoint");
}

static void a_fork_of_the_last_of_what_has_ended_waits_for_that(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    come_to(archive, 1, 1);
    upload(archive, "last.st", "last", 1, FIRST, "first");
    come_to(archive, 2, 2);
    fenced(bench, "w", 1, archive->attempt, "end", body("{\"outcome\": \"done\"}"));
    submit_fork(bench, "a fork's key", 12, "last", "submitted");
    hello(bench, "x");
    waits_for_epoch(bench, 2);
}

static void an_earlier_last_without_the_best_before_it_is_gone_on_from_by_nobody(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    come_to(archive, 1, 2);
    fenced(bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"best\", \"epoch\": 1, \"path\": \"/p\", \"host\": \"gone\"}"));
    upload(archive, "last.st", "last", 2, SECOND, "second");
    come_to(archive, 3, 3);
    submit_fork(bench, "a fork's key", 12, "last", "submitted");
    hello(bench, "x");
    waits_for_epoch(bench, 3);
}

/* As when every loss is NaN. */
static void a_fork_of_a_run_that_has_no_best_waits_for_none(void **state) {
    struct archive *archive = *state;
    come_to(archive, 2, 2);
    upload(archive, "last.st", "last", 2, SECOND, "second");
    submit_fork(archive->bench, "a fork's key", 12, "last", "submitted");
    hello(archive->bench, "x");
    assert_string_equal(text_of(show(archive->bench, 2), "waits"), "its turn");
}

static void of_an_epoch_its_own_file_is_what_a_fork_goes_on_from(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    come_to(archive, 1, 1);
    upload(archive, "a.st", "last", 1, FIRST, "first");
    upload(archive, "b.st", "epoch", 1, SECOND, "second");
    submit_fork(bench, "a fork's key", 12, "1", "submitted");
    const cJSON *from = json_member(show(bench, 2), "from");
    assert_string_equal(text_of(json_member(from, "file"), "sha256"), SECOND);
}

static void a_file_that_is_no_checkpoint_is_gone_on_from_by_nobody(void **state) {
    struct archive *archive = *state;
    come_to(archive, 1, 1);
    upload(archive, "train.log", "file", 1, FIRST, "first");
    submit_fork(archive->bench, "a fork's key", 12, "1", "submitted");
    hello(archive->bench, "x");
    waits_for_epoch(archive->bench, 1);
}

/* As after a backup was restored beside artifacts that had gone on. */
static void a_fork_whose_files_are_gone_from_here_waits_for_the_host_that_has_them(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    fork_of_epoch_1(archive);
    start_again(archive);
    assert_string_equal(text_of(show(bench, 2), "waits"), "its turn");
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    start_again(archive);
    assert_string_equal(text_of(show(bench, 2), "waits"),
                        "no worker on gone, which has its checkpoint");
}

/* The fork, its checkpoint here no more, has the same to say as any that waits for a host. */
static void waits_for_its_host(struct archive *archive) {
    assert_string_equal(text_of(show(archive->bench, 2), "waits"),
                        "no worker on gone, which has its checkpoint");
    ask(archive->bench, "request", body_worker("x"), "nothing");
}

static void a_fork_that_ran_when_its_files_went_waits_for_the_host_that_has_them(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    fork_of_epoch_1(archive);
    assert_int_equal(take(bench, "x"), 2);
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    start_again(archive);
    fenced(bench, "x", 2, 1, "end", body("{\"outcome\": \"given_back\"}"));
    waits_for_its_host(archive);
}

static void a_fork_that_is_retried_when_its_files_are_gone_waits_for_the_host(void **state) {
    struct archive *archive = *state;
    struct bench *bench = archive->bench;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    fork_of_epoch_1(archive);
    ask(bench, "cancel", body("{\"ids\": [2]}"), "changed");
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    start_again(archive);
    ask(bench, "retry", body("{\"ids\": [2]}"), "changed");
    waits_for_its_host(archive);
}

/* w trains the fork. */
static void begin_fork(struct archive *archive) {
    upload(archive, "best.st", "best", 1, FIRST, "first");
    fork_of_epoch_1(archive);
    fenced(archive->bench, "w", 1, 1, "end", body("{\"outcome\": \"done\"}"));
    archive->experiment = take(archive->bench, "w");
    assert_int_equal(archive->experiment, 2);
    archive->attempt = 1;
}

/* The fork's own epoch 2, best and last. */
static void come_further(struct archive *archive) {
    upload(archive, "best.st", "best", 2, SECOND, "second");
    offer_until_there(archive, "last.st", "last", 2, SECOND, 6);
}

static void give_back_to_anybody(struct bench *bench) {
    fenced(bench, "w", 2, 1, "end", body("{\"outcome\": \"given_back\"}"));
    assert_int_equal(take(bench, "x"), 2);
}

static void a_fork_that_has_come_further_needs_what_it_was_forked_from_no_more(void **state) {
    struct archive *archive = *state;
    begin_fork(archive);
    come_further(archive);
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    start_again(archive);
    give_back_to_anybody(archive->bench);
}

/* The last of the other experiment is here too, and is not its own. */
static void a_fork_whose_own_best_is_not_here_needs_what_it_was_forked_from(void **state) {
    struct archive *archive = *state;
    upload(archive, "last.st", "last", 1, SECOND, "second");
    begin_fork(archive);
    offer_until_there(archive, "last.st", "last", 2, SECOND, 6);
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    start_again(archive);
    fenced(archive->bench, "w", 2, 1, "end", body("{\"outcome\": \"given_back\"}"));
    waits_for_its_host(archive);
}

static void a_fork_that_comes_further_waits_for_no_host_from_then_on(void **state) {
    struct archive *archive = *state;
    begin_fork(archive);
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    start_again(archive);
    come_further(archive);
    give_back_to_anybody(archive->bench);
}

static void a_fork_of_a_file_that_is_gone_from_here_waits_for_the_host_that_has_it(void **state) {
    struct archive *archive = *state;
    upload(archive, "best.st", "best", 1, FIRST, "first");
    assert_true(blobs_remove(archive->blobs, FIRST, NULL));
    assert_string_equal(text_of(fork_of_epoch_1(archive), "waits"),
                        "no worker on gone, which has its checkpoint");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ARCHIVE(a_fork_of_what_is_stored_is_for_any_worker),
        ON_ARCHIVE(a_fork_of_a_checkpoint_that_is_called_otherwise_is_refused),
        ON_ARCHIVE(a_fork_of_what_is_not_stored_waits_for_the_host_that_has_it),
        ON_ARCHIVE(a_fork_is_for_any_worker_once_its_checkpoint_has_come),
        ON_ARCHIVE(a_fork_waits_until_the_best_checkpoint_before_its_own_has_come_too),
        ON_ARCHIVE(a_fork_does_not_wait_for_a_best_checkpoint_that_is_nowhere),
        ON_ARCHIVE(
            a_cancelled_fork_whose_checkpoint_comes_then_is_for_any_worker_when_it_is_retried),
        ON_ARCHIVE(what_a_fork_goes_on_from_stays_when_its_name_has_other_content),
        ON_ARCHIVE(what_a_fork_went_on_from_goes_when_it_is_done),
        ON_ARCHIVE(a_fork_of_a_file_that_is_gone_from_here_waits_for_the_host_that_has_it),
        ON_ARCHIVE(a_fork_of_the_last_of_a_run_goes_on_from_the_last_that_is_here),
        ON_ARCHIVE(a_fork_of_the_last_of_what_has_ended_waits_for_that),
        ON_ARCHIVE(an_earlier_last_without_the_best_before_it_is_gone_on_from_by_nobody),
        ON_ARCHIVE(a_fork_of_a_run_that_has_no_best_waits_for_none),
        ON_ARCHIVE(of_an_epoch_its_own_file_is_what_a_fork_goes_on_from),
        ON_ARCHIVE(a_file_that_is_no_checkpoint_is_gone_on_from_by_nobody),
        ON_ARCHIVE(a_fork_whose_own_best_is_not_here_needs_what_it_was_forked_from),
        ON_ARCHIVE(a_fork_whose_files_are_gone_from_here_waits_for_the_host_that_has_them),
        ON_ARCHIVE(a_fork_that_ran_when_its_files_went_waits_for_the_host_that_has_them),
        ON_ARCHIVE(a_fork_that_has_come_further_needs_what_it_was_forked_from_no_more),
        ON_ARCHIVE(a_fork_that_comes_further_waits_for_no_host_from_then_on),
        ON_ARCHIVE(a_fork_that_is_retried_when_its_files_are_gone_waits_for_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
