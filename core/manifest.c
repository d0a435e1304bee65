#include "core/manifest.h"

#include <stdlib.h>
#include <string.h>

void manifest_free(struct manifest *manifest) {
    for (size_t i = 0; i < manifest->count; i++)
        free(manifest->pictures[i].path);
    for (size_t c = 0; c < manifest->class_count; c++)
        free(manifest->classes[c].name);
    free(manifest->pictures);
    free(manifest->classes);
    *manifest = (struct manifest){0};
}

struct mention {
    const struct split_item *item;
    unsigned list;
};

static int compare_mentions(const void *a, const void *b) {
    const struct split_item *left = ((const struct mention *)a)->item,
                            *right = ((const struct mention *)b)->item;
    if (left->class_index != right->class_index)
        return left->class_index < right->class_index ? -1 : 1;
    return strcmp(left->path, right->path);
}

/* Adds the sorted mentions, those of one picture once. */
static bool add_mentions(const struct mention *mentions, size_t count, struct manifest *manifest) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_mentions(&mentions[i - 1], &mentions[i]) == 0) {
            manifest->pictures[manifest->count - 1].lists |= mentions[i].list;
            continue;
        }
        struct manifest_class *class = &manifest->classes[mentions[i].item->class_index];
        if (class->count++ == 0)
            class->first = manifest->count;
        struct manifest_picture *picture = &manifest->pictures[manifest->count];
        *picture = (struct manifest_picture){.path = strdup(mentions[i].item->path),
                                             .lists = mentions[i].list};
        if (picture->path == NULL)
            return false;
        manifest->count++;
    }
    return true;
}

bool manifest_of_split(const struct split *split, struct manifest *manifest, struct error *error) {
    const struct split_list *const lists[] = {&split->train, &split->valid, &split->test};
    size_t total = split->train.count + split->valid.count + split->test.count, count = 0;
    struct mention *mentions = calloc(total + 1, sizeof *mentions);
    *manifest =
        (struct manifest){.pictures = calloc(total + 1, sizeof *manifest->pictures),
                          .classes = calloc(split->class_count + 1, sizeof *manifest->classes)};
    bool ok = mentions != NULL && manifest->pictures != NULL && manifest->classes != NULL;
    for (size_t c = 0; ok && c < split->class_count; c++) {
        manifest->classes[c].name = strdup(split->classes[c].name);
        ok = manifest->classes[c].name != NULL;
        manifest->class_count += ok;
    }
    for (size_t l = 0; ok && l < 3; l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            mentions[count++] = (struct mention){&lists[l]->items[i], 1U << l};
    if (ok) {
        qsort(mentions, count, sizeof *mentions, compare_mentions);
        ok = add_mentions(mentions, count, manifest);
    }
    free(mentions);
    if (ok)
        return true;
    manifest_free(manifest);
    return error_machine(error, "out of memory for a list of %zu pictures", total);
}
