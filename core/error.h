/* error: how a function that can fail says why.
 *
 * A function that can fail returns bool and takes a `struct error *` last. On failure it calls
 * error_set and returns false; callers add where they were with error_context. Libraries never
 * print and never exit: a program prints "assay: " and the message, and exits with the code, which
 * is the exit code of the command line (DESIGN: 0 done, 1 failed, 2 wrong input, 3 no coordinator,
 * 4 the experiment failed or was cancelled).
 */
#ifndef ASSAY_CORE_ERROR_H
#define ASSAY_CORE_ERROR_H

#include <stdbool.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_FAILED = 1,
    ERROR_INPUT = 2,
    ERROR_UNREACHABLE = 3,
    ERROR_EXPERIMENT = 4,
};

/* What the machine lacks, where it was the machine: on another one, or here later, the same may go
 * well. */
enum error_cause {
    CAUSE_UNKNOWN = 0,
    CAUSE_MACHINE, /* memory, descriptors, a device that works, a server that answers */
    CAUSE_ROOM,    /* room on a disk */
};

/* What to do where an experiment or a group is not there: the end of such a message. */
#define ERROR_LS "; assay ls lists what there is"

struct error {
    enum error_code code;
    enum error_cause cause;
    char message[1024];
};

/* Whether it was this process that was short of memory or descriptors, so that the error says
 * nothing of what was to be read. */
bool error_is_shortage(const struct error *error);
/* The same of `why` something could not be read; it becomes the error then, for the caller to fail
 * with, where any other reason would be gone on from. */
bool error_take_shortage(struct error *error, const struct error *why);

/* Each of these is false, so that a function can end with `return error_set(...)`: macros around
 * functions, so that the compiler and the analyser see the false too. `error` may be NULL. */

static inline bool error_false(void) {
    return false;
}

/* Stores the code and the formatted message (cut at the size of `message`). */
#define error_set(error, code, ...) (error_store(error, code, __VA_ARGS__), error_false())
/* The same with ERROR_FAILED and CAUSE_MACHINE. */
#define error_machine(error, ...) (error_store_machine(error, __VA_ARGS__), error_false())
/* The same for what malloc refuses us; where the input is what asks for so much, error_set. */
#define error_memory(error) error_machine(error, "out of memory")
/* Puts "context: " before the message that is already there. */
#define error_context(error, ...) (error_store_context(error, __VA_ARGS__), error_false())
/* Stores the message and errno's text after it, "cannot open x: No such file or directory", and the
 * cause that errno tells. ERROR_INPUT becomes ERROR_FAILED where errno tells of too little memory
 * or too few descriptors. */
#define error_errno(error, code, ...) (error_store_errno(error, code, __VA_ARGS__), error_false())

void error_store(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void error_store_machine(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_store_context(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_store_errno(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
