#include "core/content_sum.h"

#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const float weights[] = {1, -2};
static const int64_t steps[] = {5000000000};
static const struct tensor tensors[] = {
    {"a", TENSOR_F32, 1, {2}, weights, sizeof weights},
    {"b", TENSOR_I64, 0, {0}, steps, sizeof steps},
};
static const struct metadata metadata[] = {{"epoch", "1"}, {"format", "pt"}, {CONTENT_SUM_KEY, ""}};

/* python3 -c "import zlib, struct; s = lambda n, d: zlib.crc32(n + b'\\0' + d); print('%08x' % ((
 *     s(b'epoch', b'1') + s(b'format', b'pt') + s(b'a', struct.pack('<2f', 1, -2))
 *     + s(b'b', struct.pack('<q', 5000000000))) % 2**32))" */
static const char expected[] = "c32e0ee1";

static void the_sum_is_zlibs_of_names_and_contents(void **state) {
    char text[CONTENT_SUM_SIZE];
    (void)state;
    content_sum_text(metadata, 3, tensors, 2, text);
    assert_string_equal(text, expected);
}

/* Whether a file of the metadata and the tensors is what its sum says. */
static bool holds(void **state, const struct metadata *said, size_t count,
                  const struct tensor *written, struct error *error) {
    char *path = temporary_path(state, "a.safetensors");
    struct safetensors *file;
    assert_true(safetensors_write(path, written, 2, said, count, NULL));
    assert_true(safetensors_open(path, &file, NULL));
    bool same = content_sum_check(file, path, error);
    safetensors_close(file);
    free(path);
    return same;
}

static void the_order_in_a_file_does_not_matter(void **state) {
    const struct metadata turned[] = {{CONTENT_SUM_KEY, expected}, metadata[1], metadata[0]};
    const struct tensor swapped[] = {tensors[1], tensors[0]};
    assert_true(holds(state, turned, 3, tensors, NULL));
    assert_true(holds(state, turned, 3, swapped, NULL));
}

static void another_content_is_an_error_that_says_so(void **state) {
    const struct metadata said[] = {metadata[0], metadata[1], {CONTENT_SUM_KEY, expected}};
    const struct metadata other[] = {{"epoch", "2"}, metadata[1], {CONTENT_SUM_KEY, expected}};
    const struct tensor renamed[] = {{"c", TENSOR_F32, 1, {2}, weights, sizeof weights},
                                     tensors[1]};
    struct error error = {0};
    assert_true(holds(state, said, 3, tensors, NULL));
    assert_false(holds(state, other, 3, tensors, NULL));
    assert_false(holds(state, said, 3, renamed, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "a.safetensors: is damaged"));
    assert_non_null(strstr(error.message, expected));
}

static void a_file_without_a_sum_is_taken_as_it_is(void **state) {
    assert_true(holds(state, metadata, 2, tensors, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_zlibs_of_names_and_contents),
        IN_FOLDER(the_order_in_a_file_does_not_matter),
        IN_FOLDER(another_content_is_an_error_that_says_so),
        IN_FOLDER(a_file_without_a_sum_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
