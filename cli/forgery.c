#include "cli/forgery.h"

#include <math.h>
#include <stdlib.h>

static float between(struct random_stream *stream, double low, double high) {
    return (float)random_range(stream, low, high);
}

/* A value of either sign whose size lies in [low, high): an expression that has visibly changed. */
static float either(struct random_stream *stream, double low, double high) {
    float size = between(stream, low, high);
    return random_below(stream, 2) == 0 ? size : -size;
}

/* A part of the face in the picture: a point of it in the part's own frame, upright, 1 at its rim.
 */
struct region {
    struct landmark centre;
    float half_x, half_y; /* pixels */
    float cos_roll, sin_roll;
};

static struct region region_make(const struct portrait *portrait, int size, float u, float v,
                                 float half_u, float half_v) {
    struct landmark centre = portrait_landmark(portrait, size, u, v);
    return (struct region){
        .centre = centre,
        .half_x = half_u * centre.unit_x,
        .half_y = half_v * centre.unit_y,
        .cos_roll = cosf(portrait->pose.roll),
        .sin_roll = sinf(portrait->pose.roll),
    };
}

static void region_place(const struct region *r, float x, float y, float *a, float *b) {
    float dx = x - r->centre.x, dy = y - r->centre.y;
    *a = (r->cos_roll * dx + r->sin_roll * dy) / r->half_x;
    *b = (r->cos_roll * dy - r->sin_roll * dx) / r->half_y;
}

/* Weighted mean and deviation of each channel under the mask. */
struct tone {
    struct colour mean, deviation;
};

static struct tone tone_of(const struct canvas *canvas, const float *mask) {
    double sum[3] = {0}, squares[3] = {0}, weight = 1e-9;
    for (size_t i = 0; i < (size_t)canvas->width * (size_t)canvas->height; i++) {
        const float value[3] = {canvas->pixels[i].r, canvas->pixels[i].g, canvas->pixels[i].b};
        weight += (double)mask[i];
        for (int k = 0; k < 3; k++) {
            sum[k] += (double)(mask[i] * value[k]);
            squares[k] += (double)(mask[i] * value[k] * value[k]);
        }
    }
    float mean[3], deviation[3];
    for (int k = 0; k < 3; k++) {
        double m = sum[k] / weight;
        mean[k] = (float)m;
        deviation[k] = (float)sqrt(fmax(squares[k] / weight - m * m, 1e-6));
    }
    return (struct tone){{mean[0], mean[1], mean[2]}, {deviation[0], deviation[1], deviation[2]}};
}

static float transfer(float value, float from_mean, float from_deviation, float to_mean,
                      float to_deviation) {
    float gain = fminf(fmaxf(to_deviation / from_deviation, 0.5f), 2);
    return to_mean + gain * (value - from_mean);
}

/* Reinhard et al., "Color transfer between images" (2001), in RGB, `strength` of the way. */
static void transfer_tone(struct canvas *canvas, struct tone from, struct tone to, float strength) {
    for (size_t i = 0; i < (size_t)canvas->width * (size_t)canvas->height; i++) {
        struct colour c = canvas->pixels[i],
                      moved = {
                          transfer(c.r, from.mean.r, from.deviation.r, to.mean.r, to.deviation.r),
                          transfer(c.g, from.mean.g, from.deviation.g, to.mean.g, to.deviation.g),
                          transfer(c.b, from.mean.b, from.deviation.b, to.mean.b, to.deviation.b),
                      };
        canvas->pixels[i] = colour_mix(c, moved, strength);
    }
}

static void blend(struct canvas *canvas, const struct canvas *forged, const float *mask) {
    for (size_t i = 0; i < (size_t)canvas->width * (size_t)canvas->height; i++) {
        canvas->pixels[i] = colour_mix(canvas->pixels[i], forged->pixels[i], mask[i]);
    }
}

/* The inner face: brows to chin, flatter than an ellipse, with a seam `seam` of its half wide. */
static void mask_inner_face(const struct portrait *target, const struct canvas *canvas, float seam,
                            float *mask) {
    struct region face = region_make(target, canvas->width, 0, 0.27f, 0.52f, 0.60f);
    for (int y = 0; y < canvas->height; y++) {
        for (int x = 0; x < canvas->width; x++) {
            float a, b;
            region_place(&face, (float)x, (float)y, &a, &b);
            float d = powf(fabsf(a), 2.6f) + powf(fabsf(b), 2.6f);
            mask[(size_t)y * (size_t)canvas->width + (size_t)x] = 1 - soft_step(1 - seam, 1, d);
        }
    }
}

bool forgery_deepfake(const struct portrait *target, const struct portrait *donor,
                      struct canvas *canvas, struct random_stream *stream, struct error *error) {
    bool done = false;
    float zoom = (float)canvas->width / 80;
    struct canvas face = {0};
    float *mask = malloc((size_t)canvas->width * (size_t)canvas->height * sizeof *mask);
    struct portrait posed = *target;
    posed.person = donor->person;
    posed.person.width = target->person.width; /* aligned by the outline, as swappers do */
    posed.person.style = HAIR_BALD;
    posed.scene.light[0] = mix(target->scene.light[0], donor->scene.light[0], 0.3f);
    if (mask == NULL) {
        error_set(error, ERROR_FAILED, "no memory for a mask");
        goto out;
    }
    mask_inner_face(target, canvas, between(stream, 0.15, 0.5), mask);
    if (!portrait_render(&posed, canvas->width, &face, error) ||
        !canvas_blur(&face, between(stream, 0.8, 1.2) * zoom, error)) {
        goto out;
    }
    transfer_tone(&face, tone_of(&face, mask), tone_of(canvas, mask), between(stream, 0.55, 0.9));
    if (!canvas_grain(&face, between(stream, 0.002, 0.008), stream, error)) {
        goto out;
    }
    blend(canvas, &face, mask);
    done = true;
out:
    canvas_free(&face);
    free(mask);
    return done;
}

/* How an expression is changed; sizes in parts of each region's half. */
struct warp {
    struct region mouth, eyes[2];
    float smile, open, wide; /* the mouth's corners up, lips apart, corners apart */
    float squint, brows;
};

static struct warp warp_draw(const struct portrait *target, int size,
                             struct random_stream *stream) {
    const struct person *p = &target->person;
    struct warp warp = {
        .mouth =
            region_make(target, size, 0, p->mouth_height + 0.02f, p->mouth_width * 1.75f, 0.36f),
        .smile = either(stream, 0.2, 0.4),
        .open = either(stream, 0.3, 0.5),
        .wide = either(stream, 0.1, 0.3),
        .squint = either(stream, 0.3, 0.5),
        .brows = either(stream, 0.05, 0.2),
    };
    for (int side = 0; side < 2; side++) {
        float u = side == 0 ? -p->eye_distance : p->eye_distance;
        warp.eyes[side] = region_make(target, size, u, -0.05f, p->eye_width * 1.8f, 0.28f);
    }
    return warp;
}

/* Adds to *move_x, *move_y (pixels) where a pixel's value is fetched from; returns the region's
 * hold on it. */
static float region_move(const struct region *r, float x, float y, float lift, float stretch_x,
                         float stretch_y, float curl, float *move_x, float *move_y) {
    float a, b;
    region_place(r, x, y, &a, &b);
    float hold = soft_spot(a, b);
    float shift_a = -stretch_x * a * hold * r->half_x;
    float shift_b = (lift - stretch_y * b + curl * (a * a * 4 - 0.4f)) * hold * r->half_y;
    *move_x += r->cos_roll * shift_a - r->sin_roll * shift_b;
    *move_y += r->sin_roll * shift_a + r->cos_roll * shift_b;
    return hold;
}

static void warp_apply(const struct warp *warp, const struct canvas *from, struct canvas *to,
                       float *mask) {
    for (int y = 0; y < from->height; y++) {
        for (int x = 0; x < from->width; x++) {
            float fx = (float)x, fy = (float)y, move_x = 0, move_y = 0;
            float hold = region_move(&warp->mouth, fx, fy, 0, warp->wide, warp->open, warp->smile,
                                     &move_x, &move_y);
            for (int side = 0; side < 2; side++) {
                hold = fmaxf(hold, region_move(&warp->eyes[side], fx, fy, warp->brows, 0,
                                               warp->squint, 0, &move_x, &move_y));
            }
            *canvas_at(to, x, y) = canvas_sample(from, fx + move_x, fy + move_y);
            mask[(size_t)y * (size_t)from->width + (size_t)x] = soft_step(0.02f, 0.3f, hold);
        }
    }
}

bool forgery_face2face(const struct portrait *target, struct canvas *canvas,
                       struct random_stream *stream, struct error *error) {
    bool done = false;
    float zoom = (float)canvas->width / 80;
    struct canvas forged = {0};
    float *mask = malloc((size_t)canvas->width * (size_t)canvas->height * sizeof *mask);
    if (mask == NULL) {
        error_set(error, ERROR_FAILED, "no memory for a mask");
        goto out;
    }
    if (!canvas_new(&forged, canvas->width, canvas->height, error)) {
        goto out;
    }
    struct warp warp = warp_draw(target, canvas->width, stream);
    warp_apply(&warp, canvas, &forged, mask);
    /* Resampled twice, as face trackers do (into the face's frame and back). */
    if (!canvas_blur(&forged, between(stream, 0.75, 1.1) * zoom, error)) {
        goto out;
    }
    blend(canvas, &forged, mask);
    done = true;
out:
    canvas_free(&forged);
    free(mask);
    return done;
}
