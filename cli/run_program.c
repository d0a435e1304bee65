/* run_program: `assay coordinator ...` and `assay worker ...` become the program of that name that
 * stands beside this one. */
#include "cli/run_program.h"

#include "cli/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool program_path(const char *name, char *path, size_t size, struct error *error) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return error_errno(error, ERROR_FAILED, "cannot tell where this program stands");
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    int written = snprintf(path, size, "%s/%s", self, name);
    if (written < 0 || (size_t)written >= size)
        return error_set(error, ERROR_FAILED, "the path of %s is too long", name);
    return true;
}

int program_run(const char *name, char **argv) {
    struct error error = {0};
    char path[PATH_MAX];
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
