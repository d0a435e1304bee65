#include "core/json.h"
#include "core/json_reader.h"

#include <stdlib.h>
#include <string.h>

/* One step of a place: a key (owned) or, when that is NULL, an index. */
struct step {
    char *key;
    size_t index;
};

/* ["quoted"], [7], .word or word. False at the end of the place, or without memory. */
static bool take_step(const char **place, struct step *step) {
    const char *at = *place;
    *step = (struct step){0};
    if (*at == '[' && at[1] == '"') {
        struct reader reader = {.at = at + 1, .end = at + strlen(at), .name = "place", .line = 1};
        if (!reader_string(&reader, &step->key))
            return false;
        *place = reader_take(&reader, ']') ? reader.at : reader.end;
        return true;
    }
    if (*at == '[') {
        char *end;
        step->index = strtoul(at + 1, &end, 10);
        *place = *end == ']' ? end + 1 : end;
        return true;
    }
    at += *at == '.';
    size_t length = strcspn(at, ".[");
    *place = at + length;
    return length > 0 && (step->key = strndup(at, length)) != NULL;
}

/* Goes behind the value at the reader: to the comma or bracket after it, at this depth. */
static void skip_value(struct reader *reader) {
    size_t depth = 0;
    for (; reader->at < reader->end; reader->at++) {
        char byte = *reader->at;
        if (byte == '"') {
            for (reader->at++; *reader->at != '"'; reader->at++)
                reader->at += *reader->at == '\\';
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if (byte == '}' || byte == ']') {
            if (depth-- == 0)
                return;
        } else if (byte == ',' && depth == 0) {
            return;
        } else if (byte == '\n') {
            reader->line++;
        }
    }
}

/* Moves into the object to the value of the key; *line becomes the key's. */
static bool enter_key(struct reader *reader, const char *key, size_t *line) {
    if (!reader_take(reader, '{'))
        return false;
    for (;;) {
        char *name;
        reader_space(reader);
        size_t key_line = reader->line;
        if (!reader_at(reader, '"') || !reader_string(reader, &name))
            return false;
        bool found = strcmp(name, key) == 0;
        free(name);
        reader_space(reader);
        reader_take(reader, ':');
        reader_space(reader);
        if (found) {
            *line = key_line;
            return true;
        }
        skip_value(reader);
        if (!reader_take(reader, ','))
            return false;
    }
}

static bool enter_index(struct reader *reader, size_t index, size_t *line) {
    if (!reader_take(reader, '['))
        return false;
    reader_space(reader);
    for (; index > 0; index--) {
        skip_value(reader);
        if (!reader_take(reader, ','))
            return false;
        reader_space(reader);
    }
    if (reader_at(reader, ']'))
        return false;
    *line = reader->line;
    return true;
}

size_t json_line(const char *text, const char *place) {
    struct reader reader = {
        .at = text, .end = text + strlen(text), .name = "text", .names = true, .line = 1};
    struct step step;
    reader_space(&reader);
    size_t line = reader.line;
    for (bool there = true; there && take_step(&place, &step);) {
        there = step.key != NULL ? enter_key(&reader, step.key, &line)
                                 : enter_index(&reader, step.index, &line);
        free(step.key);
    }
    return line;
}
