/* JSON: what is read can be written, and reads back the same. */
#include "core/json.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error error = {0};
    cJSON *value = json_parse((const char *)data, size, "input", &error);
    if (value == NULL) {
        FUZZ_HOLDS(error.code != ERROR_NONE);
        return 0;
    }
    char *text = json_text(value);
    FUZZ_HOLDS(text != NULL);
    cJSON *again = json_parse(text, strlen(text), "written", &error);
    FUZZ_HOLDS(again != NULL && cJSON_Compare(value, again, true));
    cJSON_Delete(again);
    free(text);
    cJSON_Delete(value);
    return 0;
}
