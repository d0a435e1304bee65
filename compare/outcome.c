#include "compare/outcome.h"

#include "compare/contender.h"
#include "core/field.h"
#include "core/text.h"

#include <ctype.h>
#include <envz.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct environment {
    char *envz;
    size_t length;
    bool good;
};

static void put(struct environment *environment, const char *name, const char *value) {
    if (environment->good)
        environment->good = envz_add(&environment->envz, &environment->length, name, value) == 0;
}

/* The same for what others have written. */
static void put_words(struct environment *environment, const char *name, const char *value) {
    char *words = strdup(value);
    environment->good = environment->good && words != NULL;
    if (words != NULL)
        text_one_line(words);
    put(environment, name, words != NULL ? words : "");
    free(words);
}

static void put_number(struct environment *environment, const char *name, const char *format,
                       const cJSON *number) {
    char text[DBL_MAX_10_EXP + 32] = ""; /* of a loss, too, that has gone astray */
    if (cJSON_IsNumber(number))
        snprintf(text, sizeof text, format, number->valuedouble);
    put(environment, name, text);
}

/* ASSAY_BEST_TEST_ACCURACY and its like; "" for what there is not. */
static void put_evaluations(struct environment *environment, const cJSON *experiment) {
    static const cJSON nothing = {0};
    struct contender contender = contender_of(experiment);
    for (int checkpoint = 0; checkpoint < CHECKPOINT_COUNT; checkpoint++)
        for (int split = 0; split < SPLIT_COUNT; split++)
            for (int ratio = 0; ratio < RATIO_SHOWN; ratio++) {
                char name[64];
                const cJSON *evaluation = contender.evaluations[checkpoint][split];
                snprintf(name, sizeof name, "ASSAY_%s_%s_%s", checkpoint_names[checkpoint],
                         split_names[split], ratio_names[ratio]);
                for (char *c = name; *c != '\0'; c++)
                    *c = (char)toupper((unsigned char)*c);
                put_number(
                    environment, name, "%.6f",
                    field_at(evaluation != NULL ? evaluation : &nothing, ratio_names[ratio]));
            }
}

static void put_result(struct environment *environment, const cJSON *experiment) {
    static const char *const texts[][2] = {{"ASSAY_NAME", "name"},
                                           {"ASSAY_GROUP", "group"},
                                           {"ASSAY_STATE", "state"},
                                           {"ASSAY_ERROR", "error"},
                                           {"ASSAY_PERSON", "person"},
                                           {"ASSAY_WORKER", "worker"},
                                           {"ASSAY_STOPPED", "stopped.reason"}};
    static const char *const numbers[][2] = {{"ASSAY_ID", "id"},
                                             {"ASSAY_EPOCHS", "epochs"},
                                             {"ASSAY_EPOCHS_DONE", "epochs_done"},
                                             {"ASSAY_BEST_EPOCH", "best.epoch"}};
    char seconds[32] = "";
    double started_ms = field_number(experiment, "started_ms", 0);
    double finished_ms = field_number(experiment, "finished_ms", started_ms);
    if (started_ms > 0 && finished_ms >= started_ms) /* unless the clock was set back meanwhile */
        snprintf(seconds, sizeof seconds, "%.0f", (finished_ms - started_ms) / 1000);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_words(environment, texts[i][0], field_text(experiment, texts[i][1], ""));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        put_number(environment, numbers[i][0], "%.0f", field_at(experiment, numbers[i][1]));
    put(environment, "ASSAY_SECONDS", seconds);
    put_evaluations(environment, experiment);
}

char **outcome_environment(const cJSON *experiment, const char *connect, char **strings) {
    struct environment environment = {0};
    environment.good = argz_create(environ, &environment.envz, &environment.length) == 0;
    put_result(&environment, experiment);
    put(&environment, "ASSAY_CONNECT", connect);
    size_t count = argz_count(environment.envz, environment.length);
    char **list = environment.good ? calloc(count + 1, sizeof *list) : NULL;
    if (list != NULL)
        argz_extract(environment.envz, environment.length, list);
    *strings = environment.envz;
    return list;
}
