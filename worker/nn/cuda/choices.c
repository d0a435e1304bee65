#include "worker/nn/cuda/choices.h"

#include "core/array.h"
#include "core/file.h"
#include "core/sha256.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHOICES_MAX = 8192, FILE_MAX = 4 << 20, LINE_MAX_BYTES = 512 };

static const char TITLE[] = "assay engines 1 ";

struct entry {
    struct choice_key key;
    struct choice choice;
};

struct choices {
    struct entry *entries;
    size_t count, room;
    bool changed;
};

/* ---- the numbers of a key, in the order of the line, with their bounds ---- */

enum { NUMBERS = 17, BOOLEAN = 1, SIDE = 1 << 20 };

static const long most[NUMBERS] = {1L << 40,
                                   PASSES - 1,
                                   1L << 32,
                                   SIDE,
                                   SIDE,
                                   SIDE,
                                   SIDE,
                                   SIDE,
                                   SIDE,
                                   1 << 10,
                                   1 << 10,
                                   1 << 10,
                                   ELEMENT_BF16,
                                   BOOLEAN,
                                   BOOLEAN,
                                   CHOICE_MODES - 1,
                                   CHOICE_ENGINES - 1};

static void numbers_of(const struct entry *entry, long numbers[NUMBERS]) {
    const struct convolution_task *task = &entry->key.task;
    const long values[NUMBERS] = {(long)entry->key.version,
                                  entry->key.pass,
                                  (long)task->count,
                                  task->in.channels,
                                  task->in.height,
                                  task->in.width,
                                  task->out.channels,
                                  task->out.height,
                                  task->out.width,
                                  task->kernel,
                                  task->stride,
                                  task->padding,
                                  task->element,
                                  task->tensor_cores,
                                  task->deterministic,
                                  entry->choice.mode,
                                  entry->choice.index};
    memcpy(numbers, values, sizeof values);
}

static void entry_of(const long n[NUMBERS], struct entry *entry) {
    entry->key.version = (size_t)n[0];
    entry->key.pass = (enum pass)n[1];
    entry->key.task = (struct convolution_task){
        .count = (size_t)n[2],
        .in = {(int)n[3], (int)n[4], (int)n[5]},
        .out = {(int)n[6], (int)n[7], (int)n[8]},
        .kernel = (int)n[9],
        .stride = (int)n[10],
        .padding = (int)n[11],
        .element = (enum element)n[12],
        .tensor_cores = n[13] == 1,
        .deterministic = n[14] == 1,
    };
    entry->choice = (struct choice){(int)n[15], (int)n[16]};
}

static bool same_key(const struct choice_key *a, const struct choice_key *b) {
    const struct entry left = {*a, {0, 0}}, right = {*b, {0, 0}};
    long ours[NUMBERS], its[NUMBERS];
    numbers_of(&left, ours);
    numbers_of(&right, its);
    return memcmp(ours, its, sizeof ours) == 0 && strcmp(a->device, b->device) == 0;
}

/* ---- in memory ---- */

static struct entry *find(const struct choices *choices, const struct choice_key *key) {
    for (size_t i = 0; i < choices->count; i++)
        if (same_key(&choices->entries[i].key, key))
            return &choices->entries[i];
    return NULL;
}

struct choice choices_find(const struct choices *choices, const struct choice_key *key) {
    const struct entry *entry = find(choices, key);
    return entry != NULL ? entry->choice : (struct choice){-1, -1};
}

bool choices_put(struct choices *choices, const struct choice_key *key, struct choice choice) {
    struct entry *entry = find(choices, key);
    if (entry == NULL) {
        if (choices->count == CHOICES_MAX)
            choices->count = 0;
        struct entry *entries =
            array_room(choices->entries, choices->count + 1, &choices->room, sizeof *entries);
        if (entries == NULL)
            return false;
        choices->entries = entries;
        entry = &choices->entries[choices->count++];
        entry->choice = (struct choice){-1, -1};
    }
    choices->changed = choices->changed || entry->choice.mode != choice.mode ||
                       entry->choice.index != choice.index;
    *entry = (struct entry){*key, choice};
    return true;
}

void choices_free(struct choices *choices) {
    if (choices == NULL)
        return;
    free(choices->entries);
    free(choices);
}

/* ---- the file ---- */

/* Decimal digits, from 0 to `limit`, and one space behind them. */
static bool read_number(const char **at, long limit, long *number) {
    const char *begin = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        *number = 10 * *number + (**at - '0');
        if (*number > limit)
            return false;
    }
    return *at > begin && *(*at)++ == ' ';
}

static bool read_line(const char *line, size_t length, struct entry *entry) {
    long numbers[NUMBERS];
    char text[LINE_MAX_BYTES];
    const char *at = text;
    if (length >= sizeof text || memchr(line, '\0', length) != NULL)
        return false;
    memcpy(text, line, length);
    text[length] = '\0';
    for (size_t i = 0; i < NUMBERS; i++)
        if (!read_number(&at, most[i], &numbers[i]))
            return false;
    size_t name = strlen(at);
    if (name == 0 || name >= CHOICE_DEVICE)
        return false;
    *entry = (struct entry){0};
    entry_of(numbers, entry);
    memcpy(entry->key.device, at, name);
    return true;
}

/* False: it is no such file, and what was read counts for nothing. */
static bool read_all(const char *data, size_t length, struct choices *choices) {
    char sum[SHA256_TEXT_SIZE];
    size_t title = strlen(TITLE), head = title + SHA256_TEXT_SIZE; /* a line's end for the NUL */
    if (length < head || memcmp(data, TITLE, title) != 0 || data[head - 1] != '\n')
        return false;
    sha256_text(data + head, length - head, sum);
    if (memcmp(data + title, sum, SHA256_TEXT_SIZE - 1) != 0)
        return false;
    for (const char *at = data + head; at < data + length;) {
        struct entry entry;
        const char *end = memchr(at, '\n', (size_t)(data + length - at));
        if (end == NULL || !read_line(at, (size_t)(end - at), &entry) ||
            choices->count == CHOICES_MAX || !choices_put(choices, &entry.key, entry.choice))
            return false;
        at = end + 1;
    }
    return true;
}

bool choices_load(const char *path, struct choices **out, struct error *error) {
    struct choices *choices = *out = calloc(1, sizeof *choices);
    char *data = NULL;
    size_t length;
    if (choices == NULL)
        return error_memory(error);
    if (access(path, F_OK) != 0)
        return true;
    if (!file_read(path, FILE_MAX, &data, &length, error))
        return error_context(error, "engines are chosen anew");
    bool whole = read_all(data, length, choices);
    choices->changed = false;
    free(data);
    if (whole)
        return true;
    choices->count = 0;
    return error_set(error, ERROR_INPUT, "%s: is damaged; engines are chosen anew", path);
}

struct choices *choices_open(const char *path, void (*tell)(void *context, const char *line),
                             void *context) {
    struct choices *choices;
    struct error error = {0};
    if (!choices_load(path, &choices, &error) && tell != NULL)
        tell(context, error.message);
    return choices;
}

bool choices_save(struct choices *choices, const char *path, struct error *error) {
    struct text lines = {0}, whole = {0};
    char sum[SHA256_TEXT_SIZE];
    if (!choices->changed)
        return true;
    for (size_t i = 0; i < choices->count; i++) {
        long numbers[NUMBERS];
        numbers_of(&choices->entries[i], numbers);
        for (size_t j = 0; j < NUMBERS; j++)
            text_format(&lines, "%ld ", numbers[j]);
        text_format(&lines, "%s\n", choices->entries[i].key.device);
    }
    sha256_text(lines.data, lines.length, sum);
    text_format(&whole, "%s%s\n", TITLE, sum);
    text_add(&whole, lines.data, lines.length);
    bool done = !lines.failed && !whole.failed
                    ? folder_make_of(path, error) &&
                          file_write_atomic(path, whole.data, whole.length, error)
                    : error_memory(error);
    choices->changed = choices->changed && !done;
    text_free(&lines);
    text_free(&whole);
    return done;
}
