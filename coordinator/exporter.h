/* exporter: the metrics over HTTP: GET /metrics, answered by a thread of its own from the snapshot
 * that was published last. Nothing of the coordinator is waited for, and it waits for nobody: the
 * lock is held while a snapshot is copied, never while something is sent.
 */
#ifndef ASSAY_COORDINATOR_EXPORTER_H
#define ASSAY_COORDINATOR_EXPORTER_H

#include "coordinator/stats.h"
#include "core/error.h"

struct exporter;

/* Listens on `address` (HOST:PORT, PORT 0 any free one). There are no keys on this door, so HOST is
 * a loopback address; another is ERROR_INPUT, a port that is taken ERROR_FAILED. */
bool exporter_open(const char *address, struct exporter **exporter, struct error *error);
void exporter_close(struct exporter *exporter); /* NULL is fine */
unsigned exporter_port(const struct exporter *exporter);

/* What is shown from now on. */
void exporter_publish(struct exporter *exporter, const struct stats *stats);

#endif
