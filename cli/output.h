/* output: --json: one document on stdout, compact, numbers in their shortest exact form. What a
 * terminal would obey is escaped (text_harmless_json).
 */
#ifndef ASSAY_CLI_OUTPUT_H
#define ASSAY_CLI_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Prints the document and a newline. False, with a line on stderr, when it could not be written. */
bool output_json(const cJSON *document);
/* The same, spread over lines. */
bool output_json_pretty(const cJSON *document);

#endif
