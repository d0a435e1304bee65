#include "worker/predict.h"

#include "core/atomic_file.h"
#include "core/file.h"
#include "core/standard.h"
#include "core/text.h"
#include "worker/options.h"
#include "worker/overlay.h"
#include "worker/picture_list.h"
#include "worker/predictor.h"
#include "worker/progress_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct predict_options {
    const char *checkpoint, *out;
    const char *cam; /* the folder for overlays, or NULL */
    struct predictor_options predictor;
    bool json;
    struct picture_list pictures;
    struct error error; /* of the pictures named */
};

enum {
    KEY_CHECKPOINT = 0x1000,
    KEY_BATCH,
    KEY_THREADS,
    KEY_OUT,
    KEY_BACKEND,
    KEY_DEVICE,
    KEY_JSON,
    KEY_CAM,
    KEY_CLASS
};

#define BATCH 32 /* unless --batch says */

static const struct argp_option predict_table[] = {
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0, "The weights, and the config they came from", 0},
    {"batch", KEY_BATCH, "N", 0, "Pictures at once (default: " OPTIONS_TEXT(BATCH) ")", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads that read pictures (default: the cores)", 0},
    {"out", KEY_OUT, "FILE", 0, "Where the scores go (default, and -: stdout)", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {"device", KEY_DEVICE, "N", 0, "Which GPU (default: 0)", 0},
    {"json", KEY_JSON, NULL, 0, "A JSON array instead of CSV", 0},
    {"cam", KEY_CAM, "DIR", 0, "Also draw where the network looked (Grad-CAM), into this folder",
     0},
    {"class", KEY_CLASS, "0|1", 0, "What it looked for (default: what it predicts)", 0},
    OPTIONS_HELP,
    {0},
};

static error_t predict_parse(int key, char *text, struct argp_state *state) {
    struct predict_options *options = state->input;
    long long number = 0;
    error_t code = 0;
    switch (key) {
    case KEY_CHECKPOINT: options->checkpoint = text; return 0;
    case KEY_BATCH:
        code = options_integer(state, "--batch", text, 1, 4096, &number);
        options->predictor.batch = (size_t)number;
        return code;
    case KEY_THREADS: return options_threads(state, text, &options->predictor.threads);
    case KEY_OUT: options->out = options_output(text); return 0;
    case KEY_BACKEND: return options_backend(state, text, &options->predictor.backend);
    case KEY_DEVICE: return options_device(state, text, &options->predictor.device);
    case KEY_JSON: options->json = true; return 0;
    case KEY_CAM:
        options->cam = text;
        options->predictor.maps = true;
        return 0;
    case KEY_CLASS:
        code = options_integer(state, "--class", text, 0, 1, &number);
        options->predictor.class = (int)number;
        return code;
    case ARGP_KEY_ARG:
        if (options->error.code == ERROR_NONE)
            picture_list_add(&options->pictures, text, &options->error);
        return 0;
    case ARGP_KEY_END:
        if (options->checkpoint == NULL || state->arg_num == 0)
            return options_mistake(state, "predict needs --checkpoint and a picture or a folder");
        if (options->predictor.class != PREDICTED_CLASS && options->cam == NULL)
            return options_mistake(state, "--class says what --cam looks for; add --cam DIR");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* --- what is written --- */

/* "cam":{"file":...,"class":1,"map":[[0,...],...]} */
static void add_looking(struct text *text, const char *file, const struct looking *looking) {
    text_format(text, ",\"cam\":{\"file\":");
    text_json_string(text, file);
    text_format(text, ",\"class\":%d,\"map\":[", looking->class);
    for (int row = 0; row < looking->height; row++) {
        for (int column = 0; column < looking->width; column++)
            text_format(text, "%s%.9g", column == 0 ? row == 0 ? "[" : ",[" : ",",
                        (double)looking->map[row * looking->width + column]);
        text_format(text, "]");
    }
    text_format(text, "]}");
}

static void add_json(struct text *text, const char *path, const struct prediction *prediction,
                     const char *cam) {
    text_format(text, "%s{\"path\":", text->length > 1 ? ",\n " : "");
    text_json_string(text, path);
    if (prediction->broken.code != ERROR_NONE) {
        text_format(text, ",\"error\":");
        text_json_string(text, prediction->broken.message);
    } else {
        text_format(text, ",\"probability\":%.9g,\"predicted\":%d", prediction->probability,
                    prediction_label(prediction));
        if (cam != NULL)
            add_looking(text, cam, &prediction->looking);
    }
    text_format(text, "}");
}

static void add_csv(struct text *text, const char *path, const struct prediction *prediction,
                    const char *cam) {
    if (prediction->broken.code != ERROR_NONE)
        return;
    text_csv_field(text, path);
    text_format(text, ",%.9g,%d", prediction->probability, prediction_label(prediction));
    if (cam != NULL) {
        text_format(text, ",");
        text_csv_field(text, cam);
    }
    text_format(text, "\n");
}

/* Picture `number`, counted from 1. */
static bool add_prediction(const struct predict_options *options, struct text *text, size_t number,
                           const struct prediction *prediction, struct error *error) {
    const char *path = options->pictures.paths[number - 1];
    char *cam = NULL;
    bool good = options->cam == NULL || prediction->broken.code != ERROR_NONE ||
                overlay_write(&prediction->looking, options->cam, number, path, &cam, error);
    if (good)
        (options->json ? add_json : add_csv)(text, path, prediction, cam);
    free(cam);
    return good;
}

/* --- the work --- */

/* Scores everything into `text`; *broken counts what could not be read, which is said as it comes.
 */
static bool score_all(const struct predict_options *options, struct predictor *predictor,
                      struct text *text, size_t *broken, struct error *error) {
    const struct picture_list *pictures = &options->pictures;
    size_t batch = options->predictor.batch;
    struct progress_line line = progress_line_begin();
    struct prediction *predictions = calloc(batch, sizeof *predictions);
    bool ok = predictions != NULL || error_memory(error);
    for (size_t first = 0; ok && first < pictures->count; first += batch) {
        size_t left = pictures->count - first, count = left < batch ? left : batch;
        ok = predictor_score(predictor, pictures->paths + first, count, predictions, error);
        for (size_t i = 0; ok && i < count; i++) {
            ok = add_prediction(options, text, first + i + 1, &predictions[i], error);
            if (predictions[i].broken.code == ERROR_NONE)
                continue;
            progress_line_clear(&line);
            standard_complain("%s", predictions[i].broken.message);
            ++*broken;
        }
        progress_line_say(&line, "%zu of %zu pictures, %.1f a second", first + count,
                          pictures->count, (double)(first + count) / progress_line_seconds(&line));
    }
    progress_line_clear(&line);
    free(predictions);
    return ok;
}

/* A terminal gets no control characters of names, anything else every byte. */
static bool write_out(const char *out, const struct text *text, struct error *error) {
    if (text->failed)
        return error_memory(error);
    if (out != NULL)
        return file_write_atomic(out, text->data, text->length, error);
    if (isatty(STDOUT_FILENO))
        text_harmless(text->data);
    fputs(text->data, stdout); /* standard_finish says when that failed */
    return true;
}

static bool predict(struct predict_options *options, size_t *broken, struct error *error) {
    struct predictor *predictor = NULL;
    struct text text = {0};
    options_tell_backend(options->predictor.backend, options->predictor.device);
    text_format(&text, options->json ? "[" : "path,probability,predicted");
    if (!options->json)
        text_format(&text, options->cam != NULL ? ",cam\n" : "\n");
    bool ok = (options->out == NULL || atomic_file_check(options->out, error)) &&
              (options->cam == NULL || folder_make(options->cam, error)) &&
              predictor_open(options->checkpoint, &options->predictor, &predictor, error) &&
              score_all(options, predictor, &text, broken, error);
    if (options->json)
        text_format(&text, "]\n");
    ok = ok && write_out(options->out, &text, error);
    text_free(&text);
    predictor_close(predictor);
    return ok;
}

int predict_main(int argc, char **argv) {
    static const struct argp argp = {
        .options = predict_table,
        .parser = predict_parse,
        .args_doc = "IMAGE|FOLDER...",
        .doc = "Score pictures with a checkpoint: the probability of label 1."};
    struct predict_options options = {
        .predictor = {
            .backend = "auto", .batch = BATCH, .class = PREDICTED_CLASS, .tell = options_tell}};
    struct error error = {0};
    size_t broken = 0;
    int code;
    if (options_parse(&argp, "assay-worker predict", argc, argv, &options, &code)) {
        if (options.error.code != ERROR_NONE)
            error = options.error;
        else
            predict(&options, &broken, &error);
        if (error.code != ERROR_NONE)
            standard_complain("%s", error.message);
        else if (broken > 0)
            standard_complain("%zu of %zu picture%s could not be read; %s", broken,
                              options.pictures.count, options.pictures.count == 1 ? "" : "s",
                              broken == options.pictures.count ? "none is scored"
                                                               : "the others are scored");
        code = error.code != ERROR_NONE ? (int)error.code : broken > 0 ? ERROR_FAILED : 0;
    }
    picture_list_free(&options.pictures);
    return code;
}
