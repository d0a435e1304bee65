#include "core/safetensors.h"

#include "tests/small_files.h"
#include "tests/temporary.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char small[] = TEST_DATA "/safetensors/small.safetensors"; /* make_safetensors.py */

static struct safetensors *open_file(const char *path) {
    struct safetensors *file = NULL;
    struct error error = {0};
    if (!safetensors_open(path, &file, &error))
        fail_msg("%s", error.message);
    return file;
}

/* The values of a tensor, which may stand unaligned. */
static void copy_values(const struct safetensors *file, const char *name, void *values,
                        size_t bytes) {
    const struct tensor *tensor = safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->bytes, bytes);
    memcpy(values, tensor->data, bytes);
}

static void a_file_that_numpy_made_is_read(void **state) {
    (void)state;
    struct safetensors *file = open_file(small);
    assert_int_equal(safetensors_size(file), 7);
    const struct tensor *weight = safetensors_find(file, "conv1.weight");
    assert_int_equal(weight->type, TENSOR_F32);
    assert_int_equal(weight->rank, 2);
    assert_int_equal(weight->shape[0], 2);
    assert_int_equal(weight->shape[1], 3);
    assert_int_equal(tensor_count(weight), 6);
    float floats[6];
    copy_values(file, "conv1.weight", floats, sizeof floats);
    for (int i = 0; i < 6; i++)
        assert_true(floats[i] == (float)i / 4);
    int64_t steps;
    copy_values(file, "steps", &steps, sizeof steps);
    assert_int_equal(steps, -7);
    assert_int_equal(safetensors_find(file, "steps")->rank, 0);
    assert_int_equal(tensor_count(safetensors_find(file, "steps")), 1);
    int32_t ints[2];
    copy_values(file, "ints", ints, sizeof ints);
    assert_int_equal(ints[1], -2);
    uint8_t bytes[3];
    copy_values(file, "bytes", bytes, sizeof bytes);
    assert_int_equal(bytes[2], 7);
    assert_int_equal(tensor_count(safetensors_find(file, "none")), 0);
    assert_int_equal(safetensors_find(file, "half")->type, TENSOR_F16);
    assert_int_equal(safetensors_find(file, "flags")->type, TENSOR_BOOL);
    assert_null(safetensors_find(file, "conv1"));
    assert_null(safetensors_find(file, "__metadata__"));
    assert_string_equal(safetensors_metadata(file, "note"), "\xc3\xa4\n");
    assert_null(safetensors_metadata(file, "steps"));
    assert_int_equal(safetensors_metadata_size(file), 2);
    assert_string_equal(safetensors_metadata_at(file, 0)->key, "format");
    assert_string_equal(safetensors_metadata_at(file, 1)->value, "\xc3\xa4\n");
    safetensors_close(file);
}

static void tensors_stand_in_the_order_of_their_data(void **state) {
    (void)state;
    struct safetensors *file = open_file(small);
    assert_string_equal(safetensors_at(file, 0)->name, "steps");
    assert_string_equal(safetensors_at(file, 1)->name, "conv1.weight");
    assert_string_equal(safetensors_at(file, 6)->name, "flags");
    safetensors_close(file);
}

static char *read_all(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = malloc(1 << 16);
    *length = fread(data, 1, 1 << 16, file);
    fclose(file);
    return data;
}

static void write_all(const char *path, const void *data, size_t length) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void what_is_written_reads_back_the_same(void **state) {
    char *path = temporary_path(state, "a.safetensors");
    const float values[] = {1, -0.0f, 3e38f};
    const int64_t steps = INT64_C(1) << 62;
    const struct tensor tensors[] = {
        {"w\"\xc3\xa4", TENSOR_F32, 2, {1, 3}, values, sizeof values},
        {"n", TENSOR_I64, 0, {0}, &steps, sizeof steps},
    };
    const struct metadata metadata[] = {{"config", "{\"a\": \"\\n\"}"}, {"format", "pt"}};
    struct error error = {0};
    assert_true(safetensors_write(path, tensors, 2, metadata, 2, &error));
    struct safetensors *file = open_file(path);
    assert_int_equal(safetensors_size(file), 2);
    float read_values[3];
    copy_values(file, "w\"\xc3\xa4", read_values, sizeof read_values);
    assert_memory_equal(read_values, values, sizeof values);
    int64_t read_steps;
    copy_values(file, "n", &read_steps, sizeof read_steps);
    assert_int_equal(read_steps, steps);
    assert_string_equal(safetensors_metadata(file, "config"), "{\"a\": \"\\n\"}");
    safetensors_close(file);
    free(path);
}

static void the_same_tensors_give_the_same_bytes_and_leave_no_other_file(void **state) {
    char *path = temporary_path(state, "a.safetensors"),
         *temporary = temporary_path(state, "a.safetensors.tmp");
    const uint8_t byte = 5;
    const struct tensor tensor = {"b", TENSOR_U8, 1, {1}, &byte, 1};
    size_t first_length, second_length;
    assert_true(safetensors_write(path, &tensor, 1, NULL, 0, NULL));
    char *first = read_all(path, &first_length);
    write_all(temporary, "left behind by a killed writer", 30);
    assert_true(safetensors_write(path, &tensor, 1, NULL, 0, NULL));
    char *second = read_all(path, &second_length);
    assert_int_equal(first_length, second_length);
    assert_memory_equal(first, second, first_length);
    assert_int_equal(access(temporary, F_OK), -1);
    /* Length, then the header as the format's own description has it, padded to 8. */
    const char header[] = "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    assert_memory_equal(first + 8, header, sizeof header - 1);
    free(first);
    free(second);
    free(path);
    free(temporary);
}

/* Readers map the file, and take its data as they stand. */
static void the_data_begin_at_a_multiple_of_eight(void **state) {
    char *path = temporary_path(state, "a.safetensors"), name[] = "aaaaaaaa";
    for (size_t i = 0; i < sizeof name; i++) {
        const uint8_t byte = 5;
        const struct tensor tensor = {name + i, TENSOR_U8, 1, {1}, &byte, 1};
        size_t length;
        assert_true(safetensors_write(path, &tensor, 1, NULL, 0, NULL));
        char *bytes = read_all(path, &length);
        assert_int_equal((length - 1) % 8, 0);
        assert_int_equal((unsigned char)bytes[0], length - 1 - 8);
        free(bytes);
    }
    free(path);
}

static bool no_data(void *context, size_t index, const void **data, struct error *error) {
    (void)context;
    (void)data;
    return error_set(error, ERROR_FAILED, "no data for %zu", index);
}

static void data_that_do_not_come_leave_no_file(void **state) {
    char *path = temporary_path(state, "a.safetensors"),
         *temporary = temporary_path(state, "a.safetensors.tmp");
    const struct tensor tensor = {"b", TENSOR_U8, 1, {1}, NULL, 1};
    struct error error = {0};
    assert_false(safetensors_write_from(path, &tensor, 1, NULL, 0, no_data, NULL, &error));
    assert_string_equal(error.message, "no data for 0");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(temporary, F_OK), -1);
    free(path);
    free(temporary);
}

/* Nor what stood there is touched. */
static void what_the_disk_does_not_take_leaves_no_other_file(void **state) {
    char *path = temporary_path(state, "a.safetensors"),
         *temporary = temporary_path(state, "a.safetensors.tmp");
    const uint8_t bytes[100] = {5};
    const struct tensor tensor = {"b", TENSOR_U8, 1, {100}, bytes, 100};
    write_all(path, "older", 5);
    for (rlim_t room = 10; room <= 100; room += 90) { /* part of the header; all of it */
        struct error error = {0};
        struct rlimit before = limit_files(room);
        bool good = safetensors_write(path, &tensor, 1, NULL, 0, &error);
        let_files_grow(before);
        assert_false(good);
        assert_non_null(strstr(error.message, "cannot write "));
        assert_int_equal(access(temporary, F_OK), -1);
        size_t length;
        char *text = read_all(path, &length);
        assert_int_equal(length, 5);
        free(text);
    }
    free(path);
    free(temporary);
}

static void what_cannot_take_its_name_is_not_written(void **state) {
    char *path = temporary_path(state, "folder");
    struct error error = {0};
    assert_int_equal(mkdir(path, 0777), 0);
    assert_false(safetensors_write(path, NULL, 0, NULL, 0, &error));
    assert_non_null(strstr(error.message, "/folder: Is a directory"));
    free(path);
}

/* For nobody would read it. */
static void a_header_beyond_what_is_read_is_not_written(void **state) {
    char *path = temporary_path(state, "a.safetensors"), *value = malloc(SAFETENSORS_HEADER_MAX);
    struct error error = {0};
    memset(value, 'a', SAFETENSORS_HEADER_MAX - 1);
    value[SAFETENSORS_HEADER_MAX - 1] = '\0';
    assert_false(safetensors_write(path, NULL, 0, &(struct metadata){"k", value}, 1, &error));
    assert_non_null(strstr(error.message, "the header is too large"));
    assert_int_equal(access(path, F_OK), -1);
    free(value);
    free(path);
}

static void a_prefix_is_dropped_where_every_name_has_it(void **state) {
    char *path = temporary_path(state, "a.safetensors");
    const uint8_t byte = 5;
    const struct tensor tensors[] = {{"m.b", TENSOR_U8, 1, {1}, &byte, 1},
                                     {"m.a", TENSOR_U8, 1, {1}, &byte, 1}};
    assert_true(safetensors_write(path, tensors, 2, NULL, 0, NULL));
    struct safetensors *file = open_file(path);
    assert_false(safetensors_drop_prefix(file, "m.b"));
    assert_true(safetensors_drop_prefix(file, "m."));
    assert_string_equal(safetensors_at(file, 0)->name, "b");
    assert_ptr_equal(safetensors_find(file, "b"), safetensors_at(file, 0));
    assert_ptr_equal(safetensors_find(file, "a"), safetensors_at(file, 1));
    assert_false(safetensors_drop_prefix(file, "m."));
    safetensors_close(file);
    assert_true(safetensors_write(path, NULL, 0, NULL, 0, NULL));
    file = open_file(path);
    assert_false(safetensors_drop_prefix(file, "m.")); /* or one would go on for ever */
    safetensors_close(file);
    free(path);
}

static void a_file_of_metadata_alone_is_a_file(void **state) {
    char *path = temporary_path(state, "a.safetensors");
    assert_true(safetensors_write(path, NULL, 0, &(struct metadata){"k", "v"}, 1, NULL));
    struct safetensors *file = open_file(path);
    assert_int_equal(safetensors_size(file), 0);
    assert_null(safetensors_find(file, "k"));
    assert_string_equal(safetensors_metadata(file, "k"), "v");
    safetensors_close(file);
    free(path);
}

static void writing_into_a_missing_folder_fails_and_names_the_file(void **state) {
    char *path = temporary_path(state, "missing/a.safetensors");
    struct error error = {0};
    assert_false(safetensors_write(path, NULL, 0, NULL, 0, &error));
    assert_non_null(strstr(error.message, "missing/a.safetensors"));
    free(path);
}

/* Opens the bytes as a file; if they are taken for one, touches every byte that it offers. */
static bool opens(const char *path, const void *data, size_t length, struct error *error) {
    struct safetensors *file;
    unsigned sum = 0;
    write_all(path, data, length);
    if (!safetensors_open(path, &file, error))
        return false;
    for (size_t i = 0; i < safetensors_size(file); i++) {
        const struct tensor *tensor = safetensors_at(file, i);
        for (size_t j = 0; j < tensor->bytes; j++)
            sum += ((const uint8_t *)tensor->data)[j];
        sum += (unsigned)strlen(tensor->name);
    }
    safetensors_close(file);
    return sum != UINT32_MAX;
}

static void a_file_cut_anywhere_is_refused_and_named(void **state) {
    char *path = temporary_path(state, "cut.safetensors");
    size_t length;
    char *data = read_all(small, &length);
    for (size_t cut = 0; cut < length; cut++) {
        struct error error = {0};
        assert_false(opens(path, data, cut, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "cut.safetensors"));
    }
    free(data);
    free(path);
}

static void a_file_with_a_byte_too_many_is_refused(void **state) {
    char *path = temporary_path(state, "long.safetensors");
    size_t length;
    char *data = read_all(small, &length);
    data[length] = 0;
    struct error error = {0};
    assert_false(opens(path, data, length + 1, &error));
    assert_non_null(strstr(error.message, "belong to no tensor"));
    free(data);
    free(path);
}

static void no_changed_byte_breaks_the_reader(void **state) {
    char *path = temporary_path(state, "flip.safetensors");
    size_t length, opened = 0;
    char *data = read_all(small, &length);
    static const char changes[] = {0x01, 0x10, (char)0x80, (char)0xff};
    for (size_t i = 0; i < length; i++) {
        for (size_t j = 0; j < sizeof changes; j++) {
            data[i] = (char)(data[i] ^ changes[j]);
            opened += opens(path, data, length, NULL);
            data[i] = (char)(data[i] ^ changes[j]);
        }
    }
    assert_true(opened > 0 && opened < 4 * length); /* data and names may change, the layout not */
    free(data);
    free(path);
}

/* Writes a file with this header and so many bytes of data; says why it is refused. */
static void expect_refused(void **state, const char *header, size_t data_bytes, const char *why) {
    char *path = temporary_path(state, "bad.safetensors");
    char bytes[4096] = {0};
    size_t length = strlen(header);
    bytes[0] = (char)(length & 0xff);
    bytes[1] = (char)(length >> 8);
    memcpy(bytes + 8, header, length);
    struct error error = {0};
    if (opens(path, bytes, 8 + length + data_bytes, &error))
        fail_msg("taken for a file: %s", header);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "bad.safetensors"));
    if (strstr(error.message, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, why);
    free(path);
}

#define ENTRY(dtype, shape, begin, end)                                                            \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

/* Of a tensor without elements it may be as large as it can be. */
static void a_side_that_double_may_have_rounded_is_refused(void **state) {
    static const char whole[] = "{\"a\":" ENTRY("U8", "[9007199254740991,0]", "0", "0") "}";
    char *path = temporary_path(state, "a.safetensors"), bytes[200] = {sizeof whole - 1};
    memcpy(bytes + 8, whole, sizeof whole - 1);
    write_all(path, bytes, 8 + sizeof whole - 1);
    struct safetensors *file = open_file(path);
    assert_int_equal(safetensors_at(file, 0)->shape[0], 9007199254740991);
    safetensors_close(file);
    free(path);
    expect_refused(state, "{\"a\":" ENTRY("U8", "[9007199254740993,0]", "0", "0") "}", 0,
                   "whole numbers below 2^53");
}

static void lies_in_the_header_are_told(void **state) {
    expect_refused(state, "[]", 0, "no JSON object");
    expect_refused(state, "{", 0, "");
    expect_refused(state, "{\"a\":1}", 0, "\"a\" needs exactly");
    expect_refused(state, "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "needs exactly");
    expect_refused(state, "{\"a\":" ENTRY("U9", "[1]", "0", "1") "}", 1, "unknown dtype");
    expect_refused(state, "{\"a\":" ENTRY("U8", "1", "0", "1") "}", 1, "no shape");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[-1]", "0", "1") "}", 1, "whole numbers");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[0.5]", "0", "1") "}", 1, "whole numbers");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[\"1\"]", "0", "1") "}", 1, "whole numbers");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[1e300]", "0", "1") "}", 1, "whole numbers");
    expect_refused(state, "{\"a\":" ENTRY("F64", "[1,1,1,1,1,1,1,1,1]", "0", "8") "}", 8,
                   "more than 8");
    expect_refused(state, "{\"a\":" ENTRY("F64", "[4294967296,4294967296]", "0", "0") "}", 0,
                   "larger than");
    expect_refused(state, "{\"a\":" ENTRY("F64", "[2305843009213693952]", "0", "0") "}", 0, "");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[2]", "0", "1") "}", 1, "do not fit its shape");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[1]", "0", "2") "}", 1, "outside the file");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[1]", "1", "0") "}", 1, "outside the file");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[1]", "-1", "0") "}", 1, "data_offsets");
    expect_refused(state, "{\"a\":" ENTRY("U8", "[1]", "1", "2") "}", 2, "hole");
    expect_refused(
        state, "{\"a\":" ENTRY("U8", "[2]", "0", "2") ",\"b\":" ENTRY("U8", "[2]", "1", "3") "}", 3,
        "overlaps");
    expect_refused(
        state, "{\"a\":" ENTRY("U8", "[1]", "0", "1") ",\"a\":" ENTRY("U8", "[1]", "1", "2") "}", 2,
        "");
    expect_refused(state, "{\"__metadata__\":[]}", 0, "__metadata__");
    expect_refused(state, "{\"__metadata__\":{\"a\":1}}", 0, "\"a\" is no string");
}

static void a_header_length_beyond_the_file_or_the_limit_is_refused(void **state) {
    char *path = temporary_path(state, "long.safetensors");
    struct error error = {0};
    const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 8, UINT64_C(1) << 63};
    for (size_t i = 0; i < 5; i++) {
        char bytes[10] = {0};
        memcpy(bytes, &lengths[i], 8);
        memcpy(bytes + 8, "{}", 2);
        assert_false(opens(path, bytes, sizeof bytes, &error));
        assert_non_null(strstr(error.message, "cut short"));
    }
    free(path);
}

static void what_is_no_file_is_refused(void **state) {
    struct safetensors *file;
    struct error error = {0};
    assert_false(safetensors_open(*state, &file, &error));
    assert_non_null(strstr(error.message, "no safetensors file"));
    char *path = temporary_path(state, "missing");
    assert_false(safetensors_open(path, &file, &error));
    assert_non_null(strstr(error.message, "No such file"));
    safetensors_close(NULL);
    free(path);
}

/* What another program does to a file that is being read. */
static void what_becomes_of_the_file_behind_it_changes_nothing(void **state) {
    const float values[4096] = {1, 2, [4095] = 3};
    const struct tensor tensor = {.name = "a",
                                  .type = TENSOR_F32,
                                  .rank = 1,
                                  .shape = {4096},
                                  .data = values,
                                  .bytes = sizeof values};
    char *path = temporary_path(state, "cut.safetensors");
    assert_true(safetensors_write(path, &tensor, 1, NULL, 0, NULL));
    struct safetensors *file = open_file(path);
    assert_int_equal(truncate(path, 0), 0);
    assert_memory_equal(safetensors_find(file, "a")->data, values, sizeof values);
    safetensors_close(file);
    free(path);
}

static struct {
    size_t reads_left; /* before one fails; SIZE_MAX: none does */
    int reason;        /* errno, or 0 where the file ends */
} failing = {.reads_left = SIZE_MAX};

ssize_t __real_pread(int descriptor, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int descriptor, void *bytes, size_t length, off_t offset);
ssize_t __wrap_pread(int descriptor, void *bytes, size_t length, off_t offset) {
    if (failing.reads_left == SIZE_MAX || failing.reads_left-- > 0)
        return __real_pread(descriptor, bytes, length, offset);
    errno = failing.reason;
    return failing.reason != 0 ? -1 : 0;
}

/* What pread is where _FORTIFY_SOURCE is defined, as Ubuntu's compiler does by itself. */
ssize_t __wrap___pread_chk(int descriptor, void *bytes, size_t length, off_t offset, size_t room);
ssize_t __wrap___pread_chk(int descriptor, void *bytes, size_t length, off_t offset, size_t room) {
    assert_in_range(length, 0, room);
    return __wrap_pread(descriptor, bytes, length, offset);
}

static void what_the_disk_does_not_give_is_said(void **state) {
    static const struct {
        int reason;
        enum error_cause cause;
        const char *said;
    } cases[] = {{EIO, CAUSE_MACHINE, "cannot be read: Input/output error"},
                 {0, CAUSE_UNKNOWN, "has become shorter"}};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t reads = 0; reads < 3; reads++) {
            struct safetensors *file;
            struct error error = {0};
            failing.reads_left = reads;
            failing.reason = cases[i].reason;
            assert_false(safetensors_open(small, &file, &error));
            failing.reads_left = SIZE_MAX;
            assert_int_equal(error.code, ERROR_INPUT);
            assert_int_equal(error.cause, cases[i].cause);
            assert_non_null(strstr(error.message, cases[i].said));
        }
}

static void the_head_alone_says_all_but_the_data(void **state) {
    struct safetensors *file;
    (void)state;
    assert_true(safetensors_open_head(small, &file, NULL));
    assert_string_equal(safetensors_metadata(file, "note"), "\xc3\xa4\n");
    assert_int_equal(safetensors_find(file, "conv1.weight")->rank, 2);
    assert_null(safetensors_find(file, "conv1.weight")->data);
    safetensors_close(file);
}

static void a_pipe_is_refused_and_not_waited_for(void **state) {
    struct safetensors *file;
    struct error error = {0};
    char *path = temporary_path(state, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(safetensors_open(path, &file, &error));
    assert_non_null(strstr(error.message, "no plain file"));
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_numpy_made_is_read),
        cmocka_unit_test(tensors_stand_in_the_order_of_their_data),
        IN_FOLDER(what_is_written_reads_back_the_same),
        IN_FOLDER(the_same_tensors_give_the_same_bytes_and_leave_no_other_file),
        IN_FOLDER(the_data_begin_at_a_multiple_of_eight),
        IN_FOLDER(data_that_do_not_come_leave_no_file),
        IN_FOLDER(what_the_disk_does_not_take_leaves_no_other_file),
        IN_FOLDER(what_cannot_take_its_name_is_not_written),
        IN_FOLDER(a_header_beyond_what_is_read_is_not_written),
        IN_FOLDER(a_prefix_is_dropped_where_every_name_has_it),
        IN_FOLDER(a_file_of_metadata_alone_is_a_file),
        IN_FOLDER(writing_into_a_missing_folder_fails_and_names_the_file),
        IN_FOLDER(a_file_cut_anywhere_is_refused_and_named),
        IN_FOLDER(a_file_with_a_byte_too_many_is_refused),
        IN_FOLDER(no_changed_byte_breaks_the_reader),
        IN_FOLDER(a_side_that_double_may_have_rounded_is_refused),
        IN_FOLDER(lies_in_the_header_are_told),
        IN_FOLDER(a_header_length_beyond_the_file_or_the_limit_is_refused),
        IN_FOLDER(what_is_no_file_is_refused),
        IN_FOLDER(what_becomes_of_the_file_behind_it_changes_nothing),
        cmocka_unit_test(what_the_disk_does_not_give_is_said),
        cmocka_unit_test(the_head_alone_says_all_but_the_data),
        IN_FOLDER(a_pipe_is_refused_and_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
