/* assay: the program for people. One table of commands; help, completion and man pages are made
 * from it. */
#include "cli/completion.h"
#include "cli/man.h"
#include "core/atomic_file.h"
#include "core/schema.h"
#include "core/standard.h"
#include "core/words.h"

#include <stdio.h>
#include <string.h>

/* Those two need the table that they stand in. */
static int command_completion(int argc, char **argv);
static int command_man(int argc, char **argv);

/* clang-format off */
static const struct command commands[] = {
    {"Start here", NULL, NULL, NULL},
    {"demo", "[--dir DIR]", "the whole line on this machine, in a few minutes", command_demo},
    {"Experiment files", NULL, NULL, NULL},
    {"init", "[DIR]", "a first experiment file for a folder of pictures", command_init},
    {"validate", "FILE...", "check experiment files and list what they hold", command_validate},
    {"split", "FILE --out DIR", "write train.json, valid.json and test.json", command_split},
    {"data", "check|push FILE | ls", "check pictures; bring a set to the coordinator",
     command_data},
    {"preview", "FILE --out SHEET.png", "a contact sheet of what each augmentation does", command_preview},
    {"transform", "FILE IMAGE --stage S --out O", "one picture through the pipeline", command_transform},
    {"Queue", NULL, NULL, NULL},
    {"submit", "FILE... [--wait]", "queue the experiments of files", command_submit},
    {"cancel", "ID...|GROUP", "take out of the queue, or stop", command_cancel},
    {"pause", "ID...|GROUP", "hold back, or stop for now", command_pause},
    {"resume", "ID...|GROUP", "queue again what is paused", command_resume},
    {"retry", "ID...|GROUP", "queue again what failed or was cancelled", command_retry},
    {"priority", "ID...|GROUP N", "run earlier or later", command_priority},
    {"Look", NULL, NULL, NULL},
    {"ls", "[ID...|GROUP]", "what is queued, running and finished", command_ls},
    {"show", "ID|NAME", "everything about one experiment", command_show},
    {"logs", "ID|NAME [-f]", "its training log", command_logs},
    {"watch", "[ID...|GROUP]", "live progress until all are finished", command_watch},
    {"tag", "ID...|GROUP [--add TAG]", "mark experiments, to find them again", command_tag},
    {"note", "ID...|GROUP [TEXT]", "write down what you think of them", command_note},
    {"workers", "", "who trains", command_workers},
    {"Results", NULL, NULL, NULL},
    {"compare", "[ID...|GROUP]", "best and last on valid and test; which to keep", command_compare},
    {"plot", "ID...|GROUP --out F.png|F.svg", "curves, ROC, confusion, effects as a picture", command_plot},
    {"report", "ID...|GROUP --out F.html", "all of that as one page to hand on", command_report},
    {"scores", "ID --checkpoint C --split S", "the probability of each picture, as CSV", command_scores},
    {"test", "ID --checkpoint C --split S", "evaluate a checkpoint again, here", command_test},
    {"predict", "CHECKPOINT IMAGE...", "the probability of label 1 of pictures", command_predict},
    {"export", "[ID...|GROUP] [--csv|--json]", "a table for other programs", command_export},
    {"tensorboard", "ID...|GROUP --out DIR", "event files for TensorBoard", command_tensorboard},
    {"Weights and checkpoints", NULL, NULL, NULL},
    {"weights", "FILE", "the tensors of a safetensors or .pth file", command_weights},
    {"verify", "A B", "whether two of them are the same, or where they differ", command_verify},
    {"gc", "[--dry-run]", "clear the coordinator's artifacts of what nobody needs", command_gc},
    {"Programs and this machine", NULL, NULL, NULL},
    {"coordinator", "--db FILE ...", "keep the queue and the results", command_coordinator},
    {"drain", "WORKER...", "have workers give back what they train and leave", command_drain},
    {"worker", "--connect ENDPOINT ...", "train what the coordinator hands out", command_worker},
    {"backup", "FILE --db DB", "copy the database, while its coordinator runs", command_backup},
    {"restore", "FILE --db DB", "make a backup the database again", command_restore},
    {"fsck", "--db DB", "whether the database is whole and agrees with its files", command_fsck},
    {"keygen", "[FILE]", "keys for a coordinator on other addresses than loopback", command_keygen},
    {"completion", "bash|zsh|fish", "a script for the shell's Tab key", command_completion},
    {"man", "[COMMAND]", "manual pages", command_man},
    {"doctor", "", "what this machine has, and what is missing", command_doctor},
};
/* clang-format on */
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int command_completion(int argc, char **argv) {
    return completion_run(commands, COMMAND_COUNT, argc, argv);
}

static int command_man(int argc, char **argv) {
    return man_run(commands, COMMAND_COUNT, argc, argv);
}

static void help(FILE *stream) {
    fputs("assay: queue, run and compare training experiments that tell forged faces from\n"
          "real ones\n\n"
          "Usage: assay COMMAND [OPTION...]\n",
          stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];
        if (command->run == NULL) {
            if (i + 1 < COMMAND_COUNT && commands[i + 1].run != NULL)
                fprintf(stream, "\n%s\n", command->name);
            continue;
        }
        char usage[80];
        snprintf(usage, sizeof usage, "%s %s", command->name, command->arguments);
        fprintf(stream, "  %-34s  %s\n", usage, command->summary);
    }
    fputs("\nassay COMMAND --help says more, with an example. Most commands take --json, and\n"
          "--connect ENDPOINT (or ASSAY_CONNECT) where they talk to the coordinator, with\n"
          "--key FILE and --server-key KEY (or ASSAY_KEY, ASSAY_SERVER_KEY) if it has keys.\n",
          stream);
}

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].run != NULL && strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown(const char *name) {
    const char *names[COMMAND_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].run != NULL)
            names[count++] = commands[i].name;
    const char *near = nearest_word(name, names, count);
    if (near != NULL)
        standard_complain("there is no command \"%s\"; did you mean \"%s\"?", name, near);
    else
        standard_complain("there is no command \"%s\"; assay --help lists them", name);
    return ERROR_INPUT;
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        help(stderr);
        return ERROR_INPUT;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        puts("assay " ASSAY_VERSION);
        return 0;
    }
    bool wants_help =
        strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (wants_help && argc == 2) {
        help(stdout);
        return 0;
    }
    const struct command *command = find(wants_help ? argv[2] : name);
    if (command == NULL)
        return unknown(wants_help ? argv[2] : name);
    struct error error = {0};
    if (!schema_load(&error)) {
        standard_complain("%s", error.message);
        return (int)error.code;
    }
    char *help_arguments[] = {wants_help ? argv[2] : NULL, "--help", NULL};
    return wants_help ? command->run(2, help_arguments) : command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv) {
    standard_open();
    atomic_file_tidy_when_ended();
    return standard_finish(run(argc, argv));
}
