/* Loops and oneDNN have the threads that they count on, whatever the environment says. */
#include "tests/worker/nn/model_fixture.h"
#include "worker/nn/cpu/team.h"

#include <limits.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many a parallel region has. */
static int threads_there(void) {
    int threads = 0;
#pragma omp parallel reduction(+ : threads)
    threads++;
    return threads;
}

static void as_many_threads_are_there_as_were_asked_for(void **state) {
    (void)state;
    int many = 2 * omp_get_num_procs() + 2; /* more than OpenMP would take by itself */
    omp_set_dynamic(1);
    team_set(many);
    assert_int_equal(omp_get_max_threads(), many);
    assert_int_equal(threads_there(), many);
    omp_set_max_active_levels(0);
    team_set(3);
    assert_int_equal(threads_there(), 3);
    team_set(0);
    assert_int_equal(threads_there(), omp_get_num_procs());
}

static const char *program; /* this one */

/* A program is told of the limit before it begins: run by the test below. */
static int limited(void) {
    team_set(5);
    return omp_get_thread_limit() == 2 && omp_get_max_threads() == 2 && threads_there() == 2 ? 0
                                                                                             : 1;
}

static void no_more_threads_are_counted_on_than_the_limit_allows(void **state) {
    (void)state;
    char command[PATH_MAX + 64];
    snprintf(command, sizeof command, "OMP_THREAD_LIMIT=2 '%s' limited", program);
    assert_int_equal(system(command), 0);
}

static void a_step_is_the_same_where_the_environment_forbids_threads(void **state) {
    (void)state;
    struct fixture *a = fixture_new("resnet18", HEAD_RELU, 6, 40, 0);
    struct fixture *b = fixture_new("resnet18", HEAD_RELU, 6, 40, 0);
    omp_set_dynamic(0);
    omp_set_max_active_levels(1);
    train(a, 1);
    omp_set_max_active_levels(0);
    train(b, 1);
    assert_same_bits(a, b);
    fixture_free(a);
    fixture_free(b);
}

/* Whoever runs a worker may give it other cores meanwhile; its plans are made for those it had. */
static void a_model_keeps_its_threads_when_cores_come_and_go(void **state) {
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < 2)
        skip();
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 1, 32, 0);
    evaluate(f);
    assert_int_equal(omp_get_max_threads(), CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t core = 0; CPU_COUNT(&one) == 0; core++)
        if (CPU_ISSET(core, &all))
            CPU_SET(core, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    evaluate(f);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(omp_get_max_threads(), CPU_COUNT(&all));
    fixture_free(f);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_threads_are_there_as_were_asked_for),
        cmocka_unit_test(no_more_threads_are_counted_on_than_the_limit_allows),
        cmocka_unit_test(a_step_is_the_same_where_the_environment_forbids_threads),
        cmocka_unit_test(a_model_keeps_its_threads_when_cores_come_and_go),
    };
    program = argv[0];
    if (argc > 1 && strcmp(argv[1], "limited") == 0)
        return limited();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
