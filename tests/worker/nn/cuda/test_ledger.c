#include "worker/nn/cuda/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char memory[1000];

static void the_most_is_of_what_was_held_at_once(void **state) {
    (void)state;
    struct ledger ledger = {0};
    assert_true(ledger_add(&ledger, &memory[0], 100, NULL));
    assert_true(ledger_add(&ledger, &memory[1], 30, NULL));
    ledger_remove(&ledger, &memory[1]);
    assert_true(ledger_add(&ledger, &memory[2], 20, NULL));
    assert_int_equal(ledger.held, 120);
    assert_int_equal(ledger.most, 130);
    ledger_free(&ledger);
}

static void an_address_that_is_given_again_counts_anew(void **state) {
    (void)state;
    struct ledger ledger = {0};
    assert_true(ledger_add(&ledger, &memory[0], 100, NULL));
    ledger_remove(&ledger, &memory[0]);
    assert_true(ledger_add(&ledger, &memory[0], 7, NULL));
    ledger_remove(&ledger, &memory[0]);
    assert_int_equal(ledger.held, 0);
    ledger_remove(&ledger, &memory[0]); /* of nobody now */
    assert_int_equal(ledger.held, 0);
    assert_int_equal(ledger.most, 100);
    ledger_free(&ledger);
}

static void a_thousand_are_given_back_in_any_order(void **state) {
    (void)state;
    struct ledger ledger = {0};
    for (size_t i = 0; i < sizeof memory; i++)
        assert_true(ledger_add(&ledger, &memory[i], i, NULL));
    assert_int_equal(ledger.most, 999 * 1000 / 2);
    for (size_t i = 0; i < sizeof memory; i++)
        ledger_remove(&ledger, &memory[i * 377 % sizeof memory]);
    assert_int_equal(ledger.count, 0);
    assert_int_equal(ledger.held, 0);
    ledger_free(&ledger);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_is_of_what_was_held_at_once),
        cmocka_unit_test(an_address_that_is_given_again_counts_anew),
        cmocka_unit_test(a_thousand_are_given_back_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
