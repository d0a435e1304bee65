#include "coordinator/lease.h"

#include "core/backoff.h"

#include <stdio.h>
#include <string.h>

const char *lease_state_name(enum lease_state state) {
    static const char *const names[LEASE_STATES] = {"queued", "running",   "done",
                                                    "failed", "cancelled", "paused"};
    return names[state];
}

bool lease_final(const struct lease *lease) {
    return lease->state != LEASE_QUEUED && lease->state != LEASE_RUNNING;
}

bool lease_held_by(const struct lease *lease, const char *worker, int64_t attempt) {
    return lease->state == LEASE_RUNNING && lease->attempt == attempt &&
           strcmp(lease->worker, worker) == 0;
}

bool lease_expired(const struct lease *lease, int64_t now_ms) {
    return lease->state == LEASE_RUNNING && now_ms >= lease->until_ms;
}

void lease_renew(struct lease *lease, int64_t now_ms, int64_t lease_ms) {
    if (lease->state == LEASE_RUNNING && lease->until_ms < now_ms + lease_ms)
        lease->until_ms = now_ms + lease_ms;
}

bool lease_grant(struct lease *lease, const char *worker, int64_t now_ms, int64_t lease_ms) {
    if (lease->state != LEASE_QUEUED || lease->paused)
        return false;
    lease->state = LEASE_RUNNING;
    lease->attempt++;
    lease->rest_until_ms = 0;
    lease->until_ms = now_ms + lease_ms;
    snprintf(lease->worker, sizeof lease->worker, "%s", worker);
    return true;
}

static void end(struct lease *lease, enum lease_state state) {
    lease->state = state;
    lease->paused = false;
}

bool lease_finish(struct lease *lease) {
    if (lease->state != LEASE_RUNNING)
        return false;
    end(lease, LEASE_DONE);
    return true;
}

/* Back into the queue. */
static void queue_again(struct lease *lease) {
    lease->state = LEASE_QUEUED;
    lease->until_ms = 0;
    lease->rest_until_ms = 0;
}

bool lease_fail(struct lease *lease, bool retry) {
    if (lease->state != LEASE_RUNNING)
        return false;
    lease->failures++;
    if (retry && lease->failures < lease->max_attempts)
        queue_again(lease);
    else
        end(lease, LEASE_FAILED);
    return true;
}

bool lease_give_back(struct lease *lease) {
    if (lease->state != LEASE_RUNNING)
        return false;
    queue_again(lease);
    lease->worker[0] = '\0';
    return true;
}

bool lease_hinder(struct lease *lease) {
    if (lease->state != LEASE_RUNNING)
        return false;
    lease->hindrances++;
    queue_again(lease);
    return true;
}

void lease_rest(struct lease *lease, int64_t experiment, int64_t now_ms) {
    static const struct backoff growing = {.first_ms = 2000, .times = 4, .most_ms = 300 * 1000};
    uint64_t jitter = (uint64_t)experiment << 32 ^ (uint64_t)lease->attempt;
    int64_t times = lease->failures + lease->hindrances;
    if (lease->state == LEASE_QUEUED && times > 0)
        lease->rest_until_ms = now_ms + backoff_ms(&growing, (uint64_t)times - 1, &jitter);
}

void lease_progress(struct lease *lease) {
    lease->failures = 0;
    lease->hindrances = 0;
}

bool lease_cancel(struct lease *lease) {
    if (lease_final(lease))
        return false;
    if (lease->state == LEASE_QUEUED)
        lease->worker[0] = '\0';
    end(lease, LEASE_CANCELLED);
    return true;
}

bool lease_retry(struct lease *lease) {
    if (lease->state != LEASE_FAILED && lease->state != LEASE_CANCELLED)
        return false;
    queue_again(lease);
    lease->worker[0] = '\0';
    lease_progress(lease);
    return true;
}

bool lease_pause(struct lease *lease) {
    if (lease_final(lease) || lease->paused)
        return false;
    lease->paused = true;
    return true;
}

bool lease_resume(struct lease *lease) {
    if (!lease->paused)
        return false;
    lease->paused = false;
    return true;
}
