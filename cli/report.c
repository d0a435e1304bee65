/* assay report: a group's results as one page to hand on. */
#include "cli/comparison.h"
#include "cli/differences.h"
#include "cli/duel.h"

#include "cli/field.h"
#include "cli/frame.h"
#include "cli/output.h"
#include "cli/plots.h"
#include "cli/report_page.h"
#include "core/file.h"
#include "core/picture.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_OUT = 'o', MISTAKES = 12, SIDE = 144 };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "F.html", 0, "Where the page goes", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    const char **out = state->input;
    switch (key) {
    case KEY_OUT: *out = argument; return 0;
    case ARGP_KEY_END:
        return *out != NULL ? 0 : command_mistake(state, "report needs --out F.html");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID...|GROUP",
    .help = "Writes one page that needs nothing else: which checkpoint to keep and why, what "
            "differs between the experiments, curves, ROC, what each class was called, the "
            "effects of the matrix, and the test pictures that the best is wrong about with most "
            "confidence, where they can be read on this machine."
            "\vExample:\n  assay report demo --out demo.html",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

struct report {
    struct client *client;
    const cJSON *experiments;
    struct contender *contenders;
    size_t count, *order, ranked;
    struct text page;
};

static const struct contender *best_of(const struct report *report) {
    return &report->contenders[report->order[0]];
}

static bool add_verdict(struct report *report, struct error *error) {
    struct duel duels[DUELS_MAX];
    size_t count;
    if (report->ranked == 0) {
        report_page_paragraph(&report->page, "Nothing is evaluated yet: there is no checkpoint to "
                                             "keep.");
        return true;
    }
    if (!duels_make(report->client, report->contenders, report->order, report->ranked, duels,
                    &count, error))
        return false;
    char *verdict = duels_verdict(best_of(report), duels, count);
    report_page_paragraph(&report->page, verdict != NULL ? verdict : "");
    free(verdict);
    return true;
}

static void add_ranking(struct report *report) {
    static const char *const titles[] = {"id",         "experiment", "keep",      "epoch",
                                         "valid acc.", "valid loss", "test acc.", "test loss"};
    report_page_heading(&report->page, "Which to keep");
    report_page_table(&report->page,
                      "The first before the others: by validation accuracy, then "
                      "loss",
                      titles, 8);
    for (size_t i = 0; i < report->ranked; i++) {
        const struct contender *contender = &report->contenders[report->order[i]];
        const cJSON *valid = contender->evaluations[contender->keep][SPLIT_VALID];
        const cJSON *test = contender->evaluations[contender->keep][SPLIT_TEST];
        char id[FORMAT_SIZE], epoch[FORMAT_SIZE], ratios[4][FORMAT_SIZE];
        snprintf(id, sizeof id, "%.0f", field_number(contender->experiment, "id", 0));
        snprintf(epoch, sizeof epoch, "%.0f", field_number(valid, "epoch", 0));
        const char *const cells[] = {id,
                                     frame_short_name(report->experiments, contender->experiment),
                                     checkpoint_names[contender->keep],
                                     epoch,
                                     field_ratio(ratios[0], valid, "accuracy"),
                                     field_ratio(ratios[1], valid, "loss"),
                                     field_ratio(ratios[2], test, "accuracy"),
                                     field_ratio(ratios[3], test, "loss")};
        report_page_row(&report->page, cells, 8);
    }
    report_page_table_end(&report->page);
}

static bool add_differences(struct report *report, struct error *error) {
    static const char *const titles[] = {"setting", "value", "experiments"};
    cJSON *differences = differences_of(report->experiments);
    const cJSON *values, *ids, *id;
    if (differences == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    if (differences->child != NULL) {
        report_page_heading(&report->page, "What differs");
        report_page_table(&report->page, "Settings that are not the same in all", titles, 3);
    }
    cJSON_ArrayForEach(values, differences) {
        cJSON_ArrayForEach(ids, values) {
            struct text text = {0};
            cJSON_ArrayForEach(id, ids) text_format(&text, "%.0f ", id->valuedouble);
            const char *const cells[] = {ids == values->child ? values->string : "", ids->string,
                                         text_string(&text)};
            report_page_row(&report->page, cells, 3);
            text_free(&text);
        }
    }
    if (differences->child != NULL)
        report_page_table_end(&report->page);
    cJSON_Delete(differences);
    return true;
}

/* Takes a drawing over; one that there is nothing for yet is left out. */
static bool add_drawing(struct report *report, struct drawing *drawing, const char *heading,
                        const char *alt, struct error *error) {
    if (drawing == NULL)
        return error->code == ERROR_INPUT;
    report_page_heading(&report->page, heading);
    report_page_drawing(&report->page, drawing, alt);
    drawing_free(drawing);
    return true;
}

static bool add_drawings(struct report *report, struct error *error) {
    const struct plot_source source = {.checkpoint = -1, .split = SPLIT_TEST};
    const cJSON *experiments = report->experiments;
    return add_drawing(
               report,
               plots_curves(experiments, PLOT_LOSS | PLOT_ACCURACY | PLOT_LEARNING_RATE, error),
               "Curves", "Loss, accuracy and learning rate by epoch", error) &&
           add_drawing(report, plots_roc(report->client, experiments, &source, error), "ROC curves",
                       "ROC curves on the test split", error) &&
           add_drawing(report, plots_confusion(experiments, &source, error),
                       "What each class was called",
                       "Test pictures of each class by what they were called", error) &&
           add_drawing(report, plots_effects(experiments, error),
                       "What each value of the matrix does",
                       "Mean accuracy of each value over all others", error);
}

/* --- the most confident mistakes --- */

/* How sure a checkpoint was of the wrong label; below one half where it was right. */
static double wrongness(const struct scored_picture *picture) {
    return picture->label == 1 ? 1 - picture->probability : picture->probability;
}

static int by_wrongness(const void *left, const void *right) {
    double a = wrongness(left), b = wrongness(right);
    return (a < b) - (a > b);
}

/* False when the picture cannot be read here. */
static bool add_mistake(struct report *report, const char *root,
                        const struct scored_picture *picture) {
    struct image image = {0};
    char *path = NULL, alt[512], caption[512];
    if (asprintf(&path, "%s/%s", root, picture->path) < 0)
        return false;
    snprintf(alt, sizeof alt, "%s, taken for %s", picture->path,
             picture->label == 1 ? "fake" : "real");
    snprintf(caption, sizeof caption, "%s: %.4f of being real", picture->path,
             picture->probability);
    bool good = picture_read(path, &image, NULL) &&
                report_page_picture(&report->page, &image, SIDE, alt, caption);
    image_free(&image);
    free(path);
    return good;
}

static void add_pictures(struct report *report, const char *root, const struct score_list *list) {
    static const char *const titles[] = {"picture", "class", "probability of real"};
    const struct scored_picture *items = list->items;
    size_t shown = 0, wrong = 0;
    while (wrong < list->count && wrong < MISTAKES && wrongness(&items[wrong]) > 0.5)
        wrong++;
    report_page_figures(&report->page);
    for (size_t i = 0; i < wrong; i++)
        shown += add_mistake(report, root, &items[i]);
    report_page_figures_end(&report->page);
    if (wrong == 0)
        report_page_paragraph(&report->page, "It is right about every one.");
    if (shown == wrong)
        return;
    report_page_paragraph(&report->page, "Pictures that are not on this machine are missing above; "
                                         "all are listed here.");
    report_page_table(&report->page, "The most confident mistakes", titles, 3);
    for (size_t i = 0; i < wrong; i++) {
        char probability[FORMAT_SIZE];
        snprintf(probability, sizeof probability, "%.4f", items[i].probability);
        const char *const cells[] = {items[i].path, items[i].class, probability};
        report_page_row(&report->page, cells, 3);
    }
    report_page_table_end(&report->page);
}

static bool add_mistakes(struct report *report, struct error *error) {
    struct score_list list = {0};
    if (report->ranked == 0)
        return true;
    const struct contender *best = best_of(report);
    long long id = (long long)field_number(best->experiment, "id", 0);
    bool good = score_list_fetch(report->client, id, checkpoint_names[best->keep],
                                 split_names[SPLIT_TEST], &list, error);
    if (good && list.count > 0) {
        char words[256];
        qsort(list.items, list.count, sizeof *list.items, by_wrongness);
        report_page_heading(&report->page, "The most confident mistakes");
        snprintf(words, sizeof words,
                 "Test pictures that the %s checkpoint of experiment %lld is wrong about, the "
                 "surest first.",
                 checkpoint_names[best->keep], id);
        report_page_paragraph(&report->page, words);
        add_pictures(report, field_text(best->experiment, "config.data.root", ""), &list);
    }
    score_list_free(&list);
    return good;
}

static bool make(struct report *report, const char *out, struct error *error) {
    char *subject = frame_subject(report->experiments);
    report->contenders = contenders_make(report->experiments, &report->count);
    report->order = calloc(report->count + 1, sizeof *report->order);
    bool good = report->contenders != NULL && report->order != NULL && subject != NULL;
    if (!good)
        error_set(error, ERROR_FAILED, "out of memory");
    else {
        report->ranked = contenders_rank(report->contenders, report->count, report->order);
        report_page_begin(&report->page, subject);
        good = add_verdict(report, error);
    }
    if (good && report->ranked > 0)
        add_ranking(report);
    good = good && add_differences(report, error) && add_drawings(report, error) &&
           add_mistakes(report, error);
    report_page_end(&report->page);
    if (good && report->page.failed)
        good = error_set(error, ERROR_FAILED, "out of memory");
    good = good && file_write_atomic(out, report->page.data, report->page.length, error);
    text_free(&report->page);
    free(report->order);
    free(report->contenders);
    free(subject);
    return good;
}

int command_report(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL;
    const char *out = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &out, &input, &status))
        return status;
    struct report report = {.client = &client};
    bool good = client_look(&input, "show", &client, &experiments, &error);
    report.experiments = experiments;
    good = good && make(&report, out, &error);
    status = good ? 0 : command_fail(&error);
    if (good && !input.json)
        puts(out);
    else if (good) {
        cJSON *document = cJSON_CreateObject();
        cJSON_AddStringToObject(document, "path", out);
        status = output_json(document) ? 0 : ERROR_FAILED;
        cJSON_Delete(document);
    }
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
