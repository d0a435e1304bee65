#include "cli/whoami.h"

#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void expect_person(const char *user, const char *person) {
    char name[WHOAMI_SIZE], host[64], expected[WHOAMI_SIZE];
    assert_int_equal(gethostname(host, sizeof host), 0);
    assert_int_equal(setenv("USER", user, 1), 0);
    whoami(name);
    snprintf(expected, sizeof expected, "%s@%s", person, host);
    assert_string_equal(name, expected);
}

static void a_person_is_the_user_at_this_machine(void **state) {
    (void)state;
    expect_person("jana", "jana");
    expect_person("J\u00fcrgen", "J\u00fcrgen");
}

static void who_has_no_name_goes_by_the_account(void **state) {
    (void)state;
    char account[64] = "", name[WHOAMI_SIZE], expected[WHOAMI_SIZE], host[64];
    FILE *id = popen("id -un 2>/dev/null || echo somebody", "r");
    assert_non_null(id);
    assert_int_equal(fscanf(id, "%59s", account), 1);
    pclose(id);
    expect_person("", account);
    assert_int_equal(gethostname(host, sizeof host), 0);
    snprintf(expected, sizeof expected, "%s@%s", account, host);
    unsetenv("USER");
    whoami(name);
    assert_string_equal(name, expected);
}

static void what_is_no_printable_name_is_made_one(void **state) {
    (void)state;
    expect_person("ja\nna\033[2J", "ja?na?[2J");
    expect_person("ja\xffna", "ja?na");
}

static void a_long_name_is_cut_where_a_letter_ends(void **state) {
    (void)state;
    char user[128], name[WHOAMI_SIZE];
    snprintf(user, sizeof user, "%059d\u00fc and more", 0); /* of whose two bytes one has room */
    assert_int_equal(setenv("USER", user, 1), 0);
    whoami(name);
    assert_true(text_printable(name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_the_user_at_this_machine),
        cmocka_unit_test(who_has_no_name_goes_by_the_account),
        cmocka_unit_test(what_is_no_printable_name_is_made_one),
        cmocka_unit_test(a_long_name_is_cut_where_a_letter_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
