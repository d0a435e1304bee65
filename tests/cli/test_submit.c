#include "cli/command.h"

#include "cli/field.h"
#include "core/text.h"
#include "tests/cli/details.h"
#include "tests/cli/fake.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Keeps the last request's body and answers with an id for each experiment. */
static cJSON *answer_ids(void *context, size_t nth, const char *request, const cJSON *body,
                         const char **name) {
    cJSON **kept = context;
    (void)nth;
    assert_string_equal(request, "submit");
    cJSON_Delete(*kept);
    *kept = cJSON_Duplicate(body, true);
    *name = "submitted";
    cJSON *answer = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(answer, "ids");
    for (int i = 0; i < cJSON_GetArraySize(field_at(body, "experiments")); i++)
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(7 + i));
    return answer;
}

static char *write_file(void **state, const char *name, const char *root, const char *more) {
    char *path = temporary_path(state, name);
    FILE *file = fopen(path, "w");
    fprintf(file,
            "{\"name\": \"demo\", \"data\": {\"root\": \"%s\", \"classes\": ["
            "{\"name\": \"fake\", \"dir\": \"fake\", \"label\": 0},"
            "{\"name\": \"real\", \"dir\": \"real\", \"label\": 1}]},"
            "\"model\": {\"weights\": null}%s}\n",
            root, more);
    fclose(file);
    return path;
}

/* Gives what write_file has written another name. */
static void rename_experiment(const char *path, const char *name) {
    struct error error = {0};
    char *text;
    size_t length;
    assert_true(file_read(path, 1 << 20, &text, &length, &error));
    cJSON *experiment = parsed(text);
    cJSON_ReplaceItemInObject(experiment, "name", cJSON_CreateString(name));
    free(text);
    text = json_text(experiment);
    assert_true(file_write_atomic(path, text, strlen(text), &error));
    free(text);
    cJSON_Delete(experiment);
}

static struct run submit(char **argv, cJSON **body) {
    struct fake fake;
    *body = NULL;
    fake_start(&fake, answer_ids, body);
    struct run run = run_command(command_submit, argv);
    fake_stop(&fake);
    return run;
}

static void members_are_sent_whole_and_their_ids_printed(void **state) {
    char *path = write_file(state, "demo.json", "..", ", \"matrix\": {\"train.seed\": [0, 1]}");
    cJSON *body;
    assert_run(submit((char *[]){"submit", path, NULL}, &body), 0,
               "id  experiment\n 7  demo/seed=0\n 8  demo/seed=1\n", "");
    const cJSON *second = cJSON_GetArrayItem(field_at(body, "experiments"), 1);
    char host[64];
    assert_int_equal(gethostname(host, sizeof host), 0);
    assert_string_equal(field_text(body, "host", ""), host);
    assert_string_equal(field_text(body, "version", ""), ASSAY_VERSION);
    assert_true(strlen(field_text(body, "key", "")) >= 16);
    assert_string_equal(field_text(second, "name", ""), "demo/seed=1");
    assert_string_equal(field_text(second, "group", ""), "demo");
    const cJSON *variant = cJSON_GetObjectItem(second, "variant");
    assert_string_equal(cJSON_GetObjectItem(variant, "train.seed")->valuestring, "1");
    assert_near(field_number(second, "config.train.seed", -1), 1, 0);
    assert_near(field_number(second, "config.train.batch_size", -1), 32, 0);
    assert_null(cJSON_GetObjectItem(cJSON_GetObjectItem(second, "config"), "matrix"));
    cJSON_Delete(body);
    free(path);
}

static void every_submission_has_a_key_of_its_own(void **state) {
    char *path = write_file(state, "demo.json", "..", "");
    char key[64];
    cJSON *body;
    struct run run = submit((char *[]){"submit", path, "--json", NULL}, &body);
    assert_string_equal(run.out, "[{\"id\":7,\"name\":\"demo\",\"group\":\"demo\"}]\n");
    free(run.out);
    free(run.err);
    snprintf(key, sizeof key, "%s", field_text(body, "key", ""));
    cJSON_Delete(body);
    run = submit((char *[]){"submit", path, NULL}, &body);
    assert_string_not_equal(field_text(body, "key", ""), key);
    cJSON_Delete(body);
    free(run.out);
    free(run.err);
    free(path);
}

static void the_checkpoint_to_go_on_from_comes_with_every_experiment(void **state) {
    char *path = write_file(state, "demo.json", "..", ", \"matrix\": {\"train.seed\": [0, 1]}");
    cJSON *body;
    struct run run = submit((char *[]){"submit", "--from", "3@12", path, NULL}, &body);
    assert_int_equal(run.status, 0);
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(field_at(body, "experiments"), i);
        assert_near(field_number(item, "from.experiment", 0), 3, 0);
        assert_string_equal(field_text(item, "from.checkpoint", ""), "12");
    }
    cJSON_Delete(body);
    free(run.out);
    free(run.err);
    static const char *const wrong[] = {"3", "3@", "3@worst", "3@0", "@last"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char expected[200];
        snprintf(expected, sizeof expected,
                 "assay: --from takes ID@best, ID@last or ID@EPOCH, not \"%s\"; see assay submit "
                 "--help\n",
                 wrong[i]);
        char *word = strdup(wrong[i]);
        assert_run(RUN(command_submit, "submit", path, "--from", word), 2, "", expected);
        free(word);
    }
    free(path);
}

static void tags_and_a_note_come_once_for_all(void **state) {
    char *path = write_file(state, "demo.json", "..", "");
    cJSON *body;
    struct run run =
        submit((char *[]){"submit", "--tag", "b,a", "--tag=c", path, "--note", "why", NULL}, &body);
    assert_int_equal(run.status, 0);
    char *tags = cJSON_PrintUnformatted(field_at(body, "tags"));
    assert_string_equal(tags, "[\"b\",\"a\",\"c\"]");
    assert_string_equal(field_text(body, "note", ""), "why");
    free(tags);
    cJSON_Delete(body);
    free(run.out);
    free(run.err);
    assert_run(RUN(command_submit, "submit", path, "--tag", "a b"), 2, "",
               "assay: \"a b\" is no tag; write it with letters, digits and . _ - :; see assay "
               "submit --help\n");
    assert_run(RUN(command_submit, "submit", path, "--note", "a", "--note", "b"), 2, "",
               "assay: --note is given twice; assay note writes a second one; see assay submit "
               "--help\n");
    free(path);
}

static void paths_count_from_the_folder_of_the_file(void **state) {
    char *folder = temporary_path(state, "pictures"), *linked = temporary_path(state, "link");
    char *path = write_file(state, "demo.json", "link", "");
    char real[4096];
    cJSON *body;
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(symlink("pictures", linked), 0);
    assert_run(submit((char *[]){"submit", path, NULL}, &body), 0, "id  experiment\n 7  demo\n",
               "");
    const cJSON *first = cJSON_GetArrayItem(field_at(body, "experiments"), 0);
    assert_non_null(realpath(folder, real));
    assert_string_equal(field_text(first, "config.data.root", ""), real);
    cJSON_Delete(body);
    free(path);
    free(folder);
    free(linked);
}

/* assay submit <(...) */
static void a_pipe_is_read_as_a_file_of_the_current_folder(void **state) {
    char *folder = temporary_path(state, "pictures"),
         *path = write_file(state, "f", "pictures", "");
    char before[4096], real[4096], text[1000], name[32];
    int ends[2], file = open(path, O_RDONLY | O_CLOEXEC);
    cJSON *body;
    ssize_t length = read(file, text, sizeof text);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, (size_t)length), length);
    close(ends[1]);
    close(file);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(*state), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_run(submit((char *[]){"submit", name, NULL}, &body), 0, "id  experiment\n 7  demo\n",
               "");
    assert_int_equal(chdir(before), 0);
    const cJSON *first = cJSON_GetArrayItem(field_at(body, "experiments"), 0);
    assert_non_null(realpath(folder, real));
    assert_string_equal(field_text(first, "config.data.root", ""), real);
    cJSON_Delete(body);
    close(ends[0]);
    free(path);
    free(folder);
}

static void a_folder_that_is_not_here_is_a_warning_once(void **state) {
    char *path =
        write_file(state, "far.json", "/far/away", ", \"matrix\": {\"train.seed\": [0, 1]}");
    char warning[512];
    cJSON *body;
    snprintf(warning, sizeof warning,
             "assay: %s: warning: data.root /far/away is not on this machine\n", path);
    assert_run(submit((char *[]){"submit", path, NULL}, &body), 0,
               "id  experiment\n 7  demo/seed=0\n 8  demo/seed=1\n", warning);
    const cJSON *first = cJSON_GetArrayItem(field_at(body, "experiments"), 0);
    assert_string_equal(field_text(first, "config.data.root", ""), "/far/away");
    cJSON_Delete(body);
    free(path);
}

static void a_name_that_reads_as_an_id_is_a_warning(void **state) {
    char *path = write_file(state, "three.json", "..", ", \"matrix\": {\"train.seed\": [0, 1]}");
    char warning[512];
    cJSON *body;
    rename_experiment(path, "3");
    snprintf(warning, sizeof warning,
             "assay: %s: warning: the name \"3\" is a number, which every command takes for an id; "
             "give it a letter, so that it can be asked for\n",
             path);
    assert_run(submit((char *[]){"submit", path, NULL}, &body), 0,
               "id  experiment\n 7  3/seed=0\n 8  3/seed=1\n", warning);
    cJSON_Delete(body);
    struct run run = run_command(command_validate, (char *[]){"validate", "--json", path, NULL});
    assert_int_equal(run.status, 0);
    assert_string_equal(run.err, warning);
    free(run.out);
    free(run.err);
    rename_experiment(path, "3a");
    run = run_command(command_validate, (char *[]){"validate", "--json", path, NULL});
    assert_string_equal(run.err, "");
    free(run.out);
    free(run.err);
    free(path);
}

/* The one fault of the one file that `assay validate --json` is given. */
static void assert_only_fault(struct run run, int line, const char *message) {
    cJSON *document = parsed(run.out);
    const cJSON *faults = field_at(document->child, "faults");
    assert_true(cJSON_IsFalse(field_at(document->child, "valid")));
    assert_int_equal(cJSON_GetArraySize(faults), 1);
    assert_near(field_number(faults->child, "line", -1), line, 0);
    assert_string_equal(field_text(faults->child, "message", ""), message);
    assert_int_equal(run.status, 2);
    cJSON_Delete(document);
    free(run.out);
    free(run.err);
}

static void validate_has_every_reason_in_json_too(void **state) {
    char *far = write_file(state, "far.json", "/far/away", "");
    char *cut = temporary_path(state, "cut.json"), message[700];
    assert_true(file_write_atomic(cut, "{\n\"name\":", 9, NULL));
    snprintf(message, sizeof message, "%s: data.root \"/far/away\": No such file or directory",
             far);
    assert_only_fault(RUN(command_validate, "validate", "--json", "--data", far), 0, message);
    snprintf(message, sizeof message,
             "%s:2: expected a value, found the end of the text (is it cut short?)", cut);
    assert_only_fault(RUN(command_validate, "validate", "--json", cut), 2, message);
    free(cut);
    free(far);
}

static void a_priority_on_the_command_line_replaces_the_files(void **state) {
    char *path = write_file(state, "demo.json", "..", ", \"priority\": 3");
    cJSON *body;
    assert_run(submit((char *[]){"submit", path, "--priority", "-7", NULL}, &body), 0,
               "id  experiment\n 7  demo\n", "");
    const cJSON *first = cJSON_GetArrayItem(field_at(body, "experiments"), 0);
    assert_near(field_number(first, "config.priority", 0), -7, 0);
    cJSON_Delete(body);
    free(path);
}

static void one_broken_file_keeps_all_from_being_sent(void **state) {
    char *good = write_file(state, "good.json", "..", "");
    char *bad = write_file(state, "bad.json", "..", ", \"trian\": {}");
    char fault[512];
    cJSON *body;
    snprintf(fault, sizeof fault,
             "assay: %s:1: trian: unknown key \"trian\"; did you mean \"train\"?\n", bad);
    assert_run(submit((char *[]){"submit", good, bad, NULL}, &body), 2, "", fault);
    assert_null(body);
    free(good);
    free(bad);
}

/* Two that are done at 78.125 images/s: resnet18 at 224 pixels. Nothing but `show` is asked. */
static cJSON *answer_past(void *context, size_t nth, const char *request, const cJSON *body,
                          const char **name) {
    (void)context, (void)nth, (void)body;
    assert_string_equal(request, "show");
    *name = "details";
    return details();
}

/* The same, but the second of them is a resnet34. */
static cJSON *answer_two_pasts(void *context, size_t nth, const char *request, const cJSON *body,
                               const char **name) {
    cJSON *answer = answer_past(context, nth, request, body, name);
    cJSON *second = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "experiments"), 1);
    cJSON_SetValuestring((cJSON *)(uintptr_t)field_at(second, "config.model.arch"), "resnet34");
    return answer;
}

/* Three that are done, at 100, 10 and 40 images/s. */
static cJSON *answer_three_paces(void *context, size_t nth, const char *request, const cJSON *body,
                                 const char **name) {
    static const double paces[] = {100, 10, 0, 40};
    cJSON *answer = answer_past(context, nth, request, body, name), *one;
    int i = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(answer, "experiments")) {
        if (paces[i] > 0) {
            cJSON_ReplaceItemInObject(one, "state", cJSON_CreateString("done"));
            cJSON_SetNumberValue((cJSON *)(uintptr_t)field_at(one, "latest.images_per_second"),
                                 paces[i]);
        }
        i++;
    }
    return answer;
}

/* Ten pictures of each class: 8 of each to train on. */
static void make_pictures(void **state) {
    for (int i = 0; i < 22; i++) {
        char name[32], *path;
        snprintf(name, sizeof name, i < 2 ? "%s" : "%s/%d.png", i % 2 ? "fake" : "real", i);
        path = temporary_path(state, name);
        if (i < 2)
            assert_int_equal(mkdir(path, 0777), 0);
        else
            fclose(fopen(path, "w"));
        free(path);
    }
}

/* Of the class, from number `from` on to before `to`. */
static void lose_pictures(void **state, const char *class, int from, int to) {
    for (int i = from; i < to; i += 2) {
        char name[32];
        snprintf(name, sizeof name, "%s/%d.png", class, i);
        char *picture = temporary_path(state, name);
        assert_int_equal(unlink(picture), 0);
        free(picture);
    }
}

static char *write_two(void **state) {
    make_pictures(state);
    return write_file(state, "demo.json", ".",
                      ", \"matrix\": {\"model.arch\": [\"resnet18\", \"resnet34\"],"
                      "  \"train.epochs\": [200]}");
}

static void a_dry_run_judges_time_by_what_is_done_and_queues_nothing(void **state) {
    char *path = write_two(state);
    struct fake fake;
    fake_start(&fake, answer_past, NULL);
    struct run run = RUN(command_submit, "submit", "--dry-run", path, "--json");
    fake_stop(&fake);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    cJSON *document = parsed(run.out);
    const cJSON *first = cJSON_GetArrayItem(field_at(document, "experiments"), 0);
    assert_near(field_number(first, "size", 0), 224, 0);
    assert_near(field_number(first, "pictures", 0), 16, 0);
    assert_near(field_number(first, "judged_by", 0), 2, 0);
    assert_near(field_number(first, "seconds", 0), 200 * 16 / 78.125, 1e-9);
    assert_null(field_at(first->next, "seconds"));
    assert_null(field_at(document, "seconds"));
    const cJSON *differs = cJSON_GetObjectItem(field_at(document, "differences"), "model.arch");
    assert_int_equal(cJSON_GetArraySize(differs), 2);
    cJSON_Delete(document);
    free(run.out);
    free(run.err);
    free(path);
}

static void the_pace_is_the_median_of_those_that_are_done(void **state) {
    char *path = write_two(state);
    struct fake fake;
    fake_start(&fake, answer_three_paces, NULL);
    struct run run = RUN(command_submit, "submit", "--dry-run", path, "--json");
    fake_stop(&fake);
    assert_int_equal(run.status, 0);
    cJSON *document = parsed(run.out);
    const cJSON *first = cJSON_GetArrayItem(field_at(document, "experiments"), 0);
    assert_near(field_number(first, "judged_by", 0), 3, 0);
    assert_near(field_number(first, "images_per_second", 0), 40, 0);
    assert_near(field_number(first, "seconds", 0), 80, 1e-9); /* 200 x 16 / 40 */
    cJSON_Delete(document);
    free(run.out);
    free(run.err);
    free(path);
}

static void a_dry_run_says_of_which_model_none_is_done(void **state) {
    char *path = write_two(state);
    struct fake fake;
    fake_start(&fake, answer_past, NULL);
    struct run run = RUN(command_submit, "submit", "--dry-run", path);
    fake_stop(&fake);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\nTime: there is nothing to go by: no experiment with "
                                    "resnet34 at 224 pixels is done\n"));
    free(run.out);
    free(run.err);
    free(path);
}

static void a_dry_run_refuses_what_has_nothing_to_validate_on(void **state) {
    make_pictures(state);
    char *path = write_file(
        state, "demo.json", ".",
        ", \"matrix\": {\"data.split\": {\"even\": {\"train\": 0.8, \"valid\": 0.1, \"test\": 0.1},"
        " \"few\": {\"train\": 0.95, \"valid\": 0.04, \"test\": 0.01}}}");
    assert_run(RUN(command_submit, "submit", "--dry-run", path, "--connect", "tcp://127.0.0.1:1",
                   "--timeout", "1"),
               2, "",
               "assay: demo/few: no picture to validate on, which the learning rate and the best "
               "checkpoint need: 18 train, 2 test; raise data.split.valid, fill the list of "
               "data.files.valid, or add pictures\n");
    free(path);
}

/* Not to check the data, which would end in the same words. */
static void of_pictures_that_cannot_be_split_the_warning_has_no_other_remedy(void **state) {
    char *path = write_file(state, "demo.json", ".", ""), expected[1200];
    char *manifest = temporary_path(state, "assay-manifest.json");
    make_pictures(state);
    lose_pictures(state, "fake", 3, 22);
    fclose(fopen(manifest, "w"));
    const char *why = "class \"fake\": no picture (.png, .jpg, .jpeg or .webp) in";
    const char *remedy = "put pictures there or mend its dir";
    snprintf(expected, sizeof expected,
             "assay: %s: warning: no fingerprint of its pictures: %s \"%s/fake\"; "
             "%s\n",
             path, why, (char *)*state, remedy);
    cJSON *body;
    assert_run(submit((char *[]){"submit", path, NULL}, &body), 0, "id  experiment\n 7  demo\n",
               expected);
    cJSON_Delete(body);
    snprintf(expected, sizeof expected, "assay: %s: %s \"%s/fake\"; %s\n", path, why,
             (char *)*state, remedy);
    assert_run(RUN(command_submit, "submit", path, "--manifest", manifest), 2, "", expected);
    free(manifest);
    free(path);
}

/* They are here: that they are not would send people looking for them. */
static void a_dry_run_says_what_keeps_pictures_from_being_counted(void **state) {
    make_pictures(state);
    char *path = write_file(state, "demo.json", ".", ", \"matrix\": {\"train.seed\": [0, 1]}"),
         expected[600];
    lose_pictures(state, "real", 2, 22);
    snprintf(
        expected, sizeof expected,
        "\nTime: unknown, as the pictures cannot be counted: class \"real\": no picture (.png, "
        ".jpg, .jpeg or .webp) in \"%s/real\"; put pictures there or mend its dir\n",
        (char *)*state);
    for (int json = 0; json < 2; json++) {
        struct fake fake;
        fake_start(&fake, answer_past, NULL);
        struct run run = json ? RUN(command_submit, "submit", "--dry-run", path, "--json")
                              : RUN(command_submit, "submit", "--dry-run", path);
        fake_stop(&fake);
        assert_int_equal(run.status, 0);
        assert_null(strstr(run.out, "not here"));
        if (json)
            assert_non_null(strstr(run.out, "\"uncounted\":\"class \\\"real\\\": no picture"));
        else
            assert_non_null(strstr(run.out, expected));
        free(run.out);
        free(run.err);
    }
    free(path);
}

/* Of five real pictures a tenth is none. */
static void a_dry_run_warns_of_a_label_that_is_not_validated_on(void **state) {
    make_pictures(state);
    char *path = write_file(state, "demo.json", ".", "");
    lose_pictures(state, "real", 2, 12);
    struct fake fake;
    fake_start(&fake, answer_past, NULL);
    struct run run = RUN(command_submit, "submit", "--dry-run", path);
    fake_stop(&fake);
    assert_int_equal(run.status, 0);
    assert_string_equal(run.err,
                        "assay: demo: warning: no picture to validate on has the label 1: the "
                        "checkpoint is chosen by the others alone; raise data.split.valid, fill "
                        "the list of data.files.valid, or add pictures\n");
    free(run.out);
    free(run.err);
    struct run checked = RUN(command_validate, "validate", "--data", path, "--json");
    assert_int_equal(checked.status, 0);
    assert_non_null(strstr(checked.err, "/demo.json: warning: demo: no picture to validate on has "
                                        "the label 1: "));
    assert_non_null(strstr(checked.out, "\"warning\":\"no picture to validate on has the label 1"));
    free(checked.out);
    free(checked.err);
    free(path);
}

static void a_dry_run_says_how_many_judge_the_time_of_any_of_them(void **state) {
    char *path = write_two(state);
    struct fake fake;
    fake_start(&fake, answer_two_pasts, NULL);
    struct run run = RUN(command_submit, "submit", "--dry-run", path);
    fake_stop(&fake);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out,
                           "\nTime: about 1m 22s of training on one worker, at the pace of 2 "
                           "that are done\n")); /* 2 x 200 x 16 / 78.125 s */
    free(run.out);
    free(run.err);
    free(path);
}

static void a_dry_run_without_a_coordinator_says_so_and_succeeds(void **state) {
    char *path = write_two(state);
    assert_run(
        RUN(command_submit, "submit", "--dry-run", path, "--connect", "tcp://127.0.0.1:1",
            "--timeout", "1"),
        0,
        "#  experiment                     model     epochs  pictures  about\n"
        "1  demo/arch=resnet18,epochs=200  resnet18     200        16      ?\n"
        "2  demo/arch=resnet34,epochs=200  resnet34     200        16      ?\n"
        "\n"
        "what differs  ids  value\n"
        "model.arch    1    resnet18\n"
        "              2    resnet34\n"
        "\n"
        "Time: there is nothing to go by: cannot reach a coordinator at tcp://127.0.0.1:1; start "
        "one with: assay coordinator --listen tcp://127.0.0.1:1\n"
        "Nothing was queued.\n",
        "");
    free(path);
}

/* 200 members whose classes have folders of 90 KB of names each. */
static char *write_large(void **state) {
    struct text more = {0};
    text_format(&more, ", \"matrix\": {\"train.seed\": [0");
    for (int seed = 1; seed < 200; seed++)
        text_format(&more, ", %d", seed);
    text_format(&more, "], \"data.classes\": {\"many\": [");
    for (int i = 0; i < 100; i++)
        text_format(&more, "%s{\"name\": \"%d\", \"dir\": \"%0900d\", \"label\": %d}",
                    i > 0 ? ", " : "", i, i, i % 2);
    text_format(&more, "]}}");
    char *path = write_file(state, "large.json", ".", text_string(&more));
    text_free(&more);
    return path;
}

static void a_dry_run_refuses_in_the_same_words_what_is_too_much_to_send(void **state) {
    char *path = write_large(state);
    struct fake fake;
    fake_start(&fake, answer_past, NULL);
    struct run sent = RUN(command_submit, "submit", path);
    struct run rehearsed = RUN(command_submit, "submit", path, "--dry-run");
    assert_int_equal(fake_stop(&fake), 0);
    assert_non_null(strstr(sent.err, "at most 16777216 can be sent"));
    assert_int_equal(sent.status, 2);
    assert_run(rehearsed, 2, "", sent.err);
    free(sent.out);
    free(sent.err);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(members_are_sent_whole_and_their_ids_printed,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(every_submission_has_a_key_of_its_own, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(tags_and_a_note_come_once_for_all, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(the_checkpoint_to_go_on_from_comes_with_every_experiment,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(paths_count_from_the_folder_of_the_file, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_pipe_is_read_as_a_file_of_the_current_folder,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_name_that_reads_as_an_id_is_a_warning, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_here_is_a_warning_once, temporary_make,
                                        temporary_remove),
        IN_FOLDER(validate_has_every_reason_in_json_too),
        cmocka_unit_test_setup_teardown(a_priority_on_the_command_line_replaces_the_files,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(one_broken_file_keeps_all_from_being_sent, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_dry_run_judges_time_by_what_is_done_and_queues_nothing,
                                        temporary_make, temporary_remove),
        IN_FOLDER(the_pace_is_the_median_of_those_that_are_done),
        IN_FOLDER(a_dry_run_says_of_which_model_none_is_done),
        IN_FOLDER(a_dry_run_refuses_what_has_nothing_to_validate_on),
        IN_FOLDER(of_pictures_that_cannot_be_split_the_warning_has_no_other_remedy),
        IN_FOLDER(a_dry_run_says_what_keeps_pictures_from_being_counted),
        IN_FOLDER(a_dry_run_warns_of_a_label_that_is_not_validated_on),
        IN_FOLDER(a_dry_run_says_how_many_judge_the_time_of_any_of_them),
        IN_FOLDER(a_dry_run_refuses_in_the_same_words_what_is_too_much_to_send),
        cmocka_unit_test_setup_teardown(a_dry_run_without_a_coordinator_says_so_and_succeeds,
                                        temporary_make, temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
