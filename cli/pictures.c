#include "cli/pictures.h"

#include "cli/forgery.h"
#include "core/file.h"

#include <stdio.h>

const char *picture_folder(enum picture_kind kind) {
    static const char *const folders[PICTURE_KINDS] = {"fake_deepfake", "fake_face2face", "real"};
    return folders[kind];
}

/* What a stream of RANDOM_PORTRAIT is for: its "epoch". */
enum { STREAM_LOOKS = 0, STREAM_CAMERA = 1, STREAM_FINISH = 8, STREAM_FORGERY = 16 };

/* The photograph: a lens's softness, then a sensor's grain; both differ from picture to picture far
 * more than a forgery changes them over the whole picture. */
static bool photograph(const struct portrait *portrait, const struct picture_options *options,
                       int index, struct canvas *canvas, struct error *error) {
    struct random_stream stream;
    random_open(&stream, options->seed, RANDOM_PORTRAIT, STREAM_CAMERA, (uint64_t)index);
    float softness = (float)random_range(&stream, 0.1, 0.35) * (float)options->size / 80;
    float grain = (float)random_range(&stream, 0.02, 0.06);
    return portrait_render(portrait, options->size, canvas, error) &&
           canvas_blur(canvas, softness, error) && canvas_grain(canvas, grain, &stream, error);
}

/* The steps that every picture ends with, whatever it is: as copied and sent on. How soft and how
 * noisy that makes it is drawn for each picture alone, so that neither tells what was done before.
 */
static bool finish(const struct picture_options *options, int index, enum picture_kind kind,
                   struct canvas *canvas, struct image *image, struct error *error) {
    struct random_stream stream;
    random_open(&stream, options->seed, RANDOM_PORTRAIT, STREAM_FINISH + (uint32_t)kind,
                (uint64_t)index);
    float softness = (float)random_range(&stream, 0.15, 0.45) * (float)options->size / 80;
    float grain = (float)random_range(&stream, 0.004, 0.016);
    return canvas_blur(canvas, softness, error) && canvas_grain(canvas, grain, &stream, error) &&
           canvas_to_image(canvas, image, error);
}

static bool forge(const struct picture_options *options, int index, enum picture_kind kind,
                  const struct portrait *portrait, struct canvas *canvas, struct error *error) {
    struct random_stream stream;
    random_open(&stream, options->seed, RANDOM_PORTRAIT, STREAM_FORGERY + (uint32_t)kind,
                (uint64_t)index);
    if (kind == PICTURE_FACE2FACE) {
        return forgery_face2face(portrait, canvas, &stream, error);
    }
    /* Somebody else: any of the other portraits of the set, or of one that goes on. */
    uint32_t others = options->count > 1 ? (uint32_t)options->count - 1 : 1;
    uint32_t donor_index = ((uint32_t)index + 1 + random_below(&stream, others)) % (others + 1);
    struct portrait donor;
    portrait_make(options->seed, donor_index, &donor);
    return forgery_deepfake(portrait, &donor, canvas, &stream, error);
}

bool picture_draw(const struct picture_options *options, int index,
                  struct image images[PICTURE_KINDS], struct error *error) {
    bool drawn = false;
    struct portrait portrait;
    struct canvas photo = {0}, forged = {0};
    for (int kind = 0; kind < PICTURE_KINDS; kind++) {
        images[kind] = (struct image){0};
    }
    portrait_make(options->seed, (uint32_t)index, &portrait);
    if (!photograph(&portrait, options, index, &photo, error)) {
        goto out;
    }
    for (enum picture_kind kind = 0; kind < PICTURE_KINDS; kind++) {
        if (!canvas_copy(&photo, &forged, error) ||
            (kind != PICTURE_REAL && !forge(options, index, kind, &portrait, &forged, error)) ||
            !finish(options, index, kind, &forged, &images[kind], error)) {
            goto out;
        }
        canvas_free(&forged);
    }
    drawn = true;
out:
    for (int kind = 0; !drawn && kind < PICTURE_KINDS; kind++) {
        image_free(&images[kind]);
    }
    canvas_free(&photo);
    canvas_free(&forged);
    return drawn;
}

struct studio {
    const struct picture_options *options;
    const char *dir;
};

static bool write_kinds(void *context, size_t index, struct error *error) {
    const struct studio *studio = context;
    struct image images[PICTURE_KINDS];
    if (!picture_draw(studio->options, (int)index, images, error)) {
        return false;
    }
    bool written = true;
    for (enum picture_kind kind = 0; kind < PICTURE_KINDS; kind++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s/%04zu.png", studio->dir,
                              picture_folder(kind), index);
        if (written && (size_t)length >= sizeof path) {
            written = error_set(error, ERROR_INPUT, "%s: the path is too long", studio->dir);
        }
        written = written && png_write(path, &images[kind], error);
        image_free(&images[kind]);
    }
    return written;
}

bool pictures_write(const struct picture_options *options, const char *dir, int threads,
                    gang_progress *progress, void *context, struct error *error) {
    for (enum picture_kind kind = 0; kind < PICTURE_KINDS; kind++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", dir, picture_folder(kind));
        if ((size_t)length >= sizeof path) {
            return error_set(error, ERROR_INPUT, "%s: the path is too long", dir);
        }
        if (!folder_make(path, error)) {
            return false;
        }
    }
    struct studio studio = {options, dir};
    const struct gang gang = {
        (size_t)options->count, threads, write_kinds, &studio, progress, context};
    return gang_run(&gang, error) || error_context(error, "drawing pictures");
}
