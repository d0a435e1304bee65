/* server: the coordinator's socket: frames in, answers out, and nothing decided here.
 *
 * One thread. Each turn takes the messages that wait (up to a bound), has them handled in one
 * transaction, commits it, and sends the answers: many workers share one sync of the disk. What is
 * broken on the wire is answered with an error and touches nothing.
 */
#ifndef ASSAY_COORDINATOR_SERVER_H
#define ASSAY_COORDINATOR_SERVER_H

#include "coordinator/coordinator.h"
#include "coordinator/exporter.h"
#include "coordinator/guard.h"

struct server;

/* Binds. `coordinator` and `guard` (NULL: no keys, everybody on this machine may do everything) are
 * borrowed until server_close. ERROR_INPUT when `listen` is none or not local without a guard
 * (endpoint.h), ERROR_FAILED when it is taken. */
bool server_open(const char *listen, struct guard *guard, struct coordinator *coordinator,
                 struct server **server, struct error *error);
void server_close(struct server *server); /* NULL is fine */
/* What it is bound to, with the port that was free: what others connect to. */
const char *server_endpoint(const struct server *server);

/* Where threads of this process connect, with the server's own context and any ROUTER's peer: they
 * may do what people may, and are asked for no key. Close such sockets before server_close. */
#define SERVER_INSIDE "inproc://inside"
void *server_context(const struct server *server);

/* Publishes metrics there every two seconds; borrowed until server_close. */
void server_export(struct server *server, struct exporter *exporter);

/* Serves until `stop` (a file descriptor) is readable. */
bool server_run(struct server *server, int stop, struct error *error);

#endif
