/* Lists of keys: what is on them, and whom a worker's key speaks as. */
#include "coordinator/allow.h"
#include "tests/coordinator/key_lists.h"
#include "tests/few_descriptors.h"
#include "tests/temporary.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_list_has_every_sound_line_and_names_the_first_that_is_not(void **state) {
    (void)state;
    static const char text[] = "# people\n" KEY_B " bea\nwhat is this\n\n" KEY_A " ann";
    struct allow_list list = {0};
    struct error error = {0};
    assert_false(allow_parse(text, strlen(text), "people", &list, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_memory_equal(error.message, "people:3: a line is a public key", 32);
    assert_int_equal(list.count, 2);
    struct key a = key_of(KEY_A), b = key_of(KEY_B);
    assert_string_equal(allow_find(&list, &a)->name, "ann");
    assert_string_equal(allow_find(&list, &b)->name, "bea");
    b.bytes[31] ^= 1;
    assert_null(allow_find(&list, &b));
    allow_free(&list);
    assert_null(allow_find(&list, &a));
}

static void a_list_is_read_again_when_its_file_changes(void **state) {
    struct allow_list list = {0};
    struct error error = {0};
    bool changed;
    char *path = temporary_path(state, "people");
    assert_true(allow_refresh(path, &list, &changed, &error)); /* not there yet */
    assert_false(changed);
    write_file(path, KEY_A "\n");
    assert_true(allow_refresh(path, &list, &changed, &error));
    assert_true(changed);
    assert_int_equal(list.count, 1);
    assert_true(allow_refresh(path, &list, &changed, &error));
    assert_false(changed);
    write_file(path, KEY_A "\n" KEY_B "\n");
    assert_true(allow_refresh(path, &list, &changed, &error));
    assert_int_equal(list.count, 2);
    unlink(path);
    assert_false(allow_refresh(path, &list, &changed, &error));
    assert_int_equal(list.count, 0);
    assert_true(allow_refresh(path, &list, &changed, &error)); /* said once */
    free(path);
    allow_free(&list);
}

/* As `cat >` and editors write. Only the time of the change of the inode, which nobody can set,
 * says so where one key takes the place of another at the time that the file has. */
static void a_list_that_is_written_over_in_place_is_read_again(void **state) {
    struct allow_list list = {0};
    struct error error = {0};
    struct stat before, after;
    bool changed;
    char *path = temporary_path(state, "people");
    const struct key other = key_of(KEY_B);
    write_file(path, KEY_A "\n");
    assert_true(allow_refresh(path, &list, &changed, &error));
    int file = open(path, O_WRONLY);
    assert_int_equal(fstat(file, &before), 0);
    do {
        assert_int_equal(pwrite(file, KEY_B "\n", 65, 0), 65);
        assert_int_equal(futimens(file, (struct timespec[]){before.st_atim, before.st_mtim}), 0);
        assert_int_equal(fstat(file, &after), 0);
    } while (after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    close(file);
    assert_true(allow_refresh(path, &list, &changed, &error));
    assert_true(changed);
    assert_non_null(allow_find(&list, &other));
    free(path);
    allow_free(&list);
}

/* It is a moment of a process, not the file: nothing of that changes when it is over. */
static void
a_list_that_could_not_be_read_for_want_of_descriptors_is_read_once_there_are(void **state) {
    struct allow_list list = {0};
    struct error error = {0};
    bool changed;
    char *path = temporary_path(state, "people");
    write_file(path, KEY_A "\n");
    const struct rlimit before = leave_descriptors(0);
    bool read = allow_refresh(path, &list, &changed, &error);
    bool said_once = allow_refresh(path, &list, &changed, &error) && !changed;
    give_back_descriptors(before);
    assert_false(read);
    assert_true(said_once);
    assert_int_equal(list.count, 0);
    assert_true(allow_refresh(path, &list, &changed, &error));
    assert_true(changed);
    assert_int_equal(list.count, 1);
    free(path);
    allow_free(&list);
}

/* With an error that says so, once. Takes the path over. */
static void assert_refused(char *path, const char *why) {
    struct allow_list list = {0};
    struct error error = {0};
    bool changed;
    assert_false(allow_refresh(path, &list, &changed, &error));
    assert_non_null(strstr(error.message, why));
    assert_true(allow_refresh(path, &list, &changed, &error));
    assert_int_equal(list.count, 0);
    free(path);
    allow_free(&list);
}

static void a_list_that_is_a_pipe_is_empty_and_not_waited_for(void **state) {
    char *path = temporary_path(state, "people");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(path, "people: a list of keys must be a file");
}

static void a_list_that_anybody_may_write_is_empty(void **state) {
    char *path = temporary_path(state, "people");
    write_file(path, KEY_A "\n");
    assert_int_equal(chmod(path, 0666), 0);
    assert_refused(path, "chmod o-w");
}

static void parse(const char *text, struct allow_list *list) {
    struct error error = {0};
    if (!allow_parse(text, strlen(text), "a list", list, &error))
        fail_msg("%s", error.message);
}

static void a_key_without_a_name_is_called_by_its_first_digits(void **state) {
    (void)state;
    struct allow_list list = {0};
    struct key a = key_of(KEY_A);
    parse(KEY_A "\n", &list);
    assert_string_equal(allow_find(&list, &a)->name, "key 07a37cbc142093c8");
    allow_free(&list);
}

static void a_key_speaks_as_the_worker_of_its_line_and_no_other(void **state) {
    (void)state;
    struct allow_list list = {0};
    struct error error = {0};
    struct key a = key_of(KEY_A);
    parse(KEY_A " worker=gpu1\n", &list);
    assert_true(allow_speaks(&list, &a, "gpu1", &error));
    assert_true(allow_speaks(&list, &a, "gpu1/2", &error)); /* its slot */
    assert_false(allow_speaks(&list, &a, "gpu12", &error));
    assert_string_equal(error.message,
                        "this key is worker gpu1's and not gpu12's: start the worker with --name "
                        "gpu1, or change its line in authorized_workers");
    allow_free(&list);
}

static void a_key_whose_line_gives_no_worker_speaks_as_any_that_no_line_gives(void **state) {
    (void)state;
    struct allow_list list = {0};
    struct error error = {0};
    struct key b = key_of(KEY_B);
    parse(KEY_A " worker=gpu1\n" KEY_B " bea@host\n", &list);
    assert_true(allow_speaks(&list, &b, "host:0123", &error));
    assert_true(allow_speaks(&list, &b, "gpu12", &error));
    assert_false(allow_speaks(&list, &b, "gpu1", &error));
    assert_non_null(strstr(error.message, "the name gpu1 is another key's"));
    assert_false(allow_speaks(&list, &b, "gpu1/1", &error));
    allow_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_has_every_sound_line_and_names_the_first_that_is_not),
        IN_FOLDER(a_list_is_read_again_when_its_file_changes),
        IN_FOLDER(a_list_that_is_written_over_in_place_is_read_again),
        IN_FOLDER(a_list_that_could_not_be_read_for_want_of_descriptors_is_read_once_there_are),
        IN_FOLDER(a_list_that_is_a_pipe_is_empty_and_not_waited_for),
        IN_FOLDER(a_list_that_anybody_may_write_is_empty),
        cmocka_unit_test(a_key_without_a_name_is_called_by_its_first_digits),
        cmocka_unit_test(a_key_speaks_as_the_worker_of_its_line_and_no_other),
        cmocka_unit_test(a_key_whose_line_gives_no_worker_speaks_as_any_that_no_line_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
