#include "cli/command.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEY_OUT = 'o' };
static const struct argp_option options[] = {{"out", KEY_OUT, "DIR", 0, "Where to", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    if (key != KEY_OUT)
        return ARGP_ERR_UNKNOWN;
    *(char **)state->input = argument;
    return strcmp(argument, "bad") == 0 ? options_mistake(state, "--out cannot be bad") : 0;
}

static const struct command_line line = {.arguments = "ID [WHAT]",
                                         .help = "Does it.\vExample:\n  assay it 3",
                                         .options = options,
                                         .parse = parse,
                                         .least = 1,
                                         .most = 2,
                                         .shared = COMMAND_CONNECT | COMMAND_JSON};

/* The outcome of one command line; `printed` is what went to stdout or stderr. */
struct outcome {
    bool goes_on;
    int status;
    char *out;
    struct command_input input;
    char printed[2048];
};

static struct outcome parse_as(const struct command_line *as, FILE **stream, char **argv) {
    struct outcome outcome = {0};
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    FILE *before = *stream;
    *stream = fmemopen(outcome.printed, sizeof outcome.printed - 1, "w");
    outcome.goes_on = command_parse(as, argc, argv, &outcome.out, &outcome.input, &outcome.status);
    fclose(*stream);
    *stream = before;
    return outcome;
}

static struct outcome parse_line(FILE **stream, char **argv) {
    return parse_as(&line, stream, argv);
}
#define PARSE(...) parse_line(&stderr, (char *[]){"it", __VA_ARGS__, NULL})

static void assert_mistake(const struct outcome *outcome, const char *printed) {
    assert_false(outcome->goes_on);
    assert_int_equal(outcome->status, 2);
    assert_string_equal(outcome->printed, printed);
}

static void options_and_arguments_may_stand_in_any_order(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--json", "--out", "there", "four");
    assert_true(outcome.goes_on);
    assert_true(outcome.input.json);
    assert_string_equal(outcome.out, "there");
    assert_int_equal(outcome.input.count, 2);
    assert_string_equal(outcome.input.arguments[0], "3");
    assert_string_equal(outcome.input.arguments[1], "four");
}

static void after_two_dashes_everything_is_an_argument(void **state) {
    (void)state;
    struct outcome outcome = PARSE("--", "--json");
    assert_true(outcome.goes_on);
    assert_false(outcome.input.json);
    assert_string_equal(outcome.input.arguments[0], "--json");
}

static void connect_comes_from_the_option_then_the_environment_then_the_default(void **state) {
    (void)state;
    unsetenv("ASSAY_CONNECT");
    assert_string_equal(PARSE("3").input.connect, "tcp://127.0.0.1:7470");
    setenv("ASSAY_CONNECT", "", 1);
    assert_string_equal(PARSE("3").input.connect, "tcp://127.0.0.1:7470");
    setenv("ASSAY_CONNECT", "tcp://there:1", 1);
    assert_string_equal(PARSE("3").input.connect, "tcp://there:1");
    assert_string_equal(PARSE("3", "--connect", "tcp://here:2").input.connect, "tcp://here:2");
    unsetenv("ASSAY_CONNECT");
}

static void a_timeout_is_in_seconds(void **state) {
    (void)state;
    assert_int_equal(PARSE("3").input.timeout_ms, 5000);
    assert_int_equal(PARSE("3", "--timeout=2").input.timeout_ms, 2000);
    struct outcome outcome = PARSE("3", "--timeout=soon");
    assert_mistake(&outcome, "assay: --timeout takes 1 to 3600 seconds, not \"soon\"; see assay it "
                             "--help\n");
}

static void a_misspelt_option_is_named_with_the_nearest(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--jsno");
    assert_mistake(&outcome,
                   "assay: unknown option --jsno; did you mean --json?; see assay it --help\n");
    outcome = PARSE("3", "-x");
    assert_mistake(&outcome, "assay: unknown option -x; see assay it --help\n");
    outcome = PARSE("3", "-xyz");
    assert_mistake(&outcome, "assay: unknown option -xyz; see assay it --help\n");
}

static void the_word_that_is_wrong_is_blamed_and_no_other(void **state) {
    (void)state;
    static const struct {
        char *words[5];
        const char *blamed;
    } cases[] = {
        {{"it", "3", "-xy"}, "unknown option -xy"},
        {{"it", "--json", "-xy"}, "unknown option -xy"},
        {{"it", "3", "-oout", "-xy", "4"}, "unknown option -xy"},
        {{"it", "3", "-o", "there", "-x"}, "unknown option -x"},
        {{"it", "3", "-o"}, "-o needs a value: DIR"},
        {{"it", "3", "--ou"}, "--out needs a value: DIR"},
        {{"it", "--js=1", "3"}, "--json takes no value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *words[6] = {0}, expected[128];
        memcpy(words, cases[i].words, sizeof cases[i].words);
        struct outcome outcome = parse_line(&stderr, words);
        snprintf(expected, sizeof expected, "assay: %s; see assay it --help\n", cases[i].blamed);
        assert_mistake(&outcome, expected);
    }
}

static void an_option_without_its_value_is_a_mistake(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--out");
    assert_mistake(&outcome, "assay: --out needs a value: DIR; see assay it --help\n");
}

static void an_empty_value_is_none_and_an_empty_argument_a_mistake(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--out", "");
    assert_mistake(&outcome, "assay: --out needs a value: DIR; see assay it --help\n");
    outcome = PARSE("3", "--connect=");
    assert_mistake(&outcome, "assay: --connect needs a value: ENDPOINT; see assay it --help\n");
    outcome = PARSE("3", "");
    assert_mistake(&outcome,
                   "assay: an argument is empty; it needs ID [WHAT]; see assay it --help\n");
}

static void a_mistake_is_one_line_whatever_was_typed(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--a\033[31m\nb");
    assert_mistake(&outcome, "assay: unknown option --a?[31m?b; see assay it --help\n");
}

static void an_option_with_a_value_it_does_not_take_is_a_mistake(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--json=yes");
    assert_mistake(&outcome, "assay: --json takes no value; see assay it --help\n");
}

static void a_mistake_of_the_command_itself_is_said_once(void **state) {
    (void)state;
    struct outcome outcome = PARSE("3", "--out", "bad");
    assert_mistake(&outcome, "assay: --out cannot be bad; see assay it --help\n");
}

static void too_few_and_too_many_arguments_are_mistakes(void **state) {
    (void)state;
    struct outcome outcome = PARSE("--json");
    assert_mistake(&outcome, "assay: it needs ID [WHAT]; see assay it --help\n");
    outcome = parse_line(&stderr, (char *[]){"it", NULL});
    assert_mistake(&outcome, "assay: it needs ID [WHAT]; see assay it --help\n");
    outcome = PARSE("1", "2", "3");
    assert_mistake(&outcome, "assay: it has an argument too many: 3; see assay it --help\n");
}

static void negative_numbers_are_arguments_where_they_may_be(void **state) {
    (void)state;
    struct command_line negative = line;
    negative.shared |= COMMAND_NEGATIVE;
#define PARSE_NEGATIVE(...) parse_as(&negative, &stderr, (char *[]){"it", __VA_ARGS__, NULL})
    struct outcome outcome = PARSE_NEGATIVE("5", "-12", "--json", "--out", "there");
    assert_true(outcome.goes_on);
    assert_true(outcome.input.json);
    assert_string_equal(outcome.out, "there");
    assert_int_equal(outcome.input.count, 2);
    assert_string_equal(outcome.input.arguments[0], "5");
    assert_string_equal(outcome.input.arguments[1], "-12");
    outcome = PARSE_NEGATIVE("--out", "-3", "5", "--", "-12");
    assert_true(outcome.goes_on);
    assert_string_equal(outcome.out, "-3");
    assert_int_equal(outcome.input.count, 2);
    assert_string_equal(outcome.input.arguments[1], "-12");
    outcome = PARSE_NEGATIVE("1", "-2", "-3");
    assert_mistake(&outcome, "assay: it has an argument too many: -3; see assay it --help\n");
    outcome = PARSE_NEGATIVE("1", "-x");
    assert_mistake(&outcome, "assay: unknown option -x; see assay it --help\n");
#undef PARSE_NEGATIVE
}

static void help_goes_to_stdout_and_ends_well(void **state) {
    (void)state;
    struct outcome outcome = parse_line(&stdout, (char *[]){"it", "--help", NULL});
    assert_false(outcome.goes_on);
    assert_int_equal(outcome.status, 0);
    assert_non_null(strstr(outcome.printed, "Usage: assay it [OPTION...] ID [WHAT]\n"));
    assert_non_null(strstr(outcome.printed, "--connect=ENDPOINT"));
    assert_non_null(strstr(outcome.printed, "assay it 3"));
}

/* The longest line of what was written to the terminal, which is closed. */
static size_t longest_line(int master) {
    char text[4096] = "";
    size_t longest = 0, length = 0;
    for (ssize_t got; (got = read(master, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    for (char *rest = text, *at; (at = strsep(&rest, "\r\n")) != NULL;)
        longest = strlen(at) > longest ? strlen(at) : longest;
    return longest;
}

/* In processes of their own, made before help is asked for here: argp lays out once in each. */
static void help_breaks_lines_where_the_terminal_ends(void **state) {
    (void)state;
    char *argv[] = {"it", "--help", NULL};
    for (unsigned short columns = 40; columns <= 80; columns = (unsigned short)(columns + 8)) {
        const struct winsize size = {.ws_row = 24, .ws_col = columns};
        int status, master = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        FILE *terminal = fopen(ptsname(master), "r+");
        assert_non_null(terminal);
        assert_int_equal(ioctl(fileno(terminal), TIOCSWINSZ, &size), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct outcome outcome = {0};
            stdout = terminal;
            command_parse(&line, 2, argv, &outcome.out, &outcome.input, &outcome.status);
            fclose(terminal);
            _exit(outcome.status);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        fclose(terminal);
        assert_in_range(longest_line(master), columns / 2, columns - 1);
        close(master);
    }
}

static void help_wins_over_mistakes_wherever_they_stand(void **state) {
    (void)state;
    char *lines[][4] = {{"it", "--jsno", "--help"}, {"it", "--help", "--jsno"}, {"it", "-h"}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct outcome outcome = parse_line(&stdout, lines[i]);
        assert_false(outcome.goes_on);
        assert_int_equal(outcome.status, 0);
        assert_non_null(strstr(outcome.printed, "Usage: assay it"));
    }
}

static void a_number_is_digits_within_its_bounds(void **state) {
    (void)state;
    long long value = 0;
    assert_true(options_number("-12", -12, 12, &value));
    assert_int_equal(value, -12);
    assert_false(options_number("13", -12, 12, &value));
    assert_false(options_number("", -12, 12, &value));
    assert_false(options_number(" 1", -12, 12, &value));
    assert_false(options_number("+1", -12, 12, &value));
    assert_false(options_number("1x", -12, 12, &value));
    assert_false(options_number("99999999999999999999", 0, INT64_MAX, &value));
}

static void an_id_is_at_least_1(void **state) {
    (void)state;
    long long id = 0;
    struct error error = {0};
    assert_true(command_id("12", &id, &error));
    assert_int_equal(id, 12);
    assert_false(command_id("0", &id, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "\"0\" is no id of an experiment; assay ls lists them");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_breaks_lines_where_the_terminal_ends),
        cmocka_unit_test(options_and_arguments_may_stand_in_any_order),
        cmocka_unit_test(after_two_dashes_everything_is_an_argument),
        cmocka_unit_test(connect_comes_from_the_option_then_the_environment_then_the_default),
        cmocka_unit_test(a_timeout_is_in_seconds),
        cmocka_unit_test(a_misspelt_option_is_named_with_the_nearest),
        cmocka_unit_test(the_word_that_is_wrong_is_blamed_and_no_other),
        cmocka_unit_test(an_option_without_its_value_is_a_mistake),
        cmocka_unit_test(an_empty_value_is_none_and_an_empty_argument_a_mistake),
        cmocka_unit_test(a_mistake_is_one_line_whatever_was_typed),
        cmocka_unit_test(an_option_with_a_value_it_does_not_take_is_a_mistake),
        cmocka_unit_test(a_mistake_of_the_command_itself_is_said_once),
        cmocka_unit_test(too_few_and_too_many_arguments_are_mistakes),
        cmocka_unit_test(negative_numbers_are_arguments_where_they_may_be),
        cmocka_unit_test(help_goes_to_stdout_and_ends_well),
        cmocka_unit_test(help_wins_over_mistakes_wherever_they_stand),
        cmocka_unit_test(a_number_is_digits_within_its_bounds),
        cmocka_unit_test(an_id_is_at_least_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
