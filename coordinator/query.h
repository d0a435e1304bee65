/* query: one SQL statement from binding to last row, with one check at the end.
 *
 *     struct query query;
 *     query_open(&query, store, "SELECT name, epochs FROM experiment WHERE id = ?");
 *     query_bind_int(&query, id);
 *     while (query_next(&query)) { name = query_text(&query); epochs = query_int(&query); ... }
 *     return query_close(&query, error);
 *
 * Values are bound and columns read from left to right. After a failure everything up to
 * query_close is a no-op, which then returns false. A statement may not be opened again before it
 * is closed.
 */
#ifndef ASSAY_COORDINATOR_QUERY_H
#define ASSAY_COORDINATOR_QUERY_H

#include "coordinator/store.h"

#include <stddef.h>
#include <stdint.h>

struct query {
    struct store *store;
    sqlite3_stmt *statement;
    int bound, column, result;
};

/* `sql` is a string literal: store_statement keeps what was prepared for it. */
void query_open(struct query *query, struct store *store, const char *sql);
void query_bind_int(struct query *query, int64_t value);
void query_bind_double(struct query *query, double value); /* NaN is NULL */
void query_bind_text(struct query *query,
                     const char *text); /* NULL is NULL; borrowed until close */
void query_bind_bytes(struct query *query, const void *data, size_t length); /* the same */

bool query_next(struct query *query); /* true: there is a row */
int64_t query_int(struct query *query);
bool query_is_null(struct query *query);  /* of the column that is read next */
double query_double(struct query *query); /* NULL is NaN */
/* NULL is NULL; holds until the next row. "" where there is no memory for it: the query has failed.
 */
const char *query_text(struct query *query);
const void *query_bytes(struct query *query, size_t *length);
/* Of the texts among the columns of this row that have been read. */
size_t query_texts_length(struct query *query);

bool query_close(struct query *query, struct error *error);
/* query_next to the end, and query_close: for what gives no rows. */
bool query_run(struct query *query, struct error *error);

#endif
