/* What workers offer and send, what anybody fetches, what gc clears away: request by request. */
#include "coordinator/blobs.h"
#include "coordinator/listings.h"
#include "tests/coordinator/bench.h"
#include "tests/temporary.h"

#include <unistd.h>

#include <cmocka.h>

/* hashlib.sha256 of b"first", b"second", b"a" * 300000 */
#define FIRST "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
#define SECOND "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"
#define LONG "12e1b9b179b29a4f7e5889b185d7ac71bff0ad1f49a7b391d0911b737a0f5381"
enum { LONG_BYTES = 300000 };

struct archive {
    struct bench *bench;
    char *folder;
    struct blobs *blobs;
    long long experiment, attempt;
};

static int archive_set(void **state) {
    struct archive *archive = calloc(1, sizeof *archive);
    void *bench, *folder;
    struct error error = {0};
    if (bench_set(&bench) != 0 || temporary_make(&folder) != 0)
        return -1;
    archive->bench = bench;
    archive->folder = folder;
    if (!blobs_open(archive->folder, &archive->blobs, &error) ||
        !uploads_open(archive->blobs, 0, &archive->bench->coordinator.uploads, &error)) {
        print_error("%s\n", error.message);
        return -1;
    }
    submit(archive->bench, 1, 10, 3);
    hello(archive->bench, "w");
    archive->experiment = take(archive->bench, "w");
    archive->attempt = number_of(archive->bench->answer.body, "attempt");
    *state = archive;
    return 0;
}

static int archive_strike(void **state) {
    struct archive *archive = *state;
    void *bench = archive->bench, *folder = archive->folder;
    uploads_close(archive->bench->coordinator.uploads);
    blobs_close(archive->blobs);
    free(archive);
    return bench_strike(&bench) + temporary_remove(&folder);
}

static cJSON *body_offer(struct archive *archive, const char *name, const char *kind, int epoch,
                         const char *sum, int bytes) {
    return body("{\"worker\": \"w\", \"experiment\": %lld, \"attempt\": %lld, \"name\": \"%s\","
                " \"kind\": \"%s\", \"epoch\": %d, \"sha256\": \"%s\", \"bytes\": %d}",
                archive->experiment, archive->attempt, name, kind, epoch, sum, bytes);
}

static void refused_with(struct archive *archive, const char *name, cJSON *of_name,
                         const char *code, const char *part) {
    const cJSON *error = ask(archive->bench, name, of_name, "error");
    assert_string_equal(text_of(error, "code"), code);
    if (strstr(text_of(error, "message"), part) == NULL)
        fail_msg("\"%s\" does not say: %s", text_of(error, "message"), part);
}

/* A request (its body is taken) with a piece of a file behind it; the body of the answer. */
static const cJSON *ask_with(struct archive *archive, const char *name, cJSON *of_name,
                             const char *bytes, const char *expected) {
    struct wire_message request = {.body = of_name};
    struct reply reply;
    snprintf(request.name, sizeof request.name, "%s", name);
    request.bytes = strdup(bytes);
    request.bytes_length = strlen(bytes);
    begin(archive->bench);
    coordinator_answer(&archive->bench->coordinator, &(struct caller){.roles = ROLE_BOTH}, &request,
                       &reply);
    commit(archive->bench);
    wire_message_free(&request);
    wire_message_free(&archive->bench->answer);
    carry(reply.name, reply.body, &archive->bench->answer);
    assert_string_equal(archive->bench->answer.name, expected);
    return archive->bench->answer.body;
}

static const cJSON *send_piece(struct archive *archive, const char *sum, int offset,
                               const char *bytes, const char *expected) {
    return ask_with(archive, "send",
                    body("{\"worker\": \"w\", \"experiment\": %lld, \"attempt\": %lld,"
                         " \"sha256\": \"%s\", \"offset\": %d}",
                         archive->experiment, archive->attempt, sum, offset),
                    bytes, expected);
}

/* Asks the same until the answer is not `sealing` any more. */
static void offer_until_there(struct archive *archive, const char *name, const char *kind,
                              int epoch, const char *sum, int bytes) {
    do {
        begin(archive->bench);
        answer(archive->bench, "offer", body_offer(archive, name, kind, epoch, sum, bytes));
        commit(archive->bench);
        usleep(1000);
    } while (strcmp(archive->bench->answer.name, "sealing") == 0);
    assert_string_equal(archive->bench->answer.name, "have");
}

static void upload(struct archive *archive, const char *name, const char *kind, int epoch,
                   const char *sum, const char *bytes) {
    ask(archive->bench, "offer", body_offer(archive, name, kind, epoch, sum, (int)strlen(bytes)),
        "want");
    send_piece(archive, sum, 0, bytes, "sealing");
    offer_until_there(archive, name, kind, epoch, sum, (int)strlen(bytes));
}

static int artifacts_shown(struct archive *archive) {
    return cJSON_GetArraySize(json_member(show(archive->bench, archive->experiment), "artifacts"));
}

/* --- coming in --- */

static void a_file_that_came_is_shown_and_can_be_fetched(void **state) {
    struct archive *archive = *state;
    const cJSON *want =
        ask(archive->bench, "offer", body_offer(archive, "last.st", "last", 3, FIRST, 5), "want");
    assert_int_equal(number_of(want, "offset"), 0);
    assert_true(number_of(want, "credit") >= 1);
    assert_int_equal(artifacts_shown(archive), 0);
    want = send_piece(archive, FIRST, 0, "fir", "want");
    assert_int_equal(number_of(want, "offset"), 3);
    send_piece(archive, FIRST, 3, "st", "sealing");
    offer_until_there(archive, "last.st", "last", 3, FIRST, 5);
    const cJSON *artifact =
        json_member(show(archive->bench, archive->experiment), "artifacts")->child;
    assert_string_equal(text_of(artifact, "name"), "last.st");
    assert_string_equal(text_of(artifact, "sha256"), FIRST);
    assert_int_equal(number_of(artifact, "epoch"), 3);
    assert_int_equal(number_of(artifact, "bytes"), 5);
    char read[6] = "";
    size_t length;
    assert_true(blobs_read(archive->blobs, FIRST, 0, read, 5, &length, NULL));
    assert_string_equal(read, "first");
}

static void an_assignment_names_the_files_to_go_on_from(void **state) {
    struct archive *archive = *state;
    upload(archive, "best.st", "best", 2, FIRST, "first");
    upload(archive, "last.st", "last", 3, SECOND, "second");
    offer_until_there(archive, "epoch_2.st", "epoch", 2, FIRST, 5); /* not one of them */
    ask(archive->bench, "goodbye", body_worker("w"), "farewell");
    hello(archive->bench, "v");
    take(archive->bench, "v");
    const cJSON *files = json_member(archive->bench->answer.body, "files");
    assert_int_equal(cJSON_GetArraySize(files), 2);
    assert_string_equal(text_of(files->child, "sha256"), SECOND);
    assert_string_equal(text_of(files->child->next, "sha256"), FIRST);
}

static void only_the_second_is_there(struct archive *archive) {
    assert_int_equal(artifacts_shown(archive), 1);
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
    assert_int_equal(blobs_size(archive->blobs, SECOND), 6);
}

static void a_newer_file_of_the_name_takes_the_place_of_the_older(void **state) {
    struct archive *archive = *state;
    upload(archive, "last.st", "last", 1, FIRST, "first");
    upload(archive, "last.st", "last", 2, SECOND, "second");
    only_the_second_is_there(archive);
}

/* A log that has grown: nothing but its content is another. */
static void a_file_that_comes_again_takes_the_place_of_itself(void **state) {
    struct archive *archive = *state;
    upload(archive, "train.log", "file", 0, FIRST, "first");
    upload(archive, "train.log", "file", 0, SECOND, "second");
    only_the_second_is_there(archive);
}

static void content_that_another_name_has_stays(void **state) {
    struct archive *archive = *state;
    upload(archive, "last.st", "last", 1, FIRST, "first");
    offer_until_there(archive, "best.st", "best", 1, FIRST, 5);
    upload(archive, "last.st", "last", 2, SECOND, "second");
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

static void an_offer_that_comes_late_does_not_go_back(void **state) {
    struct archive *archive = *state;
    upload(archive, "last.st", "last", 1, FIRST, "first");
    offer_until_there(archive, "other", "file", 0, FIRST, 5);
    upload(archive, "last.st", "last", 2, SECOND, "second");
    ask(archive->bench, "offer", body_offer(archive, "last.st", "last", 1, FIRST, 5), "have");
    const cJSON *artifact =
        json_member(show(archive->bench, archive->experiment), "artifacts")->child;
    assert_string_equal(text_of(artifact, "sha256"), SECOND);
}

/* --- refusals --- */

static void only_the_holder_of_the_lease_may_send(void **state) {
    struct archive *archive = *state;
    archive->attempt++;
    refused_with(archive, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "fenced", "over");
    archive->attempt--;
    ask(archive->bench, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "want");
    ask(archive->bench, "goodbye", body_worker("w"), "farewell");
    hello(archive->bench, "v");
    take(archive->bench, "v");
    assert_string_equal(text_of(send_piece(archive, FIRST, 0, "first", "error"), "code"), "fenced");
    refused_with(archive, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "fenced", "over");
}

static void who_ended_the_attempt_may_send_what_is_late_until_the_next_one(void **state) {
    struct archive *archive = *state;
    assert_false(fenced(archive->bench, "w", archive->experiment, archive->attempt, "end",
                        body("{\"outcome\": \"given_back\"}")));
    upload(archive, "last.st", "last", 1, FIRST, "first");
    take(archive->bench, "w");
    refused_with(archive, "offer", body_offer(archive, "last.st", "last", 2, SECOND, 6), "fenced",
                 "over");
}

static void names_that_lead_elsewhere_are_refused(void **state) {
    struct archive *archive = *state;
    static const char *const names[] = {"../a", "/etc/passwd", ".hidden", "a/b", "a b", "a\\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        refused_with(archive, "offer", body_offer(archive, names[i], "file", 0, FIRST, 5),
                     "invalid", "name");
    char sum[] = FIRST;
    memcpy(sum, "../../../../", 12);
    refused_with(archive, "offer", body_offer(archive, "a", "file", 0, sum, 5), "invalid",
                 "SHA-256");
    refused_with(archive, "fetch", body("{\"sha256\": \"%s\", \"offset\": 0}", sum), "invalid",
                 "SHA-256");
    assert_string_equal(text_of(send_piece(archive, sum, 0, "x", "error"), "code"), "invalid");
}

static void a_piece_of_what_was_not_offered_is_refused(void **state) {
    struct archive *archive = *state;
    assert_string_equal(text_of(send_piece(archive, FIRST, 0, "first", "error"), "code"),
                        "not_found");
    assert_int_equal(blobs_part_size(archive->blobs, FIRST), -1);
}

static void a_file_larger_than_any_is_refused(void **state) {
    struct archive *archive = *state;
    cJSON *offer = body_offer(archive, "a", "file", 0, FIRST, 5);
    cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(offer, "bytes"), 9e15);
    refused_with(archive, "offer", offer, "invalid", "at most");
}

static void bytes_that_have_another_sum_are_refused_and_come_anew(void **state) {
    struct archive *archive = *state;
    ask(archive->bench, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "want");
    send_piece(archive, FIRST, 0, "wrong", "sealing");
    do {
        begin(archive->bench);
        answer(archive->bench, "offer", body_offer(archive, "a", "file", 0, FIRST, 5));
        commit(archive->bench);
        usleep(1000);
    } while (strcmp(archive->bench->answer.name, "sealing") == 0);
    assert_string_equal(archive->bench->answer.name, "error");
    assert_string_equal(text_of(archive->bench->answer.body, "code"), "invalid");
    upload(archive, "a", "file", 0, FIRST, "first");
}

static void a_coordinator_without_a_folder_says_so(void **state) {
    struct archive *archive = *state;
    struct uploads *uploads = archive->bench->coordinator.uploads;
    archive->bench->coordinator.uploads = NULL;
    refused_with(archive, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "unknown",
                 "keeps no files");
    archive->bench->coordinator.uploads = uploads;
}

/* --- fetching --- */

static void what_is_not_there_cannot_be_fetched(void **state) {
    struct archive *archive = *state;
    refused_with(archive, "fetch", body("{\"sha256\": \"" FIRST "\", \"offset\": 0}"), "not_found",
                 FIRST);
    upload(archive, "a", "file", 0, FIRST, "first");
    refused_with(archive, "fetch", body("{\"sha256\": \"" FIRST "\", \"offset\": 5}"), "invalid",
                 "offset 5");
}

/* *reply, the piece from that offset on, is the caller's to free. */
static void fetch(struct archive *archive, const char *sum, int offset, struct reply *reply) {
    struct wire_message request = {
        .name = "fetch", .body = body("{\"sha256\": \"%s\", \"offset\": %d}", sum, offset)};
    begin(archive->bench);
    coordinator_answer(&archive->bench->coordinator, &(struct caller){.roles = ROLE_BOTH}, &request,
                       reply);
    commit(archive->bench);
    wire_message_free(&request);
    assert_string_equal(reply->name, "piece");
    assert_int_equal(number_of(reply->body, "offset"), offset);
}

static void a_fetch_gives_the_bytes_from_its_offset_on(void **state) {
    struct archive *archive = *state;
    struct reply reply;
    upload(archive, "a", "file", 0, FIRST, "first");
    fetch(archive, FIRST, 2, &reply);
    assert_int_equal(number_of(reply.body, "bytes"), 5);
    assert_int_equal(reply.bytes_length, 3);
    assert_memory_equal(reply.bytes, "rst", 3);
    reply_free(&reply);
}

static void a_fetch_gives_a_piece_of_a_long_file(void **state) {
    struct archive *archive = *state;
    struct reply reply;
    char *content = calloc(LONG_BYTES + 1, 1);
    assert_non_null(content);
    memset(content, 'a', LONG_BYTES);
    upload(archive, "a", "file", 0, LONG, content);
    free(content);
    fetch(archive, LONG, 0, &reply);
    assert_int_equal(number_of(reply.body, "bytes"), LONG_BYTES);
    assert_int_equal(reply.bytes_length, 262144);
    reply_free(&reply);
    fetch(archive, LONG, 262144, &reply);
    assert_int_equal(reply.bytes_length, LONG_BYTES - 262144);
    reply_free(&reply);
}

/* --- gc --- */

static const cJSON *gc(struct archive *archive, const char *how) {
    return ask(archive->bench, "gc", body("%s", how), "cleared");
}

static void gc_removes_what_nothing_names_and_says_how_much(void **state) {
    struct archive *archive = *state;
    upload(archive, "a", "file", 0, FIRST, "first");
    assert_true(blobs_append(archive->blobs, SECOND, "second", 6, NULL)); /* left by a crash */
    assert_true(blobs_seal(archive->blobs, SECOND, NULL));
    const cJSON *cleared = gc(archive, "{\"dry_run\": true}");
    assert_int_equal(number_of(cleared, "files"), 1);
    assert_int_equal(number_of(cleared, "bytes"), 6);
    assert_int_equal(number_of(cleared, "kept_files"), 1);
    assert_int_equal(number_of(cleared, "kept_bytes"), 5);
    assert_int_equal(blobs_size(archive->blobs, SECOND), 6);
    cleared = gc(archive, "{\"dry_run\": false}");
    assert_int_equal(number_of(cleared, "bytes"), 6);
    assert_int_equal(blobs_size(archive->blobs, SECOND), -1);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

static void gc_leaves_what_is_on_its_way_and_takes_what_was_given_up(void **state) {
    struct archive *archive = *state;
    ask(archive->bench, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "want");
    send_piece(archive, FIRST, 0, "fir", "want");
    assert_true(blobs_append(archive->blobs, SECOND, "sec", 3, NULL));
    const cJSON *cleared = gc(archive, "{\"dry_run\": false}");
    assert_int_equal(number_of(cleared, "files"), 1);
    assert_int_equal(number_of(cleared, "bytes"), 3);
    assert_int_equal(blobs_part_size(archive->blobs, SECOND), -1);
    send_piece(archive, FIRST, 3, "st", "sealing");
    offer_until_there(archive, "a", "file", 0, FIRST, 5);
}

static void gc_thins_checkpoints_out_but_never_best_and_last(void **state) {
    struct archive *archive = *state;
    upload(archive, "epoch_2.st", "epoch", 2, FIRST, "first");
    upload(archive, "epoch_4.st", "epoch", 4, SECOND, "second");
    const cJSON *cleared = gc(archive, "{\"dry_run\": true, \"keep_every\": 4}");
    assert_int_equal(number_of(cleared, "bytes"), 5);
    gc(archive, "{\"dry_run\": false, \"keep_every\": 4}");
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
    assert_int_equal(artifacts_shown(archive), 1);
    offer_until_there(archive, "last.st", "last", 4, SECOND, 6);
    gc(archive, "{\"dry_run\": false, \"keep_every\": 0}");
    assert_int_equal(artifacts_shown(archive), 1);
    assert_int_equal(blobs_size(archive->blobs, SECOND), 6);
}

static void gc_of_very_many_files_goes_on_in_turns(void **state) {
    struct archive *archive = *state;
    enum { FILES = 600 };
    char sum[SHA256_TEXT_SIZE];
    for (int i = 0; i < FILES; i++) {
        snprintf(sum, sizeof sum, "%064x", i);
        assert_true(blobs_append(archive->blobs, sum, "part", 4, NULL));
    }
    int removed = 0, turns = 0;
    bool more = true;
    while (more) {
        const cJSON *cleared = gc(archive, "{\"dry_run\": false}");
        removed += (int)number_of(cleared, "files");
        more = cJSON_IsTrue(json_member(cleared, "more"));
        turns++;
    }
    assert_int_equal(removed, FILES);
    assert_true(turns > 1);
}

/* A gc and an offer of the same content in one batch: what was named is not removed. */
static void what_is_offered_while_gc_runs_stays(void **state) {
    struct archive *archive = *state;
    assert_true(blobs_append(archive->blobs, FIRST, "first", 5, NULL));
    assert_true(blobs_seal(archive->blobs, FIRST, NULL));
    begin(archive->bench);
    answer(archive->bench, "gc", body("{\"dry_run\": false}"));
    answer(archive->bench, "offer", body_offer(archive, "a", "file", 0, FIRST, 5));
    assert_string_equal(archive->bench->answer.name, "have");
    commit(archive->bench);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
}

/* --- data sets --- */

/* A listing whose files are FIRST and SECOND. */
#define LISTING "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
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

/* One that is queued, paused or running with the fingerprint of LISTING. */
static void submit_on_listing(struct archive *archive, int number) {
    ask(archive->bench, "submit",
        body("{\"key\": \"the key of set %d\", \"experiments\": [{\"name\": \"set\", \"group\": "
             "\"set\","
             "\"variant\": {}, \"config\": {\"name\": \"set\", \"data\": {\"classes\": ["
             "{\"name\": \"fake\", \"dir\": \"fake\", \"label\": 0},"
             "{\"name\": \"real\", \"dir\": \"real\", \"label\": 1}], \"fingerprint\": "
             "{\"classes\": ["
             "{\"name\": \"real\", \"pictures\": 2, \"bytes\": 11, \"sha256\": \"" LISTING
             "\"}]}}}}]}",
             number),
        "submitted");
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

static void what_no_listing_has_is_not_stored(void **state) {
    struct archive *archive = *state;
    refused_with(archive, "store", body("{\"sha256\": \"" FIRST "\", \"bytes\": 5}"), "not_found",
                 "push its listing first");
    push_both(archive);
    refused_with(archive, "store", body("{\"sha256\": \"" FIRST "\", \"bytes\": 6}"), "invalid",
                 "of a file of 5");
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

static const cJSON *listings(struct archive *archive) {
    return json_member(ask(archive->bench, "listings", body("{}"), "listed"), "listings");
}

static void data_sets_are_listed_with_what_is_missing_of_them(void **state) {
    struct archive *archive = *state;
    assert_int_equal(cJSON_GetArraySize(listings(archive)), 0);
    push_both(archive);
    store_file(archive, FIRST, "first");
    const cJSON *listing = listings(archive)->child;
    assert_null(listing->next);
    assert_string_equal(text_of(listing, "listing"), LISTING);
    assert_string_equal(text_of(listing, "name"), "real");
    assert_int_equal(number_of(listing, "files"), 2);
    assert_int_equal(number_of(listing, "bytes"), 11);
    assert_int_equal(number_of(listing, "missing_files"), 1);
    assert_int_equal(number_of(listing, "pushed_ms"), archive->bench->coordinator.now.unix_ms);
    store_file(archive, SECOND, "second");
    assert_int_equal(number_of(listings(archive)->child, "missing_files"), 0);
}

static void
a_listed_data_set_says_which_experiments_name_it_and_how_many_are_not_finished(void **state) {
    struct archive *archive = *state;
    ask(archive->bench, "push",
        body("{\"listing\": \"" OTHER "\", \"name\": \"list\", \"files\": ["
             "{\"sha256\": \"" OTHER "\", \"bytes\": 5}]}"),
        "missing");
    push_both(archive);
    submit_on_listing(archive, 1);
    submit_on_listing(archive, 2);
    ask(archive->bench, "cancel", body("{\"ids\": [2]}"), "changed");
    const cJSON *listing = listings(archive)->child, *ids = json_member(listing, "ids");
    assert_string_equal(text_of(listing, "listing"), LISTING);
    assert_int_equal(number_of(listing, "experiments"), 2);
    assert_int_equal(number_of(listing, "unfinished"), 1);
    assert_int_equal(cJSON_GetArraySize(ids), 2);
    assert_int_equal(ids->child->valueint, 3);
    assert_int_equal(ids->child->next->valueint, 2);
    assert_int_equal(number_of(listing->next, "experiments"), 0);
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
}

/* --- forks --- */

/* Epoch 1 is the best so far and has a checkpoint on w's host, h; one that goes on from it. */
static const cJSON *fork_of_epoch_1(struct archive *archive) {
    struct bench *bench = archive->bench;
    fenced(bench, "w", 1, archive->attempt, "epoch", body_epoch(1, 0.5));
    fenced(bench, "w", 1, archive->attempt, "checkpoint",
           body("{\"kind\": \"best\", \"epoch\": 1, \"path\": \"/p\", \"host\": \"gone\"}"));
    cJSON *request = body_submit("a fork's key", 1, 11, 3);
    cJSON_AddItemToObject(json_member(request, "experiments")->child, "from",
                          body("{\"experiment\": 1, \"checkpoint\": \"best\"}"));
    ask(bench, "submit", request, "submitted");
    hello(bench, "x");
    return show(bench, 2);
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
    cJSON *request = body_submit("another fork's key", 1, 12, 3);
    cJSON_AddItemToObject(json_member(request, "experiments")->child, "from",
                          body("{\"experiment\": 1, \"checkpoint\": \"last\"}"));
    ask(bench, "submit", request, "submitted");
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
    cJSON *request = body_submit("a fork's key", 1, 12, 3);
    cJSON_AddItemToObject(json_member(request, "experiments")->child, "from",
                          body("{\"experiment\": 1, \"checkpoint\": \"last\"}"));
    ask(bench, "submit", request, "submitted");
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

#define ON_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_set, archive_strike)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ARCHIVE(a_file_that_came_is_shown_and_can_be_fetched),
        ON_ARCHIVE(an_assignment_names_the_files_to_go_on_from),
        ON_ARCHIVE(a_newer_file_of_the_name_takes_the_place_of_the_older),
        ON_ARCHIVE(a_file_that_comes_again_takes_the_place_of_itself),
        ON_ARCHIVE(content_that_another_name_has_stays),
        ON_ARCHIVE(an_offer_that_comes_late_does_not_go_back),
        ON_ARCHIVE(only_the_holder_of_the_lease_may_send),
        ON_ARCHIVE(who_ended_the_attempt_may_send_what_is_late_until_the_next_one),
        ON_ARCHIVE(names_that_lead_elsewhere_are_refused),
        ON_ARCHIVE(a_piece_of_what_was_not_offered_is_refused),
        ON_ARCHIVE(a_file_larger_than_any_is_refused),
        ON_ARCHIVE(bytes_that_have_another_sum_are_refused_and_come_anew),
        ON_ARCHIVE(a_coordinator_without_a_folder_says_so),
        ON_ARCHIVE(what_is_not_there_cannot_be_fetched),
        ON_ARCHIVE(a_fetch_gives_the_bytes_from_its_offset_on),
        ON_ARCHIVE(a_fetch_gives_a_piece_of_a_long_file),
        ON_ARCHIVE(gc_removes_what_nothing_names_and_says_how_much),
        ON_ARCHIVE(gc_leaves_what_is_on_its_way_and_takes_what_was_given_up),
        ON_ARCHIVE(gc_thins_checkpoints_out_but_never_best_and_last),
        ON_ARCHIVE(gc_of_very_many_files_goes_on_in_turns),
        ON_ARCHIVE(what_is_offered_while_gc_runs_stays),
        ON_ARCHIVE(a_fork_of_what_is_stored_is_for_any_worker),
        ON_ARCHIVE(a_fork_of_what_is_not_stored_waits_for_the_host_that_has_it),
        ON_ARCHIVE(a_fork_is_for_any_worker_once_its_checkpoint_has_come),
        ON_ARCHIVE(a_fork_waits_until_the_best_checkpoint_before_its_own_has_come_too),
        ON_ARCHIVE(a_fork_does_not_wait_for_a_best_checkpoint_that_is_nowhere),
        ON_ARCHIVE(
            a_cancelled_fork_whose_checkpoint_comes_then_is_for_any_worker_when_it_is_retried),
        ON_ARCHIVE(what_a_fork_goes_on_from_stays_when_its_name_has_other_content),
        ON_ARCHIVE(what_a_fork_went_on_from_goes_when_it_is_done),
        ON_ARCHIVE(a_push_says_what_is_missing),
        ON_ARCHIVE(what_no_listing_has_is_not_stored),
        ON_ARCHIVE(data_sets_are_listed_with_what_is_missing_of_them),
        ON_ARCHIVE(a_listed_data_set_says_which_experiments_name_it_and_how_many_are_not_finished),
        ON_ARCHIVE(of_very_many_experiments_that_name_a_data_set_the_newest_are_listed),
        ON_ARCHIVE(a_listing_of_what_is_no_sum_is_refused),
        ON_ARCHIVE(gc_leaves_data_sets_unless_it_is_told_to_remove_unused_ones),
        ON_ARCHIVE(gc_leaves_the_data_set_of_an_experiment_that_is_not_finished),
        ON_ARCHIVE(a_picture_that_is_an_artifact_too_stays_when_its_set_goes),
        ON_ARCHIVE(a_gc_that_fails_leaves_the_data_sets),
        ON_ARCHIVE(a_gc_that_fails_leaves_the_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
