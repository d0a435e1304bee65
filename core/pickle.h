/* pickle: Python's pickle (protocols 2 to 5) as a tree of values; nothing in it is ever executed.
 *
 * A pickle is a program for a stack machine (CPython's Lib/pickletools.py lists its opcodes). Only
 * the opcodes that plain data and torch.save need are known; a class or function is kept as its
 * name, a call as what would be called with what, and what it means is the reader's to say.
 */
#ifndef ASSAY_CORE_PICKLE_H
#define ASSAY_CORE_PICKLE_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,  /* integer */
    PICKLE_INT,   /* integer */
    PICKLE_FLOAT, /* number */
    PICKLE_STRING,
    PICKLE_TUPLE,      /* items; also a frozenset */
    PICKLE_LIST,       /* items; also a set */
    PICKLE_DICT,       /* items: key, value, key, value ...; also a collections.OrderedDict */
    PICKLE_GLOBAL,     /* string: "torch._utils _rebuild_tensor_v2" */
    PICKLE_PERSISTENT, /* items: the id */
    PICKLE_CALL,       /* items: what would be called (or the class of an object that would be
                          made), its arguments (a tuple) */
    PICKLE_OPAQUE, /* that it is there: bytes, a string that holds a NUL, as those of arrays are,
                      an integer of more than 64 bits */
};

struct pickle_value {
    enum pickle_kind kind;
    int64_t integer;
    double number;
    char *string;
    struct pickle_value **items;
    size_t count, capacity;
};

struct pickle; /* owns every value */

/* Reads one pickle; `name` is what errors (ERROR_INPUT) call it. One that would take more than
 * 256 MiB of memory is refused. Values may contain each other in circles, so walk them to a bounded
 * depth. */
bool pickle_read(const uint8_t *data, size_t length, const char *name, struct pickle **pickle,
                 struct error *error);
/* The same of data that go on behind it: *used is its length. */
bool pickle_read_first(const uint8_t *data, size_t length, const char *name, struct pickle **pickle,
                       size_t *used, struct error *error);
void pickle_free(struct pickle *pickle); /* NULL is fine */
const struct pickle_value *pickle_root(const struct pickle *pickle);

/* Every value that it has, in the order in which they were read. */
size_t pickle_size(const struct pickle *pickle);
const struct pickle_value *pickle_at(const struct pickle *pickle, size_t index);

/* The value of a string key in a dict, or NULL. */
const struct pickle_value *pickle_find(const struct pickle_value *dict, const char *key);

#endif
