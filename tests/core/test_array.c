#include "core/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_array_keeps_what_is_in_it_as_it_grows(void **state) {
    (void)state;
    size_t capacity = 0, grown = 0;
    int *items = NULL;
    for (int i = 0; i < 1000; i++) {
        size_t before = capacity;
        items = array_room(items, (size_t)i + 1, &capacity, sizeof *items);
        assert_non_null(items);
        items[i] = i;
        grown += capacity != before;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_in_range(grown, 1, 10);
    free(items);
}

static void much_room_is_had_at_once(void **state) {
    (void)state;
    size_t capacity = 0;
    char *items = array_room(NULL, 5000, &capacity, 3);
    assert_non_null(items);
    assert_in_range(capacity, 5000, SIZE_MAX);
    assert_ptr_equal(array_room(items, 4999, &capacity, 3), items);
    free(items);
}

static void there_is_an_array_for_nothing_too(void **state) {
    (void)state;
    size_t capacity = 0;
    void *items = array_room(NULL, 0, &capacity, 8);
    assert_non_null(items);
    free(items);
}

static void what_no_memory_holds_leaves_the_array_as_it_was(void **state) {
    (void)state;
    size_t capacity = 0;
    int *items = array_room(NULL, 1, &capacity, sizeof *items);
    items[0] = 7;
    size_t before = capacity;
    assert_null(array_room(items, SIZE_MAX / 2, &capacity, sizeof *items));
    assert_int_equal(capacity, before);
    assert_int_equal(items[0], 7);
    free(items);
}

static int compare(const void *key, const void *item) {
    return *(const int *)key - *(const int *)item;
}

static void what_is_put_in_its_place_stands_in_order(void **state) {
    (void)state;
    size_t capacity = 0, count = 0;
    int *items = NULL;
    for (int i = 0; i < 101; i++) { /* each number below 101 once */
        int number = i * 37 % 101;
        size_t at = array_place(&number, items, count, sizeof *items, compare);
        items = array_gap(items, at, count, &capacity, sizeof *items);
        assert_non_null(items);
        items[at] = number;
        count++;
    }
    for (int i = 0; i < 101; i++) {
        assert_int_equal(items[i], i);
        assert_int_equal(array_place(&i, items, count, sizeof *items, compare), i);
    }
    free(items);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_keeps_what_is_in_it_as_it_grows),
        cmocka_unit_test(much_room_is_had_at_once),
        cmocka_unit_test(there_is_an_array_for_nothing_too),
        cmocka_unit_test(what_no_memory_holds_leaves_the_array_as_it_was),
        cmocka_unit_test(what_is_put_in_its_place_stands_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
