/* Where what was given no path of its own goes. */
#include "core/home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void is_at(const char *expected) {
    struct error error = {0};
    char *path = home_path("assay.db", &error);
    if (path == NULL)
        fail_msg("%s", error.message);
    assert_string_equal(path, expected);
    free(path);
}

static void the_home_that_was_chosen_comes_before_the_users(void **state) {
    (void)state;
    setenv("HOME", "/home/ada", 1);
    setenv("ASSAY_HOME", "/srv/assay", 1);
    is_at("/srv/assay/assay.db");
}

static void without_one_it_is_in_the_users_share(void **state) {
    (void)state;
    setenv("HOME", "/home/ada", 1);
    unsetenv("ASSAY_HOME");
    is_at("/home/ada/.local/share/assay/assay.db");
    setenv("ASSAY_HOME", "", 1); /* as good as unset */
    is_at("/home/ada/.local/share/assay/assay.db");
}

static void without_either_it_is_an_error_of_the_input(void **state) {
    (void)state;
    struct error error = {0};
    unsetenv("ASSAY_HOME");
    unsetenv("HOME");
    assert_null(home_path("assay.db", &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_home_that_was_chosen_comes_before_the_users),
        cmocka_unit_test(without_one_it_is_in_the_users_share),
        cmocka_unit_test(without_either_it_is_an_error_of_the_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
