#include "cli/portrait_face.h"

#include <math.h>

static void add(struct relief *relief, float x, float y, float width, float length, float height) {
    if (relief->count < RELIEF_BUMPS) {
        relief->bumps[relief->count++] = (struct bump){x, y, width, length, height};
    }
}

static void add_pair(struct relief *relief, float x, float y, float width, float length,
                     float height) {
    add(relief, -x, y, width, length, height);
    add(relief, x, y, width, length, height);
}

void relief_make(const struct person *p, const struct expression *e, struct relief *relief) {
    relief->count = 0;
    float nose = p->nose_length, mouth = p->mouth_height, tall = p->nose_height;
    add(relief, 0, 0.02f, 0.10f, 0.22f, 0.045f * tall);
    add(relief, 0, nose * 0.45f, 0.10f, 0.26f, 0.075f * tall);
    add(relief, 0, nose * 0.72f, p->nose_width * 0.9f, 0.24f, 0.08f * tall);
    add(relief, 0, nose - 0.05f, p->nose_width, 0.13f, 0.10f * tall);
    add_pair(relief, p->nose_width * 0.72f, nose - 0.02f, 0.09f, 0.09f, 0.05f * tall);
    add_pair(relief, p->eye_distance, 0, 0.23f, 0.15f, -0.075f);
    add_pair(relief, p->eye_distance, 0, 0.15f, 0.10f, 0.035f);
    add_pair(relief, p->eye_distance, -p->brow_height, 0.25f, 0.12f, 0.03f);
    add_pair(relief, 0.40f, 0.30f + 0.04f * (1 - e->smile), 0.26f, 0.26f,
             0.05f * p->cheek + 0.03f * e->smile);
    add_pair(relief, 0.47f, 0.62f, 0.22f, 0.28f, -0.035f * p->cheek);
    add(relief, 0, mouth - 0.05f, 0.22f, 0.07f, 0.035f);
    add(relief, 0, mouth + 0.055f, 0.19f, 0.07f, 0.045f);
    add(relief, 0, mouth + 0.15f, 0.20f, 0.07f, -0.03f);
    add(relief, 0, mouth + 0.25f, 0.22f, 0.14f, 0.06f * p->chin);
    add(relief, 0, mouth - 0.11f, 0.035f, 0.07f, -0.012f);
    add_pair(relief, p->mouth_width + 0.03f, mouth - 0.03f * e->smile, 0.06f, 0.07f,
             -0.02f - 0.015f * e->smile);
    for (int step = 0; step < 4;
         step++) { /* nasolabial folds, from the nose to the mouth's corners */
        float t = (float)step / 3;
        add_pair(relief, mix(p->nose_width + 0.04f, p->mouth_width + 0.07f, t),
                 mix(nose - 0.02f, mouth + 0.02f, t), 0.05f, 0.07f,
                 -0.012f * p->age - 0.012f * clamp_unit(e->smile));
    }
}

float relief_at(const struct relief *relief, float u, float v, float gradient[2]) {
    float height = 0;
    gradient[0] = gradient[1] = 0;
    for (size_t i = 0; i < relief->count; i++) {
        const struct bump *b = &relief->bumps[i];
        float x = (u - b->x) / b->width, y = (v - b->y) / b->length;
        float d = 1 - x * x - y * y;
        if (d > 0) {
            height += b->height * d * d;
            gradient[0] -= 4 * b->height * d * x / b->width;
            gradient[1] -= 4 * b->height * d * y / b->length;
        }
    }
    return height;
}

/* 1 within `half` of the line, soft edges of a pixel. */
static float stroke(float distance, float half, float pixel) {
    return 1 - soft_step(half - pixel * 0.5f, half + pixel * 0.7f, fabsf(distance));
}

static float inside(float distance, float pixel) {
    return soft_step(-pixel * 0.6f, pixel * 0.6f, distance);
}

static struct colour paint_iris(const struct person *p, struct colour white, float x, float y,
                                float pixel) {
    float r = sqrtf(x * x + y * y);
    struct colour iris = colour_scale(p->iris, 1.3f - 0.5f * r / 0.45f);
    iris = colour_scale(iris, 1 - 0.75f * soft_step(0.34f, 0.45f, r));
    iris = colour_mix(iris, (struct colour){0.004f, 0.004f, 0.004f}, inside(0.2f - r, pixel));
    return colour_mix(white, iris, inside(0.45f - r, pixel));
}

/* One eye with its lids, lashes and brow; `side` is -1 or 1. */
static struct colour paint_eye(const struct person *p, const struct expression *e, float side,
                               struct colour c, float u, float v, float pixel, float *gloss) {
    float w = p->eye_width, x = (u * side - p->eye_distance) / w;
    float y = (v + p->eye_tilt * x * w) / w, arc = 1 - x * x, soft = pixel / w;
    if (fabsf(x) > 1.9f || y < -2.6f || y > 1.5f) {
        return c;
    }
    float open = p->eye_height * e->eyes_open * (1 - 0.25f * clamp_unit(e->smile));
    float upper = -1.25f * open * arc, lower = 0.62f * open * arc;
    float lid = soft_spot(x / 1.35f, (y + 0.75f) / 0.75f); /* shadow colour on the lid */
    struct colour shadow = colour_multiply(c, (struct colour){0.72f, 0.62f, 0.66f});
    c = colour_mix(c, shadow, lid * (0.35f + 0.6f * p->makeup));
    float bag = soft_spot(x / 1.2f, (y - 0.85f) / 0.5f);
    c = colour_mix(c, colour_scale(c, 0.72f), bag * (0.2f + 0.7f * p->age));
    if (fabsf(x) < 1.15f) {
        float crease = stroke(y - upper + 0.30f, 0.04f, soft) * clamp_unit(1.3f * arc + 0.2f);
        c = colour_mix(c, colour_scale(c, 0.45f), 0.75f * crease);
        float cover = inside(y - upper, soft) * inside(lower - y, soft);
        struct colour ball = {0.66f, 0.63f, 0.61f};
        ball = colour_scale(ball, 1 - 0.35f * x * x);
        ball = paint_iris(p, ball, x - side * e->gaze_x, y + 0.12f - e->gaze_y, soft);
        ball = colour_scale(ball, 0.55f + 0.45f * soft_step(0, 0.4f, y - upper));
        c = colour_mix(c, ball, cover);
        *gloss = mix(*gloss, 0.9f, cover);
        float thickness = 0.07f + 0.09f * p->makeup;
        float lash = stroke(y - upper, thickness, soft) * clamp_unit(arc * 2 + 0.25f);
        c = colour_mix(c, (struct colour){0.01f, 0.008f, 0.008f}, 0.9f * lash);
        float under = stroke(y - lower, 0.03f, soft) * clamp_unit(arc * 2);
        c = colour_mix(c, colour_scale(c, 0.4f), (0.35f + 0.4f * p->makeup) * under);
    }
    float b = (u * side - p->eye_distance) / (w * 1.45f);
    float brow = v + p->brow_height + 0.05f * e->brows_raised +
                 p->brow_arch * (1 - (b - 0.25f) * (b - 0.25f)) - 0.04f;
    float half = p->brow_thickness * (1 - 0.45f * soft_step(0, 1.1f, b));
    float hairs = 0.75f + 0.5f * (lattice_noise(p->noise, u * 60, v * 25) - 0.5f);
    float ends = soft_step(-1.15f, -0.85f, b) * (1 - soft_step(0.85f, 1.2f, b));
    struct colour brows = colour_mix(p->hair, (struct colour){0.02f, 0.014f, 0.01f}, 0.4f);
    return colour_mix(c, brows, stroke(brow, half, pixel) * ends * hairs);
}

static struct colour paint_nose(const struct person *p, struct colour c, float u, float v,
                                float pixel) {
    float nose = p->nose_length;
    float nostril =
        soft_spot((fabsf(u) - p->nose_width * 0.5f) / 0.052f, (v - nose - 0.015f) / 0.04f);
    c = colour_mix(c, (struct colour){0.03f, 0.012f, 0.01f}, 0.85f * nostril);
    float base = soft_spot(u / (p->nose_width * 1.2f), (v - nose - 0.04f) / 0.045f);
    c = colour_scale(c, 1 - 0.35f * base);
    float wing =
        stroke(sqrtf((fabsf(u) - p->nose_width * 0.75f) * (fabsf(u) - p->nose_width * 0.75f) +
                     (v - nose + 0.03f) * (v - nose + 0.03f)) -
                   0.075f,
               0.012f, pixel);
    float outer = soft_step(p->nose_width * 0.8f, p->nose_width * 1.1f, fabsf(u));
    return colour_scale(c, 1 - 0.4f * wing * outer);
}

static struct colour paint_mouth(const struct person *p, const struct expression *e,
                                 struct colour c, float u, float v, float pixel, float *gloss) {
    float width = p->mouth_width * (1 + 0.14f * e->smile - 0.08f * e->mouth_open), x = u / width;
    if (fabsf(x) > 1.1f || fabsf(v - p->mouth_height) > 0.35f) {
        return c;
    }
    float arc = 1 - x * x, smile = 0.055f * e->smile;
    float line = p->mouth_height - smile * x * x + 0.4f * smile, gap = 0.13f * e->mouth_open * arc;
    float bow = 1 - 0.3f * soft_spot(x / 0.28f, 0);
    float top = line - p->lip_upper * (1 - x * x * x * x) * bow;
    float bottom = line + gap + p->lip_lower * sqrtf(clamp_unit(arc));
    float lips =
        inside(v - top, pixel) * inside(bottom - v, pixel) * inside(1 - fabsf(x), pixel * 3);
    struct colour lip = colour_scale(p->lips, v < line ? 0.8f : 1.05f);
    c = colour_mix(c, lip, lips);
    *gloss = mix(*gloss, 0.55f + 0.4f * p->makeup, lips * (v > line ? 1 : 0.3f));
    if (gap > pixel * 0.3f) {
        float cover = inside(v - line, pixel) * inside(line + gap - v, pixel);
        struct colour deep = {0.045f, 0.012f, 0.012f}, tooth = {0.60f, 0.56f, 0.50f};
        float teeth = 1 - soft_step(0.045f, 0.065f, v - line);
        tooth = colour_scale(tooth, 1 - 0.7f * x * x);
        c = colour_mix(c, colour_mix(deep, tooth, teeth), cover);
    }
    float between = stroke(v - line, 0.009f, pixel) * inside(1.03f - fabsf(x), pixel * 3);
    return colour_mix(c, colour_scale(p->lips, 0.16f), (gap > 0 ? 0.4f : 0.85f) * between);
}

static struct colour paint_beard(const struct person *p, const struct expression *e,
                                 struct colour c, float u, float v) {
    float strands = 0.55f + 0.9f * lattice_noise(p->noise ^ 0xBEA4u, u * 34, v * 17);
    float mouth = p->mouth_height + 0.05f * e->mouth_open;
    float jaw = soft_step(0.10f, 0.42f, v - 0.42f + 0.5f * u * u + 0.25f * fabsf(u));
    float sideburn = soft_step(0.46f, 0.58f, fabsf(u)) * soft_step(0.02f, 0.25f, v);
    float around = soft_spot(u / (p->mouth_width * 1.25f), (v - mouth) / 0.16f);
    float beard = p->beard * clamp_unit(fmaxf(jaw, sideburn) - 1.1f * around);
    float upper = soft_spot(u / (p->mouth_width * 1.15f), (v - p->mouth_height + 0.085f) / 0.075f);
    float cover = clamp_unit(fmaxf(beard, 1.2f * p->moustache * upper) * strands);
    return colour_mix(c, p->hair, 0.93f * cover);
}

static struct colour paint_age(const struct person *p, const struct expression *e, struct colour c,
                               float u, float v, float pixel) {
    float wrinkle = 0;
    for (int line = 0; line < 3; line++) { /* across the forehead */
        float y = -0.34f - 0.075f * (float)line + 0.02f * cosf(5 * u + (float)line);
        wrinkle += stroke(v - y, 0.007f, pixel) * (1 - soft_step(0.2f, 0.42f, fabsf(u))) *
                   (0.35f + 0.4f * clamp_unit(e->brows_raised));
    }
    float out = fabsf(u) - p->eye_distance - p->eye_width; /* crow's feet */
    if (out > 0.02f && out < 0.15f) {
        float fan = fmodf(fabsf(v / (out + 0.08f)) + 0.25f, 0.5f) - 0.25f;
        wrinkle += 0.5f * stroke(fan * (out + 0.08f), 0.006f, pixel) * (fabsf(v) < 0.12f ? 1 : 0);
    }
    float t = (v - p->nose_length + 0.04f) / (p->mouth_height - p->nose_length + 0.10f);
    if (t > 0 && t < 1) { /* nasolabial */
        float x = mix(p->nose_width + 0.05f, p->mouth_width + 0.07f, sqrtf(t));
        wrinkle +=
            stroke(fabsf(u) - x, 0.01f, pixel) * (1 - t * t) * (0.7f + 0.5f * clamp_unit(e->smile));
    }
    float frown = stroke(fabsf(u) - 0.05f, 0.008f, pixel) * soft_spot(0, (v + 0.17f) / 0.10f);
    wrinkle += 0.6f * frown;
    float strength = clamp_unit(soft_step(0.3f, 1, p->age) + 0.12f);
    return colour_scale(c, 1 - 0.55f * strength * clamp_unit(wrinkle));
}

struct colour face_paint(const struct person *p, const struct expression *e, float u, float v,
                         float pixel, float *gloss) {
    float mottle = lattice_noise(p->noise, u * 7, v * 7) - 0.5f;
    float fine = lattice_noise(p->noise + 1, u * 24, v * 24) - 0.5f;
    struct colour c = colour_scale(p->skin, 1 + 0.10f * mottle + 0.07f * fine);
    float red = soft_spot((fabsf(u) - 0.38f) / 0.26f, (v - 0.32f) / 0.24f) +
                soft_spot(u / 0.16f, (v - p->nose_length + 0.06f) / 0.14f);
    c = colour_multiply(c,
                        (struct colour){1, 1 - 0.20f * red * p->blush, 1 - 0.15f * red * p->blush});
    float spots = soft_step(0.72f, 0.86f, lattice_noise(p->noise + 2, u * 30, v * 30)) *
                  soft_spot(u / 0.7f, (v - 0.2f) / 0.5f);
    c = colour_scale(c, 1 - 0.45f * p->freckles * spots);
    float socket = soft_spot((fabsf(u) - p->eye_distance + 0.06f) / 0.24f, (v + 0.03f) / 0.17f);
    c = colour_multiply(c,
                        (struct colour){1 - 0.22f * socket, 1 - 0.3f * socket, 1 - 0.3f * socket});
    *gloss = 0.25f;
    c = paint_age(p, e, c, u, v, pixel);
    c = paint_nose(p, c, u, v, pixel);
    c = paint_beard(p, e, c, u, v);
    c = paint_mouth(p, e, c, u, v, pixel, gloss);
    return paint_eye(p, e, u < 0 ? -1 : 1, c, u, v, pixel, gloss);
}

float glasses_cover(const struct person *p, float u, float v, float pixel, float *lens) {
    float half_x = p->eye_width * 1.45f, half_y = half_x * (p->round_glasses ? 0.98f : 0.70f);
    float x = fabsf(fabsf(u) - p->eye_distance - 0.01f) / half_x, y = fabsf(v - 0.03f) / half_y;
    float power = p->round_glasses ? 2 : 5;
    float d = (1 - powf(powf(x, power) + powf(y, power), 1 / power)) * half_y;
    *lens = inside(d, pixel);
    float frame = stroke(d, 0.018f, pixel);
    float bridge = stroke(v + 0.02f - 0.5f * u * u, 0.016f, pixel) *
                   inside(p->eye_distance - half_x - fabsf(u), pixel);
    float arm =
        stroke(v + 0.02f, 0.018f, pixel) * inside(fabsf(u) - p->eye_distance - half_x, pixel);
    return clamp_unit(frame + bridge + arm);
}
