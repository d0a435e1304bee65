/* members: an experiment file read whole: its matrix expanded, every member checked and complete.
 */
#ifndef ASSAY_CORE_MEMBERS_H
#define ASSAY_CORE_MEMBERS_H

#include "core/matrix.h"

/* Reads a file, expands its matrix, checks every member and fills its defaults in. Faults are
 * sorted by line and printed by the caller as "assay: FILE:LINE: message" (faults' places refer to
 * the file; use json_line with *text). *text is the file's text, for json_line, freed by the caller
 * also on failure (NULL if unreadable). On success the caller frees with members_free. */
bool members_read(const char *path, struct members *members, char **text, struct faults *faults,
                  struct error *error);

/* "FILE:LINE: PLACE: MESSAGE"; caller frees, NULL without memory. `text` is the file's. */
char *fault_text(const struct fault *fault, const char *file, const char *text);

#endif
