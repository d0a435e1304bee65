#include "core/tensorboard.h"

#include "core/file.h"

#include <tensorboard.pb-c.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Of the hparams plugin. */
enum { STATUS_SUCCESS = 1, STATUS_FAILURE = 2 };

struct tensorboard {
    FILE *file;
    char *path;
    uint64_t bytes;
    struct error failure; /* the first one; code ERROR_NONE while there is none */
};

/* --- records --- */

uint32_t crc32c(const void *data, size_t length) {
    const uint8_t *bytes = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1)));
    }
    return ~crc;
}

uint32_t crc32c_masked(const void *data, size_t length) {
    uint32_t crc = crc32c(data, length);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

static void put_little_endian(uint8_t *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void fail(struct tensorboard *board, const char *what) {
    if (board->failure.code == ERROR_NONE)
        error_errno(&board->failure, ERROR_FAILED, "cannot %s %s", what, board->path);
}

static void write_record(struct tensorboard *board, const uint8_t *data, size_t length) {
    uint8_t head[12], tail[4];
    put_little_endian(head, length, 8);
    put_little_endian(head + 8, crc32c_masked(head, 8), 4);
    put_little_endian(tail, crc32c_masked(data, length), 4);
    if (fwrite(head, 1, sizeof head, board->file) != sizeof head ||
        fwrite(data, 1, length, board->file) != length ||
        fwrite(tail, 1, sizeof tail, board->file) != sizeof tail)
        fail(board, "write");
    board->bytes += sizeof head + length + sizeof tail;
}

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void write_event(struct tensorboard *board, Tensorboard__Event *event) {
    event->wall_time = now_seconds();
    size_t length = tensorboard__event__get_packed_size(event);
    uint8_t *data = malloc(length);
    if (data == NULL) {
        errno = ENOMEM;
        fail(board, "write");
        return;
    }
    tensorboard__event__pack(event, data);
    write_record(board, data, length);
    free(data);
}

static void write_value(struct tensorboard *board, int64_t step,
                        Tensorboard__Summary__Value *value) {
    Tensorboard__Summary summary = TENSORBOARD__SUMMARY__INIT;
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    summary.n_value = 1;
    summary.value = &value;
    event.step = step;
    event.summary = &summary;
    write_event(board, &event);
}

/* --- the file --- */

static void write_version(struct tensorboard *board) {
    char version[] = "brain.Event:2";
    Tensorboard__Event event = TENSORBOARD__EVENT__INIT;
    event.file_version = version;
    write_event(board, &event);
}

/* Cuts the file to `keep` bytes, or to none when it is shorter, and stands at its end. */
static bool cut_back(struct tensorboard *board, uint64_t keep) {
    struct stat status;
    int descriptor = fileno(board->file);
    if (fstat(descriptor, &status) != 0)
        return false;
    board->bytes = (uint64_t)status.st_size >= keep ? keep : 0;
    return ftruncate(descriptor, (off_t)board->bytes) == 0 &&
           fseeko(board->file, (off_t)board->bytes, SEEK_SET) == 0;
}

bool tensorboard_open(const char *path, uint64_t keep, struct tensorboard **board,
                      struct error *error) {
    struct tensorboard *made = calloc(1, sizeof *made);
    if (made == NULL || (made->path = strdup(path)) == NULL) {
        tensorboard_close(made);
        return error_memory(error);
    }
    if (!folder_make_of(path, error)) {
        tensorboard_close(made);
        return false;
    }
    made->file = fopen(path, "r+be");
    if (made->file == NULL && errno == ENOENT)
        made->file = fopen(path, "w+be");
    if (made->file == NULL || !cut_back(made, keep)) {
        error_errno(error, ERROR_FAILED, "cannot open %s", path);
        tensorboard_close(made);
        return false;
    }
    if (made->bytes == 0)
        write_version(made);
    *board = made;
    return true;
}

void tensorboard_close(struct tensorboard *board) {
    if (board == NULL)
        return;
    if (board->file != NULL)
        fclose(board->file);
    free(board->path);
    free(board);
}

uint64_t tensorboard_bytes(const struct tensorboard *board) {
    return board->bytes;
}

bool tensorboard_sync(struct tensorboard *board, struct error *error) {
    if (fflush(board->file) != 0 || fsync(fileno(board->file)) != 0)
        fail(board, "write");
    if (board->failure.code != ERROR_NONE && error != NULL)
        *error = board->failure;
    return board->failure.code == ERROR_NONE;
}

/* --- scalars and hparams --- */

void tensorboard_scalar(struct tensorboard *board, const char *tag, int64_t step, double value) {
    Tensorboard__Summary__Value scalar = TENSORBOARD__SUMMARY__VALUE__INIT;
    scalar.tag = (char *)tag;
    scalar.simple_value = (float)value;
    write_value(board, step, &scalar);
}

/* The hparams plugin finds its data under reserved tags, in a summary's metadata. Of the three only
 * the sessions' two are written: without an experiment's, TensorBoard makes the columns of its page
 * from all the runs that it sees; with one it takes the first run's for all. */
static void write_plugin(struct tensorboard *board, const char *tag,
                         Tensorboard__HparamsPluginData *plugin) {
    size_t length = tensorboard__hparams_plugin_data__get_packed_size(plugin);
    uint8_t *data = malloc(length);
    if (data == NULL) {
        errno = ENOMEM;
        fail(board, "write");
        return;
    }
    tensorboard__hparams_plugin_data__pack(plugin, data);
    char name[] = "hparams";
    Tensorboard__Summary__Metadata__PluginData content =
        TENSORBOARD__SUMMARY__METADATA__PLUGIN_DATA__INIT;
    Tensorboard__Summary__Metadata metadata = TENSORBOARD__SUMMARY__METADATA__INIT;
    Tensorboard__Summary__Value value = TENSORBOARD__SUMMARY__VALUE__INIT;
    content.plugin_name = name;
    content.content.data = data;
    content.content.len = length;
    metadata.plugin_data = &content;
    value.tag = (char *)tag;
    value.metadata = &metadata;
    write_value(board, 0, &value);
    free(data);
}

struct hparam {
    Tensorboard__Hparam pair;
    Tensorboard__Scalar scalar;
};

static void hparam_from_json(struct hparam *hparam, const cJSON *item) {
    tensorboard__hparam__init(&hparam->pair);
    tensorboard__scalar__init(&hparam->scalar);
    hparam->pair.name = item->string;
    hparam->pair.value = &hparam->scalar;
    if (cJSON_IsNumber(item)) {
        hparam->scalar.kind_case = TENSORBOARD__SCALAR__KIND_NUMBER_VALUE;
        hparam->scalar.number_value = item->valuedouble;
    } else if (cJSON_IsBool(item)) {
        hparam->scalar.kind_case = TENSORBOARD__SCALAR__KIND_BOOL_VALUE;
        hparam->scalar.bool_value = cJSON_IsTrue(item);
    } else {
        hparam->scalar.kind_case = TENSORBOARD__SCALAR__KIND_STRING_VALUE;
        hparam->scalar.string_value =
            cJSON_IsString(item) ? item->valuestring : (char *)protobuf_c_empty_string;
    }
}

void tensorboard_hparams(struct tensorboard *board, const cJSON *hparams) {
    struct hparam made[TENSORBOARD_HPARAMS_MAX];
    Tensorboard__Hparam *pairs[TENSORBOARD_HPARAMS_MAX];
    Tensorboard__SessionStart session = TENSORBOARD__SESSION_START__INIT;
    Tensorboard__HparamsPluginData plugin = TENSORBOARD__HPARAMS_PLUGIN_DATA__INIT;
    const cJSON *item;
    if (hparams == NULL) {
        errno = ENOMEM;
        fail(board, "write");
        return;
    }
    cJSON_ArrayForEach(item, hparams) {
        assert(session.n_hparams < TENSORBOARD_HPARAMS_MAX);
        hparam_from_json(&made[session.n_hparams], item);
        pairs[session.n_hparams] = &made[session.n_hparams].pair;
        session.n_hparams++;
    }
    session.hparams = pairs;
    session.start_time_secs = now_seconds();
    plugin.session_start_info = &session;
    write_plugin(board, "_hparams_/session_start_info", &plugin);
}

void tensorboard_end(struct tensorboard *board, bool done) {
    Tensorboard__SessionEnd session = TENSORBOARD__SESSION_END__INIT;
    Tensorboard__HparamsPluginData plugin = TENSORBOARD__HPARAMS_PLUGIN_DATA__INIT;
    session.status = done ? STATUS_SUCCESS : STATUS_FAILURE;
    session.end_time_secs = now_seconds();
    plugin.session_end_info = &session;
    write_plugin(board, "_hparams_/session_end_info", &plugin);
}
