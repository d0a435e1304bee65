/* The ops and their draws. What each op takes from the stream, in this order and always all of it:
 *
 *     random_crop             2 words: top, left
 *     random_horizontal_flip  1 word: flip when the uniform draw is below the probability
 *     random_vertical_flip    1 word: the same
 *     color_jitter            7 words: the order of the four operations (3, Fisher-Yates from the
 *                             end), then the factors of brightness, contrast, saturation and hue
 *     random_affine           6 words: angle, translation x and y, scale, shear x and y
 *
 * Operations of color_jitter that are off still take their words. */
#include "core/transform.h"

#include "core/affine.h"
#include "core/recipe_pixel.h"
#include "core/resize.h"

#include <assert.h>
#include <math.h>

const char *transform_name(enum transform_kind kind) {
    switch (kind) {
    case TRANSFORM_RESIZE: return "resize";
    case TRANSFORM_RANDOM_CROP: return "random_crop";
    case TRANSFORM_CENTER_CROP: return "center_crop";
    case TRANSFORM_RANDOM_HORIZONTAL_FLIP: return "random_horizontal_flip";
    case TRANSFORM_RANDOM_VERTICAL_FLIP: return "random_vertical_flip";
    case TRANSFORM_COLOR_JITTER: return "color_jitter";
    case TRANSFORM_RANDOM_AFFINE: return "random_affine";
    case TRANSFORM_NORMALIZE: return "normalize";
    }
    assert(!"every kind has a name");
    return "";
}

/* 0 .. bound-1 from exactly one word. random_below may take more; the bias here is below bound /
 * 2^32. */
static int draw_below(struct random_stream *stream, int bound) {
    return (int)((uint64_t)random_u32(stream) * (uint64_t)bound >> 32);
}

static double draw(struct random_stream *stream, struct range range) {
    return random_range(stream, range.low, range.high);
}

/* The step that comes next, of a picture that keeps its size. The caller has seen to the room. */
static struct recipe_step *add_step(struct recipe *recipe, enum recipe_kind kind) {
    int width = recipe_width(recipe), height = recipe_height(recipe);
    assert(recipe->count < RECIPE_STEPS);
    struct recipe_step *step = &recipe->steps[recipe->count++];
    *step = (struct recipe_step){.kind = kind, .width = width, .height = height};
    return step;
}

static void resize(const struct transform *op, struct recipe *recipe) {
    int width = op->width, height = op->height;
    if (op->width == 0)
        resize_shorter(recipe_width(recipe), recipe_height(recipe), op->height, &width, &height);
    if (width == recipe_width(recipe) && height == recipe_height(recipe))
        return;
    struct recipe_step *step = add_step(recipe, RECIPE_RESIZE);
    step->width = width;
    step->height = height;
}

static void window(const struct transform *op, int left, int top, struct recipe *recipe) {
    struct recipe_step *step = add_step(recipe, RECIPE_WINDOW);
    step->width = op->width;
    step->height = op->height;
    step->of.window.left = left;
    step->of.window.top = top;
}

static bool random_crop(const struct transform *op, struct random_stream *stream,
                        struct recipe *recipe, struct error *error) {
    int width = recipe_width(recipe), height = recipe_height(recipe);
    if (op->height > height || op->width > width)
        return error_set(error, ERROR_INPUT,
                         "random_crop of %d x %d is larger than the picture, %d x %d here; put a "
                         "resize before it or make it smaller",
                         op->width, op->height, width, height);
    int top = draw_below(stream, height - op->height + 1);
    int left = draw_below(stream, width - op->width + 1);
    window(op, left, top, recipe);
    return true;
}

/* Half of an excess, as Python's round() does: to the even neighbour. */
static int half_to_even(int excess) {
    return excess / 2 + (excess % 2 != 0 && excess / 2 % 2 != 0);
}

/* torchvision's center_crop: pads with black to at least the size, then cuts. */
static void center_crop(const struct transform *op, struct recipe *recipe) {
    int own_width = recipe_width(recipe), own_height = recipe_height(recipe);
    int width = own_width > op->width ? own_width : op->width;
    int height = own_height > op->height ? own_height : op->height;
    window(op, half_to_even(width - op->width) - (width - own_width) / 2,
           half_to_even(height - op->height) - (height - own_height) / 2, recipe);
}

static void flip(const struct transform *op, enum recipe_kind kind, struct random_stream *stream,
                 struct recipe *recipe) {
    if (random_uniform(stream) < op->probability)
        add_step(recipe, kind);
}

static bool off(struct range range, double neutral) {
    return range.low == neutral && range.high == neutral;
}

static void color_jitter(const struct transform *op, struct random_stream *stream,
                         struct recipe *recipe) {
    static const enum recipe_kind kinds[4] = {RECIPE_BRIGHTNESS, RECIPE_CONTRAST, RECIPE_SATURATION,
                                              RECIPE_HUE};
    const struct range ranges[4] = {op->brightness, op->contrast, op->saturation, op->hue};
    int order[4] = {0, 1, 2, 3};
    double factors[4];
    for (int i = 3; i > 0; i--) {
        int j = draw_below(stream, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (int i = 0; i < 4; i++)
        factors[i] = draw(stream, ranges[i]);
    for (int i = 0; i < 4; i++)
        if (!off(ranges[order[i]], kinds[order[i]] == RECIPE_HUE ? 0 : 1))
            add_step(recipe, kinds[order[i]])->of.factor = factors[order[i]];
}

static void random_affine(const struct transform *op, struct random_stream *stream,
                          struct recipe *recipe) {
    int width = recipe_width(recipe), height = recipe_height(recipe);
    double reach_x = op->translate_x * width, reach_y = op->translate_y * height;
    struct affine affine = {.angle = draw(stream, op->degrees)};
    affine.translate_x = (int)rint(random_range(stream, -reach_x, reach_x));
    affine.translate_y = (int)rint(random_range(stream, -reach_y, reach_y));
    affine.scale = draw(stream, op->scale);
    affine.shear_x = draw(stream, op->shear_x);
    affine.shear_y = draw(stream, op->shear_y);
    double matrix[6];
    affine_inverse_matrix(&affine, width, height, matrix);
    struct recipe_step *step = add_step(recipe, RECIPE_AFFINE);
    affine_map_make(matrix, width, height, &step->of.affine.map);
    step->of.affine.fill = op->fill;
}

/* Adds what the op (not normalize) will do to the picture that `recipe` makes so far. */
static bool draw_op(const struct transform *op, struct random_stream *stream, struct recipe *recipe,
                    struct error *error) {
    switch (op->kind) {
    case TRANSFORM_RESIZE: resize(op, recipe); break;
    case TRANSFORM_RANDOM_CROP: return random_crop(op, stream, recipe, error);
    case TRANSFORM_CENTER_CROP: center_crop(op, recipe); break;
    case TRANSFORM_RANDOM_HORIZONTAL_FLIP: flip(op, RECIPE_FLIP_X, stream, recipe); break;
    case TRANSFORM_RANDOM_VERTICAL_FLIP: flip(op, RECIPE_FLIP_Y, stream, recipe); break;
    case TRANSFORM_COLOR_JITTER: color_jitter(op, stream, recipe); break;
    case TRANSFORM_RANDOM_AFFINE: random_affine(op, stream, recipe); break;
    case TRANSFORM_NORMALIZE: assert(!"normalize makes no picture: pipeline_normalize applies it");
    }
    return true;
}

bool transform_apply(const struct transform *op, struct image *image, struct random_stream *stream,
                     struct error *error) {
    struct recipe recipe;
    recipe_begin(&recipe, image->width, image->height);
    return draw_op(op, stream, &recipe, error) &&
           (recipe_apply(&recipe, image, error) ||
            error_context(error, "%s", transform_name(op->kind)));
}

bool pipeline_takes(const struct pipeline *pipeline, int width, int height, struct error *error) {
    struct random_stream stream;
    random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
    for (size_t i = 0; i < pipeline->count; i++) {
        struct recipe recipe;
        recipe_begin(&recipe, width, height);
        if (pipeline->ops[i].kind != TRANSFORM_NORMALIZE &&
            !draw_op(&pipeline->ops[i], &stream, &recipe, error))
            return false;
        width = recipe_width(&recipe);
        height = recipe_height(&recipe);
    }
    return true;
}

/* How many steps the op may become; more than a recipe holds when it has no recipe_pixel. */
static int steps_most(const struct transform *op) {
    switch (op->kind) {
    case TRANSFORM_RESIZE: return RECIPE_STEPS + 1;
    case TRANSFORM_COLOR_JITTER: return 4;
    case TRANSFORM_NORMALIZE: return 0;
    default: return 1;
    }
}

bool pipeline_pixelwise(const struct pipeline *pipeline, size_t from) {
    int steps = 0;
    for (size_t i = from; i < pipeline->count && steps <= RECIPE_STEPS; i++)
        steps += steps_most(&pipeline->ops[i]);
    return steps <= RECIPE_STEPS;
}

bool pipeline_draw(const struct pipeline *pipeline, size_t from, struct random_stream *stream,
                   struct recipe *recipe, struct error *error) {
    for (size_t i = from; i < pipeline->count; i++)
        if (pipeline->ops[i].kind != TRANSFORM_NORMALIZE &&
            !draw_op(&pipeline->ops[i], stream, recipe, error))
            return false;
    return true;
}

size_t pipeline_fixed_count(const struct pipeline *pipeline) {
    size_t count = 0;
    while (count < pipeline->count && (pipeline->ops[count].kind == TRANSFORM_RESIZE ||
                                       pipeline->ops[count].kind == TRANSFORM_CENTER_CROP))
        count++;
    return count;
}

bool pipeline_apply(const struct pipeline *pipeline, size_t from, struct image *image,
                    struct random_stream *stream, struct error *error) {
    for (size_t i = from; i < pipeline->count; i++)
        if (pipeline->ops[i].kind != TRANSFORM_NORMALIZE &&
            !transform_apply(&pipeline->ops[i], image, stream, error))
            return false;
    return true;
}

/* A byte has 256 values: dividing them once gives the very floats that dividing every pixel would.
 */
static void normalize_table(const struct transform *op, int channel, float table[256]) {
    for (int value = 0; value < 256; value++)
        table[value] = recipe_normal((uint8_t)value, op->mean[channel], op->std[channel]);
}

void pipeline_normalize(const struct pipeline *pipeline, const struct image *image, float *out) {
    assert(pipeline->count > 0 && pipeline->ops[pipeline->count - 1].kind == TRANSFORM_NORMALIZE);
    float tables[3][256];
    for (int channel = 0; channel < 3; channel++)
        normalize_table(&pipeline->ops[pipeline->count - 1], channel, tables[channel]);
    size_t count = (size_t)image->width * (size_t)image->height;
    const uint8_t *pixel = image->pixels;
    for (size_t i = 0; i < count; i++, pixel += 3) {
        out[i] = tables[0][pixel[0]];
        out[count + i] = tables[1][pixel[1]];
        out[2 * count + i] = tables[2][pixel[2]];
    }
}

bool pipeline_output_size(const struct pipeline *pipeline, int *height, int *width,
                          struct error *error) {
    *height = *width = 0; /* not fixed yet */
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct transform *op = &pipeline->ops[i];
        if (op->kind == TRANSFORM_RANDOM_CROP || op->kind == TRANSFORM_CENTER_CROP ||
            (op->kind == TRANSFORM_RESIZE && op->width > 0)) {
            *height = op->height;
            *width = op->width;
        } else if (op->kind == TRANSFORM_RESIZE && *height > 0) {
            resize_shorter(*width, *height, op->height, width, height);
        }
    }
    if (*height > 0)
        return true;
    return error_set(error, ERROR_INPUT,
                     "the pictures of a batch need one size; add a random_crop, a center_crop or a "
                     "resize to [height, width]");
}
