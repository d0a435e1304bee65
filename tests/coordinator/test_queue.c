#include "coordinator/scheduler.h"

#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MANY = 200 };

/* Jobs with the ids 1 to MANY, pushed in a drawn order. */
static void fill(struct queue *queue, struct job jobs[MANY], struct random_stream *draws) {
    size_t order[MANY];
    for (size_t i = 0; i < MANY; i++) {
        order[i] = i;
        jobs[i] = (struct job){.id = (int64_t)i + 1};
    }
    random_shuffle(draws, order, MANY);
    assert_true(queue_reserve(queue, MANY));
    for (size_t i = 0; i < MANY; i++) {
        queue_push(queue, &jobs[order[i]]);
        assert_ptr_equal(jobs[order[i]].queue, queue);
    }
}

/* The oldest of those that are in the queue, by a plain search; NULL for none. */
static struct job *oldest(struct job jobs[MANY]) {
    for (size_t i = 0; i < MANY; i++)
        if (jobs[i].queue != NULL)
            return &jobs[i];
    return NULL;
}

/* Half of them leave from where they are, then the others from the front. */
static void the_oldest_is_first_whoever_has_left_from_among_the_others(void **state) {
    (void)state;
    struct random_stream draws;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct queue queue = {0};
        struct job jobs[MANY];
        size_t leave[MANY];
        random_open(&draws, seed, RANDOM_SHUFFLE, 0, 0);
        fill(&queue, jobs, &draws);
        for (size_t i = 0; i < MANY; i++)
            leave[i] = i;
        random_shuffle(&draws, leave, MANY);
        for (size_t i = 0; i < MANY; i++) {
            struct job *first = oldest(jobs);
            assert_ptr_equal(queue_first(&queue), first);
            struct job *job = i < MANY / 2 ? &jobs[leave[i]] : first;
            queue_remove(job);
            assert_null(job->queue);
        }
        assert_null(queue_first(&queue));
        queue_free(&queue);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_is_first_whoever_has_left_from_among_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
