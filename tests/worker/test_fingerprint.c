#include "worker/fingerprint.h"

#include "core/file.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The pictures a.png and b.png of one class, "abc" and "other". Their sums as sha256sum prints
 * them, in two lines with the paths, have this sum: printf abc >a.png; printf other >b.png;
 * sha256sum a.png b.png | sha256sum */
#define SUM "8362e3f88045e8724174f1b221403fb482c4a314732d95a2363bcd629d3dfe44"

struct bench {
    char *root, *hashes, *picture;
    struct split split;
    struct experiment experiment;
};

static void bench_open(struct bench *bench, void **state) {
    char *other = temporary_path(state, "b.png");
    *bench = (struct bench){.root = temporary_path(state, ""),
                            .hashes = temporary_path(state, "hashes.db"),
                            .picture = temporary_path(state, "a.png")};
    assert_true(file_write_atomic(bench->picture, "abc", 3, NULL));
    assert_true(file_write_atomic(other, "other", 5, NULL));
    free(other);
    assert_true(split_add_class(&bench->split, "a", 0, 2, NULL));
    struct split_list *list = &bench->split.train;
    list->items = calloc(2, sizeof *list->items);
    list->count = 2;
    list->items[0] = (struct split_item){.path = strdup("a.png")};
    list->items[1] = (struct split_item){.path = strdup("b.png")};
    bench->experiment.config =
        cJSON_Parse("{\"data\": {\"fingerprint\": {\"classes\": [{\"name\": \"a\", \"pictures\": 2,"
                    " \"bytes\": 8, \"sha256\": \"" SUM "\"}]}}}");
    assert_non_null(bench->experiment.config);
}

static void bench_close(struct bench *bench) {
    cJSON_Delete(bench->experiment.config);
    split_free(&bench->split);
    free(bench->root);
    free(bench->hashes);
    free(bench->picture);
}

static bool check(const struct bench *bench, struct error *error) {
    const struct trainer_options options = {.hashes = bench->hashes};
    const struct trainer_events events = {0};
    bool stopped = false;
    bool same = fingerprint_check(&bench->experiment, bench->root, &bench->split, &options, &events,
                                  &stopped, error);
    assert_false(stopped);
    return same;
}

static void the_pictures_of_the_submission_are_taken(void **state) {
    struct bench bench;
    bench_open(&bench, state);
    assert_true(check(&bench, NULL));
    assert_true(check(&bench, NULL));
    bench_close(&bench);
}

static void a_picture_that_has_changed_is_an_error(void **state) {
    struct bench bench;
    struct error error = {0};
    bench_open(&bench, state);
    assert_true(check(&bench, NULL));
    assert_true(file_write_atomic(bench.picture, "abd", 3, NULL));
    assert_false(check(&bench, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "class \"a\""));
    bench_close(&bench);
}

static void a_damaged_memory_makes_no_picture_another(void **state) {
    struct bench bench;
    sqlite3 *memory;
    bench_open(&bench, state);
    assert_true(check(&bench, NULL));
    assert_int_equal(sqlite3_open(bench.hashes, &memory), SQLITE_OK);
    assert_int_equal(sqlite3_exec(memory, "UPDATE picture SET sha256 = '0' || substr(sha256, 2)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_changes(memory), 2);
    sqlite3_close(memory);
    assert_true(check(&bench, NULL));
    bench_close(&bench);
}

static bool stop_at_last(void *context) {
    return --*(int *)context == 0;
}

static void what_is_stopped_while_it_looks_again_has_found_nothing_wrong(void **state) {
    struct bench bench;
    struct error error = {0};
    bool stopped = false;
    int asked = 3; /* of both pictures, then of the first one again */
    bench_open(&bench, state);
    assert_true(check(&bench, NULL));
    assert_true(file_write_atomic(bench.picture, "abd", 3, NULL));
    const struct trainer_options options = {.hashes = bench.hashes};
    const struct trainer_events events = {.stop = stop_at_last, .context = &asked};
    assert_false(fingerprint_check(&bench.experiment, bench.root, &bench.split, &options, &events,
                                   &stopped, &error));
    assert_true(stopped);
    assert_int_equal(error.code, ERROR_NONE);
    bench_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_pictures_of_the_submission_are_taken),
        IN_FOLDER(a_picture_that_has_changed_is_an_error),
        IN_FOLDER(a_damaged_memory_makes_no_picture_another),
        IN_FOLDER(what_is_stopped_while_it_looks_again_has_found_nothing_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
