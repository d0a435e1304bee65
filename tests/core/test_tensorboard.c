/* TensorBoard's event files. Constants: crc32c from RFC 3720 appendix B.4; events from the
 * tensorboard package's own messages. That it reads whole files: tests/read_tensorboard.py. */
#include "core/tensorboard.h"

#include "tests/small_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char path[64];

static int setup(void **state) {
    (void)state;
    strcpy(path, "/tmp/assay-tensorboard-XXXXXX");
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int teardown(void **state) {
    (void)state;
    return unlink(path);
}

static struct tensorboard *open_board(uint64_t keep) {
    struct tensorboard *board = NULL;
    struct error error = {0};
    if (!tensorboard_open(path, keep, &board, &error))
        fail_msg("%s", error.message);
    return board;
}

static void close_board(struct tensorboard *board) {
    struct error error = {0};
    assert_true(tensorboard_sync(board, &error));
    tensorboard_close(board);
}

static size_t read_all(uint8_t *data, size_t limit) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(data, 1, limit, file);
    fclose(file);
    return length;
}

/* Walks the records as a reader does: both checksums of each; returns how many there are. */
static size_t count_records(const uint8_t *data, size_t length) {
    size_t count = 0, at = 0;
    while (at < length) {
        uint64_t size;
        uint32_t sum;
        assert_true(length - at >= 16);
        memcpy(&size, data + at, 8);
        memcpy(&sum, data + at + 8, 4);
        assert_int_equal(sum, crc32c_masked(data + at, 8));
        assert_true(length - at - 16 >= size);
        memcpy(&sum, data + at + 12 + size, 4);
        assert_int_equal(sum, crc32c_masked(data + at + 12, size));
        at += 16 + size;
        count++;
    }
    return count;
}

static void crc32c_gives_the_rfcs_values(void **state) {
    (void)state;
    uint8_t zeros[32] = {0}, ones[32], rising[32];
    memset(ones, 0xff, sizeof ones);
    for (uint8_t i = 0; i < 32; i++)
        rising[i] = i;
    assert_int_equal(crc32c(zeros, 32), 0x8a9136aa);
    assert_int_equal(crc32c(ones, 32), 0x62a8ab43);
    assert_int_equal(crc32c(rising, 32), 0x46dd794e);
    /* python3 -c "print(hex(((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff))", as TFRecord has it
     */
    assert_int_equal(crc32c_masked(zeros, 32), 0x0fd7fffa);
    assert_int_equal(crc32c_masked(ones, 32), 0xf909b029);
    assert_int_equal(crc32c_masked(rising, 32), 0x951f7892);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* python: Event(wall_time=..., file_version="brain.Event:2").SerializeToString() */
static void a_file_begins_with_the_version_and_when_that_was(void **state) {
    (void)state;
    uint8_t data[4096];
    static const char version[] = "\x1a\x0d"
                                  "brain.Event:2";
    double written, before = now();
    close_board(open_board(0));
    double after = now();
    assert_int_equal(read_all(data, sizeof data), 16 + 9 + sizeof version - 1);
    assert_int_equal(data[12], 0x09);
    memcpy(&written, data + 12 + 1, sizeof written);
    assert_true(before <= written && written <= after);
    assert_memory_equal(data + 12 + 9, version, sizeof version - 1);
}

static void a_scalar_is_the_events_own_bytes(void **state) {
    (void)state;
    uint8_t data[4096];
    struct tensorboard *board = open_board(0);
    uint64_t begin = tensorboard_bytes(board);
    tensorboard_scalar(board, "loss_valid", 300, 0.5);
    close_board(board);
    size_t length = read_all(data, sizeof data);
    assert_int_equal(count_records(data, length), 2);
    /* python: Event(step=300, summary=Summary(value=[Summary.Value(tag="loss_valid",
     * simple_value=0.5)])).SerializeToString() after the nine bytes of wall_time */
    static const uint8_t expected[] = {0x10, 0xac, 0x02, 0x2a, 0x13, 0x0a, 0x11, 0x0a,
                                       0x0a, 'l',  'o',  's',  's',  '_',  'v',  'a',
                                       'l',  'i',  'd',  0x15, 0x00, 0x00, 0x00, 0x3f};
    assert_int_equal(length - begin - 16, 9 + sizeof expected);
    assert_memory_equal(data + begin + 12 + 9, expected, sizeof expected);
}

static void a_file_that_is_opened_again_is_cut_back(void **state) {
    (void)state;
    uint8_t first[4096], second[4096];
    struct tensorboard *board = open_board(0);
    tensorboard_scalar(board, "loss_train", 1, 0.7);
    uint64_t keep = tensorboard_bytes(board);
    tensorboard_scalar(board, "loss_train", 2, 0.6);
    close_board(board);
    read_all(first, sizeof first);
    board = open_board(keep);
    assert_int_equal(tensorboard_bytes(board), keep);
    tensorboard_scalar(board, "loss_train", 2, 0.6);
    close_board(board);
    size_t length = read_all(second, sizeof second);
    assert_int_equal(count_records(second, length), 3);
    assert_memory_equal(first, second, keep);
}

static void what_is_no_file_is_not_opened(void **state) {
    (void)state;
    struct tensorboard *board = NULL;
    struct error error = {0};
    assert_false(tensorboard_open("/tmp", 0, &board, &error));
    assert_non_null(strstr(error.message, "cannot open /tmp"));
}

static void what_the_disk_does_not_take_is_said(void **state) {
    (void)state;
    struct error error = {0};
    struct tensorboard *board = open_board(0);
    struct rlimit before = limit_files(100);
    for (int step = 0; step < 5; step++)
        tensorboard_scalar(board, "loss_train", step, 0.5);
    bool good = tensorboard_sync(board, &error);
    let_files_grow(before);
    assert_false(good);
    assert_non_null(strstr(error.message, "cannot write /tmp/assay-tensorboard-"));
    assert_false(tensorboard_sync(board, &error)); /* nor is it forgotten */
    tensorboard_close(board);
}

static void a_file_shorter_than_what_was_kept_begins_anew(void **state) {
    (void)state;
    uint8_t data[4096];
    close_board(open_board(100000));
    assert_int_equal(count_records(data, read_all(data, sizeof data)), 1);
}

static void an_hparam_is_the_plugins_own_bytes(void **state) {
    (void)state;
    uint8_t data[4096];
    cJSON *hparams = cJSON_Parse("{\"lr\":0.5}");
    struct tensorboard *board = open_board(0);
    uint64_t begin = tensorboard_bytes(board);
    tensorboard_hparams(board, hparams);
    close_board(board);
    cJSON_Delete(hparams);
    size_t length = read_all(data, sizeof data);
    assert_int_equal(count_records(data, length), 2);
    /* python: d = HParamsPluginData(); d.session_start_info.start_time_secs = 1.0;
     * d.session_start_info.hparams["lr"].number_value = 0.5;
     * Event(summary=Summary(value=[Summary.Value(tag="_hparams_/session_start_info",
     * metadata=SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="hparams",
     * content=d.SerializeToString())))])).SerializeToString()[:-8]: all but the time itself */
    static const uint8_t expected[] = {
        0x2a, 0x4b, 0x0a, 0x49, 0x0a, 0x1c, 0x5f, 0x68, 0x70, 0x61, 0x72, 0x61, 0x6d, 0x73,
        0x5f, 0x2f, 0x73, 0x65, 0x73, 0x73, 0x69, 0x6f, 0x6e, 0x5f, 0x73, 0x74, 0x61, 0x72,
        0x74, 0x5f, 0x69, 0x6e, 0x66, 0x6f, 0x4a, 0x29, 0x0a, 0x27, 0x0a, 0x07, 0x68, 0x70,
        0x61, 0x72, 0x61, 0x6d, 0x73, 0x12, 0x1c, 0x1a, 0x1a, 0x0a, 0x0f, 0x0a, 0x02, 0x6c,
        0x72, 0x12, 0x09, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe0, 0x3f, 0x29};
    assert_int_equal(length - begin - 16, 9 + sizeof expected + 8);
    assert_memory_equal(data + begin + 12 + 9, expected, sizeof expected);
}

static void hparams_of_every_kind_become_whole_records(void **state) {
    (void)state;
    uint8_t data[4096];
    cJSON *hparams = cJSON_Parse("{\"train.lr\":2e-4,\"model.head\":\"relu\",\"d\":true}");
    struct tensorboard *board = open_board(0);
    tensorboard_hparams(board, hparams);
    tensorboard_end(board, true);
    close_board(board);
    cJSON_Delete(hparams);
    size_t length = read_all(data, sizeof data);
    assert_int_equal(count_records(data, length), 3);
    /* google.protobuf.Value: bool_value is field 4, string_value field 3; each behind its key */
    static const char flag[] = "\x0a\x01"
                               "d"
                               "\x12\x02\x20\x01",
                      text[] = "\x0a\x0amodel.head\x12\x06\x1a\x04relu";
    assert_non_null(memmem(data, length, flag, sizeof flag - 1));
    assert_non_null(memmem(data, length, text, sizeof text - 1));
}

/* python: d = HParamsPluginData(); d.session_end_info.status = api_pb2.STATUS_SUCCESS (or
 * STATUS_FAILURE); d.session_end_info.end_time_secs = 1.0; d.SerializeToString()[:-8] */
static void an_end_says_whether_the_run_was_done(void **state) {
    (void)state;
    for (int failed = 0; failed < 2; failed++) {
        const uint8_t expected[] = {0x22, 0x0b, 0x08, (uint8_t)(1 + failed), 0x11};
        uint8_t data[4096];
        struct tensorboard *board = open_board(0);
        tensorboard_end(board, !failed);
        close_board(board);
        size_t length = read_all(data, sizeof data);
        assert_int_equal(count_records(data, length), 2);
        assert_memory_equal(data + length - 4 - 8 - sizeof expected, expected, sizeof expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_rfcs_values),
        cmocka_unit_test_setup_teardown(a_file_begins_with_the_version_and_when_that_was, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_scalar_is_the_events_own_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_opened_again_is_cut_back, setup, teardown),
        cmocka_unit_test(what_is_no_file_is_not_opened),
        cmocka_unit_test_setup_teardown(what_the_disk_does_not_take_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_shorter_than_what_was_kept_begins_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_hparam_is_the_plugins_own_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_says_whether_the_run_was_done, setup, teardown),
        cmocka_unit_test_setup_teardown(hparams_of_every_kind_become_whole_records, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
