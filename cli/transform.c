/* assay transform: one picture through an experiment's pipeline, to look at or to compare. */
#include "cli/command.h"
#include "cli/experiment_file.h"
#include "cli/output.h"
#include "core/picture.h"
#include "core/safetensors.h"

#include <stdlib.h>
#include <string.h>

struct transform_options {
    const char *out, *stage, *member;
    long long epoch, index;
};

enum { KEY_OUT = 'o', KEY_MEMBER = 'm', KEY_STAGE = 's', KEY_EPOCH = 'e', KEY_INDEX = 'i' };

static const struct argp_option options[] = {
    {"stage", KEY_STAGE, "train|eval", 0, "The augmentations, or the evaluation's transforms", 0},
    {"epoch", KEY_EPOCH, "E", 0, "Draw as in this epoch, from 1 (default: 1)", 0},
    {"index", KEY_INDEX, "I", 0, "Draw as for this place in the training list, from 0 (default: 0)",
     0},
    {"out", KEY_OUT, "OUT", 0,
     ".png: the picture before normalize; .safetensors: float32 CHW tensor \"image\"", 0},
    {"member", KEY_MEMBER, "NAME", 0,
     "Which experiment's pipeline, where the file's matrix changes it", 0},
    {0}};

static error_t check(const struct transform_options *chosen, const struct argp_state *state) {
    if (chosen->stage == NULL ||
        (strcmp(chosen->stage, "train") != 0 && strcmp(chosen->stage, "eval") != 0))
        return options_mistake(state, "transform needs --stage train or --stage eval");
    if (chosen->out == NULL ||
        (!output_is(chosen->out, ".png") && !output_is(chosen->out, ".safetensors")))
        return options_mistake(state, "transform needs --out OUT.png or --out OUT.safetensors");
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct transform_options *chosen = state->input;
    switch (key) {
    case KEY_OUT: chosen->out = argument; return 0;
    case KEY_MEMBER: chosen->member = argument; return 0;
    case KEY_STAGE: chosen->stage = argument; return 0;
    case KEY_EPOCH:
        return options_integer(state, "--epoch", argument, 1, UINT32_MAX, &chosen->epoch);
    case KEY_INDEX:
        return options_integer(state, "--index", argument, 0, (int64_t)RANDOM_SAMPLES - 1,
                               &chosen->index);
    case ARGP_KEY_END: return check(chosen, state);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "FILE IMAGE",
    .help = "Takes a picture (PNG, JPEG or WebP) through the pipeline of an experiment file, with "
            "the very draws that training makes in that epoch at that place of the training list."
            "\vExample:\n  assay transform my.json a.png --stage train --epoch 3 --index 17 --out "
            "b.png",
    .options = options,
    .parse = parse,
    .least = 2,
    .most = 2};

static bool write_tensor(const char *path, const struct pipeline *pipeline,
                         const struct image *image, struct error *error) {
    size_t height = (size_t)image->height, width = (size_t)image->width;
    size_t bytes = 3 * height * width * sizeof(float);
    float *values = malloc(bytes);
    if (values == NULL)
        return error_memory(error);
    pipeline_normalize(pipeline, image, values);
    const struct tensor tensor = {.name = "image",
                                  .type = TENSOR_F32,
                                  .rank = 3,
                                  .shape = {3, height, width},
                                  .data = values,
                                  .bytes = bytes};
    bool good = safetensors_write(path, &tensor, 1, NULL, 0, error);
    free(values);
    return good;
}

static bool transform(const struct member *member, const char *path,
                      const struct transform_options *chosen, struct error *error) {
    struct experiment experiment = {0};
    struct image image = {0};
    struct random_stream stream;
    bool train = strcmp(chosen->stage, "train") == 0;
    if (!experiment_decode(member, &experiment, error))
        return false;
    const struct pipeline *pipeline = train ? &experiment.augmentations : &experiment.evaluation;
    random_open(&stream, experiment.train.seed, RANDOM_AUGMENT, (uint32_t)chosen->epoch,
                (uint64_t)chosen->index);
    bool good = picture_read(path, &image, error);
    if (good && !pipeline_apply(pipeline, 0, &image, &stream, error))
        good = error_context(error, "%s", path);
    if (good)
        good = output_is(chosen->out, ".png") ? png_write(chosen->out, &image, error)
                                              : write_tensor(chosen->out, pipeline, &image, error);
    image_free(&image);
    experiment_free(&experiment);
    return good;
}

int command_transform(int argc, char **argv) {
    static const char *const train_keys[] = {"augmentations", "train.seed", NULL};
    static const char *const eval_keys[] = {"evaluation", NULL};
    struct command_input input;
    struct transform_options chosen = {.epoch = 1};
    struct members members;
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    const char *file = input.arguments[0];
    status = experiment_file_read(file, &members, NULL);
    if (status == 0) {
        bool train = strcmp(chosen.stage, "train") == 0;
        const struct member *member = experiment_file_choose(
            file, &members, chosen.member, train ? train_keys : eval_keys, &error);
        status = member != NULL && transform(member, input.arguments[1], &chosen, &error)
                     ? 0
                     : command_fail(&error);
    }
    members_free(&members);
    return status;
}
