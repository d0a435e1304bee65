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

static void what_a_fork_fetched_goes_after_a_day(void **state) {
    put(state, "7/from/checkpoint_epoch_002.safetensors", NOW_S - 86401);
    put(state, "7/from/checkpoint_best_loss.safetensors", NOW_S - 86401);
    put(state, "8/from/checkpoint_epoch_002.safetensors", NOW_S - 86400);
    sweep_parts(*state, NOW_S);
    assert_false(there(state, "7/from"));
    assert_true(there(state, "7"));
    assert_true(there(state, "8/from/checkpoint_epoch_002.safetensors"));
}

static void what_a_fork_fetched_goes_once_it_has_its_own(void **state) {
    put(state, "7/from/checkpoint_epoch_002.safetensors", NOW_S);
    put(state, "7/from/checkpoint_best_loss.safetensors.part", NOW_S);
    put(state, "7/checkpoint_last.safetensors", NOW_S);
    put(state, "8/from/mine/deeper", NOW_S);
    char *begun = temporary_path(state, "7"), *other = temporary_path(state, "8");
    sweep_fork(begun);
    assert_false(there(state, "7/from"));
    sweep_fork(begun);
    sweep_fork(other);
    assert_true(there(state, "7/checkpoint_last.safetensors"));
    assert_true(there(state, "8/from/mine/deeper"));
    free(begun);
    free(other);
}

static void nothing_else_goes(void **state) {
    put(state, "7/checkpoint_last.safetensors", 1);
    put(state, "7/mine/deeper.part", 1);
    put(state, ".part", 1);
    put(state, "from/mine", 1);
    put(state, "7/from/mine/deeper", 1);
    sweep_parts(*state, NOW_S);
    assert_true(there(state, "7/checkpoint_last.safetensors"));
    assert_true(there(state, "7/mine/deeper.part"));
    assert_true(there(state, ".part"));
    assert_true(there(state, "from/mine"));
    assert_true(there(state, "7/from/mine/deeper"));
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
        IN_FOLDER(what_a_fork_fetched_goes_after_a_day),
        IN_FOLDER(what_a_fork_fetched_goes_once_it_has_its_own),
        IN_FOLDER(nothing_else_goes),
        IN_FOLDER(a_folder_that_is_not_there_is_swept_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
