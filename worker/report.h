/* report: what the trainer says, as the bodies of the protocol's messages (docs/protocol.md).
 *
 * Each returns an object that the caller frees with cJSON_Delete, or NULL when memory is out.
 * Numbers that are not finite (a loss that ran away) become null.
 */
#ifndef ASSAY_WORKER_REPORT_H
#define ASSAY_WORKER_REPORT_H

#include "worker/trainer_events.h"

#include <cjson/cJSON.h>

cJSON *report_progress(const struct progress *progress);
cJSON *report_epoch(const struct epoch_report *report);
cJSON *report_evaluation(const struct evaluation_report *report);
/* The scores of pictures *position on, as many as one report takes (REPORT_SCORES_MAX, fewer with
 * very long paths); *position is moved behind them. */
enum { REPORT_SCORES_MAX = 1000 };
cJSON *report_scores(const struct evaluation_report *report, size_t *position);
cJSON *report_checkpoint(const struct checkpoint_report *report, const char *host);
cJSON *report_log(uint64_t offset, const char *text);
/* "done", "given_back" */
cJSON *report_end(const char *outcome);
/* "given_back", which says why this machine could not do it. */
cJSON *report_hindered(const char *message);
/* "failed"; retry: whether another attempt may go better. */
cJSON *report_failure(const char *message, bool retry);

#endif
