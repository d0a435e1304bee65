/* matrix_read: the axes and entries of an experiment file's `matrix`, read and checked, for
 * core/matrix.c, which makes the members of them. Nobody else needs it.
 */
#ifndef ASSAY_CORE_MATRIX_READ_H
#define ASSAY_CORE_MATRIX_READ_H

#include "core/faults.h"
#include "core/schema_path.h"

#include <cjson/cJSON.h>

enum { MATRIX_AXES_MAX = 64, MATRIX_MEMBERS_MAX = 10000 };

/* One value of an axis, or of an entry of include. */
struct variant {
    char *label; /* "flip+jitter", "1" */
    char *part;  /* of the member's name: "flip+jitter", "seed=1" */
    char *place; /* where it stands in the file */
    const cJSON *value;
};

/* One key of the matrix: a path into the file and what to put there. */
struct axis {
    const char *key;
    struct schema_path path;
    char *place; /* of what it sets, in the config: "train.seed" */
    struct variant *variants;
    size_t count;
};

/* One "path: value" of an entry of include or exclude. */
struct pair {
    size_t axis;        /* the axis of that path; the number of axes when there is none */
    const cJSON *value; /* as written: a value, or a label of the axis's variants */
    const struct variant *variant; /* what it sets: a variant of the axis or `own` */
    struct axis own;               /* a path that is no axis, or a new value of one: one variant */
};

struct entry {
    struct pair *pairs;
    size_t count;
};

struct entries {
    struct entry *items;
    size_t count;
};

struct matrix {
    const cJSON *json;
    struct axis axes[MATRIX_AXES_MAX];
    size_t axis_count;
    struct entries exclude, include;
    bool one_at_a_time;
};

/* Reads the "matrix" of a file. Everything is borrowed from it or freed by matrix_free, which takes
 * what a failed matrix_read has left too. */
bool matrix_read(const cJSON *json, struct matrix *matrix, struct faults *faults);
void matrix_free(struct matrix *matrix);

/* True when the value is the variant's label or equals its value. */
bool variant_is(const struct variant *variant, const cJSON *value);

#endif
