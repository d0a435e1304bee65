#include "worker/hashes.h"

#include "core/file.h"
#include "core/storage.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

/* printf abc | sha256sum, and so on */
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char xyz[] = "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282";
static const char other[] = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";

struct bench {
    char *cache, *file;
};

static struct bench bench_open(void **state) {
    struct bench bench = {temporary_path(state, "hashes.db"), temporary_path(state, "a.png")};
    assert_true(file_write_atomic(bench.file, "abc", 3, NULL));
    return bench;
}

static void bench_close(struct bench *bench) {
    free(bench->cache);
    free(bench->file);
}

/* Opens the cache, asks for the file, and expects it to be read `reads` times. */
static void ask(const struct bench *bench, const char *cache, const char *expected, size_t reads) {
    struct hashes *hashes;
    uint64_t bytes = 0;
    char text[SHA256_TEXT_SIZE] = "";
    assert_true(hashes_open(cache, &hashes, NULL));
    assert_true(hashes_file(hashes, bench->file, &bytes, text, NULL));
    assert_string_equal(text, expected);
    assert_int_equal(hashes_read_count(hashes), reads);
    hashes_close(hashes);
}

static void what_was_read_once_is_not_read_again(void **state) {
    struct bench bench = bench_open(state);
    ask(&bench, bench.cache, abc, 1);
    ask(&bench, bench.cache, abc, 0);
    bench_close(&bench);
}

static void a_file_that_changed_is_read_again(void **state) {
    struct bench bench = bench_open(state);
    ask(&bench, bench.cache, abc, 1);
    assert_true(file_write_atomic(bench.file, "other", 5, NULL));
    ask(&bench, bench.cache, other, 1);
    ask(&bench, bench.cache, other, 0);
    bench_close(&bench);
}

/* Of the year 5138, whose nanoseconds since 1970 no 64 bits hold. */
static void a_file_of_a_far_time_is_remembered_too(void **state) {
    struct bench bench = bench_open(state);
    const struct timespec far[] = {{.tv_sec = 100000000000}, {.tv_sec = 100000000000}};
    assert_int_equal(utimensat(AT_FDCWD, bench.file, far, 0), 0);
    ask(&bench, bench.cache, abc, 1);
    ask(&bench, bench.cache, abc, 0);
    bench_close(&bench);
}

/* Of the same size and time, but another file: its inode differs. */
static void another_file_of_that_name_is_read_again(void **state) {
    struct bench bench = bench_open(state);
    struct stat status;
    ask(&bench, bench.cache, abc, 1);
    assert_int_equal(stat(bench.file, &status), 0);
    char *kept = temporary_path(state, "kept");
    assert_int_equal(rename(bench.file, kept), 0);
    assert_true(file_write_atomic(bench.file, "abc", 3, NULL));
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, bench.file, times, 0), 0);
    ask(&bench, bench.cache, abc, 1);
    free(kept);
    bench_close(&bench);
}

/* The clock of a file system goes in steps: until it has gone on. */
static void write_over(const char *path, const char *text, const struct stat *before) {
    const struct timespec times[2] = {before->st_atim, before->st_mtim};
    struct stat after;
    do {
        int descriptor = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(storage_write_all(descriptor, text, strlen(text)));
        assert_int_equal(futimens(descriptor, times), 0);
        assert_int_equal(fstat(descriptor, &after), 0);
        close(descriptor);
    } while (after.st_ctim.tv_sec == before->st_ctim.tv_sec &&
             after.st_ctim.tv_nsec == before->st_ctim.tv_nsec);
    assert_int_equal(after.st_ino, before->st_ino);
}

/* As cp -p and touch -r do. */
static void a_file_written_over_with_its_time_set_back_is_read_again(void **state) {
    struct bench bench = bench_open(state);
    struct stat status;
    ask(&bench, bench.cache, abc, 1);
    assert_int_equal(stat(bench.file, &status), 0);
    write_over(bench.file, "xyz", &status);
    ask(&bench, bench.cache, xyz, 1);
    ask(&bench, bench.cache, xyz, 0);
    bench_close(&bench);
}

static void without_a_cache_everything_is_read(void **state) {
    struct bench bench = bench_open(state);
    ask(&bench, NULL, abc, 1);
    ask(&bench, NULL, abc, 1);
    bench_close(&bench);
}

static void a_cache_that_is_no_database_begins_anew(void **state) {
    struct bench bench = bench_open(state);
    const char junk[] = "this was a database once, before the disk had an opinion of its own";
    assert_true(file_write_atomic(bench.cache, junk, sizeof junk, NULL));
    ask(&bench, bench.cache, abc, 1);
    ask(&bench, bench.cache, abc, 0);
    bench_close(&bench);
}

static void a_cache_with_a_damaged_page_begins_anew(void **state) {
    struct bench bench = bench_open(state);
    char *bytes;
    size_t length;
    ask(&bench, bench.cache, abc, 1);
    assert_true(file_read(bench.cache, 1 << 20, &bytes, &length, NULL));
    memset(bytes + 4096, 0xff, 100); /* the table's */
    assert_true(file_write_atomic(bench.cache, bytes, length, NULL));
    ask(&bench, bench.cache, abc, 1);
    ask(&bench, bench.cache, abc, 1);
    ask(&bench, bench.cache, abc, 0);
    free(bytes);
    bench_close(&bench);
}

static void a_cache_that_is_forgotten_begins_anew(void **state) {
    struct bench bench = bench_open(state);
    char *journal = temporary_path(state, "hashes.db-journal");
    ask(&bench, bench.cache, abc, 1);
    assert_true(file_write_atomic(journal, "x", 1, NULL));
    hashes_forget(bench.cache);
    assert_int_not_equal(access(journal, F_OK), 0);
    ask(&bench, bench.cache, abc, 1);
    free(journal);
    bench_close(&bench);
}

static void a_cache_that_cannot_be_is_done_without(void **state) {
    struct bench bench = bench_open(state);
    char *nowhere = temporary_path(state, "no/such/folder.db");
    ask(&bench, nowhere, abc, 1);
    free(nowhere);
    bench_close(&bench);
}

/* Each slash more is another name of the file. */
static void what_one_that_is_killed_had_read_is_mostly_remembered(void **state) {
    enum { FILES = 500 };
    struct bench bench = bench_open(state);
    struct hashes *killed;
    uint64_t bytes;
    char path[PATH_MAX], text[SHA256_TEXT_SIZE];
    char *end = stpcpy(path, *state);
    assert_true(hashes_open(bench.cache, &killed, NULL));
    for (size_t slashes = 1; slashes <= FILES; slashes++) {
        memset(end, '/', slashes);
        strcpy(end + slashes, "a.png");
        assert_true(hashes_file(killed, path, &bytes, text, NULL));
    }
    ask(&bench, bench.cache, abc, 0);
    hashes_close(killed);
    bench_close(&bench);
}

static void a_missing_file_is_named(void **state) {
    struct bench bench = bench_open(state);
    struct hashes *hashes;
    struct error error = {0};
    uint64_t bytes;
    char text[SHA256_TEXT_SIZE];
    assert_true(hashes_open(bench.cache, &hashes, NULL));
    assert_int_equal(unlink(bench.file), 0);
    assert_false(hashes_file(hashes, bench.file, &bytes, text, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "a.png"));
    assert_false(hashes_file(hashes, *state, &bytes, text, NULL)); /* a folder */
    hashes_close(hashes);
    bench_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_was_read_once_is_not_read_again),
        IN_FOLDER(a_file_that_changed_is_read_again),
        IN_FOLDER(a_file_of_a_far_time_is_remembered_too),
        IN_FOLDER(another_file_of_that_name_is_read_again),
        IN_FOLDER(a_file_written_over_with_its_time_set_back_is_read_again),
        IN_FOLDER(without_a_cache_everything_is_read),
        IN_FOLDER(a_cache_that_is_no_database_begins_anew),
        IN_FOLDER(a_cache_with_a_damaged_page_begins_anew),
        IN_FOLDER(a_cache_that_is_forgotten_begins_anew),
        IN_FOLDER(a_cache_that_cannot_be_is_done_without),
        IN_FOLDER(what_one_that_is_killed_had_read_is_mostly_remembered),
        IN_FOLDER(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
