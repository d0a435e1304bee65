#include "cli/rehearsal.h"

#include "cli/client.h"
#include "cli/comparison_tables.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/table.h"
#include "compare/differences.h"
#include "core/experiment.h"
#include "core/fork.h"
#include "core/json.h"
#include "core/shortage.h"
#include "core/split_make.h"
#include "core/standard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How fast an experiment of a model on pictures of a size was, or will be. */
struct pace {
    char arch[32];
    double size; /* pixels a side that the network sees, 0: unknown */
    double images_per_second;
    bool judges; /* of one that is done: one of the new ones is like it */
};

/* The paces of experiments that are done. */
struct record {
    struct pace *paces;
    size_t count;
    double epochs_done; /* of the checkpoint that the new ones go on from, or 0 */
};

/* The side that the last op with a size leaves. */
static double size_of(const cJSON *config) {
    const cJSON *op;
    double size = 0;
    cJSON_ArrayForEach(op, field_at(config, "augmentations")) {
        const cJSON *given = field_at(op, "size");
        size = field_number(op, "size",
                            cJSON_IsArray(given) && cJSON_IsNumber(given->child)
                                ? given->child->valuedouble
                                : size);
    }
    return size;
}

static struct pace pace_of(const cJSON *experiment) {
    const cJSON *config = field_at(experiment, "config");
    struct pace pace = {.size = size_of(config),
                        .images_per_second =
                            field_number(experiment, "latest.images_per_second", 0)};
    snprintf(pace.arch, sizeof pace.arch, "%s", field_text(config, "model.arch", "?"));
    return pace;
}

static bool take_page(void *context, cJSON *experiments, struct error *error) {
    struct record *record = context;
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        struct pace pace = pace_of(experiment);
        if (strcmp(field_text(experiment, "state", ""), "done") != 0 || pace.images_per_second <= 0)
            continue;
        struct pace *paces = realloc(record->paces, (record->count + 1) * sizeof *paces);
        if (paces == NULL)
            return error_memory(error);
        record->paces = paces;
        record->paces[record->count++] = pace;
    }
    return true;
}

static int compare(const void *left, const void *right) {
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* The median of those like `wanted`, which judge it; 0 without any. */
static double median(struct record *record, const struct pace *wanted, size_t *like) {
    double *values = calloc(record->count + 1, sizeof *values), value = 0;
    *like = 0;
    for (size_t i = 0; values != NULL && i < record->count; i++) {
        struct pace *pace = &record->paces[i];
        bool same_size = pace->size <= wanted->size && pace->size >= wanted->size;
        if (!same_size || strcmp(pace->arch, wanted->arch) != 0)
            continue;
        values[(*like)++] = pace->images_per_second;
        pace->judges = true;
    }
    if (*like > 0) {
        qsort(values, *like, sizeof *values, compare);
        value = (values[(*like - 1) / 2] + values[*like / 2]) / 2;
    }
    free(values);
    return value;
}

static void tell_caution(const char *name, const struct split *split) {
    char *caution = split_caution(split);
    if (caution != NULL)
        standard_complain("%s: warning: %s", name, caution);
    free(caution);
}

/* How many pictures an epoch of `name` trains on, as a number; what keeps those that are here from
 * being counted, as a string; null when data.root is not on this machine. NULL with ERROR_INPUT
 * where nothing is left to train or to validate on. */
static cJSON *count_pictures(const char *name, const cJSON *config, struct error *error) {
    struct experiment experiment = {0};
    struct split split = {0};
    struct faults faults = {0};
    struct error why = {0};
    cJSON *copy = cJSON_Duplicate(config, true), *count = NULL;
    bool good = true;
    if (experiment_from_json(copy, &experiment, &faults)) {
        const char *root = experiment.data.root;
        if (split_make(&experiment, root, &split, &why)) {
            good = split_check_trainable(&split, error);
            if (good) {
                count = cJSON_CreateNumber((double)split.train.count);
                tell_caution(name, &split);
            }
        } else if (error_is_shortage(&why))
            shortage_note();
        else if (access(root, F_OK) == 0)
            count = cJSON_CreateString(why.message);
        split_free(&split);
        experiment_free(&experiment);
    }
    if (faults.machine)
        shortage_note();
    faults_free(&faults);
    cJSON_Delete(copy);
    return good && count == NULL ? cJSON_CreateNull() : count;
}

/* The same, counted once for all members whose `data` is the same: `counted` has them. */
static const cJSON *pictures_of(const cJSON *experiment, cJSON *counted, struct error *error) {
    const cJSON *config = field_at(experiment, "config");
    char *data = json_text(field_at(config, "data"));
    cJSON *count = data != NULL ? cJSON_GetObjectItemCaseSensitive(counted, data) : NULL;
    if (count == NULL) {
        count = count_pictures(field_text(experiment, "name", ""), config, error);
        if (error->code == ERROR_NONE && !cJSON_AddItemToObject(counted, data, count)) {
            cJSON_Delete(count);
            count = NULL;
            error_memory(error);
        }
    }
    free(data);
    return count;
}

static void add_known(cJSON *object, const char *key, double value) {
    if (value > 0)
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

/* One experiment as it will be told; NULL where it cannot train. */
static cJSON *member_of(const cJSON *experiment, int number, struct record *record, cJSON *counted,
                        struct error *error) {
    static const char *const copied[] = {"name", "group", "variant"};
    const cJSON *config = field_at(experiment, "config");
    struct pace wanted = pace_of(experiment);
    size_t like;
    const cJSON *count = pictures_of(experiment, counted, error);
    if (count == NULL) {
        error_context(error, "%s", field_text(experiment, "name", ""));
        return NULL;
    }
    cJSON *member = cJSON_CreateObject();
    double epochs = field_number(config, "train.epochs", 0);
    double epochs_left = epochs - record->epochs_done;
    double pace = median(record, &wanted, &like);
    double pictures = cJSON_IsNumber(count) ? count->valuedouble : 0;
    cJSON_AddNumberToObject(member, "number", number);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        cJSON_AddItemToObject(member, copied[i],
                              cJSON_Duplicate(field_at(experiment, copied[i]), true));
    cJSON_AddStringToObject(member, "arch", wanted.arch);
    add_known(member, "size", wanted.size);
    cJSON_AddNumberToObject(member, "epochs", epochs);
    add_known(member, "pictures", pictures);
    if (cJSON_IsString(count))
        cJSON_AddStringToObject(member, "uncounted", count->valuestring);
    else
        cJSON_AddNullToObject(member, "uncounted");
    add_known(member, "images_per_second", pace);
    cJSON_AddNumberToObject(member, "judged_by", (double)like);
    add_known(member, "seconds", pace > 0 ? epochs_left * pictures / pace : 0);
    return member;
}

/* The experiments with their numbers as ids, which is how differences_of tells them. */
static cJSON *numbered_differences(const cJSON *experiments) {
    cJSON *numbered = cJSON_Duplicate(experiments, true), *experiment;
    int number = 0;
    cJSON_ArrayForEach(experiment, numbered) cJSON_AddNumberToObject(experiment, "id", ++number);
    cJSON *differences = differences_of(numbered);
    cJSON_Delete(numbered);
    return differences;
}

/* "seconds" is null unless it is known of all. NULL where one cannot train. */
static cJSON *document_of(const cJSON *experiments, struct record *record, struct error *error) {
    cJSON *document = cJSON_CreateObject(), *counted = cJSON_CreateObject();
    cJSON *members = cJSON_AddArrayToObject(document, "experiments");
    const cJSON *experiment;
    double seconds = 0;
    bool known = true, good = true;
    int number = 0;
    cJSON_ArrayForEach(experiment, experiments) {
        cJSON *member = member_of(experiment, ++number, record, counted, error);
        if (member == NULL) {
            good = false;
            break;
        }
        known = known && field_at(member, "seconds") != NULL;
        seconds += field_number(member, "seconds", 0);
        cJSON_AddItemToArray(members, member);
    }
    cJSON_Delete(counted);
    if (!good) {
        cJSON_Delete(document);
        return NULL;
    }
    cJSON_AddItemToObject(document, "differences", numbered_differences(experiments));
    add_known(document, "seconds", known ? seconds : 0);
    return document;
}

/* --- telling --- */

static void print_members(const cJSON *members, const struct screen *screen) {
    static const struct column columns[] = {
        {"#", COLUMN_RIGHT},
        {"experiment", COLUMN_NAME},
        {"model", COLUMN_LEFT | COLUMN_MINOR},
        {"epochs", COLUMN_RIGHT},
        {"pictures", COLUMN_RIGHT},
        {"about", COLUMN_RIGHT},
    };
    struct table table = TABLE_OF(columns);
    const cJSON *member;
    cJSON_ArrayForEach(member, members) {
        char text[FORMAT_SIZE];
        double pictures = field_number(member, "pictures", 0);
        double seconds = field_number(member, "seconds", 0);
        table_add(&table, "%.0f", field_number(member, "number", 0));
        table_add(&table, "%s", field_text(member, "name", ""));
        table_add(&table, "%s", field_text(member, "arch", ""));
        table_add(&table, "%.0f", field_number(member, "epochs", 0));
        if (pictures > 0)
            table_add(&table, "%.0f", pictures);
        else
            table_add(&table, "%s", field_at(member, "uncounted") != NULL ? "?" : "not here");
        table_add(&table, "%s", seconds > 0 ? format_duration(text, seconds) : "?");
    }
    table_print(&table, screen, 0);
    table_free(&table);
}

/* Why there is no time, of the first member without one. */
static void print_unknown(const cJSON *members, const char *unreachable) {
    const cJSON *member;
    cJSON_ArrayForEach(member, members) {
        const char *uncounted = field_text(member, "uncounted", NULL);
        if (uncounted == NULL)
            continue;
        printf("Time: unknown, as the pictures cannot be counted: %s\n", uncounted);
        return;
    }
    if (unreachable != NULL) {
        printf("Time: there is nothing to go by: %s\n", unreachable);
        return;
    }
    cJSON_ArrayForEach(member, members) {
        if (field_at(member, "seconds") != NULL)
            continue;
        if (field_at(member, "pictures") == NULL)
            puts("Time: unknown, as the pictures are not on this machine to be counted");
        else
            printf("Time: there is nothing to go by: no experiment with %s at %.0f pixels is "
                   "done\n",
                   field_text(member, "arch", ""), field_number(member, "size", 0));
        return;
    }
}

static void print_document(const cJSON *document, const struct record *record,
                           const char *unreachable) {
    struct screen screen = screen_of(stdout);
    const cJSON *members = field_at(document, "experiments"), *seconds;
    char text[FORMAT_SIZE];
    size_t judges = 0;
    for (size_t i = 0; i < record->count; i++)
        judges += record->paces[i].judges;
    print_members(members, &screen);
    putchar('\n');
    differences_print(field_at(document, "differences"), &screen);
    if ((seconds = field_at(document, "seconds")) != NULL)
        printf("Time: about %s of training on one worker, at the pace of %zu that %s done\n",
               format_duration(text, seconds->valuedouble), judges, judges > 1 ? "are" : "is");
    else
        print_unknown(members, unreachable);
    puts("Nothing was queued.");
}

/* The epoch of the checkpoint "best", "last" or "7" of the experiment; 0 when it has none such. */
static double checkpoint_epoch(const cJSON *experiment, const char *name) {
    const cJSON *checkpoint;
    double found = 0;
    cJSON_ArrayForEach(checkpoint, field_at(experiment, "checkpoints")) {
        double epoch = field_number(checkpoint, "epoch", 0);
        char number[FORMAT_SIZE];
        snprintf(number, sizeof number, "%.0f", epoch);
        if (epoch > found &&
            (strcmp(name, field_text(checkpoint, "kind", "")) == 0 || strcmp(name, number) == 0))
            found = epoch;
    }
    return found;
}

/* Of what the new experiments are to go on from: refuses what the coordinator would, in its words,
 * and notes how far it had come. All of them name the same checkpoint, or none. */
static bool check_from(struct client *client, const cJSON *experiments, struct record *record,
                       struct error *error) {
    const cJSON *experiment = experiments->child, *from = field_at(experiment, "from");
    int64_t id = (int64_t)field_number(from, "experiment", 0);
    const char *name = field_text(from, "checkpoint", "");
    cJSON *origin = NULL;
    if (from == NULL)
        return true;
    bool good = client_experiments(client, "show", client_one((double)id), &origin, error);
    if (good) {
        record->epochs_done = checkpoint_epoch(origin->child, name);
        good = record->epochs_done > 0 || fork_absent(id, name, error);
    }
    for (; good && experiment != NULL; experiment = experiment->next)
        if (!fork_check(field_at(origin->child, "config"), field_at(experiment, "config"),
                        (uint32_t)record->epochs_done, error)) {
            good = error_context(error, "experiment %" PRId64 "@%s", id, name);
            break; /* with the one that is refused in hand */
        }
    cJSON_Delete(origin);
    return good || error_context(error, "%s", field_text(experiment, "name", ""));
}

int rehearsal_run(const struct command_input *input, const cJSON *experiments) {
    struct client client = {0};
    struct record record = {0};
    struct error error = {0};
    cJSON *everything = cJSON_CreateObject();
    int status;
    bool asked = client_open(input, &client, &error) &&
                 client_pages(&client, "show", everything, take_page, &record, &error);
    if ((asked && !check_from(&client, experiments, &record, &error)) ||
        (!asked && error.code != ERROR_UNREACHABLE)) {
        status = command_fail(&error);
        goto out;
    }
    struct error untrainable = {0};
    cJSON *document = document_of(experiments, &record, &untrainable);
    if (document == NULL) {
        status = command_fail(&untrainable);
        goto out;
    }
    status = output_whole() && (!input->json || output_json(document)) ? 0 : ERROR_FAILED;
    if (status == 0 && !input->json)
        print_document(document, &record, asked ? NULL : error.message);
    cJSON_Delete(document);
out:
    cJSON_Delete(everything);
    free(record.paces);
    client_close(&client);
    return status;
}
