/* The cache of fetched pictures: who leaves, who stays, what is trusted. */
#include "core/file.h"
#include "tests/few_descriptors.h"
#include "tests/temporary.h"
#include "worker/data_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 1000 };

static bool killed; /* nothing is removed any more */

int __real_remove(const char *path);
int __wrap_remove(const char *path);

int __wrap_remove(const char *path) {
    return killed ? -1 : __real_remove(path);
}

static int lock_errno; /* of every flock, as where a file system has no locks; 0: they work */

static const char *leaves; /* the file that is gone before a lock, or another one */
static int leaving;        /* how often */

int __real_flock(int descriptor, int operation);
int __wrap_flock(int descriptor, int operation);

int __wrap_flock(int descriptor, int operation) {
    if (leaving > 0)
        assert_int_equal(unlink(leaves), 0);
    if (leaving > 1)
        assert_true(file_write_atomic(leaves, "", 0, NULL));
    leaving -= leaving > 0;
    errno = lock_errno;
    return lock_errno != 0 ? -1 : __real_flock(descriptor, operation);
}

static bool full; /* the disk has 64 MiB and a byte */

int __real_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status);

int __wrap_statvfs(const char *path, struct statvfs *status) {
    if (!full)
        return __real_statvfs(path, status);
    *status = (struct statvfs){.f_frsize = 1, .f_bavail = (64 << 20) + 1, .f_bfree = 1 << 30};
    return 0;
}

static struct data_cache *open_cache(const char *folder) {
    struct data_cache *cache;
    struct error error = {0};
    char dir[200];
    snprintf(dir, sizeof dir, "%s/cache", folder);
    if (!data_cache_open(dir, MOST, &cache, &error))
        fail_msg("%s", error.message);
    return cache;
}

static struct data_hold hold(struct data_cache *cache, const char *id) {
    struct data_hold held;
    struct error error = {0};
    if (!data_cache_hold(cache, id, &held, &error))
        fail_msg("%s", error.message);
    return held;
}

/* A picture of `bytes` letters in the set, and its sum. */
static void add(struct data_cache *cache, const struct data_hold *held, char letter, size_t bytes,
                const char *name, char sum[SHA256_TEXT_SIZE]) {
    char text[MOST + 1], part[300];
    struct error error = {0};
    memset(text, letter, bytes);
    sha256_text(text, bytes, sum);
    snprintf(part, sizeof part, "%s/%s.part", data_cache_incoming(cache), sum);
    if (!file_write_atomic(part, text, bytes, &error) ||
        !data_cache_keep(cache, part, sum, &error) ||
        !data_cache_link(cache, held, sum, name, &error))
        fail_msg("%s", error.message);
}

static bool has(struct data_cache *cache, const struct data_hold *held, const char *sum) {
    bool there;
    int64_t bytes;
    assert_true(data_cache_take(cache, held, sum, "root/again", &there, &bytes, NULL));
    return there;
}

/* Of the set that is held, or was. */
static void set_last_use(const char *set, int year) {
    char path[300];
    const struct timespec then = {.tv_sec = (year - 1970) * 31556952L}, times[2] = {then, then};
    snprintf(path, sizeof path, "%s/used", set);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A whole set of one picture, last used in that year. */
static void make_set(struct data_cache *cache, const char *id, char letter, size_t bytes, int year,
                     char sum[SHA256_TEXT_SIZE]) {
    struct data_hold held = hold(cache, id);
    char *set = strdup(held.path);
    add(cache, &held, letter, bytes, "root/a/1.png", sum);
    assert_true(data_cache_finish(cache, &held, NULL));
    data_hold_release(&held);
    set_last_use(set, year);
    free(set);
}

static void a_set_is_whole_when_it_was_finished(void **state) {
    struct data_cache *cache = open_cache(*state);
    char sum[SHA256_TEXT_SIZE];
    struct data_hold held = hold(cache, "one");
    assert_false(held.whole);
    add(cache, &held, 'a', 10, "root/a/1.png", sum);
    data_hold_release(&held);
    held = hold(cache, "one");
    assert_false(held.whole);
    assert_true(data_cache_finish(cache, &held, NULL));
    data_hold_release(&held);
    held = hold(cache, "one");
    assert_true(held.whole);
    data_hold_release(&held);
    data_cache_close(cache);
}

static void the_set_that_was_not_used_for_longest_leaves_first(void **state) {
    struct data_cache *cache = open_cache(*state);
    char old[SHA256_TEXT_SIZE], new[SHA256_TEXT_SIZE], newer[SHA256_TEXT_SIZE];
    make_set(cache, "new", 'n', 300, 2010, new);
    make_set(cache, "old", 'o', 300, 2001, old);
    make_set(cache, "newer", 'm', 300, 2012, newer);
    struct data_hold held = hold(cache, "four");
    const int next = next_descriptor();
    assert_true(data_cache_room(cache, &held, 300, NULL));
    assert_int_equal(next_descriptor(), next);
    assert_false(has(cache, &held, old));
    assert_true(has(cache, &held, new));
    assert_true(has(cache, &held, newer));
    data_hold_release(&held);
    data_cache_close(cache);
}

/* To make room for a third. */
static void the_other_leaves(struct data_cache *cache, const char *used, const char *other) {
    struct data_hold held = hold(cache, "three");
    assert_true(data_cache_room(cache, &held, 300, NULL));
    assert_true(has(cache, &held, used));
    assert_false(has(cache, &held, other));
    data_hold_release(&held);
}

static void a_set_was_last_used_when_it_was_let_go(void **state) {
    struct data_cache *cache = open_cache(*state);
    char used[SHA256_TEXT_SIZE], other[SHA256_TEXT_SIZE];
    make_set(cache, "used", 'u', 400, 2001, used);
    make_set(cache, "other", 'o', 400, 2010, other);
    struct data_hold held = hold(cache, "used");
    set_last_use(held.path, 2001); /* as if it had been held ever since */
    data_hold_release(&held);
    the_other_leaves(cache, used, other);
    data_cache_close(cache);
}

/* As after a kill: then it is the beginning that tells. */
static void a_set_that_was_never_let_go_was_used_when_it_was_taken(void **state) {
    struct data_cache *cache = open_cache(*state);
    char used[SHA256_TEXT_SIZE], other[SHA256_TEXT_SIZE];
    make_set(cache, "used", 'u', 400, 2001, used);
    make_set(cache, "other", 'o', 400, 2010, other);
    struct data_hold held = hold(cache, "used");
    close(held.descriptor);
    held.descriptor = -1;
    data_hold_release(&held);
    the_other_leaves(cache, used, other);
    data_cache_close(cache);
}

static void a_set_that_is_held_stays(void **state) {
    struct data_cache *cache = open_cache(*state);
    struct error error = {0};
    char sum[SHA256_TEXT_SIZE], path[300];
    make_set(cache, "used", 'u', 800, 2001, sum);
    struct data_hold user = hold(cache, "used"), held = hold(cache, "other");
    assert_false(data_cache_room(cache, &held, 300, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "--data-cache-gib"));
    snprintf(path, sizeof path, "%s/root/a/1.png", user.path);
    assert_int_equal(access(path, R_OK), 0);
    data_hold_release(&user);
    assert_true(data_cache_room(cache, &held, 300, NULL));
    assert_false(has(cache, &held, sum));
    data_hold_release(&held);
    data_cache_close(cache);
}

static void a_set_whose_removal_was_cut_short_is_not_whole(void **state) {
    struct data_cache *cache = open_cache(*state);
    char sum[SHA256_TEXT_SIZE];
    make_set(cache, "old", 'o', 800, 2001, sum);
    struct data_hold held = hold(cache, "new");
    killed = true;
    assert_false(data_cache_room(cache, &held, 300, NULL));
    killed = false;
    data_hold_release(&held);
    held = hold(cache, "old");
    assert_false(held.whole);
    data_hold_release(&held);
    data_cache_close(cache);
}

static void what_two_sets_have_stays_with_one_of_them(void **state) {
    struct data_cache *cache = open_cache(*state);
    char both[SHA256_TEXT_SIZE], one[SHA256_TEXT_SIZE];
    make_set(cache, "old", 'b', 300, 2001, both);
    struct data_hold held = hold(cache, "old");
    add(cache, &held, 'o', 500, "root/a/2.png", one);
    data_hold_release(&held);
    held = hold(cache, "new");
    assert_true(has(cache, &held, both));
    assert_true(data_cache_room(cache, &held, 700, NULL));
    assert_true(has(cache, &held, both));
    assert_false(has(cache, &held, one));
    data_hold_release(&held);
    data_cache_close(cache);
}

static void more_than_the_cache_may_hold_is_refused(void **state) {
    struct data_cache *cache = open_cache(*state);
    struct data_hold held = hold(cache, "one");
    assert_false(data_cache_room(cache, &held, MOST + 1, NULL));
    data_hold_release(&held);
    data_cache_close(cache);
}

static void a_damaged_picture_is_not_trusted(void **state) {
    struct data_cache *cache = open_cache(*state);
    char sum[SHA256_TEXT_SIZE], path[300];
    struct data_hold held = hold(cache, "one");
    add(cache, &held, 'a', 10, "root/a/1.png", sum);
    snprintf(path, sizeof path, "%s/root/a/1.png", held.path);
    assert_int_equal(truncate(path, 5), 0);
    assert_false(has(cache, &held, sum));
    add(cache, &held, 'a', 10, "root/a/1.png", sum);
    assert_true(has(cache, &held, sum));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 10);
    data_hold_release(&held);
    data_cache_close(cache);
}

static void one_fills_at_a_time(void **state) {
    struct data_cache *cache = open_cache(*state);
    int first, second;
    assert_true(data_cache_fill(cache, &first, NULL));
    assert_true(first >= 0);
    const int next = next_descriptor();
    assert_true(data_cache_fill(cache, &second, NULL));
    assert_int_equal(second, -1);
    assert_int_equal(next_descriptor(), next); /* who waits asks again and again */
    close(first);
    assert_true(data_cache_fill(cache, &second, NULL));
    assert_true(second >= 0);
    close(second);
    data_cache_close(cache);
}

/* Between the open and the lock, by whoever makes room. */
static void a_set_that_leaves_while_it_is_taken_is_taken_anew(void **state) {
    struct data_cache *cache = open_cache(*state);
    struct stat named, locked;
    char sum[SHA256_TEXT_SIZE], path[300];
    make_set(cache, "one", 'a', 10, 2010, sum);
    snprintf(path, sizeof path, "%s/cache/sets/one/used", (const char *)*state);
    const int next = next_descriptor();
    leaves = path;
    leaving = 2;
    struct data_hold held = hold(cache, "one");
    assert_int_equal(leaving, 0);
    assert_int_equal(held.descriptor, next); /* and no other is left open */
    assert_int_equal(stat(path, &named), 0);
    assert_int_equal(fstat(held.descriptor, &locked), 0);
    assert_int_equal(named.st_ino, locked.st_ino);
    data_hold_release(&held);
    data_cache_close(cache);
}

/* Not the last 64 MiB of it either. */
static void the_room_of_the_disk_counts_too(void **state) {
    struct data_cache *cache = open_cache(*state);
    struct error error = {0};
    char sum[SHA256_TEXT_SIZE];
    make_set(cache, "old", 'o', 10, 2001, sum);
    struct data_hold held = hold(cache, "one");
    full = true;
    bool one = data_cache_room(cache, &held, 1, NULL);
    bool whole = has(cache, &held, sum), two = data_cache_room(cache, &held, 2, &error);
    full = false;
    assert_true(one && whole);
    assert_false(two);
    assert_int_equal(error.code, ERROR_FAILED);
    assert_non_null(strstr(error.message, "/cache has 1 left"));
    data_hold_release(&held);
    held = hold(cache, "old");
    assert_false(held.whole); /* it had to leave */
    data_hold_release(&held);
    data_cache_close(cache);
}

static void what_comes_stands_in_its_own_folder(void **state) {
    struct data_cache *cache = open_cache(*state);
    char *path = temporary_path(state, "cache/incoming"), *whole = realpath(path, NULL);
    assert_string_equal(data_cache_incoming(cache), whole);
    free(path);
    free(whole);
    data_cache_close(cache);
}

static void a_cache_in_what_is_no_folder_is_an_error(void **state) {
    struct data_cache *cache = NULL;
    struct error error = {0};
    char *dir = temporary_path(state, "cache"), *sets = temporary_path(state, "cache/sets");
    assert_true(folder_make(dir, NULL));
    assert_true(file_write_atomic(sets, "", 0, NULL));
    assert_false(data_cache_open(dir, MOST, &cache, &error));
    assert_null(cache);
    assert_non_null(strstr(error.message, "/cache/sets"));
    free(dir);
    free(sets);
}

/* As nobody who fills it will ever end. */
static void a_cache_that_cannot_be_locked_is_not_waited_for(void **state) {
    struct data_cache *cache = open_cache(*state);
    static const int faults[] = {ENOLCK, EOPNOTSUPP};
    for (size_t i = 0; i < 2; i++) {
        struct error error = {0};
        int lock = 0;
        lock_errno = faults[i];
        bool good = data_cache_fill(cache, &lock, &error);
        lock_errno = 0;
        assert_false(good);
        assert_int_equal(lock, -1);
        assert_int_equal(error.code, ERROR_FAILED);
        assert_non_null(strstr(error.message, "/cache/fill: "));
        assert_non_null(strstr(error.message, strerror(faults[i])));
        error = (struct error){0};
        struct data_hold held;
        lock_errno = faults[i];
        good = data_cache_hold(cache, "one", &held, &error);
        lock_errno = 0;
        assert_false(good);
        assert_int_equal(held.descriptor, -1);
        assert_null(held.path);
        assert_non_null(strstr(error.message, strerror(faults[i])));
    }
    data_cache_close(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_set_is_whole_when_it_was_finished),
        IN_FOLDER(the_set_that_was_not_used_for_longest_leaves_first),
        IN_FOLDER(a_set_was_last_used_when_it_was_let_go),
        IN_FOLDER(a_set_that_was_never_let_go_was_used_when_it_was_taken),
        IN_FOLDER(a_set_that_is_held_stays),
        IN_FOLDER(a_set_whose_removal_was_cut_short_is_not_whole),
        IN_FOLDER(what_two_sets_have_stays_with_one_of_them),
        IN_FOLDER(more_than_the_cache_may_hold_is_refused),
        IN_FOLDER(a_damaged_picture_is_not_trusted),
        IN_FOLDER(one_fills_at_a_time),
        IN_FOLDER(a_set_that_leaves_while_it_is_taken_is_taken_anew),
        IN_FOLDER(the_room_of_the_disk_counts_too),
        IN_FOLDER(what_comes_stands_in_its_own_folder),
        IN_FOLDER(a_cache_in_what_is_no_folder_is_an_error),
        IN_FOLDER(a_cache_that_cannot_be_locked_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
