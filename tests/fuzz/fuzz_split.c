/* Split files: one input serves as all three lists in turn, over pictures that are there. */
#include "core/experiment.h"
#include "core/json.h"
#include "core/split_make.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/assay-fuzz-XXXXXX";

static void remove_root(void) {
    static const char *const names[] = {"a/1.png", "a/2.png", "b/1.png", "b/2.png", "a", "b", ""};
    char path[64];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        remove(path);
    }
}

/* a/{1,2}.png and b/{1,2}.png, all empty: nobody looks into them. */
static void make_root(void) {
    static const char *const names[] = {"a", "b", "a/1.png", "a/2.png", "b/1.png", "b/2.png"};
    char path[64];
    FUZZ_HOLDS(mkdtemp(root) != NULL);
    atexit(remove_root);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        FILE *file = i < 2 ? NULL : fopen(path, "w");
        FUZZ_HOLDS(i < 2 ? mkdir(path, 0777) == 0 : file != NULL && fclose(file) == 0);
    }
}

static const char *const sound[] = {
    "[{\"label\": 0, \"path\": \"a/1.png\"}, {\"label\": 1, \"path\": \"b/1.png\"}]",
    "[{\"label\": 0, \"path\": \"a/2.png\"}]", "[{\"label\": 1, \"path\": \"b/2.png\"}]"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file files[3] = {{.descriptor = -1}, {.descriptor = -1}, {.descriptor = -1}};
    static bool ready = false;
    if (!ready)
        make_root();
    ready = true;
    for (size_t turn = 0; turn < 3; turn++) {
        struct experiment_class classes[] = {{.name = "a", .dir = "a", .label = 0, .repeat = 2}};
        struct experiment experiment = {.data = {.classes = classes, .class_count = turn > 0}};
        struct split split = {0};
        struct error error = {0};
        const char *paths[3];
        for (size_t i = 0; i < 3; i++)
            paths[i] = i == turn ? fuzz_file(&files[i], data, size)
                                 : fuzz_file(&files[i], sound[i], strlen(sound[i]));
        experiment.data.files.train = (char *)(size_t)paths[0];
        experiment.data.files.valid = (char *)(size_t)paths[1];
        experiment.data.files.test = (char *)(size_t)paths[2];
        if (split_make(&experiment, root, &split, &error)) {
            for (size_t i = 0; i < split.train.count; i++)
                FUZZ_HOLDS(split.train.items[i].class_index < split.class_count);
            char *text = split_to_json(&split.train);
            FUZZ_HOLDS(text != NULL);
            free(text);
            split_free(&split);
        } else {
            FUZZ_HOLDS(error.code != ERROR_NONE);
        }
    }
    return 0;
}
