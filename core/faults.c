#include "core/faults.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands in where memory ran out: an input with a fault must not count as one without. */
static char no_place[] = "", no_memory[] = "no memory to check it";
static struct fault no_memory_fault = {no_place, no_memory};

void faults_add(struct faults *faults, const char *place, const char *format, ...) {
    struct fault *items = NULL;
    if (faults->items != &no_memory_fault && faults->count < FAULTS_MAX)
        items = reallocarray(faults->items, faults->count + 1, sizeof *items);
    if (items == NULL) {
        if (faults->items == NULL)
            *faults = (struct faults){&no_memory_fault, 1, .machine = true};
        faults->more = true;
        return;
    }
    struct fault *fault = &items[faults->count];
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&fault->message, format, arguments) < 0)
        fault->message = no_memory;
    else
        text_one_line(fault->message);
    va_end(arguments);
    fault->place = strdup(place);
    if (fault->place == NULL) {
        fault->place = no_place;
        faults->more = true;
    }
    faults->items = items;
    faults->count++;
}

void faults_add_memory(struct faults *faults, const char *place, const char *what) {
    faults->machine = true;
    faults_add(faults, place, "no memory to %s", what);
}

bool faults_since(const struct faults *faults, size_t first) {
    return faults->count > first || faults->more;
}

void faults_store(const struct faults *faults, struct error *error) {
    const struct fault *first = &faults->items[0];
    const char *between = first->place[0] == '\0' ? "" : ": ";
    if (faults->machine)
        error_machine(error, "%s%s%s", first->place, between, first->message);
    else
        error_set(error, ERROR_INPUT, "%s%s%s", first->place, between, first->message);
}

void faults_free(struct faults *faults) {
    for (size_t i = 0; i < faults->count; i++) {
        if (faults->items[i].place != no_place)
            free(faults->items[i].place);
        if (faults->items[i].message != no_memory)
            free(faults->items[i].message);
    }
    if (faults->items != &no_memory_fault)
        free(faults->items);
    *faults = (struct faults){0};
}
