#include "worker/progress_line.h"

#include "core/clock.h"
#include "core/standard.h"

#include <stdarg.h>
#include <stdio.h>

enum { AFTER_MS = 2000, EVERY_MS = 500 };

struct progress_line progress_line_begin(void) {
    return (struct progress_line){.began_ms = clock_steady_ms(),
                                  .redraws = standard_redraws(stderr)};
}

double progress_line_seconds(const struct progress_line *line) {
    return (double)(clock_steady_ms() - line->began_ms) / 1000;
}

void progress_line_say(struct progress_line *line, const char *format, ...) {
    int64_t now_ms = clock_steady_ms();
    va_list arguments;
    if (!line->redraws || now_ms - line->began_ms < AFTER_MS || now_ms - line->told_ms < EVERY_MS)
        return;
    progress_line_clear(line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    line->told_ms = now_ms;
    line->shown = true;
}

void progress_line_clear(struct progress_line *line) {
    if (line->shown)
        fputs("\r\033[K", stderr);
    line->shown = false;
}
