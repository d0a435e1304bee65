/* assay workers: who trains. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/table.h"
#include "core/text.h"

static const struct command_line line = {
    .help = "Lists the workers that the coordinator knows, and what each is doing."
            "\vExample:\n  assay workers --json",
    .shared = COMMAND_CONNECT | COMMAND_JSON};

static const struct column columns[] = {
    {"worker", COLUMN_NAME},
    {"state", COLUMN_LEFT},
    {"trains", COLUMN_RIGHT},
    {"seen", COLUMN_RIGHT},
    {"threads", COLUMN_RIGHT | COLUMN_SPARE},
    {"backend", COLUMN_LEFT | COLUMN_SPARE},
    {"labels", COLUMN_ELASTIC | COLUMN_MINOR},
    {"device", COLUMN_ELASTIC | COLUMN_MINOR_LAST},
};

static void add_labels(struct table *table, const cJSON *labels) {
    struct text text = {0};
    const cJSON *label;
    cJSON_ArrayForEach(label, labels) {
        text_format(&text, "%s%s", text.length > 0 ? "," : "", label->valuestring);
    }
    table_add(table, "%s", text_string(&text));
    text_free(&text);
}

static void print_workers(const cJSON *workers, double now_ms) {
    struct table table = TABLE_OF(columns);
    struct screen screen = screen_of(stdout);
    const cJSON *worker;
    cJSON_ArrayForEach(worker, workers) {
        char text[FORMAT_SIZE];
        const char *state = field_text(worker, "state", "?");
        double away_ms = now_ms - field_number(worker, "seen_ms", now_ms);
        table_add(&table, "%s", field_text(worker, "worker", "?"));
        table_add_styled(&table, screen_state_style(state), "%s", state);
        if (field_at(worker, "experiment") != NULL)
            table_add(&table, "%.0f", field_number(worker, "experiment", 0));
        else
            table_add(&table, "%s", "");
        table_add(&table, "%s ago", format_duration(text, away_ms > 0 ? away_ms / 1000 : 0));
        table_add(&table, "%.0f", field_number(worker, "threads", 0));
        table_add(&table, "%s", field_text(worker, "backend", "?"));
        add_labels(&table, field_at(worker, "labels"));
        table_add(&table, "%s", field_text(worker, "device", "?"));
    }
    if (table.count == 0)
        puts("no workers; assay worker --connect ENDPOINT --dir DIR starts one");
    else
        table_print(&table, &screen, 0);
    table_free(&table);
}

int command_workers(int argc, char **argv) {
    struct command_input input;
    struct client client = {0};
    struct error error = {0};
    cJSON *answer = NULL;
    int status;
    if (!command_parse(&line, argc, argv, NULL, &input, &status))
        return status;
    status = 0;
    if (!client_open(&input, &client, &error) ||
        !client_ask(&client, "workers", NULL, "worker_list", &answer, &error))
        status = command_fail(&error);
    else if (!input.json)
        print_workers(field_at(answer, "workers"), client_now_ms(&client));
    else if (!output_json(field_at(answer, "workers")))
        status = ERROR_FAILED;
    cJSON_Delete(answer);
    client_close(&client);
    return status;
}
