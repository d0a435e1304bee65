/* Listings of checksums from outside. */
#include "core/checksums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* sha256sum of "a" and "b" */
#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define B "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"

static bool reads(const char *text, struct manifest *listing, struct error *error) {
    return checksums_read(text, strlen(text), "real", listing, error);
}

static void a_listing_reads_back_what_was_written(void **state) {
    struct manifest listing;
    struct error error = {0};
    size_t length;
    char sum[SHA256_TEXT_SIZE];
    const char *text = A "  real/a b.png\n" B "  real/b.png\n";
    (void)state;
    assert_true(reads(text, &listing, &error));
    assert_int_equal(listing.count, 2);
    assert_string_equal(listing.pictures[0].path, "real/a b.png");
    assert_string_equal(listing.pictures[1].sha256, B);
    char *again = checksums_text(&listing, &listing.classes[0], &length);
    assert_string_equal(again, text);
    /* what sha256sum says of a file with these two lines */
    sha256_text(again, length, sum);
    assert_string_equal(sum, "d79f807c4b6d6de7be0d627339a1906c3b88c849aa4cc057337014e761dc67d2");
    free(again);
    manifest_free(&listing);
}

static void an_empty_listing_has_no_pictures(void **state) {
    struct manifest listing;
    (void)state;
    assert_true(reads("", &listing, NULL));
    assert_int_equal(listing.count, 0);
    manifest_free(&listing);
}

static void a_path_that_leaves_its_folder_is_refused(void **state) {
    static const char *const paths[] = {"/etc/passwd", "../a",  "a/../../b", "a/..", "..",
                                        "./a",         "a/./b", "a//b",      "a/",   "."};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct manifest listing;
        struct error error = {0};
        char text[200];
        snprintf(text, sizeof text, A "  a\n" B "  %s\n", paths[i]);
        assert_false(reads(text, &listing, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "real:2: "));
    }
}

static void a_name_longer_than_a_file_system_takes_is_refused(void **state) {
    struct manifest listing;
    char text[400] = A "  ";
    (void)state;
    memset(text + strlen(text), 'n', 256);
    strcat(text, "\n");
    assert_false(reads(text, &listing, NULL));
}

static void what_is_no_line_of_sha256sum_is_refused(void **state) {
    static const char *const texts[] = {
        "\n",
        A "\n",
        A "  \n",
        A " a\n",
        A "  a" /* cut short */,
        "A" A "  a\n",
        "x\n",
        "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB  a\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct manifest listing;
        assert_false(reads(texts[i], &listing, NULL));
    }
}

static void a_path_that_comes_twice_or_out_of_order_is_refused(void **state) {
    struct manifest listing;
    (void)state;
    assert_false(reads(A "  a\n" B "  a\n", &listing, NULL));
    assert_false(reads(A "  b\n" B "  a\n", &listing, NULL));
}

static void a_nul_within_a_line_is_refused(void **state) {
    static const char text[] = A "  a\0b\n";
    struct manifest listing;
    (void)state;
    assert_false(checksums_read(text, sizeof text - 1, "real", &listing, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_reads_back_what_was_written),
        cmocka_unit_test(an_empty_listing_has_no_pictures),
        cmocka_unit_test(a_path_that_leaves_its_folder_is_refused),
        cmocka_unit_test(a_name_longer_than_a_file_system_takes_is_refused),
        cmocka_unit_test(what_is_no_line_of_sha256sum_is_refused),
        cmocka_unit_test(a_path_that_comes_twice_or_out_of_order_is_refused),
        cmocka_unit_test(a_nul_within_a_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
