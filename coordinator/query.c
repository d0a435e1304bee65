#include "coordinator/query.h"

#include <math.h>

void query_open(struct query *query, struct store *store, const char *sql) {
    sqlite3_stmt *statement = store_statement(store, sql);
    *query = (struct query){.store = store,
                            .statement = statement,
                            .result = statement == NULL ? SQLITE_ERROR : SQLITE_OK};
}

static bool usable(const struct query *query) {
    return query->result == SQLITE_OK || query->result == SQLITE_ROW;
}

void query_bind_int(struct query *query, int64_t value) {
    if (usable(query))
        query->result = sqlite3_bind_int64(query->statement, ++query->bound, value);
}

void query_bind_double(struct query *query, double value) {
    /* SQLite itself makes NULL of NaN. */
    if (usable(query))
        query->result = sqlite3_bind_double(query->statement, ++query->bound, value);
}

void query_bind_text(struct query *query, const char *text) {
    if (usable(query))
        query->result =
            sqlite3_bind_text(query->statement, ++query->bound, text, -1, SQLITE_STATIC);
}

void query_bind_bytes(struct query *query, const void *data, size_t length) {
    if (usable(query))
        query->result =
            sqlite3_bind_blob64(query->statement, ++query->bound, data, length, SQLITE_STATIC);
}

bool query_next(struct query *query) {
    if (!usable(query))
        return false;
    query->result = sqlite3_step(query->statement);
    query->column = 0;
    return query->result == SQLITE_ROW;
}

int64_t query_int(struct query *query) {
    return sqlite3_column_int64(query->statement, query->column++);
}

bool query_is_null(struct query *query) {
    return sqlite3_column_type(query->statement, query->column) == SQLITE_NULL;
}

double query_double(struct query *query) {
    bool null = query_is_null(query);
    double value = sqlite3_column_double(query->statement, query->column++);
    return null ? (double)NAN : value;
}

const char *query_text(struct query *query) {
    const char *text = (const char *)sqlite3_column_text(query->statement, query->column++);
    if (text != NULL || sqlite3_errcode(sqlite3_db_handle(query->statement)) != SQLITE_NOMEM)
        return text;
    query->result = SQLITE_NOMEM;
    return "";
}

const void *query_bytes(struct query *query, size_t *length) {
    const void *data = sqlite3_column_blob(query->statement, query->column);
    *length = (size_t)sqlite3_column_bytes(query->statement, query->column++);
    return data;
}

size_t query_texts_length(struct query *query) {
    size_t length = 0;
    for (int i = 0; i < query->column; i++)
        if (sqlite3_column_type(query->statement, i) == SQLITE_TEXT)
            length += (size_t)sqlite3_column_bytes(query->statement, i);
    return length;
}

bool query_close(struct query *query, struct error *error) {
    bool good = usable(query) || query->result == SQLITE_DONE;
    if (!good)
        store_failed(query->store, error);
    if (query->statement != NULL) {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
    return good;
}

bool query_run(struct query *query, struct error *error) {
    while (query_next(query))
        ;
    return query_close(query, error);
}
