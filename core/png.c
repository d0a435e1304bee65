/* png: libpng behind image.h's functions, and what it need not do (core/png.h).
 *
 * Every kind of PNG ends as Pillow 9.4's Image.open(f).convert("RGB") leaves it: alpha and tRNS are
 * dropped, not blended; 16-bit colour and grey-with-alpha keep the high byte; 16-bit grey, which
 * Pillow opens as mode "I", is clipped at 255. Colour profiles and gamma are ignored.
 *
 * libpng reports errors with longjmp. Everything that changes while it works is in struct decoder
 * or struct encoder, which the caller of setjmp owns and reaches through a pointer, so no local
 * variable can be lost on the way.
 */
#include "core/png.h"

#include "core/file.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
    const uint8_t *data;
    size_t length, offset;
    struct image *image;
    bool clip_grey16;
    bool short_of_memory;
    char message[160];
    struct error error;
};

static void on_error(png_structp png, png_const_charp message) {
    struct decoder *decoder = png_get_error_ptr(png);
    snprintf(decoder->message, sizeof decoder->message, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

/* libpng's own word for it may be that the file is wrong. */
static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    struct decoder *decoder = png_get_mem_ptr(png);
    void *memory = malloc(size);
    decoder->short_of_memory = decoder->short_of_memory || memory == NULL;
    return memory;
}

static void on_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static void on_read(png_structp png, png_bytep out, size_t length) {
    struct decoder *decoder = png_get_io_ptr(png);
    if (length > decoder->length - decoder->offset)
        png_error(png, "the file ends too early");
    memcpy(out, decoder->data + decoder->offset, length);
    decoder->offset += length;
}

/* Refuses sizes that the file cannot hold or that would take unreasonable memory. */
static bool check_size(png_structp png, png_infop info, struct decoder *decoder) {
    uint64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    if (!image_check_claim(width, height, &decoder->error))
        return false;
    uint64_t raw_bytes = height * png_get_rowbytes(png, info);
    if (raw_bytes / PNG_DEFLATE_RATIO_MAX > decoder->length)
        return error_set(&decoder->error, ERROR_INPUT,
                         "damaged PNG: it claims %llu x %llu pixels, more than its %zu bytes can "
                         "hold; restore the file or remove it",
                         (unsigned long long)width, (unsigned long long)height, decoder->length);
    return true;
}

/* A pixel may name an entry that the palette does not have; Pillow shows it as the grey of its
 * number. */
static void complete_palette(png_structp png, png_infop info, int depth) {
    png_color palette[PNG_MAX_PALETTE_LENGTH];
    png_colorp given = NULL;
    int count = 0;
    if (png_get_PLTE(png, info, &given, &count) == 0)
        return; /* libpng refuses the first row */
    for (int i = 0; i < PNG_MAX_PALETTE_LENGTH; i++)
        palette[i] = i < count ? given[i] : (png_color){(png_byte)i, (png_byte)i, (png_byte)i};
    png_set_PLTE(png, info, palette, 1 << depth);
}

/* Asks libpng for 8-bit RGB; 16-bit grey stays as it is, for clip_grey16. */
static void ask_for_rgb(png_structp png, png_infop info, struct decoder *decoder) {
    int depth = png_get_bit_depth(png, info), color = png_get_color_type(png, info);
    decoder->clip_grey16 = color == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (decoder->clip_grey16)
        return;
    if (depth == 16)
        png_set_strip_16(png);
    if (color == PNG_COLOR_TYPE_PALETTE) {
        complete_palette(png, info, depth);
        png_set_palette_to_rgb(png);
    }
    if ((color & PNG_COLOR_MASK_COLOR) == 0)
        png_set_gray_to_rgb(png); /* 1, 2 and 4 bits to 8 as well */
    if (color & PNG_COLOR_MASK_ALPHA)
        png_set_strip_alpha(png);
}

/* Rows of big-endian 16-bit grey, each at the start of its RGB row, become RGB from the right. */
static void clip_grey16(struct image *image) {
    for (int y = 0; y < image->height; y++) {
        uint8_t *row = image->pixels + 3 * (size_t)y * (size_t)image->width;
        for (size_t x = (size_t)image->width; x-- > 0;) {
            uint8_t value = row[2 * x] != 0 ? 255 : row[2 * x + 1];
            row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = value;
        }
    }
}

/* Everything that can longjmp. */
static bool decode(png_structp png, png_infop info, struct decoder *decoder) {
    if (setjmp(png_jmpbuf(png)))
        return decoder->short_of_memory
                   ? error_machine(&decoder->error, "no memory to read a PNG")
                   : error_set(&decoder->error, ERROR_INPUT,
                               "damaged PNG: %s; restore the file or remove it", decoder->message);
    png_set_read_fn(png, decoder, on_read);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* check_size says it better */
    /* Transparency, profiles, text: checked for their CRC and skipped. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, (png_const_bytep) "tRNS", 1);
    png_read_info(png, info);
    if (!check_size(png, info, decoder))
        return false;
    ask_for_rgb(png, info, decoder);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    struct image *image = decoder->image;
    if (!image_new(image, (int)png_get_image_width(png, info), (int)png_get_image_height(png, info),
                   &decoder->error))
        return false;
    size_t stride = 3 * (size_t)image->width;
    if (png_get_rowbytes(png, info) > stride)
        png_error(png, "unknown layout of pixels");
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < image->height; y++)
            png_read_row(png, image->pixels + (size_t)y * stride, NULL);
    png_read_end(png, NULL);
    if (decoder->clip_grey16)
        clip_grey16(image);
    return true;
}

bool png_decode_libpng(const uint8_t *data, size_t length, const char *name, struct image *image,
                       struct error *error) {
    *image = (struct image){0};
    if (length < 8 || png_sig_cmp(data, 0, 8) != 0)
        return error_set(error, ERROR_INPUT,
                         "%s: not a PNG file; convert it or remove it from the folder", name);
    struct decoder decoder = {.data = data, .length = length, .image = image};
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &decoder, on_error,
                                               on_warning, &decoder, on_malloc, on_free);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    bool done = false;
    if (info == NULL)
        error_machine(&decoder.error, "no memory to read a PNG");
    else
        done = decode(png, info, &decoder);
    png_destroy_read_struct(&png, &info, NULL);
    if (!done) {
        image_free(image);
        error_context(&decoder.error, "%s", name);
        if (error != NULL)
            *error = decoder.error;
    }
    return done;
}

bool png_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                struct error *error) {
    return png_decode_plain(data, length, image) ||
           png_decode_libpng(data, length, name, image, error);
}

struct encoder {
    const struct image *image;
    uint8_t *data;
    size_t length, capacity;
};

static void on_write(png_structp png, png_bytep data, size_t length) {
    struct encoder *encoder = png_get_io_ptr(png);
    if (length > encoder->capacity - encoder->length) {
        size_t capacity = 2 * encoder->capacity + length;
        uint8_t *grown = realloc(encoder->data, capacity);
        if (grown == NULL)
            png_error(png, "no memory");
        encoder->data = grown;
        encoder->capacity = capacity;
    }
    memcpy(encoder->data + encoder->length, data, length);
    encoder->length += length;
}

static void on_flush(png_structp png) {
    (void)png;
}

static bool encode(png_structp png, png_infop info, struct encoder *encoder) {
    if (setjmp(png_jmpbuf(png)))
        return false;
    const struct image *image = encoder->image;
    png_set_write_fn(png, encoder, on_write, on_flush);
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < image->height; y++)
        png_write_row(png, image->pixels + 3 * (size_t)y * (size_t)image->width);
    png_write_end(png, info);
    return true;
}

static void on_write_error(png_structp png, png_const_charp message) {
    (void)message;
    png_longjmp(png, 1);
}

bool png_write(const char *path, const struct image *image, struct error *error) {
    struct encoder encoder = {.image = image};
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_write_error, on_warning);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    bool done = info != NULL && encode(png, info, &encoder);
    png_destroy_write_struct(&png, &info);
    if (done)
        done = file_write_atomic(path, encoder.data, encoder.length, error);
    else
        error_machine(error, "no memory to write %s", path);
    free(encoder.data);
    return done;
}
