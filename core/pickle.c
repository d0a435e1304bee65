#include "core/pickle_machine.h"

#include "core/little_endian.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- operands --- */

static bool set_string(struct pickle_machine *machine, struct pickle_value *value, const char *text,
                       size_t length) {
    if (value == NULL)
        return false;
    if (!pickle_charge(machine, length + 1))
        return false;
    value->string = strndup(text, length);
    return value->string != NULL || pickle_no_memory(machine);
}

static bool push_opaque(struct pickle_machine *machine) {
    return pickle_push(machine, pickle_make(machine, PICKLE_OPAQUE));
}

static bool take_counted(struct pickle_machine *machine, size_t length_bytes, uint64_t *length,
                         const uint8_t **bytes) {
    return pickle_take_number(machine, length_bytes, length) &&
           pickle_take(machine, (size_t)*length, bytes);
}

static bool push_bytes(struct pickle_machine *machine, size_t length_bytes) {
    uint64_t length = 0;
    const uint8_t *bytes = NULL;
    return take_counted(machine, length_bytes, &length, &bytes) && push_opaque(machine);
}

static bool push_string(struct pickle_machine *machine, size_t length_bytes) {
    uint64_t length = 0;
    const uint8_t *text = NULL;
    struct pickle_value *value;
    if (!take_counted(machine, length_bytes, &length, &text))
        return false;
    if (memchr(text, '\0', (size_t)length) != NULL)
        return push_opaque(machine);
    return (value = pickle_make(machine, PICKLE_STRING)) != NULL &&
           set_string(machine, value, (const char *)text, (size_t)length) &&
           pickle_push(machine, value);
}

static bool push_integer(struct pickle_machine *machine, enum pickle_kind kind, int64_t integer) {
    struct pickle_value *value = pickle_make(machine, kind);
    if (value == NULL)
        return false;
    value->integer = integer;
    return pickle_push(machine, value);
}

static bool push_unsigned(struct pickle_machine *machine, size_t bytes) {
    uint64_t number = 0;
    return pickle_take_number(machine, bytes, &number) &&
           push_integer(machine, PICKLE_INT, (int64_t)number);
}

static bool push_binint(struct pickle_machine *machine) {
    uint64_t number = 0;
    return pickle_take_number(machine, 4, &number) &&
           push_integer(machine, PICKLE_INT, (int32_t)(uint32_t)number);
}

/* Two's complement of the length given. */
static bool push_long(struct pickle_machine *machine, size_t length_bytes) {
    uint64_t length = 0;
    const uint8_t *bytes = NULL;
    if (!take_counted(machine, length_bytes, &length, &bytes))
        return false;
    if (length > 8)
        return push_opaque(machine);
    uint64_t number = little_endian(bytes, (size_t)length);
    if (length > 0 && length < 8 && (number >> (8 * length - 1) & 1) != 0)
        number |= UINT64_MAX << (8 * length);
    return push_integer(machine, PICKLE_INT, (int64_t)number);
}

/* BINFLOAT is big-endian, unlike everything else. */
static bool push_float(struct pickle_machine *machine) {
    const uint8_t *bytes = NULL;
    struct pickle_value *value;
    if (!pickle_take(machine, 8, &bytes) || (value = pickle_make(machine, PICKLE_FLOAT)) == NULL)
        return false;
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    memcpy(&value->number, &bits, sizeof bits);
    return pickle_push(machine, value);
}

/* --- values made of values --- */

static bool push_tuple(struct pickle_machine *machine, size_t count) {
    if (machine->stack.count - pickle_floor(machine) < count)
        return pickle_broken(machine, "takes from an empty stack");
    struct pickle_value *tuple = pickle_make(machine, PICKLE_TUPLE);
    return pickle_gather(machine, machine->stack.count - count, tuple) &&
           pickle_push(machine, tuple);
}

static bool push_marked(struct pickle_machine *machine, enum pickle_kind kind) {
    size_t first = 0;
    if (!pickle_pop_mark(machine, &first))
        return false;
    struct pickle_value *value = pickle_make(machine, kind);
    return pickle_gather(machine, first, value) && pickle_push(machine, value);
}

/* Moves what stands from `first` on into the dict or list below it. What a call would give may be
 * a kind of dict too (a defaultdict, a Counter); that is not known, and its items are dropped. */
static bool add_from(struct pickle_machine *machine, size_t first, enum pickle_kind kind) {
    struct pickle_value *to = machine->stack.items[first - 1];
    if (to->kind == PICKLE_CALL) {
        machine->stack.count = first;
        return true;
    }
    if (to->kind != kind || (kind == PICKLE_DICT && (machine->stack.count - first) % 2 != 0))
        return pickle_broken(machine, "adds to what is no dict or list");
    return pickle_gather(machine, first, to);
}

/* SETITEMS, APPENDS: what stands above the mark. */
static bool add_marked(struct pickle_machine *machine, enum pickle_kind kind) {
    size_t first = 0;
    if (!pickle_pop_mark(machine, &first))
        return false;
    if (first <= pickle_floor(machine))
        return pickle_broken(machine, "takes from an empty stack");
    return add_from(machine, first, kind);
}

static bool add_last(struct pickle_machine *machine, enum pickle_kind kind) {
    size_t count = kind == PICKLE_DICT ? 2 : 1;
    size_t height = machine->stack.count - pickle_floor(machine);
    if (height < count + 1)
        return pickle_broken(machine, "takes from an empty stack");
    return add_from(machine, machine->stack.count - count, kind);
}

/* GLOBAL: two lines, module and name. */
static bool push_global(struct pickle_machine *machine) {
    const uint8_t *module = machine->at;
    const uint8_t *space = memchr(module, '\n', (size_t)(machine->end - module));
    const uint8_t *end =
        space == NULL ? NULL : memchr(space + 1, '\n', (size_t)(machine->end - space - 1));
    if (end == NULL)
        return pickle_broken(machine, "is cut short");
    if (memchr(module, '\0', (size_t)(end - module)) != NULL)
        return pickle_broken(machine, "names a class by what is no string");
    struct pickle_value *value = pickle_make(machine, PICKLE_GLOBAL);
    if (!set_string(machine, value, (const char *)module, (size_t)(end - module)))
        return false;
    value->string[space - module] = ' ';
    machine->at = end + 1;
    return pickle_push(machine, value);
}

static bool push_stack_global(struct pickle_machine *machine) {
    struct pickle_value *name = pickle_pop(machine);
    struct pickle_value *module = name == NULL ? NULL : pickle_pop(machine);
    if (module == NULL)
        return false;
    if (name->kind != PICKLE_STRING || module->kind != PICKLE_STRING)
        return pickle_broken(machine, "names a class by what is no string");
    struct pickle_value *value = pickle_make(machine, PICKLE_GLOBAL);
    if (value == NULL)
        return false;
    if (!pickle_charge(machine, strlen(module->string) + strlen(name->string) + 2))
        return false;
    if (asprintf(&value->string, "%s %s", module->string, name->string) < 0) {
        value->string = NULL;
        return pickle_no_memory(machine);
    }
    return pickle_push(machine, value);
}

/* REDUCE, NEWOBJ: an empty OrderedDict becomes a dict; every other call is only written down. */
static bool push_call(struct pickle_machine *machine) {
    struct pickle_value *arguments = pickle_pop(machine);
    struct pickle_value *callee = arguments == NULL ? NULL : pickle_pop(machine);
    if (callee == NULL)
        return false;
    if (arguments->kind != PICKLE_TUPLE)
        return pickle_broken(machine, "calls with what is no tuple");
    if (callee->kind == PICKLE_GLOBAL && arguments->count == 0 &&
        strcmp(callee->string, "collections OrderedDict") == 0)
        return pickle_push(machine, pickle_make(machine, PICKLE_DICT));
    struct pickle_value *call = pickle_make(machine, PICKLE_CALL);
    return call != NULL && pickle_append(machine, call, callee) &&
           pickle_append(machine, call, arguments) && pickle_push(machine, call);
}

static bool push_persistent(struct pickle_machine *machine) {
    struct pickle_value *id = pickle_pop(machine);
    struct pickle_value *value = id == NULL ? NULL : pickle_make(machine, PICKLE_PERSISTENT);
    return value != NULL && pickle_append(machine, value, id) && pickle_push(machine, value);
}

/* --- the memo --- */

static bool remember(struct pickle_machine *machine, size_t slot) {
    struct pickle_value *value = pickle_top(machine);
    if (value == NULL)
        return false;
    /* No writer skips slots, so a slot is below the number of bytes read so far. */
    if (slot > (size_t)(machine->at - machine->begin))
        return pickle_broken(machine, "remembers under a number that is too large");
    while (machine->memo.count <= slot) {
        if (!pickle_values_add(machine, &machine->memo, NULL))
            return false;
    }
    machine->memo.items[slot] = value;
    return true;
}

static bool remember_at(struct pickle_machine *machine, size_t bytes) {
    uint64_t slot = 0;
    return pickle_take_number(machine, bytes, &slot) && remember(machine, (size_t)slot);
}

static bool recall(struct pickle_machine *machine, size_t bytes) {
    uint64_t slot = 0;
    if (!pickle_take_number(machine, bytes, &slot))
        return false;
    if (slot >= machine->memo.count || machine->memo.items[slot] == NULL)
        return pickle_broken(machine, "recalls what was never remembered");
    return pickle_push(machine, machine->memo.items[slot]);
}

/* --- the machine --- */

static bool skip(struct pickle_machine *machine, size_t bytes) {
    const uint8_t *skipped = NULL;
    return pickle_take(machine, bytes, &skipped);
}

/* One opcode but STOP; the names are pickletools'. */
static bool step(struct pickle_machine *machine, uint8_t opcode) {
    switch (opcode) {
    case 0x80: return skip(machine, 1);         /* PROTO */
    case 0x95: return skip(machine, 8);         /* FRAME */
    case '(': return pickle_push_mark(machine); /* MARK */
    case 'N': return pickle_push(machine, pickle_make(machine, PICKLE_NONE));
    case 0x88: return push_integer(machine, PICKLE_BOOL, 1); /* NEWTRUE */
    case 0x89: return push_integer(machine, PICKLE_BOOL, 0); /* NEWFALSE */
    case 'K': return push_unsigned(machine, 1);              /* BININT1 */
    case 'M': return push_unsigned(machine, 2);              /* BININT2 */
    case 'J': return push_binint(machine);                   /* BININT */
    case 0x8a: return push_long(machine, 1);                 /* LONG1 */
    case 0x8b: return push_long(machine, 4);                 /* LONG4 */
    case 'G': return push_float(machine);                    /* BINFLOAT */
    case 'X': return push_string(machine, 4);                /* BINUNICODE */
    case 0x8c:                                               /* SHORT_BINUNICODE */
    case 'U': return push_string(machine, 1);                /* SHORT_BINSTRING: Python 2's */
    case 'T': return push_string(machine, 4);                /* BINSTRING */
    case 'C': return push_bytes(machine, 1);                 /* SHORT_BINBYTES */
    case 'B': return push_bytes(machine, 4);                 /* BINBYTES */
    case 0x8e:                                               /* BINBYTES8 */
    case 0x96: return push_bytes(machine, 8);                /* BYTEARRAY8 */
    case ')': return pickle_push(machine, pickle_make(machine, PICKLE_TUPLE));
    case 0x85: return push_tuple(machine, 1);             /* TUPLE1 */
    case 0x86: return push_tuple(machine, 2);             /* TUPLE2 */
    case 0x87: return push_tuple(machine, 3);             /* TUPLE3 */
    case 't': return push_marked(machine, PICKLE_TUPLE);  /* TUPLE */
    case 0x91: return push_marked(machine, PICKLE_TUPLE); /* FROZENSET */
    case 0x8f:                                            /* EMPTY_SET */
    case ']': return pickle_push(machine, pickle_make(machine, PICKLE_LIST));
    case '}': return pickle_push(machine, pickle_make(machine, PICKLE_DICT));
    case 'a': return add_last(machine, PICKLE_LIST);          /* APPEND */
    case 0x90:                                                /* ADDITEMS */
    case 'e': return add_marked(machine, PICKLE_LIST);        /* APPENDS */
    case 's': return add_last(machine, PICKLE_DICT);          /* SETITEM */
    case 'u': return add_marked(machine, PICKLE_DICT);        /* SETITEMS */
    case 'c': return push_global(machine);                    /* GLOBAL */
    case 0x93: return push_stack_global(machine);             /* STACK_GLOBAL */
    case 'R':                                                 /* REDUCE */
    case 0x81: return push_call(machine);                     /* NEWOBJ */
    case 'Q': return push_persistent(machine);                /* BINPERSID */
    case 'b': return pickle_pop(machine) != NULL;             /* BUILD: an object's attributes */
    case 'q': return remember_at(machine, 1);                 /* BINPUT */
    case 'r': return remember_at(machine, 4);                 /* LONG_BINPUT */
    case 0x94: return remember(machine, machine->memo.count); /* MEMOIZE */
    case 'h': return recall(machine, 1);                      /* BINGET */
    case 'j': return recall(machine, 4);                      /* LONG_BINGET */
    default: return pickle_unknown(machine);
    }
}

static bool run(struct pickle_machine *machine) {
    const uint8_t *opcode = NULL;
    while (pickle_take(machine, 1, &opcode)) {
        if (*opcode != '.') {
            if (!step(machine, *opcode))
                return false;
            continue;
        }
        machine->pickle->root = pickle_pop(machine);
        return machine->pickle->root != NULL;
    }
    return false;
}

bool pickle_read_first(const uint8_t *data, size_t length, const char *name, struct pickle **pickle,
                       size_t *used, struct error *error) {
    struct pickle *made = calloc(1, sizeof *made);
    *pickle = NULL;
    if (made == NULL)
        return error_machine(error, "%s: no memory to read it", name);
    struct pickle_machine machine = {.name = name,
                                     .at = data,
                                     .begin = data,
                                     .end = data + length,
                                     .pickle = made,
                                     .memory_left = PICKLE_MEMORY_MAX,
                                     .error = error};
    bool ok = run(&machine);
    *used = (size_t)(machine.at - machine.begin);
    free(machine.stack.items);
    free(machine.memo.items);
    free(machine.marks);
    if (ok)
        *pickle = made;
    else
        pickle_free(made);
    return ok;
}

bool pickle_read(const uint8_t *data, size_t length, const char *name, struct pickle **pickle,
                 struct error *error) {
    size_t used;
    return pickle_read_first(data, length, name, pickle, &used, error);
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

size_t pickle_size(const struct pickle *pickle) {
    return pickle->made.count;
}

const struct pickle_value *pickle_at(const struct pickle *pickle, size_t index) {
    return pickle->made.items[index];
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
