#include "core/pipeline.h"

#include "core/json.h"
#include "core/place.h"
#include "core/resize.h"
#include "core/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_COUNT = TRANSFORM_NORMALIZE + 1 };

/* The place grows by the op's index, then by the argument. */
struct reading {
    struct text place;
    struct faults *faults;
};

#define FAULT(reading, ...)                                                                        \
    faults_add((reading)->faults, text_string(&(reading)->place), __VA_ARGS__)

/* --- arguments --- */

static struct range read_pair(struct reading *reading, const char *key, const cJSON *low) {
    struct range range = {low->valuedouble, low->next->valuedouble};
    if (range.low > range.high) {
        size_t length = reading->place.length;
        place_add_key(&reading->place, key);
        FAULT(reading, "the range [%.15g, %.15g] ends before it begins; swap the two", range.low,
              range.high);
        place_cut(&reading->place, length);
    }
    return range;
}

/* A number x is [-x, x]; a pair is itself. */
static struct range read_around_zero(struct reading *reading, const cJSON *op, const char *key) {
    const cJSON *value = json_member(op, key);
    if (cJSON_IsNumber(value))
        return (struct range){-value->valuedouble, value->valuedouble};
    return read_pair(reading, key, value->child);
}

/* torchvision's ColorJitter: a number x is [max(0, 1 - x), 1 + x]. */
static struct range read_factor(struct reading *reading, const cJSON *op, const char *key) {
    const cJSON *value = json_member(op, key);
    if (cJSON_IsNumber(value))
        return (struct range){fmax(0, 1 - value->valuedouble), 1 + value->valuedouble};
    return read_pair(reading, key, value->child);
}

/* torchvision's RandomAffine: one number or pair is along x alone, four numbers are x and y. */
static void read_shear(struct reading *reading, const cJSON *op, struct transform *transform) {
    const cJSON *value = json_member(op, "shear");
    int count = cJSON_GetArraySize(value);
    if (count != 3)
        transform->shear_x = read_around_zero(reading, op, "shear");
    if (count == 4)
        transform->shear_y = read_pair(reading, "shear", value->child->next->next);
    if (count == 3) {
        size_t length = reading->place.length;
        place_add_key(&reading->place, "shear");
        FAULT(reading, "must have 2 numbers (along x) or 4 (along x and y), has 3");
        place_cut(&reading->place, length);
    }
}

/* A single number leaves `width` to the op: 0 (the shorter side) or the same. */
static void read_size(const cJSON *op, struct transform *transform) {
    const cJSON *size = json_member(op, "size");
    if (cJSON_IsNumber(size)) {
        transform->height = size->valueint;
        transform->width = transform->kind == TRANSFORM_RESIZE ? 0 : size->valueint;
    } else {
        transform->height = size->child->valueint;
        transform->width = size->child->next->valueint;
    }
}

static void read_channels(const cJSON *op, const char *key, float channels[3]) {
    const cJSON *value = json_member(op, key)->child;
    for (int i = 0; i < 3; i++, value = value->next)
        channels[i] = (float)value->valuedouble;
}

static void read_op(struct reading *reading, const cJSON *op, struct transform *transform) {
    const cJSON *translate;
    switch (transform->kind) {
    case TRANSFORM_RESIZE:
    case TRANSFORM_RANDOM_CROP:
    case TRANSFORM_CENTER_CROP: read_size(op, transform); break;
    case TRANSFORM_RANDOM_HORIZONTAL_FLIP:
    case TRANSFORM_RANDOM_VERTICAL_FLIP:
        transform->probability = json_member(op, "p")->valuedouble;
        break;
    case TRANSFORM_COLOR_JITTER:
        transform->brightness = read_factor(reading, op, "brightness");
        transform->contrast = read_factor(reading, op, "contrast");
        transform->saturation = read_factor(reading, op, "saturation");
        transform->hue = read_around_zero(reading, op, "hue");
        break;
    case TRANSFORM_RANDOM_AFFINE:
        translate = json_member(op, "translate")->child;
        transform->degrees = read_around_zero(reading, op, "degrees");
        transform->translate_x = translate->valuedouble;
        transform->translate_y = translate->next->valuedouble;
        transform->scale = read_pair(reading, "scale", json_member(op, "scale")->child);
        read_shear(reading, op, transform);
        transform->fill = (uint8_t)json_member(op, "fill")->valueint;
        break;
    case TRANSFORM_NORMALIZE:
        read_channels(op, "mean", transform->mean);
        read_channels(op, "std", transform->std);
        break;
    }
}

static enum transform_kind kind_of(const cJSON *op) {
    const char *name = json_member(op, "op")->valuestring;
    size_t kind = 0;
    while (kind < KIND_COUNT - 1 && strcmp(transform_name((enum transform_kind)kind), name) != 0)
        kind++;
    return (enum transform_kind)kind;
}

/* --- what the ops are together --- */

static bool draws(enum transform_kind kind) {
    return kind != TRANSFORM_RESIZE && kind != TRANSFORM_CENTER_CROP && kind != TRANSFORM_NORMALIZE;
}

/* What is known of the picture's size on the way: nothing (0, 0), its shorter side (side, 0) or
 * all. */
struct known {
    int height, width;
};

/* A random crop that fits no picture, and a size that none can have, is found here, not after an
 * hour in the queue. */
static void follow_size(struct reading *reading, const struct transform *op, struct known *known) {
    bool crop = op->kind == TRANSFORM_RANDOM_CROP || op->kind == TRANSFORM_CENTER_CROP;
    if (op->kind == TRANSFORM_RANDOM_CROP && known->height > 0) {
        int least = op->height < op->width ? op->height : op->width;
        bool exact = known->width > 0;
        if (exact && (op->height > known->height || op->width > known->width))
            FAULT(reading,
                  "a crop of %d x %d fits no picture of %d x %d, which each is here; crop less or "
                  "resize to more",
                  op->height, op->width, known->height, known->width);
        else if (!exact && least > known->height)
            FAULT(reading,
                  "a crop of %d x %d fits no picture whose shorter side is %d here; crop less or "
                  "resize to more",
                  op->height, op->width, known->height);
    }
    if (crop)
        *known = (struct known){op->height, op->width};
    else if (op->kind == TRANSFORM_RESIZE && (op->width > 0 || known->width == 0))
        *known = (struct known){op->height, op->width};
    else if (op->kind == TRANSFORM_RESIZE)
        resize_shorter(known->width, known->height, op->height, &known->width, &known->height);
    if (known->width > IMAGE_SIDE_MAX || known->height > IMAGE_SIDE_MAX) {
        FAULT(reading, "makes pictures of %d x %d pixels; sides must be between 1 and %d",
              known->height, known->width, IMAGE_SIDE_MAX);
        *known = (struct known){0, 0};
    }
}

static void check_order(struct reading *reading, const struct pipeline *pipeline,
                        bool random_allowed) {
    struct known known = {0, 0};
    size_t last = pipeline->count - 1, length = reading->place.length;
    for (size_t i = 0; i <= last; i++) {
        const struct transform *op = &pipeline->ops[i];
        place_add_index(&reading->place, i);
        if (op->kind == TRANSFORM_NORMALIZE && i != last)
            FAULT(reading, "normalize makes the numbers that the model sees; move it to the end");
        if (draws(op->kind) && !random_allowed)
            FAULT(reading, "%s draws at random, but evaluation must give the same every time; %s",
                  transform_name(op->kind),
                  op->kind == TRANSFORM_RANDOM_CROP ? "use center_crop" : "take it out");
        follow_size(reading, op, &known);
        place_cut(&reading->place, length);
    }
    if (pipeline->ops[last].kind != TRANSFORM_NORMALIZE)
        FAULT(reading, "must end in normalize, ends in %s; add {\"op\": \"normalize\"}",
              transform_name(pipeline->ops[last].kind));
    struct error error;
    int height, width;
    if (!pipeline_output_size(pipeline, &height, &width, &error))
        FAULT(reading, "%s", error.message);
}

bool pipeline_from_json(const cJSON *list, const char *place, bool random_allowed, size_t first,
                        struct pipeline *pipeline, struct faults *faults) {
    size_t faults_before = faults->count, count = (size_t)cJSON_GetArraySize(list), index = 0;
    bool sound = rules_sound(list, place, faults, first);
    struct reading reading = {.faults = faults};
    text_add(&reading.place, place, strlen(place));
    *pipeline = (struct pipeline){.ops = calloc(count + 1, sizeof *pipeline->ops)};
    if (pipeline->ops == NULL) {
        faults_add_memory(faults, place, "read its ops");
        goto out;
    }
    size_t length = reading.place.length;
    for (const cJSON *op = list->child; op != NULL; op = op->next) {
        struct transform *transform = &pipeline->ops[pipeline->count];
        place_add_index(&reading.place, index++);
        if (sound || rules_sound(op, text_string(&reading.place), faults, first)) {
            transform->kind = kind_of(op);
            pipeline->count++;
            read_op(&reading, op, transform);
        }
        place_cut(&reading.place, length);
    }
    if (sound)
        check_order(&reading, pipeline, random_allowed);
out:
    text_free(&reading.place);
    sound = sound && !faults_since(faults, faults_before);
    if (!sound)
        pipeline_free(pipeline);
    return sound;
}

void pipeline_free(struct pipeline *pipeline) {
    free(pipeline->ops);
    *pipeline = (struct pipeline){0};
}
