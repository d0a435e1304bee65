/* data_report: what `assay data check` found, for people and as JSON.
 */
#ifndef ASSAY_CLI_DATA_REPORT_H
#define ASSAY_CLI_DATA_REPORT_H

#include "cli/examine.h"
#include "core/transform.h"

#include <cjson/cJSON.h>

/* Pictures with the same pixels: a part of `order`. */
struct twins {
    size_t first, count;
    bool same_bytes; /* all of them; else only the pixels are the same */
    bool leak;       /* they are in more than one of train, valid and test */
};

/* Zero-initialise; fill in manifest and facts (examine); then data_report_make. */
struct data_report {
    struct manifest manifest;
    struct picture_facts *facts; /* of each of its pictures */
    size_t *class_index;         /* likewise */
    char **too_small;            /* likewise: why, or NULL */
    size_t *order;               /* pictures that have twins, group by group */
    struct twins *twins;
    size_t twin_count, leaks;
    size_t broken, small, grey, odd;
    int width, height;   /* of most pictures */
    const char *written; /* the manifest's path, or NULL; borrowed */
};

bool data_report_make(struct data_report *report, struct error *error);
/* Marks the pictures that the pipeline cannot take; fails for nothing but memory. */
bool data_report_small(struct data_report *report, const struct pipeline *pipeline,
                       struct error *error);
void data_report_free(struct data_report *report);

/* The exit code: 0, 1 for leakage, 2 for what is broken or too small. */
int data_report_status(const struct data_report *report);
void data_report_print(const struct data_report *report, const char *root);
cJSON *data_report_json(const struct data_report *report, const char *root);

#endif
