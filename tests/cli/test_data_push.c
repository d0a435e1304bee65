/* `assay data push` to a coordinator that has nothing. */
#include "cli/command.h"
#include "core/file.h"
#include "core/manifest_file.h"
#include "core/png.h"
#include "tests/cli/fake.h"
#include "tests/sample_picture.h"
#include "tests/temporary.h"

#include <sys/stat.h>

static const char text[] =
    "{\"name\":\"a\",\"data\":{\"root\":\"pictures\",\"classes\":[{\"name\":\"fake\",\"dir\":"
    "\"fake\",\"label\":0},{\"name\":\"real\",\"dir\":\"real\",\"label\":1}]},\"augmentations\":["
    "{\"op\":\"center_crop\",\"size\":8},{\"op\":\"normalize\"}],\"evaluation\":["
    "{\"op\":\"center_crop\",\"size\":8},{\"op\":\"normalize\"}]}";

/* FOLDER/a.json of two classes, which have one picture, the same. The caller frees its path. */
static char *make_experiment(void **state) {
    static const char *const folders[] = {"pictures", "pictures/fake", "pictures/real"};
    static const char *const pictures[] = {"pictures/fake/a.png", "pictures/real/b.png"};
    struct image image = sample_picture(16, 16);
    char *file = temporary_path(state, "a.json");
    for (size_t i = 0; i < 3; i++) {
        char *folder = temporary_path(state, folders[i]);
        assert_int_equal(mkdir(folder, 0700), 0);
        free(folder);
    }
    for (size_t i = 0; i < 2; i++) {
        char *picture = temporary_path(state, pictures[i]);
        assert_true(png_write(picture, &image, NULL));
        free(picture);
    }
    image_free(&image);
    assert_true(file_write_atomic(file, text, strlen(text), NULL));
    return file;
}

/* All is missing, and offered it is there. */
static cJSON *answer_missing(void *context, size_t nth, const char *request, const cJSON *body,
                             const char **name) {
    (void)nth;
    size_t *offers = context;
    bool push = strcmp(request, "push") == 0;
    *name = push ? "missing" : "have";
    *offers += !push;
    cJSON *answer = cJSON_CreateObject();
    if (push)
        cJSON_AddItemToObject(answer, "files",
                              cJSON_Duplicate(cJSON_GetObjectItem(body, "files"), true));
    return answer;
}

static void a_picture_of_two_classes_is_sent_once(void **state) {
    struct fake fake;
    size_t offers = 0;
    char *file = make_experiment(state);
    fake_start(&fake, answer_missing, &offers);
    struct run run = RUN(command_data, "data", "push", file, "--json");
    fake_stop(&fake);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    assert_int_equal(offers, 3); /* it and two listings */
    cJSON *sent = parsed(run.out);
    assert_near(cJSON_GetObjectItem(sent, "pictures")->valuedouble, 2, 0);
    assert_near(cJSON_GetObjectItem(sent, "sent_files")->valuedouble, 3, 0);
    cJSON_Delete(sent);
    free(run.out);
    free(run.err);
    free(file);
}

static void add_picture(void **state, const char *name, const char *bytes) {
    char *picture = temporary_path(state, name);
    assert_true(file_write_atomic(picture, bytes, strlen(bytes), NULL));
    free(picture);
}

/* A coordinator is told of at most a thousand at once. */
static void every_picture_of_a_large_class_is_sent_and_its_sum_kept(void **state) {
    enum { MORE = 1001 };
    struct fake fake;
    size_t offers = 0;
    char *file = make_experiment(state), name[32], bytes[16];
    for (int i = 0; i < MORE; i++) {
        snprintf(name, sizeof name, "pictures/fake/%d.png", i);
        snprintf(bytes, sizeof bytes, "%d", i);
        add_picture(state, name, bytes);
    }
    fake_start(&fake, answer_missing, &offers);
    struct run run = RUN(command_data, "data", "push", file);
    fake_stop(&fake);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    assert_int_equal(offers, MORE + 3);
    char *manifest = temporary_path(state, "pictures/" MANIFEST_NAME);
    assert_int_equal(access(manifest, R_OK), 0);
    free(manifest);
    free(run.out);
    free(run.err);
    free(file);
}

static void what_cannot_be_listed_or_fetched_is_refused(void **state) {
    static const struct {
        const char *name, *bytes, *said;
    } cases[] = {
        {"pictures/fake/line\nfeed.png", "x",
         "assay: fake/line?feed.png: a name with a line feed cannot be pushed; rename it\n"},
        {"pictures/fake/nothing.png", "", "/pictures/fake/nothing.png is empty\n"}};
    char *file = make_experiment(state);
    for (size_t i = 0; i < 2; i++) {
        struct fake fake;
        size_t offers = 0;
        char *picture = temporary_path(state, cases[i].name);
        add_picture(state, cases[i].name, cases[i].bytes);
        fake_start(&fake, answer_missing, &offers);
        struct run run = RUN(command_data, "data", "push", file);
        fake_stop(&fake);
        if (strstr(run.err, cases[i].said) == NULL)
            fail_msg("%s", run.err);
        assert_int_equal(run.status, ERROR_INPUT);
        assert_int_equal(offers, 0);
        assert_int_equal(remove(picture), 0);
        free(run.out);
        free(run.err);
        free(picture);
    }
    free(file);
}

/* What it lacks it has never been told of. */
static cJSON *answer_other(void *context, size_t nth, const char *request, const cJSON *body,
                           const char **name) {
    (void)context, (void)nth, (void)request, (void)body;
    *name = "missing";
    return parsed("{\"files\": [{\"sha256\": "
                  "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
                  " \"bytes\": 1}]}");
}

static void a_coordinator_that_misses_what_it_was_not_told_of_is_an_error(void **state) {
    struct fake fake;
    char *file = make_experiment(state);
    fake_start(&fake, answer_other, NULL);
    assert_run(RUN(command_data, "data", "push", file), 1, "",
               "assay: the coordinator misses a file of fake that is not in it\n");
    fake_stop(&fake);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_picture_of_two_classes_is_sent_once),
        IN_FOLDER(every_picture_of_a_large_class_is_sent_and_its_sum_kept),
        IN_FOLDER(what_cannot_be_listed_or_fetched_is_refused),
        IN_FOLDER(a_coordinator_that_misses_what_it_was_not_told_of_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
