/* The contact sheets of a report: one for each different pipeline among the experiments. */
#include "cli/contact.h"
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

enum { SHEETS_MOST = 6, ROWS = 3, NAMES_MOST = 4 };

/* Whether two experiments would have the same sheet. */
static bool same_sheet(const cJSON *a, const cJSON *b) {
    static const char *const keys[] = {"config.augmentations", "config.data.root",
                                       "config.data.classes", "config.data.files",
                                       "config.data.split"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *left = field_at(a, keys[i]), *right = field_at(b, keys[i]);
        if (left != right && !json_same(left, right))
            return false;
    }
    return true;
}

static bool is_first(const cJSON *experiments, const cJSON *experiment) {
    for (const cJSON *one = experiments->child; one != experiment; one = one->next)
        if (same_sheet(one, experiment))
            return false;
    return true;
}

/* What the matrix calls the experiment's augmentations, if it calls no others so; or NULL. */
static const char *own_label(const cJSON *experiments, const cJSON *experiment) {
    const char *label = field_text(experiment, "variant.augmentations", NULL);
    const cJSON *one;
    cJSON_ArrayForEach(one, experiments) {
        const char *other = field_text(one, "variant.augmentations", NULL);
        if (label != NULL && other != NULL && strcmp(label, other) == 0 &&
            !same_sheet(one, experiment))
            return NULL;
    }
    return label;
}

/* "+jitter", or the experiments that have it: "base, real x2 and 3 more". */
static void add_names(const struct report *report, const cJSON *experiment, struct text *names) {
    const char *label = own_label(report->experiments, experiment);
    const char *group = frame_group(report->experiments);
    const cJSON *one;
    size_t count = 0;
    if (label != NULL) {
        text_format(names, "%s", label);
        return;
    }
    cJSON_ArrayForEach(one, report->experiments) {
        if (same_sheet(one, experiment) && count++ < NAMES_MOST)
            text_format(names, "%s%s", names->length > 0 ? ", " : "", frame_short_name(group, one));
    }
    if (count > NAMES_MOST)
        text_format(names, " and %zu more", count - NAMES_MOST);
}

/* --- a sheet --- */

/* A row while its pictures come; `title` is the last of a column to its left. */
struct row {
    struct text *page;
    const struct contact *contact;
    const char *title;
    size_t drawn;
};

static bool put(void *context, size_t number, size_t column, const struct image *image,
                struct error *error) {
    struct row *row = context;
    const struct sheet_column *at = &row->contact->columns[column];
    char alt[512];
    bool alone = column >= row->contact->experiment->augmentations.count;
    row->drawn = at->title != NULL ? 1 : row->drawn + 1;
    row->title = at->title != NULL ? at->title : row->title;
    if (column == 0)
        snprintf(alt, sizeof alt, "%s", contact_file(row->contact, number));
    else if (!alone)
        snprintf(alt, sizeof alt, "%s after %s", contact_file(row->contact, number), row->title);
    else
        snprintf(alt, sizeof alt, "%s with %s alone, draw %zu", contact_file(row->contact, number),
                 row->title, row->drawn);
    return report_page_sheet_cell(row->page, at->block != NULL && column > 0, image, alt) ||
           error_machine(error, "no memory to encode a picture");
}

static bool add_rows(struct text *page, const struct contact *contact, struct error *error) {
    bool good = true;
    for (size_t i = 0; good && i < contact->row_count; i++) {
        const struct split_class *class = contact_class(contact, i);
        struct text detail = {0};
        struct row row = {.page = page, .contact = contact};
        text_format(&detail, "%s, label %d", contact_file(contact, i), class->label);
        report_page_sheet_row(page, class->name, text_string(&detail));
        text_free(&detail);
        good = contact_row(contact, i, put, &row, error);
        report_page_sheet_row_end(page);
    }
    return good;
}

static bool add_sheet(struct text *page, const struct experiment *experiment, const char *names,
                      struct error *error) {
    struct contact contact = {0};
    struct text label = {0};
    text_format(&label, "Contact sheet of %s", names);
    bool good = contact_open(experiment, ROWS, &contact, error);
    if (good) {
        report_page_sheet(page, text_string(&label), contact.columns, contact.column_count);
        good = add_rows(page, &contact, error);
        report_page_table_end(page);
    }
    contact_close(&contact);
    text_free(&label);
    return good;
}

/* As the experiment's own config has it; where its pictures cannot be drawn here, why. False
 * without memory. */
static bool add_contact(struct text *page, const cJSON *experiment, const char *names,
                        struct error *error) {
    struct faults faults = {0};
    struct experiment decoded = {0};
    struct error why = {0};
    cJSON *config = cJSON_Duplicate(field_at(experiment, "config"), true);
    bool good = experiment_from_json(config, &decoded, &faults);
    if (!good && faults.machine)
        faults_error(&faults, &why);
    else if (!good)
        error_set(&why, ERROR_INPUT, "this version does not understand its config: %s",
                  faults.items[0].message);
    good = good && add_sheet(page, &decoded, names, &why);
    experiment_free(&decoded);
    faults_free(&faults);
    cJSON_Delete(config);
    if (good)
        return true;
    if (error_take_shortage(error, &why))
        return false;
    struct text words = {0};
    text_format(&words, "Not drawn: %s", why.message);
    report_page_note(page, text_string(&words));
    text_free(&words);
    return true;
}

bool report_add_contacts(struct report *report, struct error *error) {
    bool good = true;
    const cJSON *experiment;
    size_t sheets = 0;
    report_page_heading(&report->page, "What the augmentations do");
    report_page_paragraph(&report->page,
                          "Pictures that are trained on: through each pipeline step by step, and "
                          "what each random step does alone.");
    cJSON_ArrayForEach(experiment, report->experiments) {
        if (!good || !is_first(report->experiments, experiment) || sheets++ >= SHEETS_MOST)
            continue;
        report_tell(report);
        struct text names = {0};
        add_names(report, experiment, &names);
        report_page_subheading(&report->page, text_string(&names));
        good = add_contact(&report->page, experiment, text_string(&names), error);
        text_free(&names);
    }
    if (sheets > SHEETS_MOST) {
        char words[128];
        const size_t left = sheets - SHEETS_MOST;
        snprintf(words, sizeof words,
                 "%zu more pipeline%s not drawn here; assay preview draws each.", left,
                 left == 1 ? " is" : "s are");
        report_page_note(&report->page, words);
    }
    return good;
}
