#include "tests/coordinator/tickets.h"

#include "core/random.h"

#include <stdlib.h>
#include <string.h>

static void add_of(struct scheduler *scheduler, int64_t id, int priority, const char *person) {
    struct ticket ticket = ticket_of(id, priority);
    ticket.person = person;
    assert_true(scheduler_add(scheduler, &ticket));
}

static void add_behind(struct scheduler *scheduler, int64_t id, int64_t barrier) {
    struct ticket ticket = ticket_of(id, 0);
    ticket.barrier = barrier;
    assert_true(scheduler_add(scheduler, &ticket));
}

/* The job of that id leaves, done. */
static void finish(struct scheduler *scheduler, int64_t id) {
    struct job *job = scheduler_find(scheduler, id);
    assert_true(lease_finish(&job->lease));
    scheduler_settle(scheduler, job);
}

static void higher_priority_goes_first_and_then_the_older(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = worker_named("w", BACKEND_CPU, GIB);
    add(&scheduler, 4, 5, BACKEND_ANY, 0);
    add(&scheduler, 2, 0, BACKEND_ANY, 0);
    add(&scheduler, 3, 5, BACKEND_ANY, 0);
    add(&scheduler, 1, -7, BACKEND_ANY, 0);
    add(&scheduler, 5, 0, BACKEND_ANY, 0);
    static const int64_t order[] = {3, 4, 2, 5, 1, 0};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        assert_int_equal(take(&scheduler, &worker), order[i]);
    scheduler_clear(&scheduler);
}

static void a_worker_gets_only_what_its_backend_can_do(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker cpu = worker_named("c", BACKEND_CPU, GIB);
    struct worker cuda = worker_named("g", BACKEND_CUDA, GIB);
    add(&scheduler, 1, 9, BACKEND_CUDA, 0);
    add(&scheduler, 2, 8, BACKEND_CPU, 0);
    add(&scheduler, 3, 0, BACKEND_ANY, 0);
    assert_int_equal(take(&scheduler, &cpu), 2);
    assert_int_equal(take(&scheduler, &cpu), 3);
    assert_int_equal(take(&scheduler, &cpu), 0);
    assert_int_equal(take(&scheduler, &cuda), 1);
    scheduler_clear(&scheduler);
}

static void what_needs_more_memory_waits_for_a_larger_worker(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker small = worker_named("s", BACKEND_CPU, GIB);
    struct worker large = worker_named("l", BACKEND_CPU, (int64_t)GIB + 1);
    add(&scheduler, 1, 9, BACKEND_ANY, (int64_t)GIB + 1);
    add(&scheduler, 2, 0, BACKEND_ANY, GIB);
    assert_int_equal(take(&scheduler, &small), 2);
    assert_int_equal(take(&scheduler, &small), 0);
    assert_int_equal(take(&scheduler, &large), 1);
    scheduler_clear(&scheduler);
}

static void jobs_of_one_person_and_priority_keep_what_each_needs(void **state) {
    (void)state;
    static const struct need needs[] = {
        {.backend = BACKEND_ANY, .labels = "", .host = ""},
        {.backend = BACKEND_CPU, .labels = "", .host = ""},
        {.backend = BACKEND_CUDA, .labels = "", .host = ""},
        {.backend = BACKEND_ANY, .memory_bytes = (int64_t)GIB + 1, .labels = "", .host = ""},
        {.backend = BACKEND_ANY, .labels = "a\n", .host = ""},
        {.backend = BACKEND_ANY, .labels = "", .host = "node"},
    };
    enum { COUNT = sizeof needs / sizeof needs[0] };
    static const int64_t order[] = {1, 2, 0};
    struct scheduler scheduler = {0};
    struct worker worker = worker_named("w", BACKEND_CPU, GIB);
    for (size_t i = 0; i < COUNT; i++) {
        struct ticket ticket = ticket_of((int64_t)i + 1, 0);
        ticket.need = needs[i];
        assert_true(scheduler_add(&scheduler, &ticket));
    }
    assert_int_equal(scheduler.lanes.count, COUNT);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        assert_int_equal(take(&scheduler, &worker), order[i]);
    scheduler_clear(&scheduler);
}

static void a_worker_of_the_same_name_replaces_the_old_one(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = worker_named("w", BACKEND_CPU, 1);
    assert_true(scheduler_put_worker(&scheduler, &worker));
    worker.memory_bytes = 2;
    assert_true(scheduler_put_worker(&scheduler, &worker));
    assert_int_equal(scheduler.workers.count, 1);
    assert_int_equal(scheduler_worker(&scheduler, "w")->memory_bytes, 2);
    scheduler_remove_worker(&scheduler, "w");
    assert_null(scheduler_worker(&scheduler, "w"));
    scheduler_clear(&scheduler);
}

static void a_worker_that_holds_something_is_not_forgotten(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = worker_named("w", BACKEND_CPU, GIB);
    assert_true(scheduler_put_worker(&scheduler, &worker));
    add(&scheduler, 1, 0, BACKEND_ANY, 0);
    assert_int_equal(take(&scheduler, &worker), 1);
    assert_null(scheduler_gone(&scheduler, &(struct presence){1000, 100}));
    finish(&scheduler, 1);
    assert_null(scheduler_gone(&scheduler, &(struct presence){100, 100}));
    assert_non_null(scheduler_gone(&scheduler, &(struct presence){101, 100}));
    scheduler_clear(&scheduler);
}

static void after_a_pause_every_lease_is_whole_again(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = worker_named("w", BACKEND_CPU, GIB);
    add(&scheduler, 1, 0, BACKEND_ANY, 0);
    take(&scheduler, &worker);
    scheduler_renew_all(&scheduler, 1000, 10);
    assert_null(scheduler_expired(&scheduler, 1009));
    assert_int_equal(scheduler_expired(&scheduler, 1010)->id, 1);
    scheduler_clear(&scheduler);
}

static void of_several_leases_each_runs_out_at_its_own_time(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker late = able("a"), early = able("b"), last = able("c");
    for (int64_t id = 1; id <= 3; id++)
        add(&scheduler, id, 0, BACKEND_ANY, 0);
    assert_true(scheduler_next_expiry(&scheduler) == INT64_MAX);
    assert_int_equal(take_at(&scheduler, &late, 50), 1);
    assert_int_equal(scheduler_next_expiry(&scheduler), 60);
    assert_int_equal(take_at(&scheduler, &early, 0), 2);
    assert_int_equal(take_at(&scheduler, &last, 90), 3);
    assert_int_equal(scheduler_next_expiry(&scheduler), 10);
    assert_null(scheduler_expired(&scheduler, 9));
    assert_int_equal(scheduler_expired(&scheduler, 10)->id, 2);
    scheduler_renew_all(&scheduler, 1000, 10);
    assert_int_equal(scheduler_next_expiry(&scheduler), 1010);
    assert_null(scheduler_expired(&scheduler, 1009));
    scheduler_clear(&scheduler);
}

static void whoever_is_lost_is_found_and_told_of_once(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker lost = able("a"), there = able("b"), also = able("c");
    const struct presence present = {.now_ms = 101, .lost_ms = 100};
    there.seen_ms = 1;
    assert_true(scheduler_put_worker(&scheduler, &lost));
    assert_true(scheduler_put_worker(&scheduler, &there));
    assert_true(scheduler_put_worker(&scheduler, &also));
    assert_int_equal(scheduler_lost(&scheduler, &present), 2);
    assert_true(scheduler_see_lost(&scheduler, &present));
    assert_false(scheduler_see_lost(&scheduler, &present));
    assert_string_equal(scheduler_gone(&scheduler, &present)->name, "a");
    scheduler_remove_worker(&scheduler, "a");
    scheduler_remove_worker(&scheduler, "a"); /* nobody by now */
    assert_non_null(scheduler_worker(&scheduler, "b"));
    assert_string_equal(scheduler_gone(&scheduler, &present)->name, "c");
    scheduler_worker(&scheduler, "c")->seen_ms = 101;
    assert_true(scheduler_see_lost(&scheduler, &present));
    assert_false(scheduler_see_lost(&scheduler, &present));
    assert_null(scheduler_gone(&scheduler, &present));
    scheduler_clear(&scheduler);
}

static void there_is_room_for_many_of_everything(void **state) {
    (void)state;
    enum { MANY = 100 };
    struct scheduler scheduler = {0};
    for (int64_t i = MANY; i > 0; i--) {
        char name[16];
        snprintf(name, sizeof name, "n%d", (int)i);
        struct worker worker = able(name);
        struct ticket ticket = ticket_of(i, 0);
        ticket.person = name;
        ticket.barrier = i;
        assert_true(scheduler_put_worker(&scheduler, &worker));
        assert_true(scheduler_close_barrier(&scheduler, i, 1));
        assert_true(scheduler_add(&scheduler, &ticket));
    }
    assert_int_equal(scheduler.lanes.count, MANY);
    for (int64_t i = 1; i <= MANY; i++)
        scheduler_step_barrier(&scheduler, i);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(take(&scheduler, scheduler.workers.items[i]), i + 1);
    scheduler_clear(&scheduler);
}

static void of_one_priority_the_person_with_the_fewest_running_is_served_first(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (int64_t id = 1; id <= 4; id++)
        add_of(&scheduler, id, 0, "ann");
    add_of(&scheduler, 5, 0, "bob");
    add_of(&scheduler, 6, 0, "bob");
    add_of(&scheduler, 7, 1, "ann");
    /* 7 by its priority; then bob, who has none; then, each having one, the oldest, ann's; then
     * bob; and what is left is ann's */
    static const int64_t order[] = {7, 5, 1, 6, 2, 3, 4};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct worker worker = able(names[i]);
        assert_int_equal(take(&scheduler, &worker), order[i]);
    }
    scheduler_clear(&scheduler);
}

static void what_has_ended_counts_for_nobody(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker one = able("one"), other = able("other");
    add_of(&scheduler, 1, 0, "ann");
    add_of(&scheduler, 2, 0, "ann");
    add_of(&scheduler, 3, 0, "bob");
    assert_int_equal(take(&scheduler, &one), 1);
    finish(&scheduler, 1);
    assert_int_equal(take(&scheduler, &one), 2);
    assert_int_equal(take(&scheduler, &other), 3);
    scheduler_clear(&scheduler);
}

static void a_worker_needs_every_label_that_is_asked_for(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker none = able("none"), one = able("one"), all = able("all");
    struct ticket ticket = ticket_of(1, 0);
    ticket.need.labels = "gpu-a\nquiet\n";
    assert_true(scheduler_add(&scheduler, &ticket));
    strcpy(one.labels, "gpu-a\nquiet-not\n");
    strcpy(all.labels, "gpu-a\nother\nquiet\n");
    assert_int_equal(take(&scheduler, &none), 0);
    assert_int_equal(take(&scheduler, &one), 0);
    assert_int_equal(take(&scheduler, &all), 1);
    scheduler_clear(&scheduler);
}

static void what_goes_on_from_a_checkpoint_is_for_workers_on_its_host(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker away = able("away"), there = able("there");
    struct ticket ticket = ticket_of(1, 5);
    ticket.need.host = "node";
    assert_true(scheduler_add(&scheduler, &ticket));
    add_of(&scheduler, 2, 0, "ann");
    strcpy(away.host, "node-2");
    strcpy(there.host, "node");
    assert_int_equal(take(&scheduler, &away), 2);
    assert_int_equal(take(&scheduler, &there), 1);
    scheduler_clear(&scheduler);
}

static void what_is_paused_is_not_handed_out_until_it_is_resumed(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w"), other = able("v");
    add_of(&scheduler, 1, 0, "ann");
    add_of(&scheduler, 2, 0, "ann");
    struct job *job = scheduler_find(&scheduler, 1);
    assert_true(lease_pause(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_int_equal(take(&scheduler, &worker), 2);
    assert_int_equal(take(&scheduler, &other), 0);
    assert_true(lease_resume(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_int_equal(take(&scheduler, &other), 1);
    scheduler_clear(&scheduler);
}

static void what_is_paused_while_it_runs_goes_back_and_stays(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w");
    add_of(&scheduler, 1, 0, "ann");
    assert_int_equal(take(&scheduler, &worker), 1);
    struct job *job = scheduler_find(&scheduler, 1);
    assert_true(lease_pause(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_ptr_equal(scheduler_held(&scheduler, "w"), job);
    assert_true(lease_give_back(&job->lease));
    scheduler_settle(&scheduler, job);
    assert_null(scheduler_held(&scheduler, "w"));
    assert_int_equal(take(&scheduler, &worker), 0);
    scheduler_clear(&scheduler);
}

static void a_new_priority_changes_the_order(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w"), other = able("v");
    add_of(&scheduler, 1, 0, "ann");
    add_of(&scheduler, 2, 0, "ann");
    assert_true(scheduler_set_priority(&scheduler, scheduler_find(&scheduler, 2), 5));
    assert_int_equal(take(&scheduler, &worker), 2);
    assert_int_equal(take(&scheduler, &other), 1);
    /* of what runs too: for when it comes back */
    assert_true(scheduler_set_priority(&scheduler, scheduler_find(&scheduler, 1), 9));
    assert_int_equal(scheduler_held(&scheduler, "v")->id, 1);
    assert_int_equal(scheduler.lanes.count, 2);
    finish(&scheduler, 1);
    finish(&scheduler, 2);
    assert_int_equal(scheduler.lanes.count, 0);
    scheduler_clear(&scheduler);
}

static void a_barrier_opens_when_the_last_of_its_members_is_done(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w"), other = able("v");
    assert_true(scheduler_close_barrier(&scheduler, 7, 2));
    add_behind(&scheduler, 5, 7);
    add_behind(&scheduler, 4, 7);
    add_behind(&scheduler, 6, 99); /* of a barrier that has opened before */
    assert_int_equal(take(&scheduler, &worker), 6);
    scheduler_step_barrier(&scheduler, 7);
    assert_int_equal(take(&scheduler, &other), 0);
    scheduler_step_barrier(&scheduler, 7);
    finish(&scheduler, 6);
    assert_int_equal(take(&scheduler, &other), 4);
    assert_int_equal(take(&scheduler, &worker), 5);
    scheduler_clear(&scheduler);
}

static void what_is_taken_from_behind_a_barrier_is_gone(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct worker worker = able("w");
    assert_true(scheduler_close_barrier(&scheduler, 1, 1));
    add_behind(&scheduler, 1, 1);
    struct job *job = scheduler_find(&scheduler, 1);
    assert_true(lease_cancel(&job->lease));
    scheduler_settle(&scheduler, job);
    scheduler_step_barrier(&scheduler, 1);
    assert_int_equal(take(&scheduler, &worker), 0);
    assert_int_equal(scheduler.jobs.count, 0);
    assert_int_equal(scheduler.lanes.count, 0);
    scheduler_clear(&scheduler);
}

/* The heap and the lanes against a plain search by the rule in scheduler.h. */
static void the_next_is_what_the_rule_says_of_all_that_wait(void **state) {
    (void)state;
    enum { MANY = 500 };
    static const char *const people[] = {"ann", "bob", "cem"};
    struct scheduler scheduler = {0};
    struct random_stream draws;
    random_open(&draws, 7, RANDOM_SHUFFLE, 0, 0);
    for (int64_t id = 1; id <= MANY; id++)
        add_of(&scheduler, id, (int)random_below(&draws, 3), people[random_below(&draws, 3)]);
    for (int step = 0; step < MANY; step++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", step);
        struct worker worker = able(name);
        const struct job *best = NULL;
        for (size_t i = 0; i < scheduler.jobs.count; i++) {
            const struct job *job = scheduler.jobs.items[i];
            if (job->lease.state != LEASE_QUEUED)
                continue;
            int by = best == NULL ? 1 : job->lane->priority - best->lane->priority;
            if (by == 0)
                by = (int)best->lane->person->running - (int)job->lane->person->running;
            if (by > 0)
                best = job;
        }
        assert_int_equal(take(&scheduler, &worker), best->id);
        if (random_below(&draws, 2) == 0)
            finish(&scheduler, best->id);
    }
    assert_null(scheduler_next(&scheduler, &(struct worker){.memory_bytes = INT64_MAX},
                               &(struct presence){0}));
    scheduler_clear(&scheduler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(higher_priority_goes_first_and_then_the_older),
        cmocka_unit_test(a_worker_gets_only_what_its_backend_can_do),
        cmocka_unit_test(what_needs_more_memory_waits_for_a_larger_worker),
        cmocka_unit_test(jobs_of_one_person_and_priority_keep_what_each_needs),
        cmocka_unit_test(a_worker_of_the_same_name_replaces_the_old_one),
        cmocka_unit_test(a_worker_that_holds_something_is_not_forgotten),
        cmocka_unit_test(after_a_pause_every_lease_is_whole_again),
        cmocka_unit_test(of_several_leases_each_runs_out_at_its_own_time),
        cmocka_unit_test(whoever_is_lost_is_found_and_told_of_once),
        cmocka_unit_test(there_is_room_for_many_of_everything),
        cmocka_unit_test(of_one_priority_the_person_with_the_fewest_running_is_served_first),
        cmocka_unit_test(what_has_ended_counts_for_nobody),
        cmocka_unit_test(a_worker_needs_every_label_that_is_asked_for),
        cmocka_unit_test(what_goes_on_from_a_checkpoint_is_for_workers_on_its_host),
        cmocka_unit_test(what_is_paused_is_not_handed_out_until_it_is_resumed),
        cmocka_unit_test(what_is_paused_while_it_runs_goes_back_and_stays),
        cmocka_unit_test(a_new_priority_changes_the_order),
        cmocka_unit_test(a_barrier_opens_when_the_last_of_its_members_is_done),
        cmocka_unit_test(what_is_taken_from_behind_a_barrier_is_gone),
        cmocka_unit_test(the_next_is_what_the_rule_says_of_all_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
