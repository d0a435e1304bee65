#include "compare/alike.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const char *text;
    size_t index;
};

static int compare_entries(const void *a, const void *b) {
    const struct entry *left = a, *right = b;
    int texts = strcmp(left->text, right->text);
    return texts != 0 ? texts : left->index < right->index ? -1 : left->index > right->index;
}

/* Takes over what the sorted entries say. */
static void take(const struct entry *entries, size_t count, struct alike *alike) {
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        alike->order[i] = entries[i].index;
        if (strcmp(entries[i].text, entries[begin].text) != 0)
            begin = i;
        alike->place[entries[i].index] = begin;
        alike->many[entries[begin].index]++;
    }
    for (size_t i = 0; i < count; i++)
        alike->many[entries[i].index] = alike->many[alike->order[alike->place[entries[i].index]]];
}

bool alike_make(const char *const *texts, size_t count, struct alike *alike) {
    struct entry *entries = calloc(count + 1, sizeof *entries);
    *alike = (struct alike){.order = calloc(count + 1, sizeof *alike->order),
                            .place = calloc(count + 1, sizeof *alike->place),
                            .many = calloc(count + 1, sizeof *alike->many)};
    bool good =
        entries != NULL && alike->order != NULL && alike->place != NULL && alike->many != NULL;
    size_t there = 0;
    for (size_t i = 0; good && i < count; i++)
        if (texts[i] != NULL)
            entries[there++] = (struct entry){texts[i], i};
    if (good) {
        qsort(entries, there, sizeof *entries, compare_entries);
        take(entries, there, alike);
    }
    free(entries);
    return good;
}

void alike_free(struct alike *alike) {
    free(alike->order);
    free(alike->place);
    free(alike->many);
    *alike = (struct alike){0};
}

bool alike_first(const struct alike *alike, size_t index) {
    return alike->many[index] > 0 && alike->order[alike->place[index]] == index;
}

const size_t *alike_members(const struct alike *alike, size_t index) {
    return &alike->order[alike->place[index]];
}
