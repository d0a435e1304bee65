/* What workers offer and send, what anybody fetches, what gc clears away: request by request. */
#include "core/depot.h"
#include "core/file.h"
#include "tests/coordinator/archive.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

/* hashlib.sha256 of b"a" * 300000 */
#define LONG "12e1b9b179b29a4f7e5889b185d7ac71bff0ad1f49a7b391d0911b737a0f5381"
enum { LONG_BYTES = 300000 };

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
    hello(archive->bench, "v");
    cJSON *others = body_offer(archive, "a", "file", 0, FIRST, 5);
    cJSON_ReplaceItemInObject(others, "worker", cJSON_CreateString("v"));
    refused_with(archive, "offer", others, "fenced", "over");
    ask(archive->bench, "offer", body_offer(archive, "a", "file", 0, FIRST, 5), "want");
    ask(archive->bench, "goodbye", body_worker("w"), "farewell");
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

static void leave(struct archive *archive, const char *sum, const char *bytes) {
    assert_true(blobs_append(archive->blobs, sum, bytes, strlen(bytes), NULL));
    assert_true(blobs_seal(archive->blobs, sum, NULL));
}

static void gc_removes_what_nothing_names_and_says_how_much(void **state) {
    struct archive *archive = *state;
    upload(archive, "a", "file", 0, FIRST, "first");
    leave(archive, SECOND, "second"); /* by a crash */
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
    leave(archive, SECOND, "second"); /* put back: until the next gc */
    ask(archive->bench, "status", body("{}"), "coordinator");
    assert_int_equal(blobs_size(archive->blobs, SECOND), 6);
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
    while (blobs_size(archive->blobs, FIRST) < 0)
        usleep(1000);
    cleared = gc(archive, "{\"dry_run\": false}"); /* it is whole, and not yet anybody's */
    assert_int_equal(number_of(cleared, "files"), 0);
    assert_int_equal(number_of(cleared, "kept_files"), 1);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
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

/* Leaves a blob that nothing names, and whose content nobody looks at. */
static void strand(const struct archive *archive, const char *sum) {
    char path[PATH_MAX];
    depot_file(archive->folder, sum, path);
    assert_true(folder_make_of(path, NULL));
    assert_true(file_write_atomic(path, "blob", 4, NULL));
}

struct turns {
    int count, files, kept, left;
};

/* Asks until there is no next turn. */
static struct turns gc_in_turns(struct archive *archive, bool dry) {
    struct turns turns = {0};
    int from = 0;
    while (from >= 0) {
        char how[64];
        snprintf(how, sizeof how, "{\"dry_run\": %s, \"from\": %d}", dry ? "true" : "false", from);
        const cJSON *cleared = gc(archive, how), *next = json_member(cleared, "next");
        assert_true(next == NULL || next->valueint > from);
        from = next != NULL ? next->valueint : -1;
        turns.files += (int)number_of(cleared, "files");
        turns.kept += (int)number_of(cleared, "kept_files");
        turns.left += (int)json_integer(cleared, "left_files"); /* if any */
        turns.count++;
    }
    return turns;
}

static void gc_of_very_many_files_goes_on_in_turns(void **state) {
    struct archive *archive = *state;
    enum { FILES = 4200 };
    char sum[SHA256_TEXT_SIZE];
    upload(archive, "best.st", "best", 1, FIRST, "first");
    for (unsigned i = 0; i < FILES; i++) {
        snprintf(sum, sizeof sum, "%02x%062x", i % 256, i);
        strand(archive, sum);
    }
    struct turns dry = gc_in_turns(archive, true), real = gc_in_turns(archive, false),
                 after = gc_in_turns(archive, false);
    assert_true(dry.count > 1 && dry.files == FILES && dry.kept == 1);
    assert_true(real.count > dry.count && real.files == FILES && real.kept == 1 && real.left == 0);
    assert_true(after.count == 1 && after.files == 0 && after.kept == 1);
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
    const cJSON *cleared = archive->bench->answer.body;
    assert_int_equal(number_of(cleared, "files"), 0);
    assert_int_equal(number_of(cleared, "kept_files"), 1);
    assert_int_equal(number_of(cleared, "kept_bytes"), 5);
}

/* A blob or a part that cannot go, whoever asks: another stands where it is put first, or it is a
 * folder. */
static void hinder(struct archive *archive, const char *sum) {
    char *path = NULL;
    assert_true(asprintf(&path, "%s/incoming/%s.gone", archive->folder, sum) > 0);
    while (mkdir(path, 0700) != 0) { /* one that went before is on its way out in the background */
        assert_int_equal(errno, EEXIST);
        usleep(1000);
    }
    free(path);
}

static void gc_counts_only_what_went_and_says_why_the_rest_is_left(void **state) {
    struct archive *archive = *state;
    leave(archive, FIRST, "first");
    leave(archive, SECOND, "second");
    hinder(archive, SECOND);
    const cJSON *cleared = gc(archive, "{\"dry_run\": false}");
    assert_int_equal(number_of(cleared, "files"), 1);
    assert_int_equal(number_of(cleared, "bytes"), 5);
    assert_int_equal(number_of(cleared, "left_files"), 1);
    assert_int_equal(number_of(cleared, "left_bytes"), 6);
    assert_non_null(strstr(text_of(cleared, "error"), "cannot remove "));
    assert_null(json_member(cleared, "next"));
    assert_int_equal(blobs_size(archive->blobs, FIRST), -1);
    assert_int_equal(blobs_size(archive->blobs, SECOND), 6);
    offer_until_there(archive, "a", "file", 0, SECOND, 6); /* it is to stay; another is left now */
    leave(archive, FIRST, "first");
    hinder(archive, FIRST);
    cleared = gc(archive, "{\"dry_run\": false}");
    assert_non_null(strstr(text_of(cleared, "error"), &FIRST[2]));
}

static void gc_does_not_say_removed_of_a_folder_that_is_gone(void **state) {
    struct archive *archive = *state;
    char *incoming = NULL;
    leave(archive, FIRST, "first");
    assert_true(asprintf(&incoming, "%s/incoming", archive->folder) > 0);
    assert_int_equal(rmdir(incoming), 0);
    const cJSON *cleared = gc(archive, "{\"dry_run\": false}");
    assert_int_equal(number_of(cleared, "files"), 0);
    assert_int_equal(number_of(cleared, "left_files"), 1);
    assert_int_equal(blobs_size(archive->blobs, FIRST), 5);
    free(incoming);
}

static void gc_of_very_many_files_that_cannot_go_ends(void **state) {
    struct archive *archive = *state;
    enum { FILES = 300 };
    char sum[SHA256_TEXT_SIZE];
    for (int i = 0; i < FILES; i++) {
        snprintf(sum, sizeof sum, "%064x", i);
        strand(archive, sum);
        hinder(archive, sum);
    }
    struct turns turns = gc_in_turns(archive, false);
    assert_true(turns.files == 0 && turns.left == FILES);
}

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
        ON_ARCHIVE(gc_counts_only_what_went_and_says_why_the_rest_is_left),
        ON_ARCHIVE(gc_does_not_say_removed_of_a_folder_that_is_gone),
        ON_ARCHIVE(gc_of_very_many_files_that_cannot_go_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
