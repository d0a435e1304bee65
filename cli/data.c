/* assay data: reads every picture of an experiment, says what is wrong with them, and writes the
 * manifest by which a worker knows them again; or brings them to the coordinator (data_push.h), or
 * says what was brought there (data_ls.h). */
#include "cli/data_ls.h"
#include "cli/data_push.h"
#include "cli/data_report.h"
#include "cli/experiment_file.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "core/clock.h"
#include "core/machine.h"
#include "core/manifest_file.h"
#include "core/split_make.h"

#include <stdlib.h>
#include <string.h>

struct data_options {
    const char *out, *member;
    long long threads; /* 0: the cores */
};

enum { KEY_OUT = 'o', KEY_MEMBER = 'm', KEY_THREADS = 't', THREADS_MOST = 64 };
enum { PROGRESS_AFTER_MS = 2000, PROGRESS_EVERY_MS = 10000 };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0,
     "Where to write the manifest (default: " MANIFEST_NAME " in data.root, where submit looks)",
     0},
    {"member", KEY_MEMBER, "NAME", 0,
     "Which experiment's pictures, where the file's matrix changes them", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads that read pictures (default: the cores)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct data_options *chosen = state->input;
    switch (key) {
    case KEY_OUT: chosen->out = argument; return 0;
    case KEY_MEMBER: chosen->member = argument; return 0;
    case KEY_THREADS:
        return options_integer(state, "--threads", argument, 1, THREADS_MOST, &chosen->threads);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "check FILE | push FILE | ls",
    .help =
        "check reads every picture of an experiment: which are broken, too small for its crops, "
        "grey, of another size than most, or there twice (the same bytes or the same pixels), and "
        "which twins are in two of train, valid and test. Writes a manifest of all pictures unless "
        "one is broken; assay submit then puts its fingerprint into the experiment, and a worker "
        "whose pictures differ refuses to train on them.\n\n"
        "Exit code: 0 when nothing stands in the way, 1 when twins leak from one split into "
        "another, 2 when a picture is broken or too small.\n\n"
        "push brings the pictures of an experiment to the coordinator, from which workers that "
        "have no such data.root fetch them: those that it does not have yet, by their SHA-256. It "
        "reads the pictures unless there is a manifest that is of them still, and writes one. "
        "Interrupted, it goes on where it was when it is started again.\n\n"
        "ls lists what was pushed, a line for every class and split file: the checksum by which "
        "data.fingerprint knows it, its files (the list of them is one) and their size, whether "
        "all of it has come, and which of the newest 5,000 experiments name it; needed: how many "
        "of these are queued, paused or running. assay gc --unused-data removes what none needs."
        "\vExamples:\n  assay data check experiments/aug3_v2.json\n"
        "  assay data push experiments/aug3_v2.json\n  assay data ls --json",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 2,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* What of an experiment its pictures and lists depend on. */
static const char *const keys[] = {"data.root", "data.classes", "data.files", "data.split", NULL};

/* --- progress --- */

struct waiting {
    struct screen screen;
    int64_t began_ms, told_ms;
};

static bool show_progress(void *context, size_t done, size_t count) {
    struct waiting *waiting = context;
    int64_t now_ms = clock_steady_ms();
    char text[80];
    if (now_ms - waiting->began_ms < PROGRESS_AFTER_MS || done == count)
        return true;
    snprintf(text, sizeof text, "%zu of %zu pictures read, %.0f a second\n", done, count,
             (double)done * 1000 / (double)(now_ms - waiting->began_ms));
    if (waiting->screen.redraws) {
        screen_live(&waiting->screen, text);
    } else if (waiting->told_ms == 0 || now_ms - waiting->told_ms >= PROGRESS_EVERY_MS) {
        waiting->told_ms = now_ms;
        fputs(text, stderr);
    }
    return true;
}

/* --- the check --- */

static bool write_manifest(struct data_report *report, const char *path, struct error *error) {
    bool ok = manifest_write(path, &report->manifest, error);
    if (ok)
        report->written = path;
    return ok;
}

/* Every pipeline of the file's experiments must take every picture. */
static bool find_too_small(const struct members *members, struct data_report *report,
                           struct error *error) {
    for (size_t i = 0; i < members->count; i++) {
        struct experiment experiment;
        if (!experiment_decode(&members->items[i], &experiment, error))
            return false;
        bool good = data_report_small(report, &experiment.augmentations, error) &&
                    data_report_small(report, &experiment.evaluation, error);
        experiment_free(&experiment);
        if (!good)
            return false;
    }
    return true;
}

/* A picture that is only a link to nothing is one of the broken. */
static bool find_pictures(const char *file, struct experiment *experiment, struct split *split,
                          struct error *error) {
    bool good = experiment_file_locate(file, experiment, error) &&
                split_make_as_named(experiment, experiment->data.root, split, error);
    return good || error_context(error, "%s", file);
}

static int check(const char *file, const struct members *members, const struct member *member,
                 const struct data_options *chosen, bool json) {
    struct experiment experiment = {0};
    struct split split = {0};
    struct data_report report = {0};
    struct error error = {0}, unwritten = {0};
    struct waiting waiting = {.screen = screen_of(stderr), .began_ms = clock_steady_ms()};
    char *path = NULL;
    int threads = chosen->threads > 0 ? (int)chosen->threads : (int)machine_cores();
    bool ok = experiment_decode(member, &experiment, &error) &&
              find_pictures(file, &experiment, &split, &error) &&
              manifest_of_split(&split, &report.manifest, &error) &&
              examine(&report.manifest, experiment.data.root, threads, show_progress, &waiting,
                      &report.facts, &error);
    screen_clear(&waiting.screen);
    ok = ok && data_report_make(&report, &error) && find_too_small(members, &report, &error);
    bool complete = ok; /* what was found is told without a manifest too */
    if (ok && report.broken == 0) {
        if (chosen->out == NULL && asprintf(&path, "%s/" MANIFEST_NAME, experiment.data.root) < 0)
            path = NULL;
        const char *out = chosen->out != NULL ? chosen->out : path;
        complete =
            out != NULL ? write_manifest(&report, out, &unwritten) : error_memory(&unwritten);
    }
    int status = ok ? data_report_status(&report) : command_fail(&error);
    if (ok && json) {
        cJSON *document = data_report_json(&report, experiment.data.root);
        status = output_json(document) ? status : ERROR_FAILED;
        cJSON_Delete(document);
    } else if (ok) {
        data_report_print(&report, experiment.data.root);
    }
    if (ok && !complete) {
        int failed = command_fail(&unwritten);
        status = status != 0 ? status : failed;
    }
    data_report_free(&report);
    split_free(&split);
    experiment_free(&experiment);
    free(path);
    return status;
}

int command_data(int argc, char **argv) {
    struct command_input input;
    struct data_options chosen = {0};
    struct members members;
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    const char *verb = input.arguments[0];
    bool push = strcmp(verb, "push") == 0, ls = strcmp(verb, "ls") == 0;
    if (!push && !ls && strcmp(verb, "check") != 0) {
        error_set(&error, ERROR_INPUT, "data has no \"%s\"; it has check, push and ls", verb);
        return command_fail(&error);
    }
    if ((input.count == 2) == ls) {
        error_set(&error, ERROR_INPUT, "data %s %s FILE; see assay data --help", verb,
                  ls ? "takes no" : "needs a");
        return command_fail(&error);
    }
    if (ls)
        return data_ls(&input);
    const char *file = input.arguments[1];
    status = experiment_file_read(file, &members, NULL);
    if (status == 0) {
        const struct member *member =
            experiment_file_choose(file, &members, chosen.member, keys, &error);
        status = member == NULL ? command_fail(&error)
                 : push         ? data_push(&input, file, member, chosen.out)
                                : check(file, &members, member, &chosen, input.json);
    }
    members_free(&members);
    return status;
}
