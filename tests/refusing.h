/* refusing: memory that is refused at one moment of a test, and whatever moment is meant.
 *
 * For tests that the linker gives these in place of the C library's allocations, in our own code
 * and in cJSON's, which asks through core/shortage.c (tests/CMakeLists.txt), and of argp_parse,
 * which takes memory too:
 *
 *     REFUSE_EACH(n) { ... } runs the block with the first allocation of it refused, then with the
 *     second, and so on, until one run has asked for fewer.
 *     REFUSE_FROM_EACH(n) { ... } does the same with all that come after that one refused too.
 *
 * That is of one thread's, or with REFUSE_IN_ALL_THREADS before this of all the program's.
 * `refused` says in the block whether the moment has come; behind refuse_no_more() in it everything
 * is given again.
 */
#ifndef ASSAY_TESTS_REFUSING_H
#define ASSAY_TESTS_REFUSING_H

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef REFUSE_IN_ALL_THREADS
#define REFUSE_WHERE _Atomic
#else
#define REFUSE_WHERE _Thread_local
#endif

static REFUSE_WHERE size_t refuse_after; /* 0: nothing is refused */
static REFUSE_WHERE bool refused;
static REFUSE_WHERE bool refuse_lasts;

#define REFUSE_SO(n, lasts)                                                                        \
    for (size_t n = 1; n == 1 || refused; n++)                                                     \
        for (bool refuse_once = (refuse_lasts = (lasts), refused = false, refuse_after = n, true); \
             refuse_once; refuse_once = (refuse_after = 0, false))
#define REFUSE_EACH(n) REFUSE_SO(n, false)
#define REFUSE_FROM_EACH(n) REFUSE_SO(n, true)

static inline void refuse_no_more(void) {
    refuse_after = 0;
}

static bool refuse(void) {
    if (refuse_after == 0 || --refuse_after > 0)
        return false;
    refused = true;
    refuse_after = refuse_lasts;
    errno = ENOMEM;
    return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
int __real_vasprintf(char **text, const char *format, va_list arguments);
error_t __real_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *next,
                          void *input);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_asprintf(char **text, const char *format, ...);
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *next,
                          void *input);

void *__wrap_malloc(size_t size) {
    return refuse() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
    return refuse() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *memory, size_t size) {
    return refuse() ? NULL : __real_realloc(memory, size);
}
void *__wrap_reallocarray(void *memory, size_t count, size_t size) {
    return refuse() ? NULL : __real_reallocarray(memory, count, size);
}
char *__wrap_strdup(const char *text) {
    return refuse() ? NULL : __real_strdup(text);
}
char *__wrap_strndup(const char *text, size_t length) {
    return refuse() ? NULL : __real_strndup(text, length);
}
/* What stands in *text then is undefined. */
int __wrap_vasprintf(char **text, const char *format, va_list arguments) {
    if (!refuse())
        return __real_vasprintf(text, format, arguments);
    *text = (char *)1;
    return -1;
}
int __wrap_asprintf(char **text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = __wrap_vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *next,
                          void *input) {
    return refuse() ? ENOMEM : __real_argp_parse(argp, argc, argv, flags, next, input);
}

#endif
