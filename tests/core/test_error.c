#include "core/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum error_cause cause_of(int number) {
    struct error error = {0};
    errno = number;
    error_errno(&error, ERROR_FAILED, "cannot write x");
    return error.cause;
}

static void errno_tells_what_the_machine_lacks_from_what_is_wrong(void **state) {
    (void)state;
    assert_int_equal(cause_of(ENOSPC), CAUSE_ROOM);
    assert_int_equal(cause_of(EDQUOT), CAUSE_ROOM);
    assert_int_equal(cause_of(ENOMEM), CAUSE_MACHINE);
    assert_int_equal(cause_of(EMFILE), CAUSE_MACHINE);
    assert_int_equal(cause_of(EIO), CAUSE_MACHINE);
    assert_int_equal(cause_of(ENOTCONN), CAUSE_MACHINE); /* a mount whose daemon has died */
    assert_int_equal(cause_of(ESTALE), CAUSE_MACHINE);
    assert_int_equal(cause_of(ENOENT), CAUSE_UNKNOWN); /* a class folder that is missing */
    assert_int_equal(cause_of(EACCES), CAUSE_UNKNOWN);
}

static enum error_code code_of(int number) {
    struct error error = {0};
    errno = number;
    error_errno(&error, ERROR_INPUT, "x: cannot be read");
    return error.code;
}

static void an_input_is_not_wrong_because_the_process_is_short_of_something(void **state) {
    (void)state;
    assert_int_equal(code_of(EMFILE), ERROR_FAILED);
    assert_int_equal(code_of(ENFILE), ERROR_FAILED);
    assert_int_equal(code_of(ENOMEM), ERROR_FAILED);
    assert_int_equal(code_of(ENOENT), ERROR_INPUT);
    assert_int_equal(code_of(EIO), ERROR_INPUT);
}

static void
the_cause_stays_when_context_is_put_before_it_and_goes_with_the_next_error(void **state) {
    (void)state;
    struct error error = {0};
    assert_false(error_machine(&error, "out of memory for %d", 7));
    assert_int_equal(error.code, ERROR_FAILED);
    error_context(&error, "epoch 2");
    assert_int_equal(error.cause, CAUSE_MACHINE);
    assert_string_equal(error.message, "epoch 2: out of memory for 7");
    error_set(&error, ERROR_INPUT, "no such op");
    assert_int_equal(error.cause, CAUSE_UNKNOWN);
}

static void memory_is_what_the_machine_lacks(void **state) {
    (void)state;
    struct error error = {0};
    assert_false(error_memory(&error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_int_equal(error.cause, CAUSE_MACHINE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errno_tells_what_the_machine_lacks_from_what_is_wrong),
        cmocka_unit_test(an_input_is_not_wrong_because_the_process_is_short_of_something),
        cmocka_unit_test(
            the_cause_stays_when_context_is_put_before_it_and_goes_with_the_next_error),
        cmocka_unit_test(memory_is_what_the_machine_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
