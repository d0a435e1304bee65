#include "cli/gang.h"

#include <pthread.h>
#include <time.h>

enum { THREADS_MAX = 64 };

/* The threads share this; `lock` guards what stands below it. */
struct site {
    const struct gang *gang;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, done;
    int workers;
    bool failed;
    struct error error; /* of the first that failed */
};

static void fail(struct site *site, const struct error *error) {
    if (!site->failed)
        site->error = *error;
    site->failed = true;
}

static void *work(void *argument) {
    struct site *site = argument;
    const struct gang *gang = site->gang;
    pthread_mutex_lock(&site->lock);
    while (!site->failed && site->next < gang->count) {
        size_t index = site->next++;
        struct error error = {0};
        pthread_mutex_unlock(&site->lock);
        bool good = gang->work(gang->context, index, &error);
        pthread_mutex_lock(&site->lock);
        if (good)
            site->done++;
        else
            fail(site, &error);
    }
    site->workers--;
    pthread_cond_signal(&site->changed);
    pthread_mutex_unlock(&site->lock);
    return NULL;
}

/* Waits until every thread has gone home, and tells how far they are five times a second and once
 * at the end. */
static void watch(struct site *site) {
    const struct gang *gang = site->gang;
    bool home;
    pthread_mutex_lock(&site->lock);
    do {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 200 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (site->workers > 0)
            pthread_cond_timedwait(&site->changed, &site->lock, &until);
        size_t done = site->done;
        home = site->workers == 0; /* else what is told now is not the end */
        pthread_mutex_unlock(&site->lock);
        bool go_on =
            gang->progress == NULL || gang->progress(gang->progress_context, done, gang->count);
        pthread_mutex_lock(&site->lock);
        if (!go_on)
            fail(site, &(struct error){.code = ERROR_FAILED, .message = "stopped before the end"});
    } while (!home);
    pthread_mutex_unlock(&site->lock);
}

bool gang_run(const struct gang *gang, struct error *error) {
    struct site site = {.gang = gang};
    pthread_t threads[THREADS_MAX];
    pthread_condattr_t steady;
    int started = 0;
    int wanted = gang->threads < 1 ? 1 : gang->threads > THREADS_MAX ? THREADS_MAX : gang->threads;
    pthread_mutex_init(&site.lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC); /* `watch` waits by it */
    pthread_cond_init(&site.changed, &steady);
    pthread_condattr_destroy(&steady);
    site.workers = wanted;
    while (started < wanted && pthread_create(&threads[started], NULL, work, &site) == 0)
        started++;
    pthread_mutex_lock(&site.lock);
    site.workers -= wanted - started;
    if (started == 0)
        fail(&site, &(struct error){.code = ERROR_FAILED, .message = "cannot start a thread"});
    pthread_mutex_unlock(&site.lock);
    watch(&site);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&site.changed);
    pthread_mutex_destroy(&site.lock);
    if (site.failed && error != NULL)
        *error = site.error;
    return !site.failed;
}
