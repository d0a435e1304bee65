/* trainlog: train.log, the lines that the notebook wrote (of every hundredth step of the run, every
 * epoch, every evaluation), and the same lines told as events.
 *
 * A line that cannot be written is not lost silently: the first failure is kept and trainlog_sync,
 * which comes before every checkpoint, returns it. A checkpoint remembers trainlog_bytes; whoever
 * goes on from it cuts the file back to there, so that no line stands twice.
 */
#ifndef ASSAY_WORKER_TRAINLOG_H
#define ASSAY_WORKER_TRAINLOG_H

#include "worker/trainer_events.h"

struct trainlog;

/* Opens or makes DIR/train.log and cuts it back to `keep` bytes. What is kept is told again from
 * offset 0. A file shorter than `keep` holds other lines: it is emptied; trainlog_bytes tells.
 * `events` must live until trainlog_close. */
bool trainlog_open(const char *dir, uint64_t keep, const struct trainer_events *events,
                   struct trainlog **log, struct error *error);
void trainlog_close(struct trainlog *log); /* NULL is fine */

uint64_t trainlog_bytes(const struct trainlog *log);

/* Appends one line, what is no UTF-8 in it or would end it as '?'; the newline is added. */
void trainlog_line(struct trainlog *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "epoch 1/200: loss_train 0.6931 loss_valid .. accuracy_valid .. precision_valid .. recall_valid
 * .. lr 0.0002" */
void trainlog_epoch(struct trainlog *log, const struct epoch_report *report, uint32_t epochs);
/* "best (epoch 7) on test: TP .. TN .. FP .. FN .. accuracy .. recall .. precision .. loss .."
 * "best (epoch 7) on test: roc_auc .. average_precision .. equal_error_rate .. threshold ..
 * accuracy_at_threshold .."
 * "best (epoch 7) on test: right of fake_deepfake 390/400, fake_face2face 399/400, real 398/400" */
void trainlog_evaluation(struct trainlog *log, const struct evaluation_report *report);

/* Everything so far is on disk when it returns true. */
bool trainlog_sync(struct trainlog *log, struct error *error);

#endif
