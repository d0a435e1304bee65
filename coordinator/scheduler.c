#include "coordinator/scheduler.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- orders --- */

static int compare(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int order_job(const void *key, const void *item) {
    return compare(*(const int64_t *)key, ((const struct job *)item)->id);
}

static int order_barrier(const void *key, const void *item) {
    return compare(*(const int64_t *)key, ((const struct barrier *)item)->id);
}

static int order_holder(const void *key, const void *item) {
    return strcmp(key, ((const struct job *)item)->lease.worker);
}

struct rest {
    int64_t until_ms, id;
};

static int order_rest(const void *key, const void *item) {
    const struct rest *rest = key;
    const struct job *job = item;
    int by = compare(rest->until_ms, job->rests_until_ms);
    return by != 0 ? by : compare(rest->id, job->id);
}

static int order_worker(const void *key, const void *item) {
    return strcmp(key, ((const struct worker *)item)->name);
}

static int order_person(const void *key, const void *item) {
    return strcmp(key, ((const struct person *)item)->name);
}

static int order_lane(const void *key, const void *item) {
    const struct lane *a = key, *b = item;
    int by = compare(b->priority, a->priority);
    if (by == 0)
        by = strcmp(a->person->name, b->person->name);
    if (by == 0)
        by = compare(a->need.backend, b->need.backend);
    if (by == 0)
        by = compare(a->need.memory_bytes, b->need.memory_bytes);
    if (by == 0)
        by = strcmp(a->need.host, b->need.host);
    return by != 0 ? by : strcmp(a->need.labels, b->need.labels);
}

/* --- persons and lanes --- */

static struct person *person_of(struct scheduler *scheduler, const char *name) {
    struct list *persons = &scheduler->persons;
    struct person *person = list_find(persons, order_person, name);
    if (person != NULL || !list_reserve(persons, persons->count + 1))
        return person;
    person = calloc(1, sizeof *person);
    if (person == NULL || (person->name = strdup(name)) == NULL) {
        free(person);
        return NULL;
    }
    list_insert(persons, list_place(persons, order_person, name), person);
    return person;
}

static void lane_free(struct lane *lane) {
    queue_free(&lane->queue);
    free((char *)lane->need.labels);
    free((char *)lane->need.host);
    free(lane);
}

/* The lane that is like `kind`, with room for one more job; NULL without memory. */
static struct lane *lane_of(struct scheduler *scheduler, const struct lane *kind) {
    struct list *lanes = &scheduler->lanes;
    struct lane *lane = list_find(lanes, order_lane, kind);
    if (lane != NULL)
        return queue_reserve(&lane->queue, lane->job_count + 1) ? lane : NULL;
    if (!list_reserve(lanes, lanes->count + 1) || (lane = malloc(sizeof *lane)) == NULL)
        return NULL;
    *lane = *kind;
    lane->need.labels = strdup(kind->need.labels);
    lane->need.host = strdup(kind->need.host);
    if (lane->need.labels == NULL || lane->need.host == NULL || !queue_reserve(&lane->queue, 1)) {
        lane_free(lane);
        return NULL;
    }
    list_insert(lanes, list_place(lanes, order_lane, lane), lane);
    return lane;
}

static void lane_leave(struct scheduler *scheduler, struct lane *lane) {
    if (--lane->job_count > 0)
        return;
    list_remove(&scheduler->lanes, list_place(&scheduler->lanes, order_lane, lane));
    lane_free(lane);
}

/* --- where a job stands --- */

/* Out of the queue, or from among those that rest or run. By now the lease may say something else.
 */
static void job_take_out(struct scheduler *scheduler, struct job *job) {
    const struct rest rest = {job->rests_until_ms, job->id};
    if (job->queue != NULL)
        queue_remove(job);
    if (job->rests_until_ms != 0)
        list_remove(&scheduler->resting, list_place(&scheduler->resting, order_rest, &rest));
    job->rests_until_ms = 0;
    if (!job->runs)
        return;
    size_t place = 0;
    while (scheduler->running.items[place] != job)
        place++;
    list_remove(&scheduler->running, place);
    job->lane->person->running--;
    job->runs = false;
}

/* Where the lease says. There is room: scheduler_add has seen to it. */
static void job_put(struct scheduler *scheduler, struct job *job) {
    struct barrier *barrier = list_find(&scheduler->barriers, order_barrier, &job->barrier);
    const struct rest rest = {job->lease.rest_until_ms, job->id};
    if (job->lease.state == LEASE_RUNNING) {
        size_t place = list_place(&scheduler->running, order_holder, job->lease.worker);
        list_insert(&scheduler->running, place, job);
        job->lane->person->running++;
        job->runs = true;
    } else if (!job->lease.paused && rest.until_ms != 0) {
        list_insert(&scheduler->resting, list_place(&scheduler->resting, order_rest, &rest), job);
        job->rests_until_ms = rest.until_ms;
    } else if (!job->lease.paused) {
        queue_push(barrier != NULL ? &barrier->queue : &job->lane->queue, job);
    }
}

struct job *scheduler_find(const struct scheduler *scheduler, int64_t id) {
    return list_find(&scheduler->jobs, order_job, &id);
}

bool scheduler_add(struct scheduler *scheduler, const struct ticket *ticket) {
    struct list *jobs = &scheduler->jobs;
    struct barrier *barrier = list_find(&scheduler->barriers, order_barrier, &ticket->barrier);
    struct lane kind = {.priority = ticket->priority,
                        .person = person_of(scheduler, ticket->person),
                        .need = ticket->need};
    if (kind.person == NULL || !list_reserve(jobs, jobs->count + 1) ||
        !list_reserve(&scheduler->running, jobs->count + 1) ||
        !list_reserve(&scheduler->resting, jobs->count + 1) ||
        (barrier != NULL && !queue_reserve(&barrier->queue, barrier->job_count + 1)))
        return false;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL || (job->lane = lane_of(scheduler, &kind)) == NULL) {
        free(job);
        return false;
    }
    job->id = ticket->id;
    job->barrier = ticket->barrier;
    job->lease = ticket->lease;
    job->lane->job_count++;
    if (barrier != NULL)
        barrier->job_count++;
    size_t place = list_place(jobs, order_job, &job->id);
    assert(place == jobs->count || ((struct job *)jobs->items[place])->id != job->id);
    list_insert(jobs, place, job);
    job_put(scheduler, job);
    return true;
}

void scheduler_settle(struct scheduler *scheduler, struct job *job) {
    job_take_out(scheduler, job);
    if (!lease_final(&job->lease)) {
        job_put(scheduler, job);
        return;
    }
    list_remove(&scheduler->jobs, list_place(&scheduler->jobs, order_job, &job->id));
    lane_leave(scheduler, job->lane);
    free(job);
}

static bool change_lane(struct scheduler *scheduler, struct job *job, const struct lane *kind) {
    struct lane *lane = lane_of(scheduler, kind), *before = job->lane;
    if (lane == NULL)
        return false;
    job_take_out(scheduler, job);
    lane->job_count++;
    job->lane = lane;
    lane_leave(scheduler, before);
    job_put(scheduler, job);
    return true;
}

bool scheduler_set_priority(struct scheduler *scheduler, struct job *job, int priority) {
    struct lane kind = {.priority = priority, .person = job->lane->person, .need = job->lane->need};
    return change_lane(scheduler, job, &kind);
}

bool scheduler_set_host(struct scheduler *scheduler, struct job *job, const char *host) {
    struct lane kind = {
        .priority = job->lane->priority, .person = job->lane->person, .need = job->lane->need};
    kind.need.host = host;
    return change_lane(scheduler, job, &kind);
}

/* --- barriers --- */

bool scheduler_close_barrier(struct scheduler *scheduler, int64_t id, size_t open) {
    struct list *barriers = &scheduler->barriers;
    struct barrier *barrier = NULL;
    if (!list_reserve(barriers, barriers->count + 1) ||
        (barrier = calloc(1, sizeof *barrier)) == NULL)
        return false;
    *barrier = (struct barrier){.id = id, .open = open};
    list_insert(barriers, list_place(barriers, order_barrier, &id), barrier);
    return true;
}

static void barrier_free(struct barrier *barrier) {
    queue_free(&barrier->queue);
    free(barrier);
}

void scheduler_step_barrier(struct scheduler *scheduler, int64_t id) {
    struct barrier *barrier = list_find(&scheduler->barriers, order_barrier, &id);
    struct job *job;
    if (barrier == NULL || --barrier->open > 0)
        return;
    list_remove(&scheduler->barriers, list_place(&scheduler->barriers, order_barrier, &id));
    while ((job = queue_first(&barrier->queue)) != NULL)
        scheduler_settle(scheduler, job);
    barrier_free(barrier);
}

/* --- workers --- */

struct worker *scheduler_worker(const struct scheduler *scheduler, const char *name) {
    return list_find(&scheduler->workers, order_worker, name);
}

bool scheduler_put_worker(struct scheduler *scheduler, const struct worker *worker) {
    struct list *workers = &scheduler->workers;
    struct worker *there = scheduler_worker(scheduler, worker->name);
    if (there == NULL) {
        if (!list_reserve(workers, workers->count + 1) || (there = malloc(sizeof *there)) == NULL)
            return false;
        list_insert(workers, list_place(workers, order_worker, worker->name), there);
    }
    *there = *worker;
    return true;
}

void scheduler_remove_worker(struct scheduler *scheduler, const char *name) {
    struct worker *worker = scheduler_worker(scheduler, name);
    if (worker == NULL)
        return;
    list_remove(&scheduler->workers, list_place(&scheduler->workers, order_worker, name));
    free(worker);
}

struct worker *scheduler_gone(const struct scheduler *scheduler, const struct presence *present) {
    for (size_t i = 0; i < scheduler->workers.count; i++) {
        struct worker *worker = scheduler->workers.items[i];
        if (worker_is_lost(worker, present) && scheduler_held(scheduler, worker->name) == NULL)
            return worker;
    }
    return NULL;
}

/* --- who runs what --- */

struct job *scheduler_held(const struct scheduler *scheduler, const char *worker) {
    return list_find(&scheduler->running, order_holder, worker);
}

/* Of two jobs that a worker could have. */
static bool job_is_before(const struct job *job, const struct job *other) {
    const struct lane *lane = job->lane, *of_other = other->lane;
    if (lane->priority != of_other->priority)
        return lane->priority > of_other->priority;
    if (lane->person->running != of_other->person->running)
        return lane->person->running < of_other->person->running;
    return job->id < other->id;
}

/* Whether the worker may have the job now, which has rested: unless it was the one who failed it
 * and there is another. */
static bool may_try_again(const struct scheduler *scheduler, const struct job *job,
                          const struct worker *worker, const struct presence *present) {
    if (strcmp(job->lease.worker, worker->name) != 0)
        return true;
    for (size_t i = 0; i < scheduler->workers.count; i++) {
        const struct worker *other = scheduler->workers.items[i];
        if (strcmp(other->name, worker->name) != 0 && worker_is_open(other, present) &&
            need_met(&job->lane->need, other))
            return false;
    }
    return true;
}

/* Those whose rest is over, for everybody, are queued as any other. */
static void wake(struct scheduler *scheduler, int64_t now_ms) {
    struct job *job;
    while (scheduler->resting.count > 0 && (job = scheduler->resting.items[0]) != NULL &&
           job->rests_until_ms + LEASE_PREFER_MS <= now_ms) {
        job->lease.rest_until_ms = 0;
        scheduler_settle(scheduler, job);
    }
}

struct job *scheduler_next(struct scheduler *scheduler, const struct worker *worker,
                           const struct presence *present) {
    struct job *best = NULL;
    wake(scheduler, present->now_ms);
    for (size_t i = 0; i < scheduler->lanes.count; i++) {
        const struct lane *lane = scheduler->lanes.items[i];
        struct job *job = queue_first(&lane->queue);
        if (best != NULL && lane->priority < best->lane->priority)
            break;
        if (job != NULL && need_met(&lane->need, worker) &&
            (best == NULL || job_is_before(job, best)))
            best = job;
    }
    for (size_t i = 0; i < scheduler->resting.count; i++) {
        struct job *job = scheduler->resting.items[i];
        if (job->rests_until_ms > present->now_ms)
            break;
        if (need_met(&job->lane->need, worker) && (best == NULL || job_is_before(job, best)) &&
            may_try_again(scheduler, job, worker, present))
            best = job;
    }
    return best;
}

struct job *scheduler_expired(const struct scheduler *scheduler, int64_t now_ms) {
    for (size_t i = 0; i < scheduler->running.count; i++) {
        struct job *job = scheduler->running.items[i];
        if (lease_expired(&job->lease, now_ms))
            return job;
    }
    return NULL;
}

int64_t scheduler_next_expiry(const struct scheduler *scheduler) {
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < scheduler->running.count; i++) {
        const struct job *job = scheduler->running.items[i];
        next_ms = job->lease.until_ms < next_ms ? job->lease.until_ms : next_ms;
    }
    return next_ms;
}

size_t scheduler_lost(const struct scheduler *scheduler, const struct presence *present) {
    size_t count = 0;
    for (size_t i = 0; i < scheduler->workers.count; i++)
        count += worker_is_lost(scheduler->workers.items[i], present);
    return count;
}

bool scheduler_see_lost(struct scheduler *scheduler, const struct presence *present) {
    bool others = false;
    for (size_t i = 0; i < scheduler->workers.count; i++) {
        struct worker *worker = scheduler->workers.items[i];
        bool lost = worker_is_lost(worker, present);
        others |= lost != worker->seen_lost;
        worker->seen_lost = lost;
    }
    return others;
}

void scheduler_renew_all(struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms) {
    for (size_t i = 0; i < scheduler->running.count; i++)
        lease_renew(&((struct job *)scheduler->running.items[i])->lease, now_ms, lease_ms);
}

void scheduler_clear(struct scheduler *scheduler) {
    for (size_t i = 0; i < scheduler->jobs.count; i++)
        free(scheduler->jobs.items[i]);
    for (size_t i = 0; i < scheduler->workers.count; i++)
        free(scheduler->workers.items[i]);
    for (size_t i = 0; i < scheduler->lanes.count; i++)
        lane_free(scheduler->lanes.items[i]);
    for (size_t i = 0; i < scheduler->persons.count; i++) {
        free(((struct person *)scheduler->persons.items[i])->name);
        free(scheduler->persons.items[i]);
    }
    for (size_t i = 0; i < scheduler->barriers.count; i++)
        barrier_free(scheduler->barriers.items[i]);
    struct list *lists[] = {&scheduler->jobs,    &scheduler->running, &scheduler->resting,
                            &scheduler->workers, &scheduler->lanes,   &scheduler->persons,
                            &scheduler->barriers};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        free(lists[i]->items);
    *scheduler = (struct scheduler){0};
}
