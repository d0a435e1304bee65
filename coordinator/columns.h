/* columns: columns of a query as members of a JSON object, and members as what is written to
 * columns. Like query_int and query_bind_int, each takes the next column, or binds the next
 * parameter, or as many as it says.
 */
#ifndef ASSAY_COORDINATOR_COLUMNS_H
#define ASSAY_COORDINATOR_COLUMNS_H

#include "coordinator/query.h"

#include <cjson/cJSON.h>

struct report_key;

/* --- read --- */

void columns_add_int(cJSON *object, const char *key, struct query *query);
/* These are null where the column is NULL. */
void columns_add_number(cJSON *object, const char *key, struct query *query);
void columns_add_time(cJSON *object, const char *key, struct query *query);
void columns_add_text(cJSON *object, const char *key, struct query *query);
/* A column that holds JSON of ours. */
bool columns_add_json(cJSON *object, const char *key, struct query *query, struct error *error);

/* Four counts, three ratios and the loss: the columns to SELECT, whose names may have a prefix, and
 * the members. */
#define COLUMNS_METRICS(prefix)                                                                    \
    prefix "true_positive," prefix "true_negative," prefix "false_positive," prefix                \
           "false_negative," prefix "accuracy," prefix "precision," prefix "recall," prefix "loss"
void columns_add_metrics(cJSON *object, struct query *query);

enum { COLUMNS_ROWS_MAX = 10000 }; /* of one kind and one experiment: the last ones */

/* Adds under `key` the array of the rows that belong to the experiment. The SQL's second parameter
 * is how many there may be. */
bool columns_add_rows(struct store *store, const char *sql, int64_t id, cJSON *object,
                      const char *key, cJSON *(*row)(struct query *), struct error *error);

/* --- written --- */

/* What is no number is NULL. */
void columns_bind_number(struct query *query, const cJSON *object, const char *key);
/* Five: the counts and the loss; the ratios follow from the counts. */
void columns_bind_metrics(struct query *query, const cJSON *metrics);
/* Three: experiment, attempt and time of a report. */
void columns_bind_key(struct query *query, const struct report_key *key);

#endif
