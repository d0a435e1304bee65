/* What a worker tells the coordinator when memory is refused at every moment in turn. */
#include "core/essence.h"
#include "core/file.h"
#include "core/json.h"
#include "core/shortage.h"
#include "tests/refusing.h"
#include "tests/temporary.h"
#include "tests/worker/tiny_checkpoint.h"
#include "worker/bench.h"
#include "worker/devices.h"
#include "worker/fork.h"
#include "worker/nn/network.h"
#include "worker/provision.h"
#include "worker/request.h"
#include "worker/supply.h"
#include "worker/trial.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

/* Without its body the coordinator would call it invalid, and the worker drop it. */
static void a_report_is_sent_whole_or_not_at_all(void **state) {
    char kind[] = "epoch", text[] = "{\"epoch\":1,\"best\":true}";
    const struct spooled report = {
        .sequence = 3, .experiment = 1, .attempt = 2, .kind = kind, .body = text};
    const struct asker asker = {.worker = "w", .history = ""};
    (void)state;
    REFUSE_EACH(n) {
        cJSON *body = request_report(&asker, &report);
        char *sent = body != NULL ? json_text(body) : NULL;
        refuse_no_more();
        assert_true((sent == NULL) == refused);
        assert_string_equal(sent != NULL ? sent : "",
                            refused ? ""
                                    : "{\"worker\":\"w\",\"experiment\":1,\"attempt\":2,"
                                      "\"sequence\":3,\"kind\":\"epoch\","
                                      "\"body\":{\"epoch\":1,\"best\":true}}");
        free(sent);
        cJSON_Delete(body);
        shortage_in_trees();
    }
}

static size_t moment; /* of the trainer's thread that is refused */
static bool has_come;

static enum trainer_outcome report_one(const struct experiment *experiment,
                                       const struct trainer_options *options,
                                       const struct trainer_events *events, struct error *error) {
    const struct checkpoint_report report = {.kind = "last", .epoch = 1, .path = "/x"};
    (void)experiment, (void)options, (void)error;
    refused = false;
    refuse_after = moment;
    events->checkpoint(events->context, &report);
    refuse_no_more();
    has_come = refused;
    return TRAINER_DONE;
}

static void a_trial_that_could_not_make_a_report_is_not_done(void **state) {
    (void)state;
    for (moment = 1, has_come = true; has_come; moment++) {
        struct experiment experiment = {0};
        const struct trainer_options options = {0};
        const struct trial_supply supply = {0};
        struct trial *trial;
        struct trial_item item = {.kind = "none yet"};
        size_t reports = 0;
        assert_true(trial_start(report_one, &experiment, &options, &supply, "host", &trial, NULL));
        while (item.kind != NULL) {
            struct pollfd ready = {.fd = trial_fd(trial), .events = POLLIN};
            trial_item_free(&item);
            item.kind = "none yet";
            poll(&ready, 1, -1);
            if (!trial_take(trial, &item))
                continue;
            char *text = item.kind != NULL ? json_text(item.body) : NULL;
            assert_string_equal(text != NULL ? text : "",
                                text == NULL ? ""
                                             : "{\"kind\":\"last\",\"epoch\":1,\"path\":\"/x\","
                                               "\"host\":\"host\"}");
            reports += text != NULL;
            free(text);
        }
        assert_int_equal(reports, item.outcome == TRAINER_DONE ? 1 : 0);
        assert_true(item.outcome == TRAINER_DONE || item.error.cause == CAUSE_MACHINE);
        trial_free(trial);
        assert_true(has_come || item.outcome == TRAINER_DONE);
    }
}

static void a_network_is_described_whole_or_not_at_all(void **state) {
    (void)state;
    REFUSE_FROM_EACH(n) {
        struct network network;
        struct error error = {0};
        bool good = network_build("resnet18", HEAD_DROPOUT, 0.5, &network, &error);
        refuse_no_more();
        assert_true(good == !refused);
        assert_true(good || error_is_shortage(&error));
        if (good)
            network_free(&network);
    }
}

/* --- what a run goes on from --- */

static void a_fork_has_its_best_checkpoint_or_does_not_begin(void **state) {
    char *from = tiny_checkpoint(state, "checkpoint_epoch_002.safetensors", 2),
         *best = tiny_checkpoint(state, "checkpoint_best_loss.safetensors", 1);
    const struct trainer_options options = {.from = {from, "host", 2}};
    struct experiment experiment;
    struct faults faults = {0};
    cJSON *json = json_parse(tiny_config, strlen(tiny_config), "config", NULL);
    assert_true(experiment_from_json(json, &experiment, &faults));
    REFUSE_EACH(n) {
        struct fork fork;
        struct error error = {0};
        bool good = fork_open(&options, &experiment, &fork, &error);
        refuse_no_more();
        assert_true(good ? fork.best != NULL : error_is_shortage(&error));
        fork_close(&fork);
    }
    experiment_free(&experiment);
    cJSON_Delete(json);
    free(from);
    free(best);
}

static bool now(void *context) {
    (void)context;
    return true;
}

/* Nobody listens where the older ones would be fetched from. */
static void a_checkpoint_that_is_as_far_is_not_fetched_over_for_want_of_memory(void **state) {
    char *last = tiny_checkpoint(state, "checkpoint_last.safetensors", 2),
         *best = tiny_checkpoint(state, "checkpoint_best_loss.safetensors", 1);
    const struct supply_source source = {.connect = "ipc:///nowhere/at/all"};
    const struct experiment experiment = {.name = "x"};
    const struct trainer_options options = {.dir = *state};
    const struct trainer_events events = {.stop = now};
    cJSON *files = cJSON_Parse("[{\"kind\":\"best\",\"epoch\":1},{\"kind\":\"last\",\"epoch\":2}]");
    REFUSE_EACH(n) {
        struct error error = {0};
        bool stopped = false;
        bool good = supply_bring(&source, files, &experiment, &options, &events, &stopped, &error);
        refuse_no_more();
        assert_true(good || error_is_shortage(&error));
        assert_false(stopped);
    }
    cJSON_Delete(files);
    free(last);
    free(best);
}

static void a_checkpoint_is_not_taken_for_anothers_for_want_of_memory(void **state) {
    char *last = tiny_checkpoint(state, "checkpoint_last.safetensors", 2);
    cJSON *json = json_parse(tiny_config, strlen(tiny_config), "config", NULL);
    REFUSE_EACH(n) {
        struct error error = {0};
        bool same = essence_of_file(last, json, &error);
        refuse_no_more();
        assert_true(same || error_is_shortage(&error));
        shortage_in_trees();
    }
    cJSON_Delete(json);
    free(last);
}

/* What it says is nobody's here. */
static int quietly(int (*run)(int argc, char **argv), int argc, char **argv) {
    fflush(stdout);
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(out >= 0 && err >= 0 && nowhere >= 0);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    int code = run(argc, argv);
    refuse_no_more();
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(nowhere);
    return code;
}

static void what_a_list_lacks_is_not_printed_without(void **state) {
    static const struct {
        int (*run)(int argc, char **argv);
        const char *argv[8];
    } commands[] = {
        {devices_main, {"devices"}},
        {devices_main, {"devices", "--json"}},
        {bench_main, {"bench", "--steps", "0", "--layers", "--size", "32", "--arch=resnet18"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        REFUSE_EACH(n) {
            char *argv[9] = {NULL};
            int argc = 0;
            for (; argc < 8 && commands[i].argv[argc] != NULL; argc++)
                argv[argc] = (char *)commands[i].argv[argc];
            int code = quietly(commands[i].run, argc, argv);
            assert_int_equal(code, refused ? ERROR_FAILED : 0);
            shortage_in_trees();
        }
}

/* As it would be kept under its sum in a data cache. */
static void keep_content(const char *cache, const char *content) {
    char sha256[SHA256_TEXT_SIZE], path[PATH_MAX];
    sha256_text(content, strlen(content), sha256);
    snprintf(path, sizeof path, "%s/pictures/%.2s/%s", cache, sha256, sha256 + 2);
    assert_true(folder_make_of(path, NULL));
    assert_true(file_write_atomic(path, content, strlen(content), NULL));
}

/* Else the trainer would find the pictures missing, and the experiment would be to blame. */
static void pictures_that_are_to_be_fetched_are_or_the_machine_is_to_blame(void **state) {
    char listing[2 * SHA256_TEXT_SIZE + 32], described[512], sum[SHA256_TEXT_SIZE],
        sums[2][SHA256_TEXT_SIZE];
    char *nowhere = temporary_path(state, "nowhere");
    sha256_text("abc", 3, sums[0]);
    sha256_text("other", 5, sums[1]);
    snprintf(listing, sizeof listing, "%s  a.png\n%s  b.png\n", sums[0], sums[1]);
    sha256_text(listing, strlen(listing), sum);
    snprintf(described, sizeof described,
             "{\"data\": {\"fingerprint\": {\"classes\": [{\"name\": \"a\", \"pictures\": 2,"
             " \"bytes\": 8, \"sha256\": \"%s\"}]}}}",
             sum);
    REFUSE_EACH(n) {
        const size_t after = refuse_after;
        refuse_no_more();
        char name[32];
        snprintf(name, sizeof name, "cache-%zu", n);
        char *cache = temporary_path(state, name);
        keep_content(cache, "abc");
        keep_content(cache, "other");
        keep_content(cache, listing);
        struct experiment_class class = {"a", "a", 0, 1};
        struct experiment experiment = {.config = cJSON_Parse(described)};
        experiment.data.root = strdup(nowhere);
        experiment.data.classes = &class;
        experiment.data.class_count = 1;
        assert_non_null(experiment.config);
        const struct supply_source source = {
            .connect = "tcp://127.0.0.1:1", .data_cache = cache, .data_cache_bytes = 1 << 20};
        struct trainer_options options = {0};
        const struct trainer_events events = {0};
        struct provision provision = {.hold.descriptor = -1};
        struct error error = {0};
        refuse_after = after;
        enum provision_outcome outcome =
            provision_bring(&source, &experiment, &options, &events, &provision, &error);
        refuse_no_more();
        bool brought = outcome == PROVISION_READY && options.data_root != NULL;
        if (!brought) {
            assert_true(refused);
            assert_int_equal(outcome, PROVISION_FAILED);
            assert_int_equal(error.cause, CAUSE_MACHINE);
            assert_non_null(strstr(error.message, "memory"));
        }
        provision_end(&provision);
        cJSON_Delete(experiment.config);
        free(experiment.data.root);
        free(cache);
        shortage_in_trees();
    }
    free(nowhere);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_described_whole_or_not_at_all),
        cmocka_unit_test(what_a_list_lacks_is_not_printed_without),
        cmocka_unit_test(a_report_is_sent_whole_or_not_at_all),
        IN_FOLDER(a_fork_has_its_best_checkpoint_or_does_not_begin),
        IN_FOLDER(pictures_that_are_to_be_fetched_are_or_the_machine_is_to_blame),
        IN_FOLDER(a_checkpoint_that_is_as_far_is_not_fetched_over_for_want_of_memory),
        IN_FOLDER(a_checkpoint_is_not_taken_for_anothers_for_want_of_memory),
        cmocka_unit_test(a_trial_that_could_not_make_a_report_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
