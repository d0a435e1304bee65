#include "coordinator/exporter.h"

#include "coordinator/http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 16, SILENCE_S = 10 };

struct exporter {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    struct stats stats; /* guarded by lock */
};

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, char *text,
                                 enum MHD_ResponseMemoryMode mode) {
    return http_send(connection, status, "text/plain; version=0.0.4; charset=utf-8", text,
                     strlen(text), mode, NULL);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state) {
    static char only_get[] = "GET /metrics is all there is.\n";
    struct exporter *exporter = context;
    struct stats stats;
    (void)version, (void)data, (void)state;
    *data_size = 0;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, only_get, MHD_RESPMEM_PERSISTENT);
    if (strcmp(url, "/metrics") != 0)
        return send_text(connection, MHD_HTTP_NOT_FOUND, only_get, MHD_RESPMEM_PERSISTENT);
    pthread_mutex_lock(&exporter->lock);
    stats = exporter->stats;
    pthread_mutex_unlock(&exporter->lock);
    char *text = stats_text(&stats);
    return text != NULL ? send_text(connection, MHD_HTTP_OK, text, MHD_RESPMEM_MUST_FREE) : MHD_NO;
}

bool exporter_open(const char *address, struct exporter **exporter, struct error *error) {
    struct exporter *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "no memory for --metrics");
    pthread_mutex_init(&made->lock, NULL);
    const struct http_door door = {.option = "--metrics",
                                   .address = address,
                                   .otherwise = "",
                                   .connections = CONNECTIONS_MAX,
                                   .silence_s = SILENCE_S,
                                   .answer = answer,
                                   .context = made};
    if (!http_open(&door, &made->daemon, error)) {
        exporter_close(made);
        return false;
    }
    *exporter = made;
    return true;
}

void exporter_close(struct exporter *exporter) {
    if (exporter == NULL)
        return;
    if (exporter->daemon != NULL)
        MHD_stop_daemon(exporter->daemon);
    pthread_mutex_destroy(&exporter->lock);
    free(exporter);
}

unsigned exporter_port(const struct exporter *exporter) {
    return http_port(exporter->daemon);
}

void exporter_publish(struct exporter *exporter, const struct stats *stats) {
    pthread_mutex_lock(&exporter->lock);
    exporter->stats = *stats;
    pthread_mutex_unlock(&exporter->lock);
}
