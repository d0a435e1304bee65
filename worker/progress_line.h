/* progress_line: how far a subcommand is, in one line on stderr that the next one replaces. Only on
 * a terminal, and only once it takes long. */
#ifndef ASSAY_WORKER_PROGRESS_LINE_H
#define ASSAY_WORKER_PROGRESS_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct progress_line {
    int64_t began_ms, told_ms;
    bool redraws /* standard_redraws */, shown;
};
struct progress_line progress_line_begin(void);
double progress_line_seconds(const struct progress_line *line); /* since it began */
void progress_line_say(struct progress_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void progress_line_clear(struct progress_line *line);

#endif
