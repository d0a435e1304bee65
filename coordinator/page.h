/* page: the live page over HTTP: what `assay watch` and `assay compare` show, for a browser.
 *
 * GET alone, and nothing can be steered. Each connection is a thread of its own that asks the
 * server's socket from inside (server.h), as any client would, so the loop waits for nobody:
 *
 *     /, /page.css, /page.js ...    the page (share/page)
 *     /api/status, /api/workers     the answers of docs/protocol.md, as JSON
 *     /api/experiments[?group=G][&after=ID]   a page of `list`
 *     /api/experiments/ID           `show`
 *     /api/compare?group=G or ?ids=1,2   the document of `assay compare --json` (page_compare.h)
 *     /api/events                   server-sent events: `change` with the revision
 *
 * What goes wrong is {"error": "..."} with the status. On an address that other machines reach a
 * token is asked for (page_door.h).
 */
#ifndef ASSAY_COORDINATOR_PAGE_H
#define ASSAY_COORDINATOR_PAGE_H

#include "core/error.h"

enum { PAGE_EVENTS_MS = 250 }; /* between two events of a stream, at least */

struct page;

/* Serves on `address` (HOST:PORT) what is asked through `context` at `inside`; `token_file` may be
 * NULL on a loopback address. Everything is copied. ERROR_INPUT when the address needs a token, or
 * the file is none; ERROR_FAILED when the port is taken. */
bool page_open(const char *address, const char *token_file, void *context, const char *inside,
               struct page **page, struct error *error);
void page_close(struct page *page); /* before the server; NULL is fine */
unsigned page_port(const struct page *page);

#endif
