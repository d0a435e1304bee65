#include "cli/contact.h"

#include "core/picture.h"
#include "core/split_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 3 };

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
        rows = 2 * classes < CONTACT_ROWS_MAX ? 2 * classes : CONTACT_ROWS_MAX;
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

/* ---- opening ---- */

bool contact_open(const struct experiment *experiment, size_t rows, struct contact *contact,
                  struct error *error) {
    contact->experiment = experiment;
    contact->columns =
        calloc(1 + (1 + DRAWS) * experiment->augmentations.count, sizeof *contact->columns);
    if (contact->columns == NULL)
        return error_memory(error);
    if (!split_make(experiment, experiment->data.root, &contact->split, error))
        return false;
    contact->row_count = choose_rows(&contact->split, rows, contact->places);
    contact->column_count = make_columns(&experiment->augmentations, contact->columns);
    return true;
}

void contact_close(struct contact *contact) {
    split_free(&contact->split);
    free(contact->columns);
    *contact = (struct contact){0};
}

static const struct split_item *item_of(const struct contact *contact, size_t row) {
    return &contact->split.train.items[contact->places[row]];
}

const struct split_class *contact_class(const struct contact *contact, size_t row) {
    return &contact->split.classes[item_of(contact, row)->class_index];
}

const char *contact_file(const struct contact *contact, size_t row) {
    const char *path = item_of(contact, row)->path, *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- a row ---- */

/* Where a row's pictures go. */
struct sink {
    contact_put *put;
    void *context;
    size_t row, column;
};

static bool hand_over(struct sink *sink, const struct image *image, struct error *error) {
    return sink->put(sink->context, sink->row, sink->column++, image, error);
}

/* One op alone on a copy of `from`, with the draws of an epoch. */
static bool put_alone(struct sink *sink, const struct image *from, const struct transform *op,
                      struct random_stream stream, struct error *error) {
    struct image image;
    bool good = image_copy(from, &image, error) && transform_apply(op, &image, &stream, error) &&
                hand_over(sink, &image, error);
    image_free(&image);
    return good;
}

static bool put_all(const struct contact *contact, const char *path, struct sink *sink,
                    struct error *error) {
    const struct experiment *experiment = contact->experiment;
    const struct pipeline *pipeline = &experiment->augmentations;
    size_t fixed = pipeline_fixed_count(pipeline), last = pipeline->count - 1;
    size_t place = contact->places[sink->row];
    struct image image = {0}, base = {0};
    struct random_stream stream;
    random_open(&stream, experiment->train.seed, RANDOM_AUGMENT, 1, place);
    bool good = picture_read(path, &image, error) && hand_over(sink, &image, error);
    if (good && fixed == 0)
        good = image_copy(&image, &base, error);
    for (size_t i = 0; good && i < last; i++) {
        good = transform_apply(&pipeline->ops[i], &image, &stream, error) &&
               hand_over(sink, &image, error);
        if (good && i + 1 == fixed)
            good = image_copy(&image, &base, error);
    }
    for (size_t i = fixed; good && i < last; i++)
        for (uint32_t epoch = 1; good && epoch <= DRAWS; epoch++) {
            random_open(&stream, experiment->train.seed, RANDOM_AUGMENT, epoch, place);
            good = put_alone(sink, &base, &pipeline->ops[i], stream, error);
        }
    image_free(&image);
    image_free(&base);
    return good;
}

bool contact_row(const struct contact *contact, size_t row, contact_put *put, void *context,
                 struct error *error) {
    struct sink sink = {.put = put, .context = context, .row = row};
    const char *name = item_of(contact, row)->path;
    char *path = NULL;
    if (asprintf(&path, "%s/%s", contact->experiment->data.root, name) < 0)
        return error_memory(error);
    bool good = put_all(contact, path, &sink, error);
    if (!good && strstr(error->message, name) == NULL)
        error_context(error, "%s", path);
    free(path);
    return good;
}
