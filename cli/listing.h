/* listing: by what experiments can be listed, sorted and filtered: the named columns of a summary
 * (docs/protocol.md), and what a matrix varies ("augmentations", "data.upsample" or "upsample").
 */
#ifndef ASSAY_CLI_LISTING_H
#define ASSAY_CLI_LISTING_H

#include "cli/filter.h"
#include "cli/screen.h"

/* Gives each summary its "age", the seconds since it was submitted. Call it first. */
void listing_age(cJSON *experiments, double now_ms);

/* The value of a column or of a matrix key in a summary; NULL when it has none. A filter_look. */
const cJSON *listing_look(const void *experiment, const char *name);

/* What the cell of a column says; "" without a value. The caller frees, NULL without memory. */
char *listing_text(const cJSON *experiment, const char *name);
/* What stands over a column. */
const char *listing_title(const char *name);
bool listing_is_number(const char *name);
enum style listing_style(const cJSON *experiment, const char *name);

/* Whether every name is a column or a matrix key of one of the experiments; else ERROR_INPUT says
 * which is nearest. */
bool listing_check(const cJSON *experiments, const char *const *names, size_t count,
                   struct error *error);
bool listing_check_filter(const cJSON *experiments, const struct filter *filter,
                          struct error *error);

/* Takes out of the array what the filter does not take. */
void listing_filter(cJSON *experiments, const struct filter *filter);
/* Sorts the array by a column, descending when `name` begins with "-"; experiments without a value
 * come last, equal ones keep their order. False without memory. */
bool listing_sort(cJSON *experiments, const char *name);

/* "id, name, ...": all columns, for --help. */
#define LISTING_COLUMNS                                                                            \
    "id, name, group, person, state, priority, attempt, worker, error, epoch, epochs, "            \
    "best_epoch, loss, "                                                                           \
    "accuracy, precision, recall, train_loss, valid_loss, learning_rate, images_per_second, age, " \
    "waits, stopped"

#endif
