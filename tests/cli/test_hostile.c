/* Commands against a coordinator whose every name, label, host, error and log line orders the
 * terminal about: none of it arrives there. */
#include "cli/command.h"

#include "cli/field.h"

#include "core/text.h"
#include "tests/cli/details.h"
#include "tests/cli/fake.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#define EVIL                                                                                       \
    "\033[31mx\033]0;t\007\r\xc2\x9b"                                                              \
    "2J\xe2\x80\xae\177"
static const char log_text[] = "line 1\tü\n" EVIL "\nline 3\n";

static bool is_free_text(const char *key) {
    static const char *const keys[] = {"name",   "group", "error", "worker",      "person",
                                       "waits",  "path",  "host",  "root",        "weights",
                                       "device", "text",  "tags",  "submit_host", "submit_version"};
    for (size_t i = 0; key != NULL && i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static bool has_free_keys(const cJSON *document) {
    return document->string != NULL &&
           (strcmp(document->string, "variant") == 0 || strcmp(document->string, "upsample") == 0);
}

/* Puts EVIL before every free text of the document, keys among them. */
static void poison(cJSON *document) {
    cJSON *item;
    cJSON_ArrayForEach(item, document) {
        char text[4096];
        poison(item);
        if (has_free_keys(document)) {
            snprintf(text, sizeof text, EVIL "%s", item->string);
            cJSON_free(item->string);
            item->string = strdup(text);
        }
        const char *key = item->string != NULL ? item->string : document->string;
        if (!cJSON_IsString(item) || !is_free_text(key))
            continue;
        snprintf(text, sizeof text, EVIL "%s", item->valuestring);
        cJSON_SetValuestring(item, text);
    }
}

static cJSON *experiments_of(const cJSON *body, bool list) {
    const cJSON *ids = field_at(body, "ids");
    cJSON *answer = details(), *all = cJSON_GetObjectItem(answer, "experiments");
    for (int i = cJSON_GetArraySize(all) - 1; i >= 0; i--) {
        cJSON *experiment = cJSON_GetArrayItem(all, i);
        if (ids != NULL && (int)ids->child->valuedouble != (int)field_number(experiment, "id", 0))
            cJSON_DeleteItemFromArray(all, i);
        else if (list)
            details_summarise(experiment);
    }
    poison(answer);
    return answer;
}

static atomic_bool refuses; /* to say how it is */

static cJSON *answer_status(const char **name) {
    if (refuses)
        return wire_error_body(WIRE_STORAGE, EVIL "no");
    cJSON *answer = parsed("{\"started_ms\": 1, \"now_ms\": 1, \"database\": \"d\", \"queued\": 0,"
                           " \"paused\": 0, \"running\": 0, \"done\": 0, \"failed\": 0,"
                           " \"cancelled\": 0}");
    cJSON_AddStringToObject(answer, "version", EVIL "1");
    *name = "coordinator";
    return answer;
}

static cJSON *answer_evil(void *context, size_t nth, const char *request, const cJSON *body,
                          const char **name) {
    (void)context, (void)nth;
    if (strcmp(request, "logs") == 0) {
        bool first = field_number(body, "offset", 0) < 1;
        cJSON *answer = parsed("{\"offset\": 0, \"state\": \"done\"}");
        cJSON_AddStringToObject(answer, "text", first ? log_text : "");
        cJSON_AddNumberToObject(answer, "next", (double)strlen(log_text));
        *name = "log";
        return answer;
    }
    if (strcmp(request, "workers") == 0) {
        cJSON *answer = parsed("{\"workers\": [{\"worker\": \"w\", \"host\": \"h\", \"pid\": 1,"
                               " \"backend\": \"cpu\", \"device\": \"d\", \"threads\": 1,"
                               " \"memory_bytes\": 1, \"labels\": [], \"state\": \"idle\","
                               " \"seen_ms\": 1}]}");
        poison(answer);
        *name = "worker_list";
        return answer;
    }
    if (strcmp(request, "cancel") == 0) { /* an error in words of the other side's */
        return wire_error_body(WIRE_STATE, EVIL "no");
    }
    if (strcmp(request, "scores") == 0) {
        cJSON *answer =
            parsed("{\"position\": 0, \"classes\": [{\"name\": \"c\", \"label\": 1}],"
                   " \"pictures\": [{\"path\": \"\", \"class\": 0, \"probability\": 0.5}],"
                   " \"next\": null}");
        poison(answer);
        *name = "score_list";
        return answer;
    }
    if (strcmp(request, "status") == 0)
        return answer_status(name);
    bool list = strcmp(request, "list") == 0;
    *name = list ? "experiments" : "details";
    return experiments_of(body, list);
}

static struct fake fake;

static int start(void **state) {
    (void)state;
    fake_start(&fake, answer_evil, NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void assert_harmless(const char *text) {
    char *clean = strdup(text);
    text_harmless(clean);
    assert_string_equal(text, clean);
    free(clean);
}

static void harmless(struct run run) {
    assert_true(run.out[0] != '\0' || run.err[0] != '\0');
    assert_harmless(run.out);
    assert_harmless(run.err);
    free(run.out);
    free(run.err);
}

static void commands_print_no_order_to_the_terminal(void **state) {
    (void)state;
    harmless(RUN(command_ls, "ls"));
    harmless(RUN(command_show, "show", "1"));
    harmless(RUN(command_show, "show", "3"));
    harmless(RUN(command_show, "show", "4"));
    harmless(RUN(command_watch, "watch", "1"));
    harmless(RUN(command_watch, "watch", "3"));
    harmless(RUN(command_tag, "tag", "1"));
    harmless(RUN(command_note, "note", "1"));
    harmless(RUN(command_workers, "workers"));
    harmless(RUN(command_compare, "compare"));
}

static void the_doctor_prints_no_order_to_the_terminal(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        refuses = i == 1;
        struct run run = RUN(command_doctor, "doctor");
        assert_non_null(strstr(run.out, "[31mx"));
        harmless(run);
    }
}

/* A note keeps its line feeds, and neither it nor its tabs get further. */
static void the_lines_of_a_note_are_kept_and_nothing_else_of_it(void **state) {
    (void)state;
    struct run run = RUN(command_note, "note", "1");
    assert_non_null(strstr(run.out, "?[31mx?]0;t???2J??for the paper\n"));
    assert_non_null(strstr(run.out, "?[31mx?]0;t???2J??flips help:\n     compare it"));
    free(run.out);
    free(run.err);
}

static void json_and_errors_do_not_either(void **state) {
    (void)state;
    harmless(RUN(command_ls, "ls", "--json"));
    harmless(RUN(command_show, "show", "1", "--json"));
    harmless(RUN(command_show, "show", "1", "--config"));
    harmless(RUN(command_cancel, "cancel", "1"));
}

static void json_holds_what_the_coordinator_said(void **state) {
    (void)state;
    struct run run = RUN(command_show, "show", "1", "--json");
    cJSON *shown = parsed(run.out);
    assert_memory_equal(field_text(shown, "name", ""), EVIL, strlen(EVIL));
    cJSON_Delete(shown);
    free(run.out);
    free(run.err);
}

static void logs_into_a_pipe_are_the_log_byte_for_byte(void **state) {
    (void)state;
    assert_run(RUN(command_logs, "logs", "1"), 0, log_text, "");
}

/* What it writes to a terminal, of 256 bytes, NUL-terminated. */
static void run_on_terminal(int (*command)(int argc, char **argv), int argc, char **argv,
                            char text[256]) {
    struct termios raw;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    FILE *before = stdout, *terminal = fopen(ptsname(master), "r+");
    assert_non_null(terminal);
    assert_int_equal(tcgetattr(fileno(terminal), &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(fileno(terminal), TCSANOW, &raw), 0);
    stdout = terminal;
    int status = command(argc, argv);
    fflush(stdout);
    stdout = before;
    assert_int_equal(status, 0);
    fclose(terminal); /* then reading comes to an end */
    size_t length = 0;
    for (ssize_t got; (got = read(master, text + length, 255 - length)) > 0;) /* in parts */
        length += (size_t)got;
    assert_true(length > 0);
    text[length] = '\0';
    close(master);
}

static void logs_on_a_terminal_have_its_lines_and_no_orders(void **state) {
    char text[256], *argv[] = {"logs", "1", NULL};
    (void)state;
    run_on_terminal(command_logs, 2, argv, text);
    assert_string_equal(text, "line 1\tü\n?[31mx?]0;t???2J??\nline 3\n");
}

static void scores_on_a_terminal_have_a_line_a_picture_and_no_orders(void **state) {
    char text[256], *argv[] = {"scores", "1", "--checkpoint", "best", "--split", "test", NULL};
    (void)state;
    run_on_terminal(command_scores, 6, argv, text);
    assert_string_equal(text, "path,class,label,probability\n"
                              "\"?[31mx?]0;t???2J??\",\"?[31mx?]0;t???2J??c\",1,0.5\n");
}

static void scores_into_a_pipe_are_the_names_byte_for_byte(void **state) {
    (void)state;
    assert_run(RUN(command_scores, "scores", "1", "--checkpoint", "best", "--split", "test"), 0,
               "path,class,label,probability\n\"" EVIL "\",\"" EVIL "c\",1,0.5\n", "");
}

int main(void) {
#define EVILLY(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        EVILLY(commands_print_no_order_to_the_terminal),
        EVILLY(the_doctor_prints_no_order_to_the_terminal),
        EVILLY(the_lines_of_a_note_are_kept_and_nothing_else_of_it),
        EVILLY(json_and_errors_do_not_either),
        EVILLY(json_holds_what_the_coordinator_said),
        EVILLY(logs_into_a_pipe_are_the_log_byte_for_byte),
        EVILLY(logs_on_a_terminal_have_its_lines_and_no_orders),
        EVILLY(scores_on_a_terminal_have_a_line_a_picture_and_no_orders),
        EVILLY(scores_into_a_pipe_are_the_names_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
