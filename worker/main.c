/* assay-worker: trains what a coordinator hands out; step, bench, evaluate and predict run without
 * one. */
#include "core/atomic_file.h"
#include "core/schema.h"
#include "core/standard.h"
#include "core/text.h"
#include "net/dealer.h"
#include "worker/agent.h"
#include "worker/bench.h"
#include "worker/devices.h"
#include "worker/evaluate.h"
#include "worker/folder.h"
#include "worker/options.h"
#include "worker/predict.h"
#include "worker/slots.h"
#include "worker/step.h"

#include <errno.h> /* program_invocation_short_name */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* OpenMP's threads spin for milliseconds when they wait, which on busy cores starves the very
 * thread that they wait for (the loader's, another experiment's): an epoch then takes ten times as
 * long. Short spinning costs nothing measurable. libgomp reads this once, before main, so the
 * program starts itself anew with it, and then has its name to say again, which ps and killall go
 * by. */
static void spin_briefly(char **argv) {
    prctl(PR_SET_NAME, program_invocation_short_name);
    if (getenv("GOMP_SPINCOUNT") != NULL || getenv("OMP_WAIT_POLICY") != NULL)
        return;
    if (setenv("GOMP_SPINCOUNT", "10000", 0) == 0)
        execv("/proc/self/exe", argv);
}

/* Written by the signal handler; set once, before the handler is. */
static int leave_fd;

/* The first signal asks for a clean end; the next one has its default effect. */
static void on_signal(int number) {
    const uint64_t one = 1;
    (void)number;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (write(leave_fd, &one, sizeof one) < 0)
        _exit(ERROR_FAILED);
}

/* Asks for the same, as often as somebody likes. */
static void on_drain(int number) {
    const uint64_t one = 1;
    (void)number;
    if (write(leave_fd, &one, sizeof one) < 0)
        _exit(ERROR_FAILED);
}

static bool signals_prepare(struct error *error) {
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    const struct sigaction drain = {.sa_handler = on_drain, .sa_flags = SA_RESTART};
    leave_fd = eventfd(0, EFD_CLOEXEC);
    if (leave_fd < 0)
        return error_errno(error, ERROR_FAILED, "cannot make an eventfd");
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0 ||
        sigaction(SIGUSR1, &drain, NULL) != 0)
        return error_errno(error, ERROR_FAILED, "cannot handle signals");
    return true;
}

struct worker_options {
    struct agent_options agent;
    bool quiet, drain;
    size_t slot; /* which one this process is; 0: none */
};

/* A whole line at a time: slots write to one place. */
static void say(void *context, bool trouble, const char *line) {
    const struct worker_options *options = context;
    char slot[32] = "";
    if (options->slot > 0)
        snprintf(slot, sizeof slot, "slot %zu: ", options->slot);
    if (trouble) {
        standard_complain("%s%s", slot, line);
    } else if (!options->quiet) {
        printf("%s%s\n", slot, line);
        fflush(stdout);
    }
}

enum {
    KEY_CONNECT = 0x1000,
    KEY_DIR,
    KEY_BACKEND,
    KEY_DEVICE,
    KEY_KEY,
    KEY_SERVER_KEY,
    KEY_ROOT,
    KEY_WEIGHTS,
    KEY_SHARED,
    KEY_CACHE,
    KEY_CACHE_GIB,
    KEY_THREADS,
    KEY_SLOTS,
    KEY_MEMORY,
    KEY_IDLE,
    KEY_NAME,
    KEY_LABEL,
    KEY_DRAIN,
    KEY_QUIET
};

static const struct argp_option worker_table[] = {
    {"connect", KEY_CONNECT, "ENDPOINT", 0,
     "The coordinator (default: ASSAY_CONNECT, else " DEALER_ENDPOINT ")", 0},
    {"key", KEY_KEY, "FILE", 0, DEALER_KEY_HELP, 0},
    {"server-key", KEY_SERVER_KEY, "KEY|FILE", 0, DEALER_SERVER_KEY_HELP, 0},
    {"dir", KEY_DIR, "DIR", 0, "This worker's own folder: checkpoints, logs, unsent reports", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {"device", KEY_DEVICE, "N", 0, "Which GPU (default: 0)", 0},
    {"data-root", KEY_ROOT, "DIR", 0,
     "Read pictures and weights of experiments here and in --dir only; needed with --key", 0},
    {"weights-root", KEY_WEIGHTS, "DIR", 0, "Read weights and checkpoints here too", 0},
    {"shared", KEY_SHARED, "DIR", 0,
     "The coordinator's --artifacts folder, where this machine sees it too: files are linked into "
     "it instead of being sent",
     0},
    {"data-cache", KEY_CACHE, "DIR", 0,
     "Where pictures are fetched to that this machine does not have; workers of one machine may "
     "share it (default: data-cache in --dir)",
     0},
    {"data-cache-gib", KEY_CACHE_GIB, "N", 0,
     "What it may hold: what was not used for longest leaves first; 0: fetch none "
     "(default: " OPTIONS_TEXT(OPTIONS_CACHE_GIB) ")",
     0},
    {"threads", KEY_THREADS, "N", 0,
     "Threads that read pictures, of each slot (default: its cores)", 0},
    {"slots", KEY_SLOTS, "N", 0,
     "Train N experiments side by side, each in a worker of its own (NAME/1, NAME/2, ...) with an "
     "Nth of the cores and of the memory (default: 1)",
     0},
    {"memory", KEY_MEMORY, "GIB", 0,
     "What resources.memory_gib of experiments may ask for, in all slots together (default: what "
     "the machine has, or the GPU)",
     0},
    {"idle-exit", KEY_IDLE, "SECONDS", 0,
     "End after so long without work; 0: as soon as there is none (default: stay). The exit code "
     "is 3 when the coordinator was not there to be asked for any, 1 when it refused",
     0},
    {"name", KEY_NAME, "NAME", 0, "This worker's name (default: HOST:RANDOM, kept in DIR)", 0},
    {"label", KEY_LABEL, "NAME", 0,
     "What experiments can ask for in resources.labels; may be given several times", 0},
    {"drain", KEY_DRAIN, NULL, 0,
     "Start none: ask the worker that runs in DIR to give its experiment back and to leave, and "
     "wait until it has",
     0},
    {"quiet", KEY_QUIET, NULL, 0, "Print errors only", 0},
    OPTIONS_HELP,
    {0},
};

static error_t add_label(const struct argp_state *state, const char *text,
                         struct agent_options *agent) {
    if (text[0] == '\0' || strlen(text) > WIRE_LABEL_BYTES_MAX)
        return options_mistake(state, "--label needs 1 to %d bytes", WIRE_LABEL_BYTES_MAX);
    if (!text_printable(text))
        return options_mistake(state, "--label has control characters");
    if (agent->label_count == WIRE_LABELS_MAX)
        return options_mistake(state, "--label may be given %d times", WIRE_LABELS_MAX);
    agent->labels[agent->label_count++] = text;
    return 0;
}

static error_t worker_parse(int key, char *text, struct argp_state *state) {
    struct worker_options *options = state->input;
    struct agent_options *agent = &options->agent;
    long long number = 0;
    error_t code = 0;
    switch (key) {
    case KEY_CONNECT: agent->connect = text; return 0;
    case KEY_KEY: agent->keys.key = text; return 0;
    case KEY_SERVER_KEY: agent->keys.server = text; return 0;
    case KEY_WEIGHTS: return options_folder(state, "--weights-root", text, &agent->weights_root);
    case KEY_DIR: agent->dir = text; return 0;
    case KEY_BACKEND: return options_backend(state, text, &agent->backend);
    case KEY_DEVICE: return options_device(state, text, &agent->device);
    case KEY_ROOT: return options_folder(state, "--data-root", text, &agent->data_root);
    case KEY_SHARED: agent->shared = text; return 0;
    case KEY_CACHE: agent->data_cache = text; return 0;
    case KEY_CACHE_GIB: return options_cache_gib(state, text, &agent->data_cache_bytes);
    case KEY_THREADS: return options_threads(state, text, &agent->threads);
    case KEY_SLOTS:
        code = options_integer(state, "--slots", text, 1, SLOTS_MAX, &number);
        agent->slots = (size_t)number;
        return code;
    case KEY_MEMORY:
        code = options_integer(state, "--memory", text, 1, 65536, &number);
        agent->memory_bytes = (uint64_t)number << 30;
        return code;
    case KEY_IDLE:
        code = options_integer(state, "--idle-exit", text, 0, 1000000, &number);
        agent->idle_exit_ms = number * 1000;
        return code;
    case KEY_NAME:
        agent->name = text;
        if (text[0] == '\0' || strlen(text) > SLOTS_NAME_MAX)
            return options_mistake(state, "--name needs 1 to %d bytes", SLOTS_NAME_MAX);
        if (!text_printable(text))
            return options_mistake(state, "--name has control characters");
        return 0;
    case KEY_DRAIN: options->drain = true; return 0;
    case KEY_LABEL: return add_label(state, text, agent);
    case KEY_QUIET: options->quiet = true; return 0;
    case ARGP_KEY_ARG: return options_mistake(state, "there is no subcommand \"%s\"", text);
    case ARGP_KEY_END:
        if (agent->dir == NULL)
            return options_mistake(state, "a worker needs --dir DIR, a folder of its own");
        if (agent->keys.key != NULL && agent->data_root == NULL)
            return options_mistake(state,
                                   "a worker with a key needs --data-root DIR, all that people "
                                   "elsewhere may have it read (/: everything)");
        if (agent->weights_root != NULL && agent->data_root == NULL)
            return options_mistake(state, "--weights-root comes with --data-root");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int drain(const struct worker_options *options) {
    struct error error = {0};
    bool held;
    if (!folder_drain(options->agent.dir, &held, &error)) {
        standard_complain("%s", error.message);
        return (int)error.code;
    }
    if (!options->quiet)
        printf(held ? "the worker in %s has left\n" : "no worker runs in %s\n", options->agent.dir);
    return 0;
}

/* Everything from here on, in one process. */
static int work(struct worker_options *options) {
    struct error error = {0};
    sigset_t none;
    int code;
    bool ok = signals_prepare(&error);
    sigemptyset(&none); /* a slot begins with its signals blocked */
    sigprocmask(SIG_SETMASK, &none, NULL);
    options->agent.leave_fd = leave_fd;
    options->agent.context = options;
    if (ok && agent_run(&options->agent, &code, &error))
        return code;
    say(options, true, error.message);
    return (int)error.code;
}

static int work_in_slot(void *context, const struct slots_place *place) {
    struct worker_options options = *(const struct worker_options *)context;
    options.slot = place->number;
    options.agent.dir = place->dir;
    options.agent.name = place->name;
    return work(&options);
}

static int work_in_slots(struct worker_options *options) {
    const struct slots_options slots = {.dir = options->agent.dir,
                                        .name = options->agent.name,
                                        .count = options->agent.slots,
                                        .work = work_in_slot,
                                        .say = say,
                                        .context = options};
    struct error error = {0};
    int code;
    if (slots_run(&slots, &code, &error))
        return code;
    say(options, true, error.message);
    return (int)error.code;
}

static int worker_main(int argc, char **argv) {
    static const struct argp argp = {
        .options = worker_table,
        .parser = worker_parse,
        .args_doc = "\nstep|bench|evaluate|predict|devices [OPTION...]",
        .doc =
            "Train what the coordinator hands out, and report every epoch.\v"
            "Stops cleanly on SIGINT and SIGTERM: the experiment is given back and goes on "
            "elsewhere from its last finished epoch; a second signal ends at once. --drain asks it "
            "for the same from outside. Without a coordinator a worker goes on training and keeps "
            "trying; its reports wait in DIR/spool.db. What DIR has of one database is never sent "
            "to a coordinator that has another one, of which it keeps all in DIR/databases. With "
            "--slots each slot has a folder of its own, DIR/slot-1 and so on, and is started again "
            "when it dies.\n\n"
            "Subcommands, each with --help: step (one training step, for checking numerics), bench "
            "(how fast is this machine), evaluate (a checkpoint on valid or test), predict (scores "
            "of pictures), devices (what could compute here)."};
    const char *connect = getenv("ASSAY_CONNECT");
    struct worker_options options = {
        .agent = {.connect = connect != NULL && connect[0] != '\0' ? connect : DEALER_ENDPOINT,
                  .keys = dealer_keys_default(),
                  .backend = "auto",
                  .slots = 1,
                  .data_cache_bytes = OPTIONS_CACHE_BYTES,
                  .idle_exit_ms = -1,
                  .train = trainer_run,
                  .say = say}};
    int code;
    if (!options_parse(&argp, "assay-worker", argc, argv, &options, &code))
        return code;
    if (options.drain)
        return drain(&options);
    standard_outlast_readers();
    char *cache = NULL; /* one for all slots */
    if (options.agent.data_cache == NULL &&
        asprintf(&cache, "%s/data-cache", options.agent.dir) >= 0)
        options.agent.data_cache = cache;
    code = options.agent.slots > 1 ? work_in_slots(&options) : work(&options);
    free(cache);
    return code;
}

int main(int argc, char **argv) {
    standard_open();
    sqlite3_config(SQLITE_CONFIG_URI, 0); /* a path is a path, also one that begins with file: */
    spin_briefly(argv);
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } subcommands[] = {{"step", step_main},
                       {"bench", bench_main},
                       {"evaluate", evaluate_main},
                       {"predict", predict_main},
                       {"devices", devices_main}};
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("assay-worker " ASSAY_VERSION);
        return standard_finish(0);
    }
    struct error error = {0};
    if (!schema_load(&error)) {
        standard_complain("%s", error.message);
        return (int)error.code;
    }
    for (size_t i = 0; argc > 1 && i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0)
            continue;
        atomic_file_tidy_when_ended();
        return standard_finish(subcommands[i].run(argc - 1, argv + 1));
    }
    return worker_main(argc, argv);
}
