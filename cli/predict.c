/* assay predict: the probability of label 1 for pictures, by a checkpoint, on this machine. */
#include "cli/artifact.h"
#include "cli/run_program.h"

#include <stdlib.h>

enum {
    KEY_BATCH = 'b',
    KEY_THREADS = 't',
    KEY_OUT = 'o',
    KEY_BACKEND = 'B',
    KEY_CAM = 'c',
    KEY_CLASS = 'C'
};

/* The worker program checks them. */
struct predict_options {
    const char *batch, *threads, *out, *backend, *cam, *class;
};

static const struct argp_option options[] = {
    {"batch", KEY_BATCH, "N", 0, "Pictures at once (default: 32)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads that read pictures (default: the cores)", 0},
    {"out", KEY_OUT, "FILE", 0, "Where the scores go (default, and -: stdout)", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {"cam", KEY_CAM, "DIR", 0, "Also draw where the network looked (Grad-CAM), into this folder",
     0},
    {"class", KEY_CLASS, "0|1", 0, "What it looked for (default: what it predicts)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct predict_options *chosen = state->input;
    switch (key) {
    case KEY_BATCH: chosen->batch = argument; return 0;
    case KEY_THREADS: chosen->threads = argument; return 0;
    case KEY_OUT: chosen->out = options_output(argument); return 0;
    case KEY_BACKEND: chosen->backend = argument; return 0;
    case KEY_CAM: chosen->cam = argument; return 0;
    case KEY_CLASS: chosen->class = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "CHECKPOINT IMAGE|FOLDER...",
    .help =
        "Scores pictures: the probability of label 1 (real) of each, and the label that it makes "
        "(1 above 0.5). CHECKPOINT is a checkpoint file, whose own config says how pictures are "
        "prepared, or ID@best, ID@last or ID@EPOCH of an experiment (a name will do for ID), which "
        "is fetched from the coordinator if it is not on this machine. Folders are searched to the "
        "bottom, their pictures in order of their paths. CSV with the columns path, probability "
        "and predicted, or a JSON array. With --cam each picture as the network saw it is written "
        "into DIR as a PNG, coloured where it saw what speaks for its prediction, or for --class; "
        "the file is a further column, and JSON has the map's values too. A picture that cannot be "
        "read is said on stderr, the others are scored, and the exit code is 1."
        "\vExamples:\n  assay predict checkpoint_best_loss.safetensors face.png more/ --out s.csv\n"
        "  assay predict 3@best faces/ --json\n  assay predict 3@best face.png --cam looked/",
    .options = options,
    .parse = parse,
    .least = 2,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

int command_predict(int argc, char **argv) {
    struct command_input input;
    struct predict_options chosen = {0};
    struct error error = {0};
    char path[PATH_MAX];
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (!artifact_of_word(&input, input.arguments[0], path, &error))
        return command_fail(&error);
    const struct {
        const char *name, *value;
    } passed[] = {{"--checkpoint", path},        {"--batch", chosen.batch},
                  {"--threads", chosen.threads}, {"--out", chosen.out},
                  {"--backend", chosen.backend}, {"--cam", chosen.cam},
                  {"--class", chosen.class}};
    char **arguments = calloc(input.count + 20, sizeof *arguments);
    size_t count = 0;
    if (arguments == NULL)
        return command_fail(&(struct error){.code = ERROR_FAILED, .message = "out of memory"});
    arguments[count++] = "assay-worker";
    arguments[count++] = "predict";
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        if (passed[i].value == NULL)
            continue;
        arguments[count++] = (char *)(uintptr_t)passed[i].name;
        arguments[count++] = (char *)(uintptr_t)passed[i].value;
    }
    if (input.json)
        arguments[count++] = "--json";
    arguments[count++] = "--";
    for (size_t i = 1; i < input.count; i++)
        arguments[count++] = input.arguments[i];
    status = program_run("assay-worker", arguments);
    free(arguments);
    return status;
}
