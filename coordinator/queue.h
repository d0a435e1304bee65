/* queue: jobs in the order of their ids: a binary heap, in which each job knows its place, so that
 * any of them is taken out in O(log n). For scheduler.c. */
#ifndef ASSAY_COORDINATOR_QUEUE_H
#define ASSAY_COORDINATOR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct job;

/* Zero-initialise; free with queue_free. */
struct queue {
    struct job **jobs; /* each not below its parent, (index - 1) / 2 */
    size_t count, capacity;
};
void queue_free(struct queue *queue);

/* Room for `count` jobs; false without memory. queue_push fails never within it. */
bool queue_reserve(struct queue *queue, size_t count);
/* The job is in no queue yet. */
void queue_push(struct queue *queue, struct job *job);
void queue_remove(struct job *job);                 /* from the queue it is in */
struct job *queue_first(const struct queue *queue); /* the oldest, or NULL */

#endif
