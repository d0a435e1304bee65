#include "cli/dashboard_list.h"

#include "core/format.h"

#include <stdlib.h>
#include <string.h>

enum { HEADS = 1, FIRST = 2, NAME_HEAD = 10, NAME_LEAST = 24 };

enum { STATE, EPOCH, BAR, LOSS, ACCURACY, LEFT, COLUMNS };
static const struct {
    const char *title;
    size_t width;
    bool right; /* aligned */
} columns[COLUMNS] = {
    [STATE] = {"state", 9, false},   [EPOCH] = {"epoch", 9, true},       [BAR] = {"", 12, false},
    [LOSS] = {"best loss", 9, true}, [ACCURACY] = {"accuracy", 8, true}, [LEFT] = {"ETA", 8, true},
};
/* What makes room for names that are longer than is left for them, the first at first. */
static const int gives_way[] = {BAR, LEFT, LOSS, ACCURACY, EPOCH};

struct layout {
    size_t id, name; /* columns that they take */
    bool has[COLUMNS];
};

static struct layout layout_of(const struct dashboard *dashboard, size_t room) {
    size_t name = dashboard->name_columns < NAME_HEAD ? NAME_HEAD : dashboard->name_columns;
    size_t least = name < NAME_LEAST ? name : NAME_LEAST, used;
    struct layout layout = {.id = 4};
    char id[FORMAT_SIZE] = "";
    if (dashboard->shown_count > 0) /* the newest is the largest */
        snprintf(id, sizeof id, "%.0f", field_number(dashboard->shown[0], "id", 0));
    layout.id = strlen(id) > layout.id ? strlen(id) : layout.id;
    used = layout.id + 2;
    for (size_t i = 0; i < COLUMNS; i++) {
        layout.has[i] = true;
        used += 1 + columns[i].width;
    }
    for (size_t i = 0; i < sizeof gives_way / sizeof gives_way[0] && used + least > room; i++) {
        layout.has[gives_way[i]] = false;
        used -= 1 + columns[gives_way[i]].width;
    }
    size_t left = room > used ? room - used : 0;
    layout.name = name < left ? name : left;
    return layout;
}

/* What stands in a column; "" where nothing is known. */
static const char *cell_of(struct dashboard *dashboard, const cJSON *experiment, int column,
                           char text[FORMAT_SIZE]) {
    const char *state = field_text(experiment, "state", "?");
    bool measured = field_at(experiment, "best") != NULL;
    double left;
    text[0] = '\0';
    switch (column) {
    case STATE: return state;
    case EPOCH:
        snprintf(text, FORMAT_SIZE, "%.0f/%.0f", progress_epochs_done(experiment),
                 field_number(experiment, "epochs", 0));
        return text;
    case BAR: return format_bar(text, progress_fraction(experiment), 10);
    case LOSS: return measured ? field_ratio(text, experiment, "best.valid.loss") : "";
    case ACCURACY: return measured ? field_ratio(text, experiment, "best.valid.accuracy") : "";
    default:
        left = strcmp(state, "running") == 0 ? dashboard_left(dashboard, experiment) : -1;
        return left >= 0 ? format_duration(text, left) : "";
    }
}

static enum style style_of(const cJSON *experiment, int column) {
    const char *state = field_text(experiment, "state", "?");
    if (column == STATE)
        return screen_state_style(state);
    if (column == BAR)
        return strcmp(state, "running") == 0 ? STYLE_BUSY : STYLE_DIM;
    return STYLE_PLAIN;
}

static size_t draw_cell(struct page *page, size_t row, size_t at, int column, enum style style,
                        const char *text) {
    size_t width = columns[column].width, used = screen_columns(text);
    size_t before = columns[column].right && used < width ? width - used : 0;
    page_text(page, row, at + 1 + before, width - before, style, text);
    return at + 1 + width;
}

static void draw_heads(struct page *page, const struct layout *layout) {
    size_t at = layout->id + 2;
    page_text(page, HEADS, layout->id - 2, 2, STYLE_DIM, "id");
    page_text(page, HEADS, at, layout->name, STYLE_DIM, "experiment");
    at += layout->name;
    for (int column = 0; column < COLUMNS; column++)
        if (layout->has[column])
            at = draw_cell(page, HEADS, at, column, STYLE_DIM, columns[column].title);
}

static void draw_experiment(struct dashboard *dashboard, struct page *page, size_t row,
                            const struct layout *layout, const cJSON *experiment) {
    char text[FORMAT_SIZE];
    size_t at = layout->id + 2;
    char *name = screen_squeeze(field_text(experiment, "name", "?"), layout->name);
    page_format(page, row, 0, STYLE_PLAIN, "%*.0f", (int)layout->id,
                field_number(experiment, "id", 0));
    page_text(page, row, at, layout->name, STYLE_PLAIN, name != NULL ? name : "");
    free(name);
    at += layout->name;
    for (int column = 0; column < COLUMNS; column++)
        if (layout->has[column])
            at = draw_cell(page, row, at, column, style_of(experiment, column),
                           cell_of(dashboard, experiment, column, text));
}

void dashboard_list_draw(struct dashboard *dashboard, struct page *page, size_t rows) {
    const struct layout layout = layout_of(dashboard, page->columns);
    draw_heads(page, &layout);
    dashboard_scroll(dashboard, rows);
    for (size_t i = 0; i < rows && dashboard->top + i < dashboard->shown_count; i++) {
        const cJSON *experiment = dashboard->shown[dashboard->top + i];
        draw_experiment(dashboard, page, FIRST + i, &layout, experiment);
        if (experiment == dashboard_selected(dashboard))
            page_reverse(page, FIRST + i);
    }
    if (dashboard->shown_count == 0)
        page_text(page, FIRST, 2, page->columns - 2, STYLE_DIM,
                  dashboard->experiments == NULL ? "asking the coordinator ..."
                  : dashboard->filter != NULL    ? "no experiment is like that"
                                                 : "no experiments; assay submit FILE queues some");
}
