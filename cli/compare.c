/* assay compare: best-loss beside last-epoch on valid and test, which to keep, and repeats. */
#include "cli/client.h"
#include "cli/comparison.h"
#include "cli/differences.h"
#include "cli/duel.h"
#include "cli/effects.h"
#include "cli/evaluation_list.h"
#include "cli/evaluation_tables.h"
#include "cli/field.h"
#include "cli/output.h"

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

/* What is compared, and what follows from it. */
struct comparison {
    struct contender *contenders;
    size_t count;
    size_t *order, ranked; /* contenders_rank */
    size_t *repeats;       /* contenders_repeats */
    struct duel duels[DUELS_MAX];
    size_t duel_count;
    cJSON *differences, *effects;
    struct arrangement arrangement;
    cJSON *rows; /* evaluation_list_arrange; NULL where no arrangement was asked for */
};

static bool comparison_make(struct client *client, const cJSON *experiments,
                            struct comparison *comparison, struct error *error) {
    comparison->contenders = contenders_make(experiments, &comparison->count);
    comparison->order = calloc(comparison->count + 1, sizeof *comparison->order);
    comparison->repeats = calloc(comparison->count + 1, sizeof *comparison->repeats);
    comparison->differences = differences_of(experiments);
    if (comparison->contenders == NULL || comparison->order == NULL ||
        comparison->repeats == NULL || comparison->differences == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    comparison->effects = effects_of(comparison->contenders, comparison->count);
    comparison->ranked =
        contenders_rank(comparison->contenders, comparison->count, comparison->order);
    contenders_repeats(comparison->contenders, comparison->count, comparison->repeats);
    return duels_make(client, comparison->contenders, comparison->order, comparison->ranked,
                      comparison->duels, &comparison->duel_count, error);
}

static void comparison_free(struct comparison *comparison) {
    free(comparison->contenders);
    free(comparison->order);
    free(comparison->repeats);
    cJSON_Delete(comparison->differences);
    cJSON_Delete(comparison->effects);
    cJSON_Delete(comparison->rows);
    arrangement_free(&comparison->arrangement);
}

static const struct contender *best_of(const struct comparison *comparison) {
    return &comparison->contenders[comparison->order[0]];
}

/* How many experiments repeat contender `first`, itself among them. */
static size_t repeat_count(const struct comparison *comparison, size_t first) {
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++)
        count += comparison->repeats[i] == first;
    return count;
}

static const cJSON *kept(const struct contender *contender, enum split_name split) {
    return contender->evaluations[contender->keep][split];
}

static void print_ranking(const struct comparison *comparison, const struct screen *screen) {
    static const struct column columns[] = {
        {"id", COLUMN_RIGHT},        {"experiment", COLUMN_ELASTIC}, {"keep", COLUMN_LEFT},
        {"epoch", COLUMN_RIGHT},     {"valid acc.", COLUMN_RIGHT},   {"valid loss", COLUMN_RIGHT},
        {"test acc.", COLUMN_RIGHT},
    };
    struct table table = TABLE_OF(columns);
    for (size_t i = 0; i < comparison->ranked; i++) {
        const struct contender *contender = &comparison->contenders[comparison->order[i]];
        char text[FORMAT_SIZE];
        enum style style = i == 0 ? STYLE_GOOD : STYLE_PLAIN;
        table_add(&table, "%.0f", field_number(contender->experiment, "id", 0));
        table_add_styled(&table, style, "%s", field_text(contender->experiment, "name", "?"));
        table_add_styled(&table, style, "%s", checkpoint_names[contender->keep]);
        table_add(&table, "%.0f", field_number(kept(contender, SPLIT_VALID), "epoch", 0));
        table_add(&table, "%s", field_ratio(text, kept(contender, SPLIT_VALID), "accuracy"));
        table_add(&table, "%s", field_ratio(text, kept(contender, SPLIT_VALID), "loss"));
        table_add(&table, "%s", field_ratio(text, kept(contender, SPLIT_TEST), "accuracy"));
    }
    if (table.count > 0) {
        puts("\nWhich to keep, the first before the others: by validation accuracy, then loss");
        table_print(&table, screen, 0);
    }
    table_free(&table);
}

/* The test split of each checkpoint to keep, in the order of the ranking. */
static void print_findings(const struct comparison *comparison, const struct screen *screen) {
    static const struct column leading[] = {{"id", COLUMN_RIGHT}, {"experiment", COLUMN_ELASTIC}};
    struct evaluation_row *rows = calloc(comparison->ranked + 1, sizeof *rows);
    char(*ids)[FORMAT_SIZE] = calloc(comparison->ranked + 1, sizeof *ids);
    for (size_t i = 0; i < comparison->ranked && rows != NULL && ids != NULL; i++) {
        const struct contender *contender = &comparison->contenders[comparison->order[i]];
        snprintf(ids[i], sizeof ids[i], "%.0f", field_number(contender->experiment, "id", 0));
        rows[i] = (struct evaluation_row){.first = ids[i],
                                          .second = field_text(contender->experiment, "name", "?"),
                                          .evaluation = kept(contender, SPLIT_TEST)};
    }
    if (rows != NULL && ids != NULL) {
        evaluation_print_classes("Which class is missed: test pictures taken for the other label",
                                 leading, rows, comparison->ranked, screen);
        evaluation_print_ranking("How the test pictures rank; the threshold comes from valid",
                                 leading, rows, comparison->ranked, screen);
    }
    free(ids);
    free(rows);
}

static void add_spreads(struct table *table, const struct comparison *comparison, size_t first,
                        enum checkpoint checkpoint, enum split_name split) {
    table_add(table, "  %s %s", checkpoint_names[checkpoint], split_names[split]);
    for (int ratio = 0; ratio < RATIO_SHOWN; ratio++) {
        struct spread spread;
        if (contenders_spread(comparison->contenders, comparison->count, comparison->repeats, first,
                              checkpoint, split, (enum ratio)ratio, &spread))
            table_add(table, "%.4f ± %.4f", spread.mean, spread.deviation);
        else
            table_add(table, "n/a");
    }
}

static void print_repeats(const struct comparison *comparison, const struct screen *screen) {
    static const struct column columns[] = {
        {"", COLUMN_LEFT},           {"accuracy", COLUMN_RIGHT}, {"recall", COLUMN_RIGHT},
        {"precision", COLUMN_RIGHT}, {"loss", COLUMN_RIGHT},
    };
    struct table table = TABLE_OF(columns);
    for (size_t first = 0; first < comparison->count; first++) {
        size_t count = repeat_count(comparison, first);
        if (count < 2)
            continue;
        table_heading(&table, STYLE_BOLD, "%s and %zu more",
                      field_text(comparison->contenders[first].experiment, "name", "?"), count - 1);
        for (int i = 0; i < CHECKPOINT_COUNT; i++)
            for (int j = 0; j < SPLIT_COUNT; j++)
                add_spreads(&table, comparison, first, (enum checkpoint)i, (enum split_name)j);
    }
    if (table.count > 0) {
        puts("\nRepeats with other seeds: mean ± standard deviation");
        table_print(&table, screen, 0);
    }
    table_free(&table);
}

/* {"best": {"valid": {...}, "test": {...}}, "last": ...} */
static cJSON *evaluations_json(const struct contender *contender) {
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < CHECKPOINT_COUNT; i++) {
        cJSON *checkpoint = cJSON_AddObjectToObject(object, checkpoint_names[i]);
        for (size_t j = 0; j < SPLIT_COUNT; j++) {
            const cJSON *evaluation = contender->evaluations[i][j];
            cJSON *copy =
                evaluation != NULL ? cJSON_Duplicate(evaluation, true) : cJSON_CreateNull();
            cJSON_DeleteItemFromObjectCaseSensitive(copy, "checkpoint");
            cJSON_DeleteItemFromObjectCaseSensitive(copy, "split");
            cJSON_AddItemToObject(checkpoint, split_names[j], copy);
        }
    }
    return object;
}

static cJSON *contender_json(const struct contender *contender) {
    static const char *const copied[] = {"id",    "name",   "group",       "variant", "stopped",
                                         "state", "epochs", "epochs_done", "error"};
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        cJSON_AddItemToObject(
            object, copied[i],
            cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(contender->experiment, copied[i]),
                            true));
    cJSON_AddItemToObject(object, "evaluations", evaluations_json(contender));
    if (contender->keep >= 0)
        cJSON_AddStringToObject(object, "keep", checkpoint_names[contender->keep]);
    else
        cJSON_AddNullToObject(object, "keep");
    return object;
}

static cJSON *spread_json(const struct comparison *comparison, size_t first,
                          enum checkpoint checkpoint, enum split_name split) {
    cJSON *object = cJSON_CreateObject();
    for (int ratio = 0; ratio < RATIO_COUNT; ratio++) {
        struct spread spread;
        if (!contenders_spread(comparison->contenders, comparison->count, comparison->repeats,
                               first, checkpoint, split, (enum ratio)ratio, &spread)) {
            cJSON_AddNullToObject(object, ratio_names[ratio]);
            continue;
        }
        cJSON *value = cJSON_AddObjectToObject(object, ratio_names[ratio]);
        cJSON_AddNumberToObject(value, "mean", spread.mean);
        cJSON_AddNumberToObject(value, "standard_deviation", spread.deviation);
    }
    return object;
}

/* {"ids": [...], "seeds": [...], "best": {"valid": {"accuracy": {"mean", "standard_deviation"}}}}
 */
static cJSON *repeats_json(const struct comparison *comparison, size_t first) {
    cJSON *object = cJSON_CreateObject();
    cJSON *ids = cJSON_AddArrayToObject(object, "ids");
    cJSON *seeds = cJSON_AddArrayToObject(object, "seeds");
    for (size_t i = 0; i < comparison->count; i++) {
        const cJSON *experiment = comparison->contenders[i].experiment;
        if (comparison->repeats[i] != first)
            continue;
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(field_number(experiment, "id", 0)));
        cJSON_AddItemToArray(seeds,
                             cJSON_CreateNumber(field_number(experiment, "config.train.seed", 0)));
    }
    for (int i = 0; i < CHECKPOINT_COUNT; i++) {
        cJSON *checkpoint = cJSON_AddObjectToObject(object, checkpoint_names[i]);
        for (int j = 0; j < SPLIT_COUNT; j++)
            cJSON_AddItemToObject(
                checkpoint, split_names[j],
                spread_json(comparison, first, (enum checkpoint)i, (enum split_name)j));
    }
    return object;
}

static cJSON *keep_json(const struct comparison *comparison) {
    if (comparison->ranked == 0)
        return cJSON_CreateNull();
    const struct contender *first = best_of(comparison);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "id", field_number(first->experiment, "id", 0));
    cJSON_AddStringToObject(object, "name", field_text(first->experiment, "name", ""));
    cJSON_AddStringToObject(object, "checkpoint", checkpoint_names[first->keep]);
    cJSON_AddNumberToObject(object, "epoch", field_number(kept(first, SPLIT_VALID), "epoch", 0));
    return object;
}

/* NULL when there is nothing to keep; the caller frees. */
static char *verdict_of(const struct comparison *comparison) {
    return comparison->ranked > 0
               ? duels_verdict(best_of(comparison), comparison->duels, comparison->duel_count)
               : NULL;
}

/* "verdict": the sentences that are printed last; null when there is nothing to keep. */
static void add_verdict(cJSON *document, const struct comparison *comparison) {
    char *verdict = verdict_of(comparison);
    if (verdict != NULL)
        cJSON_AddStringToObject(document, "verdict", verdict);
    else
        cJSON_AddNullToObject(document, "verdict");
    free(verdict);
}

static bool print_json(const struct comparison *comparison) {
    cJSON *document = cJSON_CreateObject();
    cJSON *experiments = cJSON_AddArrayToObject(document, "experiments");
    for (size_t i = 0; i < comparison->count; i++)
        cJSON_AddItemToArray(experiments, contender_json(&comparison->contenders[i]));
    if (comparison->rows != NULL)
        cJSON_AddItemReferenceToObject(document, "rows", comparison->rows);
    cJSON *repeats = cJSON_AddArrayToObject(document, "repeats");
    for (size_t first = 0; first < comparison->count; first++)
        if (repeat_count(comparison, first) >= 2)
            cJSON_AddItemToArray(repeats, repeats_json(comparison, first));
    cJSON_AddItemToObject(document, "keep", keep_json(comparison));
    cJSON_AddItemReferenceToObject(document, "differences", comparison->differences);
    cJSON_AddItemReferenceToObject(document, "effects", comparison->effects);
    cJSON_AddItemToObject(document, "chance",
                          duels_json(comparison->duels, comparison->duel_count));
    add_verdict(document, comparison);
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

/* The sentences, in lines as wide as the terminal. */
static void print_verdict(const struct comparison *comparison, const struct screen *screen) {
    char *verdict = verdict_of(comparison);
    if (verdict == NULL)
        return;
    putchar('\n');
    screen_wrap(screen, verdict);
    free(verdict);
}

static void print_comparison(const struct comparison *comparison) {
    struct screen screen = screen_of(stdout);
    if (comparison->count == 0) {
        puts(comparison->arrangement.filter != NULL
                 ? "no experiment is like that"
                 : "no experiments; assay submit FILE queues some");
        return;
    }
    differences_print(comparison->differences, &screen);
    if (comparison->rows != NULL)
        arrangement_print(&comparison->arrangement, &listing_evaluations, comparison->rows,
                          "none of them is evaluated");
    else
        evaluation_list_print(comparison->contenders, comparison->count, &screen);
    print_ranking(comparison, &screen);
    print_findings(comparison, &screen);
    print_repeats(comparison, &screen);
    effects_print(comparison->effects, &screen);
    duels_print(comparison->duels, comparison->duel_count, &screen);
    print_verdict(comparison, &screen);
}

int command_compare(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    struct comparison comparison = {0};
    cJSON *experiments = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &comparison.arrangement, &input, &status))
        goto out;
    if (!client_look(&input, "show", &client, &experiments, &error) ||
        !evaluation_list_arrange(&comparison.arrangement, experiments, &comparison.rows, &error) ||
        !comparison_make(&client, experiments, &comparison, &error))
        status = command_fail(&error);
    else {
        if (!input.json)
            print_comparison(&comparison);
        bool printed = !input.json || print_json(&comparison);
        status = !printed ? ERROR_FAILED : input.count > 0 ? field_status(experiments) : 0;
    }
out:
    comparison_free(&comparison);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
