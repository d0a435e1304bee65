/* content_sum: what a checkpoint says about the rest of itself, by which damage shows that leaves
 * the file well-formed: a bit of a weight, a digit of a loss.
 *
 * Its metadata "content_crc32" has, in 8 hexadecimal digits, the sum modulo 2^32 of the CRC-32s
 * (RFC 1952) of its other metadata and of its tensors: of each, its name, a zero byte, and its text
 * or its data. So it does not depend on the order in which they stand.
 */
#ifndef ASSAY_CORE_CONTENT_SUM_H
#define ASSAY_CORE_CONTENT_SUM_H

#include "core/safetensors.h"

#define CONTENT_SUM_KEY "content_crc32"
enum { CONTENT_SUM_SIZE = 9 };

/* Writes the sum of what is to be written, with the zero at its end. */
void content_sum_text(const struct metadata *metadata, size_t metadata_count,
                      const struct tensor *tensors, size_t count,
                      char text[static CONTENT_SUM_SIZE]);

/* Whether the file is what its sum says; one without a sum, as of others, is. ERROR_INPUT names the
 * file. Reads all of it. */
bool content_sum_check(const struct safetensors *file, const char *path, struct error *error);

#endif
