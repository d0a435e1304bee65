#include "coordinator/unwritten.h"

#include <stdlib.h>
#include <string.h>

struct drained {
    char worker[LEASE_WORKER_MAX + 1];
    int64_t pid;
};

/* Who was not heard of any more. */
struct missed {
    char worker[LEASE_WORKER_MAX + 1];
    int64_t pid, seen_ms, seen_unix_ms;
};

/* Of an experiment, as long as its lease is in that attempt and state. */
struct going {
    int64_t id, attempt;
    enum lease_state state;
    int64_t hindrances, rest_until_ms;
    char worker[LEASE_WORKER_MAX + 1];
    struct job_progress progress;
};

void unwritten_free(struct unwritten *unwritten) {
    free(unwritten->drained);
    free(unwritten->missed);
    free(unwritten->going);
    *unwritten = (struct unwritten){0};
}

static void keep_drained(struct unwritten *unwritten, const struct list *workers,
                         int64_t revision) {
    unwritten->drained = calloc(workers->count + 1, sizeof *unwritten->drained);
    for (size_t i = 0; unwritten->drained != NULL && i < workers->count; i++) {
        const struct worker *worker = workers->items[i];
        if (!worker->draining || worker->drained_at == revision)
            continue;
        struct drained *kept = &unwritten->drained[unwritten->drained_count++];
        memcpy(kept->worker, worker->name, sizeof kept->worker);
        kept->pid = worker->pid;
    }
}

static void keep_missed(struct unwritten *unwritten, const struct list *workers,
                        const struct presence *present) {
    unwritten->missed = calloc(workers->count + 1, sizeof *unwritten->missed);
    for (size_t i = 0; unwritten->missed != NULL && i < workers->count; i++) {
        const struct worker *worker = workers->items[i];
        if (!worker_is_lost(worker, present))
            continue;
        struct missed *kept = &unwritten->missed[unwritten->missed_count++];
        *kept = (struct missed){
            .pid = worker->pid, .seen_ms = worker->seen_ms, .seen_unix_ms = worker->seen_unix_ms};
        memcpy(kept->worker, worker->name, sizeof kept->worker);
    }
}

static bool says_more(const struct job *job) {
    return job->lease.hindrances > 0 || job->lease.rest_until_ms != 0 ||
           job->progress.phase[0] != '\0';
}

static void keep_going(struct unwritten *unwritten, const struct list *jobs) {
    size_t count = 0;
    for (size_t i = 0; i < jobs->count; i++)
        count += says_more(jobs->items[i]);
    unwritten->going = calloc(count + 1, sizeof *unwritten->going);
    for (size_t i = 0; unwritten->going != NULL && i < jobs->count; i++) {
        const struct job *job = jobs->items[i];
        if (!says_more(job))
            continue;
        struct going *kept = &unwritten->going[unwritten->going_count++];
        *kept = (struct going){.id = job->id,
                               .attempt = job->lease.attempt,
                               .state = job->lease.state,
                               .hindrances = job->lease.hindrances,
                               .rest_until_ms = job->lease.rest_until_ms,
                               .progress = job->progress};
        memcpy(kept->worker, job->lease.worker, sizeof kept->worker);
    }
}

void unwritten_keep(struct unwritten *unwritten, const struct scheduler *scheduler,
                    const struct presence *present, int64_t revision) {
    unwritten_free(unwritten);
    keep_drained(unwritten, &scheduler->workers, revision);
    keep_missed(unwritten, &scheduler->workers, present);
    keep_going(unwritten, &scheduler->jobs);
}

void unwritten_put_back(const struct unwritten *unwritten, struct scheduler *scheduler) {
    for (size_t i = 0; i < unwritten->drained_count; i++) {
        const struct drained *kept = &unwritten->drained[i];
        struct worker *worker = scheduler_worker(scheduler, kept->worker);
        if (worker != NULL && worker->pid == kept->pid)
            worker->draining = true;
    }
    for (size_t i = 0; i < unwritten->missed_count; i++) {
        const struct missed *kept = &unwritten->missed[i];
        struct worker *worker = scheduler_worker(scheduler, kept->worker);
        if (worker == NULL || worker->pid != kept->pid)
            continue;
        worker->seen_ms = kept->seen_ms;
        worker->seen_unix_ms = kept->seen_unix_ms;
    }
    for (size_t i = 0; i < unwritten->going_count; i++) {
        const struct going *kept = &unwritten->going[i];
        struct job *job = scheduler_find(scheduler, kept->id);
        if (job == NULL || job->lease.attempt != kept->attempt || job->lease.state != kept->state)
            continue;
        job->lease.hindrances = kept->hindrances;
        job->lease.rest_until_ms = kept->rest_until_ms;
        memcpy(job->lease.worker, kept->worker, sizeof kept->worker);
        job->progress = kept->progress;
        scheduler_settle(scheduler, job);
    }
}
