#include "core/split.h"

#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool split_add_class(struct split *split, const char *name, int label, uint32_t repeat,
                     struct error *error) {
    struct split_class *classes =
        reallocarray(split->classes, split->class_count + 1, sizeof *classes);
    char *copy = strdup(name);
    if (classes != NULL)
        split->classes = classes;
    if (classes == NULL || copy == NULL) {
        free(copy);
        return error_memory(error);
    }
    classes[split->class_count++] =
        (struct split_class){.name = copy, .label = label, .repeat = repeat};
    return true;
}

static void list_free(struct split_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
    *list = (struct split_list){0};
}

void split_free(struct split *split) {
    list_free(&split->train);
    list_free(&split->valid);
    list_free(&split->test);
    for (size_t c = 0; c < split->class_count; c++)
        free(split->classes[c].name);
    free(split->classes);
    split->classes = NULL;
    split->class_count = 0;
}

int split_missing_label(const struct split_list *list) {
    bool seen[2] = {false, false};
    for (size_t i = 0; i < list->count; i++)
        seen[list->items[i].label] = true;
    return !seen[0] ? 0 : !seen[1] ? 1 : -1;
}

char *split_caution(const struct split *split) {
    int label = split_missing_label(&split->valid);
    char *text = NULL;
    if (label < 0 ||
        asprintf(&text,
                 "no picture to validate on has the label %d: the checkpoint is chosen "
                 "by the others alone; raise data.split.valid, fill the list of "
                 "data.files.valid, or add pictures",
                 label) < 0)
        return NULL;
    return text;
}

bool split_check_trainable(const struct split *split, struct error *error) {
    if (split->train.count == 0)
        return error_set(
            error, ERROR_INPUT,
            "no picture to train on: %zu valid, %zu test; raise data.split.train, fill "
            "the list of data.files.train, or add pictures",
            split->valid.count, split->test.count);
    int missing = split_missing_label(&split->train);
    if (missing >= 0)
        return error_set(error, ERROR_INPUT,
                         "no picture to train on has the label %d; both 0 and 1 are needed to tell "
                         "them apart: raise data.split.train, or add pictures",
                         missing);
    if (split->valid.count == 0)
        return error_set(error, ERROR_INPUT,
                         "no picture to validate on, which the learning rate and the best "
                         "checkpoint need: %zu train, %zu test; raise data.split.valid, fill the "
                         "list of data.files.valid, or add pictures",
                         split->train.count, split->test.count);
    if (split->train.count > UINT32_MAX)
        return error_set(error, ERROR_INPUT, "more than 2^32 training pictures an epoch");
    return true;
}

char *split_to_json(const struct split_list *list) {
    struct text text = {0};
    if (list->count == 0)
        text_add(&text, "[]", 2);
    for (size_t i = 0; i < list->count; i++) {
        const struct split_item *item = &list->items[i];
        text_format(&text,
                    "%s    {\n        \"label\": %d,\n        \"path\": ", i == 0 ? "[\n" : ",\n",
                    item->label);
        text_json_string(&text, item->path);
        text_format(&text, "\n    }%s", i + 1 == list->count ? "\n]" : "");
    }
    return text_take(&text);
}
