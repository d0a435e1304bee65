/* assay init: a starter experiment for a folder of pictures, and what its lines mean. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/survey.h"
#include "cli/table.h"
#include "core/experiment.h"
#include "core/inside.h"
#include "core/json.h"
#include "core/place.h"
#include "core/text.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_OUT = 'o', KEY_REAL = 'r' };

struct init_options {
    const char *out, *real;
};

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0, "The experiment file to write (default: experiment.json)", 0},
    {"real", KEY_REAL, "FOLDER", 0, "Which folder has the real pictures (default: by its name)", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct init_options *chosen = state->input;
    switch (key) {
    case KEY_OUT: chosen->out = argument; return 0;
    case KEY_REAL: chosen->real = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "[DIR]",
    .help = "Looks into a folder of pictures, each of whose subfolders is a class, and writes an "
            "experiment file to begin with. Says what was found and what the file's lines mean; "
            "never overwrites a file."
            "\vExample:\n  assay init data/faces --out first.json",
    .options = options,
    .parse = parse,
    .most = 1,
    .shared = COMMAND_JSON};

/* What is written, and told. */
struct starter {
    struct survey survey;
    const char *real; /* the folder of label 1, or NULL: by name */
    const char *file;
    char *root;       /* as the file has it */
    int resize, crop; /* pixels */
};

static int label_of(const struct starter *starter, const struct survey_class *class) {
    return starter->real != NULL ? strcmp(class->name, starter->real) == 0
                                 : survey_sounds_real(class->name);
}

static bool check_labels(const struct starter *starter, const char *root, struct error *error) {
    size_t real = 0;
    for (size_t i = 0; i < starter->survey.count; i++)
        real += label_of(starter, &starter->survey.classes[i]) == 1;
    if (starter->survey.below != NULL)
        return error_set(
            error, ERROR_INPUT,
            "%s: no pictures in its folders, but in deeper ones such as %s; assay init "
            "takes the folders right in it alone: write a file whose data.classes have "
            "the deeper ones, {\"dir\": \"%s\"}",
            root, starter->survey.below, starter->survey.below);
    if (starter->survey.count < 2)
        return error_set(error, ERROR_INPUT,
                         "%s has %zu %s of pictures; a folder a class is needed, of real ones "
                         "and of fakes",
                         root, starter->survey.count,
                         starter->survey.count == 1 ? "folder" : "folders");
    if (real == 0 && starter->real != NULL)
        return error_set(error, ERROR_INPUT,
                         "%s has no folder of pictures called \"%s\"; name one with --real FOLDER",
                         root, starter->real);
    if (real == 0 || real == starter->survey.count)
        return error_set(error, ERROR_INPUT,
                         "%s: which folder has the real pictures? say so with --real FOLDER", root);
    return true;
}

/* 224 out of 256 where the pictures allow it, else the same proportion of what they have, in
 * multiples of the network's stride of 32. */
static void choose_sizes(struct starter *starter) {
    int least = survey_least(&starter->survey);
    starter->crop = least >= 224 || least == 0 ? 224 : least / 32 * 32;
    if (starter->crop < 32)
        starter->crop = 32;
    starter->resize = starter->crop * 8 / 7;
}

/* The folder as an experiment file beside `file` names it: below it, or absolute. */
static bool name_root(struct starter *starter, const char *root, struct error *error) {
    char *copy = strdup(starter->file), *real = realpath(root, NULL);
    char *beside = copy != NULL ? realpath(dirname(copy), NULL) : NULL;
    const char *below = real != NULL && beside != NULL ? inside_real(beside, real) : NULL;
    if (real == NULL)
        error_errno(error, ERROR_INPUT, "cannot find the folder %s", root);
    else {
        starter->root = strdup(below == NULL ? real : below[0] != '\0' ? below : ".");
        if (starter->root == NULL)
            error_memory(error);
    }
    free(beside);
    free(real);
    free(copy);
    return starter->root != NULL;
}

static void add_pipeline(struct text *text, const char *key, const struct starter *starter,
                         const char *crop, const char *more) {
    text_format(text,
                "  \"%s\": [\n    {\"op\": \"resize\", \"size\": %d},\n"
                "    {\"op\": \"%s\", \"size\": %d},\n%s    {\"op\": \"normalize\"}\n  ],\n",
                key, starter->resize, crop, starter->crop, more);
}

static void add_file(struct text *text, const struct starter *starter) {
    text_format(text, "{\n  \"name\": \"first\",\n  \"data\": {\n    \"root\": ");
    text_json_string(text, starter->root);
    text_format(text, ",\n    \"classes\": [\n");
    for (size_t i = 0; i < starter->survey.count; i++) {
        const struct survey_class *class = &starter->survey.classes[i];
        text_format(text, "      {\"name\": ");
        text_json_string(text, class->name);
        text_format(text, ", \"dir\": ");
        text_json_string(text, class->name);
        text_format(text, ", \"label\": %d}%s\n", label_of(starter, class),
                    i + 1 < starter->survey.count ? "," : "");
    }
    text_format(text, "    ],\n    \"split\": {\"train\": 0.8, \"valid\": 0.1, \"test\": 0.1, "
                      "\"seed\": 0}\n  },\n");
    add_pipeline(text, "augmentations", starter, "random_crop",
                 "    {\"op\": \"random_horizontal_flip\"},\n");
    add_pipeline(text, "evaluation", starter, "center_crop", "");
    text_format(text, "  \"model\": {\"arch\": \"resnet18\", \"weights\": null},\n"
                      "  \"train\": {\"epochs\": 20, \"batch_size\": 32, \"seed\": 0}\n}\n");
}

/* The folder whose class the fault is in; NULL where it is in none. */
static const char *folder_at(const struct starter *starter, const struct fault *fault) {
    for (size_t i = 0; i < starter->survey.count; i++) {
        char place[64];
        snprintf(place, sizeof place, "data.classes[%zu]", i);
        if (place_below(fault->place, place) != NULL)
            return starter->survey.classes[i].name;
    }
    return NULL;
}

/* That the file is an experiment: its classes have the names of folders, and not every folder is
 * called as a class may be. */
static bool check_file(const struct starter *starter, const char *root, const struct text *text,
                       struct error *error) {
    struct experiment experiment = {0};
    struct faults faults = {0};
    struct error unread = {0};
    if (text->failed)
        return error_memory(error);
    cJSON *json = json_parse(text->data, text->length, starter->file, &unread);
    if (json == NULL && error_take_shortage(error, &unread))
        return false;
    if (json == NULL)
        return error_set(error, ERROR_INPUT,
                         "%s: a folder's name is not UTF-8, as what stands in an experiment file "
                         "has to be; rename it",
                         root);
    bool good = experiment_from_json(json, &experiment, &faults);
    if (!good) {
        const char *folder = folder_at(starter, &faults.items[0]);
        faults_error(&faults, error);
        if (folder != NULL && !faults.machine)
            error_context(error, "%s/%s cannot be a class", root, folder);
    }
    experiment_free(&experiment);
    faults_free(&faults);
    cJSON_Delete(json);
    return good;
}

static bool write_new(const char *path, const struct text *text, struct error *error) {
    FILE *file = fopen(path, "wx");
    if (file == NULL && errno == EEXIST)
        return error_set(error, ERROR_INPUT,
                         "%s is there already and is left alone; choose another with --out", path);
    if (file == NULL)
        return error_errno(error, ERROR_FAILED, "cannot write %s", path);
    bool good = fwrite(text->data, 1, text->length, file) == text->length;
    good = fclose(file) == 0 && good;
    if (good)
        return true;
    error_errno(error, ERROR_FAILED, "cannot write %s", path);
    unlink(path); /* or the next attempt would leave it alone */
    return false;
}

/* --- telling --- */

static void print_found(const struct starter *starter) {
    static const struct column columns[] = {{"class", COLUMN_ELASTIC},
                                            {"label", COLUMN_LEFT},
                                            {"pictures", COLUMN_RIGHT | COLUMN_MINOR_LAST},
                                            {"shorter side", COLUMN_RIGHT | COLUMN_MINOR},
                                            {"broken", COLUMN_RIGHT}};
    struct table table = TABLE_OF(columns);
    struct screen screen = screen_of(stdout);
    for (size_t i = 0; i < starter->survey.count; i++) {
        const struct survey_class *class = &starter->survey.classes[i];
        table_add(&table, "%s", class->name);
        table_add(&table, "%s", label_of(starter, class) == 1 ? "1 (real)" : "0 (fake)");
        table_add(&table, "%zu", class->pictures);
        if (class->least == class->most)
            table_add(&table, "%d", class->least);
        else
            table_add(&table, "%d to %d", class->least, class->most);
        table_add(&table, "%zu of %zu read", class->broken, class->sampled);
    }
    table_print(&table, &screen, 0);
    table_free(&table);
}

/* The commands as a shell takes them. */
static void print_meaning(const struct starter *starter) {
    struct text word = {0};
    text_shell_word(&word, starter->file);
    const char *file = text_string(&word);
    printf("\n%s is written. Its lines:\n"
           "  name           what assay ls calls it, and everything of one matrix as a group\n"
           "  data.classes   a folder a class; label 1 is real, 0 is fake\n"
           "  data.split     8 of 10 pictures train, 1 chooses the checkpoint, 1 tests it\n"
           "  augmentations  what training does to a picture: %d pixels cut out of %d at\n"
           "                 random, then flips; assay preview shows it\n"
           "  evaluation     the same without chance\n"
           "  model          from nothing; with \"weights\": \"resnet18.pth\" from ImageNet's\n"
           "  train          20 times over the pictures, 32 at a time\n"
           "Everything else has a default: assay validate --json %s shows all of it.\n\n"
           "Next:\n  assay data check %s\n  assay preview %s --out sheet.png\n"
           "  assay submit %s --dry-run\n",
           starter->file, starter->crop, starter->resize, file, file, file, file);
    text_free(&word);
}

static bool print_json(const struct starter *starter) {
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "file", starter->file);
    cJSON_AddStringToObject(document, "root", starter->root);
    cJSON_AddNumberToObject(document, "size", starter->crop);
    cJSON *classes = cJSON_AddArrayToObject(document, "classes");
    for (size_t i = 0; i < starter->survey.count; i++) {
        const struct survey_class *class = &starter->survey.classes[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", class->name);
        cJSON_AddNumberToObject(object, "label", label_of(starter, class));
        cJSON_AddNumberToObject(object, "pictures", (double)class->pictures);
        cJSON_AddNumberToObject(object, "sampled", (double)class->sampled);
        cJSON_AddNumberToObject(object, "broken", (double)class->broken);
        cJSON_AddNumberToObject(object, "shorter_side_least", class->least);
        cJSON_AddNumberToObject(object, "shorter_side_most", class->most);
        cJSON_AddItemToArray(classes, object);
    }
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

int command_init(int argc, char **argv) {
    struct command_input input;
    struct init_options chosen = {.out = "experiment.json"};
    struct starter starter = {0};
    struct error error = {0};
    struct text text = {0};
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    const char *root = input.count > 0 ? input.arguments[0] : ".";
    starter.file = chosen.out;
    starter.real = chosen.real;
    bool good = survey_make(root, &starter.survey, &error) &&
                check_labels(&starter, root, &error) && name_root(&starter, root, &error);
    if (good) {
        choose_sizes(&starter);
        add_file(&text, &starter);
        good = check_file(&starter, root, &text, &error) && write_new(starter.file, &text, &error);
    }
    status = good ? 0 : command_fail(&error);
    if (good && input.json)
        status = print_json(&starter) ? 0 : ERROR_FAILED;
    else if (good) {
        print_found(&starter);
        print_meaning(&starter);
    }
    text_free(&text);
    free(starter.root);
    survey_free(&starter.survey);
    return status;
}
