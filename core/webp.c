/* webp: libwebp behind image.h's webp_decode. Pillow 9.4 reads every WebP through WebPAnimDecoder
 * and drops the alpha; for a still picture that is what WebPDecode gives, with a quarter of the
 * memory.
 */
#include "core/image.h"

#include <errno.h>
#include <webp/decode.h>
#include <webp/demux.h>

static bool damaged(const char *name, const char *what, struct error *error) {
    return error_set(error, ERROR_INPUT, "%s: damaged WebP: %s; restore the file or remove it",
                     name, what);
}

static bool no_memory(const char *name, struct error *error) {
    return error_machine(error, "%s: no memory to read a WebP", name);
}

/* What a call that began with errno 0 came to. malloc's is what tells the want of memory from a
 * broken file: libwebp 1.5 calls damage in the alpha VP8_STATUS_OUT_OF_MEMORY, too. */
static bool fails(const char *name, VP8StatusCode status, struct error *error) {
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return errno == ENOMEM ? no_memory(name, error)
                               : damaged(name, "the picture data is broken", error);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return damaged(name, "a feature that libwebp does not know", error);
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return damaged(name, "the file ends too early", error);
    default: return damaged(name, "the picture data is broken", error);
    }
}

static bool decode_still(const uint8_t *data, size_t length, const char *name, struct image *image,
                         struct error *error) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return error_set(error, ERROR_FAILED, "libwebp is of another version than its headers");
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image->pixels;
    config.output.u.RGBA.stride = 3 * image->width;
    config.output.u.RGBA.size = 3 * (size_t)image->width * (size_t)image->height;
    errno = 0;
    VP8StatusCode status = WebPDecode(data, length, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK || fails(name, status, error);
}

static bool decode_first_frame(const uint8_t *data, size_t length, const char *name,
                               struct image *image, struct error *error) {
    const WebPData file = {data, length};
    WebPAnimDecoderOptions options;
    uint8_t *canvas = NULL; /* RGBA, the decoder's */
    int ends_ms;
    if (!WebPAnimDecoderOptionsInit(&options))
        return error_set(error, ERROR_FAILED, "libwebp is of another version than its headers");
    errno = 0; /* as in `fails` */
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&file, &options);
    bool done = decoder != NULL && WebPAnimDecoderGetNext(decoder, &canvas, &ends_ms) != 0;
    const bool short_of_memory = !done && errno == ENOMEM;
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; done && i < count; i++)
        for (size_t c = 0; c < 3; c++)
            image->pixels[3 * i + c] = canvas[4 * i + c];
    WebPAnimDecoderDelete(decoder);
    return done || (short_of_memory ? no_memory(name, error)
                                    : damaged(name, "the animation is broken or cut short", error));
}

bool webp_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                 struct error *error) {
    WebPBitstreamFeatures features;
    *image = (struct image){0};
    errno = 0;
    VP8StatusCode status = WebPGetFeatures(data, length, &features);
    if (status != VP8_STATUS_OK)
        return fails(name, status, error);
    if (!image_check_claim((uint64_t)features.width, (uint64_t)features.height, error) ||
        !image_new(image, features.width, features.height, error))
        return error_context(error, "%s", name);
    bool done = features.has_animation ? decode_first_frame(data, length, name, image, error)
                                       : decode_still(data, length, name, image, error);
    if (!done)
        image_free(image);
    return done;
}
