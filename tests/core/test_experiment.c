/* What the keys of an experiment mean. */
#include "tests/core/configs.h"

#include <stdio.h>
#include <string.h>

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
    assert_string_equal(e.resources.backend, "cuda");
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

static void each_range_of_an_op_that_is_turned_around_has_its_place(void **state) {
    (void)state;
    static const char list[] =
        "[{\"op\":\"color_jitter\",\"brightness\":[2,1],\"hue\":[0.2,0.1]},"
        "{\"op\":\"random_affine\",\"degrees\":[5,-5],\"scale\":[1,2],\"shear\":[2,1]}]";
    static const char *const places[] = {"augmentations[0].brightness", "augmentations[0].hue",
                                         "augmentations[1].degrees", "augmentations[1].shear"};
    struct experiment experiment;
    struct faults faults = {0};
    cJSON *config = read_config(FOLDER "good/least.json");
    cJSON_AddItemToObject(config, "augmentations", json_parse(list, strlen(list), "list", NULL));
    assert_false(experiment_from_json(config, &experiment, &faults));
    assert_true(faults.count >= 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(faults.items[i].place, places[i]);
    faults_free(&faults);
    cJSON_Delete(config);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_file_is_the_notebook),
        cmocka_unit_test(every_key_is_decoded),
        cmocka_unit_test(every_optimizer_is_decoded),
        cmocka_unit_test(every_scheduler_is_decoded),
        cmocka_unit_test(arguments_mean_what_torchvision_means),
        cmocka_unit_test(each_range_of_an_op_that_is_turned_around_has_its_place),
        cmocka_unit_test(a_filled_config_is_valid_and_stays_as_it_is),
        cmocka_unit_test(a_single_experiment_has_no_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
