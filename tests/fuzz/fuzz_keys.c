/* Key files and lists of keys: a key that is taken is found, and written as it was read. */
#include "coordinator/allow.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct allow_list list = {0};
    struct key_pair pair;
    struct error error = {0};
    if (!key_pair_parse(text, size, &pair, &error))
        FUZZ_HOLDS(error.code != ERROR_NONE);
    allow_parse(text, size, "input", &list, &error);
    for (size_t i = 0; i < list.count; i++) {
        char hex[KEY_TEXT_SIZE];
        struct key key;
        key_text(&list.keys[i].key, hex);
        FUZZ_HOLDS(key_public_read(hex, &key, &error));
        FUZZ_HOLDS(allow_find(&list, &key) != NULL);
        FUZZ_HOLDS(strlen(list.keys[i].name) <= KEY_NAME_MAX);
    }
    allow_free(&list);
    return 0;
}
