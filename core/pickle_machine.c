#include "core/pickle_machine.h"

#include "core/little_endian.h"

#include <stdlib.h>

/* --- memory --- */

bool pickle_no_memory(struct pickle_machine *machine) {
    return error_machine(machine->error, "%s: no memory to read it", machine->name);
}

bool pickle_broken(struct pickle_machine *machine, const char *what) {
    return error_set(
        machine->error, ERROR_INPUT,
        "%s: byte %zu of its pickle: %s; the file is damaged, or not made by torch.save",
        machine->name, (size_t)(machine->at - machine->begin), what);
}

bool pickle_unknown(struct pickle_machine *machine) {
    return error_set(
        machine->error, ERROR_INPUT,
        "%s: byte %zu of its pickle: holds objects of Python, and only tensors and plain data "
        "are read; save the weights alone: torch.save(model.state_dict(), ...)",
        machine->name, (size_t)(machine->at - machine->begin));
}

/* A byte of a pickle can ask for a hundred of memory, or copy a string that was read before: what
 * is made is counted. */
bool pickle_charge(struct pickle_machine *machine, size_t bytes) {
    if (bytes > machine->memory_left)
        return error_set(machine->error, ERROR_INPUT,
                         "%s: its pickle makes more than %zu MiB of objects; save the weights "
                         "alone: torch.save(model.state_dict(), ...)",
                         machine->name, (size_t)PICKLE_MEMORY_MAX >> 20);
    machine->memory_left -= bytes;
    return true;
}

/* Room for one more of `size` bytes in a list that doubles from 4. */
static bool grow(struct pickle_machine *machine, void **items, size_t count, size_t *capacity,
                 size_t size) {
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 4 : 2 * *capacity;
    if (!pickle_charge(machine, (wanted - *capacity) * size))
        return false;
    void *grown = reallocarray(*items, wanted, size);
    if (grown == NULL)
        return pickle_no_memory(machine);
    *items = grown;
    *capacity = wanted;
    return true;
}

bool pickle_values_add(struct pickle_machine *machine, struct pickle_values *values,
                       struct pickle_value *value) {
    void *items = values->items;
    bool ok = grow(machine, &items, values->count, &values->capacity, sizeof *values->items);
    values->items = items;
    if (ok)
        values->items[values->count++] = value;
    return ok;
}

struct pickle_value *pickle_make(struct pickle_machine *machine, enum pickle_kind kind) {
    struct pickle_value *value = NULL;
    if (!pickle_charge(machine, sizeof *value))
        return NULL;
    value = calloc(1, sizeof *value);
    if (value == NULL) {
        pickle_no_memory(machine);
        return NULL;
    }
    if (!pickle_values_add(machine, &machine->pickle->made, value)) {
        free(value);
        return NULL;
    }
    value->kind = kind;
    return value;
}

bool pickle_append(struct pickle_machine *machine, struct pickle_value *to,
                   struct pickle_value *item) {
    struct pickle_values values = {to->items, to->count, to->capacity};
    if (!pickle_values_add(machine, &values, item))
        return false;
    to->items = values.items;
    to->count = values.count;
    to->capacity = values.capacity;
    return true;
}

/* --- the stack --- */

bool pickle_push(struct pickle_machine *machine, struct pickle_value *value) {
    return value != NULL && pickle_values_add(machine, &machine->stack, value);
}

size_t pickle_floor(const struct pickle_machine *machine) {
    return machine->mark_count == 0 ? 0 : machine->marks[machine->mark_count - 1];
}

struct pickle_value *pickle_pop(struct pickle_machine *machine) {
    if (machine->stack.count <= pickle_floor(machine)) {
        pickle_broken(machine, "takes from an empty stack");
        return NULL;
    }
    return machine->stack.items[--machine->stack.count];
}

struct pickle_value *pickle_top(struct pickle_machine *machine) {
    struct pickle_value *value = pickle_pop(machine);
    machine->stack.count += value != NULL;
    return value;
}

bool pickle_push_mark(struct pickle_machine *machine) {
    void *marks = machine->marks;
    bool ok =
        grow(machine, &marks, machine->mark_count, &machine->mark_capacity, sizeof *machine->marks);
    machine->marks = marks;
    if (ok)
        machine->marks[machine->mark_count++] = machine->stack.count;
    return ok;
}

bool pickle_gather(struct pickle_machine *machine, size_t first, struct pickle_value *to) {
    bool ok = to != NULL;
    for (size_t i = first; ok && i < machine->stack.count; i++)
        ok = pickle_append(machine, to, machine->stack.items[i]);
    machine->stack.count = first;
    return ok;
}

bool pickle_pop_mark(struct pickle_machine *machine, size_t *first) {
    if (machine->mark_count == 0)
        return pickle_broken(machine, "has no mark");
    *first = machine->marks[--machine->mark_count];
    return true;
}

/* --- operands --- */

bool pickle_take(struct pickle_machine *machine, size_t length, const uint8_t **bytes) {
    if ((size_t)(machine->end - machine->at) < length)
        return pickle_broken(machine, "is cut short");
    *bytes = machine->at;
    machine->at += length;
    return true;
}

bool pickle_take_number(struct pickle_machine *machine, size_t bytes, uint64_t *number) {
    const uint8_t *data = NULL;
    if (!pickle_take(machine, bytes, &data))
        return false;
    *number = little_endian(data, bytes);
    return true;
}
