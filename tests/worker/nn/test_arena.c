#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/nn/arena.h"

static void assert_apart(const struct arena_tensor *a, const struct arena_tensor *b) {
    bool meet_in_time = a->first <= b->last && b->first <= a->last;
    bool meet_in_space = a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
    assert_false(meet_in_time && meet_in_space);
}

static void tensors_that_live_together_stand_apart(void **state) {
    (void)state;
    enum { COUNT = 60 };
    struct arena_tensor tensors[COUNT];
    size_t bytes;
    struct error error;
    for (int i = 0; i < COUNT; i++)
        tensors[i] = (struct arena_tensor){.bytes = (size_t)(i * 7919 % 5000 + 1),
                                           .first = i * 31 % 40,
                                           .last = i * 31 % 40 + i % 13};
    assert_true(arena_place(tensors, COUNT, &bytes, &error));
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(tensors[i].offset % 64, 0);
        assert_true(tensors[i].offset + tensors[i].bytes <= bytes);
        for (int j = 0; j < i; j++)
            assert_apart(&tensors[i], &tensors[j]);
    }
}

static void tensors_of_different_times_share_memory(void **state) {
    (void)state;
    struct arena_tensor tensors[] = {
        {640, 0, 1, 0}, {640, 2, 3, 0}, {320, 4, 4, 0}, {320, 4, 5, 0}};
    size_t bytes;
    struct error error;
    assert_true(arena_place(tensors, 4, &bytes, &error));
    assert_int_equal(bytes, 640);
}

/* The small one first would stand where a large one could. */
static void large_tensors_take_their_places_first(void **state) {
    (void)state;
    struct arena_tensor tensors[] = {{64, 0, 1, 0}, {128, 1, 2, 0}, {128, 2, 3, 0}};
    size_t bytes;
    struct error error;
    assert_true(arena_place(tensors, 3, &bytes, &error));
    assert_int_equal(bytes, 256);
}

static void what_is_read_and_written_at_one_time_stands_apart(void **state) {
    (void)state;
    struct arena_tensor tensors[] = {{64, 0, 1, 0}, {64, 1, 2, 0}, {64, 2, 3, 0}};
    size_t bytes;
    struct error error;
    assert_true(arena_place(tensors, 3, &bytes, &error));
    assert_int_equal(bytes, 128); /* the third fits where the first stood */
}

static void an_arena_is_memory_and_that_of_no_bytes_is_none(void **state) {
    (void)state;
    void *memory;
    assert_true(arena_new(10000, &memory, NULL));
    memset(memory, 1, 10000);
    arena_free(memory, 10000);
    assert_true(arena_new(0, &memory, NULL));
    assert_null(memory);
    arena_free(memory, 0);
}

static void an_impossible_arena_is_an_error(void **state) {
    (void)state;
    void *memory;
    struct error error = {0};
    assert_false(arena_new(SIZE_MAX / 2, &memory, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    assert_null(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_that_live_together_stand_apart),
        cmocka_unit_test(tensors_of_different_times_share_memory),
        cmocka_unit_test(large_tensors_take_their_places_first),
        cmocka_unit_test(what_is_read_and_written_at_one_time_stands_apart),
        cmocka_unit_test(an_arena_is_memory_and_that_of_no_bytes_is_none),
        cmocka_unit_test(an_impossible_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
