/* assay: the program for people. One table of commands; the help is made from it. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct command commands[] = {
    {"Start here", NULL, NULL, NULL},
    {"Experiment files", NULL, NULL, NULL},
    {"Queue", NULL, NULL, NULL},
    {"Look", NULL, NULL, NULL},
    {"Results", NULL, NULL, NULL},
    {"Programs and this machine", NULL, NULL, NULL},
    {"coordinator", "--db FILE ...", "keep the queue and the results", command_coordinator},
    {"worker", "--connect ENDPOINT ...", "train what the coordinator hands out", command_worker},
};
/* clang-format on */
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void help(FILE *stream) {
    fputs("assay: training experiments that tell forged faces from real ones, queued, run and "
          "compared\n\n"
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
        fprintf(stream, strlen(usage) > 34 ? "  %s\n  %34s" : "  %-34s", usage, "");
        fprintf(stream, "  %s\n", command->summary);
    }
    fputs("\nassay COMMAND --help says more, with an example. Most commands take --json, and\n"
          "--connect ENDPOINT (or ASSAY_CONNECT) where they talk to the coordinator.\n",
          stream);
}

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].run != NULL && strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv) {
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
    if (command == NULL) {
        fprintf(stderr, "assay: there is no command \"%s\"; assay --help lists them\n",
                wants_help ? argv[2] : name);
        return ERROR_INPUT;
    }
    if (wants_help) {
        char *arguments[] = {argv[2], "--help", NULL};
        return command->run(2, arguments);
    }
    return command->run(argc - 1, argv + 1);
}
