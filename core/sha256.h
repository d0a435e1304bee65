/* sha256: what tells two pieces of data apart, as sha256sum prints it.
 *
 * OpenSSL computes it, with the processor's own instructions where it has them.
 */
#ifndef ASSAY_CORE_SHA256_H
#define ASSAY_CORE_SHA256_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT_SIZE = 65 };

/* 64 hexadecimal digits and a NUL. */
void sha256_text(const void *data, size_t length, char text[static SHA256_TEXT_SIZE]);

/* The same of a whole open file, wherever its position is, and how long it was. `path` is for the
 * error. */
bool sha256_file(int descriptor, const char *path, char text[static SHA256_TEXT_SIZE],
                 int64_t *bytes, struct error *error);

/* The same of the file at `path`, which ERROR_INPUT names when it cannot be opened. *bytes may be
 * NULL. */
bool sha256_path(const char *path, char text[static SHA256_TEXT_SIZE], int64_t *bytes,
                 struct error *error);

/* Whether `text` is a sum as these functions write it: 64 digits, lower case. */
bool sha256_valid(const char *text);

#endif
