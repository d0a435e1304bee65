#include "core/pth_old.h"

#include "core/file.h"
#include "core/little_endian.h"
#include "core/pth_error.h"
#include "core/pth_view.h"

#include <stdlib.h>
#include <string.h>

enum { STORAGES_MAX = 1000000, COUNT_BYTES = 8 };
static const size_t FILE_BYTES_MAX = (size_t)16 << 30;

/* Behind the protocol: 0x1950a86a20f9469cfc6c, torch.serialization.MAGIC_NUMBER, and its
 * PROTOCOL_VERSION, 1001. */
static const uint8_t magic_number[] = {0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                       0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
static const uint8_t version[] = {'M', 0xe9, 3, '.'};

/* The length of the pickle at `at` that is no more than the literal, in protocol 2 or 3, or in 4 or
 * 5, which have it in a frame; 0 where there is another one. */
static size_t literal_at(const uint8_t *at, size_t left, const uint8_t *literal, size_t bytes) {
    enum { PROTO_BYTES = 2, FRAME_BYTES = 9 };
    if (left < PROTO_BYTES || at[0] != 0x80 || at[1] < 2 || at[1] > 5)
        return 0;
    size_t head = PROTO_BYTES + (at[1] >= 4 ? FRAME_BYTES : 0);
    return left >= head + bytes && (head == PROTO_BYTES || at[PROTO_BYTES] == 0x95) &&
                   memcmp(at + head, literal, bytes) == 0
               ? head + bytes
               : 0;
}

bool pth_old_recognise(const uint8_t magic[static PTH_OLD_MAGIC_BYTES]) {
    return literal_at(magic, PTH_OLD_MAGIC_BYTES, magic_number, sizeof magic_number) > 0;
}

/* The rest of a file. */
struct reading {
    const char *path;
    const uint8_t *at;
    size_t left;
    struct error *error;
};

static void pass(struct reading *reading, size_t bytes) {
    reading->at += bytes;
    reading->left -= bytes;
}

static bool read_literally(struct reading *reading, const uint8_t *literal, size_t bytes) {
    size_t length = literal_at(reading->at, reading->left, literal, bytes);
    pass(reading, length);
    return length > 0 ||
           pth_damaged(reading->path, "it does not begin as torch.save's files do", reading->error);
}

static bool read_pickle(struct reading *reading, struct pickle **pickle) {
    size_t used;
    if (!pickle_read_first(reading->at, reading->left, reading->path, pickle, &used,
                           reading->error))
        return false;
    pass(reading, used);
    return true;
}

/* What machine wrote it. */
static bool read_machine(struct reading *reading) {
    struct pickle *pickle;
    if (!read_pickle(reading, &pickle))
        return false;
    const struct pickle_value *little = pickle_find(pickle_root(pickle), "little_endian");
    bool ok = little != NULL && little->kind == PICKLE_BOOL && little->integer == 1;
    pickle_free(pickle);
    return ok || pth_not_tensors(reading->path, "was not written on a little-endian machine",
                                 reading->error);
}

/* --- the storages --- */

static int compare_keys(const void *a, const void *b) {
    const struct pth_old_storage *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static struct pth_old_storage *find(const struct pth_old *old, const char *key) {
    const struct pth_old_storage wanted = {.key = key};
    return old->count == 0
               ? NULL
               : bsearch(&wanted, old->storages, old->count, sizeof wanted, compare_keys);
}

const struct pth_old_storage *pth_old_find(const struct pth_old *old, const char *key) {
    return find(old, key);
}

/* All that the object names, whatever it is part of. */
static bool collect_storages(struct pth_old *old, const struct reading *reading) {
    size_t values = pickle_size(old->pickle), named = 0;
    for (size_t i = 0; i < values; i++)
        named += pickle_at(old->pickle, i)->kind == PICKLE_PERSISTENT;
    if (named > STORAGES_MAX)
        return pth_not_tensors(reading->path, "holds more than a million storages", reading->error);
    old->storages = calloc(named + 1, sizeof *old->storages);
    if (old->storages == NULL)
        return error_memory(reading->error);
    for (size_t i = 0; i < values; i++) {
        const struct pickle_value *value = pickle_at(old->pickle, i);
        struct pth_old_storage *storage = &old->storages[old->count];
        enum tensor_type type;
        if (value->kind != PICKLE_PERSISTENT)
            continue;
        if (!pth_storage_read(value, &storage->key, &type))
            return pth_not_tensors(reading->path, "holds a storage of an unknown kind",
                                   reading->error);
        storage->element_bytes = tensor_type_bytes(type);
        old->count++;
    }
    qsort(old->storages, old->count, sizeof *old->storages, compare_keys);
    size_t kept = 0;
    for (size_t i = 0; i < old->count; i++)
        if (kept == 0 || strcmp(old->storages[kept - 1].key, old->storages[i].key) != 0)
            old->storages[kept++] = old->storages[i];
    old->count = kept;
    return true;
}

/* The number of elements, 64 bits, little-endian; then they. */
static bool read_storage(struct reading *reading, struct pth_old_storage *storage) {
    if (reading->left < COUNT_BYTES)
        return pth_damaged(reading->path, "it is cut short", reading->error);
    uint64_t elements = little_endian(reading->at, COUNT_BYTES);
    pass(reading, COUNT_BYTES);
    if (elements > reading->left / storage->element_bytes)
        return pth_damaged(reading->path, "it is cut short", reading->error);
    storage->data = reading->at;
    storage->bytes = (size_t)elements * storage->element_bytes;
    pass(reading, storage->bytes);
    return true;
}

static bool read_storages(struct reading *reading, const struct pth_old *old) {
    struct pickle *keys;
    if (!read_pickle(reading, &keys))
        return false;
    const struct pickle_value *list = pickle_root(keys);
    bool ok = list->kind == PICKLE_LIST ||
              pth_damaged(reading->path, "it has no list of storages", reading->error);
    for (size_t i = 0; ok && i < list->count; i++) {
        struct pth_old_storage *storage =
            list->items[i]->kind == PICKLE_STRING ? find(old, list->items[i]->string) : NULL;
        if (storage == NULL || storage->data != NULL)
            ok = pth_damaged(reading->path, "its list of storages is not the object's",
                             reading->error);
        else
            ok = read_storage(reading, storage);
    }
    pickle_free(keys);
    return ok;
}

/* --- the file --- */

bool pth_old_read(const char *path, struct pth_old *old, struct error *error) {
    *old = (struct pth_old){0};
    if (!file_read(path, FILE_BYTES_MAX, &old->data, &old->length, error))
        return false;
    struct reading reading = {path, (const uint8_t *)old->data, old->length, error};
    return read_literally(&reading, magic_number, sizeof magic_number) &&
           read_literally(&reading, version, sizeof version) && read_machine(&reading) &&
           read_pickle(&reading, &old->pickle) && collect_storages(old, &reading) &&
           read_storages(&reading, old);
}

void pth_old_free(struct pth_old *old) {
    free(old->storages);
    pickle_free(old->pickle);
    free(old->data);
    *old = (struct pth_old){0};
}
