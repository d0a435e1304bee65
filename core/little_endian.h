/* little_endian: the number that the bytes of a file are, the least first. */
#ifndef ASSAY_CORE_LITTLE_ENDIAN_H
#define ASSAY_CORE_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* Of at most eight bytes. */
static inline uint64_t little_endian(const uint8_t *bytes, size_t count) {
    uint64_t number = 0;
    for (size_t i = count; i-- > 0;)
        number = number << 8 | bytes[i];
    return number;
}

#endif
