#include "worker/records.h"

#include "core/json.h"
#include "core/shortage.h"
#include "worker/report.h"
#include "worker/resume.h"

#include <stdlib.h>
#include <string.h>

/* Lines, each ended by \n, or NULL. */
static void write_lines(struct records *records, const char *lines) {
    while (lines != NULL && *lines != '\0') {
        size_t length = strcspn(lines, "\n");
        trainlog_line(records->log, "%.*s", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

/* What the backend has told since the last time. */
static void write_told(struct records *records) {
    write_lines(records, text_string(&records->session->notes));
    text_free(&records->session->notes);
}

static bool open_log(struct records *records, const char *notes, struct checkpoint_state *state,
                     bool *lost, struct error *error) {
    const struct session *session = records->session;
    const struct split *split = &session->split;
    const struct experiment *experiment = session->experiment;
    if (!trainlog_open(records->options->dir, state->log_bytes, records->events, &records->log,
                       error))
        return false;
    bool empty = trainlog_bytes(records->log) == 0;
    *lost = empty && state->epoch > 0;
    if (empty)
        trainlog_line(records->log,
                      "%s: %s on %s, %zu pictures to train on, %zu to validate, %zu to test",
                      experiment->name, experiment->model.arch, session->backend->name,
                      split->train.count, split->valid.count, split->test.count);
    for (uint32_t i = 0; *lost && i < state->epoch; i++)
        trainlog_epoch(records->log, &state->history[i], experiment->train.epochs);
    write_lines(records, notes);
    write_told(records);
    state->log_bytes = trainlog_bytes(records->log);
    return true;
}

/* Behind the making of what goes to TensorBoard. */
static void look_for_gaps(struct records *records) {
    records->short_of_memory = shortage_in_trees() || records->short_of_memory;
}

static void write_history(struct records *records, const struct checkpoint_state *state) {
    cJSON *reports = cJSON_CreateArray();
    for (uint32_t i = 0; i < state->epoch; i++)
        json_append(reports, report_epoch(&state->history[i]));
    look_for_gaps(records);
    board_history(records->board, records->session->experiment->config, reports, state->iteration);
    cJSON_Delete(reports);
}

static bool open_board(struct records *records, struct checkpoint_state *state, bool *lost,
                       struct error *error) {
    const struct experiment *experiment = records->session->experiment;
    const cJSON *config = experiment->config;
    char *path = resume_board_path(records->options->dir, records->options, experiment);
    bool ok = path != NULL ? tensorboard_open(path, state->board_bytes, &records->board, error)
                           : error_memory(error);
    free(path);
    if (!ok)
        return false;
    bool whole = state->board_bytes > 0 && tensorboard_bytes(records->board) == state->board_bytes;
    *lost = !whole && state->epoch > 0;
    if (!whole)
        board_begin(records->board, config, records->options->variant);
    if (*lost)
        write_history(records, state);
    state->board_bytes = tensorboard_bytes(records->board);
    return true;
}

bool records_open(struct records *records, const char *notes, struct checkpoint_state *state,
                  bool *lost, struct error *error) {
    bool log_lost = false, board_lost = false;
    records->short_of_memory = false;
    bool ok = open_log(records, notes, state, &log_lost, error) &&
              open_board(records, state, &board_lost, error);
    *lost = log_lost || board_lost;
    return ok;
}

void records_close(struct records *records) {
    trainlog_close(records->log);
    tensorboard_close(records->board);
    records->log = NULL;
    records->board = NULL;
}

bool records_sync(struct records *records, struct error *error) {
    if (records->short_of_memory)
        return error_machine(error, "no memory for TensorBoard's events");
    return trainlog_sync(records->log, error) && tensorboard_sync(records->board, error);
}

void records_epoch(struct records *records, const struct epoch_report *report) {
    cJSON *json = report_epoch(report);
    look_for_gaps(records);
    write_told(records);
    trainlog_epoch(records->log, report, records->session->experiment->train.epochs);
    board_epoch(records->board, json);
    cJSON_Delete(json);
}

void records_evaluation(struct records *records, const struct evaluation_report *report) {
    cJSON *json = report_evaluation(report);
    look_for_gaps(records);
    write_told(records);
    trainlog_evaluation(records->log, report);
    board_evaluation(records->board, json);
    cJSON_Delete(json);
}

void records_failure(struct records *records, const struct error *error) {
    write_told(records);
    trainlog_line(records->log, "failed: %s", error->message);
}
