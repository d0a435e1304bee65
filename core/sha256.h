/* sha256: what tells two pieces of data apart, as sha256sum prints it. */
#ifndef ASSAY_CORE_SHA256_H
#define ASSAY_CORE_SHA256_H

#include <stddef.h>

enum { SHA256_TEXT_SIZE = 65 };

/* 64 hexadecimal digits and a NUL. */
void sha256_text(const void *data, size_t length, char text[static SHA256_TEXT_SIZE]);

#endif
