/* png_plain: the fast way, on libdeflate instead of zlib.
 *
 * It takes the memory that the header asks for once, after the sizes have been checked, and works
 * on the whole picture at once. Every CRC is checked and so is the checksum of the pixels; wherever
 * anything is rare or odd it gives up, and libpng reads the file from its beginning, so that it
 * alone decides what is damaged. Of deflate itself libdeflate is a little more lenient than zlib
 * (codes that leave bit patterns unused): such a stream passes, if both of its checksums do.
 */
#include "core/png.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIGNATURE = 8,
    AROUND = 12,               /* a chunk's length, type and CRC */
    CHUNK_BYTES_MAX = 1 << 20, /* libpng refuses larger ones at 8 MB, or what the rows can be */
};

struct chunk {
    const uint8_t *type, *data;
    size_t length;
};

struct plain {
    uint32_t width, height;
    size_t channels;
    size_t row_bytes; /* with the filter's type */
    size_t raw_bytes; /* all rows */
    uint8_t *zlib;    /* the IDATs' data, joined; room for as much as the file has */
    size_t zlib_bytes;
    uint8_t *rows; /* a row of zeros, the rows, a byte to spare, as png_unfilter wants it */
};

static uint32_t read_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The chunk at *offset, if it is whole and its CRC is right; *offset moves behind it. */
static bool next_chunk(const uint8_t *data, size_t length, size_t *offset, struct chunk *chunk) {
    const uint8_t *at = data + *offset;
    size_t left = length - *offset;
    if (left < AROUND || read_u32(at) > left - AROUND)
        return false;
    *chunk = (struct chunk){at + 4, at + 8, read_u32(at)};
    *offset += AROUND + chunk->length;
    return libdeflate_crc32(0, chunk->type, 4 + chunk->length) ==
           read_u32(chunk->data + chunk->length);
}

static bool is(const struct chunk *chunk, const char *type) {
    return memcmp(chunk->type, type, 4) == 0;
}

/* One that says nothing of the pixels: any of the lower case first letter. The third must be
 * upper case (PNG, 5.4), on which libpng 1.6.48 insists and 1.6.43 does not. */
static bool is_extra(const struct chunk *chunk) {
    for (int i = 0; i < 4; i++) {
        uint8_t letter = chunk->type[i] | 32;
        if (letter < 'a' || letter > 'z')
            return false;
    }
    return (chunk->type[0] & 32) != 0 && (chunk->type[2] & 32) == 0 &&
           chunk->length <= CHUNK_BYTES_MAX;
}

static bool read_header(const struct chunk *chunk, struct plain *plain) {
    if (!is(chunk, "IHDR") || chunk->length != 13)
        return false;
    uint8_t color = chunk->data[9];
    const uint8_t rgb[5] = {8, color, 0, 0, 0};
    if ((color != 2 && color != 6) || memcmp(chunk->data + 8, rgb, sizeof rgb) != 0)
        return false;
    plain->width = read_u32(chunk->data);
    plain->height = read_u32(chunk->data + 4);
    plain->channels = color == 2 ? 3 : 4;
    if (plain->width < 1 || plain->height < 1 ||
        !image_check_claim(plain->width, plain->height, NULL))
        return false;
    plain->row_bytes = 1 + plain->channels * plain->width;
    plain->raw_bytes = plain->row_bytes * plain->height;
    return plain->raw_bytes <= PNG_PLAIN_BYTES_MAX;
}

/* Walks the chunks to the end: IHDR, extras, IDATs in a row, extras, IEND. */
static bool read_chunks(const uint8_t *data, size_t length, struct plain *plain) {
    size_t offset = SIGNATURE;
    struct chunk chunk;
    if (!next_chunk(data, length, &offset, &chunk) || !read_header(&chunk, plain))
        return false;
    plain->zlib = malloc(length);
    bool begun = false, before = false;
    while (plain->zlib != NULL && next_chunk(data, length, &offset, &chunk)) {
        if (is(&chunk, "IEND"))
            return chunk.length == 0;
        if (is(&chunk, "IDAT")) {
            if ((begun && !before) || chunk.length == 0 ||
                (chunk.length > CHUNK_BYTES_MAX && chunk.length > plain->raw_bytes))
                return false;
            memcpy(plain->zlib + plain->zlib_bytes, chunk.data, chunk.length);
            plain->zlib_bytes += chunk.length;
            begun = before = true;
        } else if (is_extra(&chunk)) {
            before = false;
        } else {
            return false;
        }
    }
    return false;
}

/* Fills the rows: no byte too few, none too many, none left over. */
static bool inflate_rows(struct plain *plain) {
    if (plain->zlib_bytes < 2 || plain->raw_bytes / PNG_DEFLATE_RATIO_MAX > plain->zlib_bytes)
        return false;
    size_t window = (size_t)256 << (plain->zlib[0] >> 4);
    if (window < 32768 && window < plain->raw_bytes)
        return false; /* libdeflate does not look whether matches stay within it */
    plain->rows = malloc(plain->row_bytes + plain->raw_bytes + 1);
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    size_t taken = 0;
    bool done = plain->rows != NULL && inflater != NULL &&
                libdeflate_zlib_decompress_ex(inflater, plain->zlib, plain->zlib_bytes,
                                              plain->rows + plain->row_bytes, plain->raw_bytes,
                                              &taken, NULL) == LIBDEFLATE_SUCCESS &&
                taken == plain->zlib_bytes;
    libdeflate_free_decompressor(inflater);
    if (done) {
        memset(plain->rows, 0, plain->row_bytes);
        plain->rows[plain->row_bytes + plain->raw_bytes] = 0;
    }
    return done;
}

static void take_pixels(const struct plain *plain, struct image *image) {
    uint8_t *out = image->pixels;
    for (size_t y = 1; y <= plain->height; y++) {
        const uint8_t *row = plain->rows + y * plain->row_bytes + 1;
        if (plain->channels == 3) {
            memcpy(out, row, plain->row_bytes - 1);
            out += plain->row_bytes - 1;
        } else {
            for (size_t x = 0; x < plain->width; x++, row += 4, out += 3)
                memcpy(out, row, 3);
        }
    }
}

bool png_decode_plain(const uint8_t *data, size_t length, struct image *image) {
    static const uint8_t signature[SIGNATURE] = "\x89PNG\r\n\x1a\n";
    struct plain plain = {0};
    *image = (struct image){0};
    bool done = length >= SIGNATURE && memcmp(data, signature, SIGNATURE) == 0 &&
                read_chunks(data, length, &plain) && inflate_rows(&plain) &&
                png_unfilter(plain.rows, plain.height, plain.width, plain.channels) &&
                image_new(image, (int)plain.width, (int)plain.height, NULL);
    if (done)
        take_pixels(&plain, image);
    free(plain.zlib);
    free(plain.rows);
    return done;
}
