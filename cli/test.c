/* assay test: evaluates a checkpoint of an experiment again, on this machine. */
#include "cli/artifact.h"
#include "cli/field.h"
#include "cli/run_program.h"
#include "core/home.h"
#include "core/json.h"
#include "core/storage.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct test_options {
    const char *checkpoint, *split, *backend, *cache, *cache_gib;
};

enum { KEY_CHECKPOINT = 'c', KEY_SPLIT = 's', KEY_BACKEND = 'b', KEY_CACHE = 'd', KEY_GIB = 'g' };

static const struct argp_option options[] = {
    {"checkpoint", KEY_CHECKPOINT, "best|last|N", 0,
     "Lowest validation loss, last epoch, or the one of epoch N", 0},
    {"split", KEY_SPLIT, "valid|test", 0, "Which part of the data", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {"data-cache", KEY_CACHE, "DIR", 0,
     "Where pictures are fetched to that are not here; a worker's may be shared (default: "
     "data-cache in ASSAY_HOME)",
     0},
    {"data-cache-gib", KEY_GIB, "N", 0, "What it may hold; 0: fetch none (default: as a worker's)",
     0},
    {0}};

static bool is_one_of(const char *word, const char *a, const char *b) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct test_options *chosen = state->input;
    long long number;
    switch (key) {
    case KEY_CHECKPOINT:
        chosen->checkpoint = argument;
        if (!is_one_of(argument, "best", "last") &&
            !options_number(argument, 1, UINT32_MAX, &number))
            return options_mistake(state, "--checkpoint is best, last or an epoch, not \"%s\"",
                                   argument);
        return 0;
    case KEY_SPLIT:
        chosen->split = argument;
        if (!is_one_of(argument, "valid", "test"))
            return options_mistake(state, "--split is valid or test, not \"%s\"", argument);
        return 0;
    case KEY_BACKEND:
        chosen->backend = argument;
        if (strcmp(argument, "auto") != 0 && !is_one_of(argument, "cpu", "cuda"))
            return options_mistake(state, "--backend is auto, cpu or cuda, not \"%s\"", argument);
        return 0;
    case KEY_CACHE: chosen->cache = argument; return 0;
    case KEY_GIB:
        chosen->cache_gib = argument;
        return options_integer(state, "--data-cache-gib", argument, 0, 1 << 20, &number);
    case ARGP_KEY_END:
        if (chosen->checkpoint == NULL || chosen->split == NULL)
            return options_mistake(state, "test needs --checkpoint best|last|N and --split "
                                          "valid|test");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID|NAME",
    .help = "Evaluates a checkpoint of an experiment again and prints TP TN FP FN, accuracy, "
            "precision, recall, loss, ROC AUC, average precision, equal error rate, the counts at "
            "the threshold that Youden's J chooses on the validation split, and how each class "
            "came off. Runs here: a checkpoint that is not on this machine is fetched from the "
            "coordinator, and so are pictures of an experiment that was submitted with their "
            "fingerprint, if somebody has pushed them (assay data push)."
            "\vExample:\n  assay test 3 --checkpoint best --split test",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* The config in memory, under a name that the worker can open: nothing is left behind. The
 * descriptor stays open across exec. */
static bool config_file(const cJSON *config, char *name, size_t size, struct error *error) {
    char *text = json_text(config);
    int descriptor = memfd_create("config.json", 0);
    bool good =
        text != NULL && descriptor >= 0 && storage_write_all(descriptor, text, strlen(text));
    if (!good)
        error_errno(error, ERROR_FAILED, "cannot keep the config in memory");
    snprintf(name, size, "/proc/self/fd/%d", descriptor);
    free(text);
    return good;
}

/* Becomes `assay-worker evaluate`. Returns only on failure. */
static int evaluate(const struct command_input *input, const struct test_options *chosen,
                    const char *config, const char *checkpoint) {
    const char *arguments[32] = {"assay-worker", "evaluate"};
    const char *const pairs[][2] = {
        {"--config", config},
        {"--checkpoint", checkpoint},
        {"--split", chosen->split},
        {"--backend", chosen->backend},
        {"--connect", chosen->cache != NULL ? input->connect : NULL},
        {"--key", input->keys.key},
        {"--server-key", input->keys.server},
        {"--data-cache", chosen->cache},
        {"--data-cache-gib", chosen->cache_gib},
    };
    size_t count = 2;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][1] == NULL)
            continue;
        arguments[count++] = pairs[i][0];
        arguments[count++] = pairs[i][1];
    }
    arguments[count] = input->json ? "--json" : NULL;
    return program_run("assay-worker", (char **)(uintptr_t)arguments);
}

int command_test(int argc, char **argv) {
    struct command_input input;
    struct test_options chosen = {.backend = "auto"};
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL;
    char config[64], path[PATH_MAX], *cache = NULL;
    long long id;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (!client_look_one(&input, "show", &client, &id, &experiments, &error) ||
        !artifact_path(&client, experiments->child, chosen.checkpoint, path, &error) ||
        !config_file(field_at(experiments->child, "config"), config, sizeof config, &error)) {
        status = command_fail(&error);
        goto out;
    }
    if (chosen.cache == NULL) /* without a home too: then no pictures are fetched */
        chosen.cache = cache = home_path("data-cache", NULL);
    status = evaluate(&input, &chosen, config, path);
out:
    free(cache);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
