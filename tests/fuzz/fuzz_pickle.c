/* Pickles: nothing is called, and what is read can be walked to a bounded depth. */
#include "core/pickle.h"
#include "tests/fuzz/fuzz.h"

enum { DEPTH = 6, WIDTH = 8 };

static size_t walk(const struct pickle_value *value, int depth) {
    size_t seen = 1;
    FUZZ_HOLDS(value != NULL && value->kind <= PICKLE_OPAQUE);
    for (size_t i = 0; depth > 0 && i < value->count && i < WIDTH; i++)
        seen += walk(value->items[i], depth - 1);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pickle *pickle = NULL;
    struct error error = {0};
    if (pickle_read(data, size, "input", &pickle, &error)) {
        walk(pickle_root(pickle), DEPTH);
        pickle_find(pickle_root(pickle), "state_dict");
        pickle_free(pickle);
    } else {
        FUZZ_HOLDS(error.code != ERROR_NONE);
    }
    return 0;
}
