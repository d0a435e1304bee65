#include "cli/page.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool page_new(struct page *page, size_t rows, size_t columns) {
    *page = (struct page){
        .rows = rows, .columns = columns, .cells = calloc(rows * columns + 1, sizeof *page->cells)};
    for (size_t i = 0; page->cells != NULL && i < rows * columns; i++)
        strcpy(page->cells[i].text, " ");
    return page->cells != NULL;
}

void page_free(struct page *page) {
    free(page->cells);
    *page = (struct page){0};
}

struct page_cell *page_at(const struct page *page, size_t row, size_t column) {
    bool inside = row < page->rows && column < page->columns;
    return inside ? &page->cells[row * page->columns + column] : NULL;
}

/* One character into its cell, and what it covers beside; a character of no width joins the cell
 * before. */
static void put(struct page *page, size_t row, size_t column, enum style style,
                const struct screen_character *character) {
    struct page_cell *cell = page_at(page, row, character->columns > 0 ? column : column - 1);
    if (cell == NULL)
        return;
    size_t used = character->columns > 0 ? 0 : strlen(cell->text);
    if (used + character->length < PAGE_CELL) {
        memcpy(cell->text + used, character->text, character->length);
        cell->text[used + character->length] = '\0';
    }
    cell->style = style;
    for (size_t i = 1; i < character->columns && column + i < page->columns; i++)
        cell[i] = (struct page_cell){.style = style};
}

size_t page_text(struct page *page, size_t row, size_t column, size_t width, enum style style,
                 const char *text) {
    struct screen_character character;
    size_t end = column + width;
    bool cut = screen_columns(text) > width;
    if (width == 0)
        return column;
    while (screen_character_next(&text, &character) &&
           column + character.columns <= (cut ? end - 1 : end)) {
        put(page, row, column, style, &character);
        column += character.columns;
    }
    if (cut) {
        static const struct screen_character more = {"…", sizeof "…" - 1, 1};
        put(page, row, column++, style, &more);
    }
    return column;
}

size_t page_format(struct page *page, size_t row, size_t column, enum style style,
                   const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length >= 0 && column < page->columns)
        column = page_text(page, row, column, page->columns - column, style, text);
    if (length >= 0)
        free(text);
    return column;
}

/* The words at the beginning of the text that fit into `room` columns, in bytes; at least one. */
static size_t words_within(const char *text, size_t room) {
    size_t within = strcspn(text, " "), length = within;
    while (length == within && text[length] != '\0') {
        length += 1 + strcspn(text + length + 1, " ");
        char *line = strndup(text, length);
        if (line != NULL && screen_columns(line) <= room)
            within = length;
        free(line);
    }
    return within;
}

size_t page_wrap(struct page *page, size_t row, size_t column, enum style style,
                 const char *words) {
    size_t room = page->columns > column ? page->columns - column : 1;
    for (; *words != '\0'; row++) {
        size_t length = words_within(words, room);
        page_format(page, row, column, style, "%.*s", (int)length, words);
        words += length + strspn(words + length, " ");
    }
    return row;
}

void page_reverse(struct page *page, size_t row) {
    for (size_t i = 0; row < page->rows && i < page->columns; i++)
        page_at(page, row, i)->reversed = true;
}

char *page_row(const struct page *page, size_t row) {
    struct text text = {0};
    text_add(&text, "", 0);
    for (size_t i = 0; i < page->columns; i++) {
        const char *cell = page_at(page, row, i)->text;
        text_add(&text, cell, strlen(cell));
    }
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.data[--text.length] = '\0';
    return text_take(&text);
}
