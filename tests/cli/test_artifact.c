/* Which file stands for a checkpoint: the worker's own while it has the coordinator's bytes. */
#include "cli/artifact.h"

#include "core/file.h"
#include "core/safetensors.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* printf weights | sha256sum */
#define SUM "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"

/* The worker's file: `local`, or a checkpoint of an experiment of that seed. */
struct own {
    const char *local;
    int seed;
};

static cJSON *config_of(int seed) {
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, "name", "n");
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(config, "train"), "seed", seed);
    return config;
}

static void write_own(const char *path, const struct own *own) {
    struct error error = {0};
    if (own->local != NULL) {
        assert_true(file_write_atomic(path, own->local, strlen(own->local), &error));
        return;
    }
    cJSON *config = config_of(own->seed);
    char *text = cJSON_PrintUnformatted(config);
    const struct metadata metadata = {"config", text};
    assert_true(safetensors_write(path, NULL, 0, &metadata, 1, &error));
    free(text);
    cJSON_Delete(config);
}

/* The path that artifact_path chooses for an experiment of seed 0, in memory that the caller frees,
 * when the worker has written epoch 2 and the coordinator has "weights" of `epoch`, fetched here
 * before. */
static char *chosen(void **state, struct own written, int epoch) {
    char path[PATH_MAX], *home = temporary_path(state, "home"), *own = temporary_path(state, "own");
    char *folder = temporary_path(state, "home/fetched/" SUM);
    char *fetched = temporary_path(state, "home/fetched/" SUM "/checkpoint_best_loss.safetensors");
    struct error error = {0};
    struct client client = {0};
    assert_int_equal(setenv("ASSAY_HOME", home, 1), 0);
    assert_true(folder_make(folder, &error));
    assert_true(file_write_atomic(fetched, "weights", 7, &error));
    write_own(own, &written);
    cJSON *experiment = cJSON_CreateObject(), *checkpoint = cJSON_CreateObject(),
          *artifact = cJSON_CreateObject();
    cJSON_AddItemToObject(experiment, "config", config_of(0));
    cJSON_AddStringToObject(checkpoint, "kind", "best");
    cJSON_AddNumberToObject(checkpoint, "epoch", 2);
    cJSON_AddStringToObject(checkpoint, "path", own);
    cJSON_AddStringToObject(artifact, "kind", "best");
    cJSON_AddNumberToObject(artifact, "epoch", epoch);
    cJSON_AddStringToObject(artifact, "sha256", SUM);
    cJSON_AddStringToObject(artifact, "name", "checkpoint_best_loss.safetensors");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(experiment, "checkpoints"), checkpoint);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(experiment, "artifacts"), artifact);
    assert_true(artifact_path(&client, experiment, "best", path, &error));
    cJSON_Delete(experiment);
    free(home), free(own), free(folder), free(fetched);
    return strdup(path);
}

static void expect(void **state, const char *name, char *path) {
    char *expected = temporary_path(state, name);
    assert_string_equal(path, expected);
    free(expected);
    free(path);
}

static void the_worker_s_own_file_is_taken_where_it_is_here(void **state) {
    expect(state, "own", chosen(state, (struct own){.local = "weights"}, 2));
}

static void a_file_that_another_experiment_has_overwritten_is_not(void **state) {
    expect(state, "home/fetched/" SUM "/checkpoint_best_loss.safetensors",
           chosen(state, (struct own){.local = "another's"}, 2));
}

static void a_file_that_is_newer_than_what_was_sent_is(void **state) {
    expect(state, "own", chosen(state, (struct own){.seed = 0}, 1));
}

static void a_file_that_is_newer_and_of_another_experiment_is_not(void **state) {
    expect(state, "home/fetched/" SUM "/checkpoint_best_loss.safetensors",
           chosen(state, (struct own){.seed = 1}, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_worker_s_own_file_is_taken_where_it_is_here,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_another_experiment_has_overwritten_is_not,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_newer_and_of_another_experiment_is_not,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_newer_than_what_was_sent_is, temporary_make,
                                        temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
