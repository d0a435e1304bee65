/* assay export: results as a table for other programs. docs/export.md says what the columns are. */
#include "cli/client.h"
#include "cli/export_rows.h"
#include "cli/field.h"
#include "cli/output.h"
#include "core/atomic_file.h"
#include "core/shortage.h"

#include <string.h>

enum { KEY_OUT = 'o', KEY_CSV = 'c', KEY_EPOCHS = 'e' };

static const struct argp_option options[] = {
    {"csv", KEY_CSV, NULL, 0, "CSV with a line of titles, the default; --json: an array of objects",
     0},
    {"epochs", KEY_EPOCHS, NULL, 0, "A row an epoch, not a row an experiment", 0},
    {"out", KEY_OUT, "FILE", 0, "Where it goes (default, and -: stdout)", 0},
    {0}};

struct export_options {
    const char *out;
    bool csv, epochs;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct export_options *chosen = state->input;
    switch (key) {
    case KEY_OUT: chosen->out = options_output(argument); return 0;
    case KEY_CSV: chosen->csv = true; return 0;
    case KEY_EPOCHS: chosen->epochs = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help = "Writes what is known of experiments as a table: state, the value of each matrix key, "
            "what differs between their configs, and the metrics of the best-loss and the "
            "last-epoch checkpoint on valid and test."
            "\vExamples:\n  assay export demo --csv --out demo.csv\n"
            "  assay export 3 4 --epochs --json > epochs.json",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* Where rows go: a file that appears when it is whole, or stdout. */
struct writer {
    const struct export_columns *columns;
    bool json, epochs, to_file;
    struct atomic_file file;
    size_t rows;
};

static bool put(struct writer *writer, struct text *text, struct error *error) {
    bool good = !text->failed || error_memory(error);
    if (good && writer->to_file)
        good = atomic_file_write(&writer->file, text_string(text), text->length, error);
    else if (good) /* standard_finish tells whether stdout took it */
        fwrite(text_string(text), 1, text->length, stdout);
    text_free(text);
    return good;
}

static void add_row(struct writer *writer, struct text *text, cJSON *row) {
    if (writer->json)
        text_format(text, writer->rows > 0 ? ",\n" : "\n");
    (writer->json ? export_add_json : export_add_csv)(text, row);
    writer->rows++;
    cJSON_Delete(row);
}

static bool write_page(void *context, cJSON *experiments, struct error *error) {
    struct writer *writer = context;
    struct text text = {0};
    const cJSON *experiment, *report;
    cJSON_ArrayForEach(experiment, experiments) {
        if (!writer->epochs) {
            add_row(writer, &text, export_experiment(writer->columns, experiment));
            continue;
        }
        client_tell_cut(experiment);
        cJSON_ArrayForEach(report, field_at(experiment, "history")) {
            add_row(writer, &text, export_epoch(writer->columns, experiment, report));
        }
    }
    return put(writer, &text, error);
}

static bool write_begin(struct writer *writer, struct error *error) {
    struct text text = {0};
    if (writer->json)
        text_add(&text, "[", 1);
    else
        export_add_titles(&text, writer->columns, writer->epochs);
    return put(writer, &text, error);
}

static bool write_end(struct writer *writer, struct error *error) {
    struct text text = {0};
    if (writer->json)
        text_format(&text, writer->rows > 0 ? "\n]\n" : "]\n");
    return put(writer, &text, error);
}

static bool write_all(struct client *client, const cJSON *selection, struct writer *writer,
                      struct error *error) {
    return write_begin(writer, error) &&
           client_pages(client, "show", selection, write_page, writer, error) &&
           write_end(writer, error) && (!shortage_ever() || error_memory(error));
}

static bool write_out(struct client *client, const cJSON *selection, struct writer *writer,
                      const char *out, struct error *error) {
    if (out == NULL)
        return write_all(client, selection, writer, error);
    writer->to_file = true;
    if (!atomic_file_begin(out, &writer->file, error))
        return false;
    if (write_all(client, selection, writer, error))
        return atomic_file_commit(&writer->file, error);
    atomic_file_abandon(&writer->file);
    return false;
}

static bool meet_page(void *context, cJSON *experiments, struct error *error) {
    return export_meet(context, experiments) || error_memory(error);
}

/* Twice over the pages: what the columns are, then the rows, so that a group of any size fits. */
static bool export(struct client *client, const cJSON *selection, const struct command_input *input,
                   const struct export_options *chosen, struct error *error) {
    struct export_columns columns = {0};
    struct writer writer = {.columns = &columns, .json = input->json, .epochs = chosen->epochs};
    bool good = client_pages(client, "show", selection, meet_page, &columns, error) &&
                write_out(client, selection, &writer, chosen->out, error);
    export_columns_free(&columns);
    return good;
}

int command_export(int argc, char **argv) {
    struct command_input input;
    struct export_options chosen = {0};
    struct error error = {0};
    struct client client = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    if (chosen.csv && input.json) {
        error_set(&error, ERROR_INPUT, "--csv and --json together: choose one");
        return command_fail(&error);
    }
    cJSON *selection = client_open(&input, &client, &error)
                           ? client_resolve(&client, input.arguments, input.count, &error)
                           : NULL;
    bool good = selection != NULL && export(&client, selection, &input, &chosen, &error);
    status = good ? 0 : command_fail(&error);
    if (good && chosen.out != NULL)
        status = output_path(chosen.out, false);
    cJSON_Delete(selection);
    client_close(&client);
    return status;
}
