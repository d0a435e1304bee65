#include "cli/man.h"

#include "cli/description.h"
#include "core/atomic_file.h"
#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_OUT = 'o' };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "DIR", 0, "Write all pages there, assay.1 and assay-COMMAND.1", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    if (key != KEY_OUT)
        return ARGP_ERR_UNKNOWN;
    *(const char **)state->input = argument;
    return 0;
}

static const struct command_line line = {
    .arguments = "[COMMAND]",
    .help = "Prints the manual page of a command, or of assay itself, as man reads it."
            "\vExample:\n  assay man compare | man -l -",
    .options = options,
    .parse = parse,
    .most = 1};

/* Adds text so that roff changes nothing of it. */
static void add_roff(struct text *text, const char *string, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bool begins = i == 0 || string[i - 1] == '\n';
        if (begins && (string[i] == '.' || string[i] == '\''))
            text_format(text, "\\&");
        if (string[i] == '\\')
            text_format(text, "\\e");
        else if (string[i] == '-')
            text_format(text, "\\-");
        else
            text_add(text, string + i, 1);
    }
}

static void add_paragraphs(struct text *text, const char *string, size_t length) {
    const char *end = string + length;
    while (string < end) {
        const char *gap = strstr(string, "\n\n");
        const char *stop = gap != NULL && gap < end ? gap : end;
        add_roff(text, string, (size_t)(stop - string));
        text_format(text, stop < end ? "\n.PP\n" : "\n");
        string = stop < end ? stop + 2 : end;
    }
}

static void add_verbatim(struct text *text, const char *string) {
    text_format(text, ".nf\n");
    add_roff(text, string, strlen(string));
    text_format(text, "%s.fi\n",
                string[0] != '\0' && string[strlen(string) - 1] == '\n' ? "" : "\n");
}

static void add_title(struct text *text, const char *name, const char *summary) {
    text_format(text, ".TH \"");
    for (const char *at = name; *at != '\0'; at++)
        text_format(text, "%c", *at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    text_format(text, "\" 1 \"\" \"assay " ASSAY_VERSION "\" \"User Commands\"\n.SH NAME\n");
    add_roff(text, name, strlen(name));
    text_format(text, " \\- ");
    add_roff(text, summary, strlen(summary));
    text_format(text, "\n");
}

static void add_option(struct text *text, const struct described_option *option) {
    text_format(text, ".TP\n");
    if (option->letter != 0)
        text_format(text, "\\fB\\-%c\\fR, ", option->letter);
    text_format(text, "\\fB\\-\\-");
    add_roff(text, option->name, strlen(option->name));
    text_format(text, "\\fR%s\\fI", option->argument[0] != '\0' ? "=" : "");
    add_roff(text, option->argument, strlen(option->argument));
    text_format(text, "\\fR\n");
    add_roff(text, option->help, strlen(option->help));
    text_format(text, "\n");
}

static void add_own(struct text *text, const struct command *command,
                    const struct description *described) {
    const char *rest = strchr(described->help, '\v');
    size_t length = rest != NULL ? (size_t)(rest - described->help) : strlen(described->help);
    text_format(text, ".SH SYNOPSIS\n\\fBassay %s\\fR [\\fIOPTION\\fR...] ", command->name);
    add_roff(text, described->arguments, strlen(described->arguments));
    text_format(text, "\n.SH DESCRIPTION\n");
    add_paragraphs(text, described->help, length);
    text_format(text, ".SH OPTIONS\n");
    for (size_t i = 0; i < described->count; i++)
        add_option(text, &described->options[i]);
    if (rest != NULL) {
        text_format(text, ".SH NOTES AND EXAMPLES\n");
        add_verbatim(text, rest + 1);
    }
    text_format(text, ".SH EXIT STATUS\n0: done. 1: it failed. 2: the command line or the input is "
                      "wrong. 3: the coordinator cannot be reached. 4: the experiment asked about "
                      "failed or was cancelled.\n");
}

static void add_page(struct text *text, const struct command *command) {
    struct description described;
    char name[64];
    snprintf(name, sizeof name, "assay-%s", command->name);
    add_title(text, name, command->summary);
    if (!description_make(command, &described))
        text_format(text, ".SH DESCRIPTION\nThe program behind it is not there to describe it.\n");
    else if (described.program_help != NULL) {
        text_format(text, ".SH DESCRIPTION\n");
        add_verbatim(text, described.program_help);
    } else
        add_own(text, command, &described);
    text_format(text, ".SH SEE ALSO\n.BR assay (1)\n");
    description_free(&described);
}

static void add_overview(struct text *text, const struct command *commands, size_t count) {
    add_title(text, "assay",
              "queue, run and compare training experiments that tell forged faces from real ones");
    text_format(text, ".SH SYNOPSIS\n\\fBassay\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]\n");
    for (size_t i = 0; i < count; i++) {
        if (commands[i].run == NULL) {
            text_format(text, ".SH ");
            add_roff(text, commands[i].name, strlen(commands[i].name));
            text_format(text, "\n");
            continue;
        }
        text_format(text, ".TP\n\\fB%s\\fR ", commands[i].name);
        add_roff(text, commands[i].arguments, strlen(commands[i].arguments));
        text_format(text, "\n");
        add_roff(text, commands[i].summary, strlen(commands[i].summary));
        text_format(text, ": \\fBassay\\-%s\\fR(1)\n", commands[i].name);
    }
    text_format(text, ".SH FILES\n.TP\n.I share/doc/assay\nof where assay is installed: what pages "
                      "call docs/NAME.md and experiments/NAME.json\n");
}

static bool write_page(const char *folder, const char *name, struct text *text,
                       struct error *error) {
    char *path = NULL;
    struct atomic_file file;
    bool good = !text->failed && asprintf(&path, "%s/%s.1", folder, name) >= 0;
    if (!good)
        error_memory(error);
    good = good && atomic_file_begin(path, &file, error);
    if (good && !atomic_file_write(&file, text_string(text), text->length, error)) {
        atomic_file_abandon(&file);
        good = false;
    }
    good = good && atomic_file_commit(&file, error);
    free(path);
    text_free(text);
    return good;
}

static bool write_pages(const char *folder, const struct command *commands, size_t count,
                        struct error *error) {
    struct text text = {0};
    if (!folder_make(folder, error))
        return false;
    add_overview(&text, commands, count);
    bool good = write_page(folder, "assay", &text, error);
    for (size_t i = 0; good && i < count; i++) {
        char name[64];
        if (commands[i].run == NULL)
            continue;
        snprintf(name, sizeof name, "assay-%s", commands[i].name);
        add_page(&text, &commands[i]);
        good = write_page(folder, name, &text, error);
    }
    return good;
}

static bool print_page(const struct command_input *input, const struct command *commands,
                       size_t count, struct error *error) {
    struct text text = {0};
    if (input->count == 0)
        add_overview(&text, commands, count);
    for (size_t i = 0; input->count > 0 && i < count; i++)
        if (commands[i].run != NULL && strcmp(commands[i].name, input->arguments[0]) == 0)
            add_page(&text, &commands[i]);
    bool good = text.length > 0 ||
                error_set(error, ERROR_INPUT, "there is no command \"%s\"; assay --help lists them",
                          input->arguments[0]);
    fputs(text_string(&text), stdout);
    text_free(&text);
    return good;
}

int man_run(const struct command *commands, size_t count, int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    const char *folder = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &folder, &input, &status))
        return status;
    bool good;
    if (folder != NULL && input.count > 0)
        good = error_set(&error, ERROR_INPUT,
                         "--out is for all pages, and \"%s\" is one; leave out either",
                         input.arguments[0]);
    else if (folder != NULL)
        good = write_pages(folder, commands, count, &error);
    else
        good = print_page(&input, commands, count, &error);
    return good ? 0 : command_fail(&error);
}
