#include "cli/command.h"

#include "cli/field.h"
#include "cli/survey.h"
#include "core/image.h"
#include "core/members.h"
#include "tests/cli/fake.h"
#include "tests/temporary.h"

#include <sys/stat.h>

/* FOLDER/NAME with `count` grey pictures of `side` + index pixels a side. */
static void make_class(void **state, const char *name, int count, int side) {
    char *folder = temporary_path(state, name);
    assert_int_equal(mkdir(folder, 0777), 0);
    free(folder);
    for (int i = 0; i < count; i++) {
        struct image image;
        char file[64];
        snprintf(file, sizeof file, "%s/%d.png", name, i);
        char *path = temporary_path(state, file);
        assert_true(image_new(&image, side + i, 2 * side, NULL));
        memset(image.pixels, 128, (size_t)3 * (size_t)(side + i) * (size_t)(2 * side));
        assert_true(png_write(path, &image, NULL));
        image_free(&image);
        free(path);
    }
}

static void the_file_is_valid_and_fits_what_was_found(void **state) {
    char *path = temporary_path(state, "first.json"), *text = NULL;
    struct members members = {0};
    struct faults faults = {0};
    make_class(state, "Deepfakes", 3, 100);
    make_class(state, "original", 2, 140);
    struct run run = RUN(command_init, "init", *state, "--out", path, "--json");
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    cJSON *found = parsed(run.out);
    const cJSON *fake = cJSON_GetArrayItem(field_at(found, "classes"), 0);
    assert_string_equal(field_text(found, "root", ""), ".");
    assert_near(field_number(fake, "label", -1), 0, 0);
    assert_near(field_number(fake, "pictures", 0), 3, 0);
    assert_near(field_number(fake, "shorter_side_least", 0), 100, 0);
    assert_near(field_number(fake, "shorter_side_most", 0), 102, 0);
    assert_near(field_number(fake->next, "label", -1), 1, 0);
    assert_near(field_number(found, "size", 0), 96, 0); /* 3 x 32 of 100 */
    assert_true(members_read(path, &members, &text, &faults, NULL));
    assert_int_equal(members.count, 1);
    members_free(&members);
    faults_free(&faults);
    free(text);
    cJSON_Delete(found);
    free(run.out);
    free(run.err);
    free(path);
}

/* As Celeb-DF's and FaceForensics++'s frames lie. */
static void of_folders_in_folders_it_says_how_to_name_them(void **state) {
    char *folders[] = {temporary_path(state, "fake"), temporary_path(state, "real")}, expected[600];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mkdir(folders[i], 0777), 0);
        free(folders[i]);
    }
    make_class(state, "fake/face swap", 2, 40);
    make_class(state, "real/a", 2, 40);
    snprintf(expected, sizeof expected,
             "assay: %s: no pictures in its folders, but in deeper ones such as fake/face swap; "
             "assay init takes the folders right in it alone: write a file whose data.classes have "
             "the deeper ones, {\"dir\": \"fake/face swap\"}\n",
             (char *)*state);
    assert_run(RUN(command_init, "init", *state), 2, "", expected);
}

static void what_is_no_file_is_no_picture(void **state) {
    make_class(state, "fake", 2, 40);
    make_class(state, "real", 3, 40);
    char *pipe = temporary_path(state, "fake/0a.png"),
         *folder = temporary_path(state, "real/x.png");
    assert_int_equal(mkfifo(pipe, 0666), 0); /* reading it would not end */
    assert_int_equal(mkdir(folder, 0777), 0);
    char *out = temporary_path(state, "first.json");
    struct run run = RUN(command_init, "init", *state, "--out", out, "--json");
    assert_int_equal(run.status, 0);
    cJSON *found = parsed(run.out);
    const cJSON *fake = cJSON_GetArrayItem(field_at(found, "classes"), 0);
    assert_near(field_number(fake, "pictures", 0), 2, 0);
    assert_near(field_number(fake->next, "pictures", 0), 3, 0);
    cJSON_Delete(found);
    free(run.out);
    free(run.err);
    free(pipe);
    free(folder);
    free(out);
}

static void a_link_to_nothing_is_a_broken_picture(void **state) {
    make_class(state, "fake", 2, 40);
    make_class(state, "real", 3, 40);
    char *link_path = temporary_path(state, "real/1a.png");
    char *out = temporary_path(state, "first.json");
    assert_int_equal(symlink("nowhere.png", link_path), 0);
    struct run run = RUN(command_init, "init", *state, "--out", out, "--json");
    assert_int_equal(run.status, 0);
    cJSON *found = parsed(run.out);
    const cJSON *real = cJSON_GetArrayItem(field_at(found, "classes"), 1);
    assert_near(field_number(real, "pictures", 0), 4, 0);
    assert_near(field_number(real, "sampled", 0), 4, 0);
    assert_near(field_number(real, "broken", 0), 1, 0);
    cJSON_Delete(found);
    free(run.out);
    free(run.err);
    free(link_path);
    free(out);
}

static void a_file_that_is_there_is_left_alone(void **state) {
    char *path = temporary_path(state, "first.json"), expected[600], left[8] = "";
    make_class(state, "fake", 1, 40);
    make_class(state, "real", 1, 40);
    FILE *file = fopen(path, "w");
    fputs("mine", file);
    fclose(file);
    snprintf(expected, sizeof expected,
             "assay: %s is there already and is left alone; choose another with --out\n", path);
    assert_run(RUN(command_init, "init", *state, "--out", path), 2, "", expected);
    file = fopen(path, "r");
    assert_non_null(fgets(left, sizeof left, file));
    fclose(file);
    assert_string_equal(left, "mine");
    free(path);
}

static void folders_of_unclear_names_need_real_to_be_named(void **state) {
    char *path = temporary_path(state, "first.json"), expected[600];
    make_class(state, "a", 1, 40);
    make_class(state, "b", 1, 40);
    snprintf(expected, sizeof expected,
             "assay: %s: which folder has the real pictures? say so with --real FOLDER\n",
             (char *)*state);
    assert_run(RUN(command_init, "init", *state, "--out", path), 2, "", expected);
    snprintf(expected, sizeof expected,
             "assay: %s has no folder of pictures called \"c\"; name one with --real FOLDER\n",
             (char *)*state);
    assert_run(RUN(command_init, "init", *state, "--out", path, "--real", "c"), 2, "", expected);
    struct run run = RUN(command_init, "init", *state, "--out", path, "--real", "b");
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "\nb      1 (real)         1            40  0 of 1 read\n"));
    free(run.out);
    free(run.err);
    free(path);
}

static void what_can_be_no_class_is_said_and_nothing_written(void **state) {
    static const struct {
        const char *name, *wrong;
    } cases[] = {{"a\tb", "a?b cannot be a class: data.classes[0].name: holds a control character; "
                          "take it out"},
                 {"ends ", "ends  cannot be a class: data.classes[0].name: begins or ends with a "
                           "space; take it out"}};
    char *path = temporary_path(state, "first.json"), expected[600];
    make_class(state, "real", 1, 40);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = temporary_path(state, cases[i].name);
        make_class(state, cases[i].name, 1, 40);
        snprintf(expected, sizeof expected, "assay: %s/%s\n", (char *)*state, cases[i].wrong);
        assert_run(RUN(command_init, "init", *state, "--out", path), 2, "", expected);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_int_equal(nftw(folder, temporary_unlink, 16, FTW_DEPTH | FTW_PHYS), 0);
        free(folder);
    }
    make_class(state, "fa\xffke", 1, 40);
    snprintf(expected, sizeof expected,
             "assay: %s: a folder's name is not UTF-8, as what stands in an experiment file has to "
             "be; rename it\n",
             (char *)*state);
    assert_run(RUN(command_init, "init", *state, "--out", path), 2, "", expected);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

static void commands_are_said_as_a_shell_takes_them(void **state) {
    char *path = temporary_path(state, "my first.json"), expected[600];
    make_class(state, "fake", 1, 40);
    make_class(state, "real", 1, 40);
    struct run run = RUN(command_init, "init", *state, "--out", path);
    assert_int_equal(run.status, 0);
    snprintf(expected, sizeof expected, "\n  assay submit '%s' --dry-run\n", path);
    assert_non_null(strstr(run.out, expected));
    free(run.out);
    free(run.err);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_is_valid_and_fits_what_was_found, temporary_make,
                                        temporary_remove),
        IN_FOLDER(of_folders_in_folders_it_says_how_to_name_them),
        IN_FOLDER(what_is_no_file_is_no_picture),
        IN_FOLDER(a_link_to_nothing_is_a_broken_picture),
        cmocka_unit_test_setup_teardown(a_file_that_is_there_is_left_alone, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(folders_of_unclear_names_need_real_to_be_named,
                                        temporary_make, temporary_remove),
        IN_FOLDER(what_can_be_no_class_is_said_and_nothing_written),
        IN_FOLDER(commands_are_said_as_a_shell_takes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
