/* coordinator_load: what a coordinator bears, beside what is wanted of it: a queue of 100,000
 * experiments and 2,000 workers. bench/coordinator_load.sh starts one and runs this. */
#include "bench/figures.h"
#include "bench/fleet.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "net/dealer.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TIMEOUT_MS = 60000,
    SUBMITTED_AT_ONCE = 1000, /* experiments of one group */
    LOOKS = 200,              /* how often each question about the queue is asked */
    EPOCH_EVERY = 10,         /* seconds, and so many heartbeats */
    SETTLE_PERCENT = 10,
};

struct options {
    const char *endpoint, *config, *json;
    size_t workers, queue;
    double seconds, minutes;
    long pid;
};

struct load {
    struct options options;
    struct fleet fleet;
    struct dealer *dealer;
    struct figures figures; /* its samples: what answers took, while `sampling` */
    bool sampling;
    const char *expected; /* what answers are called; NULL: beat and ack */
    size_t answers, reports;
};

/* Processor time of the coordinator, in seconds; NaN when it cannot be read. Unlike the time that
 * passes, it depends little on what else the machine does. */
static double cpu_s(const struct load *load) {
    clockid_t clock;
    struct timespec spent;
    if (clock_getcpuclockid((pid_t)load->options.pid, &clock) != 0 ||
        clock_gettime(clock, &spent) != 0)
        return NAN;
    return (double)spent.tv_sec + (double)spent.tv_nsec * 1e-9;
}

/* --- the fleet --- */

static bool answered(void *context, struct fleet_worker *worker, const char *name, const char *body,
                     size_t length, double seconds, struct error *error) {
    struct load *load = context;
    bool good = load->expected != NULL ? strcmp(name, load->expected) == 0
                                       : strcmp(name, "beat") == 0 || strcmp(name, "ack") == 0;
    if (!good)
        return error_set(error, ERROR_FAILED, "%s is answered with %s %.*s", worker->name, name,
                         (int)(length < 200 ? length : 200), body);
    load->answers++;
    load->reports += strcmp(name, "ack") == 0;
    if (load->sampling)
        figures_sample(&load->figures, seconds);
    if (strcmp(name, "assignment") != 0)
        return true;
    cJSON *assignment = json_parse(body, length, name, error);
    if (assignment == NULL)
        return false;
    worker->experiment = (int64_t)json_member(assignment, "experiment")->valuedouble;
    worker->attempt = (int64_t)json_member(assignment, "attempt")->valuedouble;
    cJSON_Delete(assignment);
    return true;
}

/* Every worker makes one request, 100 of them at a time. */
static bool once(struct load *load, bool (*ask)(struct fleet_worker *, struct error *),
                 const char *expected, struct error *error) {
    size_t count = load->fleet.count, asked = 0;
    double until_s = clock_steady_seconds() + TIMEOUT_MS / 1000.0;
    load->expected = expected;
    load->answers = 0;
    while (load->answers < count) {
        for (; asked < count && asked < load->answers + 100; asked++)
            if (!ask(&load->fleet.workers[asked], error))
                return false;
        if (!fleet_wait(&load->fleet, 100, answered, load, error))
            return false;
        if (clock_steady_seconds() > until_s)
            return error_set(error, ERROR_FAILED, "%zu of %zu workers got their %s in time",
                             load->answers, count, expected);
    }
    load->expected = NULL;
    return true;
}

/* Every worker a heartbeat a second, and an epoch every ten, spread evenly over the second. */
static bool pace(struct load *load, struct error *error) {
    size_t count = load->fleet.count, due = 0, late = 0;
    double start_s = clock_steady_seconds(), rate = (double)count * (1 + 1.0 / EPOCH_EVERY);
    size_t total = (size_t)(load->options.seconds * rate);
    double busy_s = cpu_s(load);
    load->sampling = true;
    load->figures.sample_count = 0;
    while (due < total) {
        double elapsed_s = clock_steady_seconds() - start_s;
        for (; due < total && (double)due < elapsed_s * rate; due++) {
            /* Of 11 messages of a worker one is an epoch. */
            struct fleet_worker *worker = &load->fleet.workers[due % count];
            bool epoch = (due / count + due % count) % (EPOCH_EVERY + 1) == 0;
            late += worker->waits;
            if (!worker->waits &&
                !(epoch ? fleet_epoch(worker, error) : fleet_heartbeat(worker, error)))
                return false;
        }
        if (!fleet_wait(&load->fleet, 1, answered, load, error))
            return false;
    }
    if (!fleet_wait(&load->fleet, 1000, answered, load, error))
        return false;
    load->sampling = false;
    figures_add(&load->figures, "processor time for a second of it", "ms",
                1000 * (cpu_s(load) - busy_s) / load->options.seconds, NAN, false);
    figures_add(&load->figures, "answer, median", "ms", figures_quantile_ms(&load->figures, 0.5),
                NAN, false);
    figures_add(&load->figures, "answer, p99", "ms", figures_quantile_ms(&load->figures, 0.99), 50,
                false);
    figures_add(&load->figures, "answer, slowest", "ms", figures_quantile_ms(&load->figures, 1),
                NAN, false);
    figures_add(&load->figures, "messages that waited a whole second", "", (double)late, NAN,
                false);
    return true;
}

/* As fast as answers come, until `messages` were answered or the seconds are over: epochs alone, or
 * the mix of `pace`. */
static bool flood(struct load *load, bool mixed, size_t messages, double seconds,
                  struct error *error) {
    double until_s = clock_steady_seconds() + seconds;
    load->answers = load->reports = 0;
    while (load->answers < messages && clock_steady_seconds() < until_s) {
        for (size_t i = 0; i < load->fleet.count; i++) {
            struct fleet_worker *worker = &load->fleet.workers[i];
            bool beat = mixed && worker->request % (EPOCH_EVERY + 1) != 0;
            if (!worker->waits &&
                !(beat ? fleet_heartbeat(worker, error) : fleet_epoch(worker, error)))
                return false;
        }
        if (!fleet_wait(&load->fleet, 100, answered, load, error))
            return false;
    }
    return true;
}

/* The answers that are still to come. */
static bool settle(struct load *load, struct error *error) {
    for (size_t i = 0; i < load->fleet.count; i++)
        while (load->fleet.workers[i].waits)
            if (!fleet_wait(&load->fleet, 1000, answered, load, error))
                return false;
    return true;
}

static bool measure_reports(struct load *load, struct error *error) {
    double start_s = clock_steady_seconds(), seconds = load->options.seconds / 3;
    double busy_s = cpu_s(load);
    if (!flood(load, false, SIZE_MAX, seconds, error))
        return false;
    figures_add(&load->figures, "processor time for a durable report", "us",
                1e6 * (cpu_s(load) - busy_s) / (double)load->reports, NAN, false);
    figures_add(&load->figures, "durable reports", "/s",
                (double)load->reports / (clock_steady_seconds() - start_s), 5000, true);
    return settle(load, error);
}

/* Resident bytes of the coordinator, in MiB; NaN when they cannot be read. */
static double memory_mib(const struct load *load) {
    char path[64], line[256];
    double mib = NAN;
    snprintf(path, sizeof path, "/proc/%ld/status", load->options.pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            mib = strtod(line + 6, NULL) / 1024;
    if (file != NULL)
        fclose(file);
    return mib;
}

/* The messages of so many minutes, as fast as they are answered. What is there at a tenth of them
 * is what the database's and the sockets' buffers take once they are filled. */
static bool measure_memory(struct load *load, struct error *error) {
    double minutes = load->options.minutes, start_s = clock_steady_seconds();
    size_t total = (size_t)(minutes * 60 * (double)load->fleet.count * (1 + 1.0 / EPOCH_EVERY));
    size_t first = total * SETTLE_PERCENT / 100;
    if (!flood(load, true, first, INFINITY, error) || !settle(load, error))
        return false;
    double before = memory_mib(load);
    if (!flood(load, true, total - first, INFINITY, error) || !settle(load, error))
        return false;
    double after = memory_mib(load), took_s = clock_steady_seconds() - start_s;
    figures_add(&load->figures, "minutes of messages", "min", minutes, NAN, true);
    figures_add(&load->figures, "messages", "/s", (double)total / took_s, NAN, true);
    figures_add(&load->figures, "memory", "MiB", after, NAN, false);
    figures_add(&load->figures, "memory grown in the last nine tenths", "%",
                100 * (after / before - 1), 5, false);
    return true;
}

/* --- the queue --- */

static bool call(struct load *load, const char *name, cJSON *body, const char *expected,
                 cJSON **answer, struct error *error) {
    double start_s = clock_steady_seconds();
    bool good = dealer_call(load->dealer, name, body, expected, TIMEOUT_MS, answer, error);
    figures_sample(&load->figures, clock_steady_seconds() - start_s);
    cJSON_Delete(body);
    return good;
}

/* One group; what is to be run by the fleet comes first and goes before. */
static bool submit_group(struct load *load, const cJSON *config, size_t group, size_t count,
                         struct error *error) {
    cJSON *body = cJSON_CreateObject(), *experiments;
    char text[64];
    snprintf(text, sizeof text, "load-%zu-%lld", group, (long long)clock_unix_ms());
    cJSON_AddStringToObject(body, "key", text);
    snprintf(text, sizeof text, "person-%zu@load", group % 10);
    cJSON_AddStringToObject(body, "person", text);
    experiments = cJSON_AddArrayToObject(body, "experiments");
    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        snprintf(text, sizeof text, "load-%zu/seed=%zu", group, i);
        cJSON_AddStringToObject(item, "name", text);
        snprintf(text, sizeof text, "load-%zu", group);
        cJSON_AddStringToObject(item, "group", text);
        cJSON_AddItemToObject(item, "config", cJSON_Duplicate(config, true));
        snprintf(text, sizeof text, "%zu", i);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(item, "variant"), "train.seed", text);
        cJSON_AddItemToArray(experiments, item);
    }
    return call(load, "submit", body, "submitted", NULL, error);
}

static bool fill_queue(struct load *load, struct error *error) {
    char *text = NULL;
    size_t length;
    if (!file_read(load->options.config, 1 << 20, &text, &length, error))
        return false;
    cJSON *config = json_parse(text, length, load->options.config, error);
    free(text);
    bool good = config != NULL;
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(config, "train"), "epochs", 1000000);
    double start_s = clock_steady_seconds();
    size_t total = load->options.queue + load->options.workers;
    for (size_t made = 0, group = 0; good && made < total; group++) {
        size_t count = total - made < SUBMITTED_AT_ONCE ? total - made : SUBMITTED_AT_ONCE;
        good = submit_group(load, config, group, count, error);
        made += count;
    }
    cJSON_Delete(config);
    if (good)
        figures_add(&load->figures, "submitted", "/s",
                    (double)total / (clock_steady_seconds() - start_s), NAN, true);
    return good;
}

/* The middle and the slow end of one question. */
static void add_look(struct load *load, const char *median, const char *p99) {
    figures_add(&load->figures, median, "ms", figures_quantile_ms(&load->figures, 0.5), 10, false);
    figures_add(&load->figures, p99, "ms", figures_quantile_ms(&load->figures, 0.99), 10, false);
    load->figures.sample_count = 0;
}

static bool look(struct load *load, const char *question, const char *body, const char *expected,
                 struct error *error) {
    for (int i = 0; i < LOOKS; i++)
        if (!call(load, question, cJSON_Parse(body), expected, NULL, error))
            return false;
    return true;
}

/* Workers that come and take one experiment each. */
static bool dispatch(struct load *load, struct error *error) {
    for (int i = 0; i < LOOKS; i++) {
        cJSON *hello = cJSON_Parse("{\"host\":\"load\",\"pid\":1,\"backend\":\"cpu\",\"device\":"
                                   "\"simulated\",\"threads\":1,\"memory_bytes\":68719476736}");
        char name[32];
        snprintf(name, sizeof name, "dispatch-%d", i);
        cJSON_AddStringToObject(hello, "worker", name);
        bool good = dealer_call(load->dealer, "hello", hello, "welcome", TIMEOUT_MS, NULL, error);
        cJSON_Delete(hello);
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "worker", name);
        if (!good)
            cJSON_Delete(body);
        if (!good || !call(load, "request", body, "assignment", NULL, error))
            return false;
    }
    return true;
}

static bool measure_queue(struct load *load, struct error *error) {
    char middle[64];
    snprintf(middle, sizeof middle, "{\"after\":%zu}", load->options.queue / 2);
    load->figures.sample_count = 0;
    if (!look(load, "list", "{}", "experiments", error))
        return false;
    add_look(load, "list, median", "list, p99");
    if (!look(load, "list", middle, "experiments", error))
        return false;
    add_look(load, "list from the middle, median", "list from the middle, p99");
    if (!look(load, "list", "{\"group\":\"load-9\",\"state\":\"queued\"}", "experiments", error))
        return false;
    add_look(load, "filter by group and state, median", "filter by group and state, p99");
    if (!look(load, "list", "{\"state\":\"failed\"}", "experiments", error))
        return false;
    add_look(load, "filter by a state of none, median", "filter by a state of none, p99");
    if (!look(load, "status", "{}", "coordinator", error))
        return false;
    add_look(load, "status, median", "status, p99");
    if (!dispatch(load, error))
        return false;
    add_look(load, "dispatch, median", "dispatch, p99");
    return true;
}

static bool run(struct load *load, struct error *error) {
    const struct options *options = &load->options;
    if (!dealer_open(options->endpoint, NULL, &load->dealer, error) || !fill_queue(load, error) ||
        !fleet_open(options->endpoint, options->workers, &load->fleet, error) ||
        !once(load, fleet_hello, "welcome", error) ||
        !once(load, fleet_request, "assignment", error))
        return false;
    return (options->queue == 0 || measure_queue(load, error)) && pace(load, error) &&
           settle(load, error) && measure_reports(load, error) &&
           (options->minutes <= 0 || measure_memory(load, error)) &&
           figures_print(&load->figures, load->options.json, error);
}

/* --- the command line --- */

static const struct argp_option option_table[] = {
    {"connect", 'c', "ENDPOINT", 0, "A coordinator with an empty database, and a long --lease", 0},
    {"pid", 'p', "PID", 0, "Its process, for its memory", 0},
    {"config", 'f', "FILE", 0, "The experiment that is queued", 0},
    {"workers", 'w', "N", 0, "How many (default: 2000)", 0},
    {"queue", 'q', "N", 0, "How many experiments wait (default: 100000)", 0},
    {"seconds", 's', "S", 0, "How long the paced load lasts (default: 60)", 0},
    {"minutes", 'm', "M", 0, "How many minutes of messages are sent (default: 30)", 0},
    {"json", 'j', "FILE", 0, "Write the figures there too", 0},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    switch (key) {
    case 'c': options->endpoint = argument; return 0;
    case 'p': options->pid = strtol(argument, NULL, 10); return 0;
    case 'f': options->config = argument; return 0;
    case 'w': options->workers = strtoul(argument, NULL, 10); return 0;
    case 'q': options->queue = strtoul(argument, NULL, 10); return 0;
    case 's': options->seconds = strtod(argument, NULL); return 0;
    case 'm': options->minutes = strtod(argument, NULL); return 0;
    case 'j': options->json = argument; return 0;
    case ARGP_KEY_END:
        if (options->endpoint == NULL || options->config == NULL || options->workers == 0)
            argp_error(state, "--connect, --config and some workers are needed");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int main(int count, char **words) {
    static const struct argp argp = {.options = option_table, .parser = parse_option};
    struct load load = {
        .options = {.workers = 2000, .queue = 100000, .seconds = 60, .minutes = 30}};
    struct error error = {0};
    argp_parse(&argp, count, words, 0, NULL, &load.options);
    bool good = figures_open(&load.figures, &error) && run(&load, &error);
    if (!good)
        fprintf(stderr, "coordinator_load: %s\n", error.message);
    fleet_close(&load.fleet);
    dealer_close(load.dealer);
    good = good && figures_met(&load.figures);
    figures_close(&load.figures);
    return good ? 0 : 1;
}
