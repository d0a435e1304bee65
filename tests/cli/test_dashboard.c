#include "cli/dashboard.h"

#include "tests/values.h"

#include <stdlib.h>

static const char *const four =
    "[{\"id\": 1, \"name\": \"old\", \"state\": \"done\", \"epochs\": 2, \"epochs_done\": 2,"
    "  \"best\": {\"epoch\": 1, \"valid\": {\"loss\": 0.25, \"accuracy\": 0.9}}},"
    " {\"id\": 2, \"name\": \"a/flip\", \"state\": \"running\", \"epochs\": 4, \"epochs_done\": 1,"
    "  \"progress\": {\"phase\": \"train\", \"epoch\": 2, \"step\": 3, \"steps\": 9, \"loss\": 0.5,"
    "  \"images_per_second\": 61.2}, \"variant\": {\"augmentations\": \"flip\"}},"
    " {\"id\": 3, \"name\": \"a/jitter\", \"state\": \"queued\", \"epochs\": 4},"
    " {\"id\": 4, \"name\": \"a/affine\", \"state\": \"paused\", \"epochs\": 4}]";

static const char *const old_detail =
    "{\"id\": 1, \"name\": \"old\", \"state\": \"done\", \"epochs\": 2, \"epochs_done\": 2,"
    " \"best\": {\"epoch\": 1}, \"history\": ["
    " {\"epoch\": 1, \"train\": {\"loss\": 0.75}, \"valid\": {\"loss\": 0.25, \"accuracy\": 0.9},"
    "  \"learning_rate\": 0.0002, \"seconds\": 61},"
    " {\"epoch\": 2, \"train\": {\"loss\": 0.5}, \"valid\": {\"loss\": 0.5, \"accuracy\": 0.8},"
    "  \"learning_rate\": 0.0001, \"seconds\": 61}]}";

static struct dashboard started(void) {
    struct dashboard dashboard = {.endpoint = "tcp://127.0.0.1:7470"};
    dashboard_take_experiments(&dashboard, parsed(four));
    dashboard_take_workers(&dashboard, parsed("[{\"worker\": \"w\", \"state\": \"busy\"}]"));
    return dashboard;
}

enum { ROWS = 24, COLUMNS = 80 };

/* Whether some row of a page of so many columns contains the text. */
static bool shows_on(struct dashboard *dashboard, size_t columns, const char *text) {
    struct page page;
    bool found = false;
    assert_true(page_new(&page, ROWS, columns));
    dashboard_draw(dashboard, &page, "12:00:00");
    for (size_t i = 0; i < ROWS; i++) {
        char *row = page_row(&page, i);
        found = found || strstr(row, text) != NULL;
        free(row);
    }
    page_free(&page);
    return found;
}

static bool shows(struct dashboard *dashboard, const char *text) {
    return shows_on(dashboard, COLUMNS, text);
}

static enum dashboard_wish press(struct dashboard *dashboard, int key) {
    return dashboard_key(dashboard, key, ROWS);
}

static void type(struct dashboard *dashboard, const char *text) {
    for (; *text != '\0'; text++)
        press(dashboard, (unsigned char)*text);
}

static void the_list_has_the_newest_first_and_begins_at_what_runs(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_int_equal(dashboard.shown_count, 4);
    assert_string_equal(field_text(dashboard.shown[0], "name", ""), "a/affine");
    assert_near(dashboard.selected, 2, 0);
    assert_true(shows(&dashboard, "1 running  1 queued  1 paused  1 done  1 worker"));
    assert_true(shows(&dashboard, "   1  old        done            2/2 [##########]    "
                                  "0.2500   0.9000"));
    assert_true(shows(&dashboard, "2 a/flip  epoch 2/4  train 3/9  loss 0.5000"));
    dashboard_free(&dashboard);
}

static void an_evaluation_at_the_end_takes_no_epoch_back(void **state) {
    (void)state;
    struct dashboard dashboard = {.endpoint = "tcp://127.0.0.1:7470"};
    dashboard_take_experiments(
        &dashboard,
        parsed("[{\"id\": 2, \"name\": \"flip\", \"state\": \"running\", \"epochs\": 6,"
               " \"epochs_done\": 6, \"progress\": {\"phase\": \"valid\", \"epoch\": 5,"
               " \"step\": 1, \"steps\": 6, \"loss\": 0.5, \"images_per_second\": 61.2}}]"));
    assert_true(shows(&dashboard, "2 flip  epoch 6/6  valid 1/6 (epoch 5)  loss 0.5000"));
    dashboard_free(&dashboard);
}

static void files_on_their_way_are_counted_in_mib_alone(void **state) {
    (void)state;
    struct dashboard dashboard = {.endpoint = "tcp://127.0.0.1:7470"};
    dashboard_take_experiments(
        &dashboard,
        parsed("[{\"id\": 2, \"name\": \"flip\", \"state\": \"running\", \"epochs\": 6,"
               " \"epochs_done\": 6, \"progress\": {\"phase\": \"send\", \"epoch\": 0,"
               " \"step\": 31, \"steps\": 188, \"loss\": null, \"images_per_second\": null}}]"));
    assert_true(shows(&dashboard, "2 flip  epoch 6/6  send 31/188 MiB"));
    assert_false(shows(&dashboard, "images/s"));
    dashboard_free(&dashboard);
}

static void the_title_counts_everything_and_has_the_clock_where_there_is_room(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_true(shows_on(&dashboard, 64, "1 done  1 worker  12:00:00"));
    assert_true(shows_on(&dashboard, 63, "1 running  1 queued  1 paused  1 done  1 worker"));
    assert_false(shows_on(&dashboard, 63, "12:00:00"));
    assert_true(shows_on(&dashboard, 40, "1 running  1 queued  1 paused  1…"));
    dashboard_free(&dashboard);
}

static void the_help_is_whole_on_a_narrow_terminal(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_true(shows_on(&dashboard, 40, "? help  q quit"));
    press(&dashboard, '?');
    assert_true(shows_on(&dashboard, 40, "  ↑ ↓ k j  move; PgUp PgDn a page, g G"));
    assert_true(shows_on(&dashboard, 40, "           to the first and the last"));
    assert_true(shows_on(&dashboard, 40, "for no colours."));
    dashboard_free(&dashboard);
}

static void more_workers_than_rows_are_counted_and_leave_the_last_row_alone(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    struct page page;
    cJSON *workers = cJSON_CreateArray();
    for (int i = 0; i < ROWS; i++)
        cJSON_AddItemToArray(workers, parsed("{\"worker\": \"w\", \"state\": \"idle\","
                                             " \"backend\": \"cuda\", \"device\": \"card\"}"));
    dashboard_take_workers(&dashboard, workers);
    press(&dashboard, 'w');
    assert_true(page_new(&page, ROWS, 70));
    dashboard_draw(&dashboard, &page, "12:00:00");
    char *last = page_row(&page, ROWS - 1);
    assert_string_equal(last, "? help  q quit  ↑↓ move  Enter open");
    free(last);
    last = page_row(&page, ROWS - 2); /* 20 rows have a worker */
    assert_string_equal(last, "and 4 more; assay workers lists all");
    free(last);
    page_free(&page);
    dashboard_free(&dashboard);
}

/* 31 experiments of a matrix; the oldest runs. */
static struct dashboard started_with_a_matrix(void) {
    struct dashboard dashboard = {.endpoint = "tcp://127.0.0.1:7470"};
    cJSON *experiments = cJSON_CreateArray();
    for (int i = 1; i <= 31; i++) {
        char name[64];
        cJSON *one = parsed("{\"epochs\": 4}");
        snprintf(name, sizeof name, "matrix/augmentations=flip,seed=%d", i);
        cJSON_AddNumberToObject(one, "id", i);
        cJSON_AddStringToObject(one, "name", name);
        cJSON_AddStringToObject(one, "state", i == 1 ? "running" : "queued");
        cJSON_AddItemToArray(experiments, one);
    }
    dashboard_take_experiments(&dashboard, experiments);
    return dashboard;
}

static void the_selected_one_is_in_sight_from_the_beginning(void **state) {
    (void)state;
    struct dashboard dashboard = started_with_a_matrix();
    assert_near(dashboard.selected, 1, 0);
    assert_true(shows(&dashboard, "   1  matrix/"));
    assert_false(shows(&dashboard, "  31  matrix/"));
    press(&dashboard, 'g');
    assert_true(shows(&dashboard, "  31  matrix/"));
    dashboard_free(&dashboard);
}

static void a_long_name_leaves_room_for_the_state_and_why_it_failed(void **state) {
    (void)state;
    struct dashboard dashboard = {.endpoint = "tcp://127.0.0.1:7470"};
    dashboard_take_experiments(
        &dashboard,
        parsed("[{\"id\": 7, \"epochs\": 4, \"state\": \"failed\", \"error\": \"no such folder: "
               "/data/faces/real, which was moved\", \"name\": \"augmentation_ablation/"
               "flip+jitter+affine+vertical flip,real x2,seed=2 and more\"}]"));
    assert_true(shows(&dashboard, "and more  failed  no such folder: /data/faces/real"));
    dashboard_free(&dashboard);
    dashboard_take_experiments(
        &dashboard, parsed("[{\"id\": 7, \"epochs\": 4, \"state\": \"cancelled\", \"name\": "
                           "\"augmentation_ablation/flip+jitter,real x2,seed=2\"}]"));
    assert_true(shows(&dashboard, "7 augmentation_ablation/flip+jitter,real x2,seed=2  cancelled"));
    dashboard_free(&dashboard);
}

static void long_names_have_room_before_all_else_and_are_cut_where_they_are_alike(void **state) {
    (void)state;
    struct dashboard dashboard = started_with_a_matrix();
    assert_true(shows_on(&dashboard, 200, "   1  matrix/augmentations=flip,seed=1  running"));
    assert_true(shows_on(&dashboard, 110, "[----------]"));
    assert_true(shows(&dashboard, "   1  matrix/augmen…=flip,seed=1 running"));
    assert_false(shows(&dashboard, "[----------]"));
    assert_true(shows_on(&dashboard, 40, "   1  matrix/augme…flip,seed=1 running"));
    dashboard_free(&dashboard);
}

static void the_selection_moves_and_stays_within_the_list(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    press(&dashboard, DASHBOARD_DOWN);
    assert_near(dashboard.selected, 1, 0);
    press(&dashboard, 'j');
    assert_near(dashboard.selected, 1, 0);
    press(&dashboard, 'g');
    assert_near(dashboard.selected, 4, 0);
    press(&dashboard, 'k');
    assert_near(dashboard.selected, 4, 0);
    press(&dashboard, DASHBOARD_PAGE_DOWN);
    assert_near(dashboard.selected, 1, 0);
    press(&dashboard, DASHBOARD_PAGE_UP);
    assert_near(dashboard.selected, 4, 0);
    dashboard_free(&dashboard);
}

static void the_selection_stays_on_its_experiment_when_others_come_or_go(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    dashboard_take_experiments(
        &dashboard,
        parsed("[{\"id\": 2, \"state\": \"done\"}, {\"id\": 9, \"state\": \"running\"}]"));
    assert_near(dashboard.selected, 2, 0);
    dashboard_take_experiments(&dashboard, parsed("[{\"id\": 9, \"state\": \"running\"}]"));
    assert_near(dashboard.selected, 9, 0);
    dashboard_take_experiments(&dashboard, parsed("[]"));
    assert_null(dashboard_selected(&dashboard));
    assert_true(shows(&dashboard, "no experiments; assay submit FILE queues some"));
    dashboard_free(&dashboard);
}

static void details_are_wanted_until_they_are_as_new_as_the_summary(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_near(dashboard_wants_detail(&dashboard), 2, 0);
    press(&dashboard, 'G');
    assert_near(dashboard_wants_detail(&dashboard), 1, 0);
    dashboard_take_detail(&dashboard, parsed(old_detail));
    assert_near(dashboard_wants_detail(&dashboard), 0, 0);
    dashboard_take_detail(&dashboard,
                          parsed("{\"id\": 1, \"state\": \"running\", \"epochs_done\": 1}"));
    assert_near(dashboard_wants_detail(&dashboard), 1, 0);
    dashboard_free(&dashboard);
}

static void curves_have_their_range_and_mark_the_best_epoch(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_true(shows(&dashboard, "no epoch yet"));
    press(&dashboard, 'G');
    dashboard_take_detail(&dashboard, parsed(old_detail));
    assert_true(shows(&dashboard, "0.7500"));
    assert_true(shows(&dashboard, "0.2500"));
    assert_true(shows(&dashboard, "▲ best 1"));
    press(&dashboard, DASHBOARD_ENTER);
    assert_true(
        shows(&dashboard,
              "    1      0.7500      0.2500    0.9000        n/a     n/a  0.0002    1m 01s ▲"));
    dashboard_free(&dashboard);
}

/* The loss of both lists after one epoch. */
static void take_loss(struct dashboard *dashboard, const char *loss) {
    char text[400];
    snprintf(text, sizeof text,
             "{\"id\": 1, \"name\": \"old\", \"state\": \"done\", \"epochs\": 2,"
             " \"epochs_done\": 2, \"history\": [{\"epoch\": 1, \"train\": {\"loss\": %s,"
             " \"accuracy\": 0.5}, \"valid\": {\"loss\": %s, \"accuracy\": 0.5}}]}",
             loss, loss);
    dashboard_take_detail(dashboard, parsed(text));
}

static void a_large_loss_is_rounded_beside_the_curves_and_not_cut(void **state) {
    static const char *const losses[][2] = {
        {"361.5", "361.500  "},      {"12345.67", "12345.7  "}, {"1234567.8", "1234568  "},
        {"2.4371e+20", "2.4e+20  "}, {"8.1e+120", "8e+120  "},
    };
    (void)state;
    struct dashboard dashboard = started();
    press(&dashboard, 'G');
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        take_loss(&dashboard, losses[i][0]);
        assert_true(shows(&dashboard, losses[i][1]));
    }
    dashboard_free(&dashboard);
}

static void a_loss_that_is_no_number_is_none_of_no_epoch(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    press(&dashboard, 'G');
    take_loss(&dashboard, "null");
    assert_true(shows(&dashboard, "n/a in every epoch"));
    assert_false(shows(&dashboard, "no epoch yet"));
    dashboard_free(&dashboard);
}

static void cancelling_asks_first(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_int_equal(press(&dashboard, 'c'), DASHBOARD_NOTHING);
    assert_true(shows(&dashboard, "cancel 2 a/flip? y cancels it"));
    assert_int_equal(press(&dashboard, 'q'), DASHBOARD_NOTHING);
    assert_int_equal(press(&dashboard, 'y'), DASHBOARD_NOTHING);
    press(&dashboard, 'c');
    assert_int_equal(press(&dashboard, 'y'), DASHBOARD_CANCEL);
    dashboard_free(&dashboard);
}

static void a_long_name_leaves_room_for_the_question(void **state) {
    (void)state;
    struct dashboard dashboard = {.endpoint = "tcp://127.0.0.1:7470"};
    dashboard_take_experiments(
        &dashboard, parsed("[{\"id\": 7, \"epochs\": 4, \"state\": \"queued\", \"name\": "
                           "\"augmentation_ablation/flip+jitter+affine+vertical flip,seed=2\"}]"));
    press(&dashboard, 'c');
    assert_true(shows(&dashboard, "cancel 7 augmentation_abl…"));
    assert_true(shows(&dashboard, "flip,seed=2? y cancels it, any other key does not"));
    assert_true(shows_on(&dashboard, 40, "eed=2? y cancels it"));
    dashboard_free(&dashboard);
}

/* The list may change between the key and the question's answer, and the selection with it. */
static void what_is_cancelled_is_what_was_asked_about(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    type(&dashboard, "/state = running");
    press(&dashboard, DASHBOARD_ENTER);
    press(&dashboard, 'c');
    dashboard_take_experiments(
        &dashboard,
        parsed("[{\"id\": 2, \"name\": \"a/flip\", \"state\": \"done\", \"epochs\": 4},"
               " {\"id\": 3, \"name\": \"a/jitter\", \"state\": \"running\", \"epochs\": 4}]"));
    assert_near(dashboard.selected, 3, 0);
    assert_true(shows(&dashboard, "cancel 2 a/flip? y cancels it"));
    assert_int_equal(press(&dashboard, 'y'), DASHBOARD_CANCEL);
    assert_near(dashboard.steered, 2, 0);
    dashboard_free(&dashboard);
}

static void a_wish_is_for_what_was_selected_when_the_key_was_pressed(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_int_equal(press(&dashboard, 'p'), DASHBOARD_PAUSE);
    press(&dashboard, 'j');
    assert_near(dashboard.steered, 2, 0);
    assert_near(dashboard.selected, 1, 0);
    assert_int_equal(press(&dashboard, 'r'), DASHBOARD_RETRY);
    assert_near(dashboard.steered, 1, 0);
    dashboard_free(&dashboard);
}

static void p_pauses_what_runs_and_resumes_what_is_paused(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    assert_int_equal(press(&dashboard, 'p'), DASHBOARD_PAUSE);
    press(&dashboard, 'g');
    assert_int_equal(press(&dashboard, 'p'), DASHBOARD_RESUME);
    assert_int_equal(press(&dashboard, 'r'), DASHBOARD_RETRY);
    dashboard_take_experiments(&dashboard, parsed("[]"));
    assert_int_equal(press(&dashboard, 'p'), DASHBOARD_NOTHING);
    assert_int_equal(press(&dashboard, 'c'), DASHBOARD_NOTHING);
    assert_int_equal(dashboard.prompt, PROMPT_NONE);
    dashboard_free(&dashboard);
}

static void a_filter_is_typed_mended_and_taken_back(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    type(&dashboard, "/jitterä");
    press(&dashboard, DASHBOARD_BACKSPACE);
    assert_true(shows(&dashboard, "show only: jitter_"));
    press(&dashboard, DASHBOARD_ENTER);
    assert_int_equal(dashboard.shown_count, 1);
    assert_near(dashboard.selected, 3, 0);
    type(&dashboard, "/");
    for (int i = 0; i < 10; i++)
        press(&dashboard, DASHBOARD_BACKSPACE);
    type(&dashboard, "state=done and accuracy>0.8");
    press(&dashboard, DASHBOARD_ENTER);
    assert_int_equal(dashboard.shown_count, 1);
    assert_near(dashboard.selected, 1, 0);
    type(&dashboard, "/");
    for (int i = 0; i < 40; i++)
        press(&dashboard, DASHBOARD_BACKSPACE);
    press(&dashboard, DASHBOARD_ENTER);
    assert_int_equal(dashboard.shown_count, 4);
    dashboard_free(&dashboard);
}

static void a_wrong_filter_is_said_and_changes_nothing(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    type(&dashboard, "/acuracy>1");
    press(&dashboard, DASHBOARD_ENTER);
    assert_int_equal(dashboard.shown_count, 4);
    assert_true(shows(&dashboard, "did you mean \"accuracy\"?"));
    assert_true(shows(&dashboard, "show only: acuracy>1_")); /* to be mended */
    press(&dashboard, DASHBOARD_BACKSPACE);
    assert_false(shows(&dashboard, "did you mean"));
    press(&dashboard, DASHBOARD_ESCAPE);
    assert_false(shows(&dashboard, "show only"));
    dashboard_free(&dashboard);
}

static void a_long_filter_shows_its_end_and_what_is_wrong_with_it(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    type(&dashboard,
         "/accuracy > 0.98 and tag = paper and state = done and name ~ jitter and ac > 1");
    assert_true(shows(&dashboard, "show only: accuracy > 0.98"));
    assert_true(shows(&dashboard, "name ~ jitter and ac > 1_"));
    press(&dashboard, DASHBOARD_ENTER);
    assert_true(shows(&dashboard, "name ~ jitter and ac > 1_"));
    assert_true(shows(&dashboard, "there is no column \"ac\""));
    dashboard_free(&dashboard);
}

static void q_goes_back_before_it_quits(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    press(&dashboard, '?');
    assert_true(shows(&dashboard, "pause the selected experiment"));
    assert_int_equal(press(&dashboard, 'q'), DASHBOARD_NOTHING);
    press(&dashboard, 'w');
    assert_true(shows(&dashboard, "worker                          state"));
    assert_int_equal(press(&dashboard, 'q'), DASHBOARD_NOTHING);
    assert_int_equal(press(&dashboard, 'q'), DASHBOARD_QUIT);
    dashboard_free(&dashboard);
}

static void one_experiment_has_its_tags_and_its_latest_note_in_a_row(void **state) {
    (void)state;
    struct dashboard dashboard = started();
    press(&dashboard, 'G');
    press(&dashboard, DASHBOARD_ENTER);
    dashboard_take_detail(&dashboard, parsed(old_detail));
    assert_false(shows(&dashboard, "tags"));
    cJSON *detail = parsed(old_detail), *again = parsed(four);
    cJSON_AddItemToObject(again->child, "tags", parsed("[\"b\", \"c\"]"));
    cJSON_AddNumberToObject(again->child, "note_count", 2);
    dashboard_take_experiments(&dashboard, again);
    assert_near(dashboard_wants_detail(&dashboard), 1, 0); /* somebody has written on it */
    cJSON_AddNumberToObject(detail, "note_count", 2);
    cJSON_AddItemToObject(detail, "notes",
                          parsed("[{\"number\": 1, \"text\": \"old\"},"
                                 " {\"number\": 2, \"text\": \"loss is\\nflat\"}]"));
    dashboard_take_detail(&dashboard, detail);
    assert_near(dashboard_wants_detail(&dashboard), 0, 0);
    assert_true(shows(&dashboard, "tags b, c  note loss is flat"));
    assert_true(shows(&dashboard, "▲ best 1"));
    dashboard_free(&dashboard);
}

/* What is drawn outside is left out; nothing here may crash. */
static void every_size_can_be_drawn(void **state) {
    (void)state;
    static const int keys[] = {DASHBOARD_ENTER, 'w', '?', '/', DASHBOARD_ESCAPE};
    struct dashboard dashboard = started();
    press(&dashboard, 'G');
    dashboard_take_detail(&dashboard, parsed(old_detail));
    for (size_t key = 0; key < sizeof keys / sizeof keys[0]; key++) {
        for (size_t rows = 1; rows < 40; rows += 2)
            for (size_t columns = 1; columns < 130; columns += 3) {
                struct page page;
                assert_true(page_new(&page, rows, columns));
                dashboard_key(&dashboard, 'j', rows);
                dashboard_draw(&dashboard, &page, "12:00:00");
                page_free(&page);
            }
        press(&dashboard, keys[key]);
    }
    dashboard_free(&dashboard);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_has_the_newest_first_and_begins_at_what_runs),
        cmocka_unit_test(the_help_is_whole_on_a_narrow_terminal),
        cmocka_unit_test(an_evaluation_at_the_end_takes_no_epoch_back),
        cmocka_unit_test(files_on_their_way_are_counted_in_mib_alone),
        cmocka_unit_test(the_title_counts_everything_and_has_the_clock_where_there_is_room),
        cmocka_unit_test(more_workers_than_rows_are_counted_and_leave_the_last_row_alone),
        cmocka_unit_test(the_selected_one_is_in_sight_from_the_beginning),
        cmocka_unit_test(a_long_name_leaves_room_for_the_state_and_why_it_failed),
        cmocka_unit_test(long_names_have_room_before_all_else_and_are_cut_where_they_are_alike),
        cmocka_unit_test(the_selection_moves_and_stays_within_the_list),
        cmocka_unit_test(the_selection_stays_on_its_experiment_when_others_come_or_go),
        cmocka_unit_test(details_are_wanted_until_they_are_as_new_as_the_summary),
        cmocka_unit_test(curves_have_their_range_and_mark_the_best_epoch),
        cmocka_unit_test(a_large_loss_is_rounded_beside_the_curves_and_not_cut),
        cmocka_unit_test(a_loss_that_is_no_number_is_none_of_no_epoch),
        cmocka_unit_test(cancelling_asks_first),
        cmocka_unit_test(a_long_name_leaves_room_for_the_question),
        cmocka_unit_test(what_is_cancelled_is_what_was_asked_about),
        cmocka_unit_test(a_wish_is_for_what_was_selected_when_the_key_was_pressed),
        cmocka_unit_test(p_pauses_what_runs_and_resumes_what_is_paused),
        cmocka_unit_test(a_filter_is_typed_mended_and_taken_back),
        cmocka_unit_test(a_wrong_filter_is_said_and_changes_nothing),
        cmocka_unit_test(a_long_filter_shows_its_end_and_what_is_wrong_with_it),
        cmocka_unit_test(q_goes_back_before_it_quits),
        cmocka_unit_test(one_experiment_has_its_tags_and_its_latest_note_in_a_row),
        cmocka_unit_test(every_size_can_be_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
