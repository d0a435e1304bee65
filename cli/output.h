/* output: --json: one document on stdout, compact, numbers in their shortest exact form. What a
 * terminal would obey is escaped (text_harmless_json). And of --out where its file is and of which
 * kind.
 */
#ifndef ASSAY_CLI_OUTPUT_H
#define ASSAY_CLI_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Prints the document and a newline. False, with a line on stderr, when it could not be written. */
bool output_json(const cJSON *document);
/* The same, spread over lines. */
bool output_json_pretty(const cJSON *document);
/* For what is printed otherwise: that no document lacks a part for want of memory. False, with a
 * line on stderr, when one does. */
bool output_whole(void);
/* Says where the file is that was written, as a document for JSON; nothing where that is stdout,
 * which then is the file and no more. The exit code. */
int output_path(const char *path, bool json);
/* Whether a file of that name is to be of that kind, ".png": so it ends, in letters of any case. */
bool output_is(const char *path, const char *ending);

#endif
