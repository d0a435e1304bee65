#include "coordinator/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "*", or 0 to 65535 in digits. */
static bool port_read(const char *text, long *port) {
    size_t length = strlen(text);
    *port = 0;
    if (strcmp(text, "*") == 0)
        return true;
    if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
        return false;
    *port = strtol(text, NULL, 10);
    return *port <= 65535;
}

/* True for an address that only this machine reaches; *known is false when `host` is no address. */
static bool is_loopback(const char *host, bool *known) {
    struct in_addr four;
    struct in6_addr six;
    char inner[64];
    size_t length = strlen(host);
    *known = true;
    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (length > 2 && length < sizeof inner && host[0] == '[' && host[length - 1] == ']') {
        snprintf(inner, sizeof inner, "%.*s", (int)length - 2, host + 1);
        if (inet_pton(AF_INET6, inner, &six) == 1)
            return memcmp(&six, &in6addr_loopback, sizeof six) == 0;
    }
    *known = false;
    return false;
}

bool endpoint_check(const char *endpoint, bool keys, char bindable[ENDPOINT_MAX],
                    struct error *error) {
    static const char tcp[] = "tcp://", ipc[] = "ipc://";
    char host[ENDPOINT_MAX];
    const char *colon = strrchr(endpoint, ':');
    bool known;
    long port;
    if (strlen(endpoint) >= ENDPOINT_MAX)
        return error_set(error, ERROR_INPUT, "--listen: an endpoint has less than %d characters",
                         ENDPOINT_MAX);
    if (strncmp(endpoint, ipc, strlen(ipc)) == 0 && endpoint[strlen(ipc)] != '\0') {
        snprintf(bindable, ENDPOINT_MAX, "%s", endpoint);
        return true;
    }
    if (strncmp(endpoint, tcp, strlen(tcp)) != 0 || colon < endpoint + strlen(tcp) ||
        !port_read(colon + 1, &port))
        return error_set(error, ERROR_INPUT,
                         "--listen: \"%s\" is no endpoint; write tcp://127.0.0.1:PORT (PORT 0: any "
                         "free one) or ipc://FILE",
                         endpoint);
    snprintf(host, sizeof host, "%.*s", (int)(colon - endpoint - (long)strlen(tcp)),
             endpoint + strlen(tcp));
    if (!is_loopback(host, &known) && (!keys || host[0] == '\0'))
        return error_set(error, ERROR_INPUT,
                         "--listen: %s %s; without keys the coordinator listens on loopback only "
                         "(127.0.0.1, [::1], localhost); make one with assay keygen "
                         "KEYS/coordinator.key and add --keys KEYS",
                         host[0] != '\0' ? host : "an empty host",
                         known ? "can be reached from other machines" : "is no loopback address");
    /* zmq_bind resolves no names. */
    snprintf(bindable, ENDPOINT_MAX, "tcp://%.200s:%ld",
             strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port);
    return true;
}
