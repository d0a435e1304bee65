/* description: what a command takes, told by the command itself, for completion and man pages:
 * there is no second list of options.
 *
 * A command is run with --help while command_parse (cli/command.h) listens instead of printing. One
 * that another program stands behind (assay worker) is described by that program's own --help.
 */
#ifndef ASSAY_CLI_DESCRIPTION_H
#define ASSAY_CLI_DESCRIPTION_H

#include "cli/command.h"
#include "core/text.h"

enum { DESCRIPTION_OPTIONS = 40 };

struct described_option {
    char name[32];     /* "columns" */
    char letter;       /* 'c', or 0 */
    char argument[64]; /* "NAME,...", "best|last"; "" for none */
    const char *help;  /* NULL where a program's own help says it */
};

struct description {
    const char *arguments, *help; /* of its command_line; NULL for a program */
    struct described_option options[DESCRIPTION_OPTIONS];
    size_t count;
    char *program_help; /* what a program prints for --help, or NULL */
};

/* False when a program stands behind the command that cannot be run. */
bool description_make(const struct command *command, struct description *description);
void description_free(struct description *description);

/* The choices that an option's argument names: "best|last|N" has best and last. Adds them with
 * spaces between; nothing where it names none. */
void description_choices(const struct described_option *option, struct text *text);

/* What a command's arguments are, but for its options. */
enum operand { OPERAND_NOTHING, OPERAND_FILES, OPERAND_EXPERIMENTS, OPERAND_WORKERS };
enum operand description_operand(const struct description *description);
/* The words that may stand there as they are, "check", "push", with spaces between; adds none where
 * there are none. */
void description_words(const struct description *description, struct text *text);

/* For command_parse and program_run: true when somebody listens, who has been told then. */
bool description_heard(const struct command_line *line, const struct argp_option *options,
                       size_t count);
bool description_heard_program(const char *program, char **argv);

#endif
