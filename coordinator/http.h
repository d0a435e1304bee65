/* http: what the coordinator's two doors for browsers share (exporter.h, page.h). */
#ifndef ASSAY_COORDINATOR_HTTP_H
#define ASSAY_COORDINATOR_HTTP_H

#include "core/error.h"

#include <microhttpd.h>

/* How a door is opened. */
struct http_door {
    const char *option;    /* "--metrics", for errors */
    const char *address;   /* HOST:PORT, PORT 0 any free one */
    bool anywhere;         /* HOST may be one that other machines reach, or * */
    const char *otherwise; /* what would make it so, for errors: " or ..."; "" */
    unsigned flags;        /* MHD_FLAG beside those of the address */
    unsigned connections;  /* at most, together */
    unsigned silence_s;    /* after which a connection is closed */
    MHD_AccessHandlerCallback answer;
    void *context; /* of answer; borrowed */
};

/* Listens. An address that is none, or one that may not be, is ERROR_INPUT; a port that is taken
 * ERROR_FAILED. End with MHD_stop_daemon. */
bool http_open(const struct http_door *door, struct MHD_Daemon **daemon, struct error *error);
unsigned http_port(struct MHD_Daemon *daemon);

/* Queues an answer of `length` bytes that stay where they are (MHD_RESPMEM_PERSISTENT), or are
 * copied or freed, as `mode` says. `headers`: names and values in turn, then NULL. */
enum MHD_Result http_send(struct MHD_Connection *connection, unsigned status, const char *type,
                          char *bytes, size_t length, enum MHD_ResponseMemoryMode mode,
                          const char *const *headers);

#endif
