#include "cli/table.h"

#include "core/array.h"
#include "core/shortage.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How far elastic columns give way: to EASY before a spare column is left out, to LEAST before a
 * minor one is, and to TIGHT when nothing else is left to give, the gaps narrower too. */
enum { GAP = 2, GAP_TIGHT = 1, ELASTIC_TIGHT = 6, ELASTIC_LEAST = 12, ELASTIC_EASY = 20 };
static const size_t LEFT_OUT = SIZE_MAX; /* as a width */

static void add(struct table *table, enum style style, char *text) {
    struct cell *cells =
        array_room(table->cells, table->count + 1, &table->capacity, sizeof *cells);
    if (cells == NULL || text == NULL)
        shortage_note();
    if (cells == NULL) {
        free(text);
        return;
    }
    table->cells = cells;
    table->cells[table->count++] = (struct cell){text, style, false};
}

static char *formatted(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
static char *formatted(const char *format, va_list arguments) {
    char *text = NULL;
    return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

void table_add(struct table *table, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(table, STYLE_PLAIN, formatted(format, arguments));
    va_end(arguments);
}

void table_add_styled(struct table *table, enum style style, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(table, style, formatted(format, arguments));
    va_end(arguments);
}

void table_heading(struct table *table, enum style style, const char *format, ...) {
    assert(table->count % table->column_count == 0 || shortage_ever()); /* cells may be missing */
    size_t first = table->count;
    va_list arguments;
    va_start(arguments, format);
    add(table, style, formatted(format, arguments));
    va_end(arguments);
    for (size_t column = 1; column < table->column_count; column++)
        add(table, STYLE_PLAIN, strdup(""));
    if (first < table->count)
        table->cells[first].across = true;
}

static const char *cell_text(const struct table *table, size_t index) {
    const char *text = index < table->count ? table->cells[index].text : NULL;
    return text != NULL ? text : "";
}

/* How its columns stand. */
struct layout {
    size_t *widths; /* LEFT_OUT: not at all */
    size_t gap;
};

static bool is_elastic(const struct column *column) {
    unsigned shape = column->kind & COLUMN_SHAPE;
    return shape == COLUMN_ELASTIC || shape == COLUMN_NAME;
}

/* The columns of the screen that all of them take when no elastic one is wider than `most`. */
static size_t taken(const struct table *table, const struct layout *layout, size_t most) {
    size_t all = 0;
    for (size_t column = 0; column < table->column_count; column++) {
        size_t width = layout->widths[column];
        if (width == LEFT_OUT)
            continue;
        bool gives = is_elastic(&table->columns[column]) && width > most;
        all += (all > 0 ? layout->gap : 0) + (gives ? most : width);
    }
    return all;
}

/* Leaves columns of a kind out, the last first, until the others find room. */
static void leave_out(const struct table *table, unsigned kind, size_t most, size_t room,
                      struct layout *layout) {
    for (size_t column = table->column_count; column-- > 0 && taken(table, layout, most) > room;)
        if ((table->columns[column].kind & kind) != 0)
            layout->widths[column] = LEFT_OUT;
}

/* Takes what is over the room from the widest of the elastic columns, as far as they give it. */
static void shrink(const struct table *table, size_t least, size_t room, struct layout *layout) {
    while (taken(table, layout, SIZE_MAX) > room) {
        size_t *widest = NULL;
        for (size_t column = 0; column < table->column_count; column++) {
            size_t *width = &layout->widths[column];
            if (is_elastic(&table->columns[column]) && *width != LEFT_OUT && *width > least &&
                (widest == NULL || *width > *widest))
                widest = width;
        }
        if (widest == NULL)
            return;
        (*widest)--;
    }
}

static void fit(const struct table *table, size_t room, struct layout *layout) {
    static const unsigned minor[] = {COLUMN_MINOR_FIRST, COLUMN_MINOR, COLUMN_MINOR_LAST};
    leave_out(table, COLUMN_SPARE, ELASTIC_EASY, room, layout);
    for (size_t i = 0; i < sizeof minor / sizeof minor[0]; i++)
        leave_out(table, minor[i], ELASTIC_LEAST, room, layout);
    size_t least = ELASTIC_LEAST;
    if (taken(table, layout, least) > room) {
        layout->gap = GAP_TIGHT;
        least = ELASTIC_TIGHT;
    }
    if (taken(table, layout, least) > room) { /* nothing helps */
        layout->gap = GAP;
        least = ELASTIC_LEAST;
    }
    shrink(table, least, room, layout);
}

static void measure(const struct table *table, size_t room, struct layout *layout) {
    layout->gap = GAP;
    for (size_t column = 0; column < table->column_count; column++) {
        size_t widest = screen_columns(table->columns[column].title);
        for (size_t i = column; i < table->count; i += table->column_count) {
            size_t width = table->cells[i].across ? 0 : screen_columns(cell_text(table, i));
            widest = width > widest ? width : widest;
        }
        layout->widths[column] = widest;
    }
    if (room > 0)
        fit(table, room, layout);
}

static void spaces(FILE *stream, size_t count) {
    fprintf(stream, "%*s", (int)count, "");
}

/* `pending` holds back the spaces between cells until there is something to stand after them. */
static void print_cell(const struct screen *screen, const struct column *column, const char *text,
                       enum style style, size_t width, size_t *pending) {
    size_t used = screen_columns(text);
    if (used > width)
        used = width;
    bool right = (column->kind & COLUMN_SHAPE) == COLUMN_RIGHT;
    size_t before = right ? width - used : 0;
    if (used == 0) {
        *pending += width;
        return;
    }
    spaces(screen->stream, *pending + before);
    fputs(screen_on(screen, style), screen->stream);
    char *name = (column->kind & COLUMN_SHAPE) == COLUMN_NAME ? screen_squeeze(text, width) : NULL;
    size_t printed = screen_print(screen->stream, name != NULL ? name : text, width);
    free(name);
    fputs(screen_off(screen, style), screen->stream);
    *pending = width - before - (printed < width - before ? printed : width - before);
}

static void print_heading(const struct screen *screen, const struct cell *heading, size_t indent) {
    size_t room = screen->width > indent ? screen->width - indent : 0;
    char *text = heading->text != NULL ? screen_squeeze(heading->text, room) : NULL;
    if (text == NULL)
        shortage_note();
    spaces(screen->stream, indent);
    fputs(screen_on(screen, heading->style), screen->stream);
    screen_print(screen->stream, text != NULL ? text : "", 0);
    free(text);
    fputs(screen_off(screen, heading->style), screen->stream);
    putc('\n', screen->stream);
}

static void print_row(const struct table *table, const struct screen *screen, size_t first,
                      const struct layout *layout, size_t indent) {
    size_t pending = indent;
    for (size_t column = 0; column < table->column_count; column++) {
        size_t i = first + column;
        if (layout->widths[column] == LEFT_OUT)
            continue;
        enum style style = i < table->count ? table->cells[i].style : STYLE_PLAIN;
        print_cell(screen, &table->columns[column], cell_text(table, i), style,
                   layout->widths[column], &pending);
        pending += layout->gap;
    }
    putc('\n', screen->stream);
}

static void print_titles(const struct table *table, const struct screen *screen,
                         const struct layout *layout, size_t indent) {
    size_t pending = indent;
    for (size_t column = 0; column < table->column_count; column++) {
        if (layout->widths[column] == LEFT_OUT)
            continue;
        print_cell(screen, &table->columns[column], table->columns[column].title, STYLE_BOLD,
                   layout->widths[column], &pending);
        pending += layout->gap;
    }
    putc('\n', screen->stream);
}

void table_print(const struct table *table, const struct screen *screen, size_t indent) {
    struct layout layout = {.widths = calloc(table->column_count, sizeof *layout.widths)};
    if (layout.widths == NULL) {
        shortage_note();
        return;
    }
    measure(table, screen->width > indent ? screen->width - indent : 0, &layout);
    print_titles(table, screen, &layout, indent);
    for (size_t first = 0; first < table->count; first += table->column_count)
        if (table->cells[first].across)
            print_heading(screen, &table->cells[first], indent);
        else
            print_row(table, screen, first, &layout, indent);
    free(layout.widths);
}

void table_print_titled(const struct table *table, const struct screen *screen, const char *title) {
    if (table->count == 0)
        return;
    putc('\n', screen->stream);
    if (title != NULL)
        screen_wrap(screen, 0, title);
    table_print(table, screen, 0);
}

void table_free(struct table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){.columns = table->columns, .column_count = table->column_count};
}
