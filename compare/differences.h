/* differences: what parts the configs of experiments, and only that.
 */
#ifndef ASSAY_COMPARE_DIFFERENCES_H
#define ASSAY_COMPARE_DIFFERENCES_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* {"augmentations": {"flip": [1, 3], "flip+jitter": [2]}, ...}: each path whose values differ (name
 * and what does not change the result apart: priority, resources), with the ids that have each
 * value, called as the matrix calls it ("flip (as in 7)" where that is not what the first "flip"
 * is) or as compact JSON; a fingerprint, whose JSON is long, as "143 pictures". `experiments` as
 * `show` gives them. The caller frees; NULL without memory. */
cJSON *differences_of(const cJSON *experiments);

/* What a value is called that no matrix sets, where others' is set. */
#define DIFFERENCES_AS_FILE "as the file has it"

/* How deep paths go down into a config; what is deeper is one value. */
enum { DIFFERENCES_PATH_SIZE = 512, DIFFERENCES_DEPTH_MAX = 8 };
/* The path of a member whose object stands at `prefix` ("": the config itself): "data.split". False
 * when it is not compared: because that does not change what is learnt, or it is longer than any
 * path of a config. */
bool differences_path(const char *prefix, const char *key, char path[static DIFFERENCES_PATH_SIZE]);

#endif
