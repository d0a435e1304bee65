#include "cli/arrangement.h"

#include "cli/table.h"
#include "core/shortage.h"

#include <stdlib.h>
#include <string.h>

static error_t parse_columns(struct arrangement *arrangement, const char *argument,
                             const struct argp_state *state) {
    char *rest = NULL;
    free(arrangement->names);
    arrangement->names = strdup(argument);
    arrangement->column_count = 0;
    for (char *name = arrangement->names != NULL ? strtok_r(arrangement->names, ", ", &rest) : NULL;
         name != NULL; name = strtok_r(NULL, ", ", &rest)) {
        if (arrangement->column_count == ARRANGEMENT_MAX)
            return options_mistake(state, "--columns takes at most %d names", ARRANGEMENT_MAX);
        arrangement->columns[arrangement->column_count++] = name;
    }
    return arrangement->column_count > 0
               ? 0
               : options_mistake(state, "--columns takes names with commas between them");
}

error_t arrangement_parse(struct arrangement *arrangement, int key, char *argument,
                          const struct argp_state *state) {
    struct error error = {0};
    switch (key) {
    case ARRANGEMENT_COLUMNS: return parse_columns(arrangement, argument, state);
    case ARRANGEMENT_SORT: arrangement->sort = argument; return 0;
    case ARRANGEMENT_FILTER:
        filter_free(arrangement->filter);
        return filter_parse(argument, &arrangement->filter, &error)
                   ? 0
                   : options_mistake(state, "%s", error.message);
    default: return ARGP_ERR_UNKNOWN;
    }
}

bool arrangement_given(const struct arrangement *arrangement) {
    return arrangement->names != NULL || arrangement->filter != NULL || arrangement->sort != NULL;
}

bool arrangement_check(const struct arrangement *arrangement, const struct listing *listing,
                       const cJSON *rows, struct error *error) {
    const char *sort =
        arrangement->sort != NULL ? arrangement->sort + (arrangement->sort[0] == '-') : NULL;
    return listing_check(listing, rows, arrangement->columns, arrangement->column_count, error) &&
           (sort == NULL || listing_check(listing, rows, &sort, 1, error)) &&
           (arrangement->filter == NULL ||
            listing_check_filter(listing, rows, arrangement->filter, error));
}

bool arrangement_apply(const struct arrangement *arrangement, const struct listing *listing,
                       cJSON *rows, struct error *error) {
    if (arrangement->filter != NULL)
        listing_filter(listing, rows, arrangement->filter);
    return arrangement->sort == NULL || listing_sort(listing, rows, arrangement->sort) ||
           error_memory(error);
}

void arrangement_usual(struct arrangement *arrangement, const struct usual_column *columns,
                       size_t count) {
    if (arrangement->column_count > 0)
        return;
    for (size_t i = 0; i < count; i++) {
        arrangement->columns[i] = columns[i].name;
        arrangement->dispensable[i] = columns[i].dispensable;
    }
    arrangement->column_count = count;
}

static unsigned kind_of(const struct listing *listing, const char *name) {
    return listing_is_number(listing, name) ? COLUMN_RIGHT
           : strcmp(name, "name") == 0      ? COLUMN_NAME
           : listing_is_long(listing, name) ? COLUMN_ELASTIC
                                            : COLUMN_LEFT;
}

void arrangement_print(const struct arrangement *arrangement, const struct listing *listing,
                       const cJSON *rows, const char *nothing) {
    struct column columns[ARRANGEMENT_MAX];
    struct table table = {.columns = columns, .column_count = arrangement->column_count};
    struct screen screen = screen_of(stdout);
    const cJSON *row;
    for (size_t i = 0; i < arrangement->column_count; i++) {
        const char *name = arrangement->columns[i];
        columns[i].title = listing_title(listing, name);
        columns[i].kind = kind_of(listing, name) | arrangement->dispensable[i];
    }
    cJSON_ArrayForEach(row, rows) {
        for (size_t i = 0; i < arrangement->column_count; i++) {
            char *text = listing_text(listing, row, arrangement->columns[i]);
            if (text == NULL)
                shortage_note();
            table_add_styled(&table, listing_style(row, arrangement->columns[i]), "%s",
                             text != NULL ? text : "");
            free(text);
        }
    }
    if (table.count > 0)
        table_print(&table, &screen, 0);
    else
        puts(nothing);
    table_free(&table);
}

void arrangement_free(struct arrangement *arrangement) {
    filter_free(arrangement->filter);
    free(arrangement->names);
}
