/* assay show: everything about one experiment. */
#include "cli/client.h"
#include "cli/evaluation_tables.h"
#include "cli/facts.h"
#include "cli/field.h"
#include "cli/metrics_row.h"
#include "cli/output.h"
#include "cli/remarks.h"
#include "cli/table.h"
#include "core/shortage.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_CONFIG = 'c' };

static const struct argp_option options[] = {
    {"config", KEY_CONFIG, NULL, 0, "Print its experiment file alone, with every default", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)argument;
    if (key != KEY_CONFIG)
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static const struct command_line line = {
    .arguments = "ID|NAME",
    .help =
        "Shows an experiment: what it is, its epochs, evaluations and checkpoints. Exits 4 when it "
        "failed or was cancelled."
        "\vExample:\n  assay show 3",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* Only where there was more than one. */
static void print_attempts(const cJSON *attempts, const struct screen *screen) {
    static const struct column columns[] = {{"attempt", COLUMN_RIGHT},
                                            {"outcome", COLUMN_LEFT},
                                            {"started", COLUMN_LEFT | COLUMN_MINOR},
                                            {"worker", COLUMN_NAME | COLUMN_MINOR},
                                            {"error", COLUMN_ELASTIC}};
    struct table table = TABLE_OF(columns);
    const cJSON *attempt;
    cJSON_ArrayForEach(attempt, attempts) {
        char text[FORMAT_SIZE];
        table_add(&table, "%.0f", field_number(attempt, "attempt", 0));
        table_add(&table, "%s", field_text(attempt, "outcome", "?"));
        table_add(&table, "%s", format_time(text, (int64_t)field_number(attempt, "started_ms", 0)));
        table_add(&table, "%s", field_text(attempt, "worker", "?"));
        table_add(&table, "%s", field_text(attempt, "error", ""));
    }
    if (cJSON_GetArraySize(attempts) > 1)
        table_print_titled(&table, screen, "Attempts");
    table_free(&table);
}

/* Who steered it. */
static void print_steering(const cJSON *steering, const struct screen *screen) {
    static const struct column columns[] = {
        {"at", COLUMN_LEFT}, {"what", COLUMN_LEFT}, {"who", COLUMN_ELASTIC}};
    struct table table = TABLE_OF(columns);
    const cJSON *deed;
    cJSON_ArrayForEach(deed, steering) {
        char text[FORMAT_SIZE];
        table_add(&table, "%s", format_time(text, (int64_t)field_number(deed, "at_ms", 0)));
        table_add(&table, "%s", field_text(deed, "what", "?"));
        table_add(&table, "%s", field_text(deed, "person", ""));
    }
    table_print_titled(&table, screen, "Steering");
    table_free(&table);
}

static void print_notes(const cJSON *notes, const struct screen *screen) {
    if (cJSON_GetArraySize(notes) > 0) {
        puts("\nNotes");
        remarks_print_notes(notes, screen, 0);
    }
}

static void print_epochs(const cJSON *epochs, const struct screen *screen) {
    static const struct column columns[] = {
        {"epoch", COLUMN_RIGHT},
        {"train", COLUMN_RIGHT},
        {"valid", COLUMN_RIGHT},
        {"accuracy", COLUMN_RIGHT},
        {"recall", COLUMN_RIGHT | COLUMN_MINOR},
        {"precision", COLUMN_RIGHT | COLUMN_MINOR},
        {"rate", COLUMN_RIGHT | COLUMN_MINOR},
        {"sec", COLUMN_RIGHT | COLUMN_MINOR},
        {"images/s", COLUMN_RIGHT | COLUMN_MINOR},
        {"", COLUMN_LEFT},
    };
    struct table table = TABLE_OF(columns);
    const cJSON *epoch;
    cJSON_ArrayForEach(epoch, epochs) {
        char text[FORMAT_SIZE];
        table_add(&table, "%.0f", field_number(epoch, "epoch", 0));
        table_add(&table, "%s", field_ratio(text, epoch, "train.loss"));
        table_add(&table, "%s", field_ratio(text, epoch, "valid.loss"));
        table_add(&table, "%s", field_ratio(text, epoch, "valid.accuracy"));
        table_add(&table, "%s", field_ratio(text, epoch, "valid.recall"));
        table_add(&table, "%s", field_ratio(text, epoch, "valid.precision"));
        table_add(&table, "%.1e", field_number(epoch, "learning_rate", 0));
        table_add(&table, "%.1f", field_number(epoch, "seconds", 0));
        table_add(&table, "%.1f", field_number(epoch, "images_per_second", 0));
        table_add(&table, "%s", cJSON_IsTrue(field_at(epoch, "best")) ? "*" : "");
    }
    table_print_titled(
        &table, screen,
        "Epochs (train, valid: loss; then ratios on validation; * lowest loss so far)");
    table_free(&table);
}

static void print_evaluations(const cJSON *evaluations, const struct screen *screen) {
    static const struct column columns[] = {{"", COLUMN_LEFT},
                                            {"epoch", COLUMN_RIGHT | COLUMN_MINOR},
                                            {"split", COLUMN_LEFT},
                                            METRICS_ROW_COLUMNS};
    struct table table = TABLE_OF(columns);
    const cJSON *evaluation;
    cJSON_ArrayForEach(evaluation, evaluations) {
        table_add(&table, "%s", field_text(evaluation, "checkpoint", "?"));
        table_add(&table, "%.0f", field_number(evaluation, "epoch", 0));
        table_add(&table, "%s", field_text(evaluation, "split", "?"));
        metrics_row_add(&table, evaluation);
    }
    table_print_titled(&table, screen, "Evaluations");
    table_free(&table);
}

/* One more row of metrics for each evaluation, counted at the threshold. */
static void print_at_threshold(const cJSON *evaluations, const struct screen *screen) {
    static const struct column columns[] = {{"", COLUMN_LEFT},
                                            {"split", COLUMN_LEFT},
                                            {"threshold", COLUMN_RIGHT | COLUMN_MINOR},
                                            {"TP", COLUMN_RIGHT},
                                            {"TN", COLUMN_RIGHT},
                                            {"FP", COLUMN_RIGHT},
                                            {"FN", COLUMN_RIGHT},
                                            {"accuracy", COLUMN_RIGHT},
                                            {"recall", COLUMN_RIGHT | COLUMN_MINOR_FIRST},
                                            {"precision", COLUMN_RIGHT | COLUMN_MINOR_FIRST}};
    static const char *const counts[] = {"true_positive", "true_negative", "false_positive",
                                         "false_negative"};
    static const char *const ratios[] = {"accuracy", "recall", "precision"};
    struct table table = TABLE_OF(columns);
    const cJSON *evaluation;
    cJSON_ArrayForEach(evaluation, evaluations) {
        const cJSON *there = field_at(evaluation, "at_threshold");
        char text[FORMAT_SIZE];
        if (there == NULL)
            continue;
        table_add(&table, "%s", field_text(evaluation, "checkpoint", "?"));
        table_add(&table, "%s", field_text(evaluation, "split", "?"));
        table_add(&table, "%s", field_ratio(text, evaluation, "threshold"));
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            table_add(&table, "%.0f", field_number(there, counts[i], 0));
        for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++)
            table_add(&table, "%s", field_ratio(text, there, ratios[i]));
    }
    table_print_titled(
        &table, screen,
        "The same with the threshold that Youden's J chooses on valid, instead of 0.5");
    table_free(&table);
}

static void print_findings(const cJSON *evaluations, const struct screen *screen) {
    static const struct column leading[] = {{"", COLUMN_LEFT}, {"split", COLUMN_LEFT}};
    size_t count = 0;
    struct evaluation_row *rows = calloc((size_t)cJSON_GetArraySize(evaluations) + 1, sizeof *rows);
    const cJSON *evaluation;
    if (rows == NULL) {
        shortage_note();
        return;
    }
    cJSON_ArrayForEach(evaluation, evaluations) {
        rows[count++] = (struct evaluation_row){.first = field_text(evaluation, "checkpoint", "?"),
                                                .second = field_text(evaluation, "split", "?"),
                                                .evaluation = evaluation};
    }
    evaluation_print_classes("Which class is missed: pictures taken for the other label", leading,
                             rows, count, screen);
    evaluation_print_ranking("How the pictures rank; the threshold comes from valid", leading, rows,
                             count, screen);
    free(rows);
}

static void print_checkpoints(const cJSON *checkpoints, const struct screen *screen) {
    static const struct column columns[] = {{"checkpoint", COLUMN_LEFT},
                                            {"epoch", COLUMN_RIGHT},
                                            {"host", COLUMN_LEFT},
                                            {"file", COLUMN_LEFT}};
    struct table table = TABLE_OF(columns);
    const cJSON *checkpoint;
    cJSON_ArrayForEach(checkpoint, checkpoints) {
        table_add(&table, "%s", field_text(checkpoint, "kind", "?"));
        table_add(&table, "%.0f", field_number(checkpoint, "epoch", 0));
        table_add(&table, "%s", field_text(checkpoint, "host", "?"));
        table_add(&table, "%s", field_text(checkpoint, "path", "?"));
    }
    table_print_titled(&table, screen, "Checkpoints");
    table_free(&table);
}

static void print_experiment(const cJSON *experiment) {
    struct screen screen = screen_of(stdout);
    client_tell_cut(experiment);
    facts_print(experiment, &screen);
    print_attempts(field_at(experiment, "attempts"), &screen);
    print_steering(field_at(experiment, "steering"), &screen);
    print_notes(field_at(experiment, "notes"), &screen);
    print_epochs(field_at(experiment, "history"), &screen);
    print_evaluations(field_at(experiment, "evaluations"), &screen);
    print_findings(field_at(experiment, "evaluations"), &screen);
    print_at_threshold(field_at(experiment, "evaluations"), &screen);
    print_checkpoints(field_at(experiment, "checkpoints"), &screen);
}

/* With --config: the config as a file that can be submitted again. */
static bool print_document(cJSON *experiment, bool config, bool json) {
    if (json)
        return output_json(config ? field_at(experiment, "config") : experiment);
    if (!config) {
        field_clean(experiment);
        print_experiment(experiment);
        return true;
    }
    return output_json_pretty(field_at(experiment, "config"));
}

int command_show(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    cJSON *experiments = NULL;
    bool config = false;
    long long id;
    int status;
    if (!command_parse(&line, argc, argv, &config, &input, &status))
        return status;
    if (!client_look_one(&input, "show", &client, &id, &experiments, &error))
        status = command_fail(&error);
    else if (!print_document(experiments->child, config, input.json))
        status = ERROR_FAILED;
    else
        status = field_status(experiments);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
