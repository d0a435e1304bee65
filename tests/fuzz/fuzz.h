/* fuzz: what the fuzz targets have in common.
 *
 * A target is a file fuzz_NAME.c with libFuzzer's function, which takes any bytes and must neither
 * crash, nor leak, nor take long: tests/fuzz/corpus/NAME has what it starts from and what it once
 * fell over. With clang (preset "fuzz", scripts/fuzz) libFuzzer calls it with inputs of its own
 * making; in every other build replay.c calls it with the corpus, as the test fuzz/NAME.
 */
#ifndef ASSAY_TESTS_FUZZ_H
#define ASSAY_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program for libFuzzer to see: something that always holds does not. */
#define FUZZ_HOLDS(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "does not hold: %s\n", #condition);                                    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A file in memory, for readers that take a path: zero-initialised as {.descriptor = -1}, it is
 * made at the first fuzz_file and used again and again. */
struct fuzz_file {
    int descriptor;
    char path[32];
};

/* Gives it this content; returns its path. */
static inline const char *fuzz_file(struct fuzz_file *file, const void *data, size_t size) {
    if (file->descriptor < 0) {
        file->descriptor = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->descriptor);
    }
    FUZZ_HOLDS(ftruncate(file->descriptor, 0) == 0);
    FUZZ_HOLDS(pwrite(file->descriptor, data, size, 0) == (ssize_t)size);
    return file->path;
}

#endif
