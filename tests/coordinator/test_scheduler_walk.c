/* A property, on a clock of our own: workers come, train, fall silent, wake up, give back,
 * fail, and are killed; whatever happens no attempt is handed out twice, every epoch of what is
 * done is stored exactly once, and in the end nothing is left over. */
#include "core/random.h"
#include "tests/coordinator/seeds.h"
#include "tests/coordinator/tickets.h"

#include <string.h>

enum { JOBS = 12, EPOCHS = 5, WORKERS = 4, LEASE_MS = 50, STEPS = 2000, FAILURES = 4 };
/* The longest rest after FAILURES - 1 of them (lease_rest), and time to train after it. */
enum { CALM_MS = 32 * 1000 + 10 * 1000 };

struct simulation {
    struct random_stream draws;
    struct scheduler scheduler;
    int64_t now_ms;
    int epochs[JOBS + 1][EPOCHS + 1]; /* how often each was stored */
    int64_t granted[JOBS + 1];        /* the attempt that was handed out last */
    bool cancelled[JOBS + 1], done[JOBS + 1], failed[JOBS + 1];
    struct {
        bool silent;
        int64_t job, attempt; /* 0: none */
        int next_epoch;
    } workers[WORKERS];
};

static const char *worker_name(int index) {
    static const char *const names[WORKERS] = {"a", "b", "c", "d"};
    return names[index];
}

static void settle(struct simulation *simulation, struct job *job) {
    int64_t id = job->id;
    simulation->done[id] |= job->lease.state == LEASE_DONE;
    simulation->failed[id] |= job->lease.state == LEASE_FAILED;
    simulation->cancelled[id] |= job->lease.state == LEASE_CANCELLED;
    scheduler_settle(&simulation->scheduler, job);
}

static void ask_for_work(struct simulation *simulation, int index) {
    struct worker worker = worker_named(worker_name(index), BACKEND_CPU, GIB);
    struct job *job = scheduler_held(&simulation->scheduler, worker.name);
    if (job == NULL) {
        const struct presence present = {simulation->now_ms, LEASE_MS};
        job = scheduler_next(&simulation->scheduler, &worker, &present);
        if (job == NULL)
            return;
        assert_true(lease_grant(&job->lease, worker.name, simulation->now_ms, LEASE_MS));
        assert_true(job->lease.attempt > simulation->granted[job->id]);
        simulation->granted[job->id] = job->lease.attempt;
        scheduler_settle(&simulation->scheduler, job);
    }
    simulation->workers[index].job = job->id;
    simulation->workers[index].attempt = job->lease.attempt;
    simulation->workers[index].next_epoch = 1;
    while (simulation->epochs[job->id][simulation->workers[index].next_epoch] > 0 &&
           simulation->workers[index].next_epoch < EPOCHS)
        simulation->workers[index].next_epoch++;
}

/* The worker reports its next epoch, or the end after the last; a fenced one stops. */
static void report(struct simulation *simulation, int index) {
    int64_t id = simulation->workers[index].job;
    struct job *job = scheduler_find(&simulation->scheduler, id);
    if (job == NULL ||
        !lease_held_by(&job->lease, worker_name(index), simulation->workers[index].attempt)) {
        simulation->workers[index].job = 0;
        return;
    }
    lease_renew(&job->lease, simulation->now_ms, LEASE_MS);
    int epoch = simulation->workers[index].next_epoch;
    if (epoch <= EPOCHS) {
        /* As the database's primary key does. */
        if (simulation->epochs[id][epoch] == 0)
            simulation->epochs[id][epoch]++;
        simulation->workers[index].next_epoch++;
    } else {
        assert_true(lease_finish(&job->lease));
        settle(simulation, job);
        simulation->workers[index].job = 0;
    }
}

static void end_early(struct simulation *simulation, int index) {
    struct job *job = scheduler_find(&simulation->scheduler, simulation->workers[index].job);
    if (job != NULL &&
        lease_held_by(&job->lease, worker_name(index), simulation->workers[index].attempt)) {
        if (random_below(&simulation->draws, 8) > 0)
            lease_give_back(&job->lease);
        else
            lease_fail(&job->lease, true);
        if (random_below(&simulation->draws, 2) == 0)
            lease_rest(&job->lease, job->id, simulation->now_ms);
        settle(simulation, job);
    }
    simulation->workers[index].job = 0;
}

static void step(struct simulation *simulation, bool disturbed) {
    int index = (int)random_below(&simulation->draws, WORKERS);
    uint32_t event = random_below(&simulation->draws, 100);
    struct job *job;
    simulation->now_ms += random_below(&simulation->draws, 6);
    if (disturbed && event < 2)
        simulation->workers[index].silent = true;
    else if (event < 6)
        simulation->workers[index].silent = false;
    else if (disturbed && event < 8)
        simulation->workers[index].job = 0; /* killed, and started again under its name */
    else if (disturbed && event < 10)
        end_early(simulation, index);
    else if (disturbed && event == 10 && random_below(&simulation->draws, 20) == 0) {
        job = scheduler_find(&simulation->scheduler, 1 + random_below(&simulation->draws, JOBS));
        if (job != NULL && lease_cancel(&job->lease))
            settle(simulation, job);
    } else if (!simulation->workers[index].silent && simulation->workers[index].job == 0)
        ask_for_work(simulation, index);
    else if (!simulation->workers[index].silent)
        report(simulation, index);
    while ((job = scheduler_expired(&simulation->scheduler, simulation->now_ms)) != NULL) {
        lease_fail(&job->lease, true);
        settle(simulation, job);
    }
    /* One holder a job, one job a holder. */
    for (int i = 0; i < WORKERS; i++) {
        int held = 0;
        for (size_t j = 0; j < simulation->scheduler.jobs.count; j++) {
            const struct job *one = simulation->scheduler.jobs.items[j];
            held += lease_held_by(&one->lease, worker_name(i), one->lease.attempt);
        }
        assert_in_range(held, 0, 1);
    }
}

static void simulate(uint64_t seed) {
    static struct simulation simulation;
    memset(&simulation, 0, sizeof simulation);
    random_open(&simulation.draws, seed, RANDOM_SHUFFLE, 0, 0);
    for (int64_t id = 1; id <= JOBS; id++) {
        struct ticket ticket = ticket_of(id, (int)random_below(&simulation.draws, 3));
        ticket.lease.max_attempts = FAILURES;
        assert_true(scheduler_add(&simulation.scheduler, &ticket));
    }
    for (int i = 0; i < STEPS; i++)
        step(&simulation, true);
    const int64_t calm_until_ms = simulation.now_ms + CALM_MS;
    while (simulation.scheduler.jobs.count > 0 && simulation.now_ms < calm_until_ms)
        step(&simulation, false);
    assert_int_equal(simulation.scheduler.jobs.count, 0); /* none stuck */
    for (int64_t id = 1; id <= JOBS; id++) {
        assert_int_equal(simulation.done[id] + simulation.failed[id] + simulation.cancelled[id], 1);
        for (int epoch = 1; epoch <= EPOCHS; epoch++)
            assert_in_range(simulation.epochs[id][epoch], simulation.done[id] ? 1 : 0, 1);
    }
    scheduler_clear(&simulation.scheduler);
}

static void whatever_happens_nothing_is_doubled_or_stuck(void **state) {
    (void)state;
    from_seeds(100, simulate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(whatever_happens_nothing_is_doubled_or_stuck, name_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
