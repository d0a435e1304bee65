/* terminal: the whole screen of a terminal, through ncurses: a page goes on it, keys come from it,
 * and it is left as it was found, whatever ends the program (SIGKILL apart).
 */
#ifndef ASSAY_CLI_TERMINAL_H
#define ASSAY_CLI_TERMINAL_H

#include "cli/page.h"
#include "core/error.h"

/* Whether standard input and output are a terminal that can do it (TERM is not dumb). */
bool terminal_usable(void);

/* Takes the screen over. One at a time. End with terminal_close, which may be called in any case.
 */
bool terminal_open(struct error *error);
void terminal_close(void);

void terminal_size(size_t *rows, size_t *columns);
/* Shows a page of that size; only what has changed is written. */
void terminal_show(const struct page *page);

/* The next key, as dashboard.h counts them, or -1 when none waits. A resize is no key. */
int terminal_key(void);

#endif
