/* The bits of elements are from numpy and torch: numpy.float16(0.1).tobytes() and so on. */
#include "core/tensor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void types_have_names_and_sizes(void **state) {
    (void)state;
    enum tensor_type type;
    assert_true(tensor_type_find("BF16", &type));
    assert_int_equal(type, TENSOR_BF16);
    assert_int_equal(tensor_type_bytes(type), 2);
    assert_false(tensor_type_find("bf16", &type));
    for (int i = TENSOR_F32; i <= TENSOR_BOOL; i++) {
        assert_true(tensor_type_find(tensor_type_name((enum tensor_type)i), &type));
        assert_int_equal(type, i);
    }
}

static void expect_element(enum tensor_type type, const char *bytes, size_t index,
                           const char *expected) {
    const struct tensor tensor = {.type = type, .data = bytes};
    char text[TENSOR_ELEMENT_SIZE];
    tensor_element_text(&tensor, index, text);
    assert_string_equal(text, expected);
}

static void floats_are_told_with_all_their_digits(void **state) {
    (void)state;
    expect_element(TENSOR_F32, "\xcd\xcc\xcc\x3d", 0, "0.100000001");
    expect_element(TENSOR_F32, "....\x00\x00\x00\x80", 1, "-0");
    expect_element(TENSOR_F64, "\x9a\x99\x99\x99\x99\x99\xb9\x3f", 0, "0.10000000000000001");
    expect_element(TENSOR_F16, "\x66\x2e", 0, "0.099976");
    expect_element(TENSOR_F16, "\xff\xfb", 0, "-65504");
    expect_element(TENSOR_F16, "\x01\x00", 0, "5.9605e-08");
    expect_element(TENSOR_F16, "\x00\xfc", 0, "-inf");
    expect_element(TENSOR_BF16, "\xcd\x3d", 0, "0.1001");
    expect_element(TENSOR_C64, "\x00\x00\x80\x3f\x00\x00\x00\xc0", 0, "(1, -2)");
    expect_element(TENSOR_F8_E4M3, "\x7e", 0, "0x7e");
}

static void integers_have_their_signs(void **state) {
    (void)state;
    expect_element(TENSOR_I64, "\x00\x00\x00\x00\x00\x00\x00\x80", 0, "-9223372036854775808");
    expect_element(TENSOR_U64, "\x00\x00\x00\x00\x00\x00\x00\x80", 0, "9223372036854775808");
    expect_element(TENSOR_I32, "\xff\xff\xff\xff", 0, "-1");
    expect_element(TENSOR_U32, "\xff\xff\xff\xff", 0, "4294967295");
    expect_element(TENSOR_I16, "\xfe\xff", 0, "-2");
    expect_element(TENSOR_U16, "\xfe\xff", 0, "65534");
    expect_element(TENSOR_I8, "\x80", 0, "-128");
    expect_element(TENSOR_U8, "\x80", 0, "128");
    expect_element(TENSOR_BOOL, "\x01\x00", 0, "true");
    expect_element(TENSOR_BOOL, "\x01\x00", 1, "false");
}

static void differing_elements_are_counted_by_their_bits(void **state) {
    (void)state;
    const float left[] = {0.0f, 1, 2, 3}, right[] = {-0.0f, 1, 2.5f, 3};
    const struct tensor a = {.rank = 1, .shape = {4}, .data = left, .bytes = sizeof left};
    const struct tensor b = {.rank = 1, .shape = {4}, .data = right, .bytes = sizeof right};
    size_t first = 9;
    char text[TENSOR_ELEMENT_SIZE];
    assert_int_equal(tensor_difference(&a, &a, &first), 0);
    assert_int_equal(tensor_difference(&a, &b, &first), 2);
    assert_int_equal(first, 0);
    tensor_element_bits(&b, 0, text);
    assert_string_equal(text, "0x80000000");
}

static void shapes_are_the_same_only_in_all_dimensions(void **state) {
    (void)state;
    const struct tensor a = {.rank = 2, .shape = {2, 3}}, b = {.rank = 2, .shape = {3, 2}},
                        c = {.rank = 1, .shape = {2, 3}};
    struct text text = {0};
    assert_true(tensor_same_shape(&a, &a));
    assert_false(tensor_same_shape(&a, &b));
    assert_false(tensor_same_shape(&a, &c));
    tensor_shape_text(a.shape, a.rank, &text);
    tensor_shape_text(NULL, 0, &text);
    assert_string_equal(text_string(&text), "[2, 3][]");
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_names_and_sizes),
        cmocka_unit_test(floats_are_told_with_all_their_digits),
        cmocka_unit_test(integers_have_their_signs),
        cmocka_unit_test(differing_elements_are_counted_by_their_bits),
        cmocka_unit_test(shapes_are_the_same_only_in_all_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
