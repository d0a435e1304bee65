/* FIPS 180-2, appendix B.1 to B.3. */
#include "core/sha256.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define SUM_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void expect_sum(const char *data, const char *expected) {
    char text[SHA256_TEXT_SIZE];
    sha256_text(data, strlen(data), text);
    assert_string_equal(text, expected);
}

static void the_standards_examples_have_its_sums(void **state) {
    (void)state;
    expect_sum("abc", SUM_OF_ABC);
    expect_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* The third example, a million letters a, is longer than a piece when it comes twice. */
static void a_file_has_the_sum_of_its_bytes_wherever_it_stands(void **state) {
    enum { MILLION = 1000000 };
    char text[SHA256_TEXT_SIZE], of_memory[SHA256_TEXT_SIZE];
    struct error error = {0};
    int64_t bytes = 0;
    int file = memfd_create("letters", 0);
    char *letters = malloc(2 * MILLION);
    (void)state;
    assert_non_null(letters);
    memset(letters, 'a', 2 * MILLION);
    assert_int_equal(write(file, letters, MILLION), MILLION);
    assert_true(sha256_file(file, "letters", text, &bytes, &error));
    assert_int_equal(bytes, MILLION);
    assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_int_equal(write(file, letters, MILLION), MILLION);
    assert_true(sha256_file(file, "letters", text, &bytes, &error));
    assert_int_equal(bytes, 2 * MILLION);
    sha256_text(letters, 2 * MILLION, of_memory);
    assert_string_equal(text, of_memory);
    free(letters);
    close(file);
}

static void only_a_sum_is_taken_for_one(void **state) {
    (void)state;
    assert_true(sha256_valid(SUM_OF_ABC));
    assert_false(sha256_valid(""));
    assert_false(sha256_valid(SUM_OF_ABC "0"));
    assert_false(sha256_valid("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"));
    assert_false(sha256_valid("../../../../../../../../../../../../../../../../../../etc/passwd"));
}

static bool refusing; /* OpenSSL's memory */

static void *allocate(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return refusing ? NULL : malloc(size);
}
static void *reallocate(void *memory, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return refusing ? NULL : realloc(memory, size);
}
static void release(void *memory, const char *file, int line) {
    (void)file, (void)line;
    free(memory);
}

static void a_sum_is_right_where_there_is_no_memory(void **state) {
    char text[SHA256_TEXT_SIZE];
    (void)state;
    refusing = true;
    sha256_text("abc", 3, text);
    refusing = false;
    assert_string_equal(text, SUM_OF_ABC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_right_where_there_is_no_memory), /* before OpenSSL keeps any */
        cmocka_unit_test(the_standards_examples_have_its_sums),
        cmocka_unit_test(a_file_has_the_sum_of_its_bytes_wherever_it_stands),
        cmocka_unit_test(only_a_sum_is_taken_for_one),
    };
    CRYPTO_set_mem_functions(allocate, reallocate, release);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
