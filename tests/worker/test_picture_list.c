#include "worker/picture_list.h"

#include "tests/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A folder so deep that what is in it has no path that the system takes. */
static void a_picture_that_cannot_be_reached_is_said_and_not_left_out(void **state) {
    enum { NAME = 200 };
    char name[NAME + 1] = {0}, picture[] = "a_picture_with_quite_a_long_name_of_its_own.png";
    struct picture_list list = {0};
    struct error error = {0};
    size_t length = strlen(*state);
    int folder = open(*state, O_RDONLY | O_DIRECTORY);
    memset(name, 'a', NAME);
    for (; length < PATH_MAX - sizeof picture; length += strlen(name) + 1) {
        if (length + NAME + 2 >= PATH_MAX)
            name[PATH_MAX - 2 - length] = '\0';
        assert_int_equal(mkdirat(folder, name, 0700), 0);
        int below = openat(folder, name, O_RDONLY | O_DIRECTORY);
        close(folder);
        folder = below;
    }
    int made = openat(folder, picture, O_WRONLY | O_CREAT, 0600);
    assert_true(made >= 0);
    assert_false(picture_list_add(&list, *state, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "cannot read "));
    assert_int_equal(unlinkat(folder, picture, 0), 0);
    close(made);
    close(folder);
    picture_list_free(&list);
}

/* The linker puts it in place of the C library's (tests/CMakeLists.txt). */
FTSENT *__real_fts_read(FTS *tree);
FTSENT *__wrap_fts_read(FTS *tree);
static int reads; /* until one is short of memory */
FTSENT *__wrap_fts_read(FTS *tree) {
    if (--reads != 0)
        return __real_fts_read(tree);
    errno = ENOMEM;
    return NULL;
}

static void a_folder_that_is_not_read_to_its_end_is_an_error(void **state) {
    struct picture_list list = {0};
    struct error error = {0};
    char *path = temporary_path(state, "a.png");
    int made = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(made >= 0);
    reads = 3; /* the folder, the picture */
    assert_false(picture_list_add(&list, *state, &error));
    assert_int_equal(error.code, ERROR_FAILED);
    reads = 0;
    picture_list_free(&list);
    assert_true(picture_list_add(&list, *state, &error));
    assert_int_equal(list.count, 1);
    picture_list_free(&list);
    close(made);
    free(path);
}

/* The folder is not looked into, by whichever name; what links nowhere is a picture to complain of.
 */
static void a_link_to_a_folder_is_no_picture(void **state) {
    struct picture_list list = {0};
    struct error error = {0};
    static const struct {
        const char *name, *to;
    } links[] = {{"whole.png", "."}, {"broken.png", "nowhere"}};
    for (size_t i = 0; i < 2; i++) {
        char *path = temporary_path(state, links[i].name);
        assert_int_equal(symlink(links[i].to, path), 0);
        free(path);
    }
    assert_true(picture_list_add(&list, *state, &error));
    assert_int_equal(list.count, 1);
    assert_non_null(strstr(list.paths[0], "/broken.png"));
    picture_list_free(&list);
}

/* '.' comes before '/': a walk from folder to folder has another order. */
static void a_folders_pictures_come_by_the_bytes_of_their_paths(void **state) {
    static const char *const names[] = {"b.png", "a/2.jpg", "a.png", "a/1.png", "c.txt"},
                             *const sorted[] = {"a.png", "a/1.png", "a/2.jpg", "b.png"};
    struct picture_list list = {0};
    char *folder = temporary_path(state, "a");
    assert_int_equal(mkdir(folder, 0700), 0);
    free(folder);
    for (size_t i = 0; i < 5; i++) {
        char *path = temporary_path(state, names[i]);
        int made = open(path, O_WRONLY | O_CREAT, 0600);
        assert_true(made >= 0);
        close(made);
        free(path);
    }
    char *slashed = temporary_path(state, "/");
    assert_true(picture_list_add(&list, slashed, NULL));
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < 4; i++) {
        char *path = temporary_path(state, sorted[i]);
        assert_string_equal(list.paths[i], path);
        free(path);
    }
    picture_list_free(&list);
    free(slashed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_picture_that_cannot_be_reached_is_said_and_not_left_out),
        IN_FOLDER(a_folders_pictures_come_by_the_bytes_of_their_paths),
        IN_FOLDER(a_link_to_a_folder_is_no_picture),
        IN_FOLDER(a_folder_that_is_not_read_to_its_end_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
