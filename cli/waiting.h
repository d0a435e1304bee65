/* waiting: how far a command is that takes over two seconds, in lines on stderr: on a terminal one
 * that is redrawn, elsewhere one every ten seconds.
 */
#ifndef ASSAY_CLI_WAITING_H
#define ASSAY_CLI_WAITING_H

#include "cli/screen.h"

#include <stdint.h>

struct waiting {
    struct screen screen;
    int64_t began_ms, told_ms;
};

struct waiting waiting_begin(void);
/* `line` ends with \n. */
void waiting_tell(struct waiting *waiting, const char *line);
/* Before anything else is written to the terminal. */
void waiting_end(struct waiting *waiting);

#endif
