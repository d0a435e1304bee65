/* labels: what a worker calls itself and an experiment asks for, as one text: each label followed
 * by a line feed, sorted as bytes, none twice. So equal sets are equal texts. */
#ifndef ASSAY_COORDINATOR_LABELS_H
#define ASSAY_COORDINATOR_LABELS_H

#include "core/wire.h"

enum { LABELS_BYTES = WIRE_LABELS_MAX * (WIRE_LABEL_BYTES_MAX + 1) };

/* The text of an array of strings; NULL is the empty set. False when there are too many, or one is
 * empty, too long or has control characters. */
bool labels_read(const cJSON *array, char text[LABELS_BYTES + 1]);
/* The array of a text; the caller deletes it. */
cJSON *labels_json(const char *text);

bool labels_has(const char *text, const char *label, size_t length);
/* The first label of `wanted` that `there` lacks, *length bytes; NULL when it has all. */
const char *labels_missing(const char *there, const char *wanted, size_t *length);

#endif
