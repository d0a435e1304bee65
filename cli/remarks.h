/* remarks: tags and notes (core/remark.h) as commands take and show them.
 */
#ifndef ASSAY_CLI_REMARKS_H
#define ASSAY_CLI_REMARKS_H

#include "cli/screen.h"
#include "core/error.h"

#include <cjson/cJSON.h>

/* Adds the tags of a word of the command line, "keep,todo", to *tags, an array that is made where
 * there is none and that the caller deletes. ERROR_INPUT for what is no tag, or too many of them.
 */
bool remarks_take_tags(const char *word, cJSON **tags, struct error *error);

/* [{"id", "name", `what`}] of experiments on stdout, as --json has it: `what` is "tags" or "notes".
 * False when it could not be written. */
bool remarks_output(const cJSON *experiments, const char *what);

/* The notes of `show`, cleaned: of each its number, when and by whom, and below that its lines. */
void remarks_print_notes(const cJSON *notes, const struct screen *screen, size_t indent);

/* "2026-11-24 04:15:07  ann@lab", or the time alone when nobody said who. */
enum { REMARKS_BY_SIZE = 320 };
const char *remarks_by(char text[static REMARKS_BY_SIZE], const cJSON *note);

#endif
