/* archive: a bench (bench.h) whose coordinator keeps files, with a worker "w" that has an
 * experiment and sends them. cmocka's setup and teardown: archive_set, archive_strike. */
#ifndef ASSAY_TESTS_COORDINATOR_ARCHIVE_H
#define ASSAY_TESTS_COORDINATOR_ARCHIVE_H

#include "coordinator/blobs.h"
#include "tests/coordinator/bench.h"
#include "tests/temporary.h"

#include <unistd.h>

#include <cmocka.h>

/* hashlib.sha256 of b"first", b"second" */
#define FIRST "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"
#define SECOND "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"

struct archive {
    struct bench *bench;
    char *folder;
    struct blobs *blobs;
    long long experiment, attempt;
};

static inline int archive_set(void **state) {
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

static inline int archive_strike(void **state) {
    struct archive *archive = *state;
    void *bench = archive->bench, *folder = archive->folder;
    uploads_close(archive->bench->coordinator.uploads);
    blobs_close(archive->blobs);
    free(archive);
    return bench_strike(&bench) + temporary_remove(&folder);
}

static inline cJSON *body_offer(struct archive *archive, const char *name, const char *kind,
                                int epoch, const char *sum, int bytes) {
    return body("{\"worker\": \"w\", \"experiment\": %lld, \"attempt\": %lld, \"name\": \"%s\","
                " \"kind\": \"%s\", \"epoch\": %d, \"sha256\": \"%s\", \"bytes\": %d}",
                archive->experiment, archive->attempt, name, kind, epoch, sum, bytes);
}

static inline void refused_with(struct archive *archive, const char *name, cJSON *of_name,
                                const char *code, const char *part) {
    const cJSON *error = ask(archive->bench, name, of_name, "error");
    assert_string_equal(text_of(error, "code"), code);
    if (strstr(text_of(error, "message"), part) == NULL)
        fail_msg("\"%s\" does not say: %s", text_of(error, "message"), part);
}

/* A request (its body is taken) with a piece of a file behind it; the body of the answer. */
static inline const cJSON *ask_with(struct archive *archive, const char *name, cJSON *of_name,
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

static inline const cJSON *send_piece(struct archive *archive, const char *sum, int offset,
                                      const char *bytes, const char *expected) {
    return ask_with(archive, "send",
                    body("{\"worker\": \"w\", \"experiment\": %lld, \"attempt\": %lld,"
                         " \"sha256\": \"%s\", \"offset\": %d}",
                         archive->experiment, archive->attempt, sum, offset),
                    bytes, expected);
}

/* Asks the same until the answer is not `sealing` any more. */
static inline void offer_until_there(struct archive *archive, const char *name, const char *kind,
                                     int epoch, const char *sum, int bytes) {
    do {
        begin(archive->bench);
        answer(archive->bench, "offer", body_offer(archive, name, kind, epoch, sum, bytes));
        commit(archive->bench);
        usleep(1000);
    } while (strcmp(archive->bench->answer.name, "sealing") == 0);
    assert_string_equal(archive->bench->answer.name, "have");
}

static inline void upload(struct archive *archive, const char *name, const char *kind, int epoch,
                          const char *sum, const char *bytes) {
    ask(archive->bench, "offer", body_offer(archive, name, kind, epoch, sum, (int)strlen(bytes)),
        "want");
    send_piece(archive, sum, 0, bytes, "sealing");
    offer_until_there(archive, name, kind, epoch, sum, (int)strlen(bytes));
}

static inline int artifacts_shown(struct archive *archive) {
    return cJSON_GetArraySize(json_member(show(archive->bench, archive->experiment), "artifacts"));
}

static inline const cJSON *gc(struct archive *archive, const char *how) {
    return ask(archive->bench, "gc", body("%s", how), "cleared");
}

#define ON_ARCHIVE(test) cmocka_unit_test_setup_teardown(test, archive_set, archive_strike)

#endif
