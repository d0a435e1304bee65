/* Pictures fetched from a coordinator that the test plays. */
#include "worker/provision.h"

#include "core/file.h"
#include "core/json.h"
#include "core/text.h"
#include "net/frames.h"
#include "tests/temporary.h"
#include "worker/trial.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>

#include <cmocka.h>

enum { CONTENTS_MOST = 16, PICTURE_BYTES = 1000 };

/* What was pushed, by its sum. */
struct content {
    char sum[SHA256_TEXT_SIZE];
    char *text;
};

struct stage {
    void *folder;
    char endpoint[64], *cache;
    void *context, *router;
    pthread_t thread;
    atomic_bool over; /* the thread is to end */
    struct content contents[CONTENTS_MOST];
    size_t count;
    int64_t cache_bytes;
    bool stop; /* what the events say */
    int fill;  /* another process's lock, which it leaves when that was asked twice; -1: none */
    int asked;
};

/* --- the coordinator --- */

static void answer(const struct stage *stage, struct frames *frames) {
    struct wire_message request;
    struct wire_packet packet;
    enum wire_code code;
    const char *text = NULL;
    if (!frames_decode(frames, 1, &request, &code, NULL))
        fail_msg("no message");
    for (size_t i = 0; i < stage->count; i++)
        if (strcmp(stage->contents[i].sum, json_string(request.body, "sha256")) == 0)
            text = stage->contents[i].text;
    cJSON *body =
        text != NULL ? cJSON_CreateObject() : wire_error_body(WIRE_NOT_FOUND, "no such file");
    if (text != NULL) {
        cJSON_AddNumberToObject(body, "offset", 0);
        cJSON_AddNumberToObject(body, "bytes", (double)strlen(text));
    }
    assert_true(
        wire_encode(text != NULL ? "piece" : "error", request.request, body, &packet, NULL));
    if (text != NULL)
        wire_packet_attach(&packet, strdup(text), strlen(text));
    frames_send(stage->router, &frames->parts[0], &packet);
    wire_packet_free(&packet);
    cJSON_Delete(body);
    wire_message_free(&request);
}

static void *serve(void *context) {
    struct stage *stage = context;
    while (!atomic_load(&stage->over)) {
        struct frames frames;
        zmq_pollitem_t item = {.socket = stage->router, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 20);
        if (!frames_receive(stage->router, &frames))
            continue;
        answer(stage, &frames);
        frames_free(&frames);
    }
    return NULL;
}

static int stage_set(void **state) {
    struct stage *stage = calloc(1, sizeof *stage);
    size_t size = sizeof stage->endpoint;
    if (stage == NULL || temporary_make(&stage->folder) != 0)
        return -1;
    *state = stage;
    stage->cache = temporary_path(&stage->folder, "cache");
    stage->cache_bytes = 1 << 20;
    stage->fill = -1;
    stage->context = zmq_ctx_new();
    stage->router = zmq_socket(stage->context, ZMQ_ROUTER);
    frames_set_options(stage->router, "");
    return zmq_bind(stage->router, "tcp://127.0.0.1:*") == 0 &&
                   zmq_getsockopt(stage->router, ZMQ_LAST_ENDPOINT, stage->endpoint, &size) == 0
               ? 0
               : -1;
}

static int stage_strike(void **state) {
    struct stage *stage = *state;
    zmq_close(stage->router);
    zmq_ctx_term(stage->context);
    for (size_t i = 0; i < stage->count; i++)
        free(stage->contents[i].text);
    free(stage->cache);
    int removed = temporary_remove(&stage->folder);
    free(stage);
    return removed;
}

/* Takes the text over. */
static const char *push(struct stage *stage, char *text) {
    struct content *content = &stage->contents[stage->count++];
    assert_true(stage->count <= CONTENTS_MOST);
    content->text = text;
    sha256_text(text, strlen(text), content->sum);
    return content->sum;
}

/* PICTURE_BYTES of a letter. */
static char *picture(char letter) {
    char *text = calloc(1, PICTURE_BYTES + 1);
    memset(text, letter, PICTURE_BYTES);
    return text;
}

/* --- the worker --- */

/* An experiment on pictures that are not here. */
struct wanted {
    struct experiment experiment;
    struct trainer_options options;
    struct provision provision;
};

static cJSON *fingerprint_of(const struct wanted *wanted) {
    return cJSON_GetObjectItem(cJSON_GetObjectItem(wanted->experiment.config, "data"),
                               "fingerprint");
}

/* Of one class more, each picture of which is the letter at its place: "aab" for a/0.png to
 * a/2.png. With `pushed` the coordinator has what of it is new. */
static void add_class(struct stage *stage, struct wanted *wanted, const char *letters,
                      bool pushed) {
    struct text listing = {0};
    char sum[SHA256_TEXT_SIZE];
    for (size_t i = 0; letters[i] != '\0'; i++) {
        char *text = picture(letters[i]);
        sha256_text(text, PICTURE_BYTES, sum);
        text_format(&listing, "%s  %c/%zu.png\n", sum, letters[0], i);
        if (pushed && strchr(letters, letters[i]) == letters + i)
            push(stage, text);
        else
            free(text);
    }
    sha256_text(text_string(&listing), listing.length, sum);
    if (pushed && listing.length > 0)
        push(stage, strdup(text_string(&listing)));
    if (wanted->experiment.config == NULL)
        wanted->experiment.config = cJSON_Parse("{\"data\":{\"fingerprint\":{\"classes\":[]}}}");
    cJSON *class = cJSON_CreateObject();
    cJSON_AddStringToObject(class, "name", letters);
    cJSON_AddNumberToObject(class, "pictures", (double)strlen(letters));
    cJSON_AddNumberToObject(class, "bytes", (double)strlen(letters) * PICTURE_BYTES);
    cJSON_AddStringToObject(class, "sha256", sum);
    cJSON_AddItemToArray(cJSON_GetObjectItem(fingerprint_of(wanted), "classes"), class);
    text_free(&listing);
}

static void add_list(struct stage *stage, struct wanted *wanted, const char *name,
                     const char *text) {
    cJSON *fingerprint = fingerprint_of(wanted), *lists = cJSON_GetObjectItem(fingerprint, "lists");
    if (lists == NULL)
        lists = cJSON_AddObjectToObject(fingerprint, "lists");
    cJSON_AddStringToObject(lists, name, push(stage, strdup(text)));
}

static bool stops(void *context) {
    struct stage *stage = context;
    if (stage->fill >= 0 && ++stage->asked == 2) {
        close(stage->fill);
        stage->fill = -1;
    }
    return stage->stop;
}

static struct supply_source serve_begin(struct stage *stage) {
    atomic_store(&stage->over, false);
    assert_int_equal(pthread_create(&stage->thread, NULL, serve, stage), 0);
    return (struct supply_source){.connect = stage->endpoint,
                                  .data_cache = stage->cache,
                                  .data_cache_bytes = stage->cache_bytes};
}

static void serve_end(struct stage *stage) {
    atomic_store(&stage->over, true);
    pthread_join(stage->thread, NULL);
}

static enum provision_outcome bring(struct stage *stage, struct wanted *wanted,
                                    struct error *error) {
    const struct trainer_events events = {.context = stage, .stop = stops};
    free(wanted->experiment.data.root);
    wanted->options.data_root = NULL;
    wanted->experiment.data.root = strdup("/nowhere/pictures");
    wanted->provision = (struct provision){.hold.descriptor = -1};
    const struct supply_source source = serve_begin(stage);
    enum provision_outcome outcome = provision_bring(&source, &wanted->experiment, &wanted->options,
                                                     &events, &wanted->provision, error);
    serve_end(stage);
    return outcome;
}

static void bring_all(struct stage *stage, struct wanted *wanted) {
    struct error error = {0};
    if (bring(stage, wanted, &error) != PROVISION_READY)
        fail_msg("%s", error.message);
    assert_non_null(strstr(wanted->experiment.data.root, stage->cache));
    assert_string_equal(wanted->options.data_root, wanted->provision.hold.path);
}

static void has_text(const char *path, const char *expected) {
    char *text = NULL;
    size_t length;
    struct error error = {0};
    if (!file_read(path, 1 << 20, &text, &length, &error))
        fail_msg("%s", error.message);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(text, expected, length);
    free(text);
}

/* Below data.root. */
static void is_there(const struct wanted *wanted, const char *name, char letter) {
    char *path = NULL, *expected = picture(letter);
    assert_true(asprintf(&path, "%s/%s", wanted->experiment.data.root, name) > 0);
    has_text(path, expected);
    free(path);
    free(expected);
}

static void forget(struct wanted *wanted) {
    provision_end(&wanted->provision);
    free(wanted->experiment.data.root);
    free(wanted->experiment.data.files.train);
    free(wanted->experiment.data.files.valid);
    free(wanted->experiment.data.files.test);
    cJSON_Delete(wanted->experiment.config);
}

/* --- the tests --- */

static void every_name_of_a_content_is_there(void **state) {
    struct wanted wanted = {0};
    add_class(*state, &wanted, "abbbbbbbc", true);
    bring_all(*state, &wanted);
    is_there(&wanted, "a/0.png", 'a');
    for (char name[] = "a/1.png"; name[2] <= '7'; name[2]++)
        is_there(&wanted, name, 'b');
    is_there(&wanted, "a/8.png", 'c');
    forget(&wanted);
}

static void a_class_without_pictures_needs_no_listing(void **state) {
    struct wanted wanted = {0};
    add_class(*state, &wanted, "", true);
    add_class(*state, &wanted, "a", true);
    add_class(*state, &wanted, "b", true);
    bring_all(*state, &wanted);
    is_there(&wanted, "a/0.png", 'a');
    is_there(&wanted, "b/0.png", 'b');
    forget(&wanted);
}

/* A line of a listing has 64 digits, two spaces, a path of three bytes and an end. */
enum { LINE_BYTES = 64 + 2 + 7 + 1 };

static void what_is_there_already_needs_no_room(void **state) {
    struct stage *stage = *state;
    struct wanted first = {0}, second = {0};
    add_class(stage, &first, "a", true);
    add_class(stage, &second, "ab", true);
    stage->cache_bytes = 2 * PICTURE_BYTES + 3 * LINE_BYTES;
    bring_all(stage, &first);
    bring_all(stage, &second);
    is_there(&second, "a/0.png", 'a');
    is_there(&second, "a/1.png", 'b');
    is_there(&first, "a/0.png", 'a'); /* which is held, and could not leave */
    forget(&first);
    forget(&second);
}

static void a_cache_that_is_too_small_takes_no_picture(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct error error = {0};
    add_class(stage, &wanted, "ab", true);
    stage->cache_bytes = 2 * PICTURE_BYTES + 2 * LINE_BYTES - 1;
    assert_int_equal(bring(stage, &wanted, &error), PROVISION_FAILED);
    assert_int_equal(error.cause, CAUSE_MACHINE);
    assert_non_null(strstr(error.message, "raise --data-cache-gib"));
    assert_int_equal(wanted.provision.hold.descriptor, -1);
    assert_string_equal(wanted.experiment.data.root, "/nowhere/pictures");
    forget(&wanted);
}

static void what_was_not_used_for_longest_makes_room(void **state) {
    struct stage *stage = *state;
    struct wanted first = {0}, second = {0};
    add_class(stage, &first, "a", true);
    add_class(stage, &second, "b", true);
    stage->cache_bytes = PICTURE_BYTES + 2 * LINE_BYTES;
    bring_all(stage, &first);
    provision_end(&first.provision);
    bring_all(stage, &second);
    is_there(&second, "b/0.png", 'b');
    assert_int_not_equal(access(first.experiment.data.root, F_OK), 0);
    forget(&first);
    forget(&second);
}

static void what_nobody_has_pushed_is_the_trainers_to_complain_of(void **state) {
    struct wanted wanted = {0};
    struct error error = {0};
    add_class(*state, &wanted, "a", false);
    assert_int_equal(bring(*state, &wanted, &error), PROVISION_READY);
    assert_string_equal(wanted.experiment.data.root, "/nowhere/pictures");
    assert_int_equal(wanted.provision.hold.descriptor, -1);
    forget(&wanted);
}

static void what_was_pushed_in_part_may_come_later(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct error error = {0};
    add_class(stage, &wanted, "ab", true);
    stage->contents[1].sum[0] ^= 1; /* the second picture */
    assert_int_equal(bring(stage, &wanted, &error), PROVISION_FAILED);
    assert_int_equal(error.cause, CAUSE_MACHINE);
    stage->contents[1].sum[0] ^= 1;
    bring_all(stage, &wanted);
    is_there(&wanted, "a/1.png", 'b');
    forget(&wanted);
}

static void split_files_come_too_and_one_that_two_sets_have_once(void **state) {
    struct stage *stage = *state;
    struct wanted first = {0}, second = {0};
    add_class(stage, &first, "a", true);
    add_class(stage, &second, "a", true);
    add_list(stage, &first, "train", "[1]");
    add_list(stage, &second, "train", "[1]");
    add_list(stage, &second, "valid", "[2]");
    add_list(stage, &second, "test", "[3]");
    second.experiment.data.files.train = strdup("/nowhere/1");
    second.experiment.data.files.valid = strdup("/nowhere/2");
    second.experiment.data.files.test = strdup("/nowhere/3");
    bring_all(stage, &first);
    bring_all(stage, &second);
    assert_string_not_equal(first.provision.hold.path, second.provision.hold.path);
    has_text(second.experiment.data.files.train, "[1]");
    has_text(second.experiment.data.files.valid, "[2]");
    has_text(second.experiment.data.files.test, "[3]");
    forget(&first);
    forget(&second);
}

/* It is this worker's disk that has lost something, and the experiment may go well on another. */
static void a_set_that_was_whole_and_cannot_be_mended_fails_no_experiment(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct error error = {0};
    char path[600];
    add_class(stage, &wanted, "a", true);
    bring_all(stage, &wanted);
    provision_end(&wanted.provision);
    for (; stage->count > 0; stage->count--) {
        const char *sum = stage->contents[stage->count - 1].sum;
        snprintf(path, sizeof path, "%s/pictures/%.2s/%s", stage->cache, sum, sum + 2);
        assert_int_equal(unlink(path), 0);
        free(stage->contents[stage->count - 1].text);
    }
    assert_int_equal(bring(stage, &wanted, &error), PROVISION_FAILED);
    assert_int_equal(error.cause, CAUSE_MACHINE);
    forget(&wanted);
}

static void expect_blame(struct stage *stage, const struct wanted *wanted, bool stop,
                         enum error_cause cause) {
    const struct trainer_events events = {.context = stage, .stop = stops};
    struct error error = {.code = ERROR_INPUT, .message = "a picture"};
    bool stopped = !stop;
    stage->stop = stop;
    provision_blame(&wanted->provision, &wanted->experiment, &wanted->options, &events, &stopped,
                    &error);
    assert_int_equal(stopped, stop);
    assert_int_equal(error.cause, cause);
    assert_int_equal(error.code, cause == CAUSE_UNKNOWN ? ERROR_INPUT : ERROR_FAILED);
    assert_non_null(strstr(error.message, "a picture"));
    stage->stop = false;
}

static void what_is_lost_while_a_run_reads_it_is_no_fault_of_the_experiment(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct experiment_class class = {.name = "ab", .dir = "a"};
    char *hashes = temporary_path(&stage->folder, "hashes.db"), path[600];
    add_class(stage, &wanted, "ab", true);
    expect_blame(stage, &wanted, false, CAUSE_UNKNOWN); /* they never were there */
    bring_all(stage, &wanted);
    wanted.experiment.data.classes = &class;
    wanted.experiment.data.class_count = 1;
    wanted.options.hashes = hashes;
    expect_blame(stage, &wanted, false, CAUSE_UNKNOWN);
    assert_true(file_write_atomic(hashes, "", 0, NULL));
    snprintf(path, sizeof path, "%s/a/1.png", wanted.experiment.data.root);
    assert_int_equal(unlink(path), 0);
    expect_blame(stage, &wanted, true, CAUSE_UNKNOWN);
    assert_int_equal(access(hashes, F_OK), 0);
    expect_blame(stage, &wanted, false, CAUSE_MACHINE);
    assert_int_not_equal(access(hashes, F_OK), 0); /* it may say that the picture is what it was */
    provision_end(&wanted.provision);
    bring_all(stage, &wanted);
    is_there(&wanted, "a/1.png", 'b');
    provision_end(&wanted.provision);
    /* nor is what was in data.root */
    const struct trainer_events events = {.context = stage, .stop = stops};
    const struct supply_source source = {.data_cache = stage->cache, .data_cache_bytes = 1};
    wanted.options.data_root = NULL;
    wanted.provision = (struct provision){.hold.descriptor = -1};
    assert_int_equal(provision_bring(&source, &wanted.experiment, &wanted.options, &events,
                                     &wanted.provision, NULL),
                     PROVISION_READY);
    assert_null(wanted.provision.hold.path);
    expect_blame(stage, &wanted, false, CAUSE_UNKNOWN);
    assert_int_equal(unlink(path), 0);
    expect_blame(stage, &wanted, false, CAUSE_MACHINE);
    forget(&wanted);
    free(hashes);
}

static enum trainer_outcome lose_a_picture(const struct experiment *experiment,
                                           const struct trainer_options *options,
                                           const struct trainer_events *events,
                                           struct error *error) {
    char path[600];
    (void)options, (void)events;
    snprintf(path, sizeof path, "%s/a/1.png", experiment->data.root);
    unlink(path);
    error_set(error, ERROR_INPUT, "a picture");
    return TRAINER_FAILED;
}

static void a_trial_that_fails_for_that_is_the_machines_failure(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {.experiment.data = {.class_count = 1}};
    struct trial *trial;
    struct trial_item end;
    add_class(stage, &wanted, "ab", true);
    wanted.experiment.data.root = strdup("/nowhere/pictures");
    wanted.experiment.data.classes = calloc(1, sizeof(struct experiment_class));
    wanted.experiment.data.classes->name = strdup("ab");
    wanted.experiment.data.classes->dir = strdup("a");
    const struct trial_supply supply = {.source = serve_begin(stage)};
    assert_true(trial_start(lose_a_picture, &wanted.experiment, &wanted.options, &supply, "host",
                            &trial, NULL));
    struct pollfd ready = {.fd = trial_fd(trial), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 60000), 1);
    assert_true(trial_take(trial, &end));
    assert_int_equal(end.outcome, TRAINER_FAILED);
    assert_int_equal(end.error.cause, CAUSE_MACHINE);
    trial_free(trial);
    serve_end(stage);
}

static void what_is_no_fingerprint_makes_no_folder(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct error error = {0};
    add_class(stage, &wanted, "a", true);
    add_list(stage, &wanted, "train", "[1]");
    cJSON *fingerprint = fingerprint_of(&wanted);
    cJSON *sums[] = {
        cJSON_GetObjectItem(cJSON_GetObjectItem(fingerprint, "lists"), "train"),
        cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(fingerprint, "classes"), 0),
                            "sha256")};
    for (size_t i = 0; i < 2; i++) {
        char *right = strdup(sums[i]->valuestring);
        cJSON_SetValuestring(sums[i], "../../x");
        assert_int_equal(bring(stage, &wanted, &error), PROVISION_READY);
        assert_string_equal(wanted.experiment.data.root, "/nowhere/pictures");
        assert_int_not_equal(access(stage->cache, F_OK), 0);
        cJSON_SetValuestring(sums[i], right);
        free(right);
    }
    forget(&wanted);
}

static void take_fill(struct stage *stage) {
    char path[600];
    snprintf(path, sizeof path, "%s/fill", stage->cache);
    assert_true(folder_make_of(path, NULL));
    stage->fill = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_int_equal(flock(stage->fill, LOCK_EX), 0);
}

static void who_fills_is_waited_for(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    add_class(stage, &wanted, "a", true);
    take_fill(stage);
    bring_all(stage, &wanted);
    assert_true(stage->asked >= 2);
    is_there(&wanted, "a/0.png", 'a');
    forget(&wanted);
}

static void who_waits_for_one_that_fills_can_be_stopped(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct error error = {0};
    add_class(stage, &wanted, "a", true);
    take_fill(stage);
    stage->stop = true;
    assert_int_equal(bring(stage, &wanted, &error), PROVISION_STOPPED);
    assert_int_equal(stage->asked, 1);
    close(stage->fill);
    forget(&wanted);
}

static void one_that_is_to_stop_fetches_nothing(void **state) {
    struct stage *stage = *state;
    struct wanted wanted = {0};
    struct error error = {0};
    add_class(stage, &wanted, "a", true);
    stage->stop = true;
    assert_int_equal(bring(stage, &wanted, &error), PROVISION_STOPPED);
    assert_int_equal(wanted.provision.hold.descriptor, -1);
    forget(&wanted);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(every_name_of_a_content_is_there),
        ON_STAGE(a_class_without_pictures_needs_no_listing),
        ON_STAGE(what_is_there_already_needs_no_room),
        ON_STAGE(a_cache_that_is_too_small_takes_no_picture),
        ON_STAGE(what_was_not_used_for_longest_makes_room),
        ON_STAGE(what_nobody_has_pushed_is_the_trainers_to_complain_of),
        ON_STAGE(what_was_pushed_in_part_may_come_later),
        ON_STAGE(split_files_come_too_and_one_that_two_sets_have_once),
        ON_STAGE(a_set_that_was_whole_and_cannot_be_mended_fails_no_experiment),
        ON_STAGE(what_is_lost_while_a_run_reads_it_is_no_fault_of_the_experiment),
        ON_STAGE(a_trial_that_fails_for_that_is_the_machines_failure),
        ON_STAGE(what_is_no_fingerprint_makes_no_folder),
        ON_STAGE(who_fills_is_waited_for),
        ON_STAGE(who_waits_for_one_that_fills_can_be_stopped),
        ON_STAGE(one_that_is_to_stop_fetches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
