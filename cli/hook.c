#include "cli/hook.h"

#include "cli/client.h"
#include "cli/field.h"
#include "compare/outcome.h"
#include "core/array.h"
#include "core/clock.h"
#include "core/shell.h"
#include "core/standard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ASK_MS = 3000,    /* for the details of one that has finished */
    SILENT_MS = 2000, /* until it is said what is waited for */
    NAP_MS = 10,
    OUTPUT_MOST = 1 << 20,
};

struct seen {
    double id;          /* first, for source_compare_ids */
    double finished_ms; /* 0: it has not */
};

struct hook {
    const char *command;
    struct command_input input;
    bool all;
    bool looked;       /* what is new since then has finished since then, if it has */
    struct seen *seen; /* by id, which is the order that they come in */
    size_t seen_count, seen_capacity;
    cJSON *waiting; /* array of summaries, in the order in which they finished */
    pid_t pid;      /* 0: nothing runs */
    double id;      /* for which it does */
    int output;
};

bool hook_open(const char *command, const struct command_input *input, bool all, struct hook **hook,
               struct error *error) {
    *hook = NULL;
    if (command == NULL)
        return true;
    struct hook *made = calloc(1, sizeof *made);
    cJSON *waiting = cJSON_CreateArray();
    if (made == NULL || waiting == NULL) {
        free(made);
        cJSON_Delete(waiting);
        return error_memory(error);
    }
    *made = (struct hook){.command = command, .input = *input, .all = all, .waiting = waiting};
    if (made->input.timeout_ms > ASK_MS)
        made->input.timeout_ms = ASK_MS;
    *hook = made;
    return true;
}

/* --- who has finished --- */

/* Its entry, and whether that is new; NULL without memory. */
static struct seen *find(struct hook *hook, double id, bool *fresh) {
    size_t count = hook->seen_count;
    size_t at = array_place(&id, hook->seen, count, sizeof *hook->seen, source_compare_ids);
    *fresh = at == count || hook->seen[at].id > id;
    if (!*fresh)
        return &hook->seen[at];
    struct seen *seen = array_gap(hook->seen, at, count, &hook->seen_capacity, sizeof *seen);
    if (seen == NULL)
        return NULL;
    hook->seen = seen;
    hook->seen_count++;
    seen[at] = (struct seen){.id = id};
    return &seen[at];
}

static double finished_ms_of(const cJSON *experiment) {
    return field_finished(experiment) ? field_number(experiment, "finished_ms", 1) : 0;
}

/* Behind all that finished before it, whatever order they are listed in. */
static bool await(struct hook *hook, const cJSON *experiment) {
    const cJSON *last = hook->waiting->child != NULL ? hook->waiting->child->prev : NULL;
    int place = cJSON_GetArraySize(hook->waiting);
    for (; place > 0 && finished_ms_of(last) > finished_ms_of(experiment); last = last->prev)
        place--;
    cJSON *copy = cJSON_Duplicate(experiment, true);
    return copy != NULL && cJSON_InsertItemInArray(hook->waiting, place, copy);
}

bool hook_see(struct hook *hook, const cJSON *experiments, struct error *error) {
    const cJSON *experiment;
    if (hook == NULL)
        return true;
    cJSON_ArrayForEach(experiment, experiments) {
        bool fresh;
        struct seen *seen = find(hook, field_number(experiment, "id", 0), &fresh);
        double finished_ms = finished_ms_of(experiment);
        if (seen == NULL)
            return error_memory(error);
        bool before = finished_ms >= seen->finished_ms && finished_ms <= seen->finished_ms;
        if (finished_ms > 0 && !before && (!fresh || hook->all || hook->looked) &&
            !await(hook, experiment))
            return error_memory(error);
        seen->finished_ms = finished_ms;
    }
    hook->looked = true;
    return true;
}

/* --- the command --- */

/* What the coordinator knows of it: the summary where that cannot be asked, or tells of a later
 * attempt, which has not ended. The caller frees. */
static cJSON *details_of(const struct hook *hook, cJSON *summary) {
    cJSON *answer = NULL, *details = NULL;
    struct error unheard = {0};
    if (client_ask_once(&hook->input, "show", client_one(hook->id), "details", &answer, &unheard))
        details =
            cJSON_DetachItemFromArray(cJSON_GetObjectItemCaseSensitive(answer, "experiments"), 0);
    cJSON_Delete(answer);
    bool ended = field_finished(details);
    cJSON_Delete(ended ? summary : details);
    return ended ? details : summary;
}

/* False with the reason when it cannot be started. */
static bool start(struct hook *hook, struct hook_end *end) {
    cJSON *experiment = cJSON_DetachItemFromArray(hook->waiting, 0);
    char *strings = NULL;
    int code = ENOMEM;
    hook->id = field_number(experiment, "id", 0);
    experiment = details_of(hook, experiment);
    char **environment = outcome_environment(experiment, hook->input.connect, &strings);
    hook->output = memfd_create("on-finish", MFD_CLOEXEC);
    if (hook->output < 0)
        code = errno;
    else if (environment != NULL)
        code = shell_start(hook->command, environment, hook->output, false, &hook->pid);
    if (code != 0) {
        if (hook->output >= 0)
            close(hook->output);
        hook->pid = 0;
        *end = (struct hook_end){.id = hook->id, .status = 127, .output = strdup(strerror(code))};
    }
    free((void *)environment);
    free(strings);
    cJSON_Delete(experiment);
    return code == 0;
}

/* The first MiB of it; NULL when there is none. */
static char *read_output(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) != 0 || status.st_size <= 0)
        return NULL;
    size_t size = status.st_size < OUTPUT_MOST ? (size_t)status.st_size : OUTPUT_MOST;
    char *text = malloc(size + 1);
    ssize_t got = text != NULL ? pread(descriptor, text, size, 0) : 0;
    if (text != NULL)
        text[got > 0 ? got : 0] = '\0';
    return text;
}

bool hook_busy(const struct hook *hook) {
    return hook != NULL && (hook->pid > 0 || cJSON_GetArraySize(hook->waiting) > 0);
}

bool hook_turn(struct hook *hook, struct hook_end *end) {
    int status;
    if (!hook_busy(hook))
        return false;
    if (hook->pid == 0)
        return !start(hook, end);
    if (!shell_ended(hook->pid, &status))
        return false;
    *end = (struct hook_end){.id = hook->id, .status = status, .output = read_output(hook->output)};
    close(hook->output);
    hook->pid = 0;
    return true;
}

/* --- what is said of it --- */

bool hook_complaint(const struct hook_end *end, char *text, size_t size) {
    char what[64];
    if (!shell_complaint(end->status, what, sizeof what))
        return false;
    snprintf(text, size, "--on-finish for experiment %.0f %s", end->id, what);
    return true;
}

void hook_say(struct hook_end *end) {
    char complaint[128];
    if (end->output != NULL) {
        fputs(end->output, stderr);
        if (end->output[0] != '\0' && end->output[strlen(end->output) - 1] != '\n')
            putc('\n', stderr);
    }
    if (hook_complaint(end, complaint, sizeof complaint))
        standard_complain("%s", complaint);
    free(end->output);
    *end = (struct hook_end){0};
}

void hook_close(struct hook *hook) {
    int64_t since_ms = clock_steady_ms();
    if (hook == NULL)
        return;
    while (hook_busy(hook)) {
        struct hook_end end;
        if (hook_turn(hook, &end)) {
            hook_say(&end);
            since_ms = clock_steady_ms();
            continue;
        }
        if (clock_steady_ms() - since_ms > SILENT_MS) {
            standard_complain("waiting for --on-finish, for experiment %.0f", hook->id);
            since_ms = INT64_MAX;
        }
        nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
    }
    cJSON_Delete(hook->waiting);
    free(hook->seen);
    free(hook);
}
