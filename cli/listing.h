/* listing: by what rows can be listed, sorted and filtered: the named columns of a summary
 * (docs/protocol.md) or of an evaluation (evaluation_list.h), and what a matrix varies
 * ("augmentations", "data.upsample" or "upsample").
 */
#ifndef ASSAY_CLI_LISTING_H
#define ASSAY_CLI_LISTING_H

#include "cli/filter.h"
#include "cli/screen.h"

/* What the rows of an array are. */
struct listing;
extern const struct listing listing_experiments, listing_evaluations;

/* Gives each summary its "age", the seconds since it was submitted. Call it first. */
void listing_age(cJSON *experiments, double now_ms);

/* The value of a column or of a matrix key in a row; NULL when it has none. */
const cJSON *listing_look(const struct listing *listing, const cJSON *row, const char *name);

/* What the cell of a column says; "" without a value. The caller frees, NULL without memory. */
char *listing_text(const struct listing *listing, const cJSON *row, const char *name);
/* What stands over a column. */
const char *listing_title(const struct listing *listing, const char *name);
bool listing_is_number(const struct listing *listing, const char *name);
bool listing_is_long(const struct listing *listing, const char *name); /* may be cut */
enum style listing_style(const cJSON *row, const char *name);

/* Whether every name is a column or a matrix key of one of the rows; else ERROR_INPUT says which is
 * nearest, or which keys of one row it is short for. */
bool listing_check(const struct listing *listing, const cJSON *rows, const char *const *names,
                   size_t count, struct error *error);
bool listing_check_filter(const struct listing *listing, const cJSON *rows,
                          const struct filter *filter, struct error *error);

bool listing_takes(const struct listing *listing, const struct filter *filter, const cJSON *row);
/* Takes out of the array what the filter does not take. */
void listing_filter(const struct listing *listing, cJSON *rows, const struct filter *filter);
/* Sorts the array by a column, descending when `name` begins with "-"; rows without a value come
 * last, equal ones keep their order. False without memory. */
bool listing_sort(const struct listing *listing, cJSON *rows, const char *name);

/* "id, name, ...": all columns of each, for --help. */
#define LISTING_COLUMNS                                                                            \
    "id, name, group, person, state, priority, attempt, worker, error, epoch, epochs, "            \
    "best_epoch, loss, "                                                                           \
    "accuracy, precision, recall, train_loss, valid_loss, learning_rate, images_per_second, age, " \
    "waits, stopped, tags, notes"
#define LISTING_EVALUATION_COLUMNS                                                                 \
    "id, name, group, state, tags, checkpoint, split, keep, epoch, true_positive, true_negative, " \
    "false_positive, false_negative, accuracy, recall, precision, loss, roc_auc, "                 \
    "average_precision, equal_error_rate, threshold"

#endif
