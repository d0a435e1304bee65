#include "core/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All values of one pickle together; a state_dict of ten thousand tensors takes a tenth of it. */
static const size_t memory_limit = (size_t)256 << 20;

/* A list of borrowed values that grows: the stack, the memo, every value made. */
struct values {
    struct pickle_value **items;
    size_t count, capacity;
};

struct pickle {
    struct values made; /* owns */
    struct pickle_value *root;
};

struct machine {
    const char *name;
    const uint8_t *at, *begin, *end;
    struct pickle *pickle;
    struct values stack, memo;
    size_t *marks; /* heights of the stack */
    size_t mark_count, mark_capacity;
    size_t memory_left;
    struct error *error;
};

/* --- memory --- */

static bool no_memory(struct machine *machine) {
    return error_set(machine->error, ERROR_FAILED, "%s: no memory to read it", machine->name);
}

static bool broken(struct machine *machine, const char *what) {
    return error_set(
        machine->error, ERROR_INPUT,
        "%s: byte %zu of its pickle: %s; the file is damaged, or not made by torch.save",
        machine->name, (size_t)(machine->at - machine->begin), what);
}

static bool unknown(struct machine *machine) {
    return error_set(
        machine->error, ERROR_INPUT,
        "%s: byte %zu of its pickle: holds objects of Python, and only tensors and plain data "
        "are read; save the weights alone: torch.save(model.state_dict(), ...)",
        machine->name, (size_t)(machine->at - machine->begin));
}

/* A byte of a pickle can ask for a hundred of memory, or copy a string that was read before: what
 * is made is counted. */
static bool charge(struct machine *machine, size_t bytes) {
    if (bytes > machine->memory_left)
        return error_set(machine->error, ERROR_INPUT,
                         "%s: its pickle makes more than %zu MiB of objects; save the weights "
                         "alone: torch.save(model.state_dict(), ...)",
                         machine->name, memory_limit >> 20);
    machine->memory_left -= bytes;
    return true;
}

/* Room for one more of `size` bytes in a list that doubles from 4. */
static bool grow(struct machine *machine, void **items, size_t count, size_t *capacity,
                 size_t size) {
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 4 : 2 * *capacity;
    if (!charge(machine, (wanted - *capacity) * size))
        return false;
    void *grown = reallocarray(*items, wanted, size);
    if (grown == NULL)
        return no_memory(machine);
    *items = grown;
    *capacity = wanted;
    return true;
}

static bool values_add(struct machine *machine, struct values *values, struct pickle_value *value) {
    void *items = values->items;
    bool ok = grow(machine, &items, values->count, &values->capacity, sizeof *values->items);
    values->items = items;
    if (ok)
        values->items[values->count++] = value;
    return ok;
}

static struct pickle_value *make(struct machine *machine, enum pickle_kind kind) {
    struct pickle_value *value = NULL;
    if (!charge(machine, sizeof *value))
        return NULL;
    value = calloc(1, sizeof *value);
    if (value == NULL) {
        no_memory(machine);
        return NULL;
    }
    if (!values_add(machine, &machine->pickle->made, value)) {
        free(value);
        return NULL;
    }
    value->kind = kind;
    return value;
}

static bool append(struct machine *machine, struct pickle_value *to, struct pickle_value *item) {
    struct values values = {to->items, to->count, to->capacity};
    if (!values_add(machine, &values, item))
        return false;
    to->items = values.items;
    to->count = values.count;
    to->capacity = values.capacity;
    return true;
}

/* --- the stack --- */

static bool push(struct machine *machine, struct pickle_value *value) {
    return value != NULL && values_add(machine, &machine->stack, value);
}

static size_t floor_of_stack(const struct machine *machine) {
    return machine->mark_count == 0 ? 0 : machine->marks[machine->mark_count - 1];
}

static struct pickle_value *pop(struct machine *machine) {
    if (machine->stack.count <= floor_of_stack(machine)) {
        broken(machine, "takes from an empty stack");
        return NULL;
    }
    return machine->stack.items[--machine->stack.count];
}

static struct pickle_value *top(struct machine *machine) {
    struct pickle_value *value = pop(machine);
    machine->stack.count += value != NULL;
    return value;
}

static bool push_mark(struct machine *machine) {
    void *marks = machine->marks;
    bool ok =
        grow(machine, &marks, machine->mark_count, &machine->mark_capacity, sizeof *machine->marks);
    machine->marks = marks;
    if (ok)
        machine->marks[machine->mark_count++] = machine->stack.count;
    return ok;
}

/* Moves what stands above the last mark, or the top `count`, into `to`. */
static bool gather_from(struct machine *machine, size_t first, struct pickle_value *to) {
    bool ok = to != NULL;
    for (size_t i = first; ok && i < machine->stack.count; i++)
        ok = append(machine, to, machine->stack.items[i]);
    machine->stack.count = first;
    return ok;
}

static bool pop_mark(struct machine *machine, size_t *first) {
    if (machine->mark_count == 0)
        return broken(machine, "has no mark");
    *first = machine->marks[--machine->mark_count];
    return true;
}

/* --- operands --- */

static bool take(struct machine *machine, size_t length, const uint8_t **bytes) {
    if ((size_t)(machine->end - machine->at) < length)
        return broken(machine, "is cut short");
    *bytes = machine->at;
    machine->at += length;
    return true;
}

static bool take_number(struct machine *machine, size_t bytes, uint64_t *number) {
    const uint8_t *data = NULL;
    if (!take(machine, bytes, &data))
        return false;
    *number = 0;
    for (size_t i = bytes; i-- > 0;)
        *number = *number << 8 | data[i];
    return true;
}

static bool set_string(struct machine *machine, struct pickle_value *value, const char *text,
                       size_t length) {
    if (value == NULL)
        return false;
    if (memchr(text, '\0', length) != NULL)
        return broken(machine, "holds a string with a NUL");
    if (!charge(machine, length + 1))
        return false;
    value->string = strndup(text, length);
    return value->string != NULL || no_memory(machine);
}

static bool push_string(struct machine *machine, size_t length_bytes) {
    uint64_t length = 0;
    const uint8_t *text = NULL;
    struct pickle_value *value;
    return take_number(machine, length_bytes, &length) && length <= SIZE_MAX &&
           take(machine, (size_t)length, &text) && (value = make(machine, PICKLE_STRING)) != NULL &&
           set_string(machine, value, (const char *)text, (size_t)length) && push(machine, value);
}

static bool push_integer(struct machine *machine, enum pickle_kind kind, int64_t integer) {
    struct pickle_value *value = make(machine, kind);
    if (value == NULL)
        return false;
    value->integer = integer;
    return push(machine, value);
}

static bool push_unsigned(struct machine *machine, size_t bytes) {
    uint64_t number = 0;
    return take_number(machine, bytes, &number) &&
           push_integer(machine, PICKLE_INT, (int64_t)number);
}

static bool push_binint(struct machine *machine) {
    uint64_t number = 0;
    return take_number(machine, 4, &number) &&
           push_integer(machine, PICKLE_INT, (int32_t)(uint32_t)number);
}

/* LONG1: two's complement of the length given, here at most eight bytes. */
static bool push_long(struct machine *machine) {
    uint64_t length = 0, number = 0;
    if (!take_number(machine, 1, &length))
        return false;
    if (length > 8)
        return broken(machine, "holds an integer of more than 64 bits");
    if (!take_number(machine, (size_t)length, &number))
        return false;
    if (length > 0 && length < 8 && (number >> (8 * length - 1) & 1) != 0)
        number |= UINT64_MAX << (8 * length);
    return push_integer(machine, PICKLE_INT, (int64_t)number);
}

/* BINFLOAT is big-endian, unlike everything else. */
static bool push_float(struct machine *machine) {
    const uint8_t *bytes = NULL;
    struct pickle_value *value;
    if (!take(machine, 8, &bytes) || (value = make(machine, PICKLE_FLOAT)) == NULL)
        return false;
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    memcpy(&value->number, &bits, sizeof bits);
    return push(machine, value);
}

/* --- values made of values --- */

static bool push_tuple(struct machine *machine, size_t count) {
    if (machine->stack.count - floor_of_stack(machine) < count)
        return broken(machine, "takes from an empty stack");
    struct pickle_value *tuple = make(machine, PICKLE_TUPLE);
    return gather_from(machine, machine->stack.count - count, tuple) && push(machine, tuple);
}

static bool push_marked(struct machine *machine, enum pickle_kind kind) {
    size_t first = 0;
    if (!pop_mark(machine, &first))
        return false;
    struct pickle_value *value = make(machine, kind);
    return gather_from(machine, first, value) && push(machine, value);
}

/* Moves what stands from `first` on into the dict or list below it. What a call would give may be
 * a kind of dict too (a defaultdict, a Counter); that is not known, and its items are dropped. */
static bool add_from(struct machine *machine, size_t first, enum pickle_kind kind) {
    struct pickle_value *to = machine->stack.items[first - 1];
    if (to->kind == PICKLE_CALL) {
        machine->stack.count = first;
        return true;
    }
    if (to->kind != kind || (kind == PICKLE_DICT && (machine->stack.count - first) % 2 != 0))
        return broken(machine, "adds to what is no dict or list");
    return gather_from(machine, first, to);
}

/* SETITEMS, APPENDS: what stands above the mark. */
static bool add_marked(struct machine *machine, enum pickle_kind kind) {
    size_t first = 0;
    if (!pop_mark(machine, &first))
        return false;
    if (first <= floor_of_stack(machine))
        return broken(machine, "takes from an empty stack");
    return add_from(machine, first, kind);
}

static bool add_last(struct machine *machine, enum pickle_kind kind) {
    size_t count = kind == PICKLE_DICT ? 2 : 1;
    size_t height = machine->stack.count - floor_of_stack(machine);
    if (height < count + 1)
        return broken(machine, "takes from an empty stack");
    return add_from(machine, machine->stack.count - count, kind);
}

/* GLOBAL: two lines, module and name. */
static bool push_global(struct machine *machine) {
    const uint8_t *module = machine->at;
    const uint8_t *space = memchr(module, '\n', (size_t)(machine->end - module));
    const uint8_t *end =
        space == NULL ? NULL : memchr(space + 1, '\n', (size_t)(machine->end - space - 1));
    if (end == NULL)
        return broken(machine, "is cut short");
    struct pickle_value *value = make(machine, PICKLE_GLOBAL);
    if (!set_string(machine, value, (const char *)module, (size_t)(end - module)))
        return false;
    value->string[space - module] = ' ';
    machine->at = end + 1;
    return push(machine, value);
}

static bool push_stack_global(struct machine *machine) {
    struct pickle_value *name = pop(machine);
    struct pickle_value *module = name == NULL ? NULL : pop(machine);
    if (module == NULL)
        return false;
    if (name->kind != PICKLE_STRING || module->kind != PICKLE_STRING)
        return broken(machine, "names a class by what is no string");
    struct pickle_value *value = make(machine, PICKLE_GLOBAL);
    if (value == NULL)
        return false;
    if (!charge(machine, strlen(module->string) + strlen(name->string) + 2))
        return false;
    if (asprintf(&value->string, "%s %s", module->string, name->string) < 0) {
        value->string = NULL;
        return no_memory(machine);
    }
    return push(machine, value);
}

/* REDUCE, NEWOBJ: an empty OrderedDict becomes a dict; every other call is only written down. */
static bool push_call(struct machine *machine) {
    struct pickle_value *arguments = pop(machine);
    struct pickle_value *callee = arguments == NULL ? NULL : pop(machine);
    if (callee == NULL)
        return false;
    if (arguments->kind != PICKLE_TUPLE)
        return broken(machine, "calls with what is no tuple");
    if (callee->kind == PICKLE_GLOBAL && arguments->count == 0 &&
        strcmp(callee->string, "collections OrderedDict") == 0)
        return push(machine, make(machine, PICKLE_DICT));
    struct pickle_value *call = make(machine, PICKLE_CALL);
    return call != NULL && append(machine, call, callee) && append(machine, call, arguments) &&
           push(machine, call);
}

static bool push_persistent(struct machine *machine) {
    struct pickle_value *id = pop(machine);
    struct pickle_value *value = id == NULL ? NULL : make(machine, PICKLE_PERSISTENT);
    return value != NULL && append(machine, value, id) && push(machine, value);
}

/* --- the memo --- */

static bool remember(struct machine *machine, size_t slot) {
    struct pickle_value *value = top(machine);
    if (value == NULL)
        return false;
    /* No writer skips slots, so a slot is below the number of bytes read so far. */
    if (slot > (size_t)(machine->at - machine->begin))
        return broken(machine, "remembers under a number that is too large");
    while (machine->memo.count <= slot) {
        if (!values_add(machine, &machine->memo, NULL))
            return false;
    }
    machine->memo.items[slot] = value;
    return true;
}

static bool remember_at(struct machine *machine, size_t bytes) {
    uint64_t slot = 0;
    return take_number(machine, bytes, &slot) && remember(machine, (size_t)slot);
}

static bool recall(struct machine *machine, size_t bytes) {
    uint64_t slot = 0;
    if (!take_number(machine, bytes, &slot))
        return false;
    if (slot >= machine->memo.count || machine->memo.items[slot] == NULL)
        return broken(machine, "recalls what was never remembered");
    return push(machine, machine->memo.items[slot]);
}

/* --- the machine --- */

static bool skip(struct machine *machine, size_t bytes) {
    const uint8_t *skipped = NULL;
    return take(machine, bytes, &skipped);
}

/* One opcode but STOP; the names are pickletools'. */
static bool step(struct machine *machine, uint8_t opcode) {
    switch (opcode) {
    case 0x80: return skip(machine, 1);  /* PROTO */
    case 0x95: return skip(machine, 8);  /* FRAME */
    case '(': return push_mark(machine); /* MARK */
    case 'N': return push(machine, make(machine, PICKLE_NONE));
    case 0x88: return push_integer(machine, PICKLE_BOOL, 1); /* NEWTRUE */
    case 0x89: return push_integer(machine, PICKLE_BOOL, 0); /* NEWFALSE */
    case 'K': return push_unsigned(machine, 1);              /* BININT1 */
    case 'M': return push_unsigned(machine, 2);              /* BININT2 */
    case 'J': return push_binint(machine);                   /* BININT */
    case 0x8a: return push_long(machine);                    /* LONG1 */
    case 'G': return push_float(machine);                    /* BINFLOAT */
    case 'X': return push_string(machine, 4);                /* BINUNICODE */
    case 0x8c: return push_string(machine, 1);               /* SHORT_BINUNICODE */
    case ')': return push(machine, make(machine, PICKLE_TUPLE));
    case 0x85: return push_tuple(machine, 1);            /* TUPLE1 */
    case 0x86: return push_tuple(machine, 2);            /* TUPLE2 */
    case 0x87: return push_tuple(machine, 3);            /* TUPLE3 */
    case 't': return push_marked(machine, PICKLE_TUPLE); /* TUPLE */
    case ']': return push(machine, make(machine, PICKLE_LIST));
    case '}': return push(machine, make(machine, PICKLE_DICT));
    case 'a': return add_last(machine, PICKLE_LIST);          /* APPEND */
    case 'e': return add_marked(machine, PICKLE_LIST);        /* APPENDS */
    case 's': return add_last(machine, PICKLE_DICT);          /* SETITEM */
    case 'u': return add_marked(machine, PICKLE_DICT);        /* SETITEMS */
    case 'c': return push_global(machine);                    /* GLOBAL */
    case 0x93: return push_stack_global(machine);             /* STACK_GLOBAL */
    case 'R':                                                 /* REDUCE */
    case 0x81: return push_call(machine);                     /* NEWOBJ */
    case 'Q': return push_persistent(machine);                /* BINPERSID */
    case 'b': return pop(machine) != NULL;                    /* BUILD: an object's attributes */
    case 'q': return remember_at(machine, 1);                 /* BINPUT */
    case 'r': return remember_at(machine, 4);                 /* LONG_BINPUT */
    case 0x94: return remember(machine, machine->memo.count); /* MEMOIZE */
    case 'h': return recall(machine, 1);                      /* BINGET */
    case 'j': return recall(machine, 4);                      /* LONG_BINGET */
    default: return unknown(machine);
    }
}

static bool run(struct machine *machine) {
    const uint8_t *opcode = NULL;
    while (take(machine, 1, &opcode)) {
        if (*opcode != '.') {
            if (!step(machine, *opcode))
                return false;
            continue;
        }
        machine->pickle->root = pop(machine);
        return machine->pickle->root != NULL;
    }
    return false;
}

bool pickle_read(const uint8_t *data, size_t length, const char *name, struct pickle **pickle,
                 struct error *error) {
    struct pickle *made = calloc(1, sizeof *made);
    *pickle = NULL;
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "%s: no memory to read it", name);
    struct machine machine = {.name = name,
                              .at = data,
                              .begin = data,
                              .end = data + length,
                              .pickle = made,
                              .memory_left = memory_limit,
                              .error = error};
    bool ok = run(&machine);
    free(machine.stack.items);
    free(machine.memo.items);
    free(machine.marks);
    if (ok)
        *pickle = made;
    else
        pickle_free(made);
    return ok;
}

void pickle_free(struct pickle *pickle) {
    if (pickle == NULL)
        return;
    for (size_t i = 0; i < pickle->made.count; i++) {
        free(pickle->made.items[i]->string);
        free(pickle->made.items[i]->items);
        free(pickle->made.items[i]);
    }
    free(pickle->made.items);
    free(pickle);
}

const struct pickle_value *pickle_root(const struct pickle *pickle) {
    return pickle->root;
}

const struct pickle_value *pickle_find(const struct pickle_value *dict, const char *key) {
    if (dict->kind != PICKLE_DICT)
        return NULL;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        if (dict->items[i]->kind == PICKLE_STRING && strcmp(dict->items[i]->string, key) == 0)
            return dict->items[i + 1];
    }
    return NULL;
}
