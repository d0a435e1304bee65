#include "coordinator/exporter.h"

#include "coordinator/endpoint.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
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
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, mode);
    if (response == NULL) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            "text/plain; version=0.0.4; charset=utf-8");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
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

/* The socket address of a loopback HOST:PORT; for freeaddrinfo. */
static bool resolve(const char *address, struct addrinfo **found, struct error *error) {
    char endpoint[ENDPOINT_MAX], bindable[ENDPOINT_MAX];
    int length = snprintf(endpoint, sizeof endpoint, "tcp://%s", address);
    if (length >= (int)sizeof endpoint || !endpoint_check(endpoint, false, bindable, NULL))
        return error_set(error, ERROR_INPUT,
                         "--metrics: \"%.200s\" is no address that only this machine reaches; "
                         "write 127.0.0.1:PORT (PORT 0: any free one)",
                         address);
    char *host = bindable + strlen("tcp://"), *colon = strrchr(host, ':');
    *colon = '\0';
    if (host[0] == '[') {
        host++;
        host[strlen(host) - 1] = '\0';
    }
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    int result = getaddrinfo(host, colon + 1, &hints, found);
    return result == 0 ||
           error_set(error, ERROR_INPUT, "--metrics: %s: %s", address, gai_strerror(result));
}

bool exporter_open(const char *address, struct exporter **exporter, struct error *error) {
    struct addrinfo *found = NULL;
    if (!resolve(address, &found, error))
        return false;
    struct exporter *made = calloc(1, sizeof *made);
    if (made == NULL) {
        freeaddrinfo(found);
        return error_set(error, ERROR_FAILED, "no memory for --metrics");
    }
    pthread_mutex_init(&made->lock, NULL);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (found->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    made->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, answer, made, MHD_OPTION_SOCK_ADDR, found->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S, MHD_OPTION_END);
    freeaddrinfo(found);
    if (made->daemon == NULL) {
        error_set(error, ERROR_FAILED,
                  "--metrics: cannot listen on %s: %s; name another port if it is taken", address,
                  strerror(errno));
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
    return MHD_get_daemon_info(exporter->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void exporter_publish(struct exporter *exporter, const struct stats *stats) {
    pthread_mutex_lock(&exporter->lock);
    exporter->stats = *stats;
    pthread_mutex_unlock(&exporter->lock);
}
