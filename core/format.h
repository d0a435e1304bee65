/* format: numbers and times as people read them. Each is written into `text` and returned.
 */
#ifndef ASSAY_CORE_FORMAT_H
#define ASSAY_CORE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORMAT_SIZE = 64 };
/* "0.9942", or "n/a" when the ratio is undefined. A loss that has run away, from 10,000 on, is
 * "8.156e+19": as wide as columns and lines have room for, where a cut number would be another. */
const char *format_ratio(char text[FORMAT_SIZE], bool defined, double value);
/* "47s", "12m 05s", "3h 07m", "2d 04h". */
const char *format_duration(char text[FORMAT_SIZE], double seconds);
/* "17.4 GiB". */
const char *format_bytes(char text[FORMAT_SIZE], uint64_t bytes);
/* "2026-11-24 04:15:07" in local time. */
const char *format_time(char text[FORMAT_SIZE], int64_t unix_ms);
/* "[######----]" with `columns` marks. */
const char *format_bar(char text[FORMAT_SIZE], double fraction, size_t columns);

#endif
