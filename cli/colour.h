/* colour: the small arithmetic of drawing: linear RGB, soft edges, lattice noise.
 *
 * Colours are linear light while something is drawn; canvas_encode makes them display values once.
 */
#ifndef ASSAY_CLI_COLOUR_H
#define ASSAY_CLI_COLOUR_H

#include <stdint.h>

struct colour {
    float r, g, b;
};

static inline float clamp_unit(float x) {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static inline float mix(float a, float b, float t) {
    return a + (b - a) * t;
}

/* 0 below `low`, 1 above `high`, a cubic in between (Hermite's smoothstep). */
static inline float soft_step(float low, float high, float x) {
    float t = clamp_unit((x - low) / (high - low));
    return t * t * (3 - 2 * t);
}

/* 1 at the centre, 0 from distance 1 on, smooth at both ends: (1 - d^2)^2. */
static inline float soft_spot(float x, float y) {
    float d = 1 - x * x - y * y;
    return d > 0 ? d * d : 0;
}

static inline struct colour colour_scale(struct colour c, float f) {
    return (struct colour){c.r * f, c.g * f, c.b * f};
}

static inline struct colour colour_multiply(struct colour a, struct colour b) {
    return (struct colour){a.r * b.r, a.g * b.g, a.b * b.b};
}

static inline struct colour colour_add(struct colour a, struct colour b) {
    return (struct colour){a.r + b.r, a.g + b.g, a.b + b.b};
}

static inline struct colour colour_mix(struct colour a, struct colour b, float t) {
    return (struct colour){mix(a.r, b.r, t), mix(a.g, b.g, t), mix(a.b, b.b, t)};
}

/* Value noise in [0, 1): a hash of each lattice point, smoothly interpolated. */
float lattice_noise(uint32_t seed, float x, float y);

#endif
