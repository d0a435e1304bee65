#include "cli/experiment_file.h"

#include "cli/command.h"
#include "core/json.h"
#include "core/split_make.h"
#include "core/standard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_fault(cJSON *report, size_t line, const char *place, const char *message) {
    cJSON *fault = report != NULL ? cJSON_CreateObject() : NULL;
    if (fault == NULL)
        return;
    cJSON_AddNumberToObject(fault, "line", (double)line);
    cJSON_AddStringToObject(fault, "place", place);
    cJSON_AddStringToObject(fault, "message", message);
    cJSON_AddItemToArray(report, fault);
}

static void print_fault(const char *path, const char *text, const struct fault *fault,
                        cJSON *report) {
    char *line = fault_text(fault, path, text);
    standard_complain("%s", line != NULL ? line : fault->message);
    add_fault(report, json_line(text, fault->place), fault->place, fault->message);
    free(line);
}

/* Whether the message begins with the file's name, as "a.json:2: ..." and "a.json: ..." do. */
static bool names_file(const char *message, const char *path) {
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && message[length] == ':';
}

void experiment_file_report(const char *path, const struct error *error, cJSON *report) {
    const char *behind = names_file(error->message, path) ? error->message + strlen(path) + 1 : "";
    bool placed = *behind >= '0' && *behind <= '9';
    add_fault(report, placed ? strtoul(behind, NULL, 10) : 0, "", error->message);
}

int experiment_file_read(const char *path, struct members *members, cJSON *report) {
    struct faults faults = {0};
    struct error error = {0};
    char *text = NULL;
    *members = (struct members){0};
    bool good = members_read(path, members, &text, &faults, &error);
    for (size_t i = 0; i < faults.count; i++)
        print_fault(path, text, &faults.items[i], report);
    if (!good && faults.count == 0) {
        bool named = names_file(error.message, path);
        standard_complain("%s%s%s", named ? "" : path, named ? "" : ": ", error.message);
        experiment_file_report(path, &error, report);
    }
    const bool machine = faults.machine || error_is_shortage(&error);
    faults_free(&faults);
    free(text);
    return good ? 0 : machine ? ERROR_FAILED : ERROR_INPUT;
}

void experiment_file_check_name(const char *path, const struct members *members) {
    const char *name = members->items[0].group;
    long long id;
    if (command_id(name, &id, NULL))
        standard_complain("%s: warning: the name \"%s\" is a number, which every command takes for "
                          "an id; give it a letter, so that it can be asked for",
                          path, name);
}

/* That paths in the file count from; the caller frees. NULL with errno set. */
static char *folder_of(const char *file) {
    struct stat status;
    if (stat(file, &status) == 0 && !S_ISREG(status.st_mode)) /* a pipe is nowhere */
        return realpath(".", NULL);
    char *whole = realpath(file, NULL);
    if (whole != NULL)
        *strrchr(whole, '/') = '\0';
    return whole;
}

bool experiment_file_resolve(const char *file, const char *path, char **absolute,
                             struct error *error) {
    char *folder = folder_of(file);
    char *joined = NULL;
    bool good = false;
    if (folder == NULL)
        return error_errno(error, ERROR_INPUT, "cannot find %s", file);
    int length =
        path[0] == '/' ? asprintf(&joined, "%s", path) : asprintf(&joined, "%s/%s", folder, path);
    if (length < 0) {
        joined = NULL;
        error_memory(error);
        goto out;
    }
    *absolute = realpath(joined, NULL);
    if (*absolute == NULL) {
        *absolute = joined;
        joined = NULL;
    }
    good = true;
out:
    free(joined);
    free(folder);
    return good;
}

static const cJSON *look_up(const cJSON *config, const char *key) {
    const cJSON *value = config;
    for (const char *dot = key; *dot != '\0' && value != NULL; key = dot + (*dot == '.')) {
        char step[64];
        dot = strchrnul(key, '.');
        snprintf(step, sizeof step, "%.*s", (int)(dot - key), key);
        value = cJSON_GetObjectItemCaseSensitive(value, step);
    }
    return value;
}

/* Both may be NULL: not written. */
static bool agree(const cJSON *a, const cJSON *b) {
    return a == b || json_same(a, b);
}

const struct member *experiment_file_choose(const char *file, const struct members *members,
                                            const char *name, const char *const *keys,
                                            struct error *error) {
    const struct member *first = &members->items[0];
    for (size_t i = 0; i < members->count; i++) {
        const struct member *member = &members->items[i];
        if (name != NULL && strcmp(member->name, name) == 0)
            return member;
        for (size_t k = 0; name == NULL && keys[k] != NULL; k++)
            if (!agree(look_up(first->config, keys[k]), look_up(member->config, keys[k]))) {
                error_set(error, ERROR_INPUT,
                          "%s: %s and %s differ in %s; choose one with --member NAME", file,
                          first->name, member->name, keys[k]);
                return NULL;
            }
    }
    if (name == NULL)
        return first;
    error_set(error, ERROR_INPUT, "%s: no experiment \"%s\"; assay validate %s lists them", file,
              name, file);
    return NULL;
}

bool experiment_decode(const struct member *member, struct experiment *experiment,
                       struct error *error) {
    struct faults faults = {0};
    bool good = experiment_from_json(member->config, experiment, &faults);
    if (!good) {
        faults_error(&faults, error);
        error_context(error, "%s", member->name);
    }
    faults_free(&faults);
    return good;
}

bool experiment_file_locate(const char *file, struct experiment *experiment, struct error *error) {
    char **const paths[] = {&experiment->data.root, &experiment->data.files.train,
                            &experiment->data.files.valid, &experiment->data.files.test};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *absolute;
        if (*paths[i] == NULL)
            continue;
        if (!experiment_file_resolve(file, *paths[i], &absolute, error))
            return false;
        free(*paths[i]);
        *paths[i] = absolute;
    }
    return true;
}

bool experiment_file_split(const char *file, struct experiment *experiment, struct split *split,
                           struct error *error) {
    bool good = experiment_file_locate(file, experiment, error) &&
                split_make(experiment, experiment->data.root, split, error);
    return good || error_context(error, "%s", file);
}
