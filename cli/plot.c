/* assay plot: pictures of experiments for people and papers. */
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/output.h"
#include "cli/plots.h"
#include "core/words.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_OUT = 'o', KEY_KIND = 'k', KEY_CHECKPOINT = 'c', KEY_SPLIT = 's' };

static const struct kind {
    const char *name;
    unsigned curves; /* PLOT_..., 0: a picture of another make */
} kinds[] = {
    {"sheet", PLOT_LOSS | PLOT_ACCURACY | PLOT_LEARNING_RATE},
    {"loss", PLOT_LOSS},
    {"accuracy", PLOT_ACCURACY},
    {"learning_rate", PLOT_LEARNING_RATE},
    {"roc", 0},
    {"confusion", 0},
    {"effects", 0},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };
#define KIND_NAMES "sheet, loss, accuracy, learning_rate, roc, confusion, effects"

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0, "Where the picture goes: FILE.png or FILE.svg", 0},
    {"kind", KEY_KIND, "KIND", 0,
     KIND_NAMES " (default: sheet, which is loss, accuracy and learning rate)", 0},
    {"checkpoint", KEY_CHECKPOINT, "best|last", 0,
     "For roc and confusion (default: what compare would keep)", 0},
    {"split", KEY_SPLIT, "valid|test", 0, "For roc and confusion (default: test)", 0},
    {0}};

struct plot_options {
    const char *out;
    const struct kind *kind;
    struct plot_source source;
};

static error_t parse_kind(struct plot_options *chosen, const char *argument,
                          const struct argp_state *state) {
    const char *names[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        if (strcmp(names[i], argument) == 0) {
            chosen->kind = &kinds[i];
            return 0;
        }
    }
    const char *near = nearest_word(argument, names, KIND_COUNT);
    if (near != NULL)
        return options_mistake(state, "there is no kind \"%s\"; did you mean \"%s\"?", argument,
                               near);
    return options_mistake(state, "there is no kind \"%s\" of plot; there are " KIND_NAMES,
                           argument);
}

/* The index of a word among two. */
static error_t parse_one_of(const char *const names[2], const char *option, const char *argument,
                            const struct argp_state *state, int *index) {
    for (*index = 0; *index < 2; *index += 1)
        if (strcmp(names[*index], argument) == 0)
            return 0;
    return options_mistake(state, "--%s is %s or %s, not \"%s\"", option, names[0], names[1],
                           argument);
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct plot_options *chosen = state->input;
    int split = 0;
    error_t code;
    switch (key) {
    case KEY_OUT:
        chosen->out = argument;
        return drawing_takes(argument)
                   ? 0
                   : options_mistake(state, "--out ends in .png or .svg, unlike \"%s\"", argument);
    case KEY_KIND: return parse_kind(chosen, argument, state);
    case KEY_CHECKPOINT:
        return parse_one_of(checkpoint_names, "checkpoint", argument, state,
                            &chosen->source.checkpoint);
    case KEY_SPLIT:
        code = parse_one_of(split_names, "split", argument, state, &split);
        chosen->source.split = (enum split_name)split;
        return code;
    case ARGP_KEY_END:
        return chosen->out != NULL ? 0
                                   : options_mistake(state, "plot needs --out FILE.png|FILE.svg");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID...|GROUP",
    .help = "Draws experiments as a picture, several as lines of several colours (which the "
            "colour-blind can tell apart), the best epoch marked. The words of an SVG can be "
            "selected and searched. A PNG has boxes for letters that no installed font has; "
            "fonts-noto-cjk and fonts-noto-color-emoji bring most."
            "\vExamples:\n  assay plot demo --out demo.png\n"
            "  assay plot 3 4 --kind roc --split valid --out roc.svg",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static struct drawing *draw(const char *subject, struct client *client, const cJSON *experiments,
                            const struct plot_options *chosen, struct error *error) {
    const char *kind = chosen->kind->name;
    if (chosen->kind->curves != 0)
        return plots_curves(subject, experiments, chosen->kind->curves, error);
    if (strcmp(kind, "roc") == 0)
        return plots_roc(subject, client, experiments, &chosen->source, error);
    if (strcmp(kind, "confusion") == 0)
        return plots_confusion(subject, experiments, &chosen->source, error);
    return plots_effects(subject, experiments, error);
}

/* Draws and writes it; "demo: sheet" is for those who hear pictures. */
static bool plot(struct client *client, const cJSON *experiments, const struct plot_options *chosen,
                 struct error *error) {
    char *subject = frame_subject(experiments), *title = NULL;
    if (subject == NULL || asprintf(&title, "%s: %s", subject, chosen->kind->name) < 0) {
        free(subject);
        return error_memory(error);
    }
    struct drawing *drawing = draw(subject, client, experiments, chosen, error);
    bool good = drawing != NULL && drawing_write(drawing, chosen->out, title, error);
    drawing_free(drawing);
    free(title);
    free(subject);
    return good;
}

int command_plot(int argc, char **argv) {
    struct command_input input;
    struct plot_options chosen = {.kind = &kinds[0],
                                  .source = {.checkpoint = -1, .split = SPLIT_TEST}};
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (client_look(&input, "show", &client, &experiments, &error) &&
        plot(&client, experiments, &chosen, &error))
        status = output_path(chosen.out, input.json);
    else
        status = command_fail(&error);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
