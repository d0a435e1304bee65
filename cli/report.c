/* assay report: a group's results as one page to hand on. */
#include "cli/drawing.h"
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/output.h"
#include "cli/plots.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"
#include "compare/differences.h"
#include "compare/duel.h"
#include "core/atomic_file.h"
#include "core/clock.h"
#include "core/file.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY_OUT = 'o' };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "F.html", 0, "Where the page goes", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    const char **out = state->input;
    switch (key) {
    case KEY_OUT:
        *out = argument;
        return drawing_takes(argument)
                   ? options_mistake(state, "a report is HTML, unlike \"%s\"; pictures: assay plot",
                                     argument)
                   : 0;
    case ARGP_KEY_END:
        return *out != NULL ? 0 : options_mistake(state, "report needs --out F.html");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "ID...|GROUP",
    .help = "Writes one page that needs nothing else: which checkpoint to keep and why, what "
            "differs between the experiments, tags and notes, curves, ROC, what each class was "
            "called, the effects of the matrix, a contact sheet of its augmentations, and the test "
            "pictures that the best is wrong about with most confidence, each with where the "
            "network looked (Grad-CAM). Pictures and checkpoints come from this machine, "
            "checkpoints from the coordinator too; where something is not there, the page says so."
            "\vExample:\n  assay report demo --out demo.html",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static void begin_part(struct report *report, const char *doing) {
    report->doing = doing;
    report_tell(report);
}

static bool add_verdict(struct report *report, struct error *error) {
    struct source from = client_source(report->client);
    struct duel duels[DUELS_MAX];
    size_t count;
    if (report->ranked == 0) {
        report_page_verdict(&report->page, "Nothing is evaluated yet: there is no checkpoint to "
                                           "keep.");
        return true;
    }
    if (!duels_make(&from, report->contenders, report->order, report->ranked, duels, &count, error))
        return false;
    char *verdict = duels_verdict(report_best(report), report->ranked, duels, count);
    report_page_verdict(&report->page, verdict != NULL ? verdict : "");
    free(verdict);
    return true;
}

static void add_ranking(struct report *report) {
    static const char *const titles[] = {"id",         "experiment", "keep",      "epoch",
                                         "valid acc.", "valid loss", "test acc.", "test loss"};
    const char *group = frame_group(report->experiments);
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
                                     frame_short_name(group, contender->experiment),
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

/* A member that failed is in no ranking and no drawing: here it is, and why. */
static void add_unevaluated(struct report *report) {
    static const char *const titles[] = {"id", "experiment", "why"};
    const char *group = frame_group(report->experiments);
    if (report->ranked == report->count)
        return;
    report_page_heading(&report->page, "What is not ranked");
    report_page_table(&report->page, "Experiments without a checkpoint to compare", titles, 3);
    for (size_t i = 0; i < report->count; i++) {
        const cJSON *experiment = report->contenders[i].experiment;
        if (report->contenders[i].keep >= 0)
            continue;
        char id[FORMAT_SIZE], *why = field_unevaluated(experiment);
        snprintf(id, sizeof id, "%.0f", field_number(experiment, "id", 0));
        const char *const cells[] = {id, frame_short_name(group, experiment),
                                     why != NULL ? why : "not evaluated"};
        report_page_row(&report->page, cells, 3);
        free(why);
    }
    report_page_table_end(&report->page);
}

static bool add_differences(struct report *report, struct error *error) {
    static const char *const titles[] = {"setting", "value", "experiments"};
    cJSON *differences = differences_of(report->experiments);
    const cJSON *values, *ids, *id;
    if (differences == NULL)
        return error_memory(error);
    if (differences->child != NULL) {
        report_page_heading(&report->page, "What differs");
        report_page_table(&report->page, "Settings that are not the same in all", titles, 3);
    }
    cJSON_ArrayForEach(values, differences) {
        cJSON_ArrayForEach(ids, values) {
            struct text text = {0};
            cJSON_ArrayForEach(id, ids)
                text_format(&text, id == ids->child ? "%.0f" : " %.0f", id->valuedouble);
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

/* Takes a drawing over; where there is none, the page says why. */
static bool add_drawing(struct report *report, struct drawing *drawing, const char *heading,
                        const char *alt, struct error *error) {
    if (drawing == NULL && error->code != ERROR_INPUT)
        return false;
    report_page_heading(&report->page, heading);
    if (drawing == NULL) {
        report_page_note(&report->page, error->message);
        *error = (struct error){0};
        return true;
    }
    report_page_drawing(&report->page, drawing, alt);
    drawing_free(drawing);
    return true;
}

/* Unless there are enough. */
static bool take(cJSON *first, const struct contender *contender) {
    return cJSON_GetArraySize(first) >= FRAME_LINES_MAX ||
           cJSON_AddItemReferenceToArray(first, (cJSON *)(uintptr_t)contender->experiment);
}

/* As many as a picture can tell apart: the first of the ranking, then those without a rank. NULL
 * without memory. */
static cJSON *first_ones(const struct report *report) {
    cJSON *first = cJSON_CreateArray();
    bool good = first != NULL;
    for (size_t i = 0; good && i < report->ranked; i++)
        good = take(first, &report->contenders[report->order[i]]);
    for (size_t i = 0; good && i < report->count; i++)
        good = report->contenders[i].keep >= 0 || take(first, &report->contenders[i]);
    if (good)
        return first;
    cJSON_Delete(first);
    return NULL;
}

/* Where each experiment is a line or a block. */
static bool add_each(struct report *report, const cJSON *experiments, struct error *error) {
    const struct plot_source source = {.checkpoint = -1, .split = SPLIT_TEST};
    if (!add_drawing(
            report,
            plots_curves(NULL, experiments, PLOT_LOSS | PLOT_ACCURACY | PLOT_LEARNING_RATE, error),
            "Curves", "Loss, accuracy and learning rate by epoch", error))
        return false;
    if (report->count > FRAME_LINES_MAX) {
        char words[160];
        snprintf(
            words, sizeof words,
            "Drawn are %d of the %zu experiments, the first of the ranking, here and below; assay "
            "plot draws the others.",
            FRAME_LINES_MAX, report->count);
        report_page_note(&report->page, words);
    }
    return add_drawing(report, plots_roc(NULL, report->client, experiments, &source, error),
                       "ROC curves", "ROC curves on the test split", error) &&
           add_drawing(report, plots_confusion(NULL, experiments, &source, error),
                       "What each class was called",
                       "Test pictures of each class by what they were called", error);
}

static bool add_drawings(struct report *report, struct error *error) {
    cJSON *first = NULL;
    if (report->count > FRAME_LINES_MAX && (first = first_ones(report)) == NULL)
        return error_memory(error);
    bool good = add_each(report, first != NULL ? first : report->experiments, error);
    cJSON_Delete(first);
    return good && add_drawing(report, plots_effects(NULL, report->experiments, error),
                               "What each value of the matrix does",
                               "Mean accuracy of each value over all others", error);
}

/* "4 experiments, 3 done; written on 2026-11-25 by assay 0.1.0" */
static void add_about(struct report *report) {
    char words[128], day[16];
    time_t now = time(NULL);
    struct tm local;
    size_t done = 0;
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, report->experiments) {
        done += strcmp(field_text(experiment, "state", ""), "done") == 0;
    }
    strftime(day, sizeof day, "%Y-%m-%d", localtime_r(&now, &local));
    snprintf(words, sizeof words, "%zu experiment%s, %zu done; written on %s by assay %s",
             report->count, report->count == 1 ? "" : "s", done, day, ASSAY_VERSION);
    report_page_about(&report->page, words);
}

static bool add_all(struct report *report, struct error *error) {
    add_about(report);
    begin_part(report, "report: comparing\n");
    if (!add_verdict(report, error))
        return false;
    if (report->ranked > 0)
        add_ranking(report);
    add_unevaluated(report);
    if (!add_differences(report, error) || !report_add_remarks(report, error))
        return false;
    begin_part(report, "report: drawing curves\n");
    if (!add_drawings(report, error))
        return false;
    begin_part(report, "report: drawing augmentations\n");
    if (!report_add_contacts(report, error))
        return false;
    begin_part(report, "report: looking at mistakes\n");
    return report_add_mistakes(report, error);
}

static bool make(struct report *report, const char *out, struct error *error) {
    char *subject = frame_subject(report->experiments);
    report->contenders = contenders_make(report->experiments, &report->count);
    report->order = calloc(report->count + 1, sizeof *report->order);
    bool good = report->contenders != NULL && report->order != NULL && subject != NULL &&
                contenders_rank(report->contenders, report->count, report->order, &report->ranked);
    if (!good)
        error_memory(error);
    else {
        report_page_begin(&report->page, subject);
        good = add_all(report, error);
    }
    report_page_end(&report->page);
    screen_clear(&report->screen);
    if (good && report->page.failed)
        good = error_memory(error);
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
    struct report report = {
        .client = &client, .screen = screen_of(stderr), .began_ms = clock_steady_ms()};
    /* as they are: what is said of them the page makes harmless itself (drawing_escape) */
    bool good = client_take(&input, "show", &client, &experiments, &error);
    report.experiments = experiments;
    good = good && atomic_file_check(out, &error) && make(&report, out, &error);
    status = good ? output_path(out, input.json) : command_fail(&error);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
