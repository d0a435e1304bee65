#include "net/keys.h"

#include "core/file.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <errno.h>

#define SECRET "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
/* make_keys.py */
#define PUBLIC "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"

/* fsync in place of the C library's: of what, by its last name, and whether it fails for folders.
 */
static char synced[1024];
static bool folder_sync_fails;

int fsync(int descriptor) {
    char link[64], path[512] = "";
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    if (readlink(link, path, sizeof path - 1) < 0 || fstat(descriptor, &status) != 0 ||
        (folder_sync_fails && S_ISDIR(status.st_mode))) {
        errno = EIO;
        return -1;
    }
    size_t length = strlen(synced);
    snprintf(synced + length, sizeof synced - length, "%s\n", strrchr(path, '/') + 1);
    return 0;
}

static void write_file(const char *path, const char *text, mode_t mode) {
    struct error error = {0};
    if (!file_write_atomic(path, text, strlen(text), &error))
        fail_msg("%s", error.message);
    assert_int_equal(chmod(path, mode), 0);
}

static mode_t mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static void assert_key(const struct key *key, const char *expected) {
    char text[KEY_TEXT_SIZE];
    key_text(key, text);
    assert_string_equal(text, expected);
}

static void the_public_key_follows_from_the_secret_as_rfc_7748_has_it(void **state) {
    (void)state;
    static const char text[] = "# a comment\n\n  assay-secret-key " SECRET "\r\n";
    struct key_pair pair;
    struct error error = {0};
    if (!key_pair_parse(text, strlen(text), &pair, &error))
        fail_msg("%s", error.message);
    assert_key(&pair.secret, SECRET);
    assert_key(&pair.public, PUBLIC);
    key_pair_forget(&pair);
    assert_key(&pair.secret, "0000000000000000000000000000000000000000000000000000000000000000");
}

static void a_pair_that_was_written_is_read_back_and_its_secret_is_its_owners(void **state) {
    struct key_pair made, read;
    struct key public;
    struct error error = {0};
    char *path = temporary_path(state, "me.key"),
         *public_path = temporary_path(state, "me.key.pub");
    mode_t mask = umask(0);
    assert_true(key_pair_make(&made, &error));
    if (!key_pair_write(path, &made, "me, at home", &error))
        fail_msg("%s", error.message);
    umask(mask);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(mode_of(public_path), 0644);
    if (!key_pair_read(path, &read, &error) || !key_public_read(public_path, &public, &error))
        fail_msg("%s", error.message);
    assert_memory_equal(&read, &made, sizeof made);
    assert_memory_equal(&public, &made.public, sizeof public);
    free(public_path);
    free(path);
}

static void a_new_pair_is_durable_with_its_names_or_not_there(void **state) {
    struct key_pair pair;
    struct error error = {0};
    char *path = temporary_path(state, "keys/me.key"), *public_path = NULL;
    assert_true(asprintf(&public_path, "%s.pub", path) > 0);
    assert_true(folder_make_of(path, &error) && key_pair_make(&pair, &error));
    folder_sync_fails = true;
    assert_false(key_pair_write(path, &pair, "me", &error));
    assert_int_equal(error.code, ERROR_FAILED);
    folder_sync_fails = false;
    assert_true(access(path, F_OK) != 0 && access(public_path, F_OK) != 0);
    synced[0] = '\0';
    assert_true(key_pair_write(path, &pair, "me", &error));
    assert_string_equal(synced, "me.key\nme.key.pub\nkeys\n");
    free(public_path);
    free(path);
}

static void two_pairs_are_not_the_same(void **state) {
    (void)state;
    struct key_pair a, b;
    struct error error = {0};
    assert_true(key_pair_make(&a, &error) && key_pair_make(&b, &error));
    assert_memory_not_equal(&a.secret, &b.secret, sizeof a.secret);
}

static void a_file_that_is_there_is_not_overwritten(void **state) {
    static const char *const names[] = {"me.key", "me.key.pub"};
    struct key_pair pair;
    struct error error = {0};
    assert_true(key_pair_make(&pair, &error));
    char *path = temporary_path(state, "me.key");
    for (size_t i = 0; i < 2; i++) {
        char *there = temporary_path(state, names[i]), *text = NULL;
        size_t length;
        write_file(there, "old", 0600);
        assert_false(key_pair_write(path, &pair, "me", &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "is not overwritten"));
        assert_true(file_read(there, 10, &text, &length, &error));
        assert_string_equal(text, "old");
        unlink(there);
        assert_int_not_equal(access(path, F_OK), 0); /* nor is half a pair left */
        free(text);
        free(there);
    }
    free(path);
}

static void a_secret_that_others_may_read_is_refused(void **state) {
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602, 0610};
    struct key_pair pair;
    char *path = temporary_path(state, "me.key");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct error error = {0};
        write_file(path, "assay-secret-key " SECRET "\n", modes[i]);
        assert_false(key_pair_read(path, &pair, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "chmod 600"));
    }
    free(path);
}

static void what_is_no_secret_key_is_refused_without_showing_it(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "# nothing\n",
        SECRET "\n",
        PUBLIC " me\n",
        "assay-secret-key\n",
        "assay-secret-key " SECRET "00\n",
        "assay-secret-key 0" SECRET "\n",
        "assay-secret-keys " SECRET "\n",
        "assay-public-key " SECRET "\n",
        "assay-secret " SECRET "\n",
        "assay-secret-key " SECRET " me\n",
        "assay-secret-key " SECRET "\nassay-secret-key " SECRET "\n",
        "assay-secret-key x102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct key_pair pair;
        struct error error = {0};
        if (key_pair_parse(texts[i], strlen(texts[i]), &pair, &error))
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(error.code, ERROR_INPUT);
        assert_null(strstr(error.message, "0102030405"));
    }
}

static bool parse_line(const char *line, struct key *key, char name[KEY_NAME_MAX + 1], bool *found,
                       struct error *error) {
    return key_line_parse(line, strlen(line), key, name, found, error);
}

static void a_public_line_is_a_key_and_the_rest_its_name(void **state) {
    (void)state;
    struct key key;
    struct error error = {0};
    char name[KEY_NAME_MAX + 1];
    bool found;
    assert_true(
        parse_line("  " PUBLIC "\t worker 3, in the cellar \r", &key, name, &found, &error));
    assert_true(found);
    assert_key(&key, PUBLIC);
    assert_string_equal(name, "worker 3, in the cellar");
    assert_true(parse_line(PUBLIC, &key, name, &found, &error));
    assert_true(found);
    assert_string_equal(name, "");
    assert_true(parse_line("07A37CBC142093C8B755DC1B10E86CB426374AD16AA853ED0BDFC0B2B86D1C7C", &key,
                           name, &found, &error));
    assert_key(&key, PUBLIC);
    assert_true(parse_line(PUBLIC " a\033[2Jb", &key, name, &found, &error));
    assert_string_equal(name, "a?[2Jb"); /* names go to terminals */
}

static void an_empty_line_and_a_comment_are_no_key(void **state) {
    (void)state;
    static const char *const lines[] = {"", "   ", "# " PUBLIC, "  #"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct key key;
        struct error error = {0};
        char name[KEY_NAME_MAX + 1];
        bool found = true;
        assert_true(parse_line(lines[i], &key, name, &found, &error));
        assert_false(found);
    }
}

static void a_line_that_is_no_key_is_an_error(void **state) {
    (void)state;
    char long_name[KEY_TEXT_SIZE + KEY_NAME_MAX + 8];
    memset(long_name, 'x', sizeof long_name);
    memcpy(long_name, PUBLIC " ", KEY_TEXT_SIZE);
    long_name[sizeof long_name - 1] = '\0';
    const char *const lines[] = {"me", "assay-secret-key " SECRET, PUBLIC "0 me", "07a37c me",
                                 long_name};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct key key;
        struct error error = {0};
        char name[KEY_NAME_MAX + 1];
        bool found;
        if (parse_line(lines[i], &key, name, &found, &error))
            fail_msg("taken: %s", lines[i]);
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

static void a_servers_key_is_its_digits_or_a_file_with_one_line(void **state) {
    struct key key;
    struct error error = {0};
    char *path = temporary_path(state, "c.pub");
    assert_true(key_public_read(PUBLIC, &key, &error));
    assert_key(&key, PUBLIC);
    write_file(path, "# the coordinator\n" PUBLIC " c\n", 0644);
    assert_true(key_public_read(path, &key, &error));
    assert_key(&key, PUBLIC);
    write_file(path, PUBLIC " c\n" PUBLIC " d\n", 0644);
    assert_false(key_public_read(path, &key, &error));
    assert_non_null(strstr(error.message, "2 public keys"));
    write_file(path, "assay-secret-key " SECRET "\n", 0600);
    assert_false(key_public_read(path, &key, &error));
    assert_non_null(strstr(error.message, "this is a secret key"));
    assert_false(key_public_read("nowhere.pub", &key, &error));
    assert_non_null(strstr(error.message, "nowhere.pub: cannot be read"));
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_public_key_follows_from_the_secret_as_rfc_7748_has_it),
        IN_FOLDER(a_pair_that_was_written_is_read_back_and_its_secret_is_its_owners),
        IN_FOLDER(a_new_pair_is_durable_with_its_names_or_not_there),
        cmocka_unit_test(two_pairs_are_not_the_same),
        IN_FOLDER(a_file_that_is_there_is_not_overwritten),
        IN_FOLDER(a_secret_that_others_may_read_is_refused),
        cmocka_unit_test(what_is_no_secret_key_is_refused_without_showing_it),
        cmocka_unit_test(a_public_line_is_a_key_and_the_rest_its_name),
        cmocka_unit_test(an_empty_line_and_a_comment_are_no_key),
        cmocka_unit_test(a_line_that_is_no_key_is_an_error),
        IN_FOLDER(a_servers_key_is_its_digits_or_a_file_with_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
