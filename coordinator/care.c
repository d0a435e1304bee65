#include "coordinator/care.h"

#include "coordinator/backup.h"
#include "coordinator/fsck.h"
#include "core/home.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_DB = 0x1000, KEY_ARTIFACTS };

struct care_options {
    char *db, *artifacts; /* owned */
    const char *file;
};

struct care {
    const char *name;
    char *title; /* what its help calls it */
    const char *arguments, *help;
    bool (*run)(const struct care_options *options, int *code, struct error *error);
};

/* --- the three --- */

static bool run_backup(const struct care_options *options, int *code, struct error *error) {
    int64_t bytes = 0;
    (void)code;
    if (!backup_make(options->db, options->file, &bytes, error))
        return false;
    printf("%s: %.1f MiB, whole\n", options->file, (double)bytes / (1 << 20));
    return true;
}

static bool run_restore(const struct care_options *options, int *code, struct error *error) {
    (void)code;
    if (!backup_restore(options->file, options->db, error))
        return false;
    printf("%s is what %s was; assay coordinator --db %s goes on from it\n", options->db,
           options->file, options->db);
    return true;
}

static void print_fault(void *context, const char *line) {
    (void)context;
    puts(line);
}

static bool run_fsck(const struct care_options *options, int *code, struct error *error) {
    size_t faults = 0;
    if (!fsck_run(options->db, options->artifacts, print_fault, NULL, &faults, error))
        return false;
    if (faults == 0)
        printf("%s: whole, at one with itself and with its files\n", options->db);
    else
        printf("%s: %zu %s\n", options->db, faults, faults == 1 ? "fault" : "faults");
    *code = faults == 0 ? 0 : ERROR_FAILED;
    return true;
}

static const struct care cares[] = {
    {"backup", (char *)"assay backup", "FILE",
     "Copy the coordinator's database to FILE, checked, over an earlier backup there. The "
     "coordinator may run, and is not held up; artifacts (checkpoints) are files of their own, to "
     "be copied after it."
     "\vRun it on the coordinator's machine.\n\nExample:\n  assay backup --db runs.db /mnt/runs.db",
     run_backup},
    {"restore", (char *)"assay restore", "FILE",
     "Make a backup the coordinator's database again. One that is there is not overwritten."
     "\vExample:\n  mv runs.db runs.db.old; assay restore --db runs.db /mnt/runs.db",
     run_restore},
    {"fsck", (char *)"assay fsck", "",
     "Check the coordinator's database: that it is whole, agrees with itself, and with the "
     "checkpoints of this machine's workers and the artifacts that it names. One line a fault, and "
     "exit code 1. It changes nothing.",
     run_fsck},
};

static const struct care *find(const char *word) {
    for (size_t i = 0; i < sizeof cares / sizeof cares[0]; i++)
        if (strcmp(cares[i].name, word) == 0)
            return &cares[i];
    return NULL;
}

bool care_knows(const char *word) {
    return find(word) != NULL;
}

/* --- the command line --- */

static const struct argp_option option_table[] = {
    {"db", KEY_DB, "FILE", 0, "The database (default: $ASSAY_HOME/assay.db)", 0},
    {"artifacts", KEY_ARTIFACTS, "DIR", 0, "Its artifacts, for fsck (default: DB-artifacts)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct care_options *options = state->input;
    switch (key) {
    case KEY_DB: return (options->db = strdup(argument)) != NULL ? 0 : ENOMEM;
    case KEY_ARTIFACTS: return (options->artifacts = strdup(argument)) != NULL ? 0 : ENOMEM;
    case ARGP_KEY_ARG:
        if (options->file != NULL)
            argp_error(state, "an argument too many: %s", argument);
        options->file = argument;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool fill_defaults(struct care_options *options, struct error *error) {
    char *home = NULL;
    if (options->db == NULL) {
        if (!home_folder(&home, error))
            return false;
        if (asprintf(&options->db, "%s/assay.db", home) < 0)
            options->db = NULL;
        free(home);
    }
    if (options->db != NULL && options->artifacts == NULL &&
        asprintf(&options->artifacts, "%s-artifacts", options->db) < 0)
        options->artifacts = NULL;
    return (options->db != NULL && options->artifacts != NULL) ||
           error_set(error, ERROR_FAILED, "out of memory");
}

int care_main(int argc, char **argv) {
    const struct care *care = find(argv[0]);
    const struct argp argp = {
        .options = option_table, .parser = parse, .args_doc = care->arguments, .doc = care->help};
    struct care_options options = {0};
    struct error error = {0};
    int code = 0;
    argp_err_exit_status = ERROR_INPUT;
    argv[0] = care->title;
    bool good = argp_parse(&argp, argc, argv, 0, NULL, &options) == 0;
    if (good && (care->arguments[0] != '\0') != (options.file != NULL))
        good = error_set(&error, ERROR_INPUT, "%s %s; see %s --help", care->title,
                         options.file != NULL ? "takes no argument" : "needs FILE", care->title);
    good = good && fill_defaults(&options, &error) && care->run(&options, &code, &error);
    if (!good)
        fprintf(stderr, "assay: %s\n", error.message);
    free(options.artifacts);
    free(options.db);
    return good ? code : (int)error.code;
}
