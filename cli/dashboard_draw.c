/* The pages of the dashboard: the frame, the selected experiment, workers, help. */
#include "cli/dashboard.h"
#include "cli/dashboard_curves.h"
#include "cli/dashboard_list.h"
#include "core/format.h"

#include <stdlib.h>
#include <string.h>

/* PROGRESS: what draw_progress takes. STATE: the longest state. */
enum { GAP = 2, PROGRESS = 62, STATE = 9, NAME_LEAST = 12 };

/* Writes a name, with its middle left out so that `taken` columns of the row are left behind it;
 * where that is too little for a name, it has NAME_LEAST. Returns the column after it. */
static size_t draw_name(struct page *page, size_t row, size_t column, size_t taken,
                        enum style style, const char *name) {
    size_t room = page->columns > column + taken ? page->columns - column - taken : 0;
    char *shown = screen_squeeze(name, room < NAME_LEAST ? NAME_LEAST : room);
    column = page_format(page, row, column, style, "%s", shown != NULL ? shown : "");
    free(shown);
    return column;
}

/* --- frame --- */

static void draw_title(struct dashboard *dashboard, struct page *page, const char *clock) {
    static const char *const states[] = {"running", "queued", "paused",
                                         "done",    "failed", "cancelled"};
    size_t column = page_text(page, 0, 0, page->columns, STYLE_BOLD, "assay"), idle = 0;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        size_t count = 0;
        const cJSON *one;
        cJSON_ArrayForEach(one, dashboard->experiments) {
            count += strcmp(field_text(one, "state", ""), states[i]) == 0;
        }
        if (count > 0)
            column = page_format(page, 0, column + GAP, screen_state_style(states[i]), "%zu %s",
                                 count, states[i]);
    }
    const cJSON *worker;
    cJSON_ArrayForEach(worker, dashboard->workers) {
        idle += strcmp(field_text(worker, "state", ""), "idle") == 0;
    }
    int workers = cJSON_GetArraySize(dashboard->workers);
    column = page_format(page, 0, column + GAP, workers == 0 ? STYLE_BAD : STYLE_DIM,
                         workers == 1 ? "%d worker" : "%d workers", workers);
    if (idle > 0)
        column = page_format(page, 0, column, STYLE_DIM, ", %zu idle", idle);
    size_t width = screen_columns(clock);
    if (page->columns >= column + GAP + width) /* else there is a clock elsewhere */
        page_text(page, 0, page->columns - width, width, STYLE_DIM, clock);
}

/* What is typed, of which the end stays in sight, and above it what is wrong with it. */
static void draw_filter_prompt(const struct dashboard *dashboard, struct page *page) {
    size_t row = page->rows - 1, column = page_format(page, row, 0, STYLE_BOLD, "show only: ");
    column = draw_name(page, row, column, 1, STYLE_BOLD, dashboard->typed);
    page_text(page, row, column, 1, STYLE_PLAIN, "_");
    if (dashboard->note[0] == '\0')
        return;
    page_format(page, row - 1, 0, STYLE_PLAIN, "%*s", (int)page->columns, "");
    page_format(page, row - 1, 0, STYLE_BAD, "%s", dashboard->note);
}

/* The experiment that is to be cancelled may be shown no more. */
static void draw_cancel_prompt(const struct dashboard *dashboard, struct page *page) {
    static const char question[] = "? y cancels it, any other key does not";
    const cJSON *experiment = field_with_id(dashboard->experiments, dashboard->steered);
    size_t row = page->rows - 1,
           column = page_format(page, row, 0, STYLE_BAD, "cancel %.0f ", dashboard->steered);
    column = draw_name(page, row, column, strlen(question), STYLE_BAD,
                       field_text(experiment, "name", ""));
    page_format(page, row, column, STYLE_BAD, "%s", question);
}

static void draw_bottom(const struct dashboard *dashboard, struct page *page) {
    static const char keys[] =
        "↑↓ move  Enter open  / filter  p pause  c cancel  r retry  w workers  ? help";
    size_t row = page->rows - 1;
    if (dashboard->prompt == PROMPT_FILTER)
        draw_filter_prompt(dashboard, page);
    else if (dashboard->prompt == PROMPT_CANCEL)
        draw_cancel_prompt(dashboard, page);
    else if (dashboard->note[0] != '\0')
        page_format(page, row, 0, STYLE_BOLD, "%s", dashboard->note);
    else if (dashboard->away)
        page_format(page, row, 0, STYLE_BAD, "no answer from the coordinator at %s; waiting for it",
                    dashboard->endpoint);
    else if (dashboard->filter_text[0] != '\0')
        page_format(page, row, 0, STYLE_DIM, "shown: %s    / changes that    ? help    q quit",
                    dashboard->filter_text);
    else
        page_text(page, row, 0, page->columns, STYLE_DIM,
                  page->columns < screen_columns(keys) ? "? help  q quit  ↑↓ move  Enter open"
                                                       : keys);
}

/* --- the selected one --- */

/* "  epoch 4/6  train 35/45  loss 0.3151  313 images/s  ETA 7s" */
static void draw_progress(struct dashboard *dashboard, struct page *page, size_t row, size_t column,
                          const cJSON *experiment) {
    char text[FORMAT_SIZE], step[PROGRESS_STEP_SIZE];
    const cJSON *progress = field_at(experiment, "progress");
    column = page_format(page, row, column + GAP, STYLE_BUSY, "epoch %.0f/%.0f",
                         progress_epoch_now(experiment), field_number(experiment, "epochs", 0));
    column =
        page_format(page, row, column + GAP, STYLE_PLAIN, "%s", progress_step(step, experiment));
    if (progress_of_files(experiment))
        return;
    column = page_format(page, row, column + GAP, STYLE_PLAIN, "loss %s",
                         field_ratio(text, progress, "loss"));
    column = page_format(page, row, column + GAP, STYLE_PLAIN, "%.0f images/s",
                         field_number(progress, "images_per_second", 0));
    double left = dashboard_left(dashboard, experiment);
    if (left >= 0)
        page_format(page, row, column + GAP, STYLE_PLAIN, "ETA %s", format_duration(text, left));
}

/* The experiment's number and name, which leave `taken` columns of the row. */
static size_t draw_called(struct page *page, size_t row, const cJSON *experiment, size_t taken) {
    size_t column =
        page_format(page, row, 0, STYLE_BOLD, "%.0f ", field_number(experiment, "id", 0));
    return draw_name(page, row, column, taken, STYLE_BOLD, field_text(experiment, "name", ""));
}

/* "3 demo/+affine  done", or how far it is. Why it has failed or was stopped may have half of the
 * row. */
static void draw_now(struct dashboard *dashboard, struct page *page, size_t row,
                     const cJSON *experiment) {
    char stopped[FIELD_STOPPED_SIZE];
    const char *state = field_text(experiment, "state", "?"), *why = NULL;
    if (strcmp(state, "running") == 0 && field_at(experiment, "progress") != NULL) {
        draw_progress(dashboard, page, row, draw_called(page, row, experiment, PROGRESS),
                      experiment);
        return;
    }
    if (strcmp(state, "failed") == 0)
        why = field_text(experiment, "error", "");
    else if (field_finished(experiment))
        why = field_stopped(stopped, experiment);
    size_t words = why != NULL ? screen_columns(why) + GAP : 0;
    if (words > page->columns / 2)
        words = page->columns / 2;
    size_t column = draw_called(page, row, experiment, GAP + STATE + words);
    column = page_format(page, row, column + GAP, screen_state_style(state), "%s", state);
    if (why != NULL)
        page_format(page, row, column + GAP, STYLE_PLAIN, "%s", why);
}

/* Whether the details are those of the selected experiment. */
static const cJSON *detail_of(const struct dashboard *dashboard, const cJSON *experiment) {
    return field_has_id(dashboard->detail, field_number(experiment, "id", 0)) ? dashboard->detail
                                                                              : NULL;
}

static void draw_rule(struct page *page, size_t row) {
    for (size_t i = 0; i < page->columns; i++)
        page_text(page, row, i, 1, STYLE_DIM, "─");
}

/* --- one experiment --- */

static void draw_history(struct page *page, size_t row, size_t rows, const cJSON *detail) {
    char text[6][FORMAT_SIZE];
    const cJSON *history = field_at(detail, "history");
    size_t count = (size_t)cJSON_GetArraySize(history);
    page_text(page, row, 0, page->columns, STYLE_DIM,
              "epoch  train loss  valid loss  accuracy  precision  recall  rate      time");
    for (size_t i = 1; i < rows && i <= count; i++) {
        const cJSON *epoch = cJSON_GetArrayItem(history, (int)(count - i));
        bool best = field_number(detail, "best.epoch", 0) >= field_number(epoch, "epoch", 0) &&
                    field_number(detail, "best.epoch", 0) <= field_number(epoch, "epoch", 0);
        page_format(
            page, row + i, 0, best ? STYLE_BOLD : STYLE_PLAIN,
            "%5.0f  %10s  %10s  %8s  %9s  %6s  %-8.3g  %s%s", field_number(epoch, "epoch", 0),
            field_ratio(text[0], epoch, "train.loss"), field_ratio(text[1], epoch, "valid.loss"),
            field_ratio(text[2], epoch, "valid.accuracy"),
            field_ratio(text[3], epoch, "valid.precision"),
            field_ratio(text[4], epoch, "valid.recall"), field_number(epoch, "learning_rate", 0),
            format_duration(text[5], field_number(epoch, "seconds", 0)), best ? " ▲" : "");
    }
}

static void draw_variant(struct page *page, size_t row, const cJSON *experiment) {
    const cJSON *value;
    size_t column = 0;
    cJSON_ArrayForEach(value, field_at(experiment, "variant")) {
        column = page_format(page, row, column, STYLE_DIM, "%s ", value->string);
        column = page_format(page, row, column, STYLE_PLAIN, "%s",
                             cJSON_IsString(value) ? value->valuestring : "?") +
                 GAP;
    }
    const char *worker = field_text(experiment, "worker", NULL);
    if (worker != NULL)
        page_format(page, row, column, STYLE_DIM, "on %s, attempt %.0f", worker,
                    field_number(experiment, "attempt", 0));
}

/* "tags keep, baseline  note the loss is flat from epoch 30 on": the latest note, its lines one
 * after the other. Returns how many rows that takes: none without either. */
static size_t draw_remarks(struct page *page, size_t row, const cJSON *experiment,
                           const cJSON *detail) {
    const cJSON *notes = field_at(detail, "notes");
    const cJSON *latest = cJSON_GetArrayItem(notes, cJSON_GetArraySize(notes) - 1);
    char *tags = field_words(experiment, "tags"), *note = strdup(field_text(latest, "text", ""));
    size_t column = 0;
    if (tags != NULL && tags[0] != '\0') {
        column = page_format(page, row, column, STYLE_DIM, "tags ");
        column = page_format(page, row, column, STYLE_PLAIN, "%s", tags) + GAP;
    }
    for (char *at = note; at != NULL && (at = strpbrk(at, "\n\t")) != NULL;)
        *at = ' ';
    if (note != NULL && note[0] != '\0') {
        column = page_format(page, row, column, STYLE_DIM, "note ");
        column = page_format(page, row, column, STYLE_PLAIN, "%s", note);
    }
    free(tags);
    free(note);
    return column > 0;
}

static void draw_one(struct dashboard *dashboard, struct page *page, const cJSON *experiment) {
    const cJSON *detail = detail_of(dashboard, experiment);
    draw_now(dashboard, page, 1, experiment);
    draw_variant(page, 2, experiment);
    size_t top = 3 + draw_remarks(page, 3, experiment, detail);
    size_t room = page->rows > top + 1 ? page->rows - top - 1 : 0, plots = room * 3 / 5;
    dashboard_curves_draw(page, top, plots, detail);
    if (room > plots + 1)
        draw_history(page, top + plots, room - plots, detail);
}

/* --- workers and help --- */

/* The page without its bottom row. */
static struct page above_bottom(const struct page *page) {
    return (struct page){page->rows - 1, page->columns, page->cells};
}

static void draw_workers(const struct dashboard *dashboard, struct page *page) {
    struct page above = above_bottom(page);
    size_t row = 2;
    const cJSON *worker;
    page_text(&above, 1, 0, page->columns, STYLE_DIM,
              "worker                          state     experiment  backend  device");
    cJSON_ArrayForEach(worker, dashboard->workers) {
        const char *state = field_text(worker, "state", "?");
        if (row + 1 == above.rows && worker->next != NULL) {
            page_format(&above, row, 0, STYLE_DIM, "and %zu more; assay workers lists all",
                        (size_t)cJSON_GetArraySize(dashboard->workers) + 2 - row);
            break;
        }
        page_text(&above, row, 0, 30, STYLE_PLAIN, field_text(worker, "worker", "?"));
        page_text(&above, row, 32, 9, screen_state_style(state), state);
        if (field_at(worker, "experiment") != NULL)
            page_format(&above, row, 42, STYLE_PLAIN, "%10.0f",
                        field_number(worker, "experiment", 0));
        page_text(&above, row, 54, 8, STYLE_PLAIN, field_text(worker, "backend", ""));
        page_format(&above, row, 63, STYLE_PLAIN, "%s", field_text(worker, "device", ""));
        row++;
    }
    if (row == 2)
        page_text(&above, 2, 0, page->columns, STYLE_DIM,
                  "no workers; assay worker --dir DIR starts one");
}

static void draw_help(struct page *page) {
    static const char *const lines[][2] = {
        {"↑ ↓ k j", "move; PgUp PgDn a page, g G to the first and the last"},
        {"Enter", "the selected experiment alone; again, q or Esc goes back"},
        {"/", "show only some: a part of the name, or for example accuracy > 0.98 and tag = paper; "
              "nothing shows all"},
        {"p", "pause the selected experiment, or let it go on"},
        {"c", "cancel it (asks first)"},
        {"r", "try it again when it has failed or was cancelled"},
        {"w", "who trains"},
        {"q", "back, and from the list out; experiments go on"},
    };
    struct page above = above_bottom(page);
    size_t row = 2;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        page_text(&above, row, 2, 7, STYLE_PLAIN, lines[i][0]);
        row = page_wrap(&above, row, 11, STYLE_PLAIN, lines[i][1]);
    }
    page_wrap(&above, row + 1, 2, STYLE_PLAIN,
              "Curves: train and valid by epoch; ▲ is at the least validation loss. NO_COLOR=1 is "
              "for no colours.");
}

void dashboard_draw(struct dashboard *dashboard, struct page *page, const char *clock) {
    const cJSON *selected = dashboard_selected(dashboard);
    if (page->rows < 3 || page->columns < 20)
        return;
    draw_title(dashboard, page, clock);
    if (dashboard->view == VIEW_HELP)
        draw_help(page);
    else if (dashboard->view == VIEW_WORKERS)
        draw_workers(dashboard, page);
    else if (dashboard->view == VIEW_ONE && selected != NULL)
        draw_one(dashboard, page, selected);
    else {
        size_t list = dashboard_list_rows(dashboard, page->rows), below = 2 + list;
        dashboard_list_draw(dashboard, page, list);
        if (selected != NULL && below + 2 + DASHBOARD_CURVES_LEAST_ROWS < page->rows) {
            draw_rule(page, below);
            draw_now(dashboard, page, below + 1, selected);
            dashboard_curves_draw(page, below + 2, page->rows - below - 3,
                                  detail_of(dashboard, selected));
        }
    }
    draw_bottom(dashboard, page);
}
