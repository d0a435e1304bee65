#include "cli/dashboard.h"

#include "cli/listing.h"

#include <stdlib.h>
#include <string.h>

void dashboard_free(struct dashboard *dashboard) {
    cJSON_Delete(dashboard->experiments);
    cJSON_Delete(dashboard->workers);
    cJSON_Delete(dashboard->detail);
    free(dashboard->shown);
    free(dashboard->paces);
    filter_free(dashboard->filter);
    *dashboard = (struct dashboard){0};
}

/* The row of the selected experiment; shown_count when it is not shown. */
static size_t selected_row(const struct dashboard *dashboard) {
    size_t row = 0;
    while (row < dashboard->shown_count &&
           !field_has_id(dashboard->shown[row], dashboard->selected))
        row++;
    return row;
}

static void select_row(struct dashboard *dashboard, size_t row) {
    size_t last = dashboard->shown_count - 1;
    if (dashboard->shown_count > 0)
        dashboard->selected = field_number(dashboard->shown[row < last ? row : last], "id", 0);
}

/* The row of one that runs, or the first. */
static size_t running_row(const struct dashboard *dashboard) {
    for (size_t row = 0; row < dashboard->shown_count; row++)
        if (strcmp(field_text(dashboard->shown[row], "state", ""), "running") == 0)
            return row;
    return 0;
}

/* Which experiments are shown, newest first; the selection stays on its experiment. */
static void choose_shown(struct dashboard *dashboard) {
    bool none = dashboard->shown_count == 0;
    size_t row = selected_row(dashboard);
    size_t all = (size_t)cJSON_GetArraySize(dashboard->experiments), first = all;
    const cJSON **shown = calloc(all + 1, sizeof *shown), *one;
    if (shown == NULL) { /* what was shown may be no more */
        dashboard->shown_count = 0;
        return;
    }
    cJSON_ArrayForEach(one, dashboard->experiments) {
        if (dashboard->filter == NULL ||
            listing_takes(&listing_experiments, dashboard->filter, one))
            shown[--first] = one;
    }
    free(dashboard->shown);
    dashboard->shown_count = all - first;
    memmove(shown, shown + first, dashboard->shown_count * sizeof *shown);
    dashboard->shown = shown;
    dashboard->name_columns = 0;
    for (size_t i = 0; i < dashboard->shown_count; i++) {
        size_t width = screen_columns(field_text(shown[i], "name", "?"));
        dashboard->name_columns = width > dashboard->name_columns ? width : dashboard->name_columns;
    }
    if (selected_row(dashboard) == dashboard->shown_count)
        select_row(dashboard, none ? running_row(dashboard) : row);
}

void dashboard_take_experiments(struct dashboard *dashboard, cJSON *experiments) {
    cJSON *before = dashboard->experiments;
    dashboard->experiments = experiments;
    choose_shown(dashboard);
    cJSON_Delete(before);
}

void dashboard_take_workers(struct dashboard *dashboard, cJSON *workers) {
    cJSON_Delete(dashboard->workers);
    dashboard->workers = workers;
}

void dashboard_take_detail(struct dashboard *dashboard, cJSON *detail) {
    cJSON_Delete(dashboard->detail);
    dashboard->detail = detail;
}

const cJSON *dashboard_selected(const struct dashboard *dashboard) {
    size_t row = selected_row(dashboard);
    return row < dashboard->shown_count ? dashboard->shown[row] : NULL;
}

double dashboard_wants_detail(const struct dashboard *dashboard) {
    const cJSON *selected = dashboard_selected(dashboard), *detail = dashboard->detail;
    if (selected == NULL)
        return 0;
    bool fresh =
        detail != NULL && field_has_id(detail, dashboard->selected) &&
        (int)field_number(detail, "note_count", 0) ==
            (int)field_number(selected, "note_count", 0) &&
        field_number(detail, "epochs_done", 0) >= field_number(selected, "epochs_done", 0) &&
        strcmp(field_text(detail, "state", ""), field_text(selected, "state", "")) == 0;
    return fresh ? 0 : dashboard->selected;
}

double dashboard_left(struct dashboard *dashboard, const cJSON *experiment) {
    size_t i = 0;
    while (i < dashboard->pace_count && !field_has_id(experiment, dashboard->paces[i].id))
        i++;
    if (i == dashboard->pace_count) {
        struct dashboard_pace *paces = realloc(dashboard->paces, (i + 1) * sizeof *paces);
        if (paces == NULL)
            return -1;
        dashboard->paces = paces;
        paces[dashboard->pace_count++] =
            (struct dashboard_pace){.id = field_number(experiment, "id", 0)};
    }
    return eta_seconds(&dashboard->paces[i].eta, experiment, dashboard->now_ms);
}

size_t dashboard_list_rows(const struct dashboard *dashboard, size_t rows) {
    size_t frame = 3; /* the two rows above the list, the one at the bottom */
    size_t room = rows > frame ? rows - frame : 0;
    size_t half = room / 2 < 4 ? room : room / 2;
    return dashboard->shown_count < half && dashboard->shown_count > 0 ? dashboard->shown_count
                                                                       : half;
}

void dashboard_scroll(struct dashboard *dashboard, size_t rows) {
    size_t row = selected_row(dashboard), count = dashboard->shown_count;
    if (row < dashboard->top)
        dashboard->top = row;
    else if (rows > 0 && row < count && row >= dashboard->top + rows)
        dashboard->top = row - rows + 1;
    if (dashboard->top + rows > count)
        dashboard->top = count > rows ? count - rows : 0;
}

/* --- keys --- */

static bool move_selection(struct dashboard *dashboard, int key, size_t rows) {
    size_t row = selected_row(dashboard), page = dashboard_list_rows(dashboard, rows);
    switch (key) {
    case DASHBOARD_UP:
    case 'k': row -= row > 0; break;
    case DASHBOARD_DOWN:
    case 'j': row++; break;
    case DASHBOARD_PAGE_UP: row -= row < page ? row : page; break;
    case DASHBOARD_PAGE_DOWN: row += page; break;
    case DASHBOARD_HOME:
    case 'g': row = 0; break;
    case DASHBOARD_END:
    case 'G': row = dashboard->shown_count; break;
    default: return false;
    }
    select_row(dashboard, row);
    return true;
}

/* "jitter" alone means a name that contains it. False with a note when it is no filter. */
static bool use_filter(struct dashboard *dashboard) {
    char longer[DASHBOARD_TYPED + 16];
    struct filter *filter = NULL;
    struct error error = {0};
    bool whole = strpbrk(dashboard->typed, "=<>~") != NULL;
    snprintf(longer, sizeof longer, whole ? "%s" : "name ~ \"%s\"", dashboard->typed);
    if (dashboard->typed[0] != '\0' &&
        (!filter_parse(longer, &filter, &error) ||
         !listing_check_filter(&listing_experiments, dashboard->experiments, filter, &error))) {
        filter_free(filter);
        snprintf(dashboard->note, sizeof dashboard->note, "%.250s", error.message);
        return false;
    }
    filter_free(dashboard->filter);
    dashboard->filter = filter;
    snprintf(dashboard->filter_text, sizeof dashboard->filter_text, "%s", dashboard->typed);
    choose_shown(dashboard);
    dashboard->top = 0;
    return true;
}

/* Takes off the last character, all its bytes. */
static void erase_last(char *text) {
    size_t length = strlen(text);
    while (length > 0 && ((unsigned char)text[length - 1] & 0xC0) == 0x80)
        length--;
    text[length > 0 ? length - 1 : 0] = '\0';
}

static void type_filter(struct dashboard *dashboard, int key) {
    size_t length = strlen(dashboard->typed);
    if (key == DASHBOARD_ENTER) {
        if (use_filter(dashboard))
            dashboard->prompt = PROMPT_NONE;
    } else if (key == DASHBOARD_ESCAPE)
        dashboard->prompt = PROMPT_NONE;
    else if (key == DASHBOARD_BACKSPACE)
        erase_last(dashboard->typed);
    else if (key >= ' ' && key < 0x100 && key != 0x7F && length + 1 < DASHBOARD_TYPED) {
        dashboard->typed[length] = (char)key;
        dashboard->typed[length + 1] = '\0';
    }
}

static enum dashboard_wish leave_or_quit(struct dashboard *dashboard) {
    if (dashboard->view == VIEW_LIST)
        return DASHBOARD_QUIT;
    dashboard->view = VIEW_LIST;
    return DASHBOARD_NOTHING;
}

static void toggle(struct dashboard *dashboard, enum dashboard_view view) {
    dashboard->view = dashboard->view == view ? VIEW_LIST : view;
}

/* What a key wishes of the selected experiment, which is there. */
static enum dashboard_wish steer(struct dashboard *dashboard, int key) {
    bool paused = strcmp(field_text(dashboard_selected(dashboard), "state", ""), "paused") == 0;
    dashboard->steered = dashboard->selected;
    if (key == 'c') {
        dashboard->prompt = PROMPT_CANCEL;
        return DASHBOARD_NOTHING;
    }
    return key == 'p' ? paused ? DASHBOARD_RESUME : DASHBOARD_PAUSE : DASHBOARD_RETRY;
}

enum dashboard_wish dashboard_key(struct dashboard *dashboard, int key, size_t rows) {
    enum dashboard_prompt prompt = dashboard->prompt;
    dashboard->note[0] = '\0';
    if (prompt == PROMPT_FILTER) {
        type_filter(dashboard, key);
        return DASHBOARD_NOTHING;
    }
    dashboard->prompt = PROMPT_NONE;
    if (prompt == PROMPT_CANCEL)
        return key == 'y' ? DASHBOARD_CANCEL : DASHBOARD_NOTHING;
    if (move_selection(dashboard, key, rows))
        return DASHBOARD_NOTHING;
    switch (key) {
    case 'q': return leave_or_quit(dashboard);
    case DASHBOARD_ESCAPE: dashboard->view = VIEW_LIST; break;
    case DASHBOARD_ENTER: toggle(dashboard, VIEW_ONE); break;
    case 'w': toggle(dashboard, VIEW_WORKERS); break;
    case '?':
    case 'h': toggle(dashboard, VIEW_HELP); break;
    case '/':
        dashboard->prompt = PROMPT_FILTER;
        snprintf(dashboard->typed, sizeof dashboard->typed, "%s", dashboard->filter_text);
        break;
    case 'c':
    case 'p':
    case 'r':
        if (dashboard_selected(dashboard) != NULL)
            return steer(dashboard, key);
        break;
    default: break;
    }
    return DASHBOARD_NOTHING;
}
