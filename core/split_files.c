#include "core/split_files.h"

#include "core/file.h"
#include "core/inside.h"
#include "core/json.h"
#include "core/text.h"
#include "core/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILE_BYTES_MAX = 256 << 20,
    CLASSES_MAX = 1000,
    NAME_BYTES_MAX = 256, /* the messages carry no longer name of a class */
};

struct reading {
    const struct experiment *experiment;
    const char *root;
    char *real_root;
    struct split *split;
    char *folder; /* the last one that was found to be inside the root, absolute */
    /* of the file that is read */
    const char *file, *text;
    size_t index;
    struct error *error;
};

/* "FILE:LINE: [17].label: what". */
__attribute__((format(printf, 3, 4))) static bool fail(const struct reading *reading,
                                                       const char *key, const char *format, ...) {
    char what[512], place[64];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    text_one_line(what);
    snprintf(place, sizeof place, "[%zu]%s%s", reading->index, key != NULL ? "." : "",
             key != NULL ? key : "");
    return error_set(reading->error, ERROR_INPUT, "%s:%zu: %s: %s", reading->file,
                     json_line(reading->text, place), place, what);
}

/* The same of a folder or a picture, and why the system does not give it (errno). */
static bool fail_errno(const struct reading *reading, const char *what, const char *path) {
    const int number = errno;
    struct error said = {0};
    struct reading other = *reading;
    other.error = &said;
    fail(&other, "path", "%s \"%s\"", what, path);
    errno = number;
    return error_errno(reading->error, ERROR_INPUT, "%s", said.message);
}

static bool fail_memory(const struct reading *reading) {
    return error_machine(reading->error, "%s: out of memory", reading->file);
}

/* --- paths --- */

/* `path` without empty and "." parts, in its own memory. */
static void tidy(char *path) {
    char *out = path;
    for (const char *part = path; *part != '\0';) {
        size_t length = strcspn(part, "/");
        if (length > 0 && !(length == 1 && part[0] == '.')) {
            if (out != path)
                *out++ = '/';
            memmove(out, part, length);
            out += length;
        }
        part += length;
        part += strspn(part, "/");
    }
    *out = '\0';
}

/* An absolute path as one below the root; the caller frees. NULL when it is none, or without memory
 * (errno is ENOMEM then). */
static char *below_root(const struct reading *reading, const char *path) {
    const char *rest = inside_real(reading->root, path);
    if (rest == NULL)
        rest = inside_real(reading->real_root, path);
    if (rest != NULL)
        return strdup(rest);
    char *below = NULL, *folder = strdup(path),
         *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash == NULL)
        return folder;
    *slash = '\0';
    char *real = realpath(folder[0] != '\0' ? folder : "/", NULL);
    rest = real != NULL ? inside_real(reading->real_root, real) : NULL;
    if (rest != NULL && asprintf(&below, "%s%s%s", rest, rest[0] != '\0' ? "/" : "", slash + 1) < 0)
        below = NULL;
    free(real);
    free(folder);
    return below;
}

/* The folder of `path` (absolute) really lies inside the root. */
static bool check_folder(struct reading *reading, const char *path) {
    size_t length = (size_t)(strrchr(path, '/') - path);
    if (reading->folder != NULL && strlen(reading->folder) == length &&
        memcmp(reading->folder, path, length) == 0)
        return true;
    char *folder = strndup(path, length);
    char *real = folder != NULL ? realpath(folder, NULL) : NULL;
    bool good = real != NULL && inside_real(reading->real_root, real) != NULL;
    if (folder == NULL)
        fail_memory(reading);
    else if (real == NULL)
        fail_errno(reading, "folder", folder);
    else if (!good)
        fail(reading, "path", "leads out of data.root to \"%s\"; move the folder inside", real);
    free(real);
    free(reading->folder);
    reading->folder = folder;
    if (!good) {
        free(folder);
        reading->folder = NULL;
    }
    return good;
}

static bool check_picture(struct reading *reading, const char *path) {
    char *whole = NULL;
    struct stat status;
    if (asprintf(&whole, "%s/%s", reading->real_root, path) < 0)
        return fail_memory(reading);
    bool good = check_folder(reading, whole);
    if (good && stat(whole, &status) != 0)
        good = fail_errno(reading, "picture", whole);
    else if (good && !S_ISREG(status.st_mode))
        good = fail(reading, "path", "\"%s\" is no file", whole);
    free(whole);
    return good;
}

/* The path of an item, relative to the root and tidy. The caller frees *path. */
static bool item_path(struct reading *reading, const char *written, char **path) {
    errno = 0;
    *path = written[0] == '/'         ? below_root(reading, written)
            : inside_written(written) ? strdup(written)
                                      : NULL;
    if (*path == NULL && errno == ENOMEM)
        return fail_memory(reading);
    if (*path == NULL)
        return fail(reading, "path", "\"%s\" is not inside data.root \"%s\"", written,
                    reading->root);
    if (!inside_written(*path)) {
        free(*path);
        *path = NULL;
        return fail(reading, "path", "\"%s\" has a \"..\" part; take it out", written);
    }
    tidy(*path);
    if (check_picture(reading, *path))
        return true;
    free(*path);
    *path = NULL;
    return false;
}

/* --- classes --- */

/* The class of data.classes whose dir the path begins with; of several, the longest dir. */
static size_t class_by_dir(const struct experiment *experiment, const char *path) {
    size_t found = experiment->data.class_count, longest = 0;
    for (size_t c = 0; c < experiment->data.class_count; c++) {
        const char *dir = experiment->data.classes[c].dir;
        size_t length = strlen(dir);
        if (length > longest && strncmp(path, dir, length) == 0 && path[length] == '/') {
            found = c;
            longest = length;
        }
    }
    return found;
}

static bool item_class(struct reading *reading, const char *path, int label, size_t *class_index) {
    const struct experiment *experiment = reading->experiment;
    struct split *split = reading->split;
    *class_index = class_by_dir(experiment, path);
    if (*class_index < experiment->data.class_count)
        return experiment->data.classes[*class_index].label == label ||
               fail(reading, "label", "is %d, and class \"%s\" has the label %d; mend one of them",
                    label, experiment->data.classes[*class_index].name, 1 - label);
    const char *folder = strrchr(reading->folder, '/') + 1;
    for (*class_index = 0; *class_index < split->class_count; ++*class_index)
        if (split->classes[*class_index].label == label &&
            strcmp(split->classes[*class_index].name, folder) == 0)
            return true;
    if (split->class_count == CLASSES_MAX)
        return fail(reading, "path", "more than %d folders; is data.root the right one?",
                    CLASSES_MAX);
    return split_add_class(split, folder, label, 1, reading->error);
}

/* Classes that files brought and that share a name say their label in it. */
static bool tell_apart(struct split *split, size_t given, struct error *error) {
    bool shared[CLASSES_MAX] = {false};
    for (size_t c = given; c < split->class_count; c++)
        for (size_t other = 0; other < split->class_count; other++)
            shared[c] = shared[c] || (other != c && strcmp(split->classes[other].name,
                                                           split->classes[c].name) == 0);
    for (size_t c = given; c < split->class_count; c++) {
        char *name = NULL;
        if (!shared[c])
            continue;
        if (asprintf(&name, "%s (label %d)", split->classes[c].name, split->classes[c].label) < 0)
            return error_memory(error);
        free(split->classes[c].name);
        split->classes[c].name = name;
        if (strlen(name) > NAME_BYTES_MAX)
            return error_set(error, ERROR_INPUT,
                             "the folder \"%.100s...\" has pictures of both labels, and a class's "
                             "name has at most %d bytes; give it a shorter name",
                             name, NAME_BYTES_MAX);
    }
    return true;
}

/* data.upsample of the classes that only the files know. */
static bool take_upsample(const struct experiment *experiment, struct split *split,
                          struct error *error) {
    const cJSON *upsample = json_member(json_member(experiment->config, "data"), "upsample");
    const char *names[CLASSES_MAX];
    for (size_t c = 0; c < split->class_count; c++)
        names[c] = split->classes[c].name;
    for (const cJSON *one = upsample != NULL ? upsample->child : NULL; one != NULL;
         one = one->next) {
        size_t c = 0;
        while (c < split->class_count && strcmp(names[c], one->string) != 0)
            c++;
        if (c == split->class_count) {
            const char *nearest = nearest_word(one->string, names, split->class_count);
            return error_set(error, ERROR_INPUT,
                             "data.upsample: the split files have no class \"%.100s\"; did you "
                             "mean \"%s\"?",
                             one->string, nearest != NULL ? nearest : names[0]);
        }
        split->classes[c].repeat = (uint32_t)one->valuedouble;
    }
    return true;
}

/* --- lists --- */

static bool read_item(struct reading *reading, const cJSON *json, struct split_item *item) {
    const cJSON *label = json_member(json, "label"), *path = json_member(json, "path");
    if (!cJSON_IsObject(json))
        return fail(reading, NULL, "must be an object with \"label\" and \"path\"");
    for (const cJSON *one = json->child; one != NULL; one = one->next)
        if (one != label && one != path)
            return fail(reading, NULL, "unknown key \"%.100s\"; known: label, path", one->string);
    if (!cJSON_IsNumber(label) || (label->valuedouble != 0 && label->valuedouble != 1))
        return fail(reading, label != NULL ? "label" : NULL, "\"label\" must be 0 or 1");
    if (!cJSON_IsString(path) || path->valuestring[0] == '\0')
        return fail(reading, path != NULL ? "path" : NULL, "\"path\" must name a picture");
    item->label = label->valuedouble == 1;
    return item_path(reading, path->valuestring, &item->path) &&
           item_class(reading, item->path, item->label, &item->class_index);
}

static bool read_list(struct reading *reading, const char *file, struct split_list *list) {
    char *text = NULL;
    size_t length = 0;
    if (!file_read(file, FILE_BYTES_MAX, &text, &length, reading->error))
        return false;
    reading->file = file;
    reading->text = text;
    /* of a byte order mark, and where there is nothing, json_parse_names says what is the matter */
    bool ok = strchr("[\xef", text[strspn(text, " \t\r\n")]) != NULL ||
              error_set(reading->error, ERROR_INPUT,
                        "%s:1: must be a list of {\"label\", \"path\"} in JSON", file);
    cJSON *json = ok ? json_parse_names(text, length, file, reading->error) : NULL;
    ok = json != NULL;
    size_t count = ok ? (size_t)cJSON_GetArraySize(json) : 0;
    list->items = calloc(count + 1, sizeof *list->items);
    ok = ok && (list->items != NULL || fail_memory(reading));
    reading->index = 0;
    for (const cJSON *one = ok ? json->child : NULL; ok && one != NULL; one = one->next) {
        ok = read_item(reading, one, &list->items[list->count++]);
        reading->index++;
    }
    cJSON_Delete(json);
    free(text);
    return ok;
}

/* Each class's pictures `repeat` times: the copies follow its last picture. */
static bool upsample(struct split *split, struct error *error) {
    struct split_list *list = &split->train, more = {0};
    size_t own[CLASSES_MAX] = {0}, left[CLASSES_MAX], total = 0, product;
    for (size_t i = 0; i < list->count; i++)
        own[list->items[i].class_index]++;
    for (size_t c = 0; c < split->class_count; c++)
        if (__builtin_mul_overflow(own[c], (size_t)split->classes[c].repeat, &product) ||
            __builtin_add_overflow(total, product, &total))
            return error_set(error, ERROR_INPUT, "data.upsample: too many pictures");
    memcpy(left, own, sizeof left);
    more.items = calloc(total + 1, sizeof *more.items);
    if (more.items == NULL)
        return error_machine(error, "out of memory for a list of %zu pictures", total);
    for (size_t i = 0; i < list->count; i++) {
        size_t c = list->items[i].class_index;
        more.items[more.count++] = list->items[i];
        if (--left[c] > 0)
            continue;
        for (size_t copy = 1; copy < split->classes[c].repeat; copy++)
            for (size_t k = 0; k <= i; k++)
                if (list->items[k].class_index == c) {
                    struct split_item item = list->items[k];
                    item.path = strdup(item.path);
                    more.items[more.count++] = item;
                }
    }
    free(list->items);
    *list = more;
    for (size_t i = 0; i < more.count; i++)
        if (more.items[i].path == NULL)
            return error_memory(error);
    return true;
}

/* --- leakage --- */

struct mention {
    const struct split_item *item;
    size_t list, index;
};

static int compare_mentions(const void *a, const void *b) {
    const struct mention *left = a, *right = b;
    int order = strcmp(left->item->path, right->item->path);
    if (order != 0)
        return order;
    if (left->list != right->list)
        return left->list < right->list ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Two mentions of one picture, the second in valid or test, or with another label. */
static bool check_twins(const struct mention *first, const struct mention *second,
                        const char *const *files, struct error *error) {
    const char *path = second->item->path;
    if (first->list != second->list)
        return error_set(error, ERROR_INPUT,
                         "%s: [%zu]: \"%s\" is in %s too, as [%zu]: what is trained on tells "
                         "nothing when tested on; take it out of one",
                         files[second->list], second->index, path, files[first->list],
                         first->index);
    if (first->item->label != second->item->label)
        return error_set(error, ERROR_INPUT,
                         "%s: [%zu]: \"%s\" has the label %d, and as [%zu] the label %d; mend one",
                         files[second->list], second->index, path, second->item->label,
                         first->index, first->item->label);
    return second->list == 0 ||
           error_set(error, ERROR_INPUT, "%s: [%zu]: \"%s\" is [%zu] already; take one out",
                     files[second->list], second->index, path, first->index);
}

static bool check_mentions(const struct split *split, const char *const *files,
                           struct error *error) {
    const struct split_list *const lists[] = {&split->train, &split->valid, &split->test};
    size_t count = 0;
    struct mention *mentions =
        calloc(split->train.count + split->valid.count + split->test.count + 1, sizeof *mentions);
    if (mentions == NULL)
        return error_memory(error);
    for (size_t l = 0; l < 3; l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            mentions[count++] = (struct mention){&lists[l]->items[i], l, i};
    qsort(mentions, count, sizeof *mentions, compare_mentions);
    bool ok = true;
    for (size_t i = 1; ok && i < count; i++)
        if (strcmp(mentions[i - 1].item->path, mentions[i].item->path) == 0)
            ok = check_twins(&mentions[i - 1], &mentions[i], files, error);
    free(mentions);
    return ok;
}

static bool check_labels(const struct split *split, const char *file, struct error *error) {
    int missing = split_missing_label(&split->train);
    return missing < 0 || error_set(error, ERROR_INPUT,
                                    "%s: no picture has the label %d; both 0 and 1 are needed to "
                                    "tell them apart",
                                    file, missing);
}

bool split_files_read(const struct experiment *experiment, const char *root, struct split *split,
                      struct error *error) {
    const char *const files[] = {experiment->data.files.train, experiment->data.files.valid,
                                 experiment->data.files.test};
    struct reading reading = {
        .experiment = experiment, .root = root, .split = split, .error = error};
    size_t given = split->class_count;
    reading.real_root = realpath(root, NULL);
    if (reading.real_root == NULL)
        return error_errno(error, ERROR_INPUT, "data.root \"%s\"", root);
    bool ok = read_list(&reading, files[0], &split->train) &&
              read_list(&reading, files[1], &split->valid) &&
              read_list(&reading, files[2], &split->test) && check_labels(split, files[0], error) &&
              check_mentions(split, files, error) && tell_apart(split, given, error) &&
              take_upsample(experiment, split, error) && upsample(split, error);
    free(reading.real_root);
    free(reading.folder);
    return ok;
}
