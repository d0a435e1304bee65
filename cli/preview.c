/* assay preview: a contact sheet of what an experiment's augmentations do to its pictures. */
#include "cli/command.h"
#include "cli/contact.h"
#include "cli/experiment_file.h"
#include "cli/output.h"

#include <stdio.h>

struct preview_options {
    const char *out, *member;
    long long rows; /* 0: two of each class */
};

enum { KEY_OUT = 'o', KEY_MEMBER = 'm', KEY_ROWS = 'r' };

static const struct argp_option options[] = {
    {"out", KEY_OUT, "SHEET.png", 0, "The picture to write", 0},
    {"rows", KEY_ROWS, "N", 0, "Pictures, from the classes in turn (default: two of each)", 0},
    {"member", KEY_MEMBER, "NAME", 0,
     "Which experiment's pictures and draws, where the file's matrix changes them", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct preview_options *chosen = state->input;
    switch (key) {
    case KEY_OUT:
        chosen->out = argument;
        return output_is(argument, ".png")
                   ? 0
                   : options_mistake(state, "--out ends in .png, unlike \"%s\"", argument);
    case KEY_MEMBER: chosen->member = argument; return 0;
    case KEY_ROWS:
        return options_integer(state, "--rows", argument, 1, CONTACT_ROWS_MAX, &chosen->rows);
    case ARGP_KEY_END:
        return chosen->out != NULL ? 0 : options_mistake(state, "preview needs --out SHEET.png");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "FILE",
    .help = "Draws a contact sheet: pictures of the training list, how the augmentations change "
            "them step by step in the first epoch, and what each does alone, drawn three times."
            "\vExample:\n  assay preview experiments/aug3_v2.json --out sheet.png",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = 1};

static bool put(void *context, size_t row, size_t column, const struct image *image,
                struct error *error) {
    return sheet_put(context, row, column, image, error);
}

static bool draw_sheet(const struct contact *contact, const char *title, const char *out,
                       struct error *error) {
    struct sheet *sheet = NULL;
    char words[300];
    snprintf(words, sizeof words, "%zu of the %zu pictures trained on, from %s", contact->row_count,
             contact->split.train.count, contact->experiment->data.root);
    bool good = sheet_new(title, words, contact->columns, contact->column_count, contact->row_count,
                          &sheet, error);
    for (size_t row = 0; good && row < contact->row_count; row++) {
        const struct split_class *class = contact_class(contact, row);
        snprintf(words, sizeof words, "%s, label %d", contact_file(contact, row), class->label);
        sheet_label(sheet, row, class->name, words, class->label);
        good = contact_row(contact, row, put, sheet, error);
    }
    good = good && sheet_write(sheet, out, error);
    sheet_free(sheet);
    return good;
}

static bool draw(const char *file, const struct member *member,
                 const struct preview_options *chosen, struct error *error) {
    struct experiment experiment = {0};
    struct contact contact = {0};
    if (!experiment_decode(member, &experiment, error))
        return false;
    bool good = experiment_file_locate(file, &experiment, error) &&
                (contact_open(&experiment, (size_t)chosen->rows, &contact, error) ||
                 error_context(error, "%s", file)) &&
                draw_sheet(&contact, member->name, chosen->out, error);
    contact_close(&contact);
    experiment_free(&experiment);
    return good;
}

int command_preview(int argc, char **argv) {
    static const char *const keys[] = {"augmentations", "data.root",  "data.classes",
                                       "data.files",    "data.split", "data.upsample",
                                       "train.seed",    NULL};
    struct command_input input;
    struct preview_options chosen = {0};
    struct members members;
    struct error error = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    const char *file = input.arguments[0];
    status = experiment_file_read(file, &members, NULL);
    if (status == 0) {
        const struct member *member =
            experiment_file_choose(file, &members, chosen.member, keys, &error);
        status = member != NULL && draw(file, member, &chosen, &error) ? 0 : command_fail(&error);
    }
    members_free(&members);
    return status;
}
