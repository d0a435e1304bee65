/* `assay cancel`, `pause`, `resume`, `retry` and `priority`: what the coordinator is asked, and
 * what is said of what it changed. */
#include "cli/command.h"
#include "cli/whoami.h"
#include "tests/cli/results.h"

/* What was asked after the list; 4 is changed by it, 1 is not. */
struct asked {
    char request[16];
    cJSON *body;
};

static cJSON *answer_steered(void *context, size_t nth, const char *request, const cJSON *body,
                             const char **name) {
    struct asked *asked = context;
    if (nth == 0) {
        assert_string_equal(request, "list");
        return answer_details(NULL, nth, request, body, name);
    }
    snprintf(asked->request, sizeof asked->request, "%s", request);
    asked->body = cJSON_Duplicate(body, true);
    *name = "changed";
    return parsed("{\"ids\": [4]}");
}

static void the_coordinator_is_asked_for_those_that_are_named(void **state) {
    static const struct {
        int (*command)(int argc, char **argv);
        const char *name, *number, *done;
    } verbs[] = {{command_cancel, "cancel", NULL, "cancelled"},
                 {command_pause, "pause", NULL, "paused"},
                 {command_resume, "resume", NULL, "resumed"},
                 {command_retry, "retry", NULL, "queued again"},
                 {command_priority, "priority", "-10", "changed"},
                 {command_priority, "priority", "1000", "changed"}};
    (void)state;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        struct asked asked = {0};
        char said[128], person[WHOAMI_SIZE], *number = (char *)(uintptr_t)verbs[i].number;
        snprintf(said, sizeof said,
                 "1 demo/flip,seed=0: left as it is: done\n4 demo/none,seed=1: %s\n",
                 verbs[i].done);
        fake_start(&fake, answer_steered, &asked);
        assert_run(RUN(verbs[i].command, (char *)(uintptr_t)verbs[i].name, "1", "4", number), 0,
                   said, "");
        assert_int_equal(fake_stop(&fake), 2);
        assert_string_equal(asked.request, verbs[i].name);
        whoami(person);
        assert_string_equal(field_text(asked.body, "person", ""), person);
        const cJSON *ids = field_at(asked.body, "ids");
        assert_int_equal(cJSON_GetArraySize(ids), 2);
        assert_near(cJSON_GetArrayItem(ids, 0)->valuedouble, 1, 0);
        assert_near(cJSON_GetArrayItem(ids, 1)->valuedouble, 4, 0);
        if (number != NULL)
            assert_near(field_number(asked.body, "priority", 0), (double)strtol(number, NULL, 10),
                        0);
        else
            assert_null(field_at(asked.body, "priority"));
        cJSON_Delete(asked.body);
    }
}

static void what_is_not_there_is_said_and_nothing_steered(void **state) {
    static int (*const commands[])(int argc, char **argv) = {command_cancel, command_pause,
                                                             command_resume, command_retry};
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        fake_start(&fake, answer_steered, NULL);
        assert_run(RUN(commands[i], "steer", "99"), 2, "",
                   "assay: there is no experiment 99; assay ls lists what there is\n");
        assert_int_equal(fake_stop(&fake), 1);
    }
}

static void json_is_the_coordinators_answer(void **state) {
    struct asked asked = {0};
    (void)state;
    fake_start(&fake, answer_steered, &asked);
    assert_run(RUN(command_cancel, "cancel", "1", "4", "--json"), 0, "{\"ids\":[4]}\n", "");
    fake_stop(&fake);
    cJSON_Delete(asked.body);
}

static void a_priority_that_is_none_is_refused_before_anything_is_asked(void **state) {
    static const char *const wrong[] = {"1001", "-1001", "high", "1.5"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char said[128];
        snprintf(said, sizeof said, "assay: priority is a number from -1000 to 1000, not \"%s\"\n",
                 wrong[i]);
        assert_run(RUN(command_priority, "priority", "4", (char *)(uintptr_t)wrong[i]), 2, "",
                   said);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_coordinator_is_asked_for_those_that_are_named),
        cmocka_unit_test(what_is_not_there_is_said_and_nothing_steered),
        cmocka_unit_test(json_is_the_coordinators_answer),
        cmocka_unit_test(a_priority_that_is_none_is_refused_before_anything_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
