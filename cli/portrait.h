/* portrait: a procedural head and shoulders, for data sets that nobody needs to ask permission for.
 *
 * The head is an ellipsoid, turned by the pose and narrowed at the jaw; features are painted on it
 * in face coordinates (u to the picture's right, v down, both from the point between the eyes, one
 * unit is half the head's height) and a relief of smooth bumps bends its normals for the light. So
 * a turned face foreshortens and its shadows move as they should, at one ray a sample.
 *
 * A portrait is data: who it is (person), what the face does (expression), how it is held (pose),
 * where it is (scene). A forgery draws one of them with parts of another.
 */
#ifndef ASSAY_CLI_PORTRAIT_H
#define ASSAY_CLI_PORTRAIT_H

#include "cli/canvas.h"

enum hair_style {
    HAIR_BALD,
    HAIR_CROPPED,
    HAIR_SHORT,
    HAIR_PARTED,
    HAIR_BOB,
    HAIR_LONG,
    HAIR_CURLY
};
enum collar { COLLAR_ROUND, COLLAR_V, COLLAR_SHIRT, COLLAR_SCARF };
enum { COLLARS = COLLAR_SCARF + 1 };
enum backdrop { BACKDROP_PLAIN, BACKDROP_LIGHTS, BACKDROP_SHELF, BACKDROP_WINDOW };
enum { BACKDROPS = BACKDROP_WINDOW + 1 };

struct person {
    uint32_t noise; /* seeds freckles, strands, mottling */
    struct colour skin, hair, iris, lips, frame;
    float width, jaw; /* half the head's width; widening at the jaw */
    float eye_distance, eye_width, eye_tilt, eye_height;
    float brow_height, brow_thickness, brow_arch;
    float nose_length, nose_width, nose_height;
    float mouth_height, mouth_width, lip_upper, lip_lower;
    float cheek, chin;                  /* relief */
    float age, freckles, blush, makeup; /* 0 to 1 */
    enum hair_style style;
    float hair_volume, hairline, part;
    float beard, moustache; /* 0 none to 1 full */
    bool glasses, round_glasses;
};

struct expression {
    float smile, mouth_open, eyes_open, brows_raised, gaze_x, gaze_y;
};

struct pose {
    float yaw, pitch, roll; /* radians */
    float x, y,
        scale; /* parts of the picture's side: the point between the eyes, half the head's height */
};

struct scene {
    uint32_t noise;
    float light[3]; /* unit vector towards the light; +z to the viewer, +y down */
    struct colour light_colour, ambient;
    enum backdrop backdrop;
    struct colour near, far, clothes, trim;
    enum collar collar;
    float shoulders, stripes;
};

struct portrait {
    struct person person;
    struct expression expression;
    struct pose pose;
    struct scene scene;
};

/* Draws everything about portrait `index` of the set `seed` by lot. */
void portrait_make(uint64_t seed, uint32_t index, struct portrait *portrait);

/* Draws it as a lens would show it, `size` pixels square, in display values, without grain. */
bool portrait_render(const struct portrait *portrait, int size, struct canvas *canvas,
                     struct error *error);

/* Where a point of the face lies in a picture of `size` pixels (pixel centres at whole numbers),
 * and how many pixels a face unit is there along x and y of the head. */
struct landmark {
    float x, y, unit_x, unit_y;
};
struct landmark portrait_landmark(const struct portrait *portrait, int size, float u, float v);

#endif
