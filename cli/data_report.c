#include "cli/data_report.h"

#include "cli/screen.h"
#include "core/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- finding --- */

static bool is_odd(const struct data_report *report, size_t index) {
    const struct picture_facts *facts = &report->facts[index];
    return facts->fault == NULL &&
           (facts->width != report->width || facts->height != report->height);
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* The size that most pictures have; of as frequent ones the smallest. */
static bool find_size(struct data_report *report) {
    size_t count = 0, longest = 0, run = 0;
    uint64_t *sizes = calloc(report->manifest.count + 1, sizeof *sizes);
    if (sizes == NULL)
        return false;
    for (size_t i = 0; i < report->manifest.count; i++)
        if (report->facts[i].fault == NULL)
            sizes[count++] = (uint64_t)report->facts[i].width << 32 |
                             (uint64_t)(uint32_t)report->facts[i].height;
    qsort(sizes, count, sizeof *sizes, compare_numbers);
    for (size_t i = 0; i < count; i++) {
        run = i > 0 && sizes[i] == sizes[i - 1] ? run + 1 : 1;
        if (run > longest) {
            longest = run;
            report->width = (int)(sizes[i] >> 32);
            report->height = (int)(uint32_t)sizes[i];
        }
    }
    free(sizes);
    return true;
}

struct picture_key {
    const struct picture_facts *facts;
    size_t index;
};

static int compare_pixels(const struct picture_facts *a, const struct picture_facts *b) {
    if (a->width != b->width)
        return a->width < b->width ? -1 : 1;
    return strcmp(a->pixels, b->pixels);
}

static int compare_keys(const void *a, const void *b) {
    const struct picture_key *left = a, *right = b;
    int order = compare_pixels(left->facts, right->facts);
    return order != 0 ? order : left->index < right->index ? -1 : left->index > right->index;
}

static int compare_twins(const void *a, const void *b) {
    const struct twins *left = a, *right = b;
    return left->leak != right->leak    ? (left->leak ? -1 : 1)
           : left->first < right->first ? -1
                                        : left->first > right->first;
}

static void add_twins(struct data_report *report, const struct picture_key *keys, size_t count,
                      size_t *placed) {
    struct twins *twins = &report->twins[report->twin_count++];
    const struct manifest_picture *pictures = report->manifest.pictures;
    unsigned lists = 0;
    *twins = (struct twins){.first = *placed, .count = count, .same_bytes = true};
    for (size_t i = 0; i < count; i++) {
        report->order[(*placed)++] = keys[i].index;
        lists |= pictures[keys[i].index].lists;
        twins->same_bytes = twins->same_bytes && strcmp(pictures[keys[i].index].sha256,
                                                        pictures[keys[0].index].sha256) == 0;
    }
    twins->leak = (lists & (lists - 1)) != 0;
    report->leaks += twins->leak;
}

static bool find_twins(struct data_report *report) {
    size_t count = 0, placed = 0, total = report->manifest.count;
    struct picture_key *keys = calloc(total + 1, sizeof *keys);
    report->order = calloc(total + 1, sizeof *report->order);
    report->twins = calloc(total / 2 + 1, sizeof *report->twins);
    bool ok = keys != NULL && report->order != NULL && report->twins != NULL;
    for (size_t i = 0; ok && i < total; i++)
        if (report->facts[i].fault == NULL)
            keys[count++] = (struct picture_key){&report->facts[i], i};
    if (ok)
        qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0, next; ok && i < count; i = next) {
        for (next = i + 1; next < count && compare_pixels(keys[i].facts, keys[next].facts) == 0;)
            next++;
        if (next - i > 1)
            add_twins(report, keys + i, next - i, &placed);
    }
    if (ok)
        qsort(report->twins, report->twin_count, sizeof *report->twins, compare_twins);
    free(keys);
    return ok;
}

bool data_report_make(struct data_report *report, struct error *error) {
    const struct manifest *manifest = &report->manifest;
    report->class_index = calloc(manifest->count + 1, sizeof *report->class_index);
    report->too_small = calloc(manifest->count + 1, sizeof *report->too_small);
    if (report->class_index == NULL || report->too_small == NULL || !find_size(report) ||
        !find_twins(report))
        return error_memory(error);
    for (size_t c = 0; c < manifest->class_count; c++)
        for (size_t i = 0; i < manifest->classes[c].count; i++)
            report->class_index[manifest->classes[c].first + i] = c;
    for (size_t i = 0; i < manifest->count; i++) {
        report->broken += report->facts[i].fault != NULL;
        report->grey += report->facts[i].grey;
        report->odd += is_odd(report, i);
    }
    return true;
}

bool data_report_small(struct data_report *report, const struct pipeline *pipeline,
                       struct error *error) {
    int width = 0, height = 0; /* of the picture before, which most have the size of */
    struct error why;
    bool takes = true;
    for (size_t i = 0; i < report->manifest.count; i++) {
        const struct picture_facts *facts = &report->facts[i];
        if (facts->fault != NULL || report->too_small[i] != NULL)
            continue;
        if (facts->width != width || facts->height != height)
            takes = pipeline_takes(pipeline, facts->width, facts->height, &why);
        width = facts->width;
        height = facts->height;
        if (takes)
            continue;
        report->too_small[i] = strdup(why.message);
        if (report->too_small[i] == NULL)
            return error_memory(error);
        report->small++;
    }
    return true;
}

void data_report_free(struct data_report *report) {
    for (size_t i = 0; report->too_small != NULL && i < report->manifest.count; i++)
        free(report->too_small[i]);
    picture_facts_free(report->facts, report->manifest.count);
    manifest_free(&report->manifest);
    free(report->class_index);
    free(report->too_small);
    free(report->order);
    free(report->twins);
    *report = (struct data_report){0};
}

int data_report_status(const struct data_report *report) {
    return report->broken + report->small > 0 ? ERROR_INPUT : report->leaks > 0 ? ERROR_FAILED : 0;
}

/* --- telling people --- */

enum { SHOWN_MOST = 10 };

static const char *list_name(unsigned lists) {
    return lists == MANIFEST_TRAIN   ? "train"
           : lists == MANIFEST_VALID ? "valid"
           : lists == MANIFEST_TEST  ? "test"
                                     : "several";
}

enum finding { BROKEN, SMALL, GREY, ODD };

static bool is_found(const struct data_report *report, enum finding finding, size_t index) {
    switch (finding) {
    case BROKEN: return report->facts[index].fault != NULL;
    case SMALL: return report->too_small[index] != NULL;
    case GREY: return report->facts[index].grey;
    case ODD: return is_odd(report, index);
    }
    return false;
}

static void print_path(const char *path) {
    screen_print(stdout, path, 0);
}

static void print_finding(const struct data_report *report, enum finding finding, const char *title,
                          size_t count) {
    size_t shown = 0;
    if (count == 0)
        return;
    printf("%s: %zu\n", title, count);
    for (size_t i = 0; i < report->manifest.count && shown < SHOWN_MOST; i++) {
        if (!is_found(report, finding, i))
            continue;
        shown++;
        printf("  ");
        if (finding == BROKEN) {
            print_path(report->facts[i].fault);
        } else {
            print_path(report->manifest.pictures[i].path);
            if (finding == SMALL)
                printf(": %s", report->too_small[i]);
            if (finding == ODD)
                printf(": %d x %d", report->facts[i].width, report->facts[i].height);
        }
        putchar('\n');
    }
    if (count > shown)
        printf("  and %zu more; --json lists all\n", count - shown);
}

/* Every leak, and the first of the other twins. */
static void print_twins(const struct data_report *report) {
    size_t others = 0;
    if (report->twin_count == 0)
        return;
    printf("the same picture more than once: %zu, %zu of them in two of train, valid and test\n",
           report->twin_count, report->leaks);
    for (size_t t = 0; t < report->twin_count; t++) {
        const struct twins *twins = &report->twins[t];
        others += !twins->leak;
        if (!twins->leak && others > SHOWN_MOST)
            continue;
        printf("  %s", twins->leak ? "leak: " : "");
        for (size_t i = 0; i < twins->count; i++) {
            const struct manifest_picture *picture =
                &report->manifest.pictures[report->order[twins->first + i]];
            fputs(i > 0 ? " = " : "", stdout);
            print_path(picture->path);
            printf(" (%s)", list_name(picture->lists));
        }
        printf(", the same %s\n", twins->same_bytes ? "bytes" : "pixels");
    }
    if (others > SHOWN_MOST)
        printf("  and %zu more; --json lists all\n", others - SHOWN_MOST);
}

void data_report_print(const struct data_report *report, const char *root) {
    const struct manifest *manifest = &report->manifest;
    uint64_t bytes = 0;
    for (size_t i = 0; i < manifest->count; i++)
        bytes += manifest->pictures[i].bytes;
    printf("%s: %zu pictures in %zu classes, %.1f MiB, most of %d x %d\n", root, manifest->count,
           manifest->class_count, (double)bytes / (1 << 20), report->width, report->height);
    print_finding(report, BROKEN, "broken", report->broken);
    print_finding(report, SMALL, "too small", report->small);
    print_finding(report, GREY, "grey", report->grey);
    print_finding(report, ODD, "of another size", report->odd);
    print_twins(report);
    if (report->broken + report->small + report->grey + report->odd + report->twin_count == 0)
        puts("none is broken, too small, grey, of another size or there twice");
    if (report->written != NULL)
        printf("manifest: %s\n", report->written);
    else if (report->broken > 0)
        puts("no manifest is written while a picture is broken");
}

/* --- JSON --- */

static cJSON *picture_json(const struct data_report *report, size_t index) {
    const struct manifest_picture *picture = &report->manifest.pictures[index];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "path", picture->path);
    cJSON_AddStringToObject(object, "class",
                            report->manifest.classes[report->class_index[index]].name);
    cJSON_AddStringToObject(object, "split", list_name(picture->lists));
    return object;
}

static void add_finding(const struct data_report *report, enum finding finding, const char *key,
                        cJSON *document) {
    cJSON *array = cJSON_AddArrayToObject(document, key);
    for (size_t i = 0; i < report->manifest.count; i++) {
        if (!is_found(report, finding, i))
            continue;
        cJSON *object = picture_json(report, i);
        if (finding == BROKEN)
            cJSON_AddStringToObject(object, "message", report->facts[i].fault);
        if (finding == SMALL)
            cJSON_AddStringToObject(object, "message", report->too_small[i]);
        if (finding == SMALL || finding == ODD) {
            cJSON_AddNumberToObject(object, "width", report->facts[i].width);
            cJSON_AddNumberToObject(object, "height", report->facts[i].height);
        }
        cJSON_AddItemToArray(array, object);
    }
}

cJSON *data_report_json(const struct data_report *report, const char *root) {
    cJSON *document = cJSON_CreateObject(), *twins;
    cJSON_AddStringToObject(document, "root", root);
    cJSON_AddNumberToObject(document, "pictures", (double)report->manifest.count);
    cJSON_AddNumberToObject(document, "width", report->width);
    cJSON_AddNumberToObject(document, "height", report->height);
    add_finding(report, BROKEN, "broken", document);
    add_finding(report, SMALL, "too_small", document);
    add_finding(report, GREY, "grey", document);
    add_finding(report, ODD, "odd_sized", document);
    twins = cJSON_AddArrayToObject(document, "duplicates");
    for (size_t t = 0; t < report->twin_count; t++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "same", report->twins[t].same_bytes ? "bytes" : "pixels");
        cJSON_AddBoolToObject(object, "leakage", report->twins[t].leak);
        cJSON *pictures = cJSON_AddArrayToObject(object, "pictures");
        for (size_t i = 0; i < report->twins[t].count; i++)
            cJSON_AddItemToArray(pictures,
                                 picture_json(report, report->order[report->twins[t].first + i]));
        cJSON_AddItemToArray(twins, object);
    }
    if (report->written != NULL)
        cJSON_AddStringToObject(document, "manifest", report->written);
    else
        cJSON_AddNullToObject(document, "manifest");
    return document;
}
