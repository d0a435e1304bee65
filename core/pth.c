#include "core/pth.h"

#include "core/pth_error.h"
#include "core/pth_old.h"
#include "core/pth_view.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

enum { PICKLE_BYTES_MAX = 16 << 20, PREFIX_MAX = 512, AMPLIFICATION_MAX = 16 };
enum { TENSORS_MAX = 100000, NAMES_MAX = 16 << 20 /* bytes of all together */ };

struct archive {
    const char *path;
    zip_t *zip;
    char prefix[PREFIX_MAX]; /* "resnet50/" */
    size_t bytes, unread;    /* of the file; every part is read once, so together they fit in it */
    struct pth_old old;      /* instead of the zip, where that is NULL */
    struct pickle *pickle;
    struct pth_view *views;
    size_t count;
    struct error *error;
};

static bool not_tensors(const struct archive *archive, const char *what) {
    return pth_not_tensors(archive->path, what, archive->error);
}

static bool damaged(const struct archive *archive, const char *what) {
    return pth_damaged(archive->path, what, archive->error);
}

/* --- the zip --- */

/* Whether it was for want of memory, or of what the system says, that it could not be read: the
 * error is that then. Else what is read is wrong. */
static bool unread(const struct archive *archive, zip_error_t *reason) {
    int code = zip_error_code_zip(reason);
    if (code == ZIP_ER_MEMORY)
        error_machine(archive->error, "%s: no memory to read it", archive->path);
    else if (zip_error_system_type(reason) == ZIP_ET_SYS && zip_error_code_system(reason) != 0) {
        errno = zip_error_code_system(reason);
        error_errno(archive->error, ERROR_INPUT, "%s: cannot be read", archive->path);
    } else
        return false;
    return true;
}

static bool open_zip(struct archive *archive) {
    struct stat status;
    int code = 0;
    if (stat(archive->path, &status) != 0)
        return error_errno(archive->error, ERROR_INPUT, "%s", archive->path);
    archive->bytes = archive->unread = (size_t)status.st_size;
    archive->zip = zip_open(archive->path, ZIP_RDONLY, &code);
    if (archive->zip != NULL)
        return true;
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    if (!unread(archive, &reason))
        error_set(archive->error, ERROR_INPUT, "%s: cannot be read as a zip archive: %s",
                  archive->path, zip_error_strerror(&reason));
    zip_error_fini(&reason);
    return false;
}

/* The archive's one folder: what stands before "data.pkl". */
static bool find_prefix(struct archive *archive) {
    static const char tail[] = "data.pkl";
    zip_int64_t count = zip_get_num_entries(archive->zip, 0);
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(archive->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        size_t length = name == NULL ? 0 : strlen(name);
        if (length < sizeof tail - 1 || length - (sizeof tail - 1) >= PREFIX_MAX)
            continue;
        size_t before = length - (sizeof tail - 1);
        if (strcmp(name + before, tail) != 0 || (before > 0 && name[before - 1] != '/'))
            continue;
        memcpy(archive->prefix, name, before);
        archive->prefix[before] = '\0';
        return true;
    }
    return not_tensors(archive, "is a zip archive without a data.pkl, so not torch.save's");
}

/* Reads PREFIX + name, which must have from `least` to `most` bytes. Caller frees. */
static bool read_entry(struct archive *archive, const char *name, size_t least, size_t most,
                       uint8_t **data, size_t *length) {
    char full[PREFIX_MAX + 128];
    struct zip_stat status;
    snprintf(full, sizeof full, "%s%s", archive->prefix, name);
    if (zip_stat(archive->zip, full, 0, &status) != 0 || (status.valid & ZIP_STAT_SIZE) == 0)
        return damaged(archive, "a part of it is missing");
    if (status.size < least || status.size > most)
        return damaged(archive, "a part of it has the wrong size");
    /* torch.save compresses nothing: a size that the file cannot hold is a lie */
    if ((status.valid & ZIP_STAT_COMP_METHOD) == 0 || status.comp_method != ZIP_CM_STORE)
        return damaged(archive, "a part of it is compressed, which torch.save never does");
    if (status.size > archive->unread)
        return damaged(archive, "its parts are larger than the file");
    archive->unread -= (size_t)status.size;
    *length = (size_t)status.size;
    *data = malloc(*length + 1);
    if (*data == NULL)
        return error_machine(archive->error, "%s: no memory to read it", archive->path);
    zip_file_t *file = zip_fopen(archive->zip, full, 0);
    bool ok = file != NULL;
    for (size_t done = 0; ok && done < *length;) {
        zip_int64_t read = zip_fread(file, *data + done, *length - done);
        ok = read > 0;
        done += ok ? (size_t)read : 0;
    }
    /* the checksum is compared when the end is read */
    uint8_t beyond;
    ok = ok && zip_fread(file, &beyond, 1) == 0;
    if (!ok &&
        !unread(archive, file != NULL ? zip_file_get_error(file) : zip_get_error(archive->zip)))
        damaged(archive, "a part of it cannot be read");
    if (file != NULL)
        zip_fclose(file);
    if (ok)
        return true;
    free(*data);
    *data = NULL;
    return false;
}

static bool check_byte_order(struct archive *archive) {
    char name[PREFIX_MAX + 16];
    uint8_t *order;
    size_t length;
    snprintf(name, sizeof name, "%sbyteorder", archive->prefix);
    if (zip_name_locate(archive->zip, name, 0) < 0)
        return true; /* older than PyTorch 2.1: little-endian */
    if (!read_entry(archive, "byteorder", 1, 16, &order, &length))
        return false;
    bool little = length == 6 && memcmp(order, "little", 6) == 0;
    free(order);
    return little || not_tensors(archive, "was written on a big-endian machine");
}

/* --- the pickle --- */

static const struct pickle_value *find_state(const struct pickle_value *root) {
    static const char *const names[] = {"state_dict", "model", "model_state_dict"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct pickle_value *inner = pickle_find(root, names[i]);
        if (inner != NULL && inner->kind == PICKLE_DICT)
            return inner;
    }
    return root;
}

static bool read_views(struct archive *archive) {
    const struct pickle_value *state = find_state(pickle_root(archive->pickle));
    if (state->kind == PICKLE_CALL && state->items[0]->kind == PICKLE_GLOBAL) {
        char what[200];
        snprintf(what, sizeof what, "holds a call of \"%.100s\", which is not made",
                 state->items[0]->string);
        text_one_line(what);
        return not_tensors(archive, what);
    }
    if (state->kind != PICKLE_DICT || state->count == 0)
        return not_tensors(archive, "holds no dict of tensors");
    if (state->count / 2 > TENSORS_MAX)
        return not_tensors(archive, "holds more than a hundred thousand tensors");
    archive->views = calloc(state->count / 2, sizeof *archive->views);
    if (archive->views == NULL)
        return error_memory(archive->error);
    for (size_t i = 0; i + 1 < state->count; i += 2) {
        struct pth_view *view = &archive->views[archive->count++];
        if (state->items[i]->kind != PICKLE_STRING || !pth_view_read(state->items[i + 1], view)) {
            char what[160];
            snprintf(what, sizeof what, "\"%.100s\" in it is no tensor",
                     state->items[i]->kind == PICKLE_STRING ? state->items[i]->string : "a key");
            text_one_line(what);
            return not_tensors(archive, what);
        }
        if (!pth_view_reach(view))
            return damaged(archive, "a tensor reaches outside its storage");
        view->name = state->items[i]->string;
    }
    return true;
}

static bool read_pickle(struct archive *archive) {
    uint8_t *data;
    size_t length;
    if (!read_entry(archive, "data.pkl", 1, PICKLE_BYTES_MAX, &data, &length))
        return false;
    bool ok = pickle_read(data, length, archive->path, &archive->pickle, archive->error);
    free(data);
    return ok && read_views(archive);
}

/* --- the tensors --- */

/* By storage, and of one storage's views the one that needs most of it first. */
static int compare_storages(const void *a, const void *b) {
    const struct pth_view *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    if (order != 0)
        return order;
    return (left->reach < right->reach) - (left->reach > right->reach);
}

/* The view's storage, which has what the view needs. `room` is freed, and gets what was read. */
static bool find_storage(struct archive *archive, const struct pth_view *view, uint8_t **room,
                         const uint8_t **storage) {
    char name[80];
    size_t length;
    free(*room);
    *room = NULL;
    if (archive->zip != NULL) {
        snprintf(name, sizeof name, "data/%s", view->key);
        bool ok = read_entry(archive, name, view->reach, SIZE_MAX, room, &length);
        *storage = *room;
        return ok;
    }
    const struct pth_old_storage *found = pth_old_find(&archive->old, view->key);
    if (found == NULL || found->data == NULL)
        return damaged(archive, "a part of it is missing");
    *storage = found->data;
    return found->bytes >= view->reach || damaged(archive, "a part of it has the wrong size");
}

/* Reads every storage once. Sorts the views. */
static bool copy_tensors(struct archive *archive, uint8_t *out) {
    uint8_t *room = NULL;
    const uint8_t *storage = NULL;
    bool ok = true;
    qsort(archive->views, archive->count, sizeof *archive->views, compare_storages);
    for (size_t i = 0; ok && i < archive->count; i++) {
        const struct pth_view *view = &archive->views[i];
        if (i == 0 || strcmp(view->key, view[-1].key) != 0)
            ok = find_storage(archive, view, &room, &storage);
        if (ok)
            pth_view_copy(view, storage, out + view->begin);
    }
    free(room);
    return ok;
}

static bool too_large(const struct archive *archive) {
    return damaged(archive, "its tensors are larger than memory can be");
}

/* What a safetensors file of the same tensors begins with; *bytes is the length of their data. */
static bool make_head(struct archive *archive, struct text *head, size_t *bytes) {
    struct tensor *tensors = calloc(archive->count, sizeof *tensors);
    size_t named = 0;
    bool ok = true;
    *bytes = 0;
    if (tensors == NULL)
        return error_memory(archive->error);
    for (size_t i = 0; ok && i < archive->count; i++) {
        struct pth_view *view = &archive->views[i];
        struct tensor *tensor = &tensors[i];
        *tensor = (struct tensor){.name = view->name, .type = view->type, .rank = view->rank};
        memcpy(tensor->shape, view->shape, sizeof tensor->shape);
        view->begin = *bytes;
        named += strlen(view->name);
        ok = named <= NAMES_MAX &&
             !__builtin_mul_overflow(view->count, view->element_bytes, &tensor->bytes) &&
             !__builtin_add_overflow(view->begin, tensor->bytes, bytes);
    }
    if (ok)
        safetensors_head(tensors, archive->count, NULL, 0, head);
    else
        too_large(archive);
    free(tensors);
    return ok && (!head->failed || error_memory(archive->error));
}

static bool make_file(struct archive *archive, struct safetensors **file) {
    struct text head = {0};
    size_t bytes = 0, total = 0;
    uint8_t *content = NULL;
    bool ok = make_head(archive, &head, &bytes) &&
              (!__builtin_add_overflow(head.length, bytes, &total) || too_large(archive));
    /* Views may share a storage, but a file that repeats one without end is refused. */
    if (ok && bytes / AMPLIFICATION_MAX > archive->bytes)
        ok = damaged(archive, "its tensors are larger than the file");
    if (ok) {
        content = malloc(total);
        ok = content != NULL ||
             error_machine(archive->error, "%s: out of memory for %zu bytes", archive->path, total);
    }
    if (ok) {
        memcpy(content, head.data, head.length);
        ok = copy_tensors(archive, content + head.length);
    }
    text_free(&head);
    if (ok)
        return safetensors_adopt(archive->path, content, total, file, archive->error);
    free(content);
    return false;
}

/* --- the file --- */

/* Zeros where the file is shorter. */
static bool read_magic(const char *path, unsigned char magic[static PTH_OLD_MAGIC_BYTES]) {
    memset(magic, 0, PTH_OLD_MAGIC_BYTES);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is none */
    if (descriptor < 0)
        return false;
    ssize_t length = read(descriptor, magic, PTH_OLD_MAGIC_BYTES);
    close(descriptor);
    return length >= 0;
}

bool pth_recognise(const char *path) {
    unsigned char magic[PTH_OLD_MAGIC_BYTES];
    return read_magic(path, magic) && (memcmp(magic, "PK\3\4", 4) == 0 || pth_old_recognise(magic));
}

static bool open_pickle(struct archive *archive) {
    unsigned char magic[PTH_OLD_MAGIC_BYTES];
    if (!read_magic(archive->path, magic) || !pth_old_recognise(magic))
        return open_zip(archive) && find_prefix(archive) && check_byte_order(archive) &&
               read_pickle(archive);
    if (!pth_old_read(archive->path, &archive->old, archive->error))
        return false;
    archive->bytes = archive->old.length;
    archive->pickle = archive->old.pickle;
    archive->old.pickle = NULL;
    return read_views(archive);
}

bool pth_open(const char *path, struct safetensors **file, struct error *error) {
    struct archive archive = {.path = path, .error = error};
    *file = NULL;
    bool ok = open_pickle(&archive) && make_file(&archive, file);
    if (archive.zip != NULL)
        zip_discard(archive.zip);
    pth_old_free(&archive.old);
    pickle_free(archive.pickle);
    free(archive.views);
    return ok;
}

bool weights_file_open(const char *path, struct safetensors **file, struct error *error) {
    return pth_recognise(path) ? pth_open(path, file, error) : safetensors_open(path, file, error);
}
