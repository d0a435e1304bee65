/* `assay drain` against a coordinator that says what became of the worker. */
#include "cli/command.h"
#include "tests/cli/fake.h"

static cJSON *workers(const char *state) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"workers\": [{\"worker\": \"a\", \"host\": \"h\", \"pid\": 1, \"backend\": \"cpu\","
             " \"device\": \"a CPU\", \"threads\": 2, \"memory_bytes\": 1, \"labels\": [],"
             " \"state\": \"%s\", \"seen_ms\": 0}]}",
             state);
    return parsed(text);
}

/* It is told, does so, and then is `context`: "lost", or no more there. */
static cJSON *answer(void *context, size_t nth, const char *request, const cJSON *body,
                     const char **name) {
    (void)body;
    assert_string_equal(request, nth == 0 ? "drain" : "workers");
    *name = "worker_list";
    return nth == 0          ? workers("busy")
           : nth == 1        ? workers("draining")
           : context != NULL ? workers(context)
                             : parsed("{\"workers\": []}");
}

static void a_worker_that_is_there_no_more_has_left(void **state) {
    struct fake fake;
    (void)state;
    fake_start(&fake, answer, NULL);
    assert_run(RUN(command_drain, "drain", "a"), 0, "a has left\n", "");
    assert_int_equal(fake_stop(&fake), 3);
}

static void a_worker_that_is_lost_meanwhile_is_not_said_to_have_left(void **state) {
    struct fake fake;
    char lost[] = "lost";
    (void)state;
    fake_start(&fake, answer, lost);
    assert_run(RUN(command_drain, "drain", "a"), 0, "a is lost: it leaves if it comes back\n", "");
    assert_int_equal(fake_stop(&fake), 3);
}

static void who_does_not_wait_says_that_it_is_told(void **state) {
    struct fake fake;
    (void)state;
    fake_start(&fake, answer, NULL);
    assert_run(RUN(command_drain, "drain", "a", "--no-wait"), 0, "a is told to leave\n", "");
    assert_int_equal(fake_stop(&fake), 1);
}

/* Of two slots the second leaves, and whoever started it starts it again, as the same process as
 * far as can be told (in a container), before the first has left. */
static cJSON *answer_started_again(void *context, size_t nth, const char *request,
                                   const cJSON *body, const char **name) {
    static const char *const states[][2] = {
        {"busy", "busy"}, {"draining", NULL}, {"draining", "idle"}, {NULL, "idle"}};
    cJSON *answer = parsed("{\"workers\": []}");
    (void)context, (void)body;
    assert_string_equal(request, nth == 0 ? "drain" : "workers");
    for (size_t i = 0; i < 2; i++) {
        cJSON *all = states[nth][i] != NULL ? workers(states[nth][i]) : NULL;
        cJSON *one = cJSON_DetachItemFromArray(cJSON_GetObjectItem(all, "workers"), 0);
        if (one != NULL)
            cJSON_SetValuestring(cJSON_GetObjectItem(one, "worker"), i == 0 ? "a" : "b");
        cJSON_AddItemToArray(cJSON_GetObjectItem(answer, "workers"), one);
        cJSON_Delete(all);
    }
    *name = "worker_list";
    return answer;
}

static void a_worker_that_has_left_and_is_started_again_is_left_alone(void **state) {
    struct fake fake;
    (void)state;
    fake_start(&fake, answer_started_again, NULL);
    assert_run(RUN(command_drain, "drain", "a"), 0, "a has left\nb has left\n", "");
    assert_int_equal(fake_stop(&fake), 4);
}

/* Each question is sent twice before the coordinator counts as away: one for how it is, and one
 * that tells again a worker which a coordinator that was started again takes for busy. */
static cJSON *answer_after_absences(void *context, size_t nth, const char *request,
                                    const cJSON *body, const char **name) {
    (void)context, (void)request, (void)body;
    *name = "worker_list";
    if (nth == 1 || nth == 2 || nth == 4 || nth == 5)
        return NULL;
    return nth < 8 ? workers("busy") : parsed("{\"workers\": []}");
}

static void an_absence_of_the_coordinator_is_waited_out(void **state) {
    struct fake fake;
    (void)state;
    fake_start(&fake, answer_after_absences, NULL);
    struct run run = RUN(command_drain, "drain", "a", "--timeout", "1");
    assert_int_equal(fake_stop(&fake), 9);
    assert_run(run, 0, "a has left\n", "assay: no answer from the coordinator; waiting for it\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_is_there_no_more_has_left),
        cmocka_unit_test(a_worker_that_is_lost_meanwhile_is_not_said_to_have_left),
        cmocka_unit_test(who_does_not_wait_says_that_it_is_told),
        cmocka_unit_test(a_worker_that_has_left_and_is_started_again_is_left_alone),
        cmocka_unit_test(an_absence_of_the_coordinator_is_waited_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
