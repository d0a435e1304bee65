#include "core/experiment.h"
#include "core/fork.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A config with what is in `rest` besides name and data's classes. */
#define CONFIG(data, rest)                                                                         \
    "{\"name\":\"x\",\"data\":{\"classes\":[{\"name\":\"fake\",\"dir\":\"fake\",\"label\":0},"     \
    "{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]" data "}" rest "}"

static cJSON *parsed(const char *text, bool complete) {
    struct error error = {0};
    struct experiment experiment;
    struct faults faults = {0};
    cJSON *value = json_parse(text, strlen(text), "test", &error);
    if (value == NULL)
        fail_msg("%s", error.message);
    if (complete) {
        assert_true(experiment_from_json(value, &experiment, &faults));
        experiment_free(&experiment);
    }
    return value;
}

/* From one to the other after 3 epochs; what is NULL: it fits, else the error says that. */
static void expect(const char *from_text, const char *text, const char *what) {
    struct error error = {0};
    /* what is not filled in stands for the config of an older assay */
    cJSON *from = parsed(from_text, false), *config = parsed(text, true);
    if (fork_check(from, config, 3, &error) != (what == NULL))
        fail_msg("%s", what == NULL ? error.message : "it fits");
    if (what != NULL && (error.code != ERROR_INPUT || strstr(error.message, what) == NULL))
        fail_msg("\"%s\" does not say \"%s\"", error.message, what);
    cJSON_Delete(from);
    cJSON_Delete(config);
}

static void what_only_training_depends_on_may_differ(void **state) {
    (void)state;
    expect(CONFIG("", ""), CONFIG("", ""), NULL);
    expect(CONFIG("", ""),
           CONFIG(",\"root\":\"/elsewhere\",\"upsample\":{\"real\":2}",
                  ",\"model\":{\"weights\":\"/w\",\"fresh\":[]},"
                  "\"train\":{\"epochs\":4,\"seed\":9,\"batch_size\":7,\"optimizer\":"
                  "{\"name\":\"adam\",\"lr\":1}},\"priority\":3"),
           NULL);
}

static void split_files_are_the_same_in_both(void **state) {
    static const char config[] =
        CONFIG(",\"files\":{\"train\":\"/a.json\",\"valid\":\"/b.json\",\"test\":\"/c.json\"}", "");
    (void)state;
    expect(config, config, NULL);
}

static void what_the_state_is_of_may_not_differ(void **state) {
    (void)state;
    expect(CONFIG("", ""), CONFIG("", ",\"model\":{\"arch\":\"resnet18\"}"),
           "model.arch is \"resnet18\" and the checkpoint's is \"resnet50\"");
    expect(CONFIG("", ",\"model\":{\"head\":\"dropout\"}"), CONFIG("", ""),
           "model.head is \"relu\"");
    expect(CONFIG("", ""), CONFIG("", ",\"train\":{\"optimizer\":{\"name\":\"sgd\"}}"),
           "train.optimizer.name is \"sgd\" and the checkpoint's is \"adam\"");
    expect(CONFIG("", ""), CONFIG(",\"split\":{\"seed\":1}", ""), "data.split is ");
    expect(CONFIG("", ""),
           CONFIG("", ",\"evaluation\":[{\"op\":\"resize\",\"size\":[8,8]},{\"op\":\"normalize\","
                      "\"mean\":[0,0,0],\"std\":[1,1,1]}]"),
           "evaluation is not the checkpoint's, so that its state does not fit");
}

static void there_must_be_an_epoch_left_to_train(void **state) {
    (void)state;
    expect(CONFIG("", ""), CONFIG("", ",\"train\":{\"epochs\":3}"),
           "is of epoch 3 and train.epochs is 3; raise it");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_training_depends_on_may_differ),
        cmocka_unit_test(split_files_are_the_same_in_both),
        cmocka_unit_test(what_the_state_is_of_may_not_differ),
        cmocka_unit_test(there_must_be_an_epoch_left_to_train),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
