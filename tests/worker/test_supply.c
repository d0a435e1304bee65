/* What an assignment needs and cannot be asked for: it is the machine that lacks something then,
 * and neither the experiment's fault nor a reason to begin it again. */
#include "worker/supply.h"

#include "core/depot.h"
#include "core/file.h"
#include "core/json.h"
#include "tests/worker/tiny_checkpoint.h"
#include "worker/fetching.h"
#include "worker/provision.h"
#include "worker/resume.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SUM "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct dealer_keys gone = {.key = "/nowhere/key", .server = "/nowhere/server"};
static const struct trainer_events events = {0};

static struct supply_source source_in(const char *cache) {
    return (struct supply_source){.connect = "tcp://127.0.0.1:1",
                                  .keys = &gone,
                                  .data_cache = cache,
                                  .data_cache_bytes = 1 << 20};
}

static void expect_machine(const struct error *error) {
    assert_int_equal(error->code, ERROR_FAILED);
    assert_int_equal(error->cause, CAUSE_MACHINE);
    assert_non_null(strstr(error->message, "/nowhere/server: "));
}

static void a_run_is_not_begun_again_because_a_key_cannot_be_read(void **state) {
    const struct supply_source source = source_in(NULL);
    const struct trainer_options options = {.dir = *state};
    const struct experiment experiment = {.name = "e"};
    cJSON *files =
        cJSON_Parse("[{\"kind\":\"best\",\"epoch\":2,\"sha256\":\"" SUM "\",\"bytes\":1},"
                    "{\"kind\":\"last\",\"epoch\":3,\"sha256\":\"" SUM "\",\"bytes\":1}]");
    struct error error = {0};
    bool stopped = true;
    assert_false(supply_bring(&source, files, &experiment, &options, &events, &stopped, &error));
    assert_false(stopped);
    expect_machine(&error);
    cJSON_Delete(files);
}

static bool stops_soon(void *context) {
    int *asked = context;
    return ++*asked > 100;
}

static void what_the_shared_folder_has_is_linked_without_asking(void **state) {
    char shared[PATH_MAX], *best = checkpoint_path_best(*state),
                           *last = checkpoint_path_last(*state);
    int asked = 0;
    const struct trainer_events stopping = {.context = &asked, .stop = stops_soon};
    const struct supply_source source = {.connect = "tcp://127.0.0.1:1", .shared = *state};
    const struct trainer_options options = {.dir = *state};
    const struct experiment experiment = {.name = "e"};
    cJSON *files =
        cJSON_Parse("[{\"kind\":\"last\",\"epoch\":3,\"sha256\":\"" SUM "\",\"bytes\":1},"
                    "{\"kind\":\"best\",\"epoch\":3,\"sha256\":\"" SUM "\",\"bytes\":1}]");
    struct stat stored, linked;
    bool stopped = true;
    assert_true(depot_file(*state, SUM, shared) && folder_make_of(shared, NULL) &&
                file_write_atomic(shared, "x", 1, NULL));
    assert_true(supply_bring(&source, files, &experiment, &options, &stopping, &stopped, NULL));
    assert_false(stopped);
    assert_int_equal(stat(shared, &stored), 0);
    assert_true(stat(best, &linked) == 0 && linked.st_ino == stored.st_ino);
    assert_true(stat(last, &linked) == 0 && linked.st_ino == stored.st_ino);
    cJSON_Delete(files);
    free(best);
    free(last);
}

/* --- what is there already --- */

#define OTHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONTENT(sum) "{\"sha256\":\"" sum "\",\"bytes\":1}"

/* A run's folder, and one that the coordinator shares: its best one is SUM, the other OTHER. */
struct bench {
    char *run, *shared, *best, *last, *log, sums[2][PATH_MAX];
    struct supply_source source;
    struct trainer_options options;
    cJSON *files; /* of epochs 1 and 2 */
};

static void put(const char *path) {
    assert_true(folder_make_of(path, NULL) && file_write_atomic(path, "x", 1, NULL));
}

static struct bench bench_open(void **state) {
    struct bench bench = {.run = temporary_path(state, "run"),
                          .shared = temporary_path(state, "shared"),
                          .log = temporary_path(state, "run/train.log")};
    bench.best = checkpoint_path_best(bench.run);
    bench.last = checkpoint_path_last(bench.run);
    put(bench.log);
    assert_true(depot_file(bench.shared, SUM, bench.sums[0]));
    assert_true(depot_file(bench.shared, OTHER, bench.sums[1]));
    put(bench.sums[0]);
    put(bench.sums[1]);
    bench.source = (struct supply_source){.connect = "tcp://127.0.0.1:1", .shared = bench.shared};
    bench.options = (struct trainer_options){.dir = bench.run};
    bench.files =
        cJSON_Parse("[{\"kind\":\"last\",\"epoch\":2,\"sha256\":\"" OTHER "\",\"bytes\":1},"
                    "{\"kind\":\"best\",\"epoch\":1,\"sha256\":\"" SUM "\",\"bytes\":1}]");
    return bench;
}

static void bench_close(struct bench *bench) {
    cJSON_Delete(bench->files);
    free(bench->run);
    free(bench->shared);
    free(bench->best);
    free(bench->last);
    free(bench->log);
}

static bool same_file(const char *a, const char *b) {
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_ino == other.st_ino;
}

static void bring(const struct bench *bench) {
    const struct experiment experiment = {.name = "e"};
    int asked = 0;
    const struct trainer_events stopping = {.context = &asked, .stop = stops_soon};
    bool stopped = true;
    assert_true(supply_bring(&bench->source, bench->files, &experiment, &bench->options, &stopping,
                             &stopped, NULL));
    assert_false(stopped);
}

static void what_is_as_far_is_gone_on_with_while_its_best_is_there(void **state) {
    struct bench bench = bench_open(state);
    free(tiny_checkpoint(state, "run/checkpoint_best_loss.safetensors", 1));
    free(tiny_checkpoint(state, "run/checkpoint_last.safetensors", 2));
    bring(&bench);
    assert_false(same_file(bench.best, bench.sums[0]) || same_file(bench.last, bench.sums[1]));
    assert_int_equal(access(bench.log, F_OK), 0);
    assert_int_equal(unlink(bench.best), 0);
    bring(&bench);
    assert_true(same_file(bench.best, bench.sums[0]) && same_file(bench.last, bench.sums[1]));
    assert_int_not_equal(access(bench.log, F_OK), 0); /* it was of what is gone */
    bench_close(&bench);
}

static void what_another_folder_has_is_not_brought(void **state) {
    struct bench bench = bench_open(state);
    char *other = temporary_path(state, "other/checkpoint_last.safetensors");
    assert_true(folder_make_of(other, NULL));
    free(tiny_checkpoint(state, "other/checkpoint_best_loss.safetensors", 1));
    free(tiny_checkpoint(state, "other/checkpoint_last.safetensors", 2));
    bench.options.resume = other;
    bring(&bench);
    assert_int_not_equal(access(bench.last, F_OK), 0);
    assert_int_equal(access(bench.log, F_OK), 0);
    free(other);
    bench_close(&bench);
}

static void what_is_less_far_is_not_gone_on_with(void **state) {
    struct bench bench = bench_open(state);
    free(tiny_checkpoint(state, "run/checkpoint_best_loss.safetensors", 1));
    assert_int_equal(link(bench.best, bench.last), 0);
    bring(&bench);
    assert_true(same_file(bench.best, bench.sums[0]) && same_file(bench.last, bench.sums[1]));
    bench_close(&bench);
}

static void what_cannot_be_had_is_done_without_and_who_waits_for_it_may_be_stopped(void **state) {
    struct bench bench = bench_open(state);
    const struct experiment experiment = {.name = "e"};
    int asked = 95;
    const struct trainer_events stopping = {.context = &asked, .stop = stops_soon};
    bool stopped = false;
    assert_int_equal(unlink(bench.sums[0]), 0); /* nobody is there to be asked for it */
    assert_false(supply_bring(&bench.source, bench.files, &experiment, &bench.options, &stopping,
                              &stopped, NULL));
    assert_true(stopped);
    cJSON_Delete(bench.files);
    bench.files = cJSON_Parse("[{\"kind\":\"best\",\"epoch\":1,\"sha256\":\"x\",\"bytes\":1},"
                              "{\"kind\":\"last\",\"epoch\":2,\"sha256\":\"x\",\"bytes\":1}]");
    bring(&bench);
    assert_int_equal(access(bench.log, F_OK), 0);
    cJSON_Delete(bench.files);
    bench.files =
        cJSON_Parse("[{\"kind\":\"last\",\"epoch\":2,\"sha256\":\"" OTHER "\",\"bytes\":1}]");
    bring(&bench);
    assert_int_not_equal(access(bench.last, F_OK), 0);
    bench_close(&bench);
}

/* Expects a fork of epoch 2 to begin with what is fetched, or with what its path says. */
static void fork_from(struct bench *bench, const char *from, const char *at, bool fetched) {
    char *path = NULL;
    bool stopped = true;
    cJSON *json = cJSON_Parse(from);
    struct trainer_options options = bench->options;
    options.from.path = at;
    options.from.epoch = 2;
    assert_true(supply_fork(&bench->source, json, access(at, F_OK) == 0, &options, &events, &path,
                            &stopped, NULL));
    assert_false(stopped);
    assert_ptr_equal(options.from.path, fetched ? path : at);
    assert_true(!fetched || same_file(path, bench->sums[1]));
    free(path);
    cJSON_Delete(json);
}

static void a_fork_goes_on_from_what_is_there_or_else_from_what_is_stored(void **state) {
    static const char alone[] = "{\"file\":" CONTENT(OTHER) "}",
                      both[] = "{\"file\":" CONTENT(OTHER) ",\"best\":" CONTENT(SUM) "}";
    struct bench bench = bench_open(state);
    char *at = temporary_path(state, "other/checkpoint_epoch_002.safetensors"),
         *fetched = temporary_path(state, "run/from/checkpoint_epoch_002.safetensors"),
         *best = temporary_path(state, "run/from/checkpoint_best_loss.safetensors");
    fork_from(&bench, "{}", at, false);
    fork_from(&bench, alone, at, true);
    assert_true(same_file(fetched, bench.sums[1]));
    assert_int_not_equal(access(best, F_OK), 0);
    fork_from(&bench, both, at, true);
    assert_true(same_file(best, bench.sums[0]));
    assert_true(folder_make_of(at, NULL));
    free(tiny_checkpoint(state, "other/checkpoint_epoch_002.safetensors", 2));
    fork_from(&bench, both, at, true); /* its best is not beside it */
    fork_from(&bench, alone, at, false);
    free(tiny_checkpoint(state, "other/checkpoint_best_loss.safetensors", 1));
    fork_from(&bench, both, at, false);
    assert_int_equal(unlink(at), 0);
    free(tiny_checkpoint(state, "run/checkpoint_best_loss.safetensors", 1));
    free(tiny_checkpoint(state, "run/checkpoint_last.safetensors", 2));
    fork_from(&bench, both, at, false); /* it has begun */
    free(at);
    free(fetched);
    free(best);
    bench_close(&bench);
}

static void keep_progress(void *context, const struct progress *progress) {
    *(struct progress *)context = *progress;
}

static bool once(void *context) {
    return ((struct progress *)context)->step == 1;
}

static void what_is_fetched_is_told_in_whole_MiB_of_what_is_begun(void **state) {
    struct progress told = {0};
    const struct trainer_events following = {
        .context = &told, .progress = keep_progress, .stop = once};
    struct fetching fetching = {.events = &following, .bytes = (1 << 20) + 1};
    (void)state;
    assert_true(fetching_go_on(&fetching, (1 << 20) - 1));
    assert_string_equal(told.phase, "fetch");
    assert_true(told.epoch == 0 && told.step == 0 && told.steps == 2);
    assert_false(fetching_go_on(&fetching, 1 << 20));
    assert_true(told.step == 1);
    told.step = 0;
    assert_true(fetching_stopped(&fetching)); /* asked once, it stays so */
}

static void a_fork_does_not_fail_because_a_key_cannot_be_read(void **state) {
    const struct supply_source source = source_in(NULL);
    struct trainer_options options = {.dir = *state, .from = {"/nowhere/c", "elsewhere", 2}};
    cJSON *from = cJSON_Parse("{\"file\":{\"sha256\":\"" SUM "\",\"bytes\":1}}");
    struct error error = {0};
    bool stopped = true;
    char *path = NULL;
    assert_false(supply_fork(&source, from, false, &options, &events, &path, &stopped, &error));
    assert_false(stopped);
    expect_machine(&error);
    cJSON_Delete(from);
    free(path);
}

static void pictures_are_not_missing_because_a_key_cannot_be_read(void **state) {
    char *cache = temporary_path(state, "cache");
    const struct supply_source source = source_in(cache);
    struct trainer_options options = {.dir = *state};
    struct experiment experiment = {.name = "e", .data.root = "/nowhere/pictures"};
    struct provision provision = {.hold.descriptor = -1};
    struct error error = {0};
    experiment.config = cJSON_Parse("{\"data\":{\"fingerprint\":{\"classes\":[{\"name\":\"a\","
                                    "\"pictures\":1,\"bytes\":1,\"sha256\":\"" SUM "\"}]}}}");
    assert_int_equal(provision_bring(&source, &experiment, &options, &events, &provision, &error),
                     PROVISION_FAILED);
    expect_machine(&error);
    cJSON_Delete(experiment.config);
    free(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_run_is_not_begun_again_because_a_key_cannot_be_read),
        IN_FOLDER(what_the_shared_folder_has_is_linked_without_asking),
        IN_FOLDER(what_is_as_far_is_gone_on_with_while_its_best_is_there),
        IN_FOLDER(what_another_folder_has_is_not_brought),
        IN_FOLDER(what_is_less_far_is_not_gone_on_with),
        IN_FOLDER(what_cannot_be_had_is_done_without_and_who_waits_for_it_may_be_stopped),
        IN_FOLDER(a_fork_goes_on_from_what_is_there_or_else_from_what_is_stored),
        cmocka_unit_test(what_is_fetched_is_told_in_whole_MiB_of_what_is_begun),
        IN_FOLDER(a_fork_does_not_fail_because_a_key_cannot_be_read),
        IN_FOLDER(pictures_are_not_missing_because_a_key_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
