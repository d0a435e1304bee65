/* The most confident mistakes of a report: which pictures, and where the network looked. */
#include "cli/artifact.h"
#include "cli/field.h"
#include "cli/looked.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"
#include "compare/score_list.h"
#include "core/inside.h"
#include "core/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MISTAKES = 12, SIDE = 224 };

/* A mistake as it is shown; what is not there is zeroed. */
struct mistake {
    const struct scored_picture *scored;
    char *path;
    struct image picture, looked;
};

struct mistakes {
    struct mistake items[MISTAKES];
    size_t count, readable;
    struct error unseen; /* why there are no maps; ERROR_NONE: there are */
};

/* As mistakes are counted everywhere: label 1 is what is above 0.5. */
static bool is_wrong(const struct scored_picture *picture) {
    return (picture->probability > 0.5) != (picture->label == 1);
}

/* How sure a checkpoint was of the wrong label; no more than one half where it was right. */
static double wrongness(const struct scored_picture *picture) {
    return picture->label == 1 ? 1 - picture->probability : picture->probability;
}

/* All mistakes come first: at one half label 1 is one and label 0 is none. */
static int by_wrongness(const void *left, const void *right) {
    double a = wrongness(left), b = wrongness(right);
    int order = (a < b) - (a > b);
    return order != 0 ? order : is_wrong(right) - is_wrong(left);
}

/* --- what there is --- */

static bool find(struct mistakes *mistakes, const struct score_list *list, const char *root,
                 struct error *error) {
    while (mistakes->count < list->count && mistakes->count < MISTAKES &&
           is_wrong(&list->items[mistakes->count])) {
        struct error unread = {0};
        struct mistake *mistake = &mistakes->items[mistakes->count];
        mistake->scored = &list->items[mistakes->count];
        if (asprintf(&mistake->path, "%s/%s", root, mistake->scored->path) < 0) {
            mistake->path = NULL;
            return error_memory(error);
        }
        mistakes->count++;
        if (!inside_written(mistake->scored->path)) /* nothing of elsewhere is handed on */
            continue;
        if (picture_read(mistake->path, &mistake->picture, &unread))
            mistakes->readable++;
        else if (error_take_shortage(error, &unread))
            return false;
    }
    return true;
}

/* Lays maps over the pictures that can be read; `unseen` says why not. False when the report is not
 * to go on. */
static bool look(struct report *report, struct mistakes *mistakes, const struct contender *best,
                 struct error *error) {
    const char *paths[MISTAKES];
    struct image images[MISTAKES] = {0};
    char checkpoint[PATH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < mistakes->count; i++)
        if (mistakes->items[i].picture.pixels != NULL)
            paths[count++] = mistakes->items[i].path;
    if (count == 0)
        return true;
    enum looked looked = LOOKED_NOT;
    if (artifact_path(report->client, best->experiment, checkpoint_names[best->keep], checkpoint,
                      &mistakes->unseen))
        looked =
            looked_make(checkpoint, paths, count, report_tell, report, images, &mistakes->unseen);
    const bool good = looked != LOOKED_STOPPED && !error_is_shortage(&mistakes->unseen);
    if (!good)
        *error = mistakes->unseen;
    count = 0;
    for (size_t i = 0; i < mistakes->count; i++)
        if (mistakes->items[i].picture.pixels != NULL)
            mistakes->items[i].looked = images[count++];
    return good;
}

static void mistakes_free(struct mistakes *mistakes) {
    for (size_t i = 0; i < MISTAKES; i++) {
        image_free(&mistakes->items[i].picture);
        image_free(&mistakes->items[i].looked);
        free(mistakes->items[i].path);
    }
}

/* --- what is shown --- */

static const char *taken_for(const struct scored_picture *picture) {
    return picture->label == 1 ? "fake" : "real";
}

static void add_figure(struct text *page, const struct mistake *mistake) {
    const struct scored_picture *scored = mistake->scored;
    char words[512];
    report_page_figure(page);
    snprintf(words, sizeof words, "%s, of class %s, taken for %s", scored->path, scored->class,
             taken_for(scored));
    report_page_image(page, &mistake->picture, SIDE, words);
    snprintf(words, sizeof words, "Where the network saw a %s face in %s", taken_for(scored),
             scored->path);
    if (mistake->looked.pixels != NULL)
        report_page_image(page, &mistake->looked, SIDE, words);
    snprintf(words, sizeof words, "taken for %s: real with probability %.4f", taken_for(scored),
             scored->probability);
    report_page_figure_end(page, scored->path, words);
}

static void add_figures(struct text *page, const struct mistakes *mistakes) {
    if (mistakes->readable == 0)
        return;
    if (mistakes->unseen.code == ERROR_NONE)
        report_page_heat(page,
                         "Beside each picture what the network saw of it, and where what spoke "
                         "for its mistake stood:",
                         "least", "most");
    report_page_figures(page);
    for (size_t i = 0; i < mistakes->count; i++)
        if (mistakes->items[i].picture.pixels != NULL)
            add_figure(page, &mistakes->items[i]);
    report_page_figures_end(page);
    if (mistakes->unseen.code != ERROR_NONE) {
        struct text words = {0};
        text_format(&words, "Where it looked is not shown: %s", mistakes->unseen.message);
        report_page_note(page, text_string(&words));
        text_free(&words);
    }
}

/* Of those that are not on this machine at least the names. */
static void add_list(struct text *page, const struct mistakes *mistakes, const char *root) {
    static const char *const titles[] = {"picture", "class", "taken for", "probability of real"};
    struct text words = {0};
    if (mistakes->readable == mistakes->count)
        return;
    text_format(&words, "%zu of these %zu pictures cannot be read on this machine, in %s:",
                mistakes->count - mistakes->readable, mistakes->count, root);
    report_page_note(page, text_string(&words));
    text_free(&words);
    report_page_table(page, "Mistakes whose pictures are not here", titles, 4);
    for (size_t i = 0; i < mistakes->count; i++) {
        const struct scored_picture *scored = mistakes->items[i].scored;
        char probability[FORMAT_SIZE];
        snprintf(probability, sizeof probability, "%.4f", scored->probability);
        const char *const cells[] = {scored->path, scored->class, taken_for(scored), probability};
        if (mistakes->items[i].picture.pixels == NULL)
            report_page_row(page, cells, 4);
    }
    report_page_table_end(page);
}

static bool add_mistakes(struct report *report, const struct contender *best,
                         const struct score_list *list, struct error *error) {
    const char *root = field_text(best->experiment, "config.data.root", "");
    struct text *page = &report->page;
    struct mistakes mistakes = {0};
    bool good = find(&mistakes, list, root, error) && look(report, &mistakes, best, error);
    if (good && mistakes.count == 0)
        report_page_paragraph(page, "It is right about every one.");
    add_figures(page, &mistakes);
    add_list(page, &mistakes, root);
    mistakes_free(&mistakes);
    return good;
}

bool report_add_mistakes(struct report *report, struct error *error) {
    struct source from = client_source(report->client);
    struct score_list list = {0};
    if (report->ranked == 0)
        return true;
    const struct contender *best = report_best(report);
    long long id = (long long)field_number(best->experiment, "id", 0);
    bool good = score_list_fetch(&from, id, checkpoint_names[best->keep], split_names[SPLIT_TEST],
                                 &list, error);
    if (good && list.count > 0) {
        char words[256];
        qsort(list.items, list.count, sizeof *list.items, by_wrongness);
        report_page_heading(&report->page, "The most confident mistakes");
        snprintf(words, sizeof words,
                 "Test pictures that the %s checkpoint of experiment %lld is wrong about, the "
                 "surest first.",
                 checkpoint_names[best->keep], id);
        report_page_paragraph(&report->page, words);
        good = add_mistakes(report, best, &list, error);
    }
    score_list_free(&list);
    return good;
}
