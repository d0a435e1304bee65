/* clock: the two clocks of assay. Unix time is for people and for what is stored; the steady one,
 * which nobody sets, is for waiting and for leases. */
#ifndef ASSAY_CORE_CLOCK_H
#define ASSAY_CORE_CLOCK_H

#include <stdint.h>

int64_t clock_unix_ms(void);
int64_t clock_steady_ms(void);     /* since some moment before the program began */
double clock_steady_seconds(void); /* the same clock, for timing what is short */

/* How many milliseconds to poll until that moment of the steady clock: 0 when it is over, and no
 * more than a minute, which is within every poll's timeout (INT64_MAX: whenever something comes).
 */
enum { CLOCK_POLL_MS_MAX = 60 * 1000 };
long clock_poll_ms(int64_t until_ms);

#endif
