#include "coordinator/http.h"

#include "coordinator/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The socket address of HOST:PORT; for freeaddrinfo. */
static bool resolve(const struct http_door *door, struct addrinfo **found, struct error *error) {
    char endpoint[ENDPOINT_MAX], bindable[ENDPOINT_MAX];
    int length = snprintf(endpoint, sizeof endpoint, "tcp://%s", door->address);
    if (length >= (int)sizeof endpoint || !endpoint_check(endpoint, door->anywhere, bindable, NULL))
        return door->anywhere
                   ? error_set(error, ERROR_INPUT,
                               "%s: \"%.200s\" is no address; write HOST:PORT, e.g. 0.0.0.0:7480",
                               door->option, door->address)
                   : error_set(error, ERROR_INPUT,
                               "%s: \"%.200s\" is no address that only this machine reaches; "
                               "write 127.0.0.1:PORT (PORT 0: any free one)%s",
                               door->option, door->address, door->otherwise);
    char *host = bindable + strlen("tcp://"), *colon = strrchr(host, ':');
    *colon = '\0';
    if (host[0] == '[') {
        host++;
        host[strlen(host) - 1] = '\0';
    }
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    const char *port = strcmp(colon + 1, "*") == 0 ? "0" : colon + 1;
    int result = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, found);
    return result == 0 || error_set(error, ERROR_INPUT, "%s: %s: %s", door->option, door->address,
                                    gai_strerror(result));
}

bool http_open(const struct http_door *door, struct MHD_Daemon **daemon, struct error *error) {
    struct addrinfo *found = NULL;
    if (!resolve(door, &found, error))
        return false;
    unsigned flags = door->flags | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (found->ai_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    *daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, door->answer, door->context, MHD_OPTION_SOCK_ADDR,
                         found->ai_addr, MHD_OPTION_CONNECTION_LIMIT, door->connections,
                         MHD_OPTION_CONNECTION_TIMEOUT, door->silence_s, MHD_OPTION_END);
    int reason = errno;
    freeaddrinfo(found);
    return *daemon != NULL ||
           error_set(error, ERROR_FAILED,
                     "%s: cannot listen on %s: %s; name another port if it is taken", door->option,
                     door->address, strerror(reason));
}

unsigned http_port(struct MHD_Daemon *daemon) {
    return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

enum MHD_Result http_send(struct MHD_Connection *connection, unsigned status, const char *type,
                          char *bytes, size_t length, enum MHD_ResponseMemoryMode mode,
                          const char *const *headers) {
    struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, mode);
    if (response == NULL) {
        if (mode == MHD_RESPMEM_MUST_FREE)
            free(bytes);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (; headers != NULL && *headers != NULL; headers += 2)
        MHD_add_response_header(response, headers[0], headers[1]);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}
