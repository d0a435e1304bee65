#include "cli/completion.h"
#include "cli/description.h"
#include "cli/man.h"
#include "tests/cli/fake.h"

static const struct command commands[] = {
    {"Look", NULL, NULL, NULL},
    {"scores", "ID", "it's of each picture", command_scores},
    {"ls", "[ID...]", "a list", command_ls},
};

/* What completion_run or man_run prints; free it. */
static char *printed(int (*run)(const struct command *, size_t, int, char **), char *verb,
                     char *argument) {
    char *argv[] = {verb, argument, NULL}, *out;
    size_t size;
    FILE *before = stdout;
    stdout = open_memstream(&out, &size);
    assert_int_equal(run(commands, 3, 2, argv), 0);
    fclose(stdout);
    stdout = before;
    return out;
}

static void assert_says(char *text, const char *part) {
    if (strstr(text, part) == NULL)
        fail_msg("no %s in:\n%s", part, text);
}

static void a_command_tells_its_options_and_is_not_run(void **state) {
    (void)state;
    struct description described;
    assert_true(description_make(&commands[1], &described));
    assert_string_equal(described.arguments, "ID|NAME");
    assert_string_equal(described.options[0].name, "checkpoint");
    assert_int_equal(described.options[0].letter, 'c');
    assert_string_equal(described.options[0].argument, "best|last");
    assert_string_equal(described.options[described.count - 1].name, "help");
    description_free(&described);
}

static void choices_are_the_words_between_bars_in_lower_case(void **state) {
    (void)state;
    const struct described_option options[] = {{.argument = "best|last|N"},
                                               {.argument = "KEY|FILE"},
                                               {.argument = "ID@best|last|N"},
                                               {.argument = "words"}};
    const char *const expected[] = {"best last", "", "", ""};
    for (size_t i = 0; i < 4; i++) {
        struct text text = {0};
        description_choices(&options[i], &text);
        assert_string_equal(text_string(&text), expected[i]);
        text_free(&text);
    }
}

static void what_stands_for_a_command_is_read_from_its_arguments(void **state) {
    (void)state;
    static const struct {
        const char *arguments, *words;
        enum operand operand;
    } cases[] = {
        {"[ID...|GROUP]", "", OPERAND_EXPERIMENTS},
        {"ID|NAME", "", OPERAND_EXPERIMENTS},
        {"WORKER...", "", OPERAND_WORKERS},
        {"FILE IMAGE", "", OPERAND_FILES},
        {"A B", "", OPERAND_FILES},
        {"check FILE | push FILE | ls", "check push ls", OPERAND_FILES},
        {"bash|zsh|fish", "bash zsh fish", OPERAND_NOTHING},
        {"", "", OPERAND_NOTHING},
        {NULL, "", OPERAND_FILES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct description described = {.arguments = cases[i].arguments};
        struct text text = {0};
        description_words(&described, &text);
        assert_int_equal(description_operand(&described), cases[i].operand);
        assert_string_equal(text_string(&text), cases[i].words);
        text_free(&text);
    }
}

static void bash_completes_commands_options_and_choices(void **state) {
    (void)state;
    char *script = printed(completion_run, "completion", "bash");
    assert_says(script, "words='help scores ls '");
    assert_says(script, "    scores) offers=experiments first='' options='--checkpoint --split ");
    assert_says(script, "--checkpoint|-c) words='best last' ;;");
    free(script);
}

static void fish_and_zsh_quote_what_is_said(void **state) {
    (void)state;
    char *fish = printed(completion_run, "completion", "fish");
    assert_says(fish, "-a scores -d 'it'\\''s of each picture'");
    assert_says(fish, "-l split -s s -x -a 'valid test' -d 'Which part of the data'");
    free(fish);
    char *zsh = printed(completion_run, "completion", "zsh");
    assert_says(zsh, "'scores:it'\\''s of each picture'");
    assert_says(zsh, "'--split=[Which part of the data]:choice:(valid test)'");
    free(zsh);
}

static void man_escapes_what_roff_would_read(void **state) {
    (void)state;
    char *page = printed(man_run, "man", "scores");
    assert_says(page, ".TH \"ASSAY-SCORES\" 1");
    assert_says(page, "assay\\-scores \\- it's of each picture\n");
    assert_says(page, ".TP\n\\fB\\-c\\fR, \\fB\\-\\-checkpoint\\fR=\\fIbest|last\\fR\n");
    free(page);
}

static void a_shell_that_is_not_known_is_refused(void **state) {
    (void)state;
    char *argv[] = {"completion", "tcsh", NULL}, *err;
    size_t size;
    FILE *before = stderr;
    stderr = open_memstream(&err, &size);
    int status = completion_run(commands, 3, 2, argv);
    fclose(stderr);
    stderr = before;
    assert_int_equal(status, 2);
    assert_string_equal(err, "assay: there is no completion for \"tcsh\"; use bash, zsh or fish\n");
    free(err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_tells_its_options_and_is_not_run),
        cmocka_unit_test(choices_are_the_words_between_bars_in_lower_case),
        cmocka_unit_test(what_stands_for_a_command_is_read_from_its_arguments),
        cmocka_unit_test(bash_completes_commands_options_and_choices),
        cmocka_unit_test(fish_and_zsh_quote_what_is_said),
        cmocka_unit_test(man_escapes_what_roff_would_read),
        cmocka_unit_test(a_shell_that_is_not_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
