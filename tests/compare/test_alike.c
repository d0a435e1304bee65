#include "compare/alike.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_same_texts_stand_together_in_their_order(void **state) {
    (void)state;
    static const char *const texts[] = {"b", "a", "b", "", "a", "b"};
    struct alike alike;
    assert_true(alike_make(texts, 6, &alike));
    const size_t *members = alike_members(&alike, 5);
    assert_int_equal(alike.many[5], 3);
    assert_int_equal(members[0], 0);
    assert_int_equal(members[1], 2);
    assert_int_equal(members[2], 5);
    assert_int_equal(alike.many[1], 2);
    assert_int_equal(alike_members(&alike, 1)[1], 4);
    assert_int_equal(alike.many[3], 1);
    alike_free(&alike);
}

static void the_first_of_each_text_is_told(void **state) {
    (void)state;
    static const char *const texts[] = {"b", "a", "b", NULL, "a", "c"};
    static const bool first[] = {true, true, false, false, false, true};
    struct alike alike;
    assert_true(alike_make(texts, 6, &alike));
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(alike_first(&alike, i), first[i]);
    assert_int_equal(alike.many[3], 0);
    alike_free(&alike);
}

static void of_nothing_there_is_nothing_alike(void **state) {
    (void)state;
    struct alike alike;
    assert_true(alike_make(NULL, 0, &alike));
    alike_free(&alike);
}

/* Against the definition, on texts of which each comes several times. */
static void every_pair_is_alike_where_its_texts_are(void **state) {
    (void)state;
    enum { COUNT = 300 };
    static char rooms[COUNT][8];
    const char *texts[COUNT];
    struct alike alike;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(rooms[i], sizeof rooms[i], "%zu", i * i * 7 % 101);
        texts[i] = i % 13 == 5 ? NULL : rooms[i];
    }
    assert_true(alike_make(texts, COUNT, &alike));
    for (size_t i = 0; i < COUNT; i++) {
        size_t many = 0;
        for (size_t k = 0; k < COUNT && texts[i] != NULL; k++) {
            if (texts[k] == NULL || strcmp(texts[i], texts[k]) != 0)
                continue;
            assert_int_equal(alike_members(&alike, i)[many++], k);
        }
        assert_int_equal(alike.many[i], many);
    }
    alike_free(&alike);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_texts_stand_together_in_their_order),
        cmocka_unit_test(the_first_of_each_text_is_told),
        cmocka_unit_test(of_nothing_there_is_nothing_alike),
        cmocka_unit_test(every_pair_is_alike_where_its_texts_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
