/* Which backends there are, in the order in which "auto" tries them. */
#include "worker/nn/backend.h"

#include "worker/nn/module.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"cuda", "cpu"};
enum { BACKENDS = sizeof names / sizeof names[0] };

static bool is_any(const char *name) {
    return strcmp(name, "auto") == 0 || strcmp(name, "any") == 0;
}

/* The backend of that name if it can run here; `what` gets a line either way. */
static const struct backend *usable(const char *name, int device, char *what, size_t size) {
    const struct backend *backend =
        strcmp(name, "cuda") == 0 ? module_backend(what, size) : &backend_cpu;
    return backend != NULL && backend->available(device, what, size) ? backend : NULL;
}

const struct backend *backend_find(const char *name, int device, struct error *error) {
    char what[256] = "there is none of that name";
    for (size_t i = 0; i < BACKENDS; i++) {
        if (!is_any(name) && strcmp(names[i], name) != 0)
            continue;
        const struct backend *backend = usable(names[i], device, what, sizeof what);
        if (backend != NULL)
            return backend;
    }
    error_set(error, ERROR_INPUT, "backend \"%s\" cannot be used: %s; choose auto or cpu", name,
              what);
    if (error != NULL)
        error->cause = CAUSE_MACHINE;
    return NULL;
}

bool backend_passed(const char *name, int device, char *line, size_t size) {
    char what[256] = "";
    if (!is_any(name) || !module_built() || usable("cuda", device, what, sizeof what) != NULL)
        return false;
    snprintf(line, size, "computing on the CPU: backend cuda cannot be used: %s", what);
    return true;
}

bool backend_describe(size_t index, int device, const char **name, bool *can, char *what,
                      size_t size) {
    if (index >= BACKENDS)
        return false;
    *name = names[index];
    *can = usable(names[index], device, what, size) != NULL;
    return true;
}
