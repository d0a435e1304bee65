/* What `assay data check` makes of pictures that were looked at. */
#include "cli/data_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct seen {
    const char *sum, *pixels; /* NULL: it is broken */
    unsigned lists;
    int width, height;
} seen[] = {
    {"a", "p", MANIFEST_TRAIN, 4, 4},  {"b", "p", MANIFEST_TEST, 2, 8},
    {"c", "q", MANIFEST_TRAIN, 2, 8},  {"d", "q", MANIFEST_TRAIN, 2, 8},
    {"e", NULL, MANIFEST_TRAIN, 0, 0}, {"f", "r", MANIFEST_VALID, 4, 4},
    {"c", "q", MANIFEST_TRAIN, 2, 8},  {"g", "s", MANIFEST_TRAIN, 4, 4},
    {"g", "s", MANIFEST_TEST, 4, 4},
};
enum { SEEN = sizeof seen / sizeof seen[0] };

static struct data_report reported(void) {
    struct data_report report = {.facts = calloc(SEEN, sizeof *report.facts)};
    struct manifest *manifest = &report.manifest;
    manifest->pictures = calloc(SEEN, sizeof *manifest->pictures);
    manifest->classes = calloc(1, sizeof *manifest->classes);
    manifest->count = SEEN;
    manifest->class_count = 1;
    manifest->classes[0] = (struct manifest_class){strdup("real"), 0, SEEN};
    for (size_t i = 0; i < SEEN; i++) {
        struct manifest_picture *picture = &manifest->pictures[i];
        struct picture_facts *facts = &report.facts[i];
        assert_true(asprintf(&picture->path, "real/%zu.png", i) > 0);
        snprintf(picture->sha256, sizeof picture->sha256, "%s", seen[i].sum);
        picture->lists = seen[i].lists;
        *facts = (struct picture_facts){.width = seen[i].width, .height = seen[i].height};
        if (seen[i].pixels == NULL)
            facts->fault = strdup("real/4.png: broken");
        else
            snprintf(facts->pixels, sizeof facts->pixels, "%s", seen[i].pixels);
    }
    assert_true(data_report_make(&report, NULL));
    return report;
}

static void of_sizes_as_frequent_the_smallest_is_usual_and_no_broken_one_is_odd(void **state) {
    (void)state;
    struct data_report report = reported();
    assert_int_equal(report.width, 2);
    assert_int_equal(report.height, 8);
    assert_int_equal(report.odd, 4);
    assert_int_equal(report.broken, 1);
    data_report_free(&report);
}

/* The same bytes of pixels in another size are another picture. */
static void leaks_come_first_and_twins_of_other_bytes_are_told_apart(void **state) {
    (void)state;
    struct data_report report = reported();
    assert_int_equal(report.twin_count, 2);
    assert_int_equal(report.leaks, 1);
    const struct twins *leak = &report.twins[0], *other = &report.twins[1];
    assert_true(leak->leak && leak->same_bytes);
    assert_int_equal(leak->count, 2);
    assert_int_equal(report.order[leak->first], 7);
    assert_false(other->leak || other->same_bytes);
    assert_int_equal(other->count, 3);
    assert_int_equal(report.order[other->first], 2);
    data_report_free(&report);
}

static void what_is_too_small_is_as_bad_as_what_is_broken_and_a_leak_is_less(void **state) {
    (void)state;
    assert_int_equal(data_report_status(&(struct data_report){.broken = 1, .leaks = 1}),
                     ERROR_INPUT);
    assert_int_equal(data_report_status(&(struct data_report){.small = 1}), ERROR_INPUT);
    assert_int_equal(data_report_status(&(struct data_report){.leaks = 1}), ERROR_FAILED);
    assert_int_equal(data_report_status(&(struct data_report){.odd = 1, .grey = 1}), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_sizes_as_frequent_the_smallest_is_usual_and_no_broken_one_is_odd),
        cmocka_unit_test(leaks_come_first_and_twins_of_other_bytes_are_told_apart),
        cmocka_unit_test(what_is_too_small_is_as_bad_as_what_is_broken_and_a_leak_is_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
