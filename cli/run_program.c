#include "cli/run_program.h"

#include "cli/command.h"
#include "cli/description.h"
#include "cli/program.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int program_run(const char *name, char **argv) {
    struct error error = {0};
    char path[PATH_MAX];
    if (description_heard_program(name, argv))
        return 0;
    if (!program_path(name, path, sizeof path, &error))
        return command_fail(&error);
    argv[0] = path;
    fflush(stdout);
    execv(path, argv);
    error_errno(&error, ERROR_FAILED, "cannot run %s; it should stand beside assay", path);
    return command_fail(&error);
}

int command_coordinator(int argc, char **argv) {
    (void)argc;
    return program_run("assay-coordinator", argv);
}

int command_worker(int argc, char **argv) {
    (void)argc;
    return program_run("assay-worker", argv);
}

/* `assay NAME ...` is `assay-coordinator NAME ...`. */
static int run_care(int argc, char **argv) {
    struct error error = {0};
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (words == NULL) {
        error_memory(&error);
        return command_fail(&error);
    }
    for (int i = 0; i < argc; i++)
        words[i + 1] = argv[i];
    int status = program_run("assay-coordinator", words);
    free(words);
    return status;
}

int command_backup(int argc, char **argv) {
    return run_care(argc, argv);
}

int command_restore(int argc, char **argv) {
    return run_care(argc, argv);
}

int command_fsck(int argc, char **argv) {
    return run_care(argc, argv);
}
