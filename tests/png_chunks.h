/* png_chunks: PNG files put together chunk by chunk, as no encoder would. */
#ifndef ASSAY_TESTS_PNG_CHUNKS_H
#define ASSAY_TESTS_PNG_CHUNKS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct png_bytes {
    uint8_t data[1 << 14];
    size_t length;
};

static inline void png_put(struct png_bytes *bytes, const void *data, size_t length) {
    assert(length <= sizeof bytes->data - bytes->length);
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

static inline void png_put_u32(struct png_bytes *bytes, uint32_t value) {
    const uint8_t big[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                            (uint8_t)value};
    png_put(bytes, big, 4);
}

/* RFC 2083, appendix 15. */
static inline uint32_t png_crc(const uint8_t *data, size_t length) {
    uint32_t value = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        value ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ ((value & 1) != 0 ? 0xEDB88320U : 0);
    }
    return ~value;
}

static inline void png_put_chunk(struct png_bytes *bytes, const char *type, const void *data,
                                 size_t length) {
    png_put_u32(bytes, (uint32_t)length);
    size_t begin = bytes->length;
    png_put(bytes, type, 4);
    png_put(bytes, data, length);
    png_put_u32(bytes, png_crc(bytes->data + begin, length + 4));
}

/* Makes the CRCs of a damaged file right again, as far as its chunks can be told apart. */
static inline void png_repair(uint8_t *data, size_t length) {
    for (size_t at = 8; at + 12 <= length;) {
        size_t part = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                      (size_t)data[at + 2] << 8 | data[at + 3];
        if (part > length - at - 12)
            break;
        uint32_t right = png_crc(data + at + 4, part + 4);
        for (int k = 0; k < 4; k++)
            data[at + 8 + part + (size_t)k] = (uint8_t)(right >> (24 - 8 * k));
        at += part + 12;
    }
}

#endif
