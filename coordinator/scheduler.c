#include "coordinator/scheduler.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const need_names[] = {"any", "cpu", "cuda"};

bool backend_need_read(const char *name, enum backend_need *need) {
    for (size_t i = 0; i < sizeof need_names / sizeof need_names[0]; i++) {
        if (strcmp(name, need_names[i]) != 0)
            continue;
        *need = (enum backend_need)i;
        return true;
    }
    return false;
}

const char *backend_need_name(enum backend_need need) {
    return need_names[need];
}

void scheduler_clear(struct scheduler *scheduler) {
    free(scheduler->jobs);
    free(scheduler->workers);
    *scheduler = (struct scheduler){0};
}

/* Room for one more item of `size` bytes. */
static bool make_room(void **items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    if (wanted > SIZE_MAX / size)
        return false;
    void *grown = realloc(*items, wanted * size);
    if (grown == NULL)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

/* The place of the first job whose id is not below `id`. */
static size_t job_place(const struct scheduler *scheduler, int64_t id) {
    size_t low = 0, high = scheduler->job_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (scheduler->jobs[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct job *scheduler_find(struct scheduler *scheduler, int64_t id) {
    size_t place = job_place(scheduler, id);
    bool found = place < scheduler->job_count && scheduler->jobs[place].id == id;
    return found ? &scheduler->jobs[place] : NULL;
}

bool scheduler_add(struct scheduler *scheduler, const struct job *job) {
    void *jobs = scheduler->jobs;
    if (!make_room(&jobs, scheduler->job_count, &scheduler->job_capacity, sizeof *job))
        return false;
    scheduler->jobs = jobs;
    size_t place = job_place(scheduler, job->id);
    assert(place == scheduler->job_count || scheduler->jobs[place].id != job->id);
    memmove(scheduler->jobs + place + 1, scheduler->jobs + place,
            (scheduler->job_count - place) * sizeof *job);
    scheduler->jobs[place] = *job;
    scheduler->job_count++;
    return true;
}

void scheduler_remove(struct scheduler *scheduler, int64_t id) {
    struct job *job = scheduler_find(scheduler, id);
    if (job == NULL)
        return;
    size_t behind = scheduler->job_count - (size_t)(job - scheduler->jobs) - 1;
    memmove(job, job + 1, behind * sizeof *job);
    scheduler->job_count--;
}

struct worker *scheduler_worker(struct scheduler *scheduler, const char *name) {
    for (size_t i = 0; i < scheduler->worker_count; i++)
        if (strcmp(scheduler->workers[i].name, name) == 0)
            return &scheduler->workers[i];
    return NULL;
}

bool scheduler_put_worker(struct scheduler *scheduler, const struct worker *worker) {
    struct worker *there = scheduler_worker(scheduler, worker->name);
    if (there == NULL) {
        void *workers = scheduler->workers;
        if (!make_room(&workers, scheduler->worker_count, &scheduler->worker_capacity,
                       sizeof *worker))
            return false;
        scheduler->workers = workers;
        there = &scheduler->workers[scheduler->worker_count++];
    }
    *there = *worker;
    return true;
}

void scheduler_remove_worker(struct scheduler *scheduler, const char *name) {
    struct worker *worker = scheduler_worker(scheduler, name);
    if (worker == NULL)
        return;
    size_t behind = scheduler->worker_count - (size_t)(worker - scheduler->workers) - 1;
    memmove(worker, worker + 1, behind * sizeof *worker);
    scheduler->worker_count--;
}

struct job *scheduler_held(struct scheduler *scheduler, const char *worker) {
    for (size_t i = 0; i < scheduler->job_count; i++) {
        struct job *job = &scheduler->jobs[i];
        if (lease_held_by(&job->lease, worker, job->lease.attempt))
            return job;
    }
    return NULL;
}

bool scheduler_fits(const struct job *job, const struct worker *worker) {
    return (job->backend == BACKEND_ANY || job->backend == worker->backend) &&
           job->memory_bytes <= worker->memory_bytes;
}

struct job *scheduler_next(struct scheduler *scheduler, const struct worker *worker) {
    struct job *best = NULL;
    /* Jobs stand in order of id, so the first of a priority is the oldest. */
    for (size_t i = 0; i < scheduler->job_count; i++) {
        struct job *job = &scheduler->jobs[i];
        if (job->lease.state == LEASE_QUEUED && (best == NULL || job->priority > best->priority) &&
            scheduler_fits(job, worker))
            best = job;
    }
    return best;
}

struct job *scheduler_expired(struct scheduler *scheduler, int64_t now_ms) {
    for (size_t i = 0; i < scheduler->job_count; i++)
        if (lease_expired(&scheduler->jobs[i].lease, now_ms))
            return &scheduler->jobs[i];
    return NULL;
}

struct worker *scheduler_gone(struct scheduler *scheduler, int64_t now_ms, int64_t gone_ms) {
    for (size_t i = 0; i < scheduler->worker_count; i++) {
        struct worker *worker = &scheduler->workers[i];
        if (now_ms - worker->seen_ms > gone_ms && scheduler_held(scheduler, worker->name) == NULL)
            return worker;
    }
    return NULL;
}

void scheduler_renew_all(struct scheduler *scheduler, int64_t now_ms, int64_t lease_ms) {
    for (size_t i = 0; i < scheduler->job_count; i++)
        lease_renew(&scheduler->jobs[i].lease, now_ms, lease_ms);
}
