/* portrait_make: a portrait's looks drawn by lot, kept within what people look like. */
#include "cli/portrait.h"

#include <math.h>
#include <stddef.h>

static float between(struct random_stream *stream, double low, double high) {
    return (float)random_range(stream, low, high);
}

static bool chance(struct random_stream *stream, double probability) {
    return random_uniform(stream) < probability;
}

static struct colour tint(struct random_stream *stream, struct colour c, double spread) {
    c.r *= between(stream, 1 - spread, 1 + spread);
    c.g *= between(stream, 1 - spread, 1 + spread);
    c.b *= between(stream, 1 - spread, 1 + spread);
    return c;
}

static struct colour pick(struct random_stream *stream, const struct colour *colours,
                          size_t count) {
    return tint(stream, colours[random_below(stream, (uint32_t)count)], 0.12);
}

#define PICK(stream, table) pick(stream, table, sizeof(table) / sizeof *(table))

/* Reflectances in linear light, from pale to dark. */
static const struct colour skins[] = {
    {0.80f, 0.56f, 0.45f}, {0.72f, 0.47f, 0.35f}, {0.60f, 0.37f, 0.25f},
    {0.45f, 0.26f, 0.16f}, {0.30f, 0.16f, 0.10f}, {0.16f, 0.085f, 0.055f},
};
static const struct colour hairs[] = {
    {0.012f, 0.010f, 0.010f}, {0.03f, 0.018f, 0.012f}, {0.08f, 0.042f, 0.022f},
    {0.16f, 0.075f, 0.03f},   {0.42f, 0.27f, 0.11f},   {0.22f, 0.06f, 0.02f},
};
static const struct colour irises[] = {
    {0.06f, 0.03f, 0.015f}, {0.12f, 0.06f, 0.02f}, {0.10f, 0.16f, 0.24f},
    {0.09f, 0.14f, 0.07f},  {0.16f, 0.18f, 0.19f},
};
static const struct colour cloths[] = {
    {0.02f, 0.02f, 0.025f}, {0.03f, 0.05f, 0.14f}, {0.75f, 0.74f, 0.70f}, {0.30f, 0.03f, 0.03f},
    {0.05f, 0.13f, 0.07f},  {0.22f, 0.20f, 0.17f}, {0.10f, 0.25f, 0.42f}, {0.48f, 0.32f, 0.08f},
    {0.25f, 0.08f, 0.22f},  {0.45f, 0.20f, 0.18f},
};
static const struct colour walls[] = {
    {0.55f, 0.53f, 0.48f}, {0.20f, 0.26f, 0.34f}, {0.10f, 0.10f, 0.11f}, {0.33f, 0.24f, 0.16f},
    {0.14f, 0.24f, 0.16f}, {0.38f, 0.45f, 0.52f}, {0.45f, 0.33f, 0.30f}, {0.24f, 0.17f, 0.25f},
};

static struct colour make_skin(struct random_stream *stream) {
    float place = between(stream, 0, 4.999);
    size_t i = (size_t)place;
    return tint(stream, colour_mix(skins[i], skins[i + 1], place - (float)i), 0.06);
}

static void make_hair(struct random_stream *stream, bool masculine, struct person *p) {
    static const enum hair_style his[] = {HAIR_BALD,  HAIR_CROPPED, HAIR_CROPPED, HAIR_SHORT,
                                          HAIR_SHORT, HAIR_PARTED,  HAIR_CURLY,   HAIR_LONG};
    static const enum hair_style hers[] = {HAIR_LONG, HAIR_LONG,   HAIR_LONG,  HAIR_BOB,
                                           HAIR_BOB,  HAIR_PARTED, HAIR_CURLY, HAIR_SHORT};
    uint32_t lot = random_below(stream, 8);
    p->style = masculine ? his[lot] : hers[lot];
    p->hair = PICK(stream, hairs);
    float grey = soft_step(0.55f, 1, p->age) * between(stream, 0.3, 1);
    p->hair = colour_mix(p->hair, (struct colour){0.5f, 0.5f, 0.5f}, grey);
    p->hair_volume = between(stream, 1.09, 1.2) + (p->style == HAIR_CURLY ? 0.14f : 0);
    p->hairline = between(stream, 0.52, 0.70) + (masculine ? 0.12f * p->age : 0);
    p->part = between(stream, -0.35, 0.35);
    bool bearded = masculine && chance(stream, 0.5);
    p->beard = bearded ? between(stream, 0.25, 1) : 0;
    p->moustache = bearded || (masculine && chance(stream, 0.15)) ? between(stream, 0.3, 1) : 0;
}

static void make_person(struct random_stream *stream, struct person *p) {
    bool masculine = chance(stream, 0.5);
    p->noise = random_u32(stream);
    p->skin = make_skin(stream);
    p->iris = PICK(stream, irises);
    p->frame = PICK(stream, cloths);
    p->width = between(stream, 0.68, 0.79);
    p->jaw = between(stream, -0.06, 0.08) + (masculine ? 0.08f : 0);
    p->eye_distance = between(stream, 0.265, 0.325);
    p->eye_width = between(stream, 0.14, 0.18);
    p->eye_tilt = between(stream, -0.06, 0.16);
    p->eye_height = between(stream, 0.30, 0.46);
    p->brow_height = between(stream, 0.17, 0.24);
    p->brow_thickness = between(stream, 0.018, 0.034) + (masculine ? 0.014f : 0);
    p->brow_arch = between(stream, 0.02, 0.09);
    p->nose_length = between(stream, 0.36, 0.48);
    p->nose_width = between(stream, 0.10, 0.16);
    p->nose_height = between(stream, 0.75, 1.3);
    p->mouth_height = p->nose_length + between(stream, 0.18, 0.24);
    p->mouth_width = between(stream, 0.20, 0.28);
    p->lip_upper = between(stream, 0.03, 0.065);
    p->lip_lower = between(stream, 0.045, 0.085);
    p->cheek = between(stream, 0.2, 1);
    p->chin = between(stream, 0.4, 1.2);
    p->age = between(stream, 0, 1);
    p->freckles = chance(stream, 0.2) ? between(stream, 0.3, 1) : 0;
    p->blush = between(stream, 0.1, 0.8);
    p->makeup = masculine ? 0 : between(stream, 0, 1);
    p->lips = colour_multiply(p->skin, (struct colour){0.85f, 0.52f, 0.55f});
    struct colour rouge = tint(stream, (struct colour){0.42f, 0.05f, 0.07f}, 0.3);
    p->lips = colour_mix(p->lips, rouge, 0.75f * soft_step(0.5f, 1, p->makeup));
    p->glasses = chance(stream, 0.25);
    p->round_glasses = chance(stream, 0.4);
    make_hair(stream, masculine, p);
}

static void make_expression(struct random_stream *stream, struct expression *e) {
    e->smile = between(stream, -0.3, 1);
    e->mouth_open = chance(stream, 0.4) ? between(stream, 0.2, 1) : 0;
    e->eyes_open = between(stream, 0.65, 1.15);
    e->brows_raised = between(stream, -0.3, 1);
    e->gaze_x = between(stream, -0.35, 0.35);
    e->gaze_y = between(stream, -0.12, 0.12);
}

static void make_pose(struct random_stream *stream, struct pose *pose) {
    pose->yaw = between(stream, -0.5, 0.5);
    pose->pitch = between(stream, -0.2, 0.22);
    pose->roll = between(stream, -0.16, 0.16);
    pose->scale = between(stream, 0.29, 0.345);
    pose->x = between(stream, 0.45, 0.55);
    pose->y = between(stream, 0.43, 0.49);
}

static void make_scene(struct random_stream *stream, struct scene *s) {
    s->noise = random_u32(stream);
    float across = between(stream, -1.1, 1.1), down = between(stream, -0.9, 0.25);
    float length = sqrtf(across * across + down * down + 1);
    s->light[0] = across / length;
    s->light[1] = down / length;
    s->light[2] = 1 / length;
    float warmth = between(stream, -0.18, 0.18), power = between(stream, 0.75, 1.25);
    s->light_colour = (struct colour){power * (1 + warmth), power, power * (1 - warmth)};
    float fill = between(stream, 0.10, 0.38);
    s->ambient = tint(stream, (struct colour){fill, fill, fill * 1.08f}, 0.08);
    s->backdrop = (enum backdrop)random_below(stream, BACKDROPS);
    s->near = PICK(stream, walls);
    s->far =
        colour_scale(colour_mix(s->near, PICK(stream, walls), 0.5f), between(stream, 0.35, 1.3));
    s->clothes = PICK(stream, cloths);
    s->trim = PICK(stream, cloths);
    s->collar = (enum collar)random_below(stream, COLLARS);
    s->shoulders = between(stream, 1.35, 1.55);
    s->stripes = chance(stream, 0.3) ? between(stream, 6, 16) : 0;
}

void portrait_make(uint64_t seed, uint32_t index, struct portrait *portrait) {
    struct random_stream stream;
    random_open(&stream, seed, RANDOM_PORTRAIT, 0, index);
    *portrait = (struct portrait){0};
    make_person(&stream, &portrait->person);
    make_expression(&stream, &portrait->expression);
    make_pose(&stream, &portrait->pose);
    make_scene(&stream, &portrait->scene);
}
