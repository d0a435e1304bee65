#include "cli/client.h"

#include "cli/field.h"
#include "core/clock.h"
#include "tests/cli/fake.h"

#include <unistd.h>

/* A summary or, with `detail`, all of an experiment. */
static cJSON *experiment(int id, bool detail) {
    cJSON *object =
        parsed("{\"id\":1,\"name\":\"g/a\",\"group\":\"g\",\"variant\":{},\"state\":\"done\","
               "\"priority\":0,\"attempt\":1,\"max_attempts\":3,\"failures\":0,\"worker\":null,"
               "\"error\":null,\"submitted_ms\":1,\"started_ms\":null,\"finished_ms\":null,"
               "\"epochs\":3,\"epochs_done\":0,\"person\":\"\",\"waits\":null,\"progress\":null,"
               "\"best\":null,\"latest\":null}");
    cJSON_SetNumberValue(cJSON_GetObjectItem(object, "id"), id);
    if (detail) {
        cJSON_AddObjectToObject(object, "config");
        cJSON_AddArrayToObject(object, "history");
        cJSON_AddArrayToObject(object, "evaluations");
        cJSON_AddArrayToObject(object, "checkpoints");
        cJSON_AddArrayToObject(object, "artifacts");
        cJSON_AddArrayToObject(object, "attempts");
    }
    return object;
}

static cJSON *page(int first, int last, int next, bool detail) {
    cJSON *body = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(body, "experiments");
    for (int id = first; id <= last; id++)
        cJSON_AddItemToArray(items, experiment(id, detail));
    if (next > 0)
        cJSON_AddNumberToObject(body, "next", next);
    else
        cJSON_AddNullToObject(body, "next");
    return body;
}

static struct command_input input_of(int timeout_ms) {
    return (struct command_input){.connect = getenv("ASSAY_CONNECT"), .timeout_ms = timeout_ms};
}

static bool fetch(const char *question, char **words, size_t count, cJSON **experiments,
                  struct error *error) {
    struct command_input input = input_of(5000);
    struct client client;
    input.arguments = words;
    input.count = count;
    bool good = client_look(&input, question, &client, experiments, error);
    client_close(&client);
    return good;
}

/* Three pages of two; the question must be repeated each time. */
static cJSON *answer_pages(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    (void)context;
    (void)request;
    assert_string_equal(field_text(body, "group", ""), "g");
    assert_true(field_number(body, "after", 0) < 2 * (double)nth + 1);
    assert_true(field_number(body, "after", 0) > 2 * (double)nth - 1);
    *name = "details";
    return page(2 * (int)nth + 1, 2 * (int)nth + 2, nth < 2 ? 2 * (int)nth + 2 : 0, true);
}

static void all_pages_of_an_answer_are_fetched(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    cJSON *experiments;
    fake_start(&fake, answer_pages, NULL);
    assert_true(fetch("show", (char *[]){"g"}, 1, &experiments, &error));
    assert_int_equal(fake_stop(&fake), 3);
    assert_int_equal(cJSON_GetArraySize(experiments), 6);
    assert_int_equal((int)field_number(cJSON_GetArrayItem(experiments, 5), "id", 0), 6);
    cJSON_Delete(experiments);
}

/* All that is asked for, in one page. */
static cJSON *answer_ids(void *context, size_t nth, const char *request, const cJSON *body,
                         const char **name) {
    (void)context;
    (void)nth;
    (void)request;
    const cJSON *ids = cJSON_GetObjectItem(body, "ids"), *id;
    cJSON *answer = page(1, 0, 0, false);
    assert_in_range(cJSON_GetArraySize(ids), 1, SOURCE_IDS);
    cJSON_ArrayForEach(id, ids) cJSON_AddItemToArray(cJSON_GetObjectItem(answer, "experiments"),
                                                     experiment((int)id->valuedouble, false));
    *name = "experiments";
    return answer;
}

static void of_many_ids_some_are_asked_for_at_a_time(void **state) {
    (void)state;
    enum { COUNT = 2 * SOURCE_IDS + 1 };
    struct fake fake;
    struct error error = {0};
    cJSON *experiments, *one;
    static char text[COUNT][8];
    char *words[COUNT];
    int expected = 1;
    for (int i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "%d", COUNT - i);
        words[i] = text[i];
    }
    fake_start(&fake, answer_ids, NULL);
    assert_true(fetch("list", words, COUNT, &experiments, &error));
    assert_int_equal(fake_stop(&fake), 3);
    cJSON_ArrayForEach(one, experiments) {
        assert_int_equal((int)field_number(one, "id", 0), expected++);
    }
    assert_int_equal(expected, COUNT + 1);
    cJSON_Delete(experiments);
}

/* The first page for ever. */
static cJSON *answer_again(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    (void)context;
    (void)nth;
    (void)request;
    (void)body;
    *name = "experiments";
    return page(1, 2, 2, false);
}

static void a_page_that_comes_again_ends_the_asking(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    cJSON *experiments;
    fake_start(&fake, answer_again, NULL);
    assert_false(fetch("list", NULL, 0, &experiments, &error));
    assert_int_equal(fake_stop(&fake), 2);
    assert_int_equal(error.code, ERROR_FAILED);
    assert_string_equal(error.message, "the coordinator answers list with the same page again");
}

static cJSON *answer_first_only(void *context, size_t nth, const char *request, const cJSON *body,
                                const char **name) {
    (void)context;
    (void)nth;
    (void)request;
    *name = "experiments";
    return page(1, cJSON_HasObjectItem(body, "ids") ? 1 : 0, 0, false);
}

static void an_id_that_is_not_there_is_wrong_input(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    cJSON *experiments;
    fake_start(&fake, answer_first_only, NULL);
    assert_true(fetch("list", (char *[]){"1"}, 1, &experiments, &error));
    cJSON_Delete(experiments);
    assert_false(fetch("list", (char *[]){"1", "2"}, 2, &experiments, &error));
    fake_stop(&fake);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "there is no experiment 2; assay ls lists what there is");
    assert_null(experiments);
}

static void a_group_without_experiments_is_wrong_input(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    cJSON *experiments;
    fake_start(&fake, answer_first_only, NULL);
    assert_false(fetch("list", (char *[]){"demo"}, 1, &experiments, &error));
    fake_stop(&fake);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "there is no group \"demo\"; assay ls lists what there is");
}

static void ids_and_groups_are_not_mixed(void **state) {
    (void)state;
    struct error error = {0};
    assert_null(client_selection((char *[]){"1", "demo"}, 2, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    cJSON *all = client_selection(NULL, 0, &error);
    assert_int_equal(cJSON_GetArraySize(all), 0);
    cJSON_Delete(all);
}

/* The first request is lost; what the second one asks is the same. */
static cJSON *answer_second(void *context, size_t nth, const char *request, const cJSON *body,
                            const char **name) {
    char *key = context;
    assert_string_equal(request, "submit");
    if (nth == 0) {
        snprintf(key, 64, "%s", field_text(body, "key", ""));
        return NULL;
    }
    assert_string_equal(field_text(body, "key", ""), key);
    *name = "submitted";
    return parsed("{\"ids\":[7]}");
}

static void a_request_without_an_answer_is_sent_again_unchanged(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    char key[64] = "";
    cJSON *answer = NULL;
    fake_start(&fake, answer_second, key);
    struct command_input input = input_of(2000);
    cJSON *body = parsed("{\"key\":\"0123456789\",\"experiments\":[{\"name\":\"a\",\"group\":\"a\","
                         "\"config\":{},\"variant\":{}}]}");
    assert_true(client_ask_once(&input, "submit", body, "submitted", &answer, &error));
    assert_int_equal(fake_stop(&fake), 2);
    assert_string_equal(key, "0123456789");
    cJSON_Delete(answer);
}

/* The first request is done, and answered when the same has been asked again: then there is nothing
 * left to do. */
static cJSON *answer_late(void *context, size_t nth, const char *request, const cJSON *body,
                          const char **name) {
    (void)context, (void)request, (void)body;
    *name = "changed";
    if (nth == 0)
        usleep(1300000);
    return parsed(nth == 0 ? "{\"ids\":[7]}" : "{\"ids\":[]}");
}

static void a_late_answer_to_the_first_request_says_what_was_done(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    cJSON *answer = NULL;
    fake_start(&fake, answer_late, NULL);
    struct command_input input = input_of(2000);
    cJSON *body = parsed("{\"ids\":[7]}");
    assert_true(client_ask_once(&input, "cancel", body, "changed", &answer, &error));
    fake_stop(&fake);
    assert_int_equal(cJSON_GetArraySize(field_at(answer, "ids")), 1);
    cJSON_Delete(answer);
}

/* The first request is lost; there is no experiment. */
static cJSON *answer_none_at_second(void *context, size_t nth, const char *request,
                                    const cJSON *body, const char **name) {
    (void)context, (void)request, (void)body;
    *name = "experiments";
    return nth > 0 ? page(1, 0, 0, false) : NULL;
}

static void an_answer_to_the_second_request_leaves_no_error_of_the_first(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    struct client client;
    fake_start(&fake, answer_none_at_second, NULL);
    struct command_input input = input_of(400);
    assert_true(client_open(&input, &client, &error));
    assert_null(client_unfinished(&client, &error));
    assert_int_equal(error.code, ERROR_NONE);
    client_close(&client);
    assert_int_equal(fake_stop(&fake), 2);
}

static void a_coordinator_that_is_away_is_waited_for_no_longer_than_asked(void **state) {
    (void)state;
    struct command_input input = {.connect = "tcp://127.0.0.1:1", .timeout_ms = 400};
    struct error error = {0};
    int64_t before_ms = clock_steady_ms();
    assert_false(client_ask_once(&input, "status", NULL, "coordinator", NULL, &error));
    int64_t waited_ms = clock_steady_ms() - before_ms;
    assert_true(waited_ms >= 390 && waited_ms < 3000);
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    assert_non_null(strstr(error.message, "assay coordinator"));
}

static cJSON *answer_not_found(void *context, size_t nth, const char *request, const cJSON *body,
                               const char **name) {
    (void)context;
    (void)nth;
    (void)request;
    (void)body;
    *name = "error";
    return wire_error_body(WIRE_NOT_FOUND, "there is no experiment 9");
}

static void an_error_answer_is_final(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    fake_start(&fake, answer_not_found, NULL);
    struct command_input input = input_of(5000);
    cJSON *body = parsed("{\"id\":9,\"offset\":0}");
    assert_false(client_ask_once(&input, "logs", body, "log", NULL, &error));
    assert_int_equal(fake_stop(&fake), 1);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "there is no experiment 9");
}

/* The group g has experiments 1 and 2, both called g/a, and 3, g/b; there is no other. */
static cJSON *answer_group(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    (void)context, (void)nth;
    assert_string_equal(request, "list");
    bool g = strcmp(field_text(body, "group", ""), "g") == 0;
    cJSON *answer = g ? page(1, 3, 0, false) : page(1, 0, 0, false);
    cJSON *third = cJSON_GetArrayItem(field_at(answer, "experiments"), 2);
    if (third != NULL)
        cJSON_ReplaceItemInObject(third, "name", cJSON_CreateString("g/b"));
    *name = "experiments";
    return answer;
}

/* What words are resolved to, as JSON; "" and the error when to nothing. */
static void resolve(char **words, size_t count, char text[256], struct error *error) {
    struct command_input input = input_of(5000);
    struct client client;
    assert_true(client_open(&input, &client, error));
    cJSON *body = client_resolve(&client, words, count, error);
    char *json = body != NULL ? json_text(body) : NULL;
    snprintf(text, 256, "%s", json != NULL ? json : "");
    free(json);
    cJSON_Delete(body);
    client_close(&client);
}

static void words_are_ids_groups_or_names_of_which_the_newest_counts(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    char text[256];
    fake_start(&fake, answer_group, NULL);
    resolve((char *[]){"g"}, 1, text, &error);
    assert_string_equal(text, "{\"group\":\"g\"}");
    resolve((char *[]){"7"}, 1, text, &error);
    assert_string_equal(text, "{\"ids\":[7]}");
    resolve((char *[]){"g/a"}, 1, text, &error);
    assert_string_equal(text, "{\"ids\":[2]}");
    resolve((char *[]){"7", "g/b", "g", "7"}, 4, text, &error);
    assert_string_equal(text, "{\"ids\":[7,3,1,2]}");
    resolve((char *[]){"g/c"}, 1, text, &error);
    assert_string_equal(text, "");
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message,
                        "there is no experiment or group \"g/c\"; assay ls lists what there is");
    fake_stop(&fake);
}

static void a_word_that_names_several_is_no_one_experiment(void **state) {
    (void)state;
    struct fake fake;
    struct error error = {0};
    struct client client;
    long long id = 0;
    fake_start(&fake, answer_group, NULL);
    struct command_input input = input_of(5000);
    assert_true(client_open(&input, &client, &error));
    assert_true(client_resolve_one(&client, "g/b", &id, &error));
    assert_int_equal(id, 3);
    assert_false(client_resolve_one(&client, "g", &id, &error));
    assert_string_equal(
        error.message, "\"g\" names 3 experiments and one is asked for; assay ls \"g\" lists them");
    client_close(&client);
    fake_stop(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pages_of_an_answer_are_fetched),
        cmocka_unit_test(of_many_ids_some_are_asked_for_at_a_time),
        cmocka_unit_test(a_page_that_comes_again_ends_the_asking),
        cmocka_unit_test(an_id_that_is_not_there_is_wrong_input),
        cmocka_unit_test(a_group_without_experiments_is_wrong_input),
        cmocka_unit_test(ids_and_groups_are_not_mixed),
        cmocka_unit_test(a_request_without_an_answer_is_sent_again_unchanged),
        cmocka_unit_test(a_late_answer_to_the_first_request_says_what_was_done),
        cmocka_unit_test(an_answer_to_the_second_request_leaves_no_error_of_the_first),
        cmocka_unit_test(a_coordinator_that_is_away_is_waited_for_no_longer_than_asked),
        cmocka_unit_test(an_error_answer_is_final),
        cmocka_unit_test(words_are_ids_groups_or_names_of_which_the_newest_counts),
        cmocka_unit_test(a_word_that_names_several_is_no_one_experiment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
