/* pickle_machine: the stack machine that a pickle is a program for: its memory, bounded; its stack
 * with marks; the bytes of the program. What the opcodes do with them is core/pickle.c's.
 *
 * Every function that returns bool or a pointer reports false or NULL with the machine's error set.
 * Values belong to the pickle from when they are made.
 */
#ifndef ASSAY_CORE_PICKLE_MACHINE_H
#define ASSAY_CORE_PICKLE_MACHINE_H

#include "core/pickle.h"

/* Bytes of all values of one pickle together; a state_dict of ten thousand tensors takes a tenth of
 * it. */
enum { PICKLE_MEMORY_MAX = 256 << 20 };

/* A list of borrowed values that grows: the stack, the memo, every value made. */
struct pickle_values {
    struct pickle_value **items;
    size_t count, capacity;
};

struct pickle {
    struct pickle_values made; /* owns */
    struct pickle_value *root;
};

struct pickle_machine {
    const char *name;
    const uint8_t *at, *begin, *end;
    struct pickle *pickle;
    struct pickle_values stack, memo;
    size_t *marks; /* heights of the stack */
    size_t mark_count, mark_capacity;
    size_t memory_left;
    struct error *error;
};

/* Errors; all return false. */
bool pickle_no_memory(struct pickle_machine *machine);
bool pickle_broken(struct pickle_machine *machine, const char *what);
bool pickle_unknown(struct pickle_machine *machine); /* an opcode of Python's objects */

bool pickle_charge(struct pickle_machine *machine, size_t bytes); /* against the limit */
bool pickle_values_add(struct pickle_machine *machine, struct pickle_values *values,
                       struct pickle_value *value);
struct pickle_value *pickle_make(struct pickle_machine *machine, enum pickle_kind kind);
bool pickle_append(struct pickle_machine *machine, struct pickle_value *to,
                   struct pickle_value *item);

/* The stack, down to its last mark. */
size_t pickle_floor(const struct pickle_machine *machine);
bool pickle_push(struct pickle_machine *machine, struct pickle_value *value); /* NULL: false */
struct pickle_value *pickle_pop(struct pickle_machine *machine);
struct pickle_value *pickle_top(struct pickle_machine *machine);
bool pickle_push_mark(struct pickle_machine *machine);
bool pickle_pop_mark(struct pickle_machine *machine, size_t *first);
/* Moves what stands from height `first` on into `to`; NULL: false. */
bool pickle_gather(struct pickle_machine *machine, size_t first, struct pickle_value *to);

/* The next bytes of the program; a number is little-endian. */
bool pickle_take(struct pickle_machine *machine, size_t length, const uint8_t **bytes);
bool pickle_take_number(struct pickle_machine *machine, size_t bytes, uint64_t *number);

#endif
