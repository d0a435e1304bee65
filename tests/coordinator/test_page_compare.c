/* Comparisons for browsers, of a coordinator that a test plays. */
#include "coordinator/page_compare.h"

#include "core/field.h"
#include "tests/values.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Two experiments, and what is asked about them. */
struct played {
    const char *state;   /* of the second */
    const char *key;     /* one of the second that has, in `list`, another value; or NULL */
    int pictures;        /* of the test split */
    int copies;          /* of the two, in `list` */
    int crowd;           /* so many ask, which `scores` waits for */
    bool away;           /* `scores` is not answered */
    atomic_int listings; /* `list` */
    atomic_int details;  /* `show` */
    atomic_int at_once;  /* in `scores` */
    atomic_bool crowded; /* two were */
};

static cJSON *experiment(int id, const char *state, bool details) {
    char text[640];
    snprintf(
        text, sizeof text,
        "{\"id\": %d, \"name\": \"g/%d\", \"state\": \"%s\", \"attempt\": 1, \"finished_ms\": 5,"
        " \"epochs_done\": 3, \"config\": {}, \"history\": [1, 2, 3], \"evaluations\": ["
        "{\"checkpoint\": \"best\", \"split\": \"valid\", \"epoch\": 3, \"accuracy\": 0.%d,"
        " \"loss\": 0.5},"
        "{\"checkpoint\": \"best\", \"split\": \"test\", \"epoch\": 3, \"accuracy\": 0.5}]}",
        id, id, state, id);
    cJSON *object = parsed(text);
    if (!details)
        cJSON_DeleteItemFromObject(object, "evaluations");
    return object;
}

static cJSON *experiments(const struct played *played, bool details) {
    cJSON *answer = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(answer, "experiments");
    for (int i = 0; i < (details ? 1 : played->copies); i++) {
        cJSON_AddItemToArray(list, experiment(1, "done", details));
        cJSON *second = experiment(2, played->state, details);
        if (played->key != NULL && !details) {
            cJSON_DeleteItemFromObject(second, played->key);
            cJSON_AddNumberToObject(second, played->key, 7);
        }
        cJSON_AddItemToArray(list, second);
    }
    return answer;
}

static cJSON *scores(const struct played *played) {
    cJSON *answer = parsed("{\"classes\": [{\"name\": \"real\", \"label\": 1}], \"next\": null}");
    cJSON *pictures = cJSON_AddArrayToObject(answer, "pictures");
    for (int i = 0; i < played->pictures; i++) {
        cJSON *picture = cJSON_CreateObject();
        cJSON_AddNumberToObject(picture, "probability", 0.9);
        cJSON_AddItemToArray(pictures, picture);
    }
    return answer;
}

static bool play(void *context, const char *request, cJSON *body, const char *expected,
                 cJSON **answer, struct error *error) {
    struct played *played = context;
    (void)expected;
    cJSON_Delete(body);
    if (strcmp(request, "list") == 0) {
        atomic_fetch_add(&played->listings, 1);
        *answer = experiments(played, false);
    } else if (strcmp(request, "show") == 0) {
        atomic_fetch_add(&played->details, 1);
        *answer = experiments(played, true);
    } else {
        assert_string_equal(request, "scores");
        if (played->away)
            return error_set(error, ERROR_UNREACHABLE, "it is away");
        while (atomic_load(&played->listings) < played->crowd)
            usleep(1000);
        if (atomic_fetch_add(&played->at_once, 1) > 0)
            atomic_store(&played->crowded, true);
        *answer = scores(played);
        atomic_fetch_sub(&played->at_once, 1);
    }
    return true;
}

static struct page_compare *opened(void) {
    struct page_compare *compare = NULL;
    struct error error;
    assert_true(page_compare_open(&compare, &error));
    return compare;
}

static char *compared(struct page_compare *compare, struct played *played, const char *group,
                      struct error *error) {
    cJSON *selection = cJSON_CreateObject();
    cJSON_AddStringToObject(selection, "group", group);
    char *text = page_compare(compare, &(struct source){play, played}, selection, error);
    cJSON_Delete(selection);
    return text;
}

static void a_comparison_is_made_again_only_when_an_experiment_is_something_else(void **state) {
    (void)state;
    struct played played = {.state = "running", .pictures = 4, .copies = 1};
    struct page_compare *compare = opened();
    struct error error;
    char *first = compared(compare, &played, "g", &error);
    char *second = compared(compare, &played, "g", &error);
    assert_string_equal(first, second);
    assert_int_equal(played.listings, 2);
    assert_int_equal(played.details, 1);
    played.state = "done";
    char *third = compared(compare, &played, "g", &error);
    assert_int_equal(played.details, 2);
    cJSON *document = parsed(third);
    const cJSON *one = cJSON_GetArrayItem(field_at(document, "experiments"), 1);
    assert_string_equal(field_text(one, "state", ""), "done");
    assert_non_null(
        strstr(field_text(document, "verdict", ""), "Keep the best checkpoint of 2 g/2"));
    char *fourth = compared(compare, &played, "g", &error);
    assert_string_equal(fourth, third);
    assert_int_equal(played.details, 2);
    cJSON_Delete(document);
    free(first), free(second), free(third), free(fourth);
    page_compare_close(compare);
}

static void whatever_may_change_a_comparison_has_it_made_again(void **state) {
    (void)state;
    static const char *const keys[] = {"attempt", "finished_ms", "stopped", "tags", "epochs_done"};
    struct played played = {.state = "failed", .pictures = 4, .copies = 1};
    struct page_compare *compare = opened();
    struct error error;
    for (int i = 0; i < 5; i++) {
        played.key = NULL;
        free(compared(compare, &played, "g", &error));
        played.details = 0;
        played.key = keys[i];
        free(compared(compare, &played, "g", &error));
        assert_int_equal(played.details, i < 4 ? 1 : 0);
    }
    page_compare_close(compare);
}

static void those_that_were_asked_for_longest_ago_are_forgotten(void **state) {
    (void)state;
    struct played played = {.state = "done", .pictures = 4, .copies = 1};
    struct page_compare *compare = opened();
    struct error error;
    char name[16];
    for (int i = 0; i < 10; i++) { /* two more than are kept; the first is asked for in between */
        snprintf(name, sizeof name, "g%d", i);
        free(compared(compare, &played, name, &error));
        free(compared(compare, &played, "g0", &error));
    }
    assert_int_equal(played.details, 10);
    free(compared(compare, &played, "g8", &error));
    free(compared(compare, &played, "g9", &error));
    assert_int_equal(played.details, 10);
    free(compared(compare, &played, "g2", &error));
    assert_int_equal(played.details, 11);
    page_compare_close(compare);
}

struct asking {
    struct page_compare *compare;
    struct played *played;
};

static void *ask(void *context) {
    struct asking *asking = context;
    struct error error;
    return compared(asking->compare, asking->played, "g", &error);
}

static void of_many_who_ask_at_once_one_makes_it(void **state) {
    (void)state;
    struct played played = {.state = "done", .pictures = 2000, .copies = 1, .crowd = 8};
    struct asking asking = {opened(), &played};
    pthread_t threads[8];
    void *texts[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &asking), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], &texts[i]), 0);
    for (int i = 0; i < 8; i++) {
        assert_string_equal(texts[i], texts[0]);
        assert_true(i == 0 || texts[i] != texts[0]);
    }
    for (int i = 0; i < 8; i++)
        free(texts[i]);
    assert_int_equal(played.details, 1);
    assert_false(played.crowded);
    page_compare_close(asking.compare);
}

static void more_pictures_than_a_page_is_to_read_are_refused_once(void **state) {
    (void)state;
    struct played played = {
        .state = "done", .pictures = PAGE_COMPARE_PICTURES_MAX / 2 + 1, .copies = 1};
    struct page_compare *compare = opened();
    for (int i = 0; i < 2; i++) {
        struct error error = {0};
        assert_null(compared(compare, &played, "g", &error));
        assert_int_equal(error.code, ERROR_FAILED);
        assert_non_null(strstr(error.message, "assay compare"));
    }
    assert_int_equal(played.details, 1);
    page_compare_close(compare);
}

static void more_experiments_than_a_page_is_to_read_are_refused(void **state) {
    (void)state;
    struct played played = {.state = "done", .copies = PAGE_COMPARE_MEMBERS_MAX / 2 + 1};
    struct page_compare *compare = opened();
    struct error error = {0};
    assert_null(compared(compare, &played, "g", &error));
    assert_non_null(strstr(error.message, "more than 1000 experiments"));
    assert_int_equal(played.details, 0);
    page_compare_close(compare);
}

static void as_many_experiments_as_a_page_is_to_read_are_compared(void **state) {
    (void)state;
    struct played played = {.state = "done", .pictures = 4, .copies = PAGE_COMPARE_MEMBERS_MAX / 2};
    struct page_compare *compare = opened();
    struct error error = {0};
    char *text = compared(compare, &played, "g", &error);
    assert_non_null(text);
    free(text);
    page_compare_close(compare);
}

static void what_failed_is_tried_again(void **state) {
    (void)state;
    struct played played = {.state = "done", .pictures = 4, .copies = 1, .away = true};
    struct page_compare *compare = opened();
    struct error error = {0};
    assert_null(compared(compare, &played, "g", &error));
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    played.away = false;
    char *text = compared(compare, &played, "g", &error);
    assert_non_null(text);
    free(text);
    page_compare_close(compare);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comparison_is_made_again_only_when_an_experiment_is_something_else),
        cmocka_unit_test(whatever_may_change_a_comparison_has_it_made_again),
        cmocka_unit_test(those_that_were_asked_for_longest_ago_are_forgotten),
        cmocka_unit_test(of_many_who_ask_at_once_one_makes_it),
        cmocka_unit_test(more_pictures_than_a_page_is_to_read_are_refused_once),
        cmocka_unit_test(more_experiments_than_a_page_is_to_read_are_refused),
        cmocka_unit_test(as_many_experiments_as_a_page_is_to_read_are_compared),
        cmocka_unit_test(what_failed_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
