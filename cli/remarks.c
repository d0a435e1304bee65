#include "cli/remarks.h"

#include "cli/field.h"
#include "cli/output.h"
#include "core/remark.h"
#include "core/shortage.h"

#include <stdlib.h>
#include <string.h>

static bool has(const cJSON *tags, const char *tag) {
    const cJSON *one;
    cJSON_ArrayForEach(one, tags) {
        if (strcmp(one->valuestring, tag) == 0)
            return true;
    }
    return false;
}

static bool take_tag(cJSON *tags, const char *tag, struct error *error) {
    if (!tag_check(tag, error))
        return false;
    if (has(tags, tag))
        return true;
    if (cJSON_GetArraySize(tags) == TAGS_MAX)
        return error_set(error, ERROR_INPUT, "an experiment has at most %d tags", TAGS_MAX);
    return cJSON_AddItemToArray(tags, cJSON_CreateString(tag)) || error_memory(error);
}

bool remarks_take_tags(const char *word, cJSON **tags, struct error *error) {
    char *copy = strdup(word), *rest = copy;
    if (*tags == NULL)
        *tags = cJSON_CreateArray();
    bool good = (copy != NULL && *tags != NULL) || error_memory(error);
    for (char *tag = NULL; good && (tag = strsep(&rest, ",")) != NULL;)
        good = take_tag(*tags, tag, error);
    free(copy);
    return good;
}

bool remarks_output(const cJSON *experiments, const char *what) {
    const char *const copied[] = {"id", "name", what};
    cJSON *document = cJSON_CreateArray();
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        cJSON *object = cJSON_CreateObject();
        for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
            cJSON_AddItemToObject(object, copied[i],
                                  cJSON_Duplicate(field_at(experiment, copied[i]), true));
        cJSON_AddItemToArray(document, object);
    }
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

const char *remarks_by(char text[static REMARKS_BY_SIZE], const cJSON *note) {
    char time[FORMAT_SIZE];
    const char *person = field_text(note, "person", "");
    snprintf(text, REMARKS_BY_SIZE, "%s%s%s",
             format_time(time, (int64_t)field_number(note, "at_ms", 0)),
             person[0] != '\0' ? "  " : "", person);
    return text;
}

/* A line feed in a note is one on the screen, a tab a space. */
static void print_lines(const char *text, const struct screen *screen, size_t indent) {
    char *copy = strdup(text), *rest = copy;
    if (copy == NULL)
        shortage_note();
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        for (char *tab = strchr(line, '\t'); tab != NULL; tab = strchr(tab, '\t'))
            *tab = ' ';
        screen_wrap(screen, indent, line);
    }
    free(copy);
}

void remarks_print_notes(const cJSON *notes, const struct screen *screen, size_t indent) {
    const cJSON *note;
    cJSON_ArrayForEach(note, notes) {
        char by[REMARKS_BY_SIZE];
        int printed =
            fprintf(screen->stream, "%*s%.0f  ", (int)indent, "", field_number(note, "number", 0));
        fprintf(screen->stream, "%s%s%s\n", screen_on(screen, STYLE_DIM), remarks_by(by, note),
                screen_off(screen, STYLE_DIM));
        print_lines(field_text(note, "text", ""), screen, printed > 0 ? (size_t)printed : 0);
    }
}
