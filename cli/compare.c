/* assay compare: best-loss beside last-epoch on valid and test, which to keep, and repeats. */
#include "cli/client.h"
#include "cli/comparison_tables.h"
#include "cli/evaluation_list.h"
#include "cli/evaluation_tables.h"
#include "cli/field.h"
#include "cli/output.h"
#include "core/shortage.h"

#include <stdlib.h>

static const struct argp_option options[] = {ARRANGEMENT_OPTIONS(LISTING_EVALUATION_COLUMNS), {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    return arrangement_parse(state->input, key, argument, state);
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help =
        "Compares experiments: what differs between their configs, their best-loss and last-epoch "
        "checkpoints on the validation and the test split, and which to keep. That is chosen by "
        "validation accuracy, then loss; never by the test split, which only says whether the "
        "choice is more than chance (McNemar's test, bootstrap intervals). Experiments that differ "
        "in train.seed alone are summed up as mean and standard deviation, and each value of a "
        "matrix as its mean over the others. --columns, --filter and --sort make the checkpoints "
        "one table, a row for each split; experiments without a row that meets the filter are "
        "left out of everything else too."
        "\vExamples:\n  assay compare demo\n  assay compare demo --json > demo.json\n"
        "  assay compare demo --filter 'split = valid and seed = 1' --sort=-accuracy\n"
        "  assay compare --columns id,name,checkpoint,split,accuracy,loss",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* How the rows are to be arranged, and those rows where it was asked for. */
struct listed {
    struct arrangement arrangement;
    cJSON *rows; /* evaluation_list_arrange; or NULL */
};

/* The test split of each checkpoint to keep, in the order of the ranking. */
static void print_findings(const struct comparison *comparison, const struct screen *screen) {
    static const struct column leading[] = {{"id", COLUMN_RIGHT}, {"experiment", COLUMN_NAME}};
    struct evaluation_row *rows = calloc(comparison->ranked + 1, sizeof *rows);
    char(*ids)[FORMAT_SIZE] = calloc(comparison->ranked + 1, sizeof *ids);
    for (size_t i = 0; i < comparison->ranked && rows != NULL && ids != NULL; i++) {
        const struct contender *contender = &comparison->contenders[comparison->order[i]];
        snprintf(ids[i], sizeof ids[i], "%.0f", field_number(contender->experiment, "id", 0));
        rows[i] = (struct evaluation_row){.first = ids[i],
                                          .second = field_text(contender->experiment, "name", "?"),
                                          .evaluation = comparison_kept(contender, SPLIT_TEST)};
    }
    if (rows != NULL && ids != NULL) {
        evaluation_print_classes("Which class is missed: test pictures taken for the other label",
                                 leading, rows, comparison->ranked, screen);
        evaluation_print_ranking("How the test pictures rank; the threshold comes from valid",
                                 leading, rows, comparison->ranked, screen);
    } else
        shortage_note();
    free(ids);
    free(rows);
}

static bool print_json(const struct comparison *comparison, cJSON *rows) {
    cJSON *document = comparison_json(comparison);
    if (rows != NULL)
        cJSON_AddItemReferenceToObject(document, "rows", rows);
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

/* The sentences, in lines as wide as the terminal. */
static void print_verdict(const struct comparison *comparison, const struct screen *screen) {
    char *verdict = comparison_verdict(comparison);
    if (verdict == NULL)
        return;
    putchar('\n');
    screen_wrap(screen, 0, verdict);
    free(verdict);
}

static void print_comparison(const struct comparison *comparison, const struct listed *listed) {
    struct screen screen = screen_of(stdout);
    if (comparison->count == 0) {
        puts(listed->arrangement.filter != NULL ? "no experiment is like that"
                                                : "no experiments; assay submit FILE queues some");
        return;
    }
    differences_print(comparison->differences, &screen);
    if (listed->rows != NULL)
        arrangement_print(&listed->arrangement, &listing_evaluations, listed->rows,
                          "none of them is evaluated");
    else
        evaluation_list_print(comparison->contenders, comparison->count, &screen);
    ranking_print(comparison, &screen);
    print_findings(comparison, &screen);
    repeats_print(comparison, &screen);
    effects_print(comparison->effects, &screen);
    duels_print(comparison->duels, comparison->duel_count, &screen);
    print_verdict(comparison, &screen);
}

int command_compare(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    struct source source = client_source(&client);
    struct comparison comparison = {0};
    struct listed listed = {0};
    cJSON *experiments = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &listed.arrangement, &input, &status))
        goto out;
    if (!client_look(&input, "show", &client, &experiments, &error) ||
        !evaluation_list_arrange(&listed.arrangement, experiments, &listed.rows, &error) ||
        !comparison_make(&source, experiments, &comparison, &error))
        status = command_fail(&error);
    else {
        if (!input.json)
            print_comparison(&comparison, &listed);
        bool printed = !input.json || print_json(&comparison, listed.rows);
        status = !printed ? ERROR_FAILED : input.count > 0 ? field_status(experiments) : 0;
    }
out:
    comparison_free(&comparison);
    cJSON_Delete(listed.rows);
    arrangement_free(&listed.arrangement);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
