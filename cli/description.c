#include "cli/description.h"

#include "cli/program.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_SIZE = 1 << 14 };

/* Who is listening; commands are run on one thread. */
static struct description *listener;

static void add(struct description *description, const char *name, size_t length, char letter,
                const char *argument, size_t argument_length, const char *help) {
    if (description->count == DESCRIPTION_OPTIONS)
        return;
    struct described_option *option = &description->options[description->count++];
    *option = (struct described_option){.letter = letter, .help = help};
    snprintf(option->name, sizeof option->name, "%.*s", (int)length, name);
    snprintf(option->argument, sizeof option->argument, "%.*s", (int)argument_length, argument);
}

bool description_heard(const struct command_line *line, const struct argp_option *options,
                       size_t count) {
    if (listener == NULL)
        return false;
    listener->arguments = line->arguments != NULL ? line->arguments : "";
    listener->help = line->help;
    for (size_t i = 0; i < count; i++) {
        const char *argument = options[i].arg != NULL ? options[i].arg : "";
        char letter = options[i].key > ' ' && options[i].key < 0x7F ? (char)options[i].key : 0;
        add(listener, options[i].name, strlen(options[i].name), letter, argument, strlen(argument),
            options[i].doc);
    }
    return true;
}

/* The options of a text that argp made: lines of "  -x, --name=ARGUMENT   What". */
static void read_options(struct description *description, const char *help) {
    for (const char *line = help; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *at = line + strspn(line, " ");
        char letter = 0;
        if (at == line)
            continue;
        if (at[0] == '-' && at[1] != '-' && at[2] == ',') {
            letter = isalnum((unsigned char)at[1]) ? at[1] : 0; /* not -? */
            at += 4;
        }
        if (strncmp(at, "--", 2) != 0)
            continue;
        size_t length = strcspn(at + 2, "=[ \n");
        const char *argument = at + 2 + length;
        argument += *argument == '=';
        bool has = argument[-1] == '=';
        add(description, at + 2, length, letter, argument, has ? strcspn(argument, " \n") : 0,
            NULL);
    }
}

bool description_heard_program(const char *program, char **argv) {
    if (listener == NULL)
        return false;
    listener->program_help = calloc(HELP_SIZE, 1);
    if (listener->program_help == NULL || !program_output(program, (const char *const *)(argv + 1),
                                                          listener->program_help, HELP_SIZE)) {
        free(listener->program_help);
        listener->program_help = NULL;
    } else
        read_options(listener, listener->program_help);
    return true;
}

bool description_make(const struct command *command, struct description *description) {
    char name[64], help[] = "--help";
    char *argv[] = {name, help, NULL};
    *description = (struct description){0};
    snprintf(name, sizeof name, "%s", command->name);
    listener = description;
    command->run(2, argv);
    listener = NULL;
    return description->help != NULL || description->program_help != NULL;
}

void description_free(struct description *description) {
    free(description->program_help);
    *description = (struct description){0};
}

void description_choices(const struct described_option *option, struct text *text) {
    const char *word = option->argument;
    if (strchr(word, '|') == NULL ||
        strchr(word, '@') != NULL) /* ID@best|last is no word of those */
        return;
    while (*word != '\0') {
        size_t length = strcspn(word, "|");
        if (islower((unsigned char)*word))
            text_format(text, "%s%.*s", text->length > 0 ? " " : "", (int)length, word);
        word += length + (word[length] == '|');
    }
}

/* Takes the next word of "[ID...|GROUP] N" off: its begin, its length into *length; NULL at the
 * end. */
static const char *next_word(const char **at, size_t *length) {
    static const char between[] = " []|.";
    const char *word = *at + strspn(*at, between);
    *length = strcspn(word, between);
    *at = word + *length;
    return *length > 0 ? word : NULL;
}

enum operand description_operand(const struct description *description) {
    static const struct {
        const char *word;
        enum operand operand;
    } known[] = {
        {"ID", OPERAND_EXPERIMENTS}, {"WORKER", OPERAND_WORKERS},   {"FILE", OPERAND_FILES},
        {"DIR", OPERAND_FILES},      {"CHECKPOINT", OPERAND_FILES}, {"A", OPERAND_FILES},
    };
    const char *at = description->arguments, *word;
    size_t length;
    if (at == NULL)
        return OPERAND_FILES; /* a program's */
    while ((word = next_word(&at, &length)) != NULL)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (strlen(known[i].word) == length && strncmp(known[i].word, word, length) == 0)
                return known[i].operand;
    return OPERAND_NOTHING;
}

void description_words(const struct description *description, struct text *text) {
    const char *at = description->arguments != NULL ? description->arguments : "", *word;
    size_t length;
    while ((word = next_word(&at, &length)) != NULL)
        if (islower((unsigned char)word[0]))
            text_format(text, "%s%.*s", text->length > 0 ? " " : "", (int)length, word);
}
