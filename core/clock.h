/* clock: the two clocks of assay. Unix time is for people and for what is stored; the steady one,
 * which nobody sets, is for waiting and for leases. */
#ifndef ASSAY_CORE_CLOCK_H
#define ASSAY_CORE_CLOCK_H

#include <stdint.h>

int64_t clock_unix_ms(void);
int64_t clock_steady_ms(void);     /* since some moment before the program began */
double clock_steady_seconds(void); /* the same clock, for timing what is short */

#endif
