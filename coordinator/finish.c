#include "coordinator/finish.h"

#include "compare/outcome.h"
#include "coordinator/views.h"
#include "core/array.h"
#include "core/json.h"
#include "core/shell.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 50 }; /* between looks at those that run, while others wait for them */

struct running {
    pid_t pid; /* 0: this place is free */
    int64_t id, until_ms;
};

struct waiting {
    int64_t id, finished_ms;
};

struct finish {
    const char *command;
    char *connect;
    struct store *store;
    void (*say)(void *context, const char *line);
    void *context;
    struct waiting *waiting;
    size_t first, end, room; /* of those that do */
    struct running running[FINISH_AT_ONCE];
};

bool finish_open(const char *command, const char *connect, struct store *store,
                 void (*say)(void *context, const char *line), void *context,
                 struct finish **finish, struct error *error) {
    struct finish *made = calloc(1, sizeof *made);
    char *copy = strdup(connect);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return error_set(error, ERROR_FAILED, "no memory for --on-finish");
    }
    *made = (struct finish){
        .command = command, .connect = copy, .store = store, .say = say, .context = context};
    *finish = made;
    return true;
}

static void say(const struct finish *finish, int64_t id, const char *what) {
    char line[256];
    snprintf(line, sizeof line, "--on-finish for experiment %lld %.190s", (long long)id, what);
    finish->say(finish->context, line);
}

static size_t count_waiting(const struct finish *finish) {
    return finish->end - finish->first;
}

void finish_close(struct finish *finish) {
    char line[128];
    if (finish == NULL)
        return;
    if (count_waiting(finish) > 0) {
        const size_t count = count_waiting(finish);
        snprintf(line, sizeof line,
                 "--on-finish was not run for %zu experiment%s that had finished", count,
                 count == 1 ? "" : "s");
        finish->say(finish->context, line);
    }
    free(finish->waiting);
    free(finish->connect);
    free(finish);
}

/* For one more. */
static bool have_room(struct finish *finish) {
    struct waiting *waiting =
        array_room(finish->waiting, finish->end + 1, &finish->room, sizeof *waiting);
    if (waiting == NULL)
        return false;
    finish->waiting = waiting;
    return true;
}

void finish_add(struct finish *finish, int64_t id, int64_t finished_ms) {
    if (finish == NULL)
        return;
    if (count_waiting(finish) == FINISH_WAITING_MAX || !have_room(finish)) {
        say(finish, id, "is not run: too many wait");
        return;
    }
    finish->waiting[finish->end++] = (struct waiting){.id = id, .finished_ms = finished_ms};
}

/* Takes the first of those that wait, of which there is one. */
static struct waiting take(struct finish *finish) {
    struct waiting taken = finish->waiting[finish->first++];
    size_t left = count_waiting(finish);
    if (finish->first > left) { /* each is moved once, on the whole */
        memmove(finish->waiting, finish->waiting + finish->first, left * sizeof taken);
        finish->first = 0;
        finish->end = left;
    }
    return taken;
}

/* The experiment as `show` has it, in an array for the caller to delete; NULL with the line said.
 */
static cJSON *read_experiment(const struct finish *finish, int64_t id) {
    char ids[32];
    cJSON *experiments = NULL;
    int64_t next;
    struct error error = {0};
    snprintf(ids, sizeof ids, "[%lld]", (long long)id);
    if (!view_experiments(finish->store, &(struct view_filter){.ids = ids}, true, &experiments,
                          &next, &error))
        say(finish, id, error.message);
    return experiments;
}

static void start(struct finish *finish, struct running *place, const struct waiting *who,
                  int64_t now_ms) {
    int64_t id = who->id;
    cJSON *experiments = read_experiment(finish, id);
    if (experiments != NULL &&
        json_integer(experiments->child, "finished_ms") == who->finished_ms) {
        char *strings = NULL, what[128];
        char **environment = outcome_environment(experiments->child, finish->connect, &strings);
        int code = environment == NULL ? ENOMEM
                                       : shell_start(finish->command, environment, STDERR_FILENO,
                                                     true, &place->pid);
        if (code == 0) {
            place->id = id;
            place->until_ms = now_ms + FINISH_LIMIT_MS;
        } else {
            place->pid = 0;
            snprintf(what, sizeof what, "cannot be started: %s", strerror(code));
            say(finish, id, what);
        }
        free((void *)environment);
        free(strings);
    }
    cJSON_Delete(experiments);
}

/* Frees the place of one that has ended, and ends one that takes too long. */
static void look_after(struct finish *finish, struct running *place, int64_t now_ms) {
    int status;
    char what[64];
    if (shell_ended(place->pid, &status)) {
        place->pid = 0;
        if (shell_complaint(status, what, sizeof what))
            say(finish, place->id, what);
    } else if (now_ms >= place->until_ms) {
        kill(-place->pid, SIGKILL);
        place->until_ms = INT64_MAX;
        say(finish, place->id, "took more than ten minutes");
    }
}

/* One of several that wait: each is a read of the database, and people wait meanwhile. */
void finish_turn(struct finish *finish, int64_t now_ms) {
    struct running *place = NULL;
    if (finish == NULL)
        return;
    for (size_t i = 0; i < FINISH_AT_ONCE; i++) {
        if (finish->running[i].pid != 0)
            look_after(finish, &finish->running[i], now_ms);
        if (finish->running[i].pid == 0)
            place = &finish->running[i];
    }
    if (place == NULL || count_waiting(finish) == 0)
        return;
    struct waiting who = take(finish);
    start(finish, place, &who, now_ms);
}

int64_t finish_due_ms(const struct finish *finish, int64_t most) {
    if (finish == NULL || count_waiting(finish) == 0)
        return most;
    for (size_t i = 0; i < FINISH_AT_ONCE; i++)
        if (finish->running[i].pid == 0)
            return 0;
    return most < LOOK_MS ? most : LOOK_MS;
}
