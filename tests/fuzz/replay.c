/* The target beside which this is linked, on every file of the folders that are named. */
#include "core/file.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

enum { INPUT_MAX = 16 << 20 };

static size_t replay(const char *folder) {
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;
    FUZZ_HOLDS(listing != NULL);
    while ((entry = readdir(listing)) != NULL) {
        struct error error = {0};
        char *path = NULL, *data = NULL;
        size_t length = 0;
        if (entry->d_name[0] == '.')
            continue;
        FUZZ_HOLDS(asprintf(&path, "%s/%s", folder, entry->d_name) > 0);
        FUZZ_HOLDS(file_read(path, INPUT_MAX, &data, &length, &error));
        /* of its own size, so that reading behind the end is seen */
        uint8_t *input = malloc(length > 0 ? length : 1);
        FUZZ_HOLDS(input != NULL);
        for (size_t i = 0; i < length; i++)
            input[i] = (uint8_t)data[i];
        fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(input, length);
        free(input);
        free(data);
        free(path);
        count++;
    }
    closedir(listing);
    return count;
}

int main(int count, char **folders) {
    for (int i = 1; i < count; i++)
        FUZZ_HOLDS(replay(folders[i]) > 0);
    return 0;
}
