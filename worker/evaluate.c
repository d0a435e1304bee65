#include "worker/evaluate.h"

#include "core/file.h"
#include "core/json.h"
#include "core/standard.h"
#include "core/text.h"
#include "worker/examine.h"
#include "worker/options.h"
#include "worker/progress_line.h"
#include "worker/provision.h"
#include "worker/report.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVALUATE_CONFIG_MAX = 16 << 20 };

struct evaluate_options {
    const char *config, *checkpoint, *split, *data_root, *backend;
    struct supply_source source; /* connect: NULL unless pictures may be fetched */
    struct dealer_keys keys;
    int device, threads;
    bool json;
};

enum {
    KEY_CONFIG = 0x1000,
    KEY_CHECKPOINT,
    KEY_SPLIT,
    KEY_ROOT,
    KEY_BACKEND,
    KEY_DEVICE,
    KEY_THREADS,
    KEY_CONNECT,
    KEY_KEY,
    KEY_SERVER_KEY,
    KEY_CACHE,
    KEY_CACHE_GIB,
    KEY_JSON
};

static const struct argp_option evaluate_table[] = {
    {"config", KEY_CONFIG, "FILE", 0, "The experiment (one, no matrix)", 0},
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0, "The weights", 0},
    {"split", KEY_SPLIT, "valid|test", 0, "Which part of the data (default: test)", 0},
    {"data-root", KEY_ROOT, "DIR", 0, "Refuse data that stands elsewhere", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {"device", KEY_DEVICE, "N", 0, "Which GPU (default: 0)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads that read pictures (default: the cores)", 0},
    {"connect", KEY_CONNECT, "ENDPOINT", 0,
     "The coordinator to fetch pictures from that are not here, with --data-cache (default: none)",
     0},
    {"key", KEY_KEY, "FILE", 0, DEALER_KEY_HELP, 0},
    {"server-key", KEY_SERVER_KEY, "KEY|FILE", 0, DEALER_SERVER_KEY_HELP, 0},
    {"data-cache", KEY_CACHE, "DIR", 0, "Where they are fetched to; a worker's may be shared", 0},
    {"data-cache-gib", KEY_CACHE_GIB, "N", 0,
     "What it may hold (default: " OPTIONS_TEXT(OPTIONS_CACHE_GIB) ")", 0},
    {"json", KEY_JSON, NULL, 0, "One JSON object on stdout", 0},
    OPTIONS_HELP,
    {0},
};

static error_t evaluate_parse(int key, char *text, struct argp_state *state) {
    struct evaluate_options *options = state->input;
    switch (key) {
    case KEY_CONFIG: options->config = text; return 0;
    case KEY_CHECKPOINT: options->checkpoint = text; return 0;
    case KEY_SPLIT:
        options->split = text;
        if (strcmp(text, "valid") != 0 && strcmp(text, "test") != 0)
            return options_mistake(state, "--split is valid or test, not \"%s\"", text);
        return 0;
    case KEY_ROOT: options->data_root = text; return 0;
    case KEY_BACKEND: return options_backend(state, text, &options->backend);
    case KEY_DEVICE: return options_device(state, text, &options->device);
    case KEY_THREADS: return options_threads(state, text, &options->threads);
    case KEY_CONNECT: options->source.connect = text; return 0;
    case KEY_KEY: options->keys.key = text; return 0;
    case KEY_SERVER_KEY: options->keys.server = text; return 0;
    case KEY_CACHE: options->source.data_cache = text; return 0;
    case KEY_CACHE_GIB: return options_cache_gib(state, text, &options->source.data_cache_bytes);
    case KEY_JSON: options->json = true; return 0;
    case ARGP_KEY_END:
        if (options->config == NULL || options->checkpoint == NULL)
            return options_mistake(state, "evaluate needs --config and --checkpoint");
        if ((options->source.connect == NULL) != (options->source.data_cache == NULL))
            return options_mistake(state, "evaluate needs --connect and --data-cache together");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* object[key], a path relative to the file's folder. */
static bool make_absolute(cJSON *object, const char *key, const char *path, struct error *error) {
    cJSON *root = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(root) || root->valuestring[0] == '/')
        return true;
    bool ok = false;
    char *absolute = realpath(path, NULL), *joined = NULL;
    if (absolute == NULL)
        error_errno(error, ERROR_INPUT, "cannot find %s", path);
    else if (asprintf(&joined, "%s/%s", dirname(absolute), root->valuestring) < 0)
        joined = NULL;
    if (joined != NULL)
        ok = cJSON_SetValuestring(root, joined) != NULL;
    if (!ok && absolute != NULL)
        error_memory(error);
    free(joined);
    free(absolute);
    return ok;
}

static bool make_data_absolute(cJSON *config, const char *path, struct error *error) {
    cJSON *data = cJSON_GetObjectItemCaseSensitive(config, "data"),
          *files = cJSON_GetObjectItemCaseSensitive(data, "files");
    return make_absolute(data, "root", path, error) && make_absolute(files, "train", path, error) &&
           make_absolute(files, "valid", path, error) && make_absolute(files, "test", path, error);
}

static bool config_read(const char *path, struct experiment *experiment, struct error *error) {
    char *text = NULL;
    size_t length = 0;
    cJSON *config = NULL;
    struct faults faults = {0};
    bool ok = file_read(path, EVALUATE_CONFIG_MAX, &text, &length, error) &&
              (config = json_parse(text, length, path, error)) != NULL &&
              make_data_absolute(config, path, error);
    if (ok && !experiment_from_json(config, experiment, &faults)) {
        faults_error(&faults, error);
        ok = error_context(error, "%s:%zu", path, json_line(text, faults.items[0].place));
    }
    faults_free(&faults);
    cJSON_Delete(config);
    free(text);
    return ok;
}

static void print_number(const char *name, bool defined, double value) {
    if (defined)
        printf("%-18s %.4f\n", name, value);
    else
        printf("%-18s n/a\n", name);
}

static void print_measure(const char *name, const struct measure *measure) {
    print_number(name, measure->defined, measure->value);
}

static void print_counts(const struct metrics *metrics) {
    printf("TP %" PRIu64 "  TN %" PRIu64 "  FP %" PRIu64 "  FN %" PRIu64, metrics->true_positive,
           metrics->true_negative, metrics->false_positive, metrics->false_negative);
}

static void print_threshold(const struct evaluation_report *report) {
    double accuracy = 0;
    print_measure("threshold", &report->threshold);
    if (!report->threshold.defined || !metrics_accuracy(&report->at_threshold, &accuracy))
        return;
    printf("%-18s ", "  there");
    print_counts(&report->at_threshold);
    printf("  accuracy %.4f\n", accuracy);
}

/* Of UTF-8. */
static int characters(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* A class of lists is named after a folder, which may be called anything. */
static void print_classes(struct evaluation_report *report) {
    int width = 5;
    for (size_t i = 0; i < report->class_count; i++) {
        text_one_line(report->classes[i].name);
        int length = characters(report->classes[i].name);
        width = length > width ? length : width;
    }
    printf("\n%-*s  label  pictures   right  missed  accuracy\n", width, "class");
    for (size_t i = 0; i < report->class_count; i++) {
        const struct class_result *result = &report->by_class[i];
        const struct split_class *class = &report->classes[i];
        printf("%s%*s  %5d  %8" PRIu64 "  %6" PRIu64 "  %6" PRIu64, class->name,
               width - characters(class->name), "", class->label, result->pictures, result->correct,
               result->pictures - result->correct);
        if (result->pictures > 0)
            printf("  %8.4f\n", (double)result->correct / (double)result->pictures);
        else
            printf("       n/a\n");
    }
}

static void print_table(struct evaluation_report *report) {
    const struct metrics *metrics = &report->metrics;
    double value = 0;
    printf("epoch %" PRIu32 " on %s: ", report->epoch, report->split);
    print_counts(metrics);
    putchar('\n');
    bool defined = metrics_accuracy(metrics, &value);
    print_number("accuracy", defined, value);
    defined = metrics_precision(metrics, &value);
    print_number("precision", defined, value);
    defined = metrics_recall(metrics, &value);
    print_number("recall", defined, value);
    defined = metrics_loss(metrics, &value);
    print_number("loss", defined, value);
    print_measure("ROC AUC", &report->roc_auc);
    print_measure("average precision", &report->average_precision);
    print_measure("equal error rate", &report->equal_error_rate);
    print_threshold(report);
    print_classes(report);
}

static bool print_json(const struct evaluation_report *report, struct error *error) {
    cJSON *object = report_evaluation(report);
    char *text = object != NULL ? json_text(object) : NULL;
    char *harmless = text != NULL ? text_harmless_json(text) : NULL;
    bool ok = harmless != NULL || error_memory(error);
    if (ok)
        puts(harmless);
    free(harmless);
    free(text);
    cJSON_Delete(object);
    return ok;
}

static void tell_fetching(void *context, const struct progress *progress) {
    if (strcmp(progress->phase, "fetch") == 0)
        progress_line_say(context, "%" PRIu32 " of %" PRIu32 " MiB of pictures fetched",
                          progress->step, progress->steps);
}

/* Fetches the pictures that are not here, where somebody has pushed them. */
static bool bring_pictures(const struct supply_source *source, struct experiment *experiment,
                           struct trainer_options *trainer, struct provision *provision,
                           struct error *error) {
    struct progress_line line = progress_line_begin();
    const struct trainer_events events = {.progress = tell_fetching, .context = &line};
    bool ok = source->connect == NULL || provision_bring(source, experiment, trainer, &events,
                                                         provision, error) == PROVISION_READY;
    progress_line_clear(&line);
    return ok;
}

static bool evaluate_run(const struct evaluate_options *options, struct error *error) {
    struct experiment experiment;
    struct evaluation_report report = {0};
    const struct trainer_events events = {0};
    struct provision provision = {.hold.descriptor = -1};
    struct trainer_options trainer = {.data_root = options->data_root,
                                      .backend = options->backend,
                                      .device = options->device,
                                      .threads = options->threads};
    if (!config_read(options->config, &experiment, error))
        return false;
    if (strcmp(experiment.resources.backend, "cpu") != 0)
        options_tell_backend(options->backend, options->device);
    bool ok = bring_pictures(&options->source, &experiment, &trainer, &provision, error) &&
              examine_checkpoint(&experiment, &trainer, options->checkpoint, options->split,
                                 &events, &report, error);
    if (ok && options->json)
        ok = print_json(&report, error);
    else if (ok)
        print_table(&report);
    evaluation_free(&report);
    provision_end(&provision);
    experiment_free(&experiment);
    return ok;
}

int evaluate_main(int argc, char **argv) {
    static const struct argp argp = {
        .options = evaluate_table,
        .parser = evaluate_parse,
        .doc = "Evaluate a checkpoint on the validation or the test pictures of an experiment. The "
               "threshold is chosen on the validation pictures (Youden's J), which are therefore "
               "evaluated for the test pictures too."};
    struct evaluate_options options = {.split = "test",
                                       .backend = "auto",
                                       .keys = dealer_keys_default(),
                                       .source.data_cache_bytes = OPTIONS_CACHE_BYTES};
    options.source.keys = &options.keys;
    struct error error = {0};
    int code;
    if (!options_parse(&argp, "assay-worker evaluate", argc, argv, &options, &code))
        return code;
    if (evaluate_run(&options, &error))
        return 0;
    standard_complain("%s", error.message);
    return (int)error.code;
}
