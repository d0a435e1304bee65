/* Data sets: what is pushed and listed, and what of them gc clears away. */
#include "coordinator/listings.h"
#include "coordinator/query.h"
#include "tests/coordinator/archive.h"

/* A listing whose files are FIRST and SECOND. */
#define LISTING "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define EARLIER "0000000000000000000000000000000000000000000000000000000000000000"
#define OTHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const cJSON *push_both(struct archive *archive) {
    return ask(archive->bench, "push",
               body("{\"listing\": \"" LISTING "\", \"name\": \"real\", \"files\": ["
                    "{\"sha256\": \"" FIRST "\", \"bytes\": 5},"
                    "{\"sha256\": \"" SECOND "\", \"bytes\": 6}]}"),
               "missing");
}

static void store_file(struct archive *archive, const char *sum, const char *bytes) {
    ask(archive->bench, "store", body("{\"sha256\": \"%s\", \"bytes\": %zu}", sum, strlen(bytes)),
        "want");
    ask_with(archive, "append", body("{\"sha256\": \"%s\", \"offset\": 0}", sum), bytes, "sealing");
    do {
        begin(archive->bench);
        answer(archive->bench, "store",
               body("{\"sha256\": \"%s\", \"bytes\": %zu}", sum, strlen(bytes)));
        commit(archive->bench);
        usleep(1000);
    } while (strcmp(archive->bench->answer.name, "sealing") == 0);
    assert_string_equal(archive->bench->answer.name, "have");
}

/* One that is queued with this fingerprint. */
static void submit_with(struct archive *archive, int number, const char *fingerprint) {
    ask(archive->bench, "submit",
        body("{\"key\": \"the key of set %d\", \"experiments\": [{\"name\": \"set\", \"group\": "
             "\"set\","
             "\"variant\": {}, \"config\": {\"name\": \"set\", \"data\": {\"classes\": ["
             "{\"name\": \"fake\", \"dir\": \"fake\", \"label\": 0},"
             "{\"name\": \"real\", \"dir\": \"real\", \"label\": 1}], \"fingerprint\": %s}}}]}",
             number, fingerprint),
        "submitted");
}

#define CLASS(sum) "{\"name\": \"real\", \"pictures\": 2, \"bytes\": 11, \"sha256\": \"" sum "\"}"

static void submit_on_listing(struct archive *archive, int number) {
    submit_with(archive, number, "{\"classes\": [" CLASS(LISTING) "]}");
}

static const cJSON *listings(struct archive *archive) {
    return json_member(ask(archive->bench, "listings", body("{}"), "listed"), "listings");
}

/* How many files of a listing are missing; *turns: after so many answers. */
static int missing(struct archive *archive, const char *listing, int *turns) {
    int count = 0, from = 0;
    for (*turns = 0; from >= 0; (*turns)++) {
        const cJSON *answer =
                        ask(archive->bench, "survey", body("{\"from\": %d}", from), "surveyed"),
                    *next = json_member(answer, "next");
        count += (int)json_integer(json_member(answer, "missing"), listing); /* if any */
        assert_true(next == NULL || next->valueint > from);
        from = next != NULL ? next->valueint : -1;
    }
    return count;
}

static void a_push_says_what_is_missing(void **state) {
    struct archive *archive = *state;
    assert_int_equal(cJSON_GetArraySize(json_member(push_both(archive), "files")), 2);
    store_file(archive, FIRST, "first");
    const cJSON *missing = json_member(push_both(archive), "files");
    assert_int_equal(cJSON_GetArraySize(missing), 1);
    assert_string_equal(text_of(missing->child, "sha256"), SECOND);
    store_file(archive, SECOND, "second");
    assert_int_equal(cJSON_GetArraySize(json_member(push_both(archive), "files")), 0);
}

static void a_name_that_would_reach_a_terminal_has_no_control_characters(void **state) {
    struct archive *archive = *state;
    refused_with(archive, "push",
                 body("{\"listing\": \"" LISTING "\", \"name\": \"real\\u001b[2J\", \"files\": ["
                      "{\"sha256\": \"" FIRST "\", \"bytes\": 5}]}"),
                 "invalid", "control characters");
}

static void what_no_listing_has_is_not_stored(void **state) {
    struct archive *archive = *state;
    refused_with(archive, "store", body("{\"sha256\": \"" FIRST "\", \"bytes\": 5}"), "not_found",
                 "push its listing first");
    const cJSON *error = ask_with(
        archive, "append", body("{\"sha256\": \"" FIRST "\", \"offset\": 0}"), "first", "error");
    assert_string_equal(text_of(error, "code"), "not_found");
    push_both(archive);
    refused_with(archive, "store", body("{\"sha256\": \"" FIRST "\", \"bytes\": 6}"), "invalid",
                 "of a file of 5");
}

static void a_wrong_length_in_another_listing_keeps_no_file_out(void **state) {
    struct archive *archive = *state;
    ask(archive->bench, "push",
        body("{\"listing\": \"" EARLIER "\", \"name\": \"real\", \"files\": ["
             "{\"sha256\": \"" FIRST "\", \"bytes\": 4}]}"),
        "missing");
    push_both(archive);
    store_file(archive, FIRST, "first");
}

static void a_listing_of_what_is_no_sum_is_refused(void **state) {
    struct archive *archive = *state;
    char sum[SHA256_TEXT_SIZE] = "../";
    memset(sum + 3, 'a', sizeof sum - 4);
    refused_with(archive, "push",
                 body("{\"listing\": \"" LISTING "\", \"name\": \"real\", \"files\": ["
                      "{\"sha256\": \"%s\", \"bytes\": 5}]}",
                      sum),
                 "invalid", "no SHA-256");
}

static void gc_leaves_data_sets_unless_it_is_told_to_remove_unused_ones(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    store_file(archive, FIRST, "first");
    store_file(archive, SECOND, "second");
    assert_int_equal(number_of(gc(archive, "{\"dry_run\": false}"), "files"), 0);
    const cJSON *cleared = gc(archive, "{\"dry_run\": true, \"unused_data\": true}");
    assert_int_equal(number_of(cleared, "bytes"), 11);
    assert_int_equal(number_of(gc(archive, "{\"dry_run\": false}"), "files"), 0);
    cleared = gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(number_of(cleared, "files"), 2);
    assert_int_equal(number_of(cleared, "bytes"), 11);
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
}

static void gc_lets_go_of_one_unused_data_set_a_turn(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    ask(archive->bench, "push",
        body("{\"listing\": \"" OTHER "\", \"name\": \"fake\", \"files\": ["
             "{\"sha256\": \"" FIRST "\", \"bytes\": 5}]}"),
        "missing");
    store_file(archive, FIRST, "first");
    store_file(archive, SECOND, "second");
    const cJSON *cleared = gc(archive, "{\"dry_run\": true, \"unused_data\": true}");
    assert_int_equal(number_of(cleared, "files"), 2);
    assert_null(json_member(cleared, "next"));
    cleared = gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(number_of(cleared, "next"), 0);
    assert_int_equal(number_of(cleared, "files"), 0);
    assert_int_equal(cJSON_GetArraySize(listings(archive)), 1);
    cleared = gc(archive, "{\"dry_run\": false, \"unused_data\": true, \"from\": 0}");
    assert_int_equal(number_of(cleared, "files"), 2);
    assert_null(json_member(cleared, "next"));
    assert_int_equal(cJSON_GetArraySize(listings(archive)), 0);
}

static void gc_leaves_the_data_set_of_an_experiment_that_is_not_finished(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    store_file(archive, FIRST, "first");
    submit_on_listing(archive, 1);
    gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
    ask(archive->bench, "pause", body("{\"ids\": [2]}"), "changed");
    gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
    ask(archive->bench, "cancel", body("{\"ids\": [2]}"), "changed");
    gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
}

static void gc_leaves_the_split_files_of_an_experiment_that_is_not_finished(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    store_file(archive, FIRST, "first");
    submit_with(archive, 1,
                "{\"classes\": [" CLASS(OTHER) "], \"lists\": {\"train\": \"" OTHER
                                               "\", \"valid\": \"" LISTING "\", \"test\": \"" OTHER
                                               "\"}}");
    assert_int_equal(number_of(listings(archive)->child, "unfinished"), 1);
    gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
    ask(archive->bench, "cancel", body("{\"ids\": [2]}"), "changed");
    gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
}

static void a_picture_that_is_an_artifact_too_stays_when_its_set_goes(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    store_file(archive, FIRST, "first");
    offer_until_there(archive, "a", "file", 0, FIRST, 5);
    gc(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

/* Whose artifacts folder cannot be read to its end. */
static void gc_fails(struct archive *archive, const char *how) {
    char *path = NULL;
    assert_true(asprintf(&path, "%s/sha256/ff", archive->folder) > 0);
    FILE *in_the_way = fopen(path, "w");
    assert_non_null(in_the_way);
    fclose(in_the_way);
    refused_with(archive, "gc", body("%s", how), "storage", "cannot read");
    unlink(path);
    free(path);
}

static void a_gc_that_fails_leaves_the_data_sets(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    store_file(archive, FIRST, "first");
    gc_fails(archive, "{\"dry_run\": true, \"unused_data\": true}");
    gc_fails(archive, "{\"dry_run\": false, \"unused_data\": true}");
    assert_int_equal(number_of(gc(archive, "{\"dry_run\": false}"), "files"), 0);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

static void a_gc_that_fails_leaves_the_checkpoints(void **state) {
    struct archive *archive = *state;
    upload(archive, "epoch_2.st", "epoch", 2, FIRST, "first");
    gc_fails(archive, "{\"dry_run\": false, \"keep_every\": 4}");
    assert_int_equal(artifacts_shown(archive), 1);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

static void data_sets_are_listed_with_what_is_missing_of_them(void **state) {
    struct archive *archive = *state;
    int turns;
    assert_int_equal(cJSON_GetArraySize(listings(archive)), 0);
    push_both(archive);
    assert_int_equal(missing(archive, LISTING, &turns), 2);
    store_file(archive, FIRST, "first");
    assert_int_equal(missing(archive, LISTING, &turns), 1);
    assert_int_equal(turns, 1);
    const cJSON *listing = listings(archive)->child;
    assert_null(listing->next);
    assert_string_equal(text_of(listing, "listing"), LISTING);
    assert_string_equal(text_of(listing, "name"), "real");
    assert_int_equal(number_of(listing, "files"), 2);
    assert_int_equal(number_of(listing, "bytes"), 11);
    assert_int_equal(number_of(listing, "pushed_ms"), archive->bench->coordinator.now.unix_ms);
    store_file(archive, SECOND, "second");
    assert_int_equal(missing(archive, LISTING, &turns), 0);
}

static void what_is_missing_of_a_large_data_set_is_counted_in_turns(void **state) {
    struct archive *archive = *state;
    struct store *store = archive->bench->store;
    enum { FILES = 4200 };
    int turns;
    push_both(archive);
    store_file(archive, SECOND, "second");
    begin(archive->bench);
    assert_true(listing_put(store, OTHER, "large", 0, NULL));
    for (unsigned i = 0; i < FILES; i++) {
        char sum[SHA256_TEXT_SIZE];
        snprintf(sum, sizeof sum, "%02x%062x", i % 256, i);
        assert_true(listing_add(store, OTHER, sum, 1, NULL));
    }
    assert_true(listing_add(store, OTHER, SECOND, 6, NULL)); /* of both, and here */
    commit(archive->bench);
    assert_int_equal(missing(archive, OTHER, &turns), FILES);
    assert_int_equal(turns, 2);
    assert_int_equal(missing(archive, LISTING, &turns), 1);
}

static void a_data_set_that_is_pushed_again_has_its_newest_name_time_and_lengths(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    wait_ms(archive->bench, 7);
    ask(archive->bench, "push",
        body("{\"listing\": \"" LISTING "\", \"name\": \"newer\", \"files\": ["
             "{\"sha256\": \"" FIRST "\", \"bytes\": 9}]}"),
        "missing");
    const cJSON *listing = listings(archive)->child;
    assert_string_equal(text_of(listing, "name"), "newer");
    assert_int_equal(number_of(listing, "pushed_ms"), 1700000000007);
    assert_int_equal(number_of(listing, "files"), 2);
    assert_int_equal(number_of(listing, "bytes"), 15);
}

static void who_names_a_data_set_twice_and_one_that_is_not_there_is_counted_once(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    submit_with(archive, 1,
                "{\"classes\": [" CLASS(EARLIER) ", " CLASS(LISTING) ", " CLASS(
                    LISTING) "], \"lists\": {\"train\": \"" LISTING "\", \"valid\": \"" OTHER
                             "\", \"test\": \"" OTHER "\"}}");
    const cJSON *listing = listings(archive)->child;
    assert_null(listing->next);
    assert_int_equal(number_of(listing, "experiments"), 1);
    assert_int_equal(number_of(listing, "unfinished"), 1);
}

static void
a_listed_data_set_says_which_experiments_name_it_and_how_many_are_not_finished(void **state) {
    struct archive *archive = *state;
    static const char *const others[] = {EARLIER, OTHER};
    for (size_t i = 0; i < 2; i++)
        ask(archive->bench, "push",
            body("{\"listing\": \"%s\", \"name\": \"list\", \"files\": ["
                 "{\"sha256\": \"%s\", \"bytes\": 5}]}",
                 others[i], others[i]),
            "missing");
    push_both(archive);
    submit_on_listing(archive, 1);
    submit_on_listing(archive, 2);
    ask(archive->bench, "cancel", body("{\"ids\": [2]}"), "changed");
    const cJSON *listing = listings(archive)->child->next, *ids = json_member(listing, "ids");
    assert_string_equal(text_of(listing, "listing"), LISTING);
    assert_int_equal(number_of(listing, "experiments"), 2);
    assert_int_equal(number_of(listing, "unfinished"), 1);
    assert_int_equal(cJSON_GetArraySize(ids), 2);
    assert_int_equal(ids->child->valueint, 3);
    assert_int_equal(ids->child->next->valueint, 2);
    assert_int_equal(number_of(listing->next, "experiments"), 0);
    assert_int_equal(number_of(listing->prev, "experiments"), 0);
}

static void of_very_many_experiments_that_name_a_data_set_the_newest_are_listed(void **state) {
    struct archive *archive = *state;
    push_both(archive);
    for (int i = 1; i <= LISTING_IDS + 1; i++)
        submit_on_listing(archive, i);
    const cJSON *listing = listings(archive)->child, *ids = json_member(listing, "ids");
    assert_int_equal(number_of(listing, "experiments"), LISTING_IDS + 1);
    assert_int_equal(cJSON_GetArraySize(ids), LISTING_IDS);
    assert_int_equal(ids->child->valueint, LISTING_IDS + 2);
    /* and the newest alone are looked at: beside so many others all but the first of these */
    struct query query;
    begin(archive->bench);
    query_open(
        &query, archive->bench->store,
        "WITH RECURSIVE other (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM other WHERE n < ?)"
        " INSERT INTO experiment (submission, name, \"group\", config, variant, priority, backend,"
        " memory_bytes, epochs, max_attempts, submitted_ms)"
        " SELECT submission, name, \"group\", '{}', variant, priority, backend, memory_bytes,"
        " epochs, max_attempts, submitted_ms FROM experiment, other WHERE id = 2");
    query_bind_int(&query, LISTING_LOOKED - LISTING_IDS);
    assert_true(query_run(&query, NULL));
    commit(archive->bench);
    assert_int_equal(number_of(listings(archive)->child, "experiments"), LISTING_IDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ARCHIVE(a_push_says_what_is_missing),
        ON_ARCHIVE(a_name_that_would_reach_a_terminal_has_no_control_characters),
        ON_ARCHIVE(what_no_listing_has_is_not_stored),
        ON_ARCHIVE(a_wrong_length_in_another_listing_keeps_no_file_out),
        ON_ARCHIVE(a_listing_of_what_is_no_sum_is_refused),
        ON_ARCHIVE(gc_leaves_data_sets_unless_it_is_told_to_remove_unused_ones),
        ON_ARCHIVE(gc_lets_go_of_one_unused_data_set_a_turn),
        ON_ARCHIVE(gc_leaves_the_data_set_of_an_experiment_that_is_not_finished),
        ON_ARCHIVE(gc_leaves_the_split_files_of_an_experiment_that_is_not_finished),
        ON_ARCHIVE(a_picture_that_is_an_artifact_too_stays_when_its_set_goes),
        ON_ARCHIVE(a_gc_that_fails_leaves_the_data_sets),
        ON_ARCHIVE(a_gc_that_fails_leaves_the_checkpoints),
        ON_ARCHIVE(data_sets_are_listed_with_what_is_missing_of_them),
        ON_ARCHIVE(what_is_missing_of_a_large_data_set_is_counted_in_turns),
        ON_ARCHIVE(a_data_set_that_is_pushed_again_has_its_newest_name_time_and_lengths),
        ON_ARCHIVE(who_names_a_data_set_twice_and_one_that_is_not_there_is_counted_once),
        ON_ARCHIVE(a_listed_data_set_says_which_experiments_name_it_and_how_many_are_not_finished),
        ON_ARCHIVE(of_very_many_experiments_that_name_a_data_set_the_newest_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
