/* Whom the live page is shown. What it shows: tests/integration/test_page.sh. */
#include "coordinator/page_door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char token[] = "0123456789abcdef-_.XYZ";

static enum page_verdict without_token(const char *host) {
    return page_door("", &(struct page_visitor){.host = host});
}

static void without_a_token_this_machine_alone_is_asked_for(void **state) {
    (void)state;
    static const char *const here[] = {"localhost", "LOCALHOST:7480", "127.0.0.1:7480", "127.1.2.3",
                                       "[::1]:1"};
    static const char *const elsewhere[] = {"evil.example",
                                            "localhost.evil.example",
                                            "127.0.0.1.evil",
                                            "10.0.0.1",
                                            "127.0.0.1.5",
                                            "127.100.100.100x",
                                            "127.100.100.100.evil.example",
                                            "127.100.100.100.evil.example:7480",
                                            "1270.0.0.1",
                                            "",
                                            "[::2]",
                                            " localhost"};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        assert_int_equal(without_token(here[i]), PAGE_WELCOME);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        assert_int_equal(without_token(elsewhere[i]), PAGE_NO_HOST);
    assert_int_equal(without_token(NULL), PAGE_NO_HOST);
}

static void a_token_is_taken_from_header_cookie_and_query(void **state) {
    (void)state;
    char bearer[64];
    snprintf(bearer, sizeof bearer, "bearer %s", token);
    const struct page_visitor header = {.host = "any.example", .authorization = bearer};
    const struct page_visitor cookie = {.cookie = token}, query = {.token = token};
    assert_int_equal(page_door(token, &header), PAGE_WELCOME);
    assert_int_equal(page_door(token, &cookie), PAGE_WELCOME);
    assert_int_equal(page_door(token, &query), PAGE_WELCOME_COOKIE);
}

static void any_other_token_is_none(void **state) {
    (void)state;
    char other[sizeof token];
    for (size_t i = 0; i < sizeof token - 1; i++) {
        memcpy(other, token, sizeof token);
        other[i] ^= 1;
        assert_int_equal(page_door(token, &(struct page_visitor){.token = other}), PAGE_NO_TOKEN);
        memcpy(other, token, sizeof token);
        other[i] = '\0';
        assert_int_equal(page_door(token, &(struct page_visitor){.cookie = other}), PAGE_NO_TOKEN);
    }
    static const char *const schemes[] = {"", "Basic  ", "Digest "};
    for (size_t i = 0; i < 3; i++) {
        char said[64];
        snprintf(said, sizeof said, "%s%s", schemes[i], token);
        const struct page_visitor not_bearer = {.host = "localhost", .authorization = said};
        assert_int_equal(page_door(token, &not_bearer), PAGE_NO_TOKEN);
    }
    assert_int_equal(page_door(token, &(struct page_visitor){.host = "localhost"}), PAGE_NO_TOKEN);
}

static void the_cookie_is_named_by_the_port_that_was_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *host, *name;
    } cases[] = {{"node:7480", "assay_token_7480"},
                 {"node:65535", "assay_token_65535"},
                 {"[::1]:80", "assay_token_80"},
                 {"node", "assay_token"},
                 {"[::1]", "assay_token"},
                 {"node:", "assay_token"},
                 {"node:7480;x", "assay_token"},
                 {"node:123456", "assay_token"},
                 {NULL, "assay_token"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[PAGE_COOKIE_SIZE];
        page_cookie_name(cases[i].host, name);
        assert_string_equal(name, cases[i].name);
    }
}

/* A file of that text and mode, read. */
static bool read_file(const char *text, mode_t mode, char read[PAGE_TOKEN_MAX + 1],
                      struct error *error) {
    char path[] = "/tmp/assay-token-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0 && fchmod(descriptor, mode) == 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    bool good = page_token_read(path, read, error);
    unlink(path);
    return good;
}

static void a_token_file_is_one_private_word(void **state) {
    (void)state;
    char read[PAGE_TOKEN_MAX + 1], longest[PAGE_TOKEN_MAX + 2];
    struct error error = {0};
    assert_true(read_file("  0123456789abcdef\r\n", 0600, read, &error));
    assert_string_equal(read, "0123456789abcdef");
    assert_true(read_file(token, 0600, read, &error));
    assert_string_equal(read, token);
    memset(longest, 'a', sizeof longest - 1);
    longest[PAGE_TOKEN_MAX + 1] = '\0';
    static const char *const refused[] = {"",
                                          "\n \n",
                                          "0123456789abcde",
                                          "0123456789 abcdef",
                                          "0123456789abcdef;",
                                          "0123456789abcdef\nx"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_false(read_file(refused[i], 0600, read, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
    assert_false(read_file(longest, 0600, read, &error));
    assert_true(read_file(longest + 1, 0600, read, &error));
}

static void a_token_that_others_may_read_is_refused(void **state) {
    (void)state;
    char read[PAGE_TOKEN_MAX + 1];
    struct error error = {0};
    assert_false(read_file(token, 0640, read, &error));
    assert_non_null(strstr(error.message, "chmod 600"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_token_this_machine_alone_is_asked_for),
        cmocka_unit_test(a_token_is_taken_from_header_cookie_and_query),
        cmocka_unit_test(any_other_token_is_none),
        cmocka_unit_test(the_cookie_is_named_by_the_port_that_was_asked_for),
        cmocka_unit_test(a_token_file_is_one_private_word),
        cmocka_unit_test(a_token_that_others_may_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
