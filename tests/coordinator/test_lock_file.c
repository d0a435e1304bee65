/* Who holds a lock file, whatever happens between opening it and locking it. */
#include "coordinator/lock_file.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *released; /* by its holder, between the next opening and its locking */
static bool retaken;         /* and then by another at once */
static int other = -1;       /* who has it then, and does not say who it is */
static bool looks;           /* whether what is removed is held still */

int __real_fcntl(int descriptor, int command, ...);
int __wrap_fcntl(int descriptor, int command, struct flock *lock);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

static void hold(const char *path) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    other = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(other >= 0);
    assert_int_equal(__real_fcntl(other, F_OFD_SETLK, &whole), 0);
}

int __wrap_fcntl(int descriptor, int command, struct flock *lock) {
    const char *path = released;
    released = NULL;
    if (path != NULL)
        assert_int_equal(__real_unlink(path), 0);
    if (path != NULL && retaken)
        hold(path);
    return __real_fcntl(descriptor, command, lock);
}

static struct lock_file *take(const char *path) {
    struct lock_file *lock = NULL;
    struct error error = {0};
    int held_by;
    if (!lock_file_take(path, &lock, &held_by, &error))
        fail_msg("%s", error.message);
    return lock;
}

/* Returns by whom. */
static int is_held(const char *path) {
    struct lock_file *lock = NULL;
    struct error error = {0};
    int held_by = 0;
    assert_false(lock_file_take(path, &lock, &held_by, &error));
    assert_null(lock);
    return held_by;
}

int __wrap_unlink(const char *path) {
    if (looks)
        assert_int_equal(is_held(path), getpid());
    return __real_unlink(path);
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void what_is_held_says_by_whom_until_it_is_released(void **state) {
    char *path = temporary_path(state, "lock");
    write_text(path, "12345678901234\n"); /* by one that was killed */
    struct lock_file *lock = take(path);
    assert_int_equal(is_held(path), getpid());
    lock_file_release(lock);
    assert_int_not_equal(access(path, F_OK), 0);
    lock_file_release(take(path));
    free(path);
}

static void what_is_released_while_it_is_opened_is_taken_by_its_name(void **state) {
    char *path = temporary_path(state, "lock");
    write_text(path, "");
    released = path;
    struct lock_file *lock = take(path);
    assert_int_equal(is_held(path), getpid());
    lock_file_release(lock);
    free(path);
}

static void what_another_has_while_it_is_opened_is_held(void **state) {
    char *path = temporary_path(state, "lock");
    write_text(path, "");
    released = path;
    retaken = true;
    assert_int_equal(is_held(path), -1);
    retaken = false;
    assert_int_equal(close(other), 0);
    free(path);
}

/* Whoever has it by then would lose the name to the earlier one's release. */
static void a_released_file_is_removed_before_anybody_else_can_hold_it(void **state) {
    char *path = temporary_path(state, "lock");
    struct lock_file *lock = take(path);
    looks = true;
    lock_file_release(lock);
    looks = false;
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_held_says_by_whom_until_it_is_released),
        IN_FOLDER(what_is_released_while_it_is_opened_is_taken_by_its_name),
        IN_FOLDER(what_another_has_while_it_is_opened_is_held),
        IN_FOLDER(a_released_file_is_removed_before_anybody_else_can_hold_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
