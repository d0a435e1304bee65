#include "worker/tensorboard.h"

#include <tensorboard.pb-c.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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
        return error_set(error, ERROR_FAILED, "out of memory");
    }
    made->file = fopen(path, "r+b");
    if (made->file == NULL && errno == ENOENT)
        made->file = fopen(path, "w+b");
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

/* The hparams plugin finds its data under three reserved tags, in a summary's metadata. */
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

enum { HPARAMS_MAX = 64, METRICS_MAX = 16 };

struct hparam {
    Tensorboard__Hparam pair;
    Tensorboard__Scalar scalar;
    Tensorboard__HparamsExperiment__HparamInfo info;
};

static void hparam_from_json(struct hparam *hparam, const cJSON *item) {
    tensorboard__hparam__init(&hparam->pair);
    tensorboard__scalar__init(&hparam->scalar);
    tensorboard__hparams_experiment__hparam_info__init(&hparam->info);
    hparam->pair.name = hparam->info.name = item->string;
    hparam->pair.value = &hparam->scalar;
    if (cJSON_IsNumber(item)) {
        hparam->scalar.kind_case = TENSORBOARD__SCALAR__KIND_NUMBER_VALUE;
        hparam->scalar.number_value = item->valuedouble;
        hparam->info.type = 3;
    } else if (cJSON_IsBool(item)) {
        hparam->scalar.kind_case = TENSORBOARD__SCALAR__KIND_BOOL_VALUE;
        hparam->scalar.bool_value = cJSON_IsTrue(item);
        hparam->info.type = 2;
    } else {
        hparam->scalar.kind_case = TENSORBOARD__SCALAR__KIND_STRING_VALUE;
        hparam->scalar.string_value =
            cJSON_IsString(item) ? item->valuestring : (char *)protobuf_c_empty_string;
        hparam->info.type = 1;
    }
}

struct metric {
    Tensorboard__HparamsExperiment__MetricInfo info;
    Tensorboard__HparamsExperiment__MetricName name;
};

static void metric_from_tag(struct metric *metric, const char *tag) {
    tensorboard__hparams_experiment__metric_info__init(&metric->info);
    tensorboard__hparams_experiment__metric_name__init(&metric->name);
    metric->name.tag = (char *)tag;
    metric->info.name = &metric->name;
}

/* What may be chosen and what is measured: the columns of the HPARAMS page. */
static void write_experiment(struct tensorboard *board, struct hparam *hparams, size_t count,
                             const char *const *metrics, size_t metric_count) {
    Tensorboard__HparamsExperiment__HparamInfo *infos[HPARAMS_MAX];
    Tensorboard__HparamsExperiment__MetricInfo *metric_infos[METRICS_MAX];
    struct metric made[METRICS_MAX];
    Tensorboard__HparamsExperiment experiment = TENSORBOARD__HPARAMS_EXPERIMENT__INIT;
    Tensorboard__HparamsPluginData plugin = TENSORBOARD__HPARAMS_PLUGIN_DATA__INIT;
    for (size_t i = 0; i < count; i++)
        infos[i] = &hparams[i].info;
    for (size_t i = 0; i < metric_count; i++) {
        metric_from_tag(&made[i], metrics[i]);
        metric_infos[i] = &made[i].info;
    }
    experiment.time_created_secs = now_seconds();
    experiment.n_hparam_infos = count;
    experiment.hparam_infos = infos;
    experiment.n_metric_infos = metric_count;
    experiment.metric_infos = metric_infos;
    plugin.experiment = &experiment;
    write_plugin(board, "_hparams_/experiment", &plugin);
}

/* This run's row of the HPARAMS page. */
static void write_session(struct tensorboard *board, struct hparam *hparams, size_t count,
                          const char *group) {
    Tensorboard__Hparam *pairs[HPARAMS_MAX];
    Tensorboard__SessionStart session = TENSORBOARD__SESSION_START__INIT;
    Tensorboard__HparamsPluginData plugin = TENSORBOARD__HPARAMS_PLUGIN_DATA__INIT;
    for (size_t i = 0; i < count; i++)
        pairs[i] = &hparams[i].pair;
    session.n_hparams = count;
    session.hparams = pairs;
    session.group_name = (char *)group;
    session.start_time_secs = now_seconds();
    plugin.session_start_info = &session;
    write_plugin(board, "_hparams_/session_start_info", &plugin);
}

void tensorboard_hparams(struct tensorboard *board, const char *name, const cJSON *hparams,
                         const char *const *metrics, size_t metric_count) {
    struct hparam made[HPARAMS_MAX];
    size_t count = 0;
    const cJSON *item;
    assert(metric_count <= METRICS_MAX);
    cJSON_ArrayForEach(item, hparams) {
        assert(count < HPARAMS_MAX);
        hparam_from_json(&made[count++], item);
    }
    write_experiment(board, made, count, metrics, metric_count);
    write_session(board, made, count, name);
}

void tensorboard_end(struct tensorboard *board) {
    Tensorboard__SessionEnd session = TENSORBOARD__SESSION_END__INIT;
    Tensorboard__HparamsPluginData plugin = TENSORBOARD__HPARAMS_PLUGIN_DATA__INIT;
    session.status = 1;
    session.end_time_secs = now_seconds();
    plugin.session_end_info = &session;
    write_plugin(board, "_hparams_/session_end_info", &plugin);
}
