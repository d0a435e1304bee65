#include "core/inside.h"

#include "core/file.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* FOLDER/open/{file,back -> .., out -> ../secret}, FOLDER/secret/file, FOLDER/open2/file */
static int stage_set(void **state) {
    struct error error = {0};
    static const char *const files[] = {"open/file", "secret/file", "open2/file"};
    static const char *const links[][2] = {{"..", "open/back"}, {"../secret", "open/out"}};
    if (temporary_make(state) != 0)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        char *path = temporary_path(state, files[i]);
        *strrchr(path, '/') = '\0';
        if (!folder_make(path, &error))
            return -1;
        path[strlen(path)] = '/';
        if (!file_write_atomic(path, "x", 1, &error))
            return -1;
        free(path);
    }
    for (size_t i = 0; i < 2; i++) {
        char *path = temporary_path(state, links[i][1]);
        if (symlink(links[i][0], path) != 0)
            return -1;
        free(path);
    }
    return 0;
}

/* Held to FOLDER/open, and FOLDER/open2 if `more`: NULL, or what the error says behind the path. */
static char *refusal(void **state, const char *path, bool more) {
    struct error error = {0};
    char *folders[] = {temporary_path(state, "open"), temporary_path(state, "open2")};
    char *real = inside_resolve(path, (const char *const *)folders, more ? 2 : 1, "w", &error);
    char *said = real == NULL ? strdup(error.message + strlen("w \"") + strlen(path)) : NULL;
    if (real == NULL)
        assert_int_equal(error.code, ERROR_INPUT);
    free(real);
    free(folders[0]);
    free(folders[1]);
    return said;
}

static void what_lies_inside_is_resolved(void **state) {
    static const char *const paths[] = {"open", "open/file", "open/./file", "open/back/open/file",
                                        "secret/../open/file"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *path = temporary_path(state, paths[i]);
        char *said = refusal(state, path, false);
        if (said != NULL)
            fail_msg("%s%s", paths[i], said);
        free(path);
    }
}

static void any_of_several_folders_will_do(void **state) {
    char *path = temporary_path(state, "open2/file");
    assert_null(refusal(state, path, true));
    char *said = refusal(state, path, false);
    assert_non_null(strstr(said, "is not inside"));
    free(said);
    free(path);
}

static void what_leads_out_is_refused_in_the_same_words_whether_it_is_there_or_not(void **state) {
    static const char *const paths[] = {
        "secret/file",         "secret/missing",         "open/out/file",    "open/out/missing/..",
        "open/../secret/file", "open/../secret/missing", "open/back/secret", "",
        "open2/file",          "open2/missing"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char *path = temporary_path(state, paths[i]);
        char *said = refusal(state, path, false);
        if (said == NULL || strstr(said, "is not inside") == NULL)
            fail_msg("%s: %s", paths[i], said != NULL ? said : "taken");
        free(said);
        free(path);
    }
    char *relative = refusal(state, "open/file", false);
    assert_non_null(strstr(relative, "is not inside"));
    free(relative);
}

static void what_is_missing_inside_is_said_to_be_missing(void **state) {
    char *path = temporary_path(state, "open/missing");
    char *said = refusal(state, path, false);
    assert_string_equal(said, "\": No such file or directory");
    free(said);
    free(path);
}

static void what_a_path_is_below_a_folder(void **state) {
    (void)state;
    assert_string_equal(inside_real("/", "/etc"), "etc");
    assert_string_equal(inside_real("/", "/"), "");
    assert_string_equal(inside_real("/a", "/a/b"), "b");
    assert_string_equal(inside_real("/a", "/a"), "");
    assert_null(inside_real("/a", "/ab"));
    assert_null(inside_real("/a", "/"));
}

int main(void) {
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, temporary_remove)
    const struct CMUnitTest tests[] = {
        ON_STAGE(what_lies_inside_is_resolved),
        ON_STAGE(any_of_several_folders_will_do),
        ON_STAGE(what_leads_out_is_refused_in_the_same_words_whether_it_is_there_or_not),
        ON_STAGE(what_is_missing_inside_is_said_to_be_missing),
        cmocka_unit_test(what_a_path_is_below_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
