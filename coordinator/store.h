/* store: the SQLite database as a file: opened, locked, migrated, committed.
 *
 * One connection writes and reads (WAL, synchronous=FULL: what store_commit has returned true for
 * is on the disk). A lock file beside the database keeps a second coordinator out. The schema is
 * schema/NNN_name.sql, applied in order by PRAGMA user_version. What is in it is read and written
 * by records.h and views.h through query.h.
 */
#ifndef ASSAY_COORDINATOR_STORE_H
#define ASSAY_COORDINATOR_STORE_H

#include "core/error.h"

#include <sqlite3.h>
#include <stdint.h>

struct store;

enum { STORE_APPLICATION_ID = 0x61737361 }; /* "assa" */

/* Opens the database at `path`, made (with its folder) if missing, and brings its schema up to
 * date.
 * ":memory:" is a database of its own that ends with the store. Errors name the file and what to
 * do: it is no database, damaged, another program's, a newer assay's, locked, not writable, or gone
 * without its log. */
bool store_open(const char *path, struct store **store, struct error *error);
/* Ends the WAL (the database is one file again) and gives the lock back. What is not committed is
 * lost. NULL is fine. */
void store_close(struct store *store);
const char *store_path(const struct store *store);

/* Opens a database beside whoever writes to it, to look at or copy as it is: no lock, no migration;
 * one that only the log beside it makes whole, in a folder that is not writable, too (aside.h).
 * One that is not there, another program's or a newer assay's is an error. The caller closes
 * *database with sqlite3_close, also on failure (it may be NULL). */
bool store_look(const char *path, sqlite3 **database, struct error *error);
/* Sets the error to what SQLite says last about the database that was opened at `path`, and what to
 * do. Returns false. */
bool store_look_failed(sqlite3 *database, const char *path, struct error *error);

/* One transaction at a time. It has the database's write lock from the beginning, so that nothing
 * in it can fail because another program has it. After a commit that fails nothing of the
 * transaction stands; one that has written fails while the database is not at its path. */
bool store_begin(struct store *store, struct error *error);
/* Whether store_begin has failed because another program writes to the database, or keeps all
 * others from it: it waited a second, and may be called again. */
bool store_is_held(const struct store *store);
bool store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);
/* Within a transaction: what is written between these two stands only if it is not undone. */
bool store_mark(struct store *store, struct error *error);
bool store_unmark(struct store *store, bool undo, struct error *error);

/* How many rows were written since the store was opened. */
int64_t store_changes(const struct store *store);

/* For query.c: a prepared statement for this SQL (a string literal: the address is the key), kept
 * until the store closes; NULL on failure. */
sqlite3_stmt *store_statement(struct store *store, const char *sql);
/* Sets the error to what SQLite says last about this database. Returns false. */
bool store_failed(struct store *store, struct error *error);

#endif
