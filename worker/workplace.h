/* workplace: the folder in which one assignment is trained. */
#ifndef ASSAY_WORKER_WORKPLACE_H
#define ASSAY_WORKER_WORKPLACE_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* Makes DIR/experiments/ID and writes the configuration there as experiment.json. What stands there
 * already is kept when it is of the same configuration and `resumes` (the coordinator knows a
 * checkpoint of it), else renamed to ID.1, ID.2, ... *path is the caller's to free. */
bool workplace_make(const char *dir, int64_t id, const cJSON *config, bool resumes, char **path,
                    struct error *error);

#endif
