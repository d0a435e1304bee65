/* assay preview: a contact sheet of what an experiment's augmentations do to its pictures.
 *
 * A row is a picture of the training list. First it goes through the pipeline step by step, with
 * the draws of the first epoch; then, from the picture after the fixed ops, each random op alone,
 * drawn for three epochs. */
#include "cli/command.h"
#include "cli/experiment_file.h"
#include "cli/sheet.h"
#include "core/picture.h"
#include "core/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct preview_options {
    const char *out, *member;
    long long rows; /* 0: two of each class */
};

enum { KEY_OUT = 'o', KEY_MEMBER = 'm', KEY_ROWS = 'r', DRAWS = 3, ROWS_MAX = 100 };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "SHEET.png", 0, "The picture to write", 0},
    {"rows", KEY_ROWS, "N", 0, "Pictures, from the classes in turn (default: two of each)", 0},
    {"member", KEY_MEMBER, "NAME", 0,
     "Which experiment's augmentations, where the file's matrix changes them", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct preview_options *chosen = state->input;
    switch (key) {
    case KEY_OUT: chosen->out = argument; return 0;
    case KEY_MEMBER: chosen->member = argument; return 0;
    case KEY_ROWS:
        return command_number(argument, 1, ROWS_MAX, &chosen->rows)
                   ? 0
                   : command_mistake(state, "--rows is a whole number from 1 to %d, not %s",
                                     ROWS_MAX, argument);
    case ARGP_KEY_END:
        return chosen->out != NULL ? 0 : command_mistake(state, "preview needs --out SHEET.png");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "FILE",
    .help = "Draws a contact sheet: pictures of the training list, how the augmentations change "
            "them step by step in the first epoch, and what each does alone, drawn three times."
            "\vExample:\n  assay preview experiments/aug3_v2.json --out sheet.png",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1};

/* ---- columns ---- */

/* "0.8 to 1.2", "+-10". */
static const char *range_text(struct range range, char text[40]) {
    if (range.low == -range.high && range.high != 0)
        snprintf(text, 40, "\xC2\xB1%.3g", range.high);
    else
        snprintf(text, 40, "%.3g to %.3g", range.low, range.high);
    return text;
}

static void add_range(char detail[128], const char *name, struct range range, double neutral) {
    char text[40];
    size_t length = strlen(detail);
    if (range.low != neutral || range.high != neutral)
        snprintf(detail + length, 128 - length, "%s%s %s", length > 0 ? ", " : "", name,
                 range_text(range, text));
}

static void describe(const struct transform *op, char detail[128]) {
    detail[0] = '\0';
    switch (op->kind) {
    case TRANSFORM_RESIZE:
        if (op->width == 0)
            snprintf(detail, 128, "shorter side %d", op->height);
        else
            snprintf(detail, 128, "%d \xC3\x97 %d", op->width, op->height);
        break;
    case TRANSFORM_RANDOM_CROP:
    case TRANSFORM_CENTER_CROP:
        snprintf(detail, 128, "%d \xC3\x97 %d", op->width, op->height);
        break;
    case TRANSFORM_RANDOM_HORIZONTAL_FLIP:
    case TRANSFORM_RANDOM_VERTICAL_FLIP:
        snprintf(detail, 128, "probability %.3g", op->probability);
        break;
    case TRANSFORM_COLOR_JITTER:
        add_range(detail, "brightness", op->brightness, 1);
        add_range(detail, "contrast", op->contrast, 1);
        add_range(detail, "saturation", op->saturation, 1);
        add_range(detail, "hue", op->hue, 0);
        break;
    case TRANSFORM_RANDOM_AFFINE:
        add_range(detail, "degrees", op->degrees, 0);
        add_range(detail, "scale", op->scale, 1);
        add_range(detail, "shear", op->shear_x, 0);
        add_range(detail, "shear y", op->shear_y, 0);
        add_range(detail, "shift x", (struct range){-op->translate_x, op->translate_x}, 0);
        add_range(detail, "shift y", (struct range){-op->translate_y, op->translate_y}, 0);
        break;
    case TRANSFORM_NORMALIZE: break;
    }
}

/* The original, the picture after each op, then DRAWS columns for each random op. `columns` has
 * room for all; returns how many there are. */
static size_t make_columns(const struct pipeline *pipeline, struct sheet_column *columns) {
    size_t count = 0, last = pipeline->count - 1; /* normalize */
    columns[count++] =
        (struct sheet_column){.block = "Step by step, as in epoch 1", .title = "original"};
    for (size_t i = 0; i < last; i++) {
        columns[count].title = transform_name(pipeline->ops[i].kind);
        describe(&pipeline->ops[i], columns[count++].detail);
    }
    for (size_t i = pipeline_fixed_count(pipeline); i < last; i++) {
        columns[count].block =
            i == pipeline_fixed_count(pipeline) ? "Each alone, drawn three times" : NULL;
        columns[count].title = transform_name(pipeline->ops[i].kind);
        describe(&pipeline->ops[i], columns[count].detail);
        count += DRAWS;
    }
    return count;
}

/* ---- rows ---- */

/* Places in the training list: the first pictures of each class, class by class. With `rows` 0 two
 * of each. A class that repeats its pictures shows each once. */
static size_t choose_rows(const struct split *split, size_t rows, size_t *places) {
    const struct split_list *list = &split->train;
    size_t classes = split->class_count, count = 0;
    if (rows == 0)
        rows = 2 * classes < ROWS_MAX ? 2 * classes : ROWS_MAX;
    for (size_t c = 0; c < classes; c++) {
        size_t wanted = rows / classes + (c < rows % classes), own = 0;
        for (size_t i = 0; i < list->count; i++)
            own += list->items[i].class_index == c;
        own /= split->classes[c].repeat;
        for (size_t i = 0; i < list->count && wanted > 0 && own > 0; i++)
            if (list->items[i].class_index == c) {
                places[count++] = i;
                wanted--;
                own--;
            }
    }
    return count;
}

/* One op alone on a copy of `from`, with the draws of an epoch. */
static bool put_alone(struct sheet *sheet, size_t row, size_t column, const struct image *from,
                      const struct transform *op, struct random_stream stream,
                      struct error *error) {
    struct image image;
    bool good = image_copy(from, &image, error) && transform_apply(op, &image, &stream, error) &&
                sheet_put(sheet, row, column, &image, error);
    image_free(&image);
    return good;
}

static bool fill_row(struct sheet *sheet, size_t row, const struct experiment *experiment,
                     const char *path, size_t place, struct error *error) {
    const struct pipeline *pipeline = &experiment->augmentations;
    size_t fixed = pipeline_fixed_count(pipeline), last = pipeline->count - 1, column = 0;
    struct image image = {0}, base = {0};
    struct random_stream stream;
    random_open(&stream, experiment->train.seed, RANDOM_AUGMENT, 1, place);
    bool good = picture_read(path, &image, error) && sheet_put(sheet, row, column++, &image, error);
    if (good && fixed == 0)
        good = image_copy(&image, &base, error);
    for (size_t i = 0; good && i < last; i++) {
        good = transform_apply(&pipeline->ops[i], &image, &stream, error) &&
               sheet_put(sheet, row, column++, &image, error);
        if (good && i + 1 == fixed)
            good = image_copy(&image, &base, error);
    }
    for (size_t i = fixed; good && i < last; i++)
        for (uint32_t epoch = 1; good && epoch <= DRAWS; epoch++) {
            random_open(&stream, experiment->train.seed, RANDOM_AUGMENT, epoch, place);
            good = put_alone(sheet, row, column++, &base, &pipeline->ops[i], stream, error);
        }
    image_free(&image);
    image_free(&base);
    return good;
}

static bool fill_rows(struct sheet *sheet, const struct experiment *experiment, const char *root,
                      const struct split *split, const size_t *places, size_t count,
                      struct error *error) {
    bool good = true;
    for (size_t row = 0; good && row < count; row++) {
        const struct split_item *item = &split->train.items[places[row]];
        const struct split_class *class = &split->classes[item->class_index];
        const char *slash = strrchr(item->path, '/');
        char *path = NULL, detail[300];
        snprintf(detail, sizeof detail, "%s, label %d", slash != NULL ? slash + 1 : item->path,
                 class->label);
        sheet_label(sheet, row, class->name, detail, class->label);
        if (asprintf(&path, "%s/%s", root, item->path) < 0)
            return error_set(error, ERROR_FAILED, "out of memory");
        good = fill_row(sheet, row, experiment, path, places[row], error);
        if (!good && strstr(error->message, item->path) == NULL)
            error_context(error, "%s", path);
        free(path);
    }
    return good;
}

static bool draw(const char *file, const struct member *member,
                 const struct preview_options *chosen, struct error *error) {
    struct experiment experiment = {0};
    struct split split = {0};
    struct sheet *sheet = NULL;
    struct sheet_column *columns = NULL;
    char subtitle[300];
    size_t places[ROWS_MAX];
    bool good = false;
    if (!experiment_decode(member, &experiment, error))
        return false;
    columns = calloc(1 + (1 + DRAWS) * experiment.augmentations.count, sizeof *columns);
    if (columns == NULL) {
        error_set(error, ERROR_FAILED, "out of memory");
        goto out;
    }
    if (!experiment_file_locate(file, &experiment, error) ||
        !split_make(&experiment, experiment.data.root, &split, error))
        goto out;
    size_t rows = choose_rows(&split, (size_t)chosen->rows, places);
    snprintf(subtitle, sizeof subtitle, "%zu of the %zu pictures trained on, from %s", rows,
             split.train.count, experiment.data.root);
    size_t column_count = make_columns(&experiment.augmentations, columns);
    good = sheet_new(member->name, subtitle, columns, column_count, rows, &sheet, error) &&
           fill_rows(sheet, &experiment, experiment.data.root, &split, places, rows, error) &&
           sheet_write(sheet, chosen->out, error);
out:
    sheet_free(sheet);
    split_free(&split);
    free(columns);
    experiment_free(&experiment);
    return good;
}

int command_preview(int argc, char **argv) {
    static const char *const keys[] = {"augmentations", "data.root", "data.classes", "data.files",
                                       NULL};
    struct command_input input;
    struct preview_options chosen = {0};
    struct members members;
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    const char *file = input.arguments[0];
    status = ERROR_INPUT;
    if (experiment_file_read(file, &members, NULL)) {
        const struct member *member =
            experiment_file_choose(file, &members, chosen.member, keys, &error);
        status = member != NULL && draw(file, member, &chosen, &error) ? 0 : command_fail(&error);
    }
    members_free(&members);
    return status;
}
