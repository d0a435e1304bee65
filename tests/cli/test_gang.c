#include "cli/gang.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { THINGS = 1000 };

static int threads_left = 1 << 20; /* so many can still be started */

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*begin)(void *), void *argument) {
    return threads_left-- > 0 ? __real_pthread_create(thread, attributes, begin, argument) : EAGAIN;
}

struct yard {
    atomic_int times[THINGS];
    size_t bad; /* the thing that cannot be done */
    size_t told, count;
    bool stop;
};

static bool work(void *context, size_t index, struct error *error) {
    struct yard *yard = context;
    atomic_fetch_add(&yard->times[index], 1);
    return index != yard->bad || error_set(error, ERROR_INPUT, "thing %zu is stuck", index);
}

static bool progress(void *context, size_t done, size_t count) {
    struct yard *yard = context;
    yard->told = done;
    yard->count = count;
    return !yard->stop;
}

static struct gang gang_of(struct yard *yard, int threads) {
    return (struct gang){THINGS, threads, work, yard, progress, yard};
}

static size_t times_in_all(const struct yard *yard) {
    size_t sum = 0;
    for (size_t i = 0; i < THINGS; i++)
        sum += (size_t)yard->times[i];
    return sum;
}

static void everything_is_done_once_on_any_number_of_threads(void **state) {
    (void)state;
    static const int threads[] = {-1, 0, 1, 2, 7, 1000};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        struct yard yard = {.bad = SIZE_MAX};
        struct gang gang = gang_of(&yard, threads[t]);
        assert_true(gang_run(&gang, NULL));
        for (size_t i = 0; i < THINGS; i++)
            assert_int_equal(yard.times[i], 1);
        assert_int_equal(yard.told, THINGS);
        assert_int_equal(yard.count, THINGS);
    }
}

static void nothing_to_do_is_done(void **state) {
    (void)state;
    struct yard yard = {.bad = SIZE_MAX, .told = 7};
    struct gang gang = gang_of(&yard, 2);
    gang.count = 0;
    assert_true(gang_run(&gang, NULL));
    assert_int_equal(yard.told, 0);
}

static void the_first_failure_ends_the_work_and_is_the_error(void **state) {
    (void)state;
    struct yard yard = {.bad = 10};
    struct error error = {0};
    struct gang gang = gang_of(&yard, 1);
    assert_false(gang_run(&gang, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "thing 10 is stuck");
    assert_int_equal(times_in_all(&yard), 11);
}

static void who_is_told_may_stop_it(void **state) {
    (void)state;
    struct yard yard = {.bad = SIZE_MAX, .stop = true};
    struct error error = {0};
    struct gang gang = gang_of(&yard, 2);
    assert_false(gang_run(&gang, &error));
    assert_int_equal(error.code, ERROR_FAILED);
}

static void as_many_threads_as_there_can_be_do_it(void **state) {
    (void)state;
    for (int threads = 0; threads <= 1; threads++) {
        struct yard yard = {.bad = SIZE_MAX};
        struct gang gang = gang_of(&yard, 4);
        struct error error = {0};
        threads_left = threads;
        assert_int_equal(gang_run(&gang, &error), threads > 0);
        assert_int_equal(times_in_all(&yard), threads > 0 ? THINGS : 0);
        assert_string_equal(error.message, threads > 0 ? "" : "cannot start a thread");
    }
    threads_left = 1 << 20;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_done_once_on_any_number_of_threads),
        cmocka_unit_test(nothing_to_do_is_done),
        cmocka_unit_test(the_first_failure_ends_the_work_and_is_the_error),
        cmocka_unit_test(who_is_told_may_stop_it),
        cmocka_unit_test(as_many_threads_as_there_can_be_do_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
