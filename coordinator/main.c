/* assay-coordinator: options, signals and the order in which the parts open and close. */
#include "coordinator/care.h"
#include "coordinator/endpoint.h"
#include "coordinator/page.h"
#include "coordinator/places.h"
#include "coordinator/server.h"
#include "core/clock.h"
#include "core/descriptors.h"
#include "core/file.h"
#include "core/format.h"
#include "core/options.h"
#include "core/schema.h"
#include "core/standard.h"
#include "net/dealer.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    char *db; /* owned */
    const char *listen, *keys, *ready_file, *metrics, *http, *http_token, *on_finish;
    char *artifacts; /* owned */
    int64_t lease_ms, artifacts_max_bytes;
};

enum {
    OPTION_DB = 256,
    OPTION_LISTEN,
    OPTION_KEYS,
    OPTION_ARTIFACTS,
    OPTION_ARTIFACTS_MAX,
    OPTION_LEASE,
    OPTION_METRICS,
    OPTION_HTTP,
    OPTION_HTTP_TOKEN,
    OPTION_ON_FINISH,
    OPTION_READY_FILE
};

#define LEASE_S 15 /* unless --lease says */

static const struct argp_option option_table[] = {
    {"db", OPTION_DB, "FILE", 0,
     "The SQLite database that holds every experiment and all that was reported; made if missing "
     "(default: $ASSAY_HOME/assay.db, ASSAY_HOME being ~/.local/share/assay unless set)",
     0},
    {"listen", OPTION_LISTEN, "ENDPOINT", 0,
     "Where workers and people connect (default: " DEALER_ENDPOINT "; port 0 is any free one). "
     "Without --keys only addresses that no other machine reaches",
     0},
    {"keys", OPTION_KEYS, "DIR", 0,
     "Let in only who has a key: DIR/coordinator.key (assay keygen) is this side's, "
     "DIR/authorized_workers and DIR/authorized_people are lists of .pub lines, read again when "
     "they change",
     0},
    {"lease", OPTION_LEASE, "SECONDS", 0,
     "How long a worker may be silent before its experiment goes back to the queue "
     "(default: " OPTIONS_TEXT(LEASE_S) ")",
     0},
    {"artifacts", OPTION_ARTIFACTS, "DIR", 0,
     "Where the files that workers send are kept: checkpoints and event files (default: the "
     "database's name with -artifacts behind it). Workers that see this folder save the copy with "
     "their --shared",
     0},
    {"shared", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"artifacts-max", OPTION_ARTIFACTS_MAX, "GIB", 0,
     "What those files may take together; workers keep theirs when it is reached, and try again "
     "(default: as much as the disk has)",
     0},
    {"metrics", OPTION_METRICS, "ADDRESS", 0,
     "Answer GET /metrics there for Prometheus, e.g. 127.0.0.1:9470; only addresses that no other "
     "machine reaches",
     0},
    {"http", OPTION_HTTP, "ADDRESS", 0,
     "Show the queue, growing curves and comparisons to browsers there, e.g. 127.0.0.1:7480; only "
     "to look at. Other addresses than this machine's own need --http-token",
     0},
    {"http-token", OPTION_HTTP_TOKEN, "FILE", 0,
     "Show it to those alone who open /?token=TEXT with the text of this file, which only you may "
     "read; make one with: (umask 077; openssl rand -hex 32 >FILE). HTTP is not encrypted: across "
     "networks use ssh -L or a proxy with TLS",
     0},
    {"on-finish", OPTION_ON_FINISH, "CMD", 0,
     "Run this shell command for each experiment that finishes, with the result in ASSAY_ID, "
     "ASSAY_NAME, ASSAY_STATE, ASSAY_BEST_TEST_ACCURACY and others (docs/on-finish.md)",
     0},
    {"ready-file", OPTION_READY_FILE, "FILE", 0,
     "Write the endpoint there once it can be connected to (for scripts)", 0},
    OPTIONS_HELP,
    {0},
};

static const char documentation[] =
    "Keeps the queue of experiments and everything that workers report.\n\n"
    "Start it once, then workers beside it, and submit experiments:\n"
    "  assay-coordinator --db runs.db &\n"
    "  assay-worker --connect " DEALER_ENDPOINT " --dir work &\n"
    "  assay submit experiments/demo.json\n"
    "  assay watch\v"
    "It can be stopped (SIGINT, SIGTERM) or killed at any time and started again: what it has "
    "acknowledged is on the disk, workers go on training meanwhile and report afterwards.";

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    struct options *options = state->input;
    char *end;
    double number;
    switch (key) {
    case OPTION_DB:
        free(options->db);
        options->db = strdup(argument);
        return options->db != NULL ? 0 : ENOMEM;
    case OPTION_LISTEN: options->listen = argument; return 0;
    case OPTION_KEYS: options->keys = argument; return 0;
    case OPTION_ARTIFACTS:
        free(options->artifacts);
        options->artifacts = strdup(argument);
        return options->artifacts != NULL ? 0 : ENOMEM;
    case OPTION_ARTIFACTS_MAX:
        number = strtod(argument, &end);
        if (end == argument || *end != '\0' || !(number * (1 << 30) >= 1 && number <= 1e6))
            return options_mistake(
                state, "--artifacts-max is in GiB, from a byte to a million, not \"%s\"", argument);
        options->artifacts_max_bytes = (int64_t)(number * (1 << 30));
        return 0;
    case OPTION_METRICS: options->metrics = argument; return 0;
    case OPTION_HTTP: options->http = argument; return 0;
    case OPTION_HTTP_TOKEN: options->http_token = argument; return 0;
    case OPTION_ON_FINISH: options->on_finish = argument; return 0;
    case OPTION_READY_FILE: options->ready_file = argument; return 0;
    case OPTION_LEASE:
        number = strtod(argument, &end);
        if (end == argument || *end != '\0' || !(number >= 0.1 && number <= 86400))
            return options_mistake(state, "--lease is 0.1 to 86400 seconds, not \"%s\"", argument);
        options->lease_ms = (int64_t)llround(number * 1000);
        return 0;
    case ARGP_KEY_END:
        return options->http_token == NULL || options->http != NULL
                   ? 0
                   : options_mistake(state, "--http-token comes with --http");
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* A descriptor that becomes readable with SIGINT or SIGTERM. Before any thread starts, so that all
 * of them leave these signals to it, and after the database is open: until then they end the
 * process, which a large one may keep waiting, and which it survives as it does SIGKILL. */
static int stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* It has 15 when it begins with --http and --metrics, and one more for each connection and upload.
 */
enum { DESCRIPTORS = 32 };

/* A connection is a descriptor, and the usual limit of 1024 is what programs with select() need. */
static bool raise_descriptor_limit(struct error *error) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return descriptors_left(DESCRIPTORS, error);
}

static void say(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "assay-coordinator: %s\n", line);
}

/* store_open reads all of a database, which takes seconds from some size on. */
static void announce_check(const char *path) {
    enum { LARGE = 64 << 20 };
    struct stat status;
    char size[FORMAT_SIZE];
    if (stat(path, &status) == 0 && status.st_size >= LARGE)
        fprintf(stderr, "assay-coordinator: checking the database first: %s, %s\n", path,
                format_bytes(size, (uint64_t)status.st_size));
}

static bool announce(const struct options *options, const char *endpoint, struct error *error) {
    printf("assay-coordinator: listening on %s, database %s\n", endpoint, options->db);
    fflush(stdout);
    if (options->ready_file == NULL)
        return true;
    char line[512];
    int length = snprintf(line, sizeof line, "%s\n", endpoint);
    return file_write_atomic(options->ready_file, line, (size_t)length, error);
}

static bool run(const struct options *options, struct error *error) {
    struct store *store = NULL;
    struct blobs *blobs = NULL;
    struct uploads *uploads = NULL;
    struct guard *guard = NULL;
    struct server *server = NULL;
    struct exporter *exporter = NULL;
    struct page *page = NULL;
    struct finish *finish = NULL;
    struct coordinator coordinator = {0};
    struct moment now = {.unix_ms = clock_unix_ms(), .steady_ms = clock_steady_ms()};
    int stop = -1;
    standard_outlast_readers();
    char bindable[ENDPOINT_MAX];
    bool good = false;
    if (!endpoint_check(options->listen, options->keys != NULL, bindable, error) ||
        !raise_descriptor_limit(error))
        goto out; /* before a database is made */
    announce_check(options->db);
    if ((options->keys != NULL && !guard_open(options->keys, say, NULL, &guard, error)) ||
        !store_open(options->db, &store, error))
        goto out;
    if ((stop = stop_signals()) < 0) {
        error_errno(error, ERROR_FAILED, "cannot wait for signals");
        goto out;
    }
    if (!blobs_open(options->artifacts, &blobs, error) ||
        !uploads_open(blobs, options->artifacts_max_bytes, &uploads, error) ||
        !coordinator_open(&coordinator, store, options->lease_ms, now, error) ||
        !coordinator_keep_files(&coordinator, uploads, error))
        goto out;
    if ((options->metrics != NULL && !exporter_open(options->metrics, &exporter, error)) ||
        !server_open(options->listen, guard, &coordinator, &server, error))
        goto out;
    server_export(server, exporter);
    if (options->on_finish != NULL &&
        !finish_open(options->on_finish, server_endpoint(server), store, say, NULL, &finish, error))
        goto out;
    coordinator.finish = finish;
    if (options->http != NULL && !page_open(options->http, options->http_token,
                                            server_context(server), SERVER_INSIDE, &page, error))
        goto out;
    if (page != NULL)
        printf("assay-coordinator: live page on port %u\n", page_port(page));
    if (exporter != NULL)
        printf("assay-coordinator: metrics on port %u\n", exporter_port(exporter));
    if (!announce(options, server_endpoint(server), error))
        goto out;
    good = server_run(server, stop, error);
    if (options->ready_file != NULL)
        unlink(options->ready_file);
out:
    page_close(page);
    server_close(server);
    exporter_close(exporter);
    guard_close(guard);
    coordinator_close(&coordinator);
    finish_close(finish);
    uploads_close(uploads);
    blobs_close(blobs);
    store_close(store);
    if (stop >= 0)
        close(stop);
    return good;
}

int main(int count, char **words) {
    static const struct argp argp = {
        .options = option_table, .parser = parse_option, .doc = documentation};
    struct options options = {.listen = DEALER_ENDPOINT, .lease_ms = LEASE_S * 1000};
    struct error error = {0};
    standard_open();
    sqlite3_config(SQLITE_CONFIG_URI, 0); /* a path is a path, also one that begins with file: */
    if (count > 1 && care_knows(words[1]))
        return standard_finish(care_main(count - 1, words + 1));
    if (count > 1 && strcmp(words[1], "--version") == 0) {
        puts("assay-coordinator " ASSAY_VERSION);
        return standard_finish(0);
    }
    int code;
    if (options_parse(&argp, "assay-coordinator", count, words, &options, &code) &&
        (!schema_load(&error) || !places_fill(&options.db, &options.artifacts, &error) ||
         !run(&options, &error))) {
        standard_complain("%s", error.message);
        code = (int)error.code;
    }
    free(options.db);
    free(options.artifacts);
    return code;
}
