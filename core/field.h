/* field: reading answers of the coordinator, whose shape wire_decode has checked.
 *
 * A path is keys with dots between them: "best.valid.accuracy". A field that is null counts as not
 * there.
 */
#ifndef ASSAY_CORE_FIELD_H
#define ASSAY_CORE_FIELD_H

#include "core/format.h"

#include <cjson/cJSON.h>

const cJSON *field_at(const cJSON *object, const char *path); /* or NULL */
double field_number(const cJSON *object, const char *path, double otherwise);
const char *field_text(const cJSON *object, const char *path, const char *otherwise);
/* "0.9942", "n/a" when it is not there. */
const char *field_ratio(char text[FORMAT_SIZE], const cJSON *object, const char *path);

#endif
