/* Manifests as files, and the listings of checksums that stand for one class. */
#include "core/checksums.h"
#include "core/manifest_file.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void hold_together(const struct manifest *manifest) {
    size_t pictures = 0;
    for (size_t c = 0; c < manifest->class_count; c++) {
        FUZZ_HOLDS(manifest->classes[c].first == pictures);
        pictures += manifest->classes[c].count;
    }
    FUZZ_HOLDS(pictures == manifest->count);
    for (size_t i = 0; i < manifest->count; i++)
        FUZZ_HOLDS(sha256_valid(manifest->pictures[i].sha256));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file file = {.descriptor = -1};
    struct manifest manifest;
    struct error error = {0};
    if (manifest_read(fuzz_file(&file, data, size), &manifest, &error)) {
        hold_together(&manifest);
        char *text = manifest_text(&manifest);
        FUZZ_HOLDS(text != NULL);
        free(text);
        manifest_free(&manifest);
    } else {
        FUZZ_HOLDS(error.code != ERROR_NONE);
    }
    if (checksums_read((const char *)data, size, "fuzz", &manifest, &error)) {
        size_t length;
        hold_together(&manifest);
        char *text = checksums_text(&manifest, &manifest.classes[0], &length);
        FUZZ_HOLDS(text != NULL && length == size && memcmp(text, data, size) == 0);
        free(text);
        manifest_free(&manifest);
    }
    return 0;
}
