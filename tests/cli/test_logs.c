/* assay logs -f while the coordinator comes and goes. */
#include "cli/command.h"

#include "core/field.h"
#include "tests/cli/fake.h"

#include <unistd.h>

/* Requests from the second on that get no answer. */
static size_t unanswered;

/* Two lines, the second of which is there when it is asked for. */
static cJSON *answer_log(void *context, size_t nth, const char *request, const cJSON *body,
                         const char **name) {
    static const char *const texts[] = {"one\n", "two\n", ""};
    size_t offset = (size_t)field_number(body, "offset", 0), line = offset / 4;
    (void)context, (void)request;
    if (nth >= 1 && nth <= unanswered)
        return NULL;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "offset", (double)offset);
    cJSON_AddStringToObject(answer, "text", texts[line]);
    cJSON_AddNumberToObject(answer, "next", (double)(offset + strlen(texts[line])));
    cJSON_AddStringToObject(answer, "state", line < 1 ? "running" : "done");
    *name = "log";
    return answer;
}

/* A question is sent twice before the coordinator counts as away. */
static void a_log_is_followed_through_an_absence_of_the_coordinator(void **state) {
    (void)state;
    struct fake fake;
    unanswered = 2;
    fake_start(&fake, answer_log, NULL);
    assert_run(RUN(command_logs, "logs", "1", "-f", "--timeout", "1"), 0, "one\ntwo\n",
               "assay: no answer from the coordinator; waiting for it\n");
    fake_stop(&fake);
}

static void a_log_that_is_not_followed_waits_for_nobody(void **state) {
    (void)state;
    struct fake fake;
    unanswered = SIZE_MAX;
    fake_start(&fake, answer_log, NULL);
    struct run run = RUN(command_logs, "logs", "1", "--timeout", "1");
    fake_stop(&fake);
    assert_string_equal(run.out, "one\n");
    assert_non_null(strstr(run.err, "does not answer"));
    assert_int_equal(run.status, 3);
    free(run.out);
    free(run.err);
}

static cJSON *answer_the_same(void *context, size_t nth, const char *request, const cJSON *body,
                              const char **name) {
    (void)context, (void)request, (void)body;
    if (nth > 4) {
        dprintf(STDERR_FILENO, "logs prints the same for ever\n");
        _exit(1);
    }
    *name = "log";
    return parsed("{\"offset\": 0, \"text\": \"one\\n\", \"next\": 4, \"state\": \"done\"}");
}

static void a_piece_that_comes_again_is_no_log(void **state) {
    (void)state;
    struct fake fake;
    fake_start(&fake, answer_the_same, NULL);
    assert_run(RUN(command_logs, "logs", "1"), 1, "one\n",
               "assay: the coordinator answers logs with the same piece again\n");
    fake_stop(&fake);
}

static void a_log_is_one_string_of_json(void **state) {
    (void)state;
    struct fake fake;
    unanswered = 0;
    fake_start(&fake, answer_log, NULL);
    assert_run(RUN(command_logs, "logs", "1", "--json"), 0,
               "{\"id\":1,\"text\":\"one\\ntwo\\n\"}\n", "");
    fake_stop(&fake);
}

/* Of experiment 1, which runs, and of 2, which has ended. */
static cJSON *answer_nothing(void *context, size_t nth, const char *request, const cJSON *body,
                             const char **name) {
    (void)context, (void)nth, (void)request;
    *name = "log";
    return parsed(field_number(body, "id", 0) < 2
                      ? "{\"offset\": 0, \"text\": \"\", \"next\": 0, \"state\": \"running\"}"
                      : "{\"offset\": 0, \"text\": \"\", \"next\": 0, \"state\": \"failed\"}");
}

static void why_there_is_no_log_is_said_on_stderr(void **state) {
    (void)state;
    struct fake fake;
    fake_start(&fake, answer_nothing, NULL);
    assert_run(RUN(command_logs, "logs", "1"), 0, "",
               "assay: experiment 1 has no log yet; assay show 1 says how far it is\n");
    assert_run(RUN(command_logs, "logs", "2", "-f"), 4, "",
               "assay: experiment 2 ended without a log; assay show 2 says how\n");
    assert_run(RUN(command_logs, "logs", "2", "-f", "--json"), 4, "{\"id\":2,\"text\":\"\"}\n", "");
    fake_stop(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_followed_through_an_absence_of_the_coordinator),
        cmocka_unit_test(a_log_that_is_not_followed_waits_for_nobody),
        cmocka_unit_test(a_piece_that_comes_again_is_no_log),
        cmocka_unit_test(a_log_is_one_string_of_json),
        cmocka_unit_test(why_there_is_no_log_is_said_on_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
