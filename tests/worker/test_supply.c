/* What an assignment needs and cannot be asked for: it is the machine that lacks something then,
 * and neither the experiment's fault nor a reason to begin it again. */
#include "worker/supply.h"

#include "core/depot.h"
#include "core/file.h"
#include "core/json.h"
#include "tests/temporary.h"
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
        IN_FOLDER(a_fork_does_not_fail_because_a_key_cannot_be_read),
        IN_FOLDER(pictures_are_not_missing_because_a_key_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
