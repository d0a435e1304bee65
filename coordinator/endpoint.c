#include "coordinator/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char tcp[] = "tcp://", ipc[] = "ipc://";
#define SOCKET_PATH_SIZE (sizeof(struct sockaddr_un){0}.sun_path)

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

/* Whether a bracket at one end of the host means one at the other: "[::1" less its brackets would
 * be "::", which is all addresses. */
static bool is_bracketed_whole(const char *host, const char *end) {
    bool begins = host[0] == '[', ends = end > host && end[-1] == ']';
    return begins == ends;
}

bool endpoint_check(const char *endpoint, bool keys, char bindable[ENDPOINT_MAX],
                    struct error *error) {
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
        !port_read(colon + 1, &port) || !is_bracketed_whole(endpoint + strlen(tcp), colon))
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

/* Whether somebody has the socket file. Only a refusal says that nobody has: not that it is a
 * socket of another kind, or one that others may not connect to. */
static bool is_served(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return true;
    bool free = connect(probe, (const struct sockaddr *)&address, sizeof address) != 0 &&
                (errno == ECONNREFUSED || errno == ENOENT);
    close(probe);
    return !free;
}

bool endpoint_check_free(const char *bindable, struct error *error) {
    struct stat status;
    if (strncmp(bindable, ipc, strlen(ipc)) != 0)
        return true;
    const char *path = bindable + strlen(ipc);
    if (strlen(path) >= SOCKET_PATH_SIZE)
        return error_set(
            error, ERROR_INPUT,
            "--listen: %s is too long for a socket; name a file in less than %zu bytes", path,
            SOCKET_PATH_SIZE);
    if (path[0] == '@' || lstat(path, &status) != 0) /* @: a name that is no file */
        return true;
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, ERROR_INPUT,
                         "--listen: %s is there and no socket; name another file, or move it away",
                         path);
    return !is_served(path) ||
           error_set(error, ERROR_FAILED,
                     "cannot listen on %s: another program listens there; is a coordinator running "
                     "already? Else name another file with --listen ipc://FILE",
                     bindable);
}
