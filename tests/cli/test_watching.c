#include "cli/watching.h"

#include "cli/field.h"
#include "cli/patience.h"
#include "cli/screen.h"
#include "tests/cli/fake.h"

#include <unistd.h>

/* What each look at the queue finds; the last one is repeated. */
struct look {
    const char *state;
    int attempt, epochs_done;
    const char *progress; /* JSON */
};

static cJSON *epoch_report(int number) {
    cJSON *epoch = parsed(
        "{\"epoch\":1,\"train\":{\"true_positive\":1,\"true_negative\":1,\"false_positive\":0,"
        "\"false_negative\":0,\"accuracy\":1,\"precision\":1,\"recall\":1,\"loss\":0.5},\"valid\":{"
        "\"true_positive\":1,\"true_negative\":1,\"false_positive\":1,\"false_negative\":1,"
        "\"accuracy\":0.5,\"precision\":0.5,\"recall\":0.5,\"loss\":0.25},\"learning_rate\":0.001,"
        "\"seconds\":12,\"images_per_second\":50,\"best\":false}");
    cJSON_SetNumberValue(cJSON_GetObjectItem(epoch, "epoch"), number);
    return epoch;
}

static cJSON *experiment_at(const struct look *look, bool detail) {
    cJSON *object =
        parsed("{\"id\":3,\"name\":\"demo/flip\",\"group\":\"demo\",\"variant\":{},\"priority\":0,"
               "\"max_attempts\":3,\"failures\":0,\"submitted_ms\":1,\"started_ms\":1000,"
               "\"finished_ms\":61000,\"epochs\":3,\"person\":\"\",\"waits\":null}");
    bool failed = strcmp(look->state, "failed") == 0;
    cJSON_AddStringToObject(object, "state", look->state);
    cJSON_AddNumberToObject(object, "attempt", look->attempt);
    cJSON_AddNumberToObject(object, "epochs_done", look->epochs_done);
    cJSON_AddStringToObject(object, "worker", "w");
    cJSON_AddItemToObject(object, "error",
                          failed ? cJSON_CreateString("no memory") : cJSON_CreateNull());
    cJSON_AddItemToObject(object, "progress",
                          look->progress != NULL ? parsed(look->progress) : cJSON_CreateNull());
    cJSON *best = look->epochs_done > 0 ? epoch_report(1) : cJSON_CreateNull();
    cJSON_AddItemToObject(object, "best", best);
    cJSON_AddItemToObject(object, "latest", cJSON_Duplicate(best, true));
    if (detail) {
        cJSON *history = cJSON_AddArrayToObject(object, "history");
        for (int i = 1; i <= look->epochs_done; i++)
            cJSON_AddItemToArray(history, epoch_report(i));
        cJSON_AddObjectToObject(object, "config");
        cJSON_AddArrayToObject(object, "evaluations");
        cJSON_AddArrayToObject(object, "checkpoints");
        cJSON_AddArrayToObject(object, "artifacts");
        cJSON_AddArrayToObject(object, "attempts");
    }
    return object;
}

/* `list` goes on to the next look; `show` is of the same one. */
struct story {
    const struct look *looks;
    size_t count, at;
    bool two;      /* another experiment is as far, of another group */
    double *since; /* what `changes` was asked with last; NULL: it is not known */
    size_t away;   /* so many times `show` finds no coordinator */
};

static cJSON *answer_story(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    struct story *story = context;
    bool list = strcmp(request, "list") == 0;
    if (strcmp(request, "changes") == 0 && story->since != NULL) {
        *story->since = field_number(body, "since", -1);
        *name = "change";
        return parsed("{\"revision\": 7}");
    }
    if (strcmp(request, "show") == 0 && story->away > 0) {
        story->away--;
        *name = "error";
        return wire_error_body(WIRE_DENIED, "away");
    }
    if (list && nth > 0 && story->at + 1 < story->count)
        story->at++;
    *name = list ? "experiments" : "details";
    cJSON *answer = cJSON_CreateObject();
    cJSON *experiments = cJSON_AddArrayToObject(answer, "experiments");
    cJSON_AddItemToArray(experiments, experiment_at(&story->looks[story->at], !list));
    if (story->two) {
        cJSON *other = experiment_at(&story->looks[story->at], !list);
        cJSON_SetNumberValue(cJSON_GetObjectItem(other, "id"), 14);
        cJSON_ReplaceItemInObject(other, "name", cJSON_CreateString("other/a longer name"));
        cJSON_ReplaceItemInObject(other, "group", cJSON_CreateString("other"));
        cJSON_AddItemToArray(experiments, other);
    }
    cJSON_AddNullToObject(answer, "next");
    return answer;
}

/* Watches a story to its end; returns the status, *text is what was written. */
static int watch_story(struct story story, char **text) {
    struct fake fake;
    struct client client;
    struct error error = {0};
    size_t length;
    fake_start(&fake, answer_story, &story);
    struct command_input input = {.connect = getenv("ASSAY_CONNECT"), .timeout_ms = 5000};
    assert_true(client_open(&input, &client, &error));
    FILE *stream = open_memstream(text, &length);
    cJSON *selection = cJSON_CreateObject();
    cJSON_AddStringToObject(selection, "group", "demo");
    int status = watching_run(&client, selection, stream, NULL);
    fclose(stream);
    client_close(&client);
    fake_stop(&fake);
    return status;
}

static int watch(const struct look *looks, size_t count, char **text) {
    return watch_story((struct story){.looks = looks, .count = count}, text);
}

#define PROGRESS                                                                                   \
    "{\"phase\":\"train\",\"epoch\":2,\"epochs\":3,\"step\":5,\"steps\":10,\"loss\":0.4,"          \
    "\"images_per_second\":50}"

static void every_epoch_has_its_line_even_when_several_came_at_once(void **state) {
    (void)state;
    static const struct look looks[] = {{"queued", 0, 0, NULL},
                                        {"running", 1, 0, NULL},
                                        {"running", 1, 1, PROGRESS},
                                        {"done", 1, 3, NULL}};
    char *text;
    assert_int_equal(watch(looks, 4, &text), 0);
    assert_string_equal(text,
                        "  3 flip  queued\n"
                        "  3 flip  running on w\n"
                        "  3 flip  1/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  2/3 [###-----] train 5/10 0.4000 50.0 images/s ETA 21s\n"
                        "  3 flip  2/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  3/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  done in 1m 00s, best epoch 1: accuracy 0.5000, loss 0.2500\n");
    free(text);
}

#define AT(phase, epoch)                                                                           \
    "{\"phase\":\"" phase "\",\"epoch\":" epoch                                                    \
    ",\"epochs\":3,\"step\":5,\"steps\":10,\"loss\":0.4,"                                          \
    "\"images_per_second\":50}"

static void no_progress_of_an_epoch_is_said_before_the_line_of_the_one_before_it(void **state) {
    (void)state;
    static const struct look looks[] = {{"running", 1, 1, AT("train", "3")},
                                        {"running", 1, 2, AT("train", "3")},
                                        {"done", 1, 3, NULL}};
    char *text;
    assert_int_equal(watch(looks, 3, &text), 0);
    assert_string_equal(text,
                        "  3 flip  running on w, 1 of 3 epochs done\n"
                        "  3 flip  2/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  3/3 [######--] train 5/10 0.4000 50.0 images/s ETA 7s\n"
                        "  3 flip  3/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  done in 1m 00s, best epoch 1: accuracy 0.5000, loss 0.2500\n");
    free(text);
}

static void no_progress_of_an_epoch_is_said_after_its_own_line(void **state) {
    (void)state;
    static const struct look looks[] = {{"running", 1, 0, NULL},
                                        {"running", 1, 1, AT("valid", "1")},
                                        {"running", 1, 3, AT("train", "3")},
                                        {"done", 1, 3, NULL}};
    char *text;
    assert_int_equal(watch(looks, 4, &text), 0);
    assert_string_equal(text,
                        "  3 flip  running on w\n"
                        "  3 flip  1/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  2/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  3/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  done in 1m 00s, best epoch 1: accuracy 0.5000, loss 0.2500\n");
    free(text);
}

static void the_evaluation_of_an_earlier_epoch_is_said_when_all_are_trained(void **state) {
    (void)state;
    static const struct look looks[] = {
        {"running", 1, 2, NULL}, {"running", 1, 3, AT("valid", "1")}, {"done", 1, 3, NULL}};
    char *text;
    assert_int_equal(watch(looks, 3, &text), 0);
    assert_string_equal(text,
                        "  3 flip  running on w, 2 of 3 epochs done\n"
                        "  3 flip  3/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  3/3 [########] valid 5/10 (epoch 1) 0.4000 50.0 images/s\n"
                        "  3 flip  done in 1m 00s, best epoch 1: accuracy 0.5000, loss 0.2500\n");
    free(text);
}

static void fetching_is_said_though_it_is_of_no_epoch(void **state) {
    (void)state;
    static const struct look looks[] = {{"running", 1, 0, AT("fetch", "0")},
                                        {"cancelled", 1, 0, NULL}};
    char *text;
    assert_int_equal(watch(looks, 2, &text), 4);
    assert_string_equal(text, "  3 flip  running on w\n"
                              "  3 flip  0/3 [--------] fetch 5/10 MiB\n"
                              "  3 flip  cancelled\n");
    free(text);
}

static void epochs_from_before_the_watch_are_counted_not_repeated(void **state) {
    (void)state;
    static const struct look looks[] = {{"running", 1, 2, NULL}, {"done", 1, 3, NULL}};
    char *text;
    assert_int_equal(watch(looks, 2, &text), 0);
    assert_string_equal(text,
                        "  3 flip  running on w, 2 of 3 epochs done\n"
                        "  3 flip  3/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  done in 1m 00s, best epoch 1: accuracy 0.5000, loss 0.2500\n");
    free(text);
}

/* That it runs is said before the coordinator goes away that was to tell of its epoch. */
static void nothing_is_said_again_when_the_coordinator_is_back(void **state) {
    (void)state;
    static const struct look looks[] = {{"queued", 0, 0, NULL},
                                        {"running", 1, 1, NULL},
                                        {"running", 1, 1, NULL},
                                        {"done", 1, 1, NULL}};
    char *text;
    assert_int_equal(watch_story((struct story){.looks = looks, .count = 4, .away = 2}, &text), 0);
    assert_string_equal(text,
                        "  3 flip  queued\n"
                        "  3 flip  running on w, 1 of 3 epochs done\n"
                        "  3 flip  1/3 train 0.5000 valid 0.2500 accuracy 0.5000 12s\n"
                        "  3 flip  done in 1m 00s, best epoch 1: accuracy 0.5000, loss 0.2500\n");
    free(text);
}

static void every_absence_of_the_coordinator_is_said_once(void **state) {
    const struct error away = {.code = ERROR_UNREACHABLE}, other = {.code = ERROR_FAILED};
    struct patience patience = {0};
    FILE *err = stderr;
    char *text;
    size_t length;
    (void)state;
    stderr = open_memstream(&text, &length);
    assert_false(patience_bears(&patience, &away, NULL)); /* nobody has answered yet */
    for (int i = 0; i < 2; i++) {
        usleep(2000);
        patience_renew(&patience);
        usleep(2000);
        assert_false(patience_bears(&patience, &other, NULL));
        assert_true(patience_bears(&patience, &away, NULL));
        assert_true(patience_bears(&patience, &away, NULL));
    }
    fclose(stderr);
    stderr = err;
    assert_string_equal(text, "assay: no answer from the coordinator; waiting for it\n"
                              "assay: no answer from the coordinator; waiting for it\n");
    free(text);
}

static void a_lost_worker_and_a_failure_are_said(void **state) {
    (void)state;
    static const struct look looks[] = {{"running", 1, 0, NULL},
                                        {"queued", 1, 0, NULL},
                                        {"running", 2, 0, NULL},
                                        {"failed", 2, 0, NULL}};
    char *text;
    assert_int_equal(watch(looks, 4, &text), 4);
    assert_string_equal(text, "  3 flip  running on w\n"
                              "  3 flip  queued again\n"
                              "  3 flip  running again (attempt 2) on w\n"
                              "  3 flip  failed: no memory\n");
    free(text);
}

static void a_cancelled_experiment_ends_with_4(void **state) {
    (void)state;
    static const struct look looks[] = {{"cancelled", 1, 1, NULL}};
    char *text;
    assert_int_equal(watch(looks, 1, &text), 4);
    assert_string_equal(text, "  3 flip  cancelled\n");
    free(text);
}

/* Unfinished when it was asked which are, and over by the first look. */
static void names_of_several_groups_are_whole_and_one_width(void **state) {
    (void)state;
    static const struct look looks[] = {{"cancelled", 1, 1, NULL}};
    char *text;
    assert_int_equal(watch_story((struct story){.looks = looks, .count = 1, .two = true}, &text),
                     4);
    assert_string_equal(text, "  3 demo/flip            cancelled\n"
                              " 14 other/a longer name  cancelled\n");
    free(text);
}

static void changes_are_asked_for_from_the_last_one_on(void **state) {
    (void)state;
    static const struct look looks[] = {
        {"queued", 0, 0, NULL}, {"paused", 0, 0, NULL}, {"cancelled", 0, 0, NULL}};
    double since = -1;
    char *text;
    watch_story((struct story){.looks = looks, .count = 3, .since = &since}, &text);
    assert_near(since, 7, 0);
    free(text);
}

static void on_finish_is_run_for_all_that_were_not_finished_when_watch_began(void **state) {
    (void)state;
    static const struct look looks[] = {{"running", 1, 2, PROGRESS}, {"done", 1, 3, NULL}};
    struct story story = {.looks = looks, .count = 2};
    struct fake fake;
    fake_start(&fake, answer_story, &story);
    struct run run = RUN(command_watch, "watch", "--lines", "--on-finish", "echo $ASSAY_STATE");
    fake_stop(&fake);
    assert_string_equal(run.err, "done\n");
    assert_int_equal(run.status, 0);
    free(run.out);
    free(run.err);
}

static void on_a_terminal_the_running_ones_are_redrawn_in_place(void **state) {
    (void)state;
    char *text;
    size_t length;
    struct screen screen = {
        .stream = open_memstream(&text, &length), .redraws = true, .width = 10, .height = 3};
    screen_live(&screen, "one\ntwo is longer\nno room\n");
    screen_live(&screen, "three\n");
    screen_clear(&screen);
    screen_clear(&screen);
    fclose(screen.stream);
    assert_string_equal(text, "one\ntwo is l…\n\033[2A\033[Jthree\n\033[1A\033[J");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_epoch_has_its_line_even_when_several_came_at_once),
        cmocka_unit_test(no_progress_of_an_epoch_is_said_before_the_line_of_the_one_before_it),
        cmocka_unit_test(no_progress_of_an_epoch_is_said_after_its_own_line),
        cmocka_unit_test(the_evaluation_of_an_earlier_epoch_is_said_when_all_are_trained),
        cmocka_unit_test(fetching_is_said_though_it_is_of_no_epoch),
        cmocka_unit_test(epochs_from_before_the_watch_are_counted_not_repeated),
        cmocka_unit_test(nothing_is_said_again_when_the_coordinator_is_back),
        cmocka_unit_test(every_absence_of_the_coordinator_is_said_once),
        cmocka_unit_test(a_lost_worker_and_a_failure_are_said),
        cmocka_unit_test(a_cancelled_experiment_ends_with_4),
        cmocka_unit_test(names_of_several_groups_are_whole_and_one_width),
        cmocka_unit_test(changes_are_asked_for_from_the_last_one_on),
        cmocka_unit_test(on_finish_is_run_for_all_that_were_not_finished_when_watch_began),
        cmocka_unit_test(on_a_terminal_the_running_ones_are_redrawn_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
