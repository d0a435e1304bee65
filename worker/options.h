/* options: what several of assay-worker's subcommands take. */
#ifndef ASSAY_WORKER_OPTIONS_H
#define ASSAY_WORKER_OPTIONS_H

#include "core/experiment.h"
#include "core/options.h"

#include <stdint.h>

/* The number of a GPU, and of threads (0: the cores), or a mistake. */
error_t options_device(const struct argp_state *state, const char *text, int *device);
error_t options_threads(const struct argp_state *state, const char *text, int *threads);
/* What the data cache may hold, in GiB, as bytes into *bytes, or a mistake; without the option it
 * is OPTIONS_CACHE_BYTES. */
#define OPTIONS_CACHE_GIB 32
#define OPTIONS_CACHE_BYTES ((int64_t)OPTIONS_CACHE_GIB << 30)
error_t options_cache_gib(const struct argp_state *state, const char *text, int64_t *bytes);
/* "auto", "cpu" or "cuda" into *value, or a mistake. */
error_t options_backend(const struct argp_state *state, const char *text, const char **value);
/* "fp32", "tf32" or "bf16" into *value, or a mistake. */
error_t options_precision(const struct argp_state *state, const char *text, enum precision *value);
/* One line on stderr when "auto" has to do without the GPU that this build could use. */
void options_tell_backend(const char *backend, int device);
/* A line on stderr; struct model_options' tell, whose context it does not look at. */
void options_tell(void *context, const char *line);

#endif
