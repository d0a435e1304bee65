/* heat: the colours of how much: from dark violet over red to light yellow, lighter for every eye
 * the more there is (stops out of the middle of matplotlib's inferno).
 */
#ifndef ASSAY_CORE_HEAT_H
#define ASSAY_CORE_HEAT_H

#include <stdint.h>

enum { HEAT_STOPS = 5 };

/* RGB, evenly spread from nothing to most. */
static const uint8_t heat_stops[HEAT_STOPS][3] = {
    {66, 10, 104}, {147, 38, 103}, {221, 81, 58}, {252, 165, 10}, {252, 255, 164}};

#endif
