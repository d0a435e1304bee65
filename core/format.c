#include "core/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *format_ratio(char text[FORMAT_SIZE], bool defined, double value) {
    if (defined && isfinite(value))
        snprintf(text, FORMAT_SIZE, fabs(value) < 1e4 ? "%.4f" : "%.3e", value);
    else
        snprintf(text, FORMAT_SIZE, "n/a");
    return text;
}

const char *format_duration(char text[FORMAT_SIZE], double seconds) {
    if (!(seconds >= 0 && seconds < 1e9)) {
        snprintf(text, FORMAT_SIZE, "n/a");
        return text;
    }
    long long whole = (long long)(seconds + 0.5);
    if (whole < 60)
        snprintf(text, FORMAT_SIZE, "%llds", whole);
    else if (whole < 3600)
        snprintf(text, FORMAT_SIZE, "%lldm %02llds", whole / 60, whole % 60);
    else if (whole < 86400)
        snprintf(text, FORMAT_SIZE, "%lldh %02lldm", whole / 3600, whole / 60 % 60);
    else
        snprintf(text, FORMAT_SIZE, "%lldd %02lldh", whole / 86400, whole / 3600 % 24);
    return text;
}

const char *format_bytes(char text[FORMAT_SIZE], uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(text, FORMAT_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

const char *format_time(char text[FORMAT_SIZE], int64_t unix_ms) {
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, FORMAT_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(text, FORMAT_SIZE, "n/a");
    return text;
}

const char *format_bar(char text[FORMAT_SIZE], double fraction, size_t columns) {
    if (columns > FORMAT_SIZE - 3)
        columns = FORMAT_SIZE - 3;
    double part = fraction > 0 ? (fraction < 1 ? fraction : 1) : 0; /* NaN is 0 */
    size_t full = (size_t)(part * (double)columns);
    text[0] = '[';
    memset(text + 1, '#', full);
    memset(text + 1 + full, '-', columns - full);
    memcpy(text + 1 + columns, "]", 2);
    return text;
}
