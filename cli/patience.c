#include "cli/patience.h"

#include "core/clock.h"
#include "core/standard.h"

enum { PATIENCE_MS = 60000 };

void patience_renew(struct patience *patience) {
    patience->answered_ms = clock_steady_ms();
}

bool patience_bears(struct patience *patience, const struct error *error, struct screen *screen) {
    int64_t now_ms = clock_steady_ms();
    if (error->code != ERROR_UNREACHABLE || patience->answered_ms == 0 ||
        now_ms - patience->answered_ms >= PATIENCE_MS)
        return false;
    if (patience->away_ms < patience->answered_ms) {
        if (screen != NULL)
            screen_clear(screen);
        standard_complain("no answer from the coordinator; waiting for it");
        patience->away_ms = now_ms;
    }
    return true;
}
