/* filter: which rows of a listing a person wants: "accuracy > 0.98 and augmentations ~ jitter".
 *
 *   filter  = term { "or" term }
 *   term    = factor { "and" factor }
 *   factor  = "not" factor | "(" filter ")" | FIELD OPERATOR VALUE
 *
 * OPERATOR is = != < <= > >= or ~ (contains, whatever the case) and !~. VALUE is a word or stands
 * in double quotes (a quote within them is written twice); where the field holds a number, or the
 * text of one (a matrix key's value), it is read as one. A field without a value (a loss that is
 * not there yet) meets != and !~ alone. A list (tags) meets an operator when one of its items does,
 * != and !~ when all of them do.
 */
#ifndef ASSAY_CLI_FILTER_H
#define ASSAY_CLI_FILTER_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>

struct filter;

/* ERROR_INPUT says at which character it goes wrong. Free with filter_free. */
bool filter_parse(const char *text, struct filter **filter, struct error *error);
void filter_free(struct filter *filter); /* NULL is fine */

/* The fields that it names, for checking them; NULL from the last one on. Borrowed. */
const char *filter_field(const struct filter *filter, size_t index);
/* What that field's order or equality is asked with, NULL where it is ~ or !~. Borrowed. */
const char *filter_operand(const struct filter *filter, size_t index);

/* Whether the text is a finite decimal number and nothing else, as people write it for a filter and
 * as the values of matrix keys stand in listings. */
bool filter_number(const char *text, double *number);

/* A row's value of a field (string, number, boolean or a list of them), or NULL. */
typedef const cJSON *filter_look(const void *row, const char *field);
bool filter_takes(const struct filter *filter, filter_look *look, const void *row);

#endif
