#include "core/shortage.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_bool ever;
static _Thread_local unsigned gaps;

void shortage_note(void) {
    ever = true;
}

bool shortage_ever(void) {
    return ever;
}

bool shortage_in_trees(void) {
    bool has = gaps > 0;
    gaps = 0;
    return has;
}

unsigned shortage_count(void) {
    return gaps;
}

void shortage_forgive(unsigned count) {
    gaps = count;
}

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        gaps++;
        shortage_note();
    }
    return memory;
}

/* cJSON allocates from the first tree on, in whatever program. */
__attribute__((constructor)) static void watch_cjson(void) {
    cJSON_Hooks hooks = {.malloc_fn = allocate, .free_fn = free};
    cJSON_InitHooks(&hooks);
}
