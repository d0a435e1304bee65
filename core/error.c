#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_store(struct error *error, enum error_code code, const char *format, ...) {
    if (error == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    error->code = code;
    error->cause = CAUSE_UNKNOWN;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
}

void error_store_machine(struct error *error, const char *format, ...) {
    if (error == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    error->code = ERROR_FAILED;
    error->cause = CAUSE_MACHINE;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
}

static enum error_cause cause_of(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT: return CAUSE_ROOM;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EIO:
    case EROFS:
    case ENODEV:
    case ENXIO:
    /* of a file system whose other end, a server or a daemon, is gone */
    case ENOTCONN:
    case ESTALE:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ECONNABORTED:
    case EREMOTEIO: return CAUSE_MACHINE;
    default: return CAUSE_UNKNOWN;
    }
}

/* Nothing that was given is wrong where the process is short of these. */
static bool is_shortage(int number) {
    return number == ENOMEM || number == EMFILE || number == ENFILE;
}

bool error_is_shortage(const struct error *error) {
    return error->code == ERROR_FAILED && error->cause == CAUSE_MACHINE;
}

bool error_take_shortage(struct error *error, const struct error *why) {
    if (!error_is_shortage(why))
        return false;
    if (error != NULL)
        *error = *why;
    return true;
}

void error_store_context(struct error *error, const char *format, ...) {
    if (error == NULL)
        return;
    char context[sizeof error->message - 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    size_t length = strlen(context), last = sizeof error->message - 1;
    memmove(error->message + length + 2, error->message, last - length - 2);
    memcpy(error->message, context, length);
    memcpy(error->message + length, ": ", 2);
    error->message[last] = '\0';
}

void error_store_errno(struct error *error, enum error_code code, const char *format, ...) {
    int number = errno;
    if (error == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    error->code = code == ERROR_INPUT && is_shortage(number) ? ERROR_FAILED : code;
    error->cause = cause_of(number);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    size_t length = strlen(error->message);
    snprintf(error->message + length, sizeof error->message - length, ": %s", strerror(number));
}
