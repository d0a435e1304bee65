#include "cli/table.h"

#include "core/array.h"
#include "core/shortage.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Spare columns are left out before an elastic one has to be narrower than EASY. */
enum { GAP = 2, ELASTIC_LEAST = 12, ELASTIC_EASY = 20 };
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

/* Leaves spare columns out, the last first, until the others find room. Returns how wide those are.
 */
static size_t leave_out(const struct table *table, size_t room, size_t total, size_t *widths) {
    size_t easy = total;
    for (size_t column = 0; column < table->column_count; column++)
        if (table->columns[column].kind >= COLUMN_ELASTIC && widths[column] > ELASTIC_EASY)
            easy -= widths[column] - ELASTIC_EASY;
    for (size_t column = table->column_count; column-- > 0 && easy > room;) {
        if (table->columns[column].kind != COLUMN_SPARE)
            continue;
        easy -= widths[column] + GAP;
        total -= widths[column] + GAP;
        widths[column] = LEFT_OUT;
    }
    return total;
}

/* Takes what is over the room from the widest of the elastic columns, as far as they give it. */
static void shrink(const struct table *table, size_t over, size_t *widths) {
    while (over > 0) {
        size_t widest = table->column_count;
        for (size_t column = 0; column < table->column_count; column++)
            if (table->columns[column].kind >= COLUMN_ELASTIC && widths[column] > ELASTIC_LEAST &&
                (widest == table->column_count || widths[column] > widths[widest]))
                widest = column;
        if (widest == table->column_count)
            return;
        widths[widest]--;
        over--;
    }
}

static void measure(const struct table *table, size_t room, size_t *widths) {
    size_t total = 0;
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = screen_columns(table->columns[column].title);
        for (size_t i = column; i < table->count; i += table->column_count) {
            size_t width = table->cells[i].across ? 0 : screen_columns(cell_text(table, i));
            if (width > widths[column])
                widths[column] = width;
        }
        total += widths[column] + (column > 0 ? GAP : 0);
    }
    if (room > 0)
        total = leave_out(table, room, total, widths);
    if (room > 0 && total > room)
        shrink(table, total - room, widths);
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
    bool right = column->kind == COLUMN_RIGHT || column->kind == COLUMN_SPARE;
    size_t before = right ? width - used : 0;
    if (used == 0) {
        *pending += width;
        return;
    }
    spaces(screen->stream, *pending + before);
    fputs(screen_on(screen, style), screen->stream);
    char *name = column->kind == COLUMN_NAME ? screen_squeeze(text, width) : NULL;
    size_t printed = screen_print(screen->stream, name != NULL ? name : text, width);
    free(name);
    fputs(screen_off(screen, style), screen->stream);
    *pending = width - before - (printed < width - before ? printed : width - before);
}

static void print_heading(const struct screen *screen, const struct cell *heading, size_t indent) {
    spaces(screen->stream, indent);
    fputs(screen_on(screen, heading->style), screen->stream);
    if (heading->text != NULL)
        screen_print(screen->stream, heading->text,
                     screen->width > indent ? screen->width - indent : 0);
    fputs(screen_off(screen, heading->style), screen->stream);
    putc('\n', screen->stream);
}

static void print_row(const struct table *table, const struct screen *screen, size_t first,
                      const size_t *widths, size_t indent) {
    size_t pending = indent;
    for (size_t column = 0; column < table->column_count; column++) {
        size_t i = first + column;
        if (widths[column] == LEFT_OUT)
            continue;
        enum style style = i < table->count ? table->cells[i].style : STYLE_PLAIN;
        print_cell(screen, &table->columns[column], cell_text(table, i), style, widths[column],
                   &pending);
        pending += GAP;
    }
    putc('\n', screen->stream);
}

static void print_titles(const struct table *table, const struct screen *screen,
                         const size_t *widths, size_t indent) {
    size_t pending = indent;
    for (size_t column = 0; column < table->column_count; column++) {
        if (widths[column] == LEFT_OUT)
            continue;
        print_cell(screen, &table->columns[column], table->columns[column].title, STYLE_BOLD,
                   widths[column], &pending);
        pending += GAP;
    }
    putc('\n', screen->stream);
}

void table_print(const struct table *table, const struct screen *screen, size_t indent) {
    size_t *widths = calloc(table->column_count, sizeof *widths);
    if (widths == NULL) {
        shortage_note();
        return;
    }
    measure(table, screen->width > indent ? screen->width - indent : 0, widths);
    print_titles(table, screen, widths, indent);
    for (size_t first = 0; first < table->count; first += table->column_count)
        if (table->cells[first].across)
            print_heading(screen, &table->cells[first], indent);
        else
            print_row(table, screen, first, widths, indent);
    free(widths);
}

void table_free(struct table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){.columns = table->columns, .column_count = table->column_count};
}
