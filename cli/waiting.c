#include "cli/waiting.h"

#include "core/clock.h"

enum { TOLD_AFTER_MS = 2000, TOLD_EVERY_MS = 10000 };

struct waiting waiting_begin(void) {
    int64_t now_ms = clock_steady_ms();
    return (struct waiting){.screen = screen_of(stderr), .began_ms = now_ms, .told_ms = now_ms};
}

void waiting_tell(struct waiting *waiting, const char *line) {
    int64_t now_ms = clock_steady_ms();
    if (now_ms - waiting->began_ms < TOLD_AFTER_MS)
        return;
    if (waiting->screen.redraws) {
        screen_live(&waiting->screen, line);
    } else if (now_ms - waiting->told_ms >= TOLD_EVERY_MS) {
        waiting->told_ms = now_ms;
        fputs(line, stderr);
    }
}

void waiting_end(struct waiting *waiting) {
    screen_clear(&waiting->screen);
}
