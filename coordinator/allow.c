#include "coordinator/allow.h"

#include "coordinator/need.h"
#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void allow_free(struct allow_list *list) {
    free(list->keys);
    *list = (struct allow_list){0};
}

/* Every request looks its sender up, so the keys are sorted. */
static int compare_keys(const void *a, const void *b) {
    const struct allowed_key *left = a, *right = b;
    return memcmp(left->key.bytes, right->key.bytes, KEY_BYTES);
}

const struct allowed_key *allow_find(const struct allow_list *list, const struct key *key) {
    const struct allowed_key wanted = {.key = *key};
    return list->count > 0
               ? bsearch(&wanted, list->keys, list->count, sizeof *list->keys, compare_keys)
               : NULL;
}

/* The worker's name that the line gives, or NULL. */
static const char *bound_name(const struct allowed_key *key) {
    static const char word[] = "worker=";
    return strncmp(key->name, word, strlen(word)) == 0 ? key->name + strlen(word) : NULL;
}

bool allow_speaks(const struct allow_list *workers, const struct key *key, const char *worker,
                  struct error *error) {
    const struct allowed_key *caller = allow_find(workers, key);
    const char *own = caller != NULL ? bound_name(caller) : NULL;
    if (own != NULL)
        return worker_is_of(worker, own) ||
               error_set(error, ERROR_INPUT,
                         "this key is worker %s's and not %.200s's: start the worker with --name "
                         "%s, or change its line in authorized_workers",
                         own, worker, own);
    for (size_t i = 0; i < workers->count; i++) {
        own = bound_name(&workers->keys[i]);
        if (own != NULL && worker_is_of(worker, own))
            return error_set(error, ERROR_INPUT,
                             "the name %.200s is another key's in authorized_workers: start this "
                             "worker with another --name",
                             worker);
    }
    return true;
}

static void name_after_key(struct allowed_key *key) {
    char hex[KEY_TEXT_SIZE];
    if (key->name[0] != '\0')
        return;
    key_text(&key->key, hex);
    snprintf(key->name, sizeof key->name, "key %.16s", hex);
}

static bool add(struct allow_list *list, const struct allowed_key *key, struct error *error) {
    struct allowed_key *grown = reallocarray(list->keys, list->count + 1, sizeof *grown);
    if (grown == NULL)
        return error_memory(error);
    list->keys = grown;
    list->keys[list->count] = *key;
    name_after_key(&list->keys[list->count++]);
    return true;
}

bool allow_parse(const char *text, size_t length, const char *name, struct allow_list *list,
                 struct error *error) {
    const char *end = text + length;
    bool good = true;
    for (size_t number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline != NULL ? newline : end;
        struct allowed_key one;
        struct error fault = {0};
        bool found, sound = key_line_parse(text, (size_t)(line_end - text), &one.key, one.name,
                                           &found, &fault) &&
                            (!found || add(list, &one, &fault));
        if (good && !sound)
            good = error_set(error, fault.code, "%s:%zu: %s", name, number, fault.message);
        text = newline != NULL ? newline + 1 : end;
    }
    if (list->count > 0)
        qsort(list->keys, list->count, sizeof *list->keys, compare_keys);
    return good;
}

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool allow_refresh(const char *path, struct allow_list *list, bool *changed, struct error *error) {
    struct stat now = {0};
    bool there = stat(path, &now) == 0, other = !same_file(&now, &list->read);
    *changed = other;
    if (!other && !list->unread)
        return true;
    char *text = NULL;
    size_t length = 0;
    allow_free(list);
    list->read = now;
    if (there && !S_ISREG(now.st_mode)) /* a pipe would be waited for */
        return error_set(error, ERROR_INPUT, "%s: a list of keys must be a file", path);
    if (there && (now.st_mode & S_IWOTH) != 0)
        return error_set(error, ERROR_INPUT,
                         "%s: anybody may write to this list of keys; run: chmod o-w %s", path,
                         path);
    if (!file_read(path, ALLOW_FILE_MAX, &text, &length, other ? error : NULL)) {
        list->unread = there;
        return !other;
    }
    *changed = true;
    bool good = allow_parse(text, length, path, list, error);
    free(text);
    return good;
}
