/* Files of torch.save, real and forged: tests/make_pth_data.py made them with PyTorch 1.13. */
#include "core/pth.h"

#include "core/pth_view.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define DATA TEST_DATA "/pth/"

static struct safetensors *open_file(const char *path) {
    struct safetensors *file = NULL;
    struct error error = {0};
    if (!weights_file_open(path, &file, &error))
        fail_msg("%s", error.message);
    return file;
}

/* The .pth holds the tensors that PyTorch read from it, bit for bit, and no others. */
static void expect_same(const char *pth, const char *expected) {
    struct safetensors *ours = open_file(pth), *theirs = open_file(expected);
    assert_int_equal(safetensors_size(ours), safetensors_size(theirs));
    for (size_t i = 0; i < safetensors_size(theirs); i++) {
        const struct tensor *right = safetensors_at(theirs, i);
        const struct tensor *left = safetensors_find(ours, right->name);
        if (left == NULL || left->type != right->type || left->rank != right->rank ||
            memcmp(left->shape, right->shape, right->rank * sizeof right->shape[0]) != 0 ||
            left->bytes != right->bytes || memcmp(left->data, right->data, right->bytes) != 0)
            fail_msg("%s differs", right->name);
    }
    safetensors_close(ours);
    safetensors_close(theirs);
}

static void every_dtype_view_and_shape_is_what_pytorch_reads(void **state) {
    (void)state;
    expect_same(DATA "kinds.pth", DATA "kinds.safetensors");
}

static void a_training_checkpoint_gives_its_state_dict(void **state) {
    (void)state;
    expect_same(DATA "wrapped.pth", DATA "wrapped.safetensors");
}

static void tensors_keep_the_order_of_the_dict(void **state) {
    (void)state;
    struct safetensors *file = open_file(DATA "norm.pth");
    assert_string_equal(safetensors_at(file, 0)->name, "bn1.weight");
    assert_string_equal(safetensors_at(file, 4)->name, "bn1.num_batches_tracked");
    safetensors_close(file);
}

/* What the script forges when it forges nothing wrong. */
static void expect_fair(const char *path) {
    const float expected[] = {1, 2, 3, 4};
    struct safetensors *file = open_file(path);
    assert_memory_equal(safetensors_find(file, "w")->data, expected, sizeof expected);
    safetensors_close(file);
}

static void a_forged_file_that_is_fair_is_read(void **state) {
    (void)state;
    expect_fair(DATA "fair.pth");
    expect_fair(DATA "little_endian.pth");
    expect_fair(DATA "eight_dimensions.pth");
    expect_fair(DATA "shared_fair.pth"); /* "w" and another of one storage, with a third between */
}

/* As Tensor.expand makes it: of the same numbers again. */
static void a_row_without_a_stride_is_repeated(void **state) {
    (void)state;
    const float expected[] = {3, 4, 3, 4};
    struct safetensors *file = open_file(DATA "repeated_row.pth");
    const struct tensor *tensor = safetensors_find(file, "w");
    assert_int_equal(tensor->bytes, sizeof expected);
    assert_memory_equal(tensor->data, expected, sizeof expected);
    safetensors_close(file);
}

static void expect_refused(const char *path, const char *part) {
    struct safetensors *file = NULL;
    struct error error = {0};
    if (weights_file_open(path, &file, &error))
        fail_msg("%s was read", path);
    assert_null(file);
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, path) == NULL || strstr(error.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void nothing_in_a_pickle_is_executed(void **state) {
    char *here = getcwd(NULL, 0);
    assert_int_equal(chdir(*state), 0);
    expect_refused(DATA "evil.pth", "holds a call of \"posix system\", which is not made");
    expect_refused(DATA "evil_inside.pth", "\"x\" in it is no tensor");
    expect_refused(DATA "evil_key.pth", "\"w\" in it is no tensor");
    assert_int_equal(access("evil_was_here", F_OK), -1);
    assert_int_equal(chdir(here), 0);
    free(here);
}

static void what_is_no_state_dict_is_refused_with_what_to_save(void **state) {
    (void)state;
    expect_refused(DATA "module.pth", "holds a call of \"torch.nn.modules.linear Linear\"");
    expect_refused(DATA "module.pth", "save the weights alone: torch.save(model.state_dict()");
    expect_refused(DATA "bare.pth", "holds a call of \"torch._utils _rebuild_tensor_v2\"");
    expect_refused(DATA "list.pth", "\"weights\" in it is no tensor");
    expect_refused(DATA "numbers.pth", "holds no dict of tensors");
}

static void files_of_before_pytorch_1_6_are_read(void **state) {
    (void)state;
    expect_same(DATA "old_kinds.pth", DATA "kinds.safetensors");
    expect_same(DATA "old_wrapped.pth", DATA "wrapped.safetensors");
    expect_fair(DATA "old_fair.pth");
    expect_fair(DATA "old_parameter.pth");
}

static void they_are_read_in_every_protocol_of_pickle(void **state) {
    (void)state;
    expect_same(DATA "old_protocol_3.pth", DATA "kinds.safetensors");
    expect_same(DATA "old_protocol_4.pth", DATA "kinds.safetensors");
    expect_same(DATA "old_protocol_5.pth", DATA "kinds.safetensors");
}

static void of_those_what_is_broken_is_refused(void **state) {
    (void)state;
    expect_refused(DATA "old_complex.pth", "holds a storage of an unknown kind");
    expect_refused(DATA "old_big_endian.pth", "was not written on a little-endian machine");
    expect_refused(DATA "old_missing.pth", "a part of it is missing");
    expect_refused(DATA "old_twice.pth", "its list of storages is not the object's");
    expect_refused(DATA "old_other.pth", "its list of storages is not the object's");
    expect_refused(DATA "old_short.pth", "a part of it has the wrong size");
    expect_refused(DATA "old_long.pth", "it is cut short");
    expect_refused(DATA "old_negative.pth", "it is cut short");
}

static void a_zip_that_torch_did_not_write_is_refused(void **state) {
    (void)state;
    expect_refused(DATA "zip_only.pth", "is a zip archive without a data.pkl");
    expect_refused(DATA "compressed.pth", "is compressed, which torch.save never does");
    expect_refused(DATA "big_endian.pth", "was written on a big-endian machine");
}

static void storages_that_do_not_hold_their_tensors_are_refused(void **state) {
    (void)state;
    expect_refused(DATA "short.pth", "a part of it has the wrong size");
    expect_refused(DATA "offset.pth", "a part of it has the wrong size");
    expect_refused(DATA "shared_short.pth",
                   "a part of it has the wrong size"); /* of one, not all */
    expect_refused(DATA "offset_huge.pth", "reaches outside its storage");
    expect_refused(DATA "stride_huge.pth", "a tensor reaches outside its storage");
    expect_refused(DATA "storage_missing.pth", "a part of it is missing");
}

static void impossible_offsets_strides_and_shapes_are_refused(void **state) {
    (void)state;
    expect_refused(DATA "offset_negative.pth", "\"w\" in it is no tensor");
    expect_refused(DATA "stride_negative.pth", "\"w\" in it is no tensor");
    expect_refused(DATA "stride_missing.pth", "\"w\" in it is no tensor");
    expect_refused(DATA "rank.pth", "\"w\" in it is no tensor");
    expect_refused(DATA "shape_huge.pth", "\"w\" in it is no tensor");
    expect_refused(DATA "shape_repeating.pth", "its tensors are larger than the file");
}

static void storages_that_share_their_bytes_in_the_file_are_refused(void **state) {
    (void)state;
    expect_refused(DATA "overlap.pth", "its parts are larger than the file");
}

/* --- damage --- */

struct victim {
    char *path;
    uint8_t data[2048];
    size_t length;
};

static void victim_write(const struct victim *victim, size_t length) {
    FILE *file = fopen(victim->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(victim->data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void victim_read(void **state, struct victim *victim, const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    victim->path = temporary_path(state, "victim.pth");
    victim->length = fread(victim->data, 1, sizeof victim->data, file);
    assert_true(victim->length < sizeof victim->data);
    fclose(file);
}

/* Opens it; what is taken must have all its bytes, what is refused a message. Gives their sum, or
 * -1. */
static long survey(const struct victim *victim) {
    struct safetensors *file = NULL;
    struct error error = {0};
    long sum = 0;
    if (!weights_file_open(victim->path, &file, &error)) {
        assert_null(file);
        assert_true(error.code == ERROR_INPUT && strlen(error.message) > 0);
        return -1;
    }
    for (size_t i = 0; i < safetensors_size(file); i++) {
        const struct tensor *tensor = safetensors_at(file, i);
        for (size_t k = 0; k < tensor->bytes; k++)
            sum += ((const uint8_t *)tensor->data)[k];
    }
    safetensors_close(file);
    return sum;
}

static long memory_peak_mib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

static void every_bit_of_a_file_may_flip(void **state) {
    static const char *const paths[] = {DATA "small.pth", DATA "fair.pth",
                                        DATA "old_parameter.pth"};
    for (size_t p = 0; p < 3; p++) {
        struct victim victim;
        long before = memory_peak_mib(), refused = 0;
        victim_read(state, &victim, paths[p]);
        for (size_t at = 0; at < victim.length; at++) {
            for (int bit = 0; bit < 8; bit++) {
                victim.data[at] ^= (uint8_t)(1 << bit);
                victim_write(&victim, victim.length);
                refused += survey(&victim) < 0;
                victim.data[at] ^= (uint8_t)(1 << bit);
            }
        }
        assert_true(refused > 1000); /* the checksums are looked at */
        assert_true(memory_peak_mib() - before < 600);
        free(victim.path);
    }
}

/* `sum`: of the bytes of its tensors. */
static void expect_whole(void **state, const char *path, long sum) {
    struct victim victim;
    victim_read(state, &victim, path);
    for (size_t length = 0; length < victim.length; length++) {
        victim_write(&victim, length);
        assert_int_equal(survey(&victim), -1);
    }
    victim_write(&victim, victim.length);
    assert_int_equal(survey(&victim), sum);
    free(victim.path);
}

static void a_file_may_end_anywhere(void **state) {
    const long one = 0x3f + 0x80, two = 0x40, three = 0x40 + 0x40, four = 0x40 + 0x80; /* floats */
    expect_whole(state, DATA "small.pth", one + two + 5 + 6); /* 0.f, 1.f, 2.f and 5, 6 */
    expect_whole(state, DATA "old_parameter.pth", one + two + three + four);
}

static void files_that_are_not_there_are_named(void **state) {
    (void)state;
    struct safetensors *file = NULL;
    struct error error = {0};
    assert_false(pth_recognise(DATA "none.pth"));
    assert_false(weights_file_open(DATA "none.pth", &file, &error));
    assert_non_null(strstr(error.message, "none.pth: No such file"));
}

static void calls_with_too_few_arguments_are_no_tensor(void **state) {
    (void)state;
    static const char *const pickles[] = {
        "ctorch.nn.parameter\nParameter\n)R.",
        "ctorch._utils\n_rebuild_parameter\n)R.",
        "ctorch._utils\n_rebuild_tensor\n)R.",
        /* a storage, an offset, a size, and no strides */
        "ctorch._utils\n_rebuild_tensor_v2\n"
        "(U\x07storagectorch\nFloatStorage\nU\x01"
        "0U\x03"
        "cpuK\x01tQK\x01)\x87R.",
    };
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
        struct pickle *pickle = NULL;
        struct pth_view view;
        struct error error = {0};
        if (!pickle_read((const uint8_t *)pickles[i], strlen(pickles[i]), "x", &pickle, &error))
            fail_msg("%zu: %s", i, error.message);
        assert_false(pth_view_read(pickle_root(pickle), &view));
        pickle_free(pickle);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dtype_view_and_shape_is_what_pytorch_reads),
        cmocka_unit_test(a_training_checkpoint_gives_its_state_dict),
        cmocka_unit_test(tensors_keep_the_order_of_the_dict),
        cmocka_unit_test(a_forged_file_that_is_fair_is_read),
        cmocka_unit_test(a_row_without_a_stride_is_repeated),
        IN_FOLDER(nothing_in_a_pickle_is_executed),
        cmocka_unit_test(what_is_no_state_dict_is_refused_with_what_to_save),
        cmocka_unit_test(files_of_before_pytorch_1_6_are_read),
        cmocka_unit_test(they_are_read_in_every_protocol_of_pickle),
        cmocka_unit_test(of_those_what_is_broken_is_refused),
        cmocka_unit_test(a_zip_that_torch_did_not_write_is_refused),
        cmocka_unit_test(storages_that_do_not_hold_their_tensors_are_refused),
        cmocka_unit_test(impossible_offsets_strides_and_shapes_are_refused),
        cmocka_unit_test(calls_with_too_few_arguments_are_no_tensor),
        cmocka_unit_test(storages_that_share_their_bytes_in_the_file_are_refused),
        IN_FOLDER(every_bit_of_a_file_may_flip),
        IN_FOLDER(a_file_may_end_anywhere),
        cmocka_unit_test(files_that_are_not_there_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
