/* survey: what a folder of pictures holds: its subfolders as classes, how many pictures each has,
 * how large a sample of them is.
 */
#ifndef ASSAY_CLI_SURVEY_H
#define ASSAY_CLI_SURVEY_H

#include "core/error.h"

#include <stddef.h>

enum { SURVEY_SAMPLE = 24 }; /* pictures of a class that are read, evenly spread by name */

struct survey_class {
    char *name; /* of the folder */
    size_t pictures, sampled, broken;
    int least, most; /* the shorter side of those sampled, in pixels; 0 without any */
};

struct survey {
    struct survey_class *classes; /* by name */
    size_t count;
    char *below; /* without any: one further down that would be one, "real/Celeb-real", or NULL */
};

/* Folders without a picture are left out. ERROR_INPUT when `root` cannot be read. Free with
 * survey_free, also on failure. */
bool survey_make(const char *root, struct survey *survey, struct error *error);
void survey_free(struct survey *survey);

/* The shorter side of the smallest picture sampled; 0 without any. */
int survey_least(const struct survey *survey);

/* Whether a folder is called as real pictures usually are: real, original, genuine, pristine,
 * authentic. */
bool survey_sounds_real(const char *name);

#endif
