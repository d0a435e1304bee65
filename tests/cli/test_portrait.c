/* The demo's pictures: seeded, all different, and with no tell but the forgery itself. */
#include "cli/forgery.h"
#include "cli/pictures.h"
#include "core/picture.h"
#include "tests/temporary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void draw(uint64_t seed, int index, struct image images[PICTURE_KINDS]) {
    struct picture_options options = {.seed = seed, .count = 50, .size = 64};
    struct error error = {0};
    if (!picture_draw(&options, index, images, &error)) {
        fail_msg("%s", error.message);
    }
}

static void free_all(struct image images[PICTURE_KINDS]) {
    for (int kind = 0; kind < PICTURE_KINDS; kind++) {
        image_free(&images[kind]);
    }
}

/* Mean absolute difference of two pictures of one size. */
static double difference(const struct image *a, const struct image *b) {
    int count = 3 * a->width * a->height;
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += abs(a->pixels[i] - b->pixels[i]);
    }
    return sum / count;
}

static void the_same_seed_and_index_draw_the_same_pixels(void **state) {
    (void)state;
    struct image first[PICTURE_KINDS], second[PICTURE_KINDS];
    draw(7, 3, first);
    draw(7, 3, second);
    for (int kind = 0; kind < PICTURE_KINDS; kind++) {
        assert_int_equal(first[kind].width, 64);
        assert_int_equal(first[kind].height, 64);
        assert_memory_equal(first[kind].pixels, second[kind].pixels, 64 * 64 * 3);
    }
    free_all(first);
    free_all(second);
}

static void every_index_and_every_seed_draw_another_portrait(void **state) {
    (void)state;
    enum { COUNT = 12 };
    struct image all[COUNT][PICTURE_KINDS];
    for (int i = 0; i < COUNT; i++) {
        draw(i < COUNT / 2 ? 0 : 1, i % (COUNT / 2), all[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < i; j++) {
            double apart = difference(&all[i][PICTURE_REAL], &all[j][PICTURE_REAL]);
            assert_true(apart > 15);
        }
    }
    for (int i = 0; i < COUNT; i++) {
        free_all(all[i]);
    }
}

/* Where the canvas differs: its first and last row, and how much at most in the middle of the face.
 */
struct change {
    int first, last;
    float middle;
};

static struct change change_of(const struct canvas *before, const struct canvas *after,
                               struct landmark nose) {
    struct change change = {.first = -1};
    for (int y = 0; y < before->height; y++) {
        for (int x = 0; x < before->width; x++) {
            const struct colour *a = canvas_at(before, x, y), *b = canvas_at(after, x, y);
            if (memcmp(a, b, sizeof *a) == 0) {
                continue;
            }
            change.first = change.first < 0 ? y : change.first;
            change.last = y;
            if (fabsf((float)x - nose.x) < 0.4f * nose.unit_x &&
                fabsf((float)y - nose.y) < 0.4f * nose.unit_y) {
                change.middle = fmaxf(change.middle, fabsf(a->g - b->g));
            }
        }
    }
    return change;
}

static void a_forgery_changes_the_face_and_leaves_the_rest(void **state) {
    (void)state;
    enum { SIZE = 64 };
    for (uint32_t index = 0; index < 8; index++) {
        struct portrait target, donor;
        struct canvas before, after;
        struct random_stream stream;
        struct error error = {0};
        portrait_make(0, index, &target);
        portrait_make(0, index + 100, &donor);
        assert_true(portrait_render(&target, SIZE, &before, &error));
        struct landmark nose = portrait_landmark(&target, SIZE, 0, 0.2f);
        for (int kind = 0; kind < PICTURE_REAL; kind++) {
            random_open(&stream, 0, RANDOM_PORTRAIT, 0, index);
            assert_true(canvas_copy(&before, &after, &error));
            assert_true(kind == PICTURE_DEEPFAKE
                            ? forgery_deepfake(&target, &donor, &after, &stream, &error)
                            : forgery_face2face(&target, &after, &stream, &error));
            struct change change = change_of(&before, &after, nose);
            assert_true(change.middle > 0.04f); /* 10 of 255 */
            assert_true(change.first > SIZE / 8);
            assert_true((float)change.last < nose.y + 1.1f * nose.unit_y);
            canvas_free(&after);
        }
        canvas_free(&before);
    }
}

static void landmarks_follow_the_pose(void **state) {
    (void)state;
    struct portrait portrait;
    portrait_make(0, 0, &portrait);
    portrait.pose = (struct pose){.x = 0.5f, .y = 0.5f, .scale = 0.3f};
    struct landmark middle = portrait_landmark(&portrait, 100, 0, 0);
    assert_true(fabsf(middle.x - 49.5f) < 1e-3f && fabsf(middle.y - 49.5f) < 1e-3f);
    struct landmark chin = portrait_landmark(&portrait, 100, 0, 0.9f);
    assert_true(fabsf(chin.y - 49.5f - 27) < 1e-3f);
    portrait.pose.roll = 1.5707963f; /* a quarter turn brings the chin to the left */
    chin = portrait_landmark(&portrait, 100, 0, 0.9f);
    assert_true(fabsf(chin.x - 49.5f + 27) < 1e-2f && fabsf(chin.y - 49.5f) < 1e-2f);
    portrait.pose.roll = 0;
    float shift[2];
    for (int i = 0; i < 2; i++) {
        portrait.pose.yaw = i == 0 ? -0.4f : 0.4f;
        shift[i] = portrait_landmark(&portrait, 100, 0, 0).x - 49.5f;
    }
    assert_true(fabsf(shift[0] + shift[1]) < 1e-3f && fabsf(shift[0]) > 5);
}

/* What somebody in a hurry would tell the kinds apart by. */
enum {
    FEATURE_SIZE,
    FEATURE_RED,
    FEATURE_GREEN,
    FEATURE_BLUE,
    FEATURE_NOISE,
    FEATURE_CONTRAST,
    FEATURES
};
enum { SET = 240 }; /* portraits: the first half to learn from, the other to be tried on */

static void measure(const char *path, double features[FEATURES]) {
    struct image image;
    struct error error = {0};
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    if (!picture_read(path, &image, &error)) {
        fail_msg("%s", error.message);
    }
    double sum[3] = {0}, squares = 0, noise = 0;
    int stride = 3 * image.width, pixels = image.width * image.height;
    for (int i = 0; i < 3 * pixels; i++) {
        sum[i % 3] += image.pixels[i];
        squares += image.pixels[i] * image.pixels[i];
    }
    for (int y = 1; y + 1 < image.height; y++) { /* the mean size of the Laplacian */
        for (int x = 3; x < stride - 3; x++) {
            const uint8_t *p = image.pixels + y * stride + x;
            noise += abs(4 * p[0] - p[-3] - p[3] - p[-stride] - p[stride]);
        }
    }
    double mean = (sum[0] + sum[1] + sum[2]) / (3 * pixels);
    features[FEATURE_SIZE] = (double)status.st_size;
    features[FEATURE_RED] = sum[0] / pixels;
    features[FEATURE_GREEN] = sum[1] / pixels;
    features[FEATURE_BLUE] = sum[2] / pixels;
    features[FEATURE_NOISE] = noise / pixels;
    features[FEATURE_CONTRAST] = sqrt(squares / (3 * pixels) - mean * mean);
    image_free(&image);
}

/* How many of real[from..to) and fake[from..to) the rule "real is above the threshold" gets right.
 */
static int right_above(double threshold, const double *real, const double *fake, int from, int to) {
    int right = 0;
    for (int i = from; i < to; i++) {
        right += (real[i] > threshold) + (fake[i] <= threshold);
    }
    return right;
}

/* The best threshold, either way round, on the first half; its accuracy on the second. */
static double threshold_accuracy(const double real[SET], const double fake[SET]) {
    int half = SET / 2, best = 0;
    double threshold = 0;
    bool above = true;
    for (int i = 0; i < SET; i++) {
        double candidate = i < half ? real[i] : fake[i - half];
        int right = right_above(candidate, real, fake, 0, half);
        if (right > best || SET - right > best) {
            above = right > SET - right;
            best = above ? right : SET - right;
            threshold = candidate;
        }
    }
    int right = right_above(threshold, real, fake, half, SET);
    return (above ? right : SET - right) / (double)SET;
}

static void no_threshold_on_size_colour_or_noise_tells_the_kinds_apart(void **state) {
    static double measured[PICTURE_KINDS][FEATURES][SET];
    const char *dir = *state;
    char path[600];
    struct picture_options options = {.seed = 0, .count = SET, .size = 64};
    struct error error = {0};
    if (!pictures_write(&options, dir, 2, NULL, NULL, &error)) {
        fail_msg("%s", error.message);
    }
    for (int kind = 0; kind < PICTURE_KINDS; kind++) {
        for (int i = 0; i < SET; i++) {
            double features[FEATURES];
            snprintf(path, sizeof path, "%s/%s/%04d.png", dir, picture_folder(kind), i);
            measure(path, features);
            for (int f = 0; f < FEATURES; f++) {
                measured[kind][f][i] = features[f];
            }
            assert_int_equal(unlink(path), 0);
        }
        snprintf(path, sizeof path, "%s/%s", dir, picture_folder(kind));
        assert_int_equal(rmdir(path), 0); /* nothing else was written there */
    }
    for (int kind = 0; kind < PICTURE_REAL; kind++) {
        for (int f = 0; f < FEATURES; f++) {
            double accuracy = threshold_accuracy(measured[PICTURE_REAL][f], measured[kind][f]);
            if (accuracy > 0.6) {
                fail_msg("feature %d tells %s from real: %.3f", f, picture_folder(kind), accuracy);
            }
        }
    }
    /* The same rule does find a tell where there is one: forgeries with half the noise. */
    for (int i = 0; i < SET; i++) {
        measured[PICTURE_DEEPFAKE][FEATURE_NOISE][i] /= 2;
    }
    assert_true(threshold_accuracy(measured[PICTURE_REAL][FEATURE_NOISE],
                                   measured[PICTURE_DEEPFAKE][FEATURE_NOISE]) > 0.65);
}

static bool stop_at_once(void *context, size_t done, size_t count) {
    (void)done;
    (void)count;
    *(int *)context += 1;
    return false;
}

static void drawing_stops_when_the_caller_says_so(void **state) {
    struct picture_options options = {.seed = 0, .count = 100000, .size = 32};
    struct error error = {0};
    int asked = 0;
    assert_false(pictures_write(&options, *state, 2, stop_at_once, &asked, &error));
    assert_true(asked >= 1);
    assert_int_equal(error.code, ERROR_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_and_index_draw_the_same_pixels),
        cmocka_unit_test(every_index_and_every_seed_draw_another_portrait),
        cmocka_unit_test(a_forgery_changes_the_face_and_leaves_the_rest),
        cmocka_unit_test(landmarks_follow_the_pose),
        IN_FOLDER(no_threshold_on_size_colour_or_noise_tells_the_kinds_apart),
        IN_FOLDER(drawing_stops_when_the_caller_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
