#include "worker/evaluation.h"

#include "core/file.h"
#include "core/roc.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy_classes(const struct split *split, struct evaluation_report *report) {
    report->classes = calloc(split->class_count + 1, sizeof *report->classes);
    bool ok = report->classes != NULL;
    for (size_t c = 0; ok && c < split->class_count; c++) {
        report->classes[c] = split->classes[c];
        report->classes[c].name = strdup(split->classes[c].name);
        ok = report->classes[c].name != NULL;
        report->class_count += ok;
    }
    return ok;
}

bool evaluation_begin(const struct split *split, const struct split_list *list,
                      struct evaluation_report *report, struct error *error) {
    *report = (struct evaluation_report){.list = list};
    report->scores = calloc(list->count + 1, sizeof *report->scores);
    report->by_class = calloc(split->class_count + 1, sizeof *report->by_class);
    return (report->scores != NULL && report->by_class != NULL && copy_classes(split, report)) ||
           error_machine(error, "no memory for the scores of %zu pictures", list->count);
}

void evaluation_free(struct evaluation_report *report) {
    free(report->scores);
    free(report->by_class);
    for (size_t c = 0; c < report->class_count; c++)
        free(report->classes[c].name);
    free(report->classes);
    *report = (struct evaluation_report){0};
}

static void measure_set(struct measure *measure, const struct roc *roc,
                        bool (*of)(const struct roc *roc, double *value)) {
    measure->defined = of(roc, &measure->value);
}

bool evaluation_finish(struct evaluation_report *report, const struct evaluation_report *chosen,
                       struct error *error) {
    size_t count = report->list->count;
    struct roc roc;
    if (!roc_make(report->scores, count, &roc, error))
        return false;
    measure_set(&report->roc_auc, &roc, roc_auc);
    measure_set(&report->average_precision, &roc, roc_average_precision);
    measure_set(&report->equal_error_rate, &roc, roc_equal_error_rate);
    if (chosen != NULL)
        report->threshold = chosen->threshold;
    else
        measure_set(&report->threshold, &roc, roc_threshold);
    roc_free(&roc);
    double threshold = report->threshold.defined ? report->threshold.value : 0.5;
    scores_count(report->scores, count, threshold, &report->at_threshold);
    scores_by_class(report->scores, count, threshold, report->by_class, report->class_count);
    return true;
}

static void add_lines(const struct evaluation_report *report, struct text *text) {
    text_format(text, "path,class,label,probability\n");
    for (size_t i = 0; i < report->list->count; i++) {
        const struct split_item *item = &report->list->items[i];
        text_csv_field(text, item->path);
        text_add(text, ",", 1);
        text_csv_field(text, report->classes[item->class_index].name);
        text_format(text, ",%d,%.17g\n", item->label, report->scores[i].probability);
    }
}

char *evaluation_scores_path(const char *dir, const char *checkpoint, const char *split) {
    char *path = NULL;
    return asprintf(&path, "%s/scores_%s_%s.csv", dir, checkpoint, split) < 0 ? NULL : path;
}

bool evaluation_write_scores(const struct evaluation_report *report, const char *dir,
                             struct error *error) {
    char *path = evaluation_scores_path(dir, report->checkpoint, report->split);
    struct text text = {0};
    add_lines(report, &text);
    bool ok = !text.failed && path != NULL;
    ok = ok ? file_write_atomic(path, text.data, text.length, error) : error_memory(error);
    text_free(&text);
    free(path);
    return ok;
}
