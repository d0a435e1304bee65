#include "worker/checkpoint.h"

#include "core/content_sum.h"
#include "core/file.h"
#include "core/safetensors.h"
#include "tests/refusing.h"
#include "tests/temporary.h"
#include "tests/worker/fake_backend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char config[] = "{\"name\":\"a\\u00e4\",\"train\":{\"lr\":0.0002,\"seed\":1}}";

/* A network of two parts, so that its files are small: conv1 and bn1 as torchvision has them. */
static struct parameter parameters[] = {
    {"conv1.weight", PARAMETER_WEIGHT, 4, {2, 3, 1, 1}, 6, true, false},
    {"bn1.weight", PARAMETER_SCALE, 1, {2}, 2, true, false},
    {"bn1.bias", PARAMETER_SHIFT, 1, {2}, 2, true, false},
    {"bn1.running_mean", PARAMETER_MEAN, 1, {2}, 2, false, false},
    {"bn1.running_var", PARAMETER_VARIANCE, 1, {2}, 2, false, false},
};
static const struct network network = {.parameters = parameters, .parameter_count = 5};

/* A model whose every value is different. */
static struct model *model_filled(float start) {
    struct model *model;
    fake_new(&network, NULL, &model, NULL);
    static const enum model_state states[] = {MODEL_VALUE, MODEL_MOMENT_M, MODEL_MOMENT_V};
    for (size_t s = 0; s < 3; s++) {
        for (size_t i = 0; i < network.parameter_count; i++) {
            float values[6];
            for (size_t k = 0; k < 6; k++)
                values[k] = start += 0.1f;
            fake_set(model, states[s], i, values, NULL);
        }
    }
    return model;
}

/* Numbers that need all their digits. */
static struct checkpoint_state state_filled(struct epoch_report *history, int64_t *tracked) {
    const struct metrics train = {1, 2, 3, 4, 1.0 / 3}, valid = {5, 6, 7, 8, 2.0 / 3};
    history[0] = (struct epoch_report){1, train, valid, 2e-4, 1.1, 1e3 / 7, true};
    history[1] = (struct epoch_report){2, valid, train, 1e-4, 2.2, 1e3 / 9, false};
    *tracked = INT64_C(5000000000);
    struct checkpoint_state state = {.epoch = 2,
                                     .iteration = UINT64_C(9007199254740993),
                                     .best_loss = 0.1 + 0.2,
                                     .best_epoch = 1,
                                     .schedule = {1e-4 / 3, 1.0 / 7, 4},
                                     .moments = 2,
                                     .log_bytes = 12345,
                                     .board_bytes = 678,
                                     .history = history,
                                     .batches_tracked = tracked};
    return state;
}

static char *write_filled(void **state) {
    char *path = temporary_path(state, "checkpoint_last.safetensors");
    struct epoch_report history[2];
    int64_t tracked;
    struct error error = {0};
    const struct checkpoint_state filled = state_filled(history, &tracked);
    struct model *model = model_filled(0);
    if (!checkpoint_write(path, &network, &fake_backend, model, &filled, config, &error))
        fail_msg("%s", error.message);
    fake_free(model);
    return path;
}

static struct checkpoint *open_checkpoint(const char *path) {
    struct checkpoint *checkpoint = NULL;
    struct error error = {0};
    if (!checkpoint_open(path, &checkpoint, &error))
        fail_msg("%s", error.message);
    return checkpoint;
}

static void the_state_reads_back_with_every_digit(void **state) {
    char *path = write_filled(state);
    struct epoch_report history[2];
    int64_t tracked;
    const struct checkpoint_state expected = state_filled(history, &tracked);
    struct checkpoint *checkpoint = open_checkpoint(path);
    const struct checkpoint_state *read = checkpoint_state(checkpoint);
    assert_int_equal(read->epoch, 2);
    assert_int_equal(read->iteration, expected.iteration);
    assert_int_equal(read->best_epoch, 1);
    assert_int_equal(read->log_bytes, 12345);
    assert_int_equal(read->board_bytes, 678);
    assert_int_equal(read->moments, 2);
    assert_memory_equal(&read->best_loss, &expected.best_loss, sizeof(double));
    assert_memory_equal(&read->schedule.lr, &expected.schedule.lr, sizeof(double));
    assert_memory_equal(&read->schedule.best, &expected.schedule.best, sizeof(double));
    assert_int_equal(read->schedule.bad_epochs, 4);
    for (int i = 0; i < 2; i++) {
        const struct epoch_report *report = &read->history[i];
        assert_int_equal(report->epoch, i + 1);
        assert_memory_equal(&report->train, &history[i].train, sizeof report->train);
        assert_memory_equal(&report->valid, &history[i].valid, sizeof report->valid);
        assert_true(report->learning_rate == history[i].learning_rate);
        assert_true(report->seconds == history[i].seconds);
        assert_true(report->images_per_second == history[i].images_per_second);
        assert_int_equal(report->best, history[i].best);
    }
    checkpoint_close(checkpoint);
    free(path);
}

/* What others read of a checkpoint by its name: the loss is this epoch's own, 1/3 over ten
 * pictures, which is not the least so far. */
static void the_metadata_has_the_numbers_of_its_epoch(void **state) {
    char *path = write_filled(state);
    struct safetensors *file = NULL;
    struct error error = {0};
    if (!safetensors_open(path, &file, &error))
        fail_msg("%s", error.message);
    assert_string_equal(safetensors_metadata(file, "epoch"), "2");
    assert_string_equal(safetensors_metadata(file, "iteration"), "9007199254740993");
    assert_string_equal(safetensors_metadata(file, "loss"), "0.033333333333333333");
    assert_string_equal(safetensors_metadata(file, "best_loss"), "0.30000000000000004");
    assert_string_equal(safetensors_metadata(file, "config"), config);
    safetensors_close(file);
    free(path);
}

/* It would not be gone on from, or fail the experiment for good. */
static void a_checkpoint_that_there_is_no_memory_for_is_not_called_damaged(void **state) {
    char *path = write_filled(state);
    REFUSE_EACH(n) {
        struct checkpoint *checkpoint;
        struct error error = {0};
        bool opened = checkpoint_open(path, &checkpoint, &error);
        refuse_no_more();
        assert_true(opened || (refused && error_is_shortage(&error)));
        assert_true(!opened || checkpoint_state(checkpoint)->epoch == 2);
        checkpoint_close(checkpoint);
    }
    free(path);
}

static void weights_and_optimizer_read_back_the_same(void **state) {
    char *path = write_filled(state);
    struct model *expected = model_filled(0), *model = model_filled(1000);
    struct checkpoint *checkpoint = open_checkpoint(path);
    int64_t tracked = 0;
    struct error error = {0};
    assert_true(
        checkpoint_restore(checkpoint, &network, &fake_backend, model, 2, &tracked, &error));
    assert_int_equal(tracked, INT64_C(5000000000));
    for (size_t i = 0; i < network.parameter_count; i++) {
        size_t bytes = parameters[i].count * sizeof(float);
        assert_memory_equal(model->values[MODEL_VALUE][i], expected->values[MODEL_VALUE][i], bytes);
        if (!parameters[i].trainable)
            continue;
        assert_memory_equal(model->values[MODEL_MOMENT_M][i], expected->values[MODEL_MOMENT_M][i],
                            bytes);
        assert_memory_equal(model->values[MODEL_MOMENT_V][i], expected->values[MODEL_MOMENT_V][i],
                            bytes);
    }
    checkpoint_close(checkpoint);
    fake_free(model);
    fake_free(expected);
    free(path);
}

static void weights_alone_leave_the_optimizer(void **state) {
    char *path = write_filled(state);
    struct model *model;
    fake_new(&network, NULL, &model, NULL);
    struct checkpoint *checkpoint = open_checkpoint(path);
    assert_true(checkpoint_restore(checkpoint, &network, &fake_backend, model, 0, NULL, NULL));
    assert_non_null(model->values[MODEL_VALUE][0]);
    assert_null(model->values[MODEL_MOMENT_M][0]);
    checkpoint_close(checkpoint);
    fake_free(model);
    free(path);
}

/* Writes a checkpoint whose optimizer keeps so many moments, under a schedule without a loss. */
static char *write_with(void **state, size_t moments) {
    char *path = temporary_path(state, "checkpoint_last.safetensors");
    struct epoch_report history[2];
    int64_t tracked;
    struct error error = {0};
    struct checkpoint_state filled = state_filled(history, &tracked);
    struct model *model = model_filled(0);
    filled.moments = moments;
    filled.schedule = (struct schedule_state){.lr = 0.1 + 0.2, .best = INFINITY};
    if (!checkpoint_write(path, &network, &fake_backend, model, &filled, config, &error))
        fail_msg("%s", error.message);
    fake_free(model);
    return path;
}

static void an_optimizer_with_one_moment_has_no_second_in_the_file(void **state) {
    char *path = write_with(state, 1);
    struct model *model;
    int64_t tracked;
    fake_new(&network, NULL, &model, NULL);
    struct checkpoint *checkpoint = open_checkpoint(path);
    assert_int_equal(checkpoint_state(checkpoint)->moments, 1);
    assert_true(checkpoint_restore(checkpoint, &network, &fake_backend, model, 1, &tracked, NULL));
    assert_non_null(model->values[MODEL_MOMENT_M][0]);
    assert_null(model->values[MODEL_MOMENT_V][0]);
    struct error error = {0};
    assert_false(
        checkpoint_restore(checkpoint, &network, &fake_backend, model, 2, &tracked, &error));
    assert_non_null(strstr(error.message, "\"optimizer.v.conv1.weight\" is missing"));
    checkpoint_close(checkpoint);
    fake_free(model);
    free(path);
}

static void a_schedule_without_a_loss_reads_back(void **state) {
    char *path = write_with(state, 0);
    struct checkpoint *checkpoint = open_checkpoint(path);
    const struct schedule_state *schedule = &checkpoint_state(checkpoint)->schedule;
    assert_int_equal(checkpoint_state(checkpoint)->moments, 0);
    assert_true(schedule->lr == 0.1 + 0.2);
    assert_true(isinf(schedule->best));
    assert_int_equal(schedule->bad_epochs, 0);
    checkpoint_close(checkpoint);
    free(path);
}

static void a_checkpoint_of_another_network_is_not_restored(void **state) {
    char *path = write_filled(state);
    struct model *model = model_filled(0);
    struct parameter other[5];
    memcpy(other, parameters, sizeof other);
    other[0].shape[0] = 3;
    other[0].shape[1] = 2;
    const struct network wrong = {.parameters = other, .parameter_count = 5};
    struct checkpoint *checkpoint = open_checkpoint(path);
    struct error error = {0};
    assert_false(checkpoint_restore(checkpoint, &wrong, &fake_backend, model, 0, NULL, &error));
    assert_non_null(strstr(error.message, "\"conv1.weight\" is missing or of another shape"));
    checkpoint_close(checkpoint);
    fake_free(model);
    free(path);
}

static bool matches(const struct checkpoint *checkpoint, const char *text) {
    cJSON *json = cJSON_Parse(text);
    bool same = checkpoint_matches(checkpoint, json);
    cJSON_Delete(json);
    return same;
}

static void a_config_matches_in_any_order_of_keys_and_under_any_name(void **state) {
    char *path = write_filled(state);
    struct checkpoint *checkpoint = open_checkpoint(path);
    assert_true(matches(checkpoint, config));
    assert_true(matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":2e-4},\"name\":\"b\"}"));
    assert_true(matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":2e-4},\"priority\":1}"));
    assert_false(matches(checkpoint, "{\"train\":{\"seed\":2,\"lr\":2e-4}}"));
    assert_false(matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":3e-4}}"));
    assert_false(matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":2e-4},\"data\":{}}"));
    assert_false(matches(checkpoint, "{\"train\":{\"seed\":1}}"));
    checkpoint_close(checkpoint);
    free(path);
}

/* As when the schema has grown since the checkpoint was written. */
static void a_key_that_a_checkpoint_lacks_counts_as_its_default(void **state) {
    char *path = write_filled(state);
    struct checkpoint *checkpoint = open_checkpoint(path);
    assert_true(matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":2e-4,\"label_smoothing\":0,"
                                    "\"class_weights\":[1,1]},\"model\":{\"freeze\":[]}}"));
    assert_false(
        matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":2e-4,\"label_smoothing\":0.1}}"));
    assert_false(matches(checkpoint, "{\"train\":{\"seed\":1,\"lr\":2e-4},"
                                     "\"model\":{\"freeze\":[\"conv1\"]}}"));
    checkpoint_close(checkpoint);
    free(path);
}

/* --- damage --- */

/* Wherever but in the checksum's name: without that the file is one of before there were any. */
static void one_flipped_bit_is_noticed_wherever_it_is(void **state) {
    char *path = write_filled(state), *bytes = NULL, *damaged = temporary_path(state, "damaged");
    const size_t name_bytes = strlen(CONTENT_SUM_KEY);
    size_t length = 0, noticed = 0;
    assert_true(file_read(path, 1 << 20, &bytes, &length, NULL));
    const char *name = memmem(bytes, length, CONTENT_SUM_KEY, name_bytes);
    assert_non_null(name);
    for (size_t i = 0; i < length; i++) {
        if (i == (size_t)(name - bytes))
            i += name_bytes;
        struct checkpoint *checkpoint = NULL;
        struct error error = {0};
        bytes[i] ^= (char)(1 << i % 8);
        FILE *file = fopen(damaged, "wb");
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
        noticed += !checkpoint_open(damaged, &checkpoint, &error) && error.code == ERROR_INPUT;
        checkpoint_close(checkpoint);
        bytes[i] ^= (char)(1 << i % 8);
    }
    assert_int_equal(noticed, length - name_bytes);
    free(bytes);
    free(damaged);
    free(path);
}

/* --- metadata that lies --- */

static const char one_epoch[] =
    "[{\"epoch\":1,\"train\":{\"true_positive\":1,\"true_negative\":1,\"false_positive\":0,"
    "\"false_negative\":0,\"loss_sum\":1},\"valid\":{\"true_positive\":1,\"true_negative\":1,"
    "\"false_positive\":0,\"false_negative\":0,\"loss_sum\":1},\"learning_rate\":0.1,"
    "\"seconds\":1,\"images_per_second\":1,\"best\":true}]";

static const struct metadata sound[] = {
    {"epoch", "1"},       {"best_epoch", "1"},
    {"iteration", "10"},  {"log_bytes", "0"},
    {"best_loss", "0.5"}, {"scheduler", "{\"lr\":0.1,\"best\":0.5,\"bad_epochs\":0}"},
    {"config", "{}"},     {"history", one_epoch},
};
enum { SOUND_COUNT = sizeof sound / sizeof sound[0] };

/* Whether a file with the sound metadata opens when `key` is `value` (NULL: missing). */
static bool opens_with(void **state, const char *key, const char *value, struct error *error) {
    struct metadata items[SOUND_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < SOUND_COUNT; i++) {
        bool changed = strcmp(sound[i].key, key) == 0;
        if (changed && value == NULL)
            continue;
        items[count] = sound[i];
        if (changed)
            items[count].value = value;
        count++;
    }
    char *path = temporary_path(state, "c.safetensors");
    assert_true(safetensors_write(path, NULL, 0, items, count, NULL));
    struct checkpoint *checkpoint = NULL;
    bool ok = checkpoint_open(path, &checkpoint, error);
    checkpoint_close(checkpoint);
    free(path);
    return ok;
}

static void metadata_that_is_missing_or_wrong_is_named(void **state) {
    static const struct {
        const char *key, *value;
    } lies[] = {
        {"epoch", "0"},
        {"epoch", "-1"},
        {"epoch", "1x"},
        {"epoch", "4294967297"},
        {"epoch", ""},
        {"best_epoch", "2"},
        {"best_epoch", "0"},
        {"iteration", "1e3"},
        {"log_bytes", "99999999999999999999"},
        {"best_loss", "nan"},
        {"best_loss", "0.5 "},
        {"scheduler", "{}"},
        {"scheduler", "{\"lr\":0.1,\"best\":0.5,\"bad_epochs\":-1}"},
        {"scheduler", "{\"lr\":0.1,\"best\":0.5"},
        {"scheduler", "{\"lr\":0.1,\"best\":0.5}"},
        {"scheduler", "{\"lr\":0.1,\"best\":null,\"bad_epochs\":1}"},
        {"config", "[]"},
        {"config", "{"},
        {"history", "[]"},
        {"history", "[1]"},
        {"history", "{}"},
    };
    assert_true(opens_with(state, "nothing", NULL, NULL));
    for (size_t i = 0; i < SOUND_COUNT + sizeof lies / sizeof lies[0]; i++) {
        const char *key = i < SOUND_COUNT ? sound[i].key : lies[i - SOUND_COUNT].key;
        const char *value = i < SOUND_COUNT ? NULL : lies[i - SOUND_COUNT].value;
        struct error error = {0};
        char expected[64];
        if (opens_with(state, key, value, &error))
            fail_msg("taken: %s = %s", key, value == NULL ? "(missing)" : value);
        snprintf(expected, sizeof expected, "\"%s\" is missing or wrong", key);
        if (strstr(error.message, expected) == NULL)
            fail_msg("\"%s\" does not say %s", error.message, expected);
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

static void a_history_out_of_order_is_refused(void **state) {
    char *second = strdup(one_epoch);
    strstr(second, "\"epoch\":1")[8] = '2';
    assert_false(opens_with(state, "history", second, NULL));
    free(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_state_reads_back_with_every_digit),
        IN_FOLDER(the_metadata_has_the_numbers_of_its_epoch),
        IN_FOLDER(weights_and_optimizer_read_back_the_same),
        IN_FOLDER(weights_alone_leave_the_optimizer),
        IN_FOLDER(an_optimizer_with_one_moment_has_no_second_in_the_file),
        IN_FOLDER(a_schedule_without_a_loss_reads_back),
        IN_FOLDER(a_checkpoint_of_another_network_is_not_restored),
        IN_FOLDER(a_config_matches_in_any_order_of_keys_and_under_any_name),
        IN_FOLDER(a_key_that_a_checkpoint_lacks_counts_as_its_default),
        IN_FOLDER(one_flipped_bit_is_noticed_wherever_it_is),
        IN_FOLDER(metadata_that_is_missing_or_wrong_is_named),
        IN_FOLDER(a_checkpoint_that_there_is_no_memory_for_is_not_called_damaged),
        IN_FOLDER(a_history_out_of_order_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
