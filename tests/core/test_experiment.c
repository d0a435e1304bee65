#include "core/experiment.h"
#include "core/json.h"
#include "core/text.h"
#include "tests/temporary.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER TEST_DATA "/experiments/"

static cJSON *read_config(const char *path) {
    struct error error = {0};
    char *text;
    size_t length;
    if (!file_read(path, 1 << 20, &text, &length, &error))
        fail_msg("%s", error.message);
    cJSON *config = json_parse(text, length, path, &error);
    if (config == NULL)
        fail_msg("%s", error.message);
    free(text);
    return config;
}

/* Decodes a file that must be good; the caller frees the config and the experiment. */
static cJSON *decode(const char *path, struct experiment *experiment) {
    struct faults faults = {0};
    cJSON *config = read_config(path);
    if (!experiment_from_json(config, experiment, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].message);
    return config;
}

static void assert_range(struct range range, double low, double high) {
    assert_float_equal(range.low, low, 0);
    assert_float_equal(range.high, high, 0);
}

/* DESIGN's yardstick: the numbers of the published notebook. */
static void the_least_file_is_the_notebook(void **state) {
    (void)state;
    struct experiment e;
    cJSON *config = decode(FOLDER "good/least.json", &e);
    assert_string_equal(e.name, "least");
    assert_string_equal(e.data.root, "data/faces");
    assert_int_equal(e.data.class_count, 2);
    assert_float_equal(e.data.train, 0.8, 0);
    assert_float_equal(e.data.valid, 0.1, 0);
    assert_float_equal(e.data.test, 0.1, 0);
    assert_int_equal(e.data.seed, 0);
    assert_int_equal(e.augmentations.count, 4);
    assert_int_equal(e.augmentations.ops[0].kind, TRANSFORM_RESIZE);
    assert_int_equal(e.augmentations.ops[0].height, 256);
    assert_int_equal(e.augmentations.ops[0].width, 0);
    assert_int_equal(e.augmentations.ops[1].kind, TRANSFORM_RANDOM_CROP);
    assert_int_equal(e.augmentations.ops[1].height, 224);
    assert_int_equal(e.augmentations.ops[1].width, 224);
    assert_int_equal(e.augmentations.ops[2].kind, TRANSFORM_RANDOM_HORIZONTAL_FLIP);
    assert_float_equal(e.augmentations.ops[2].probability, 0.5, 0);
    assert_int_equal(e.augmentations.ops[3].kind, TRANSFORM_NORMALIZE);
    assert_int_equal(e.evaluation.count, 3);
    assert_int_equal(e.evaluation.ops[1].kind, TRANSFORM_CENTER_CROP);
    assert_float_equal(e.evaluation.ops[2].mean[0], 0.485f, 0);
    assert_float_equal(e.evaluation.ops[2].std[2], 0.225f, 0);
    assert_string_equal(e.model.arch, "resnet50");
    assert_int_equal(e.model.head, HEAD_RELU);
    assert_null(e.model.weights);
    assert_int_equal(e.model.fresh_count, 2);
    assert_string_equal(e.model.fresh[0], "layer4");
    assert_string_equal(e.model.fresh[1], "fc");
    assert_int_equal(e.train.epochs, 200);
    assert_int_equal(e.train.batch_size, 32);
    assert_int_equal(e.train.precision, PRECISION_FP32);
    assert_true(e.train.deterministic);
    assert_int_equal(e.model.freeze_count, 0);
    assert_float_equal(e.train.loss.label_smoothing, 0, 0);
    assert_float_equal(e.train.loss.class_weights[0], 1, 0);
    assert_float_equal(e.train.loss.class_weights[1], 1, 0);
    assert_int_equal(e.train.optimizer.name, OPTIMIZER_ADAM);
    assert_int_equal(e.train.scheduler.name, SCHEDULER_REDUCE_ON_PLATEAU);
    assert_float_equal(e.train.optimizer.lr, 2e-4, 0);
    assert_float_equal(e.train.optimizer.beta1, 0.9, 0);
    assert_float_equal(e.train.optimizer.beta2, 0.999, 0);
    assert_float_equal(e.train.optimizer.eps, 1e-8, 0);
    assert_float_equal(e.train.optimizer.weight_decay, 0, 0);
    assert_float_equal(e.train.scheduler.factor, 0.5, 0);
    assert_int_equal(e.train.scheduler.patience, 10);
    assert_float_equal(e.train.scheduler.min_lr, 1e-6, 0);
    assert_int_equal(e.train.checkpoint_every, 10);
    assert_string_equal(e.resources.backend, "any");
    assert_int_equal(e.priority, 0);
    assert_int_equal(e.max_attempts, 3);
    experiment_free(&e);
    cJSON_Delete(config);
}

static void every_key_is_decoded(void **state) {
    (void)state;
    struct experiment e;
    cJSON *config = decode(FOLDER "good/all_keys.json", &e);
    assert_string_equal(e.name, "all keys: \xc3\xbcn\xc3\xaf"
                                "code");
    assert_string_equal(e.data.root, "/pictures");
    assert_int_equal(e.data.class_count, 3);
    assert_string_equal(e.data.classes[0].name, "fake 1");
    assert_string_equal(e.data.classes[0].dir, "a/b");
    assert_int_equal(e.data.classes[0].label, 0);
    assert_int_equal(e.data.classes[0].repeat, 1);
    assert_int_equal(e.data.classes[1].label, 1);
    assert_int_equal(e.data.classes[1].repeat, 1000);
    assert_int_equal(e.data.classes[2].repeat, 3);
    assert_float_equal(e.data.train, 0.75, 0);
    assert_float_equal(e.data.valid, 0.25, 0);
    assert_float_equal(e.data.test, 0, 0);
    assert_int_equal(e.data.seed, 12345678901);
    assert_string_equal(e.model.arch, "resnet152");
    assert_int_equal(e.model.head, HEAD_DROPOUT);
    assert_float_equal(e.model.dropout, 0.25, 0);
    assert_string_equal(e.model.weights, "w.pth");
    assert_int_equal(e.model.fresh_count, 3);
    assert_int_equal(e.model.freeze_count, 2);
    assert_string_equal(e.model.freeze[0], "conv1");
    assert_string_equal(e.model.freeze[1], "layer1.0.conv2");
    assert_int_equal(e.train.epochs, 1000000);
    assert_int_equal(e.train.batch_size, 65536);
    assert_int_equal(e.train.seed, 9007199254740991);
    assert_int_equal(e.train.precision, PRECISION_BF16);
    assert_false(e.train.deterministic);
    assert_float_equal(e.train.loss.label_smoothing, 0.1, 0);
    assert_float_equal(e.train.loss.class_weights[0], 0.5, 0);
    assert_float_equal(e.train.loss.class_weights[1], 2, 0);
    assert_int_equal(e.train.optimizer.name, OPTIMIZER_ADAM);
    assert_float_equal(e.train.optimizer.lr, 0.001, 0);
    assert_float_equal(e.train.optimizer.beta1, 0.8, 0);
    assert_float_equal(e.train.optimizer.beta2, 0.99, 0);
    assert_float_equal(e.train.optimizer.eps, 1e-7, 0);
    assert_float_equal(e.train.optimizer.weight_decay, 0.01, 0);
    assert_float_equal(e.train.scheduler.factor, 0.25, 0);
    assert_int_equal(e.train.scheduler.patience, 2);
    assert_float_equal(e.train.scheduler.min_lr, 1e-5, 0);
    assert_int_equal(e.train.checkpoint_every, 4);
    assert_string_equal(e.resources.backend, "cpu");
    assert_float_equal(e.resources.memory_gib, 1.5, 0);
    assert_int_equal(e.priority, -7);
    assert_int_equal(e.max_attempts, 5);
    experiment_free(&e);
    cJSON_Delete(config);
}

/* What an otherwise least file with this "train" becomes. */
static struct experiment trained_with(const char *train) {
    char text[512];
    struct experiment experiment;
    struct faults faults = {0};
    int length = snprintf(
        text, sizeof text,
        "{\"name\":\"a\",\"data\":{\"classes\":[{\"name\":\"f\",\"dir\":\"f\",\"label\":0},"
        "{\"name\":\"r\",\"dir\":\"r\",\"label\":1}]},\"train\":{%s}}",
        train);
    cJSON *config = json_parse(text, (size_t)length, "text", NULL);
    if (!experiment_from_json(config, &experiment, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].message);
    cJSON_Delete(config);
    return experiment;
}

/* The defaults are torch.optim's, but for lr, which is the notebook's. */
static void every_optimizer_is_decoded(void **state) {
    (void)state;
    struct experiment e = trained_with("\"optimizer\":{\"name\":\"adamw\"}");
    const struct optimizer *optimizer = &e.train.optimizer;
    assert_int_equal(optimizer->name, OPTIMIZER_ADAMW);
    assert_float_equal(optimizer->lr, 2e-4, 0);
    assert_float_equal(optimizer->beta1, 0.9, 0);
    assert_float_equal(optimizer->beta2, 0.999, 0);
    assert_float_equal(optimizer->eps, 1e-8, 0);
    assert_float_equal(optimizer->weight_decay, 0.01, 0);
    experiment_free(&e);
    e = trained_with("\"optimizer\":{\"name\":\"sgd\"}");
    assert_int_equal(optimizer->name, OPTIMIZER_SGD);
    assert_float_equal(optimizer->lr, 2e-4, 0);
    assert_float_equal(optimizer->momentum, 0, 0);
    assert_float_equal(optimizer->weight_decay, 0, 0);
    assert_false(optimizer->nesterov);
    experiment_free(&e);
    e = trained_with("\"optimizer\":{\"name\":\"sgd\",\"lr\":0.5,\"momentum\":0.75,"
                     "\"weight_decay\":0.25,\"nesterov\":true}");
    assert_float_equal(optimizer->lr, 0.5, 0);
    assert_float_equal(optimizer->momentum, 0.75, 0);
    assert_float_equal(optimizer->weight_decay, 0.25, 0);
    assert_true(optimizer->nesterov);
    experiment_free(&e);
}

static void every_scheduler_is_decoded(void **state) {
    (void)state;
    struct experiment e = trained_with("\"scheduler\":{\"name\":\"cosine\"}");
    const struct scheduler_options *options = &e.train.scheduler;
    assert_int_equal(options->name, SCHEDULER_COSINE);
    assert_int_equal(options->warmup_epochs, 0);
    assert_float_equal(options->min_lr, 0, 0);
    experiment_free(&e);
    e = trained_with("\"scheduler\":{\"name\":\"cosine\",\"warmup_epochs\":199,\"min_lr\":1e-5}");
    assert_int_equal(options->warmup_epochs, 199);
    assert_float_equal(options->min_lr, 1e-5, 0);
    experiment_free(&e);
    e = trained_with("\"scheduler\":{\"name\":\"step\",\"step_size\":7,\"gamma\":0.5}");
    assert_int_equal(options->name, SCHEDULER_STEP);
    assert_int_equal(options->step_size, 7);
    assert_float_equal(options->gamma, 0.5, 0);
    experiment_free(&e);
    e = trained_with("\"scheduler\":{\"name\":\"step\"}");
    assert_int_equal(options->step_size, 30);
    assert_float_equal(options->gamma, 0.1, 0);
    experiment_free(&e);
    e = trained_with("\"scheduler\":{\"name\":\"constant\"}");
    assert_int_equal(options->name, SCHEDULER_CONSTANT);
    experiment_free(&e);
}

/* /usr/bin/python3 -c 'from torchvision.transforms import *
 * j = ColorJitter(0.2, 1.5, [0.5, 0.9], 0.1); print(j.brightness, j.contrast, j.saturation, j.hue)
 * for s in (15, (-5, 10), (-5, 10, -1, 2)):
 *     a = RandomAffine(10, scale=(1, 2), shear=s); print(a.degrees, a.scale, a.shear)'
 * torchvision 0.14.1: [0.8, 1.2] [0.0, 2.5] [0.5, 0.9] [-0.1, 0.1]; [-10.0, 10.0] (1, 2) and the
 * shears
 * [-15.0, 15.0] [-5.0, 10.0] [-5.0, 10.0, -1.0, 2.0], of which two numbers are along x alone. */
static void arguments_mean_what_torchvision_means(void **state) {
    (void)state;
    struct experiment e;
    cJSON *config = decode(FOLDER "good/all_keys.json", &e);
    const struct transform *op = e.augmentations.ops;
    assert_int_equal(e.augmentations.count, 11);
    assert_int_equal(op[0].height, 80);
    assert_int_equal(op[0].width, 96);
    assert_int_equal(op[1].kind, TRANSFORM_CENTER_CROP);
    assert_int_equal(op[1].width, 90);
    assert_int_equal(op[2].height, 64);
    assert_int_equal(op[2].width, 48);
    assert_float_equal(op[3].probability, 0, 0);
    assert_int_equal(op[4].kind, TRANSFORM_RANDOM_VERTICAL_FLIP);
    assert_float_equal(op[4].probability, 1, 0);
    assert_range(op[5].brightness, 0.8, 1.2);
    assert_range(op[5].contrast, 0, 2.5);
    assert_range(op[5].saturation, 0.5, 0.9);
    assert_range(op[5].hue, -0.1, 0.1);
    assert_range(op[6].brightness, 1, 1);
    assert_range(op[6].hue, -0.25, 0.5);
    assert_range(op[7].degrees, -10, 10);
    assert_range(op[7].scale, 1, 2);
    assert_range(op[7].shear_x, -15, 15);
    assert_range(op[7].shear_y, 0, 0);
    assert_int_equal(op[7].fill, 0);
    assert_range(op[8].degrees, -5, 20);
    assert_range(op[8].scale, 1, 1);
    assert_range(op[8].shear_x, -5, 10);
    assert_range(op[8].shear_y, 0, 0);
    assert_float_equal(op[8].translate_x, 0.125, 0);
    assert_float_equal(op[8].translate_y, 0.25, 0);
    assert_int_equal(op[8].fill, 255);
    assert_range(op[9].degrees, 0, 0);
    assert_range(op[9].shear_x, -5, 10);
    assert_range(op[9].shear_y, -1, 2);
    assert_float_equal(op[10].mean[1], 0.25f, 0);
    assert_float_equal(op[10].std[2], 4, 0);
    assert_int_equal(e.evaluation.ops[0].height, 48);
    assert_int_equal(e.evaluation.ops[0].width, 64);
    experiment_free(&e);
    cJSON_Delete(config);
}

static void assert_filled_is_stable(cJSON *config) {
    struct experiment experiment;
    struct faults faults = {0};
    char *before = json_text(config);
    if (!experiment_from_json(config, &experiment, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].message);
    char *after = json_text(config);
    assert_string_equal(before, after);
    free(before);
    free(after);
    experiment_free(&experiment);
}

static void a_filled_config_is_valid_and_stays_as_it_is(void **state) {
    (void)state;
    static const char *const paths[] = {FOLDER "good/least.json", FOLDER "good/all_keys.json"};
    for (size_t i = 0; i < 2; i++) {
        struct experiment experiment;
        cJSON *config = decode(paths[i], &experiment);
        experiment_free(&experiment);
        assert_filled_is_stable(config);
        cJSON_Delete(config);
    }
}

static void a_single_experiment_has_no_matrix(void **state) {
    (void)state;
    struct experiment experiment;
    struct faults faults = {0};
    cJSON *config = read_config(FOLDER "good/least.json");
    cJSON_AddItemToObject(cJSON_AddObjectToObject(config, "matrix"), "train.seed",
                          cJSON_CreateIntArray((const int[]){1, 2}, 2));
    assert_false(experiment_from_json(config, &experiment, &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].place, "matrix");
    faults_free(&faults);
    cJSON_Delete(config);
}

/* --- whole files --- */

/* What assay validate must print of a file, in the folder of the file. */
static char *validate(const char *path, bool *valid) {
    struct members members;
    struct faults faults = {0};
    struct error error = {0};
    struct text lines = {0};
    char *text = NULL;
    *valid = members_read(path, &members, &text, &faults, &error);
    if (*valid) {
        assert_int_equal(faults.count, 0);
        assert_int_not_equal(members.count, 0);
    } else if (faults.count == 0) {
        assert_int_equal(error.code, ERROR_INPUT);
        text_format(&lines, "assay: %s\n", error.message);
    }
    for (size_t i = 0; i < faults.count; i++) {
        char *line = fault_text(&faults.items[i], path, text);
        text_format(&lines, "assay: %s\n", line);
        free(line);
    }
    members_free(&members);
    faults_free(&faults);
    free(text);
    return text_take(&lines);
}

static int is_json(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static void each_broken_file_gives_its_lines(void **state) {
    (void)state;
    struct dirent **entries;
    assert_int_equal(chdir(FOLDER "broken"), 0);
    int count = scandir(".", &entries, is_json, alphasort);
    assert_in_range(count, 40, 10000);
    for (int i = 0; i < count; i++) {
        struct error error = {0};
        char *name = entries[i]->d_name, expected_name[300], *expected;
        size_t length;
        bool valid;
        snprintf(expected_name, sizeof expected_name, "%.*s.txt", (int)strlen(name) - 5, name);
        if (!file_read(expected_name, 1 << 20, &expected, &length, &error))
            fail_msg("%s", error.message);
        char *lines = validate(name, &valid);
        assert_false(valid);
        assert_string_equal(lines, expected);
        free(lines);
        free(expected);
        free(entries[i]);
    }
    free(entries);
}

static void each_good_file_is_good(void **state) {
    (void)state;
    static const char *const folders[] = {FOLDER "good", SOURCE_DIR "/experiments"};
    for (size_t folder = 0; folder < 2; folder++) {
        struct dirent **entries;
        assert_int_equal(chdir(folders[folder]), 0);
        int count = scandir(".", &entries, is_json, alphasort);
        assert_in_range(count, 2, 10000);
        for (int i = 0; i < count; i++) {
            bool valid;
            char *lines = validate(entries[i]->d_name, &valid);
            assert_string_equal(lines, "");
            assert_true(valid);
            free(lines);
            free(entries[i]);
        }
        free(entries);
    }
}

static void what_is_no_file_is_said_so(void **state) {
    bool valid;
    assert_int_equal(chdir(*state), 0);
    char *lines = validate("none.json", &valid);
    assert_string_equal(lines, "assay: none.json: cannot be read: No such file or directory\n");
    free(lines);
    lines = validate(".", &valid);
    assert_string_equal(lines, "assay: .: cannot be read: Is a directory\n");
    free(lines);
}

static void a_huge_file_is_refused_before_it_is_parsed(void **state) {
    bool valid;
    FILE *file;
    assert_int_equal(chdir(*state), 0);
    file = fopen("huge.json", "w");
    assert_non_null(file);
    for (int i = 0; i < 1 << 15; i++)
        fputs("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", file);
    fclose(file);
    char *lines = validate("huge.json", &valid);
    assert_string_equal(lines,
                        "assay: huge.json: larger than 1048576 bytes; is it the right file?\n");
    free(lines);
}

/* --- anything at all --- */

static uint32_t next(uint64_t *random) { /* Knuth's MMIX generator */
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33);
}

/* Changes, takes out, doubles or moves a few bytes; the alphabet is what JSON is made of. */
static size_t mutate(char *text, size_t length, size_t capacity, uint64_t *random) {
    static const char alphabet[] = "{}[]:,\"\\ \n0123456789.-+eEtruefalsn\xc3\xa9\x01";
    for (uint32_t count = 1 + next(random) % 3; count > 0 && length > 1; count--) {
        size_t at = next(random) % length, span = 1 + next(random) % 12;
        span = span < length - at ? span : length - at;
        switch (next(random) % 4) {
        case 0: text[at] = alphabet[next(random) % (sizeof alphabet - 1)]; break;
        case 1:
            memmove(text + at, text + at + span, length - at - span);
            length -= span;
            break;
        case 2:
            if (length + span <= capacity) {
                memmove(text + at + span, text + at, length - at);
                length += span;
            }
            break;
        default: memmove(text + at, text + next(random) % (length - span + 1), span);
        }
    }
    return length;
}

static void a_mutated_file_is_valid_or_has_faults(void **state) {
    static const char *const paths[] = {FOLDER "good/all_keys.json", FOLDER "good/least.json",
                                        SOURCE_DIR "/experiments/augmentation_ablation.json"};
    struct error error;
    uint64_t random = 1;
    size_t valid_count = 0, fault_count = 0;
    assert_int_equal(chdir(*state), 0);
    for (int i = 0; i < 6000; i++) {
        char *good, *lines, mutant[8192];
        size_t length;
        bool valid;
        assert_true(file_read(paths[i % 3], sizeof mutant / 2, &good, &length, &error));
        memcpy(mutant, good, length);
        free(good);
        length = mutate(mutant, length, sizeof mutant, &random);
        FILE *file = fopen("mutant.json", "w");
        assert_int_equal(fwrite(mutant, 1, length, file), length);
        fclose(file);
        lines = validate("mutant.json", &valid);
        valid_count += valid;
        fault_count += !valid && strchr(lines, '\n') != NULL;
        assert_true(valid == (lines[0] == '\0'));
        free(lines);
    }
    assert_int_equal(valid_count + fault_count, 6000);
    assert_int_not_equal(valid_count, 0);
}

/* Replaces values anywhere in the tree by values of every kind: deeper than bytes reach. */
static void mutate_tree(cJSON *tree, uint64_t *random) {
    static const char *const values[] = {
        "null",       "true",      "-1",       "0",     "0.5",   "1e300", "\"\"",
        "\"resize\"", "[]",        "{}",       "[0,1]", "[1,0]", "[[]]",  "{\"op\":\"normalize\"}",
        "{\"a\":1}",  "[1,2,3,4]", "\"real\"", "[null]"};
    cJSON *at = tree;
    while (at->child != NULL && next(random) % 4 != 0) {
        int count = cJSON_GetArraySize(at);
        at = cJSON_GetArrayItem(at, (int)(next(random) % (uint32_t)count));
    }
    if (at == tree)
        return;
    const char *text = values[next(random) % (sizeof values / sizeof values[0])];
    cJSON *value = json_parse(text, strlen(text), "value", NULL);
    assert_non_null(value);
    /* In place: the new value takes over the key and the neighbours of the old one. */
    cJSON old = *at;
    at->type = value->type;
    at->child = value->child;
    at->valuestring = value->valuestring;
    at->valueint = value->valueint;
    at->valuedouble = value->valuedouble;
    value->type = old.type;
    value->child = old.child;
    value->valuestring = old.valuestring;
    cJSON_Delete(value);
}

static void a_mutated_tree_is_valid_and_stable_or_has_faults(void **state) {
    (void)state;
    cJSON *good = read_config(FOLDER "good/all_keys.json");
    uint64_t random = 2;
    size_t valid_count = 0;
    for (int i = 0; i < 6000; i++) {
        struct experiment experiment;
        struct faults faults = {0};
        cJSON *config = cJSON_Duplicate(good, true);
        for (uint32_t count = 1 + next(&random) % 4; count > 0; count--)
            mutate_tree(config, &random);
        bool valid = experiment_from_json(config, &experiment, &faults);
        assert_true(valid == (faults.count == 0));
        if (valid) {
            experiment_free(&experiment);
            assert_filled_is_stable(config);
            valid_count++;
        }
        faults_free(&faults);
        cJSON_Delete(config);
    }
    assert_in_range(valid_count, 1, 5999);
    cJSON_Delete(good);
}

static void faults_beyond_the_limit_are_dropped(void **state) {
    (void)state;
    struct faults faults = {0};
    for (int i = 0; i < FAULTS_MAX + 5; i++)
        faults_add(&faults, "a", "line\nbreak %d", i);
    assert_int_equal(faults.count, FAULTS_MAX);
    assert_string_equal(faults.items[7].message, "line?break 7");
    faults_free(&faults);
    assert_int_equal(faults.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_file_is_the_notebook),
        cmocka_unit_test(every_key_is_decoded),
        cmocka_unit_test(every_optimizer_is_decoded),
        cmocka_unit_test(every_scheduler_is_decoded),
        cmocka_unit_test(arguments_mean_what_torchvision_means),
        cmocka_unit_test(a_filled_config_is_valid_and_stays_as_it_is),
        cmocka_unit_test(a_single_experiment_has_no_matrix),
        cmocka_unit_test(each_broken_file_gives_its_lines),
        cmocka_unit_test(each_good_file_is_good),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_said_so, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_huge_file_is_refused_before_it_is_parsed, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_mutated_file_is_valid_or_has_faults, temporary_make,
                                        temporary_remove),
        cmocka_unit_test(a_mutated_tree_is_valid_and_stable_or_has_faults),
        cmocka_unit_test(faults_beyond_the_limit_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
