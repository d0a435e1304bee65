#include "worker/options.h"

#include "core/standard.h"
#include "worker/nn/backend.h"

#include <string.h>

error_t options_device(const struct argp_state *state, const char *text, int *device) {
    long long number = 0;
    error_t code = options_integer(state, "--device", text, 0, 1023, &number);
    *device = (int)number;
    return code;
}

error_t options_threads(const struct argp_state *state, const char *text, int *threads) {
    long long number = 0;
    error_t code = options_integer(state, "--threads", text, 0, 1024, &number);
    *threads = (int)number;
    return code;
}

error_t options_cache_gib(const struct argp_state *state, const char *text, int64_t *bytes) {
    long long number = 0;
    error_t code = options_integer(state, "--data-cache-gib", text, 0, 1 << 20, &number);
    *bytes = (int64_t)number << 30;
    return code;
}

error_t options_backend(const struct argp_state *state, const char *text, const char **value) {
    *value = text;
    if (strcmp(text, "auto") != 0 && strcmp(text, "cpu") != 0 && strcmp(text, "cuda") != 0)
        return options_mistake(state, "--backend is auto, cpu or cuda, not \"%s\"", text);
    return 0;
}

error_t options_precision(const struct argp_state *state, const char *text, enum precision *value) {
    for (int i = 0; i < PRECISIONS; i++)
        if (strcmp(text, precision_names[i]) == 0) {
            *value = (enum precision)i;
            return 0;
        }
    return options_mistake(state, "--precision is fp32, tf32 or bf16, not \"%s\"", text);
}

void options_tell(void *context, const char *line) {
    (void)context;
    standard_complain("%s", line);
}

void options_tell_backend(const char *backend, int device) {
    char line[512];
    if (backend_passed(backend, device, line, sizeof line))
        options_tell(NULL, line);
}
