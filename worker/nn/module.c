#include "worker/nn/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    pthread_once_t once;
    const struct backend *backend;
    char why[256];
} loaded = {.once = PTHREAD_ONCE_INIT};

/* ---- where it is ---- */

/* dlopen looks for a name without a slash among the system's libraries, and not here. */
static bool file_in(const char *folder, const char *rest, char path[PATH_MAX]) {
    const char *here = strchr(folder, '/') == NULL ? "./" : "";
    int length = snprintf(path, PATH_MAX, "%s%s%s", here, folder, rest);
    return length > 0 && length < PATH_MAX && access(path, R_OK) == 0;
}

/* NULL: none is. */
static const char *named(void) {
    const char *path = getenv("ASSAY_CUDA_MODULE");
    return path != NULL && *path != '\0' ? path : NULL;
}

static bool find(char path[PATH_MAX]) {
    char folder[PATH_MAX];
    if (named() != NULL)
        return file_in(named(), "", path);
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length <= 0)
        return false;
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
    return file_in(folder, "/assay-cuda.so", path) ||
           file_in(folder, "/../lib/assay/assay-cuda.so", path);
}

bool module_built(void) {
    char path[PATH_MAX];
    return named() != NULL || find(path);
}

/* ---- loading ---- */

/* Whether the driver's library is there: without it the module is not worth opening. */
static bool driver_there(void) {
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (driver != NULL)
        dlclose(driver);
    return driver != NULL;
}

static void because(const char *why) {
    snprintf(loaded.why, sizeof loaded.why, "%s", why);
}

static void load(void) {
    char path[PATH_MAX];
    if (!find(path)) {
        if (named() != NULL)
            snprintf(loaded.why, sizeof loaded.why,
                     "ASSAY_CUDA_MODULE names %s, which cannot be read", named());
        else
            because("this build does not have it");
        return;
    }
    if (!driver_there()) {
        because("there is no NVIDIA driver on this machine");
        return;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* for as long as the program runs */
    const struct module *module = library == NULL ? NULL : dlsym(library, "assay_module");
    if (module == NULL)
        because(dlerror());
    else if (strcmp(module->version, ASSAY_VERSION) != 0 ||
             module->backend_bytes != sizeof(struct backend))
        because("assay-cuda.so is of another build than this program; build both again");
    else
        loaded.backend = module->backend;
}

const struct backend *module_backend(char *why, size_t size) {
    pthread_once(&loaded.once, load);
    if (loaded.backend == NULL)
        snprintf(why, size, "%s", loaded.why);
    return loaded.backend;
}
