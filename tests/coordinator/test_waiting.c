#include "coordinator/waiting.h"

#include "tests/coordinator/tickets.h"

/* What experiment 1, which the scheduler has, is told to wait for. */
static const char *waits_for(const struct scheduler *scheduler, const struct presence *present) {
    static char text[WAITING_TEXT];
    waiting_for_worker(scheduler, scheduler_find(scheduler, 1)->lane, present, text);
    return text;
}

static void add_with_labels(struct scheduler *scheduler, const char *labels, int64_t memory) {
    struct ticket ticket = ticket_of(1, 0);
    ticket.need.labels = labels;
    ticket.need.memory_bytes = memory;
    assert_true(scheduler_add(scheduler, &ticket));
}

static void put_labelled(struct scheduler *scheduler, const char *name, const char *labels,
                         int64_t memory) {
    struct worker worker = worker_named(name, BACKEND_CPU, memory);
    snprintf(worker.labels, sizeof worker.labels, "%s", labels);
    assert_true(scheduler_put_worker(scheduler, &worker));
}

static void the_first_label_that_nobody_has_is_named(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    const struct presence present = {.now_ms = 0, .lost_ms = 1000};
    add_with_labels(&scheduler, "a\nbb\nc\n", GIB);
    put_labelled(&scheduler, "w", "a\n", GIB);
    put_labelled(&scheduler, "small", "bb\n", GIB - 1);
    assert_string_equal(waits_for(&scheduler, &present), "no worker with label bb");
    scheduler_clear(&scheduler);
}

static void labels_that_are_there_but_on_no_one_worker_are_told_as_that(void **state) {
    (void)state;
    struct scheduler scheduler = {0};
    struct presence present = {.now_ms = 1000, .lost_ms = 1000};
    add_with_labels(&scheduler, "a\nb\n", 0);
    put_labelled(&scheduler, "v", "a\n", GIB);
    put_labelled(&scheduler, "w", "b\n", GIB);
    assert_string_equal(waits_for(&scheduler, &present), "no worker has all of its labels");
    scheduler_worker(&scheduler, "v")->draining = true;
    assert_string_equal(waits_for(&scheduler, &present), "no worker with label a");
    put_labelled(&scheduler, "v", "a\nb\n", GIB);
    assert_string_equal(waits_for(&scheduler, &present), "its turn");
    present.now_ms = 1001; /* both are lost */
    assert_string_equal(waits_for(&scheduler, &present), "no worker is connected");
    scheduler_clear(&scheduler);
}

static const char *rests(int64_t left_ms) {
    static char text[WAITING_TEXT];
    waiting_for_rest(left_ms, text);
    return text;
}

static void a_rest_is_rounded_up_and_told_in_minutes_from_two_on(void **state) {
    (void)state;
    assert_string_equal(rests(1), "retries in 1 s");
    assert_string_equal(rests(1000), "retries in 1 s");
    assert_string_equal(rests(1001), "retries in 2 s");
    assert_string_equal(rests(119000), "retries in 119 s");
    assert_string_equal(rests(119001), "retries in 2 min");
    assert_string_equal(rests(120000), "retries in 2 min");
    assert_string_equal(rests(120001), "retries in 3 min");
    assert_string_equal(rests(180000), "retries in 3 min");
}

static void of_a_long_list_of_names_whole_characters_are_shown(void **state) {
    (void)state;
    char words[128], expected[WAITING_TEXT], text[WAITING_TEXT];
    snprintf(words, sizeof words, "%099d\u00e9, b", 0); /* two bytes, the hundredth and the next */
    snprintf(expected, sizeof expected, "after %099d\u2026: 1 of 2 done", 0);
    waiting_for_others(&(struct waiting_after){.words = words, .members = 2, .done = 1}, text);
    assert_string_equal(text, expected);
    words[98] = '\0';
    snprintf(expected, sizeof expected, "after %098d: 1 of 2 done", 0);
    waiting_for_others(&(struct waiting_after){.words = words, .members = 2, .done = 1}, text);
    assert_string_equal(text, expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_label_that_nobody_has_is_named),
        cmocka_unit_test(labels_that_are_there_but_on_no_one_worker_are_told_as_that),
        cmocka_unit_test(a_rest_is_rounded_up_and_told_in_minutes_from_two_on),
        cmocka_unit_test(of_a_long_list_of_names_whole_characters_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
