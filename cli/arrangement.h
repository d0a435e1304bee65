/* arrangement: --columns, --filter and --sort of the commands that list rows (listing.h). */
#ifndef ASSAY_CLI_ARRANGEMENT_H
#define ASSAY_CLI_ARRANGEMENT_H

#include "cli/command.h"
#include "cli/listing.h"

enum {
    ARRANGEMENT_FILTER = 'f',
    ARRANGEMENT_COLUMNS = 'c',
    ARRANGEMENT_SORT = 'o',
    ARRANGEMENT_MAX = 64 /* columns */
};

/* What was asked for; zeroed at first. */
struct arrangement {
    const char *sort;
    struct filter *filter;
    char *names; /* --columns, cut at its commas */
    const char *columns[ARRANGEMENT_MAX];
    unsigned dispensable[ARRANGEMENT_MAX]; /* arrangement_usual's; what was asked for stays */
    size_t column_count;
};

/* The options, for a command's list; `names` is a literal as LISTING_COLUMNS. */
#define ARRANGEMENT_OPTIONS(names)                                                                 \
    {"columns",                                                                                    \
     ARRANGEMENT_COLUMNS,                                                                          \
     "NAME,...",                                                                                   \
     0,                                                                                            \
     "What to show: " names ", or a key of the matrix",                                            \
     0},                                                                                           \
        {"filter",                                                                                 \
         ARRANGEMENT_FILTER,                                                                       \
         "CONDITION",                                                                              \
         0,                                                                                        \
         "Only those that meet it: columns with = != < <= > >= ~ (contains) !~, and, or, not, "    \
         "brackets, \"values in quotes\"",                                                         \
         0},                                                                                       \
    {                                                                                              \
        "sort", ARRANGEMENT_SORT, "NAME", 0, "By this column; -NAME from the highest down", 0      \
    }

/* An argp_parser_t's work for those options; ARGP_ERR_UNKNOWN for all others. */
error_t arrangement_parse(struct arrangement *arrangement, int key, char *argument,
                          const struct argp_state *state);

/* Whether any of them was given. */
bool arrangement_given(const struct arrangement *arrangement);

/* Leaves in the array the rows that were asked for, in the order that was asked for. ERROR_INPUT
 * for a column that is not there. */
bool arrangement_check(const struct arrangement *arrangement, const struct listing *listing,
                       const cJSON *rows, struct error *error);
bool arrangement_apply(const struct arrangement *arrangement, const struct listing *listing,
                       cJSON *rows, struct error *error);

/* A column to show where none were asked for; `dispensable` is what table.h has for that, or 0. */
struct usual_column {
    const char *name;
    unsigned dispensable;
};
void arrangement_usual(struct arrangement *arrangement, const struct usual_column *columns,
                       size_t count);

/* The rows as a table on standard output; `nothing` when there are none. */
void arrangement_print(const struct arrangement *arrangement, const struct listing *listing,
                       const cJSON *rows, const char *nothing);

void arrangement_free(struct arrangement *arrangement);

#endif
