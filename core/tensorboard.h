/* tensorboard: one event file that TensorBoard reads: scalars by tag and step, and the run's
 * hparams.
 *
 * A file is a row of TFRecords (u64 length, masked CRC32C of it, data, masked CRC32C of the data,
 * all little-endian), each one tensorflow.Event as schema/tensorboard.proto has it. Like train.log,
 * the file is cut back to its length at the checkpoint when a run goes on, so that no step stands
 * twice. The first failure to write is kept and tensorboard_sync returns it.
 */
#ifndef ASSAY_CORE_TENSORBOARD_H
#define ASSAY_CORE_TENSORBOARD_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

struct tensorboard;

/* Opens or makes the file, with its folder, and cuts it back to `keep` bytes; a new, emptied or too
 * short file begins with the version event (tensorboard_bytes tells). */
bool tensorboard_open(const char *path, uint64_t keep, struct tensorboard **board,
                      struct error *error);
void tensorboard_close(struct tensorboard *board); /* NULL is fine */

uint64_t tensorboard_bytes(const struct tensorboard *board);

void tensorboard_scalar(struct tensorboard *board, const char *tag, int64_t step, double value);

enum { TENSORBOARD_HPARAMS_MAX = 64 };
/* This run's row of the HPARAMS page: an object of numbers, strings and booleans, at most
 * TENSORBOARD_HPARAMS_MAX. */
void tensorboard_hparams(struct tensorboard *board, const cJSON *hparams);
/* The run has come to its end, or was ended before: failed, cancelled. */
void tensorboard_end(struct tensorboard *board, bool done);

/* Everything so far is on disk when it returns true. */
bool tensorboard_sync(struct tensorboard *board, struct error *error);

/* CRC32C (Castagnoli, RFC 3720 appendix B.4), and TFRecord's rotation of it. */
uint32_t crc32c(const void *data, size_t length);
uint32_t crc32c_masked(const void *data, size_t length);

#endif
