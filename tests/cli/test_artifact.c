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

/* The worker's file: `local`, or a checkpoint of an experiment of that seed, of that epoch. */
struct own {
    const char *local;
    int seed;
    const char *epoch; /* NULL: it does not say */
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
    const struct metadata metadata[] = {{"config", text}, {"epoch", own->epoch}};
    assert_true(safetensors_write(path, NULL, 0, metadata, own->epoch != NULL ? 2 : 1, &error));
    free(text);
    cJSON_Delete(config);
}

/* The path that artifact_path chooses for `which` of an experiment of seed 0, in memory that the
 * caller frees, when the worker has told of epoch 2 and the coordinator has "weights" of `epoch`,
 * fetched here before. NULL when there is none, as the error says. */
static char *chosen_of(void **state, struct own written, int epoch, const char *which,
                       struct error *why) {
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
    bool there = artifact_path(&client, experiment, which, path, why);
    cJSON_Delete(experiment);
    free(home), free(own), free(folder), free(fetched);
    return there ? strdup(path) : NULL;
}

static char *chosen(void **state, struct own written, int epoch) {
    struct error error = {0};
    char *path = chosen_of(state, written, epoch, "best", &error);
    assert_non_null(path);
    return path;
}

static void expect(void **state, const char *name, char *path) {
    char *expected = temporary_path(state, name);
    assert_string_equal(path, expected);
    free(expected);
    free(path);
}

static void a_coordinator_that_names_no_file_of_its_folder_is_not_believed(void **state) {
    static const char *const named[][2] = {
        {"../" SUM, "a"}, {SUM, "../../../a"}, {SUM, ".."}, {SUM, "/a"}};
    (void)state;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        char path[PATH_MAX];
        struct error error = {0};
        struct client client = {0};
        cJSON *experiment = cJSON_CreateObject(), *artifact = cJSON_CreateObject();
        cJSON_AddStringToObject(artifact, "kind", "best");
        cJSON_AddStringToObject(artifact, "sha256", named[i][0]);
        cJSON_AddStringToObject(artifact, "name", named[i][1]);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(experiment, "artifacts"), artifact);
        assert_false(artifact_path(&client, experiment, "best", path, &error));
        assert_string_equal(error.message, "the coordinator names a file that cannot be");
        cJSON_Delete(experiment);
    }
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

static void an_epoch_that_was_written_over_before_it_was_sent_is_not_had(void **state) {
    struct error error = {0};
    expect(state, "own", chosen_of(state, (struct own){.epoch = "2"}, 1, "2", &error));
    assert_null(chosen_of(state, (struct own){.epoch = "3"}, 1, "2", &error));
    assert_non_null(strstr(error.message, "own is another checkpoint by now"));
    expect(state, "own", chosen(state, (struct own){.epoch = "3"}, 1));
}

static void add_checkpoint(cJSON *checkpoints, const char *kind, const char *path) {
    cJSON *checkpoint = cJSON_CreateObject();
    cJSON_AddStringToObject(checkpoint, "kind", kind);
    cJSON_AddNumberToObject(checkpoint, "epoch", 2);
    cJSON_AddStringToObject(checkpoint, "path", path);
    cJSON_AddItemToArray(checkpoints, checkpoint);
}

/* In the order in which `show` lists them. */
static void an_epoch_s_own_file_comes_before_one_that_is_written_over(void **state) {
    char path[PATH_MAX], *own = temporary_path(state, "own"), *last = temporary_path(state, "last");
    struct error error = {0};
    struct client client = {0};
    write_own(own, &(struct own){.epoch = "2"});
    write_own(last, &(struct own){.epoch = "2"});
    cJSON *experiment = cJSON_CreateObject(),
          *checkpoints = cJSON_AddArrayToObject(experiment, "checkpoints");
    cJSON_AddItemToObject(experiment, "config", config_of(0));
    add_checkpoint(checkpoints, "epoch", own);
    add_checkpoint(checkpoints, "last", last);
    assert_true(artifact_path(&client, experiment, "2", path, &error));
    assert_string_equal(path, own);
    assert_true(artifact_path(&client, experiment, "last", path, &error));
    assert_string_equal(path, last);
    cJSON_Delete(experiment);
    free(own), free(last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coordinator_that_names_no_file_of_its_folder_is_not_believed),
        cmocka_unit_test_setup_teardown(the_worker_s_own_file_is_taken_where_it_is_here,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_another_experiment_has_overwritten_is_not,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_newer_and_of_another_experiment_is_not,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_newer_than_what_was_sent_is, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(an_epoch_s_own_file_comes_before_one_that_is_written_over,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(
            an_epoch_that_was_written_over_before_it_was_sent_is_not_had, temporary_make,
            temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
