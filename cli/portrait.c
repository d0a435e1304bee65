#include "cli/portrait.h"

#include "cli/portrait_face.h"

#include <math.h>

enum { SAMPLES = 3 }; /* a side of a pixel */

/* A portrait made ready for drawing. Head coordinates: x right, y down, z out of the face; the rows
 * of `turn` are the head's axes as the viewer sees them. */
struct sketch {
    const struct portrait *portrait;
    struct relief relief;
    float turn[3][3], light[3], half[3]; /* half axes of the head */
    float pixel;                         /* in face units */
    float cos_roll, sin_roll;
};

static void turn_make(const struct pose *pose, float turn[3][3]) {
    float cy = cosf(pose->yaw), sy = sinf(pose->yaw), cp = cosf(pose->pitch),
          sp = sinf(pose->pitch);
    float rows[3][3] = {{cy, 0, -sy}, {-sp * sy, cp, -sp * cy}, {cp * sy, sp, cp * cy}};
    for (int i = 0; i < 9; i++) {
        turn[i / 3][i % 3] = rows[i / 3][i % 3];
    }
}

static void to_head(const float turn[3][3], const float seen[3], float head[3]) {
    for (int i = 0; i < 3; i++) {
        head[i] = turn[i][0] * seen[0] + turn[i][1] * seen[1] + turn[i][2] * seen[2];
    }
}

static void to_viewer(const float turn[3][3], const float head[3], float seen[3]) {
    for (int i = 0; i < 3; i++) {
        seen[i] = turn[0][i] * head[0] + turn[1][i] * head[1] + turn[2][i] * head[2];
    }
}

static void normalise(float a[3]) {
    float length = sqrtf(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]);
    for (int i = 0; i < 3; i++) {
        a[i] /= length;
    }
}

static float dot(const float a[3], const float b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void sketch_make(const struct portrait *portrait, int size, struct sketch *s) {
    s->portrait = portrait;
    relief_make(&portrait->person, &portrait->expression, &s->relief);
    turn_make(&portrait->pose, s->turn);
    to_head((const float(*)[3])s->turn, portrait->scene.light, s->light);
    s->half[0] = portrait->person.width;
    s->half[1] = 1;
    s->half[2] = 0.86f;
    s->pixel = 1 / (portrait->pose.scale * (float)size);
    s->cos_roll = cosf(portrait->pose.roll);
    s->sin_roll = sinf(portrait->pose.roll);
}

/* How much wider than the ellipsoid the head is at this height: at the jaw and at the skull. */
static float head_width(const struct person *p, float y) {
    return 1 + (p->jaw + 0.04f) * soft_spot(0, (y - 0.62f) / 0.55f) +
           0.11f * soft_spot(0, (y + 0.68f) / 0.6f);
}

/* The nearest point of the head, `swell` times its size, seen at (x, y). */
static bool head_hit(const struct sketch *s, float x, float y, float swell, float head[3]) {
    x /= head_width(&s->portrait->person, y);
    float a = 0, b = 0, c = -swell * swell, origin[3];
    for (int i = 0; i < 3; i++) {
        origin[i] = s->turn[i][0] * x + s->turn[i][1] * y;
        float o = origin[i] / s->half[i], d = s->turn[i][2] / s->half[i];
        a += d * d;
        b += o * d;
        c += o * o;
    }
    float discriminant = b * b - a * c;
    if (discriminant < 0) {
        return false;
    }
    float depth = (sqrtf(discriminant) - b) / a;
    for (int i = 0; i < 3; i++) {
        head[i] = origin[i] + depth * s->turn[i][2];
    }
    return true;
}

static void head_normal(const struct sketch *s, const float head[3], float normal[3]) {
    for (int i = 0; i < 3; i++) {
        normal[i] = head[i] / (s->half[i] * s->half[i]);
    }
    normalise(normal);
}

/* Light on skin: wrapped diffuse light, widest in red (light that goes through skin comes out red),
 * and a mirrored part (Blinn and Phong). */
static struct colour shade(const struct sketch *s, struct colour albedo, const float normal[3],
                           float gloss, float shadow, float wrap) {
    const struct scene *scene = &s->portrait->scene;
    float facing = dot(normal, s->light);
    struct colour diffuse = {clamp_unit((facing + 2 * wrap) / (1 + 2 * wrap)),
                             clamp_unit((facing + wrap) / (1 + wrap)),
                             clamp_unit((facing + wrap) / (1 + wrap))};
    float sky = 0.75f - 0.25f * normal[1];
    struct colour light =
        colour_add(colour_scale(colour_multiply(scene->light_colour, diffuse), 1 - shadow),
                   colour_scale(scene->ambient, sky));
    struct colour c = colour_multiply(albedo, light);
    float half[3] = {s->light[0] + s->turn[0][2], s->light[1] + s->turn[1][2],
                     s->light[2] + s->turn[2][2]};
    normalise(half);
    float mirrored = dot(normal, half);
    if (mirrored > 0 && gloss > 0) {
        float power = mirrored * mirrored, sharp = gloss > 0.7f ? 3 : 2;
        for (int i = 0; i < (int)sharp; i++) {
            power *= power;
        }
        c = colour_add(
            c, colour_scale(scene->light_colour, (1 - shadow) * power * power * gloss * 0.3f));
    }
    return c;
}

/* How far the nose and brow keep the light from a point: the relief is climbed a few steps. */
static float relief_shadow(const struct sketch *s, float u, float v, float height, float facing) {
    float deepest = 0, slope = fmaxf(facing, 0.12f), unused[2];
    for (int step = 1; step <= 3; step++) {
        float reach = 0.075f * (float)step;
        float there =
            relief_at(&s->relief, u + s->light[0] * reach, v + s->light[1] * reach, unused);
        deepest = fmaxf(deepest, there - height - slope * reach * 0.8f);
    }
    return 0.6f * soft_step(0, 0.06f, deepest);
}

static struct colour draw_skin(const struct sketch *s, const float head[3]) {
    const struct person *p = &s->portrait->person;
    float normal[3], gradient[2], u = head[0], v = head[1], gloss, shadow = 0;
    head_normal(s, head, normal);
    if (head[2] < 0) {
        return shade(s, p->skin, normal, 0.2f, 0, 0.2f);
    }
    /* The nose stands out from the ellipsoid: look where the line of sight meets its height. */
    float height = relief_at(&s->relief, u, v, gradient);
    float away = fmaxf(s->turn[2][2], 0.5f);
    u -= height * s->turn[0][2] / away;
    v -= height * s->turn[1][2] / away;
    height = relief_at(&s->relief, u, v, gradient);
    float front = soft_step(0, 0.3f, head[2]);
    normal[0] -= gradient[0] * front;
    normal[1] -= gradient[1] * front;
    normalise(normal);
    shadow = relief_shadow(s, u, v, height, s->light[2]) * front;
    struct colour albedo = face_paint(p, &s->portrait->expression, u, v, s->pixel, &gloss);
    struct colour c = shade(s, albedo, normal, gloss, shadow, 0.18f);
    if (p->glasses) {
        float lens, frame = glasses_cover(p, u, v, s->pixel, &lens);
        float streak = soft_spot((u + 0.6f * v - 0.35f * s->light[0] - 0.1f) / 0.09f, 0) * lens;
        c = colour_add(colour_scale(c, 1 - 0.1f * lens),
                       colour_scale(s->portrait->scene.light_colour, 0.10f * streak));
        c = colour_mix(c, shade(s, p->frame, normal, 0.8f, 0, 0.1f), frame);
    }
    return c;
}

static bool is_long(enum hair_style style) {
    return style == HAIR_LONG || style == HAIR_BOB;
}

/* Whether the hair's shell is hairy there: above the hairline and, at the sides, down to the
 * style's length. Positive inside, in face units. */
static float hair_inside(const struct person *p, const float head[3]) {
    float x = head[0] / p->width, y = head[1], z = head[2];
    float wisps = 0.07f * (lattice_noise(p->noise + 3, x * 11, y * 4) - 0.5f);
    float fringe = -p->hairline + 0.34f * x * x * x * x + wisps;
    if (p->style == HAIR_PARTED || p->style == HAIR_LONG) {
        fringe += 0.30f * fabsf(x - p->part) * fabsf(x - p->part) - 0.08f;
    } else if (p->style == HAIR_BOB) {
        fringe += 0.28f * (1 - soft_step(0.6f, 0.95f, fabsf(x)));
    }
    float low = p->style == HAIR_CROPPED ? 0.05f : p->style == HAIR_SHORT ? 0.22f : 0.30f;
    low = is_long(p->style) ? 1.2f : low;
    float side = fminf((is_long(p->style) ? 0.44f : 0.30f) - z + wisps, low - y);
    return fmaxf(fringe - y, side);
}

static struct colour draw_hair(const struct sketch *s, const float head[3], float tangle) {
    const struct person *p = &s->portrait->person;
    float normal[3], around = atan2f(head[0] - p->part * 0.5f, head[2] + 0.4f);
    head_normal(s, head, normal);
    float strands =
        lattice_noise(p->noise + 4, around * 22 + tangle * head[1] * 9, head[1] * (2 + 8 * tangle));
    strands = 0.6f * strands +
              0.4f * lattice_noise(p->noise + 5, around * 50, head[1] * (4 + 20 * tangle));
    struct colour c = colour_scale(p->hair, 0.35f + 1.3f * strands);
    float band = dot(normal, s->light) + 0.35f * (strands - 0.5f);
    struct colour lit = shade(s, c, normal, 0, 0, 0.3f);
    float shine = soft_spot((band - 0.80f) / 0.25f, 0) * (0.05f + 0.25f * (p->hair.r + p->hair.g));
    return colour_add(
        lit, colour_scale(s->portrait->scene.light_colour, shine * (1 - tangle) * strands));
}

/* Hair that falls behind the neck: an outline round the head down to the shoulders. */
static struct colour draw_back_hair(const struct sketch *s, struct colour c, float x, float y) {
    const struct person *p = &s->portrait->person;
    if (!is_long(p->style)) {
        return c;
    }
    float bottom = p->style == HAIR_LONG ? 1.75f : 1.0f;
    float half = p->width * (p->hair_volume + 0.08f) * (1 - 0.12f * soft_step(0.2f, 1.2f, y));
    float wave = 0.05f * sinf(y * 6 + (float)(p->noise & 7)) * soft_step(0, 0.6f, y);
    float d = fminf(half + wave - fabsf(x), bottom - y);
    if (y < 0) {
        d = -1;
    }
    float strands = lattice_noise(p->noise + 6, (x + wave) * 26, y * 2.5f);
    struct colour hair =
        colour_multiply(colour_scale(p->hair, 0.25f + 0.75f * strands),
                        colour_add(s->portrait->scene.ambient,
                                   colour_scale(s->portrait->scene.light_colour, 0.35f)));
    return colour_mix(c, hair, soft_step(-s->pixel, s->pixel, d));
}

static struct colour draw_backdrop(const struct sketch *s, float x, float y) {
    const struct scene *scene = &s->portrait->scene;
    float down = clamp_unit((y + 1.5f) / 3.2f);
    struct colour c = colour_mix(scene->near, scene->far, down);
    float cloud = lattice_noise(scene->noise, x * 1.3f, y * 1.3f);
    c = colour_scale(c, 0.75f + 0.5f * cloud);
    if (scene->backdrop == BACKDROP_LIGHTS) {
        float cell_x = floorf(x * 1.7f), cell_y = floorf(y * 1.7f); /* a lamp out of focus a cell */
        float lot = lattice_noise(scene->noise + 1, cell_x, cell_y);
        float other = lattice_noise(scene->noise + 2, cell_x, cell_y), radius = 0.14f + 0.3f * lot;
        float dx = x * 1.7f - cell_x - 0.5f - 0.2f * (other - 0.5f);
        float dy = y * 1.7f - cell_y - 0.5f + 0.2f * (lot - 0.5f);
        float disc = soft_step(radius, radius - 0.06f, sqrtf(dx * dx + dy * dy));
        struct colour lamp = colour_mix((struct colour){0.8f, 0.62f, 0.4f}, scene->trim, other);
        c = colour_mix(c, lamp, disc * (0.15f + 0.5f * lot));
    } else if (scene->backdrop == BACKDROP_SHELF) {
        float row = floorf(y * 1.6f), book = floorf(x * 5 + row * 1.7f);
        float tone = lattice_noise(scene->noise + 2, book * 3.1f, row * 5.3f);
        float gap = soft_step(0.02f, 0.14f, y * 1.6f - row) *
                    soft_step(0, 0.12f, x * 5 + row * 1.7f - book);
        struct colour spine = colour_mix(scene->far, scene->trim, tone);
        c = colour_scale(colour_mix(c, spine, 0.8f), 0.35f + 0.65f * gap * (0.6f + 0.8f * tone));
    } else if (scene->backdrop == BACKDROP_WINDOW) {
        float centre = 1.6f * (lattice_noise(scene->noise + 3, 0.5f, 0.5f) - 0.5f);
        float pane = soft_step(0.75f, 0.65f, fabsf(x - centre)) *
                     soft_step(0.05f, 0.11f, fabsf(x - centre)) * soft_step(-1.5f, -1.4f, y) *
                     soft_step(0.6f, 0.5f, y);
        c = colour_mix(c, (struct colour){0.85f, 0.88f, 0.9f}, 0.75f * pane);
    }
    return c;
}

static struct colour draw_body(const struct sketch *s, struct colour c, float x, float y) {
    const struct scene *scene = &s->portrait->scene;
    const struct person *p = &s->portrait->person;
    float soft = s->pixel, lit = 0.55f + 0.45f * scene->light[2] + 0.35f * scene->light[0] * x;
    struct colour light = colour_add(scene->ambient, colour_scale(scene->light_colour, 0.8f * lit));
    float neck = 0.40f + 0.06f * (p->width - 0.66f) / 0.13f + 0.5f * p->jaw;
    neck += 0.25f * soft_step(0.95f, 1.5f, y) * soft_step(0.95f, 1.5f, y);
    float round = x / neck;
    float cylinder = clamp_unit(0.75f + 0.5f * scene->light[0] * round - 0.55f * round * round);
    float under_chin = 0.38f + 0.62f * soft_step(0.85f, 1.45f, y);
    struct colour skin = colour_scale(colour_multiply(p->skin, light), cylinder * under_chin);
    if (y > 0.3f) {
        c = colour_mix(c, skin, soft_step(-soft, soft, neck - fabsf(x)));
    }
    float slope = scene->shoulders - 0.23f + 0.30f * powf(fabsf(x), 1.6f);
    float fold = lattice_noise(scene->noise + 4, x * 4, y * 3);
    struct colour cloth = scene->clothes;
    if (scene->stripes > 0) {
        float stripe = soft_step(-0.2f, 0.2f, sinf(scene->stripes * (y + 0.25f * x * x)));
        cloth = colour_mix(cloth, scene->trim, 0.8f * stripe);
    }
    cloth = colour_scale(colour_multiply(cloth, light), 0.6f + 0.7f * fold);
    float opening = scene->collar == COLLAR_V       ? 0.42f - 0.9f * (y - slope)
                    : scene->collar == COLLAR_SCARF ? -1
                                                    : 0.47f - 2.2f * (y - slope);
    float worn = soft_step(-soft, soft, y - slope) * soft_step(-soft, soft, fabsf(x) - opening);
    c = colour_mix(c, cloth, worn);
    if (scene->collar == COLLAR_SHIRT) {
        float lapel = soft_step(0.11f, 0.09f, fabsf(fabsf(x) - opening - 0.1f)) *
                      soft_step(0.42f, 0.38f, y - slope);
        c = colour_mix(c, colour_scale(colour_multiply(scene->trim, light), 0.9f), lapel * worn);
    } else if (scene->collar == COLLAR_SCARF) {
        float band = soft_spot(x / 0.75f, (y - scene->shoulders + 0.12f) / 0.22f);
        float knit = 0.7f + 0.6f * lattice_noise(scene->noise + 5, x * 9, y * 14);
        c = colour_mix(c, colour_scale(colour_multiply(scene->trim, light), knit),
                       soft_step(0, 0.15f, band));
    }
    return c;
}

static struct colour draw_ears(const struct sketch *s, struct colour c, float x, float y) {
    const struct person *p = &s->portrait->person;
    for (int side = -1; side <= 1; side += 2) {
        float at[3] = {(float)side * p->width * 1.0f, 0.12f, -0.12f}, seen[3];
        to_viewer((const float(*)[3])s->turn, at, seen);
        float dx = (x - seen[0]) / 0.12f, dy = (y - seen[1]) / 0.21f;
        float d = 1 - sqrtf(dx * dx + dy * dy);
        float normal[3] = {(float)side * 0.6f, 0.1f, 0.75f};
        normalise(normal);
        struct colour ear = shade(s, p->skin, normal, 0.1f, 0, 0.2f);
        ear = colour_scale(ear, 1 - 0.45f * soft_spot(dx / 0.6f, dy / 0.65f));
        c = colour_mix(c, ear, soft_step(-s->pixel * 6, s->pixel * 6, d));
    }
    return c;
}

/* The picture's colour at one point, in face units from the middle between the eyes, roll undone.
 */
static struct colour draw_point(const struct sketch *s, float x, float y) {
    const struct person *p = &s->portrait->person;
    float bare_x = s->cos_roll * x - s->sin_roll * y, bare_y = s->sin_roll * x + s->cos_roll * y;
    struct colour c = draw_backdrop(s, bare_x, bare_y);
    c = draw_back_hair(s, c, x, y);
    c = draw_body(s, c, 0.6f * x + 0.4f * bare_x, bare_y);
    c = draw_ears(s, c, x, y);
    float head[3];
    if (head_hit(s, x, y, 1, head)) {
        c = draw_skin(s, head);
    }
    float tangle = p->style == HAIR_CURLY ? 1 : 0.15f, swell = p->hair_volume;
    if (p->style == HAIR_CURLY) {
        swell += 0.09f * (lattice_noise(p->noise + 7, x * 9, y * 9) - 0.5f);
    } else if (p->style == HAIR_CROPPED) {
        swell = 1.03f;
    }
    if (p->style != HAIR_BALD && head_hit(s, x, y, swell, head)) {
        float scaled[3] = {head[0] / swell, head[1] / swell, head[2] / swell};
        float cover = soft_step(-0.03f, 0.03f, hair_inside(p, scaled));
        if (cover > 0) {
            cover *= p->style == HAIR_CROPPED ? 0.85f : 1;
            c = colour_mix(c, draw_hair(s, scaled, tangle), cover);
        }
    }
    return c;
}

bool portrait_render(const struct portrait *portrait, int size, struct canvas *canvas,
                     struct error *error) {
    struct sketch s;
    if (!canvas_new(canvas, size, size, error)) {
        return false;
    }
    sketch_make(portrait, size, &s);
    const struct pose *pose = &portrait->pose;
    for (int py = 0; py < size; py++) {
        for (int px = 0; px < size; px++) {
            struct colour sum = {0};
            for (int i = 0; i < SAMPLES * SAMPLES; i++) {
                int column = i % SAMPLES, row = i / SAMPLES;
                float sx = (float)px + ((float)column + 0.5f) / SAMPLES;
                float sy = (float)py + ((float)row + 0.5f) / SAMPLES;
                float dx = (sx - pose->x * (float)size) * s.pixel;
                float dy = (sy - pose->y * (float)size) * s.pixel;
                sum = colour_add(sum, draw_point(&s, s.cos_roll * dx + s.sin_roll * dy,
                                                 s.cos_roll * dy - s.sin_roll * dx));
            }
            *canvas_at(canvas, px, py) = colour_scale(sum, 1.0f / (SAMPLES * SAMPLES));
        }
    }
    canvas_encode(canvas);
    return true;
}

struct landmark portrait_landmark(const struct portrait *portrait, int size, float u, float v) {
    struct sketch s;
    sketch_make(portrait, size, &s);
    float x = u / s.half[0], depth = 1 - x * x - v * v;
    float head[3] = {u, v, s.half[2] * sqrtf(fmaxf(depth, 0))}, seen[3];
    to_viewer((const float(*)[3])s.turn, head, seen);
    seen[0] *= head_width(&portrait->person, seen[1]);
    struct landmark mark = {
        .x = portrait->pose.x * (float)size - 0.5f +
             (s.cos_roll * seen[0] - s.sin_roll * seen[1]) / s.pixel,
        .y = portrait->pose.y * (float)size - 0.5f +
             (s.sin_roll * seen[0] + s.cos_roll * seen[1]) / s.pixel,
        .unit_x = cosf(portrait->pose.yaw) / s.pixel,
        .unit_y = cosf(portrait->pose.pitch) / s.pixel,
    };
    return mark;
}
