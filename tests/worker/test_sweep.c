#include "worker/sweep.h"

#include "core/file.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { NOW_S = 2000000000 };

static void put(void **state, const char *name, int64_t written_s) {
    char *path = temporary_path(state, name);
    const struct timespec times[2] = {{.tv_sec = written_s}, {.tv_sec = written_s}};
    assert_true(folder_make_of(path, NULL));
    assert_true(file_write_atomic(path, "came", 4, NULL));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static bool there(void **state, const char *name) {
    char *path = temporary_path(state, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
}

static void a_part_goes_when_nobody_wrote_to_it_for_a_day(void **state) {
    put(state, "ab.part", NOW_S - 86401);
    put(state, "7/checkpoint_last.safetensors.part", NOW_S - 86401);
    put(state, "7/checkpoint_best.safetensors.part", NOW_S - 86400);
    put(state, "7/from/checkpoint_epoch_002.safetensors.part", NOW_S - 86401);
    sweep_parts(*state, NOW_S);
    assert_false(there(state, "ab.part"));
    assert_false(there(state, "7/checkpoint_last.safetensors.part"));
    assert_false(there(state, "7/from/checkpoint_epoch_002.safetensors.part"));
    assert_true(there(state, "7/checkpoint_best.safetensors.part"));
}

static void nothing_else_goes(void **state) {
    put(state, "7/checkpoint_last.safetensors", 1);
    put(state, "7/mine/deeper.part", 1);
    put(state, ".part", 1);
    sweep_parts(*state, NOW_S);
    assert_true(there(state, "7/checkpoint_last.safetensors"));
    assert_true(there(state, "7/mine/deeper.part"));
    assert_true(there(state, ".part"));
}

static void a_folder_that_is_not_there_is_swept_already(void **state) {
    char *path = temporary_path(state, "none");
    sweep_parts(path, NOW_S);
    assert_false(there(state, "none"));
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_part_goes_when_nobody_wrote_to_it_for_a_day),
        IN_FOLDER(nothing_else_goes),
        IN_FOLDER(a_folder_that_is_not_there_is_swept_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
