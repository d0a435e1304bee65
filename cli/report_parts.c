#include "cli/report_parts.h"

#include "core/clock.h"

enum { PROGRESS_AFTER_MS = 2000 };

const struct contender *report_best(const struct report *report) {
    return &report->contenders[report->order[0]];
}

void report_tell(void *context) {
    struct report *report = context;
    if (clock_steady_ms() - report->began_ms < PROGRESS_AFTER_MS)
        return;
    if (report->screen.redraws)
        screen_live(&report->screen, report->doing);
    else if (report->doing != report->told)
        fputs(report->doing, stderr);
    report->told = report->doing;
}
