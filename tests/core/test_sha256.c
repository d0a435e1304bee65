/* FIPS 180-2, appendix B.1 and B.2. */
#include "core/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_sum(const char *data, const char *expected) {
    char text[SHA256_TEXT_SIZE];
    sha256_text(data, strlen(data), text);
    assert_string_equal(text, expected);
}

static void the_standards_examples_have_its_sums(void **state) {
    (void)state;
    expect_sum("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_standards_examples_have_its_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
