/* results: a coordinator that answers from tests/data/cli/details.json (make_details.py): four
 * experiments, their scores, and what was pushed. cmocka's setup and teardown of a group: start,
 * stop. A test says between two commands what is to be otherwise, which the fake's thread reads. */
#ifndef ASSAY_TESTS_CLI_RESULTS_H
#define ASSAY_TESTS_CLI_RESULTS_H

#include "cli/field.h"
#include "core/clock.h"
#include "core/text.h"
#include "tests/cli/details.h"
#include "tests/cli/fake.h"

static inline bool is_asked_for(const cJSON *body, double id) {
    const cJSON *ids = field_at(body, "ids"), *item;
    cJSON_ArrayForEach(item, ids) {
        if (item->valuedouble >= id && item->valuedouble <= id)
            return true;
    }
    return ids == NULL;
}

static atomic_bool outside;   /* the pictures are beside data.root, as no honest worker says */
static atomic_bool flawless;  /* no score is of the wrong label */
static atomic_bool undecided; /* every score is one half, which counts as label 0 */
static atomic_bool graded;    /* the higher its number, the surer is the label of a picture */
static atomic_bool unscored;  /* there are no pictures */

/* 60 pictures, every third of label 1; those of the valid split are not in the same folder. The
 * best checkpoint of experiment 2 is wrong on 0, 20 and 40; its last on every fifth, so on 9 more
 * and on none less; the others on 3, 23 and 43. */
static inline cJSON *score_list(const cJSON *body) {
    const char *folder = outside                                               ? "../"
                         : strcmp(field_text(body, "split", ""), "valid") == 0 ? "valid/"
                                                                               : "";
    bool two = field_number(body, "id", 0) > 1;
    bool best = strcmp(field_text(body, "checkpoint", ""), "best") == 0;
    cJSON *answer = parsed("{\"position\": 0, \"classes\": [{\"name\": \"fake\", \"label\": 0}, "
                           "{\"name\": \"real\", \"label\": 1}], \"next\": null}");
    cJSON *pictures = cJSON_AddArrayToObject(answer, "pictures");
    for (int i = 0; i < 60 && !unscored; i++) {
        char path[32];
        double sure = graded ? 0.55 + i * 0.0075 : 0.75;
        int label = i % 3 == 2;
        bool wrong = !flawless && (two ? i % (best ? 20 : 5) == 0 : i % 20 == 3);
        snprintf(path, sizeof path, "%s%d.png", folder, i);
        cJSON *picture = cJSON_CreateObject();
        cJSON_AddStringToObject(picture, "path", path);
        cJSON_AddNumberToObject(picture, "class", label);
        cJSON_AddNumberToObject(picture, "probability",
                                undecided         ? 0.5
                                : label == !wrong ? sure
                                                  : 1 - sure);
        cJSON_AddItemToArray(pictures, picture);
    }
    return answer;
}

static _Atomic double ahead_ms; /* the coordinator's clock of ours */

static inline double there_ms(void) {
    return (double)clock_unix_ms() + ahead_ms;
}

static inline cJSON *status_answer(void) {
    cJSON *answer = parsed("{\"version\": \"0\", \"started_ms\": 0, \"now_ms\": 0, \"database\": "
                           "\"a.db\", \"queued\": 0, \"paused\": 0, \"running\": 1, \"done\": 2,"
                           " \"failed\": 1, \"cancelled\": 0}");
    cJSON_SetNumberValue(cJSON_GetObjectItem(answer, "now_ms"), there_ms());
    return answer;
}

static atomic_bool nobody_trains; /* no worker is known */
static atomic_bool one_trains;    /* the worker has labels and trains experiment 4 */

/* One, lost 3 h 7 min and a half ago. */
static inline cJSON *worker_list(void) {
    if (nobody_trains)
        return parsed("{\"workers\": []}");
    cJSON *answer = parsed(
        "{\"workers\": [{\"worker\": \"a\", \"host\": \"h\", \"pid\": 1, \"backend\": \"cpu\","
        " \"device\": \"a CPU\", \"threads\": 2, \"memory_bytes\": 1, \"labels\": [],"
        " \"state\": \"lost\", \"seen_ms\": 0}]}");
    cJSON *worker = cJSON_GetObjectItem(answer, "workers")->child;
    cJSON_SetNumberValue(cJSON_GetObjectItem(worker, "seen_ms"), there_ms() - 11250000);
    if (one_trains) {
        cJSON_ReplaceItemInObject(worker, "labels", parsed("[\"big\", \"lab\"]"));
        cJSON_ReplaceItemInObject(worker, "state", cJSON_CreateString("busy"));
        cJSON_AddNumberToObject(worker, "experiment", 4);
    }
    return answer;
}

/* Two classes, one of which is half there, pushed 3 h 7 min and a half ago. */
static inline cJSON *listed(void) {
    cJSON *answer = parsed(
        "{\"listings\": [{\"listing\": "
        "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"name\": \"fake\","
        " \"files\": 41, \"bytes\": 1500000, \"pushed_ms\": 0,"
        " \"experiments\": 0, \"unfinished\": 0, \"ids\": []},"
        "{\"listing\": \"fedcba98765432100123456789abcdef0123456789abcdef0123456789abcdef\","
        " \"name\": \"re\\u001bal\", \"files\": 21, \"bytes\": 700,"
        " \"pushed_ms\": 0, \"experiments\": 10, \"unfinished\": 3,"
        " \"ids\": [19, 18, 17, 16, 15, 14, 13, 12, 11, 9]}]}");
    cJSON *listing;
    cJSON_ArrayForEach(listing, cJSON_GetObjectItem(answer, "listings")) {
        cJSON_SetNumberValue(cJSON_GetObjectItem(listing, "pushed_ms"), there_ms() - 11250000);
    }
    return answer;
}

/* In two turns. */
static inline cJSON *surveyed(const cJSON *body) {
    return parsed(field_number(body, "from", 0) == 0
                      ? "{\"missing\": {}, \"next\": 17}"
                      : "{\"missing\": {\"0123456789abcdef0123456789abcdef0123456789abcdef"
                        "0123456789abcdef\": 2}}");
}

static atomic_int many_classes; /* that every evaluation has in place of its own; 0: its own */
static atomic_bool empty_class; /* the first of those has no pictures */

/* Classes of 40 pictures each, of which one more in each is wrong, every other of label 1. */
static inline void multiply_classes(cJSON *experiment) {
    cJSON *evaluation;
    cJSON_ArrayForEach(evaluation, cJSON_GetObjectItem(experiment, "evaluations")) {
        cJSON *classes = cJSON_CreateArray();
        for (int i = 0; i < many_classes; i++) {
            char name[32];
            int pictures = empty_class && i == 0 ? 0 : 40;
            snprintf(name, sizeof name, "class_%04d", i);
            cJSON *class = cJSON_CreateObject();
            cJSON_AddStringToObject(class, "name", name);
            cJSON_AddNumberToObject(class, "label", i % 2);
            cJSON_AddNumberToObject(class, "pictures", pictures);
            cJSON_AddNumberToObject(class, "correct", pictures - i % 41);
            cJSON_AddNumberToObject(class, "accuracy", (40 - i % 41) / 40.0);
            cJSON_AddNumberToObject(class, "correct_at_threshold", 40);
            cJSON_AddItemToArray(classes, class);
        }
        cJSON_ReplaceItemInObject(evaluation, "classes", classes);
    }
}

/* data.root in place of that in the file; NULL: that */
static const char *_Atomic moved_root;
/* model.weights likewise */
static const char *_Atomic moved_weights;
/* the first experiment's loss goes to 13 */
static atomic_bool diverged;
/* "demo/" and 200 characters of three bytes, and what was the name */
static atomic_bool long_names;
/* the fourth has all its epochs and is in this phase of the second's checkpoint */
static const char *_Atomic finishing;

/* the fourth is of another group */
static atomic_bool regrouped;
/* how often the coordinator can still read scores; below 0: always */
static atomic_int readings = -1;

/* the second has the first's tags and notes, under other numbers, and a note of its own */
static atomic_bool remarked;

static inline void remark_second(cJSON *experiments) {
    const cJSON *first = cJSON_GetArrayItem(experiments, 0);
    cJSON *second = cJSON_GetArrayItem(experiments, 1), *note;
    cJSON *notes = cJSON_Duplicate(field_at(first, "notes"), true);
    cJSON_AddItemToArray(notes, cJSON_Duplicate(notes->child, true));
    cJSON_ReplaceItemInObject(notes->child->prev, "person", cJSON_CreateString("bob@node"));
    cJSON_ArrayForEach(note, notes) {
        cJSON_SetNumberValue(cJSON_GetObjectItem(note, "number"),
                             field_number(note, "number", 0) + 7);
    }
    cJSON_AddItemToObject(second, "tags", cJSON_Duplicate(field_at(first, "tags"), true));
    cJSON_AddItemToObject(second, "notes", notes);
}

static inline void finish_epochs(cJSON *experiment, const char *phase) {
    cJSON *progress = cJSON_GetObjectItem(experiment, "progress");
    if (!cJSON_IsObject(progress))
        return;
    cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "epochs_done"), 3);
    cJSON_ReplaceItemInObject(progress, "phase", cJSON_CreateString(phase));
}

static inline void lengthen_name(cJSON *experiment) {
    struct text name = {0};
    text_format(&name, "demo/");
    for (int i = 0; i < 200; i++)
        text_format(&name, "\xE6\x97\xA5");
    text_format(&name, "%s", field_text(experiment, "name", ""));
    cJSON_ReplaceItemInObject(experiment, "name", cJSON_CreateString(text_string(&name)));
    text_free(&name);
}

static atomic_int copied; /* the number of one of which there are 30 more, 101 to 130; 0: none */

static inline void add_copies(cJSON *experiments) {
    const cJSON *one = cJSON_GetArrayItem(experiments, copied - 1);
    for (int i = 101; i <= 130; i++) {
        cJSON *copy = cJSON_Duplicate(one, true);
        cJSON_SetNumberValue(cJSON_GetObjectItem(copy, "id"), i);
        cJSON_AddItemToArray(experiments, copy);
    }
}

/* `show` and `list` from the file. */
static inline cJSON *answer_details(void *context, size_t nth, const char *request,
                                    const cJSON *body, const char **name) {
    (void)context;
    (void)nth;
    if (strcmp(request, "scores") == 0) {
        if (readings == 0)
            return wire_error_body(WIRE_STORAGE, "the disk fails");
        readings -= readings > 0;
        *name = "score_list";
        return score_list(body);
    }
    if (strcmp(request, "status") == 0) {
        *name = "coordinator";
        return status_answer();
    }
    if (strcmp(request, "workers") == 0) {
        *name = "worker_list";
        return worker_list();
    }
    if (strcmp(request, "listings") == 0) {
        *name = "listed";
        return listed();
    }
    if (strcmp(request, "survey") == 0) {
        *name = "surveyed";
        return surveyed(body);
    }
    cJSON *answer = details(), *experiments = cJSON_GetObjectItem(answer, "experiments");
    bool list = strcmp(request, "list") == 0;
    *name = list ? "experiments" : "details";
    if (diverged && !list)
        cJSON_SetNumberValue(
            (cJSON *)(uintptr_t)field_at(
                cJSON_GetArrayItem(field_at(experiments->child, "history"), 0), "valid.loss"),
            13);
    if (remarked && !list)
        remark_second(experiments);
    if (regrouped)
        cJSON_SetValuestring(cJSON_GetObjectItem(cJSON_GetArrayItem(experiments, 3), "group"),
                             "other");
    if (copied > 0)
        add_copies(experiments);
    for (int i = cJSON_GetArraySize(experiments) - 1; i >= 0; i--) {
        cJSON *experiment = cJSON_GetArrayItem(experiments, i);
        if (long_names)
            lengthen_name(experiment);
        if (finishing != NULL)
            finish_epochs(experiment, finishing);
        if (moved_root != NULL && !list)
            cJSON_SetValuestring((cJSON *)(uintptr_t)field_at(experiment, "config.data.root"),
                                 moved_root);
        if (moved_weights != NULL && !list)
            cJSON_ReplaceItemInObject((cJSON *)(uintptr_t)field_at(experiment, "config.model"),
                                      "weights", cJSON_CreateString(moved_weights));
        if (many_classes > 0 && !list)
            multiply_classes(experiment);
        if (list) {
            details_summarise(experiment);
            /* 3 h 7 min and a half ago */
            cJSON_SetNumberValue(cJSON_GetObjectItem(experiment, "submitted_ms"),
                                 there_ms() - 11250000);
        }
        if (!is_asked_for(body, field_number(experiment, "id", 0)))
            cJSON_DeleteItemFromArray(experiments, i);
    }
    return answer;
}

static struct fake fake;

static inline int start(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    fake_start(&fake, answer_details, NULL);
    return 0;
}

static inline int stop(void **state) {
    (void)state;
    fake_stop(&fake);
    return 0;
}

#endif
