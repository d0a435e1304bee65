/* What people have written on the experiments of a report: who has each tag, and each note once,
 * with those that it is on. */
#include "cli/field.h"
#include "cli/remarks.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"

#include <stdlib.h>

/* A tag or a note, and the experiments that have it. */
struct remark {
    const cJSON *what;
    struct text ids; /* "2, 3" */
    size_t count;
};
typedef bool remark_same(const cJSON *a, const cJSON *b);

static bool same_tag(const cJSON *a, const cJSON *b) {
    return cJSON_Compare(a, b, true);
}

/* Written on both by one request; they may have other numbers there. */
static bool same_note(const cJSON *a, const cJSON *b) {
    return cJSON_Compare(field_at(a, "at_ms"), field_at(b, "at_ms"), true) &&
           cJSON_Compare(field_at(a, "person"), field_at(b, "person"), true) &&
           cJSON_Compare(field_at(a, "text"), field_at(b, "text"), true);
}

static struct remark *find(struct remark *remarks, size_t count, const cJSON *what,
                           remark_same *same) {
    for (size_t i = 0; i < count; i++)
        if (same(remarks[i].what, what))
            return &remarks[i];
    return NULL;
}

/* All that the experiments have under `key`, each once, in order of appearance; NULL without
 * memory.
 */
static struct remark *collect(const cJSON *experiments, const char *key, remark_same *same,
                              size_t *count) {
    size_t most = 0;
    const cJSON *experiment, *what;
    *count = 0;
    cJSON_ArrayForEach(experiment, experiments) {
        most += (size_t)cJSON_GetArraySize(field_at(experiment, key));
    }
    struct remark *remarks = calloc(most + 1, sizeof *remarks);
    if (remarks == NULL)
        return NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        cJSON_ArrayForEach(what, field_at(experiment, key)) {
            struct remark *remark = find(remarks, *count, what, same);
            if (remark == NULL)
                remark = &remarks[(*count)++];
            remark->what = what;
            remark->count++;
            text_format(&remark->ids, "%s%.0f", remark->ids.length > 0 ? ", " : "",
                        field_number(experiment, "id", 0));
        }
    }
    return remarks;
}

static const char *on_whom(const struct report *report, const struct remark *remark) {
    return remark->count == report->count ? "all" : text_string(&remark->ids);
}

static void add_tags(struct report *report, const struct remark *tags, size_t count) {
    static const char *const titles[] = {"tag", "experiments"};
    report_page_table(&report->page, "Who has which tag", titles, 2);
    for (size_t i = 0; i < count; i++) {
        const char *const cells[] = {tags[i].what->valuestring, on_whom(report, &tags[i])};
        report_page_row(&report->page, cells, 2);
    }
    report_page_table_end(&report->page);
}

static void add_notes(struct report *report, const struct remark *notes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char by[REMARKS_BY_SIZE];
        struct text from = {0};
        text_format(&from, "%s, on %s", remarks_by(by, notes[i].what), on_whom(report, &notes[i]));
        report_page_quote(&report->page, field_text(notes[i].what, "text", ""), text_string(&from));
        text_free(&from);
    }
}

static void free_all(struct remark *remarks, size_t count) {
    for (size_t i = 0; remarks != NULL && i < count; i++)
        text_free(&remarks[i].ids);
    free(remarks);
}

bool report_add_remarks(struct report *report, struct error *error) {
    size_t tag_count, note_count;
    struct remark *tags = collect(report->experiments, "tags", same_tag, &tag_count);
    struct remark *notes = collect(report->experiments, "notes", same_note, &note_count);
    bool good = tags != NULL && notes != NULL;
    if (good && tag_count + note_count > 0)
        report_page_heading(&report->page, "Tags and notes");
    if (good && tag_count > 0)
        add_tags(report, tags, tag_count);
    if (good)
        add_notes(report, notes, note_count);
    free_all(tags, tag_count);
    free_all(notes, note_count);
    return good || error_memory(error);
}
