#include "cli/watching.h"

#include "cli/patience.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "compare/source.h"
#include "core/array.h"
#include "core/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REFRESH_MS = 200,      /* between two looks, at least */
    CHANGE_MS = 3000,      /* and at most, also while nothing changes */
    RETRY_MS = 500,        /* when that cannot be asked */
    PROGRESS_MS = 5000,    /* between lines of progress where nothing can be redrawn */
    LINE_BESIDE_NAME = 66, /* columns that a line takes besides the name */
    NAME_LEAST = 8,
    NAME_MOST = 40,
};

/* What was last said of an experiment. */
struct watched {
    double id; /* first, for source_compare_ids */
    double attempt, epochs_done;
    char state[16];
    struct eta eta;
    int64_t progress_ms; /* when its progress was last printed */
};

struct watching {
    struct client *client;
    struct hook *hook;
    struct screen screen;
    bool quiet;
    struct watched *items; /* by id, which is the order that they come in */
    size_t count, capacity, name_width;
    bool one_group;  /* names are shown without the group */
    double revision; /* of what was seen last; 0: none yet */
};

/* NULL without memory. */
static struct watched *find(struct watching *watching, const cJSON *experiment) {
    double id = field_number(experiment, "id", 0);
    size_t count = watching->count;
    size_t at =
        array_place(&id, watching->items, count, sizeof *watching->items, source_compare_ids);
    if (at < count && watching->items[at].id <= id)
        return &watching->items[at];
    struct watched *items =
        array_gap(watching->items, at, count, &watching->capacity, sizeof *items);
    if (items == NULL)
        return NULL;
    watching->items = items;
    watching->count++;
    items[at] = (struct watched){
        .id = id, .attempt = -1, .epochs_done = field_number(experiment, "epochs_done", 0)};
    return &items[at];
}

static struct label label_of(const struct watching *watching, const cJSON *experiment) {
    const char *name = field_text(experiment, "name", "?");
    const char *slash = watching->one_group ? strchr(name, '/') : NULL;
    return (struct label){.id = field_number(experiment, "id", 0),
                          .name = slash != NULL && slash[1] != '\0' ? slash + 1 : name,
                          .width = watching->name_width};
}

/* How wide names are shown: as wide as the longest, as far as the terminal has room. */
static void measure_names(struct watching *watching, const cJSON *experiments) {
    const cJSON *experiment;
    const char *group = field_text(experiments->child, "group", "");
    watching->one_group = true;
    cJSON_ArrayForEach(experiment, experiments) {
        if (strcmp(group, field_text(experiment, "group", "")) != 0)
            watching->one_group = false;
    }
    size_t longest = 0, most = NAME_MOST, screen = watching->screen.width;
    cJSON_ArrayForEach(experiment, experiments) {
        size_t width = screen_columns(label_of(watching, experiment).name);
        longest = width > longest ? width : longest;
    }
    if (screen > 0)
        most = screen > LINE_BESIDE_NAME + NAME_LEAST ? screen - LINE_BESIDE_NAME : NAME_LEAST;
    watching->name_width = longest < most ? longest : most;
}

/* The epochs that were reported since last time. */
static bool say_epochs(struct watching *watching, struct watched *watched, const cJSON *experiment,
                       struct error *error) {
    struct label label = label_of(watching, experiment);
    cJSON *details = NULL;
    if (!client_experiments(watching->client, "show", client_one(watched->id), &details, error))
        return false;
    const cJSON *epoch;
    cJSON_ArrayForEach(epoch, field_at(details->child, "history")) {
        double number = field_number(epoch, "epoch", 0);
        if (number <= watched->epochs_done)
            continue;
        progress_epoch(watching->screen.stream, &label, epoch,
                       field_number(experiment, "epochs", 0));
        watched->epochs_done = number;
    }
    cJSON_Delete(details);
    return true;
}

/* What has been said is known at once: what comes after it may have to wait for the coordinator. */
static void say_state(struct watching *watching, struct watched *watched, const cJSON *experiment) {
    struct label label = label_of(watching, experiment);
    progress_state(watching->screen.stream, &label, experiment);
    snprintf(watched->state, sizeof watched->state, "%s", field_text(experiment, "state", "?"));
    watched->attempt = field_number(experiment, "attempt", 0);
}

static bool say_changes(struct watching *watching, const cJSON *experiment, struct error *error) {
    struct watched *watched = find(watching, experiment);
    if (watched == NULL)
        return error_memory(error);
    const char *state = field_text(experiment, "state", "?");
    double attempt = field_number(experiment, "attempt", 0);
    bool changed = strcmp(watched->state, state) != 0 || attempt > watched->attempt;
    bool epochs = field_number(experiment, "epochs_done", 0) > watched->epochs_done;
    bool starts = changed && !field_finished(experiment);
    if (changed || epochs)
        screen_clear(&watching->screen);
    if (starts)
        say_state(watching, watched, experiment);
    if (epochs && !say_epochs(watching, watched, experiment, error))
        return false;
    if (changed && !starts)
        say_state(watching, watched, experiment);
    return true;
}

/* Whether a line of progress may stand below what was said of the experiment. The checkpoint of an
 * epoch is written, and only then reported, while the next one trains: progress of that one waits
 * for the line of the one before. And an epoch that has its line comes again only as a checkpoint
 * that is evaluated, when all are trained. */
static bool in_order(const struct watched *watched, const cJSON *experiment) {
    const cJSON *progress = field_at(experiment, "progress");
    double epoch = field_number(progress, "epoch", 0);
    double done = field_number(experiment, "epochs_done", 0);
    double last = field_number(experiment, "epochs", 0);
    bool trained = strcmp(field_text(progress, "phase", ""), "train") != 0 &&
                   done >= field_number(experiment, "stopped.epoch", last);
    bool said = epoch > 0 && epoch >= done && epoch <= done; /* 0: its files travel */
    return done >= watched->epochs_done && epoch <= done + 1 && (!said || trained);
}

/* The running ones: redrawn on a terminal, now and then elsewhere. */
static void say_progress(struct watching *watching, const cJSON *experiments) {
    char *text = NULL;
    size_t length;
    FILE *lines = open_memstream(&text, &length);
    int64_t now_ms = clock_steady_ms();
    const cJSON *experiment;
    if (lines == NULL)
        return;
    cJSON_ArrayForEach(experiment, experiments) {
        struct watched *watched = find(watching, experiment);
        if (watched == NULL || strcmp(watched->state, "running") != 0)
            continue;
        double left = eta_seconds(&watched->eta, experiment, (double)now_ms);
        bool due = now_ms - watched->progress_ms >= PROGRESS_MS &&
                   field_at(experiment, "progress") != NULL && in_order(watched, experiment);
        if (!watching->screen.redraws && !due)
            continue;
        watched->progress_ms = now_ms;
        struct label label = label_of(watching, experiment);
        progress_line(lines, &label, experiment, left);
        putc('\n', lines);
    }
    if (fclose(lines) == 0 && watching->screen.redraws)
        screen_live(&watching->screen, text);
    else if (text != NULL)
        fputs(text, watching->screen.stream);
    fflush(watching->screen.stream);
    free(text);
}

static bool all_finished(const cJSON *experiments) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (!field_finished(experiment))
            return false;
    }
    return true;
}

static bool look(struct watching *watching, const cJSON *selection, cJSON **experiments,
                 struct error *error) {
    const cJSON *experiment;
    if (!client_experiments(watching->client, "list", cJSON_Duplicate(selection, true), experiments,
                            error) ||
        !hook_see(watching->hook, *experiments, error))
        return false;
    if (watching->quiet)
        return true;
    screen_measure(&watching->screen);
    field_clean(*experiments);
    measure_names(watching, *experiments);
    cJSON_ArrayForEach(experiment, *experiments) {
        if (!say_changes(watching, experiment, error))
            return false;
    }
    say_progress(watching, *experiments);
    return true;
}

static void turn_hook(struct watching *watching) {
    struct hook_end end;
    while (hook_turn(watching->hook, &end)) {
        screen_clear(&watching->screen);
        fflush(watching->screen.stream);
        hook_say(&end);
    }
}

static void rest_until(int64_t until_ms) {
    int64_t left_ms = until_ms - clock_steady_ms();
    if (left_ms > 0)
        nanosleep(&(struct timespec){.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000},
                  NULL);
}

/* Until there may be something new since the look that began at began_ms. */
static void await_change(struct watching *watching, int64_t began_ms) {
    struct error error = {0};
    cJSON *body = cJSON_CreateObject(), *answer = NULL;
    cJSON_AddNumberToObject(body, "since", watching->revision);
    int patience_ms = hook_busy(watching->hook) ? REFRESH_MS : CHANGE_MS;
    bool told = dealer_call(watching->client->dealer, "changes", body, "change", patience_ms,
                            &answer, &error);
    if (told)
        watching->revision = field_number(answer, "revision", 0);
    cJSON_Delete(answer);
    cJSON_Delete(body);
    rest_until(began_ms + (told ? REFRESH_MS : RETRY_MS));
}

int watching_run(struct client *client, cJSON *selection, FILE *stream, struct hook *hook) {
    struct watching watching = {.client = client,
                                .hook = hook,
                                .screen = screen_of(stream != NULL ? stream : stdout),
                                .quiet = stream == NULL};
    struct error error = {0};
    struct patience patience = {0};
    int status;
    for (;;) {
        cJSON *experiments = NULL;
        int64_t began_ms = clock_steady_ms();
        bool good = look(&watching, selection, &experiments, &error);
        bool finished = good && all_finished(experiments);
        status = good ? field_status(experiments) : (int)error.code;
        cJSON_Delete(experiments);
        turn_hook(&watching);
        if (finished)
            break;
        if (good)
            patience_renew(&patience);
        else if (!patience_bears(&patience, &error, &watching.screen)) {
            screen_clear(&watching.screen);
            status = command_fail(&error);
            break;
        }
        await_change(&watching, began_ms);
    }
    screen_clear(&watching.screen);
    fflush(watching.screen.stream);
    free(watching.items);
    cJSON_Delete(selection);
    return status;
}
