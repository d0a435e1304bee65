#include "coordinator/queue.h"

#include "coordinator/scheduler.h"
#include "core/array.h"

#include <assert.h>
#include <stdlib.h>

void queue_free(struct queue *queue) {
    free(queue->jobs);
    *queue = (struct queue){0};
}

bool queue_reserve(struct queue *queue, size_t count) {
    struct job **jobs = array_room(queue->jobs, count, &queue->capacity, sizeof(struct job *));
    if (jobs == NULL)
        return false;
    queue->jobs = jobs;
    return true;
}

static void put(struct queue *queue, size_t place, struct job *job) {
    queue->jobs[place] = job;
    job->place = place;
}

/* The job belongs at `place` or nearer to the root. */
static void rise(struct queue *queue, size_t place, struct job *job) {
    while (place > 0 && job->id < queue->jobs[(place - 1) / 2]->id) {
        put(queue, place, queue->jobs[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(queue, place, job);
}

/* The job belongs at `place` or farther from the root. */
static void sink(struct queue *queue, size_t place, struct job *job) {
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < queue->count && queue->jobs[child + 1]->id < queue->jobs[child]->id)
            child++;
        if (child >= queue->count || job->id < queue->jobs[child]->id)
            break;
        put(queue, place, queue->jobs[child]);
        place = child;
    }
    put(queue, place, job);
}

void queue_push(struct queue *queue, struct job *job) {
    assert(queue->count < queue->capacity && job->queue == NULL);
    job->queue = queue;
    rise(queue, queue->count++, job);
}

void queue_remove(struct job *job) {
    struct queue *queue = job->queue;
    struct job *last = queue->jobs[--queue->count];
    size_t place = job->place;
    job->queue = NULL;
    if (last == job)
        return;
    if (place > 0 && last->id < queue->jobs[(place - 1) / 2]->id)
        rise(queue, place, last);
    else
        sink(queue, place, last);
}

struct job *queue_first(const struct queue *queue) {
    return queue->count > 0 ? queue->jobs[0] : NULL;
}
