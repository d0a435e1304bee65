#include "core/arch.h"

#include "core/text.h"
#include "core/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct arch archs[] = {
    {"resnet18", false, {2, 2, 2, 2}},  {"resnet34", false, {3, 4, 6, 3}},
    {"resnet50", true, {3, 4, 6, 3}},   {"resnet101", true, {3, 4, 23, 3}},
    {"resnet152", true, {3, 8, 36, 3}},
};

const struct arch *arch_find(const char *name) {
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        if (strcmp(archs[i].name, name) == 0)
            return &archs[i];
    return NULL;
}

/* Of a block: itself, three convolutions with their norms, a shortcut of two. */
enum { AROUND_STAGES = 4, PARTS_OF_BLOCK = 1 + 6 + 3 };

static void add(struct arch_parts *parts, const char *prefix, const char *name) {
    snprintf(parts->names[parts->count++], ARCH_PART_SIZE, "%s%s", prefix, name);
}

static void add_block(const struct arch *arch, int stage, int index, struct arch_parts *parts) {
    static const char *const layers[] = {".conv1", ".bn1", ".conv2", ".bn2", ".conv3", ".bn3"};
    static const char *const shortcut[] = {".downsample", ".downsample.0", ".downsample.1"};
    char block[32]; /* layer4.35; room for any two numbers, which compilers look for */
    snprintf(block, sizeof block, "layer%d.%d", stage + 1, index);
    add(parts, block, "");
    for (int i = 0; i < (arch->bottleneck ? 6 : 4); i++)
        add(parts, block, layers[i]);
    /* where a block changes the size or the channels */
    for (int i = 0; i < (index == 0 && (stage > 0 || arch->bottleneck) ? 3 : 0); i++)
        add(parts, block, shortcut[i]);
}

bool arch_parts_make(const struct arch *arch, struct arch_parts *parts) {
    size_t most = AROUND_STAGES + ARCH_STAGES;
    for (int stage = 0; stage < ARCH_STAGES; stage++)
        most += PARTS_OF_BLOCK * (size_t)arch->blocks[stage];
    *parts = (struct arch_parts){.names = calloc(most, sizeof *parts->names)};
    if (parts->names == NULL)
        return false;
    add(parts, "conv1", "");
    add(parts, "bn1", "");
    for (int stage = 0; stage < ARCH_STAGES; stage++) {
        snprintf(parts->names[parts->count++], ARCH_PART_SIZE, "layer%d", stage + 1);
        for (int i = 0; i < arch->blocks[stage]; i++)
            add_block(arch, stage, i, parts);
    }
    add(parts, "fc", "");
    add(parts, "head", "");
    return true;
}

void arch_parts_free(struct arch_parts *parts) {
    free(parts->names);
    *parts = (struct arch_parts){0};
}

bool arch_parts_have(const struct arch_parts *parts, const char *name) {
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->names[i], name) == 0)
            return true;
    return false;
}

bool arch_part_has(const char *part, const char *parameter) {
    const char *dot = strrchr(part, '.'), *last = dot != NULL ? dot + 1 : part;
    bool weight = strcmp(parameter, "weight") == 0, bias = strcmp(parameter, "bias") == 0;
    if (strncmp(last, "bn", 2) == 0 || text_ends(part, "downsample.1"))
        return weight || bias || strcmp(parameter, "running_mean") == 0 ||
               strcmp(parameter, "running_var") == 0;
    if (strncmp(last, "conv", 4) == 0 || text_ends(part, "downsample.0"))
        return weight;
    return (weight || bias) && (strcmp(part, "fc") == 0 || strcmp(part, "head") == 0);
}

const char *arch_parts_nearest(const struct arch_parts *parts, const char *name) {
    const char **names = calloc(parts->count + 1, sizeof *names);
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < parts->count; i++)
        names[i] = parts->names[i];
    const char *nearest = nearest_word(name, names, parts->count);
    free(names);
    return nearest;
}
