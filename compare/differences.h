/* differences: what parts the configs of experiments, and only that.
 */
#ifndef ASSAY_COMPARE_DIFFERENCES_H
#define ASSAY_COMPARE_DIFFERENCES_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* {"augmentations": {"flip": [1, 3], "flip+jitter": [2]}, ...}: each path whose values differ (name
 * and what does not change the result apart: priority, resources, fingerprint), with the ids that
 * have each value, called as the matrix calls it or as compact JSON. `experiments` as `show` gives
 * them. The caller frees; NULL without memory. */
cJSON *differences_of(const cJSON *experiments);

/* What a value is called that no matrix sets, where others' is set. */
#define DIFFERENCES_AS_FILE "as the file has it"

/* Whether what stands at a path of the config is not compared: it does not change what is learnt.
 */
bool differences_are_aside(const char *path);

#endif
