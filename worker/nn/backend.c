/* Which backends this build has, in the order in which "auto" tries them. */
#include "worker/nn/backend.h"

#include <string.h>

static const struct backend *const backends[] = {&backend_cpu};

const struct backend *backend_find(const char *name, int device, struct error *error) {
    bool any = strcmp(name, "auto") == 0 || strcmp(name, "any") == 0;
    char what[256] = "this build does not have it";
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (!any && strcmp(backends[i]->name, name) != 0)
            continue;
        if (backends[i]->available(device, what, sizeof what))
            return backends[i];
    }
    error_set(error, ERROR_INPUT, "backend \"%s\" cannot be used: %s; choose auto or cpu", name,
              what);
    return NULL;
}
