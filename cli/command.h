/* command: what every command of `assay` has in common.
 *
 * A command is one file with one function, `int command_NAME(int argc, char **argv)`, declared
 * below and entered in the one table in main.c, from which `assay --help` is made. argv[0] is the
 * command's name; what it returns is the exit code: 0 done, 1 failed, 2 wrong input, 3 no
 * coordinator, 4 the experiment asked about failed or was cancelled. Its options are plain argp
 * options, handed to command_parse, which adds --help and, where asked for, --connect (with
 * --timeout, --key and --server-key) and --json, and says in one line what is wrong with a command
 * line, as core/options.h does.
 */
#ifndef ASSAY_CLI_COMMAND_H
#define ASSAY_CLI_COMMAND_H

#include "core/options.h"
#include "net/dealer.h"

#include <stddef.h>
#include <stdint.h>

/* A row of the table; a row without `run` is the heading of those that follow. */
struct command {
    const char *name;
    const char *arguments; /* "FILE --out DIR" */
    const char *summary;   /* a few words, no full stop */
    int (*run)(int argc, char **argv);
};

/* Options that command_parse itself understands; and that negative numbers are arguments, of which
 * they are the last, wherever they stand. */
enum { COMMAND_CONNECT = 1, COMMAND_JSON = 2, COMMAND_NEGATIVE = 4 };
#define COMMAND_ANY SIZE_MAX

/* A priority lies between the negative of it and itself, as in schema/experiment.schema.json. */
enum { COMMAND_PRIORITY_MOST = 1000 };

/* A command's command line, for command_parse. */
struct command_line {
    const char *arguments; /* "FILE..." as the usage line shows it */
    const char *help;      /* what it does; after "\v": what follows the options, an example */
    const struct argp_option *options; /* its own options, or NULL */
    argp_parser_t parse;               /* for its own options: state->input is `options` below */
    size_t least, most;                /* how many arguments; most: COMMAND_ANY for no limit */
    unsigned shared;                   /* COMMAND_CONNECT | COMMAND_JSON | COMMAND_NEGATIVE */
};

/* What command_parse found. The strings are argv's and the environment's. */
struct command_input {
    const char *connect;     /* --connect, else ASSAY_CONNECT, else the default endpoint */
    struct dealer_keys keys; /* --key and --server-key, else dealer_keys_default */
    int timeout_ms;          /* --timeout */
    bool json;
    char **arguments;
    size_t count;
};

/* Reads argv. False when the command is over (--help, or a mistake that was printed): return
 * *status. */
bool command_parse(const struct command_line *line, int argc, char **argv, void *options,
                   struct command_input *input, int *status);

/* The id of an experiment; ERROR_INPUT when `text` is none. */
bool command_id(const char *text, long long *id, struct error *error);

/* Prints "assay: message" on stderr and returns the error's exit code. */
int command_fail(const struct error *error);

int command_init(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_split(int argc, char **argv);
int command_data(int argc, char **argv);
int command_preview(int argc, char **argv);
int command_transform(int argc, char **argv);
int command_submit(int argc, char **argv);
int command_cancel(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_retry(int argc, char **argv);
int command_priority(int argc, char **argv);
int command_ls(int argc, char **argv);
int command_show(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_tag(int argc, char **argv);
int command_note(int argc, char **argv);
int command_workers(int argc, char **argv);
int command_drain(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_report(int argc, char **argv);
int command_scores(int argc, char **argv);
int command_test(int argc, char **argv);
int command_predict(int argc, char **argv);
int command_export(int argc, char **argv);
int command_tensorboard(int argc, char **argv);
int command_weights(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_fsck(int argc, char **argv);
int command_gc(int argc, char **argv);
int command_keygen(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_demo(int argc, char **argv);
int command_coordinator(int argc, char **argv);
int command_worker(int argc, char **argv);

#endif
