#include "coordinator/care.h"

#include "coordinator/backup.h"
#include "coordinator/fsck.h"
#include "coordinator/places.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/options.h"
#include "core/standard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_DB = 0x1000, KEY_ARTIFACTS, KEY_JSON, KEY_QUICK };
enum { PROGRESS_AFTER_MS = 2000, PROGRESS_EVERY_MS = 200 };

struct care_options {
    char *db, *artifacts; /* owned */
    const char *file;
    bool json, quick;
};

struct care {
    const char *name, *title;     /* title: what its help calls it */
    const char *arguments, *help; /* arguments: NULL for none */
    const struct argp_option *options;
    bool (*run)(const struct care_options *options, int *code, struct error *error);
};

/* Prints the document, and frees it. */
static bool print_json(cJSON *document, struct error *error) {
    char *text = json_text(document);
    bool good = text != NULL || error_memory(error);
    if (good)
        puts(text);
    free(text);
    cJSON_Delete(document);
    return good;
}

/* --- the three --- */

static bool run_backup(const struct care_options *options, int *code, struct error *error) {
    int64_t bytes = 0;
    (void)code;
    if (!backup_make(options->db, options->file, &bytes, error))
        return false;
    if (options->json) {
        cJSON *document = cJSON_CreateObject();
        cJSON_AddStringToObject(document, "database", options->db);
        cJSON_AddStringToObject(document, "file", options->file);
        cJSON_AddNumberToObject(document, "bytes", (double)bytes);
        return print_json(document, error);
    }
    printf("%s: %.1f MiB, whole\n", options->file, (double)bytes / (1 << 20));
    return true;
}

static bool run_restore(const struct care_options *options, int *code, struct error *error) {
    (void)code;
    if (!backup_restore(options->file, options->db, error))
        return false;
    if (options->json) {
        cJSON *document = cJSON_CreateObject();
        cJSON_AddStringToObject(document, "database", options->db);
        cJSON_AddStringToObject(document, "file", options->file);
        return print_json(document, error);
    }
    printf("%s is what %s was; assay coordinator --db %s goes on from it\n", options->db,
           options->file, options->db);
    return true;
}

/* What fsck has found so far, for people as it comes and for programs at the end. */
struct findings {
    cJSON *faults;              /* NULL: for people */
    int64_t began_ms, shown_ms; /* shown_ms: when progress was last; 0: not yet */
};

static void clear_progress(struct findings *findings) {
    if (findings->shown_ms != 0)
        fputs("\r\033[K", stderr);
    findings->shown_ms = 0;
}

static void take_fault(void *context, const char *line) {
    struct findings *findings = context;
    clear_progress(findings);
    if (findings->faults != NULL)
        cJSON_AddItemToArray(findings->faults, cJSON_CreateString(line));
    else
        puts(line);
}

static void show_progress(void *context, int64_t done, int64_t all) {
    struct findings *findings = context;
    int64_t now_ms = clock_steady_ms();
    if (now_ms - findings->began_ms < PROGRESS_AFTER_MS ||
        now_ms - findings->shown_ms < PROGRESS_EVERY_MS)
        return;
    findings->shown_ms = now_ms;
    fprintf(stderr, "\r\033[K%.1f of %.1f GiB of artifacts", (double)done / (1 << 30),
            (double)all / (1 << 30));
}

static cJSON *fsck_json(const struct care_options *options, const struct fsck_result *result,
                        cJSON *faults) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "database", options->db);
    cJSON_AddBoolToObject(document, "whole", result->faults == 0);
    cJSON_AddBoolToObject(document, "quick", options->quick);
    cJSON_AddNumberToObject(document, "files", (double)result->files);
    cJSON_AddNumberToObject(document, "bytes", (double)result->bytes);
    cJSON_AddItemToObject(document, "faults", faults);
    return document;
}

static bool run_fsck(const struct care_options *options, int *code, struct error *error) {
    struct findings findings = {.faults = options->json ? cJSON_CreateArray() : NULL,
                                .began_ms = clock_steady_ms()};
    const struct fsck_options how = {.quick = options->quick,
                                     .say = take_fault,
                                     .progress = standard_redraws(stderr) ? show_progress : NULL,
                                     .context = &findings};
    struct fsck_result result;
    bool good = fsck_run(options->db, options->artifacts, &how, &result, error);
    clear_progress(&findings);
    if (!good) {
        cJSON_Delete(findings.faults);
        return false;
    }
    *code = result.faults == 0 ? 0 : ERROR_FAILED;
    if (options->json)
        return print_json(fsck_json(options, &result, findings.faults), error);
    if (result.faults == 0)
        printf("%s: whole, at one with itself and with its files\n", options->db);
    else
        printf("%s: %zu %s\n", options->db, result.faults, result.faults == 1 ? "fault" : "faults");
    return true;
}

#define OPTION_DB                                                                                  \
    { "db", KEY_DB, "FILE", 0, "The database (default: $ASSAY_HOME/assay.db)", 0 }
#define OPTION_JSON                                                                                \
    { "json", KEY_JSON, NULL, 0, "Print one JSON document", 0 }

static const struct argp_option copy_options[] = {OPTION_DB, OPTION_JSON, OPTIONS_HELP, {0}};
static const struct argp_option fsck_options[] = {
    OPTION_DB,
    {"artifacts", KEY_ARTIFACTS, "DIR", 0, "Its artifacts (default: DB-artifacts)", 0},
    {"quick", KEY_QUICK, NULL, 0, "Look at the sizes of artifacts only, not at the content", 0},
    OPTION_JSON,
    OPTIONS_HELP,
    {0}};

static const struct care cares[] = {
    {"backup", "assay backup", "FILE",
     "Copy the coordinator's database to FILE, checked, over an earlier backup there. The "
     "coordinator may run, and is not held up; artifacts (checkpoints) are files of their own, to "
     "be copied after it."
     "\vRun it on the coordinator's machine.\n\nExample:\n  assay backup --db runs.db /mnt/runs.db",
     copy_options, run_backup},
    {"restore", "assay restore", "FILE",
     "Make a backup the coordinator's database again. One that is there is not overwritten."
     "\vExample:\n  mv runs.db runs.db.old; assay restore --db runs.db /mnt/runs.db",
     copy_options, run_restore},
    {"fsck", "assay fsck", NULL,
     "Check the coordinator's database: that it is whole, agrees with itself, and with the "
     "checkpoints of this machine's workers and the artifacts that it names, whose every byte is "
     "read and held against its SHA-256. One line a fault, and exit code 1. It changes nothing."
     "\vExample:\n  assay fsck --db runs.db --quick",
     fsck_options, run_fsck},
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

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct care_options *options = state->input;
    switch (key) {
    case KEY_DB: free(options->db); return (options->db = strdup(argument)) != NULL ? 0 : ENOMEM;
    case KEY_JSON: options->json = true; return 0;
    case KEY_QUICK: options->quick = true; return 0;
    case KEY_ARTIFACTS:
        free(options->artifacts);
        return (options->artifacts = strdup(argument)) != NULL ? 0 : ENOMEM;
    case ARGP_KEY_ARG:
        if (options->file != NULL)
            return options_mistake(state, "an argument too many: %s", argument);
        options->file = argument;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool run(const struct care *care, struct care_options *options, int *code,
                struct error *error) {
    if ((care->arguments != NULL) != (options->file != NULL))
        return error_set(error, ERROR_INPUT, "%s %s; see %s --help", care->title,
                         options->file != NULL ? "takes no argument" : "needs FILE", care->title);
    return places_fill(&options->db, &options->artifacts, error) && care->run(options, code, error);
}

int care_main(int argc, char **argv) {
    const struct care *care = find(argv[0]);
    const struct argp argp = {
        .options = care->options, .parser = parse, .args_doc = care->arguments, .doc = care->help};
    struct care_options options = {0};
    struct error error = {0};
    int code = 0;
    if (options_parse(&argp, care->title, argc, argv, &options, &code) &&
        !run(care, &options, &code, &error)) {
        standard_complain("%s", error.message);
        code = (int)error.code;
    }
    free(options.artifacts);
    free(options.db);
    return code;
}
