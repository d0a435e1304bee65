/* scrape: what Prometheus does: asks an exporter, and looks for lines of the answer. */
#ifndef ASSAY_TESTS_COORDINATOR_SCRAPE_H
#define ASSAY_TESTS_COORDINATOR_SCRAPE_H

#include "coordinator/exporter.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GET_METRICS "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static inline bool is_line(const char *text, const char *line) {
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    return strstr(text, whole) != NULL;
}

static inline void has_line(const char *text, const char *line) {
    if (!is_line(text, line))
        fail_msg("there is no line \"%s\" in:\n%s", line, text);
}

/* Sends a request; the answer into `answer`. */
static inline void fetch(const struct exporter *exporter, const char *request, char *answer,
                         size_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)exporter_port(exporter)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int socket_of = socket(AF_INET, SOCK_STREAM, 0);
    size_t length = 0;
    ssize_t got;
    assert_int_equal(connect(socket_of, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(socket_of, request, strlen(request)), (ssize_t)strlen(request));
    while (length < size - 1 && (got = read(socket_of, answer + length, size - 1 - length)) > 0)
        length += (size_t)got;
    answer[length] = '\0';
    close(socket_of);
}

#endif
