/* What people are shown when memory is refused at every moment in turn. */
#include "cli/client.h"
#include "cli/command.h"
#include "cli/dashboard.h"
#include "cli/evaluation_tables.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"
#include "cli/survey.h"
#include "cli/table.h"
#include "compare/comparison.h"
#include "core/error.h"
#include "core/file.h"
#include "core/png.h"
#include "core/safetensors.h"
#include "core/shortage.h"
#include "core/standard.h"
#include "core/text.h"
#include "tests/cli/results.h"
#include "tests/refusing.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static const struct column columns[] = {{"name", COLUMN_LEFT}, {"count", COLUMN_RIGHT}};

static void a_program_that_printed_half_a_table_does_not_end_well(void **state) {
    static const char whole[] = "name  count\none       1\n";
    (void)state;
    REFUSE_EACH(n) {
        struct table table = TABLE_OF(columns);
        char *text = NULL;
        size_t length = 0;
        struct screen screen = {.stream = open_memstream(&text, &length)};
        table_add(&table, "one");
        table_add(&table, "%d", 1);
        table_print(&table, &screen, 0);
        refuse_no_more();
        fclose(screen.stream);
        table_free(&table);
        assert_true(strcmp(text, whole) == 0 || shortage_ever());
        free(text);
    }
    assert_int_equal(standard_finish(0), ERROR_FAILED);
    assert_int_equal(standard_finish(ERROR_INPUT), ERROR_INPUT);
}

/* The last allocations are those for the rows. Comes first: what was short once in a process is
 * said at the end of all that it prints. */
static void export_writes_every_cell_or_leaves_the_file(void **state) {
    enum { LAST = 300 };
    char name[] = "export", id[] = "1", option[] = "--out", *out = temporary_path(state, "out.csv");
    char *argv[] = {name, id, option, out, NULL}, *whole = NULL, *text = NULL;
    size_t length;
    fake_start(&fake, answer_details, NULL);
    refuse_after = SIZE_MAX;
    assert_int_equal(command_export(4, argv), 0);
    const size_t count = SIZE_MAX - refuse_after;
    refuse_no_more();
    assert_true(file_read(out, 1 << 20, &whole, &length, NULL));
    for (size_t n = count - LAST; n <= count; n++) {
        assert_true(file_write_atomic(out, "old", 3, NULL));
        refuse_after = n;
        int code = command_export(4, argv);
        refuse_no_more();
        assert_true(file_read(out, 1 << 20, &text, &length, NULL));
        assert_string_equal(text, code == 0 || strcmp(text, "old") != 0 ? whole : "old");
        free(text);
    }
    fake_stop(&fake);
    free(whole);
    free(out);
}

/* FOLDER/pictures with a picture in each of two classes. */
static void make_pictures(void **state) {
    static const char *const names[] = {"pictures", "pictures/fake", "pictures/real"};
    for (size_t i = 0; i < 3; i++) {
        char *folder = temporary_path(state, names[i]), *path = NULL;
        assert_int_equal(mkdir(folder, 0700), 0);
        struct image image = sample_picture(16, 16);
        assert_true(asprintf(&path, "%s/a.png", folder) > 0);
        assert_true(i == 0 || png_write(path, &image, NULL));
        image_free(&image);
        free(path);
        free(folder);
    }
}

static void init_leaves_a_whole_file_or_none(void **state) {
    struct error error = {0};
    make_pictures(state);
    char *root = temporary_path(state, "pictures"), *out = temporary_path(state, "new.json");
    char name[] = "init", option[] = "--out";
    size_t length;
    REFUSE_EACH(n) {
        char *argv[] = {name, root, option, out, NULL}, *text = NULL;
        int code = command_init(4, argv);
        refuse_no_more();
        assert_true((access(out, F_OK) == 0) == (code == 0));
        if (code != 0)
            continue;
        assert_true(file_read(out, 1 << 20, &text, &length, &error));
        assert_non_null(strstr(text, "\"root\": \""));
        assert_int_equal(length, strlen(text));
        assert_true(text_ends(text, "\"seed\": 0}\n}\n"));
        free(text);
        unlink(out);
    }
    free(root);
    free(out);
}

static void a_survey_does_not_call_broken_what_there_was_no_memory_for(void **state) {
    make_pictures(state);
    char *root = temporary_path(state, "pictures");
    REFUSE_EACH(n) {
        struct survey survey;
        struct error error = {0};
        bool good = survey_make(root, &survey, &error);
        refuse_no_more();
        assert_true(good || error_is_shortage(&error));
        for (size_t i = 0; good && i < 2; i++)
            assert_int_equal(survey.classes[i].broken, 0);
        survey_free(&survey);
    }
    free(root);
}

/* The command's exit code with the n-th allocation refused; what it prints is dropped. */
static int run_refused(int (*command)(int argc, char **argv), int argc, char **argv, size_t n) {
    FILE *out = stdout, *err = stderr;
    refuse_no_more();
    stdout = fopen("/dev/null", "w");
    stderr = fopen("/dev/null", "w");
    refuse_after = n;
    int code = command(argc, argv);
    refuse_no_more();
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    return code;
}

static const char small_experiment[] =
    "{\"name\":\"a\",\"data\":{\"root\":\"pictures\",\"classes\":[{\"name\":\"x\",\"dir\":"
    "\"fake\",\"label\":0},{\"name\":\"y\",\"dir\":\"real\",\"label\":1}]},\"augmentations\":["
    "{\"op\":\"center_crop\",\"size\":8},{\"op\":\"normalize\"}],\"evaluation\":["
    "{\"op\":\"center_crop\",\"size\":8},{\"op\":\"normalize\"}]}";

static void no_command_calls_a_file_wrong_that_there_was_no_memory_for(void **state) {
    make_pictures(state);
    char *file = temporary_path(state, "a.json"), *out = temporary_path(state, "out"),
         *picture = temporary_path(state, "pictures/fake/a.png"), to[] = "--out";
    char validate[] = "validate", split[] = "split", preview[] = "preview", rows[] = "--rows",
         two[] = "2", transform[] = "transform", stage[] = "--stage", train[] = "train",
         *sheet = temporary_path(state, "sheet.png");
    char *lines[][9] = {{validate, file, NULL},
                        {split, file, to, out, NULL},
                        {preview, file, to, sheet, rows, two, NULL},
                        {transform, file, picture, stage, train, to, sheet, NULL}};
    char *list = temporary_path(state, "out/test.json");
    const char *const made[] = {NULL, list, sheet, sheet};
    int (*const commands[])(int argc, char **argv) = {command_validate, command_split,
                                                      command_preview, command_transform};
    assert_true(file_write_atomic(file, small_experiment, strlen(small_experiment), NULL));
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        int argc = 0;
        size_t length;
        while (lines[i][argc] != NULL)
            argc++;
        char *whole = NULL, *text = NULL, *argv[9];
        memcpy(argv, lines[i], sizeof argv); /* getopt moves them about */
        assert_int_equal(run_refused(commands[i], argc, argv, 0), 0);
        if (made[i] != NULL)
            assert_true(file_read(made[i], 1 << 20, &whole, &length, NULL));
        REFUSE_EACH(n) {
            memcpy(argv, lines[i], sizeof argv);
            int code = run_refused(commands[i], argc, argv, n);
            assert_true(code == ERROR_FAILED || code == 0);
            if (made[i] != NULL && code == 0) {
                size_t written;
                assert_true(file_read(made[i], 1 << 20, &text, &written, NULL));
                const bool same = written == length && memcmp(text, whole, length) == 0;
                assert_true(same || (made[i] == sheet && shortage_ever())); /* lettering.h */
                free(text);
            }
        }
        free(whole);
    }
    free(file);
    free(out);
    free(list);
    free(picture);
    free(sheet);
}

static void a_report_says_of_no_picture_that_it_cannot_be_drawn_for_want_of_memory(void **state) {
    make_pictures(state);
    for (const char *more = "bcde"; *more != '\0'; more++)
        for (int i = 0; i < 2; i++) {
            char name[] = "pictures/real/b.png";
            if (i == 0)
                memcpy(name, "pictures/fake", 13);
            char *first =
                temporary_path(state, i == 0 ? "pictures/fake/a.png" : "pictures/real/a.png");
            name[14] = *more;
            char *other = temporary_path(state, name);
            assert_int_equal(link(first, other), 0);
            free(first);
            free(other);
        }
    cJSON *experiments = cJSON_CreateArray(), *experiment = cJSON_CreateObject(),
          *config = cJSON_Parse(small_experiment), *data = cJSON_GetObjectItem(config, "data");
    char *root = temporary_path(state, "pictures");
    cJSON_ReplaceItemInObject(data, "root", cJSON_CreateString(root));
    cJSON_AddItemToObject(experiment, "config", config);
    cJSON_AddItemToArray(experiments, experiment);
    REFUSE_EACH(n) {
        struct report report = {.experiments = experiments, .began_ms = INT64_MAX};
        struct error error = {0};
        bool good = report_add_contacts(&report, &error);
        refuse_no_more();
        assert_true(good || error_is_shortage(&error));
        const char *page = text_string(&report.page);
        if (good && !report.page.failed) {
            assert_null(strstr(page, "Not drawn"));
            assert_non_null(strstr(page, "<img alt="));
        }
        text_free(&report.page);
    }
    cJSON_Delete(experiments);
    free(root);
}

static void a_page_that_lacks_a_picture_has_failed(void **state) {
    struct image image = sample_picture(16, 16);
    (void)state;
    REFUSE_EACH(n) {
        struct text page = {0};
        bool good = report_page_image(&page, &image, 8, "a picture");
        refuse_no_more();
        assert_true(page.failed || (good && text_ends(text_string(&page), "\">")));
        text_free(&page);
    }
    image_free(&image);
}

static void data_check_writes_a_whole_manifest_or_none(void **state) {
    make_pictures(state);
    char *file = temporary_path(state, "a.json"), name[] = "data", check[] = "check",
         *manifest = temporary_path(state, "pictures/assay-manifest.json");
    assert_true(file_write_atomic(file, small_experiment, strlen(small_experiment), NULL));
    REFUSE_EACH(n) {
        char *argv[] = {name, check, file, NULL};
        int code = command_data(3, argv);
        refuse_no_more();
        assert_true(code == 0 || refused);
        char *written = NULL;
        size_t length = 0;
        assert_true(code != 0 || access(manifest, F_OK) == 0);
        if (file_read(manifest, 1 << 20, &written, &length, NULL))
            assert_true(text_ends(written, "}\n")); /* whole, if not known to be durable */
        free(written);
        unlink(manifest);
    }
    free(manifest);
    free(file);
}

static void no_picture_is_large_enough_for_want_of_memory(void **state) {
    static const char crop[] = "\"center_crop\",\"size\":8}";
    make_pictures(state);
    char *file = temporary_path(state, "a.json"), *text = NULL, name[] = "data", check[] = "check";
    char *large = temporary_path(state, "pictures/real/a.png");
    struct image image = sample_picture(40, 40);
    const char *first = strstr(small_experiment, crop);
    assert_true(png_write(large, &image, NULL));
    image_free(&image);
    assert_true(asprintf(&text, "%.*s\"random_crop\",\"size\":32}%s",
                         (int)(first - small_experiment), small_experiment,
                         first + strlen(crop)) > 0);
    assert_true(file_write_atomic(file, text, strlen(text), NULL));
    REFUSE_EACH(n) {
        char *argv[] = {name, check, file, NULL};
        int code = command_data(3, argv);
        refuse_no_more();
        assert_true(code == ERROR_INPUT || (refused && code == ERROR_FAILED));
    }
    free(text);
    free(file);
    free(large);
}

/* Two that differ: what is missing in the lists of what does is told as no difference, nor as one.
 */
static void verify_tells_all_of_the_difference_or_nothing(void **state) {
    static const float left[] = {1, 2}, right[] = {1, 3};
    struct tensor tensors[] = {{.name = "a", .type = TENSOR_F32, .rank = 1, .shape = {2}},
                               {.name = "b", .type = TENSOR_F32, .rank = 1, .shape = {2}}};
    char name[] = "verify", option[] = "--tensors", *a = temporary_path(state, "a.safetensors"),
         *b = temporary_path(state, "b.safetensors");
    tensors[0].bytes = tensors[1].bytes = sizeof left;
    tensors[0].data = tensors[1].data = left;
    assert_true(safetensors_write(a, tensors, 2, NULL, 0, NULL));
    tensors[0].data = right;
    assert_true(safetensors_write(b, tensors, 1, NULL, 0, NULL));
    REFUSE_EACH(n) {
        char *argv[] = {name, a, b, option, NULL};
        FILE *out = stdout, *err = stderr;
        refuse_no_more();
        stdout = tmpfile();
        stderr = tmpfile();
        refuse_after = n;
        int code = command_verify(4, argv);
        refuse_no_more();
        bool told = ftell(stdout) > 0, complained = ftell(stderr) > 0;
        fclose(stdout);
        fclose(stderr);
        stdout = out;
        stderr = err;
        assert_int_equal(code, ERROR_FAILED);
        assert_true(told != complained);
    }
    free(a);
    free(b);
}

/* The scores of results.h, for which there is memory. */
static bool tell_scores(void *context, const char *request, cJSON *body, const char *expected,
                        cJSON **answer, struct error *error) {
    const size_t after = refuse_after;
    (void)context, (void)request, (void)expected, (void)error;
    refuse_no_more();
    *answer = score_list(body);
    cJSON_Delete(body);
    refuse_after = after;
    return true;
}

static void a_comparison_is_whole_or_an_error(void **state) {
    cJSON *answer = details();
    const cJSON *experiments = cJSON_GetObjectItem(answer, "experiments");
    const struct source source = {tell_scores, NULL};
    struct comparison whole = {0};
    (void)state;
    assert_true(comparison_make(&source, experiments, &whole, NULL));
    assert_true(whole.duel_count > 1);
    REFUSE_EACH(n) {
        struct comparison comparison = {0};
        struct error error = {0};
        bool good = comparison_make(&source, experiments, &comparison, &error);
        refuse_no_more();
        shortage_in_trees(); /* who prints it asks */
        assert_true(good || error_is_shortage(&error));
        assert_true(!good || comparison.duel_count == whole.duel_count);
        comparison_free(&comparison);
    }
    comparison_free(&whole);
    cJSON_Delete(answer);
}

/* The classes of an evaluation as text, which the caller frees. */
static char *print_classes(const cJSON *evaluation, size_t n) {
    static const struct column leading[] = {{"id", COLUMN_RIGHT}, {"experiment", COLUMN_NAME}};
    const struct evaluation_row row = {"3", "demo", evaluation};
    char *text = NULL;
    size_t length = 0;
    struct screen screen = {.stream = open_memstream(&text, &length)};
    FILE *out = stdout;
    stdout = screen.stream;
    refuse_after = n;
    evaluation_print_classes("title", leading, &row, 1, &screen);
    refuse_no_more();
    stdout = out;
    fclose(screen.stream);
    return text;
}

/* In processes of their own: what was short once is known for good. */
static void classes_are_printed_or_it_is_known_that_they_are_not(void **state) {
    cJSON *evaluation = parsed("{\"classes\": [{\"name\": \"a\", \"pictures\": 4, \"correct\": 3},"
                               " {\"name\": \"b\", \"pictures\": 4, \"correct\": 4}]}");
    char *whole = print_classes(evaluation, 0);
    enum { KNOWN, NOT_KNOWN, NEVER_SHORT } end = KNOWN;
    (void)state;
    assert_non_null(strstr(whole, "1/4"));
    for (size_t n = 1; end == KNOWN; n++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            const char *text = print_classes(evaluation, n);
            _exit(!refused                                      ? NEVER_SHORT
                  : shortage_ever() || strcmp(text, whole) == 0 ? KNOWN
                                                                : NOT_KNOWN);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        end = WEXITSTATUS(status);
        assert_int_not_equal(end, NOT_KNOWN);
    }
    free(whole);
    cJSON_Delete(evaluation);
}

/* What `show 1` prints, which the caller frees, with the n-th allocation refused; *asked is how
 * many there were. */
static char *print_experiment(size_t n, size_t *asked, int *code) {
    char show[] = "show", id[] = "1", *argv[] = {show, id, NULL}, *text = NULL;
    size_t length = 0;
    FILE *out = stdout, *err = stderr;
    stdout = open_memstream(&text, &length);
    stderr = fopen("/dev/null", "w");
    fake_start(&fake, answer_details, NULL);
    refuse_after = n;
    *code = command_show(2, argv);
    *asked = n - refuse_after;
    refuse_no_more();
    fake_stop(&fake);
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    return text;
}

/* In processes of their own, likewise; the last allocations are those for what is printed. */
static void an_experiment_is_printed_whole_or_it_is_known_that_it_is_not(void **state) {
    enum { LAST = 300 };
    size_t count, asked;
    int code, status;
    (void)state;
    char *whole = print_experiment(SIZE_MAX, &count, &code);
    assert_int_equal(code, 0);
    for (size_t n = count - LAST; n <= count; n++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            const char *text = print_experiment(n, &asked, &code);
            _exit(code == 0 && !shortage_ever() && strcmp(text, whole) != 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    free(whole);
}

/* What came before is there no more. */
static void a_dashboard_shows_nothing_but_what_came_last(void **state) {
    static const char one[] = "[{\"id\": 1, \"name\": \"a\", \"state\": \"queued\"}]";
    (void)state;
    REFUSE_EACH(n) {
        struct dashboard dashboard = {.endpoint = ""};
        refuse_no_more();
        dashboard_take_experiments(&dashboard, parsed(one));
        cJSON *next = parsed(one);
        refuse_after = n;
        dashboard_take_experiments(&dashboard, next);
        refuse_no_more();
        assert_true(dashboard.shown_count == 0 || dashboard.shown[0] == next->child);
        dashboard_free(&dashboard);
    }
}

/* No group has a slash. */
static cJSON *answer_group(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    cJSON *answer = answer_details(context, nth, request, body, name);
    if (strchr(field_text(body, "group", ""), '/') != NULL)
        cJSON_ReplaceItemInObject(answer, "experiments", cJSON_CreateArray());
    return answer;
}

static void what_a_word_names_is_found_or_it_is_said_why_not(void **state) {
    char name[] = "demo/flip,seed=0", group[] = "demo", *words[] = {group};
    (void)state;
    fake_start(&fake, answer_group, NULL);
    const struct command_input input = {.connect = getenv("ASSAY_CONNECT"), .timeout_ms = 5000};
    struct client client;
    assert_true(client_open(&input, &client, NULL));
    REFUSE_EACH(n) {
        struct error error = {0};
        long long id = 0;
        bool good = client_resolve_one(&client, name, &id, &error);
        refuse_no_more();
        assert_true(good ? id == 1 : error.message[0] != '\0');
    }
    REFUSE_EACH(n) {
        struct error error = {0};
        cJSON *selection = client_resolve(&client, words, 1, &error);
        refuse_no_more();
        assert_true(selection != NULL || error.message[0] != '\0');
        cJSON_Delete(selection);
    }
    client_close(&client);
    fake_stop(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_printed_or_it_is_known_that_they_are_not),
        cmocka_unit_test(an_experiment_is_printed_whole_or_it_is_known_that_it_is_not),
        IN_FOLDER(export_writes_every_cell_or_leaves_the_file),
        cmocka_unit_test(a_program_that_printed_half_a_table_does_not_end_well),
        cmocka_unit_test_setup_teardown(init_leaves_a_whole_file_or_none, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_survey_does_not_call_broken_what_there_was_no_memory_for,
                                        temporary_make, temporary_remove),
        IN_FOLDER(a_report_says_of_no_picture_that_it_cannot_be_drawn_for_want_of_memory),
        cmocka_unit_test(a_page_that_lacks_a_picture_has_failed),
        IN_FOLDER(no_command_calls_a_file_wrong_that_there_was_no_memory_for),
        cmocka_unit_test_setup_teardown(data_check_writes_a_whole_manifest_or_none, temporary_make,
                                        temporary_remove),
        IN_FOLDER(no_picture_is_large_enough_for_want_of_memory),
        cmocka_unit_test(a_comparison_is_whole_or_an_error),
        cmocka_unit_test(a_dashboard_shows_nothing_but_what_came_last),
        cmocka_unit_test(what_a_word_names_is_found_or_it_is_said_why_not),
        IN_FOLDER(verify_tells_all_of_the_difference_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
