/* arch: torchvision's ResNets (He et al. 2015) as far as experiment files speak of them: which
 * there are, and what their parts are called. What a part computes is worker/nn/network.h's.
 */
#ifndef ASSAY_CORE_ARCH_H
#define ASSAY_CORE_ARCH_H

#include <stdbool.h>
#include <stddef.h>

enum { ARCH_STAGES = 4, ARCH_PART_SIZE = 64 };

struct arch {
    const char *name;        /* "resnet50" */
    bool bottleneck;         /* blocks of three convolutions, else of two */
    int blocks[ARCH_STAGES]; /* of layer1 to layer4 */
};

/* NULL when there is none of that name. */
const struct arch *arch_find(const char *name);

/* The names of all layers and of what holds them: "conv1", "bn1", "layer1", "layer1.0",
 * "layer1.0.conv1", ... "fc", "head". */
struct arch_parts {
    char (*names)[ARCH_PART_SIZE];
    size_t count;
};

/* False without memory. Free with arch_parts_free. */
bool arch_parts_make(const struct arch *arch, struct arch_parts *parts);
void arch_parts_free(struct arch_parts *parts);

bool arch_parts_have(const struct arch_parts *parts, const char *name);
/* Whether that part has a parameter of that name: "weight", "bias", "running_mean", "running_var".
 */
bool arch_part_has(const char *part, const char *parameter);
/* The part that a misspelt name is near to, or NULL. */
const char *arch_parts_nearest(const struct arch_parts *parts, const char *name);

#endif
