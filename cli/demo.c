/* assay demo: the whole line on one machine: pictures, a coordinator, a worker, an ablation, the
 * comparison. It does nothing that a person could not type: what is not pictures is the other
 * programs and commands, started as children (cli/child.h) and shown as they are. */
#include "cli/child.h"
#include "cli/client.h"
#include "cli/demo_folder.h"
#include "cli/pictures.h"
#include "cli/screen.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/format.h"
#include "core/json.h"
#include "core/machine.h"
#include "core/text.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char demo_json[]; /* experiments/demo.json */
extern const size_t demo_json_length;

enum { READY_MS = 15000, POLL_MS = 50, PATIENCE_MS = 20000, TIMEOUT_MS = 5000 };

struct demo_options {
    const char *dir;
    struct demo_set set;
    long long epochs; /* below 0: as in experiments/demo.json */
    bool pictures_only;
};

enum { KEY_DIR = 'd', KEY_PICTURES = 'n', KEY_SIZE = 's', KEY_SEED = 'r' };
enum { KEY_EPOCHS = 'e', KEY_PICTURES_ONLY = 'o' };

static const struct argp_option options[] = {
    {"dir", KEY_DIR, "DIR", 0,
     "Where everything goes and stays (default: $ASSAY_HOME/demo, ASSAY_HOME being "
     "~/.local/share/assay unless set)",
     0},
    {"pictures", KEY_PICTURES, "N", 0,
     "Portraits, each drawn in three kinds (default: " OPTIONS_TEXT(DEMO_PICTURES) ")", 0},
    {"size", KEY_SIZE, "PX", 0, "Pixels a side (default: " OPTIONS_TEXT(DEMO_SIZE) ")", 0},
    {"seed", KEY_SEED, "S", 0, "Another seed, other faces (default: " OPTIONS_TEXT(DEMO_SEED) ")",
     0},
    {"epochs", KEY_EPOCHS, "N", 0, "How long to train (default: as in experiments/demo.json)", 0},
    {"pictures-only", KEY_PICTURES_ONLY, NULL, 0, "Draw the pictures and stop there", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct demo_options *chosen = state->input;
    struct demo_set *set = &chosen->set;
    switch (key) {
    case KEY_DIR: chosen->dir = argument; return 0;
    case KEY_PICTURES:
        return options_integer(state, "--pictures", argument, DEMO_PICTURES_LEAST,
                               DEMO_PICTURES_MOST, &set->pictures);
    case KEY_SIZE:
        return options_integer(state, "--size", argument, DEMO_SIZE_LEAST, DEMO_SIZE_MOST,
                               &set->size);
    case KEY_SEED: return options_integer(state, "--seed", argument, 0, DEMO_SEED_MOST, &set->seed);
    case KEY_EPOCHS: return options_integer(state, "--epochs", argument, 1, 1000, &chosen->epochs);
    case KEY_PICTURES_ONLY: chosen->pictures_only = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .help =
        "Shows the whole line on this machine, with nothing prepared: draws portraits and two "
        "forgeries of each, starts a coordinator and a worker, trains an ablation of augmentations "
        "with live progress, and ends with the comparison. Ctrl-C stops all of it."
        "\vA folder that an earlier demo made is gone on with: same pictures, same database; "
        "experiments that were stopped are finished first, otherwise the ablation is trained once "
        "more. Any other folder must be empty.\n\nExample:\n  assay demo --dir ./demo",
    .options = options,
    .parse = parse};

enum { COORDINATOR, WORKER, COMMAND, CHILDREN };

struct demo {
    const struct demo_options *options;
    char *dir; /* absolute */
    char *endpoint;
    struct child children[CHILDREN];
    bool interrupted;
};

/* DIR/name; the caller frees. NULL without memory. */
static char *inside(const struct demo *demo, const char *name, struct error *error) {
    char *path;
    if (asprintf(&path, "%s/%s", demo->dir, name) >= 0)
        return path;
    error_memory(error);
    return NULL;
}

static bool show_drawing(void *context, size_t done, size_t count) {
    struct demo *demo = context;
    struct screen screen = screen_of(stdout);
    char text[FORMAT_SIZE];
    demo->interrupted = demo->interrupted || child_interrupted();
    if (screen.redraws) {
        printf("\r%s %zu of %zu portraits%s", format_bar(text, (double)done / (double)count, 20),
               done, count, done == count ? "\n" : "");
        fflush(stdout);
    }
    return !demo->interrupted;
}

static bool draw(struct demo *demo, struct demo_set *set, struct error *error) {
    const struct picture_options pictures = {
        .seed = (uint64_t)set->seed, .count = (int)set->pictures, .size = (int)set->size};
    char *faces = inside(demo, "faces", error);
    char text[FORMAT_SIZE];
    int64_t start_ms = clock_steady_ms();
    if (faces == NULL)
        return false;
    printf("Drawing %lld portraits, and a deepfake and a face2face forgery of each, in faces/\n",
           set->pictures);
    fflush(stdout);
    bool good = pictures_write(&pictures, faces, (int)machine_cores(), show_drawing, demo, error) &&
                demo_folder_drawn(demo->dir, set, error);
    free(faces);
    if (good)
        printf("Drawn in %s\n",
               format_duration(text, (double)(clock_steady_ms() - start_ms) / 1000));
    return good;
}

/* DIR/demo.json: experiments/demo.json, with --epochs in its place. */
static bool write_experiments(const struct demo *demo, char **path, struct error *error) {
    char *text = NULL;
    *path = inside(demo, "demo.json", error);
    if (*path == NULL)
        return false;
    if (demo->options->epochs < 0)
        return file_write_atomic(*path, demo_json, demo_json_length, error);
    cJSON *file = json_parse(demo_json, demo_json_length, "experiments/demo.json", error);
    if (file == NULL)
        return false;
    cJSON *train = cJSON_GetObjectItemCaseSensitive(file, "train");
    cJSON *epochs = cJSON_CreateNumber((double)demo->options->epochs);
    if (epochs != NULL && cJSON_ReplaceItemInObjectCaseSensitive(train, "epochs", epochs))
        text = json_text_pretty(file);
    cJSON_Delete(file);
    bool good =
        text != NULL ? file_write_atomic(*path, text, strlen(text), error) : error_memory(error);
    free(text);
    return good;
}

/* What to do about a child that ended by itself and should not have. */
static bool ended_early(struct demo *demo, int which, struct error *error) {
    const struct child *child = &demo->children[which];
    fflush(stdout);
    child_print_log(child, stderr);
    return error_set(error, ERROR_FAILED, "%s ended (%d); %s says why", child->name, child->status,
                     child->log);
}

/* Waits for `timeout_ms`, or until the command has ended; false when there is no going on. */
static bool wait_for(struct demo *demo, int timeout_ms, struct error *error) {
    enum child_event event = child_wait(demo->children, CHILDREN, timeout_ms);
    demo->interrupted = event == CHILD_INTERRUPTED || child_interrupted();
    if (demo->interrupted)
        return error_set(error, ERROR_FAILED, "stopped");
    for (int i = COORDINATOR; i <= WORKER; i++)
        if (demo->children[i].ended)
            return ended_early(demo, i, error);
    return true;
}

/* `assay WORD...` to its end, with our stdout and stderr. */
static bool run_command(struct demo *demo, const char *const *arguments, int *status,
                        struct error *error) {
    struct child *command = &demo->children[COMMAND];
    if (!child_start(command, "assay", arguments, NULL, error))
        return false;
    while (!command->ended)
        if (!wait_for(demo, TIMEOUT_MS, error))
            return false;
    *status = command->status;
    return true;
}

static bool start_coordinator(struct demo *demo, struct error *error) {
    char *db = inside(demo, "demo.db", error), *log = inside(demo, "coordinator.log", error);
    char *ready = inside(demo, "ready", error);
    size_t length;
    bool good = db != NULL && log != NULL && ready != NULL;
    if (good) {
        const char *const arguments[] = {"--db",         db,    "--listen", "tcp://127.0.0.1:*",
                                         "--ready-file", ready, NULL};
        unlink(ready);
        good =
            child_start(&demo->children[COORDINATOR], "assay-coordinator", arguments, log, error);
        log = good ? NULL : log; /* the child's from here on */
    }
    int64_t end_ms = clock_steady_ms() + READY_MS;
    while (good && access(ready, F_OK) != 0) {
        good = wait_for(demo, POLL_MS, error);
        if (good && clock_steady_ms() > end_ms)
            good = error_set(error, ERROR_FAILED, "the coordinator does not get ready; %s says why",
                             demo->children[COORDINATOR].log);
    }
    good = good && file_read(ready, PATH_MAX, &demo->endpoint, &length, error);
    if (good)
        demo->endpoint[strcspn(demo->endpoint, "\n")] = '\0';
    if (ready != NULL)
        unlink(ready);
    free(ready);
    free(log);
    free(db);
    return good;
}

static bool start_worker(struct demo *demo, struct error *error) {
    char *dir = inside(demo, "worker", error), *log = inside(demo, "worker.log", error);
    char *shared = inside(demo, "demo.db-artifacts", error);
    bool good = dir != NULL && log != NULL && shared != NULL;
    if (good) {
        const char *const arguments[] = {"--connect", demo->endpoint, "--dir", dir,
                                         "--shared",  shared,         NULL};
        good = child_start(&demo->children[WORKER], "assay-worker", arguments, log, error);
        log = good ? NULL : log;
    }
    free(log);
    free(shared);
    free(dir);
    return good;
}

/* {"ids": [...]} of the experiments to train: those that an earlier run left, else new ones. NULL
 * with *status for submit's failure. */
static cJSON *queue(struct demo *demo, const char *file, int *status, struct error *error) {
    const struct command_input input = {.connect = demo->endpoint, .timeout_ms = TIMEOUT_MS};
    const char *const submit[] = {"submit", file, "--connect", demo->endpoint, NULL};
    struct client client = {0};
    cJSON *selection = NULL;
    if (!client_open(&input, &client, error))
        return NULL;
    selection = client_unfinished(&client, error);
    if (selection != NULL)
        puts("Going on with the experiments that were stopped");
    else if (error->code == ERROR_NONE && run_command(demo, submit, status, error) && *status == 0)
        selection = client_unfinished(&client, error);
    client_close(&client);
    return selection;
}

/* assay NAME ID... */
static bool run_with_ids(struct demo *demo, const char *name, const cJSON *selection, int *status,
                         struct error *error) {
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(selection, "ids"), *id;
    size_t count = 0, room = (size_t)cJSON_GetArraySize(ids);
    char(*texts)[FORMAT_SIZE] = calloc(room + 1, sizeof *texts);
    const char **arguments = calloc(room + 4, sizeof *arguments);
    bool good = texts != NULL && arguments != NULL;
    if (good) {
        arguments[count++] = name;
        arguments[count++] = "--connect";
        arguments[count++] = demo->endpoint;
        cJSON_ArrayForEach(id, ids) {
            snprintf(texts[count - 3], FORMAT_SIZE, "%.0f", id->valuedouble);
            arguments[count] = texts[count - 3];
            count++;
        }
        good = run_command(demo, arguments, status, error);
    } else
        error_memory(error);
    free(arguments);
    free(texts);
    return good;
}

/* From the pictures to the table. *status is watch's: 4 when an experiment failed. */
static bool train(struct demo *demo, int *status, struct error *error) {
    char *file = NULL;
    cJSON *selection = NULL;
    int compared = 0;
    bool good = write_experiments(demo, &file, error) && start_coordinator(demo, error);
    if (good) {
        printf("The coordinator is at %s; its log is coordinator.log, the worker's worker.log\n",
               demo->endpoint);
        fflush(stdout);
        selection = queue(demo, file, status, error);
    }
    good = selection != NULL && start_worker(demo, error) &&
           run_with_ids(demo, "watch", selection, status, error);
    if (good) {
        putchar('\n');
        good = run_with_ids(demo, "compare", selection, &compared, error);
    }
    if (good && *status == 0)
        *status = compared;
    cJSON_Delete(selection);
    free(file);
    return good;
}

/* The worker before the coordinator, so that it can give back what it trains. */
static void stop_children(struct demo *demo) {
    for (int i = CHILDREN - 1; i >= 0; i--)
        child_stop(&demo->children[i], PATIENCE_MS);
    for (int i = 0; i < CHILDREN; i++)
        free((char *)(size_t)demo->children[i].log);
    free(demo->endpoint);
}

static void say_what_is_there(const char *dir) {
    struct text word = {0};
    text_shell_word(&word, dir);
    const char *quoted = text_string(&word);
    printf(
        "\nAll of it is kept in %s\n"
        "To look around in it, start the coordinator on its database again:\n"
        "  assay coordinator --db %s/demo.db &\n"
        "  assay compare demo             this table again; assay ls, show ID, logs ID say more\n"
        "  assay preview %s/demo.json --member demo/+jitter --out sheet.png\n"
        "                                 what the augmentations do to the pictures\n"
        "  assay report demo --out demo.html\n"
        "                                 all of it as a page, with mistakes and where it looked\n"
        "Checkpoints, train.log and TensorBoard's events stand in worker/; assay demo with this\n"
        "--dir trains the ablation once more.\n",
        dir, quoted, quoted);
    text_free(&word);
}

static void say_how_to_go_on(const char *dir) {
    struct text word = {0};
    text_shell_word(&word, dir);
    printf("\nStopped; assay demo --dir %s goes on.\n", text_string(&word));
    text_free(&word);
}

static bool run(struct demo *demo, struct demo_options *chosen, int *status, struct error *error) {
    int64_t start_ms = clock_steady_ms();
    char text[FORMAT_SIZE];
    child_signals();
    /* its coordinator is for this machine alone and has no keys */
    unsetenv("ASSAY_KEY");
    unsetenv("ASSAY_SERVER_KEY");
    if (!demo_folder_take(chosen->dir, &chosen->set, &demo->dir, error))
        return false;
    printf("The demo goes to %s\n", demo->dir);
    if (!chosen->set.drawn && !draw(demo, &chosen->set, error))
        return false;
    if (chosen->pictures_only)
        return true;
    if (!train(demo, status, error))
        return false;
    printf("\nThat took %s.\n",
           format_duration(text, (double)(clock_steady_ms() - start_ms) / 1000));
    return true;
}

int command_demo(int argc, char **argv) {
    struct command_input input;
    struct demo_options chosen = {.set = {.pictures = -1, .size = -1, .seed = -1}, .epochs = -1};
    struct demo demo = {.options = &chosen};
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    status = 0;
    bool good = run(&demo, &chosen, &status, &error);
    stop_children(&demo);
    if (good && !chosen.pictures_only)
        say_what_is_there(demo.dir);
    else if (demo.interrupted) {
        say_how_to_go_on(demo.dir);
        status = 128 + SIGINT;
    } else if (!good && status == 0)
        status = command_fail(&error);
    free(demo.dir);
    return status;
}
