#include "worker/nn/cuda/choices.h"

#include "core/file.h"
#include "core/random.h"
#include "core/sha256.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct choice_key key_of(int number) {
    struct choice_key key = {.version = 91900,
                             .pass = (enum pass)(number % PASSES),
                             .task = {.count = 32,
                                      .in = {63, 57, 58},
                                      .out = {64 + number, 55, 56},
                                      .kernel = 7,
                                      .stride = 2,
                                      .padding = 3,
                                      .element = ELEMENT_BF16,
                                      .tensor_cores = number % 2 == 0,
                                      .deterministic = number % 4 < 2}};
    snprintf(key.device, sizeof key.device, "NVIDIA H100 80GB HBM3");
    return key;
}

static void expect(const struct choices *choices, const struct choice_key *key, int mode,
                   int index) {
    const struct choice choice = choices_find(choices, key);
    assert_int_equal(choice.mode, mode);
    assert_int_equal(choice.index, index);
}

static char *path_in(const char *folder) {
    char *path;
    assert_true(asprintf(&path, "%s/plans/engines", folder) >= 0);
    return path;
}

enum { MANY = 40 };

static struct choices *load(const char *path) {
    struct choices *choices;
    struct error error = {0};
    if (!choices_load(path, &choices, &error))
        fail_msg("%s", error.message);
    return choices;
}

/* Whatever is there before. */
static void write_many(const char *path) {
    struct choices *choices;
    choices_load(path, &choices, NULL);
    for (int i = 0; i < MANY; i++) {
        const struct choice_key key = key_of(i);
        assert_true(choices_put(choices, &key, (struct choice){i % 2, i % CHOICE_ENGINES}));
    }
    assert_true(choices_save(choices, path, NULL));
    choices_free(choices);
}

static void what_was_put_is_found_in_the_next_run(void **state) {
    char *path = path_in(*state);
    write_many(path);
    struct choices *choices = load(path);
    assert_int_equal(remove(path), 0);
    assert_true(choices_save(choices, path, NULL)); /* it has nothing that was not there */
    assert_int_equal(access(path, F_OK), -1);
    for (int i = 0; i < MANY; i++) {
        const struct choice_key key = key_of(i);
        expect(choices, &key, i % 2, i % CHOICE_ENGINES);
    }
    choices_free(choices);
    free(path);
}

static void another_list_or_another_place_in_it_is_kept_too(void **state) {
    static const struct choice turns[] = {{1, 5}, {0, 5}, {0, 6}};
    const struct choice_key key = key_of(3);
    char *path = path_in(*state);
    write_many(path);
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        struct choices *choices = load(path);
        assert_true(choices_put(choices, &key, turns[i]));
        assert_true(choices_save(choices, path, NULL));
        choices_free(choices);
        choices = load(path);
        expect(choices, &key, turns[i].mode, turns[i].index);
        choices_free(choices);
    }
    free(path);
}

static void every_part_of_the_key_counts(void **state) {
    (void)state;
    struct choices *choices = load("/no/such/file");
    const struct choice_key key = key_of(0);
    struct choice_key others[9];
    for (size_t i = 0; i < 9; i++)
        others[i] = key;
    others[0].device[0] = 'X';
    others[1].version++;
    others[2].pass = PASS_WEIGHTS;
    others[3].task.count++;
    others[4].task.in.height++;
    others[5].task.padding++;
    others[6].task.element = ELEMENT_F32;
    others[7].task.tensor_cores = false;
    others[8].task.deterministic = false;
    assert_true(choices_put(choices, &key, (struct choice){0, 7}));
    expect(choices, &key, 0, 7);
    for (size_t i = 0; i < 9; i++)
        expect(choices, &others[i], -1, -1);
    assert_true(choices_put(choices, &key, (struct choice){1, 2}));
    expect(choices, &key, 1, 2);
    choices_free(choices);
}

static void expect_damaged(const char *path) {
    struct choices *choices;
    struct error error = {0};
    const struct choice_key key = key_of(0);
    assert_false(choices_load(path, &choices, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, path));
    assert_non_null(choices);
    expect(choices, &key, -1, -1);
    choices_free(choices);
}

/* Each byte changed in turn, and the file cut off after each. */
static void a_damaged_file_is_as_none(void **state) {
    char *path = path_in(*state), *data;
    size_t length;
    write_many(path);
    assert_true(file_read(path, 1 << 20, &data, &length, NULL));
    for (size_t i = 0; i < length; i += i < 200 ? 1 : 7) {
        data[i] = (char)(data[i] ^ 1);
        assert_true(file_write_atomic(path, data, length, NULL));
        expect_damaged(path);
        data[i] = (char)(data[i] ^ 1);
        assert_true(file_write_atomic(path, data, i, NULL));
        expect_damaged(path);
    }
    free(data);
    write_many(path); /* and it is written anew */
    choices_free(load(path));
    free(path);
}

static void keep_line(void *context, const char *line) {
    char *told = context;
    size_t length = strlen(told);
    snprintf(told + length, 512 - length, "%s\n", line);
}

static void open_and_keep(const char *path, char told[512]) {
    const struct choice_key key = key_of(0);
    char line[512] = "";
    struct choices *choices = choices_open(path, keep_line, line);
    assert_non_null(choices);
    assert_true(choices_put(choices, &key, (struct choice){0, 3}));
    assert_true(choices_save(choices, path, NULL));
    choices_free(choices);
    strcpy(told, line);
}

static void a_damaged_file_is_named_once_in_a_line(void **state) {
    char *path = path_in(*state), told[512], expected[512];
    open_and_keep(path, told); /* it is not there, which is nothing to speak of */
    assert_string_equal(told, "");
    open_and_keep(path, told);
    assert_string_equal(told, "");
    assert_true(file_write_atomic(path, "assay engines 1 no", 18, NULL));
    open_and_keep(path, told);
    snprintf(expected, sizeof expected, "%s: is damaged; engines are chosen anew\n", path);
    assert_string_equal(told, expected);
    open_and_keep(path, told); /* it has been written anew */
    assert_string_equal(told, "");
    struct choices *unread = choices_open("/", NULL, NULL); /* and nobody wants to know */
    assert_non_null(unread);
    choices_free(unread);
    free(path);
}

/* Behind a sum that is right: lines that are not. */
static void lines_that_say_more_than_they_may_are_refused(void **state) {
    static const char *const lines[] = {
        "91900 3 32 64 56 56 64 56 56 3 1 1 1 1 1 0 0 H100\n",    /* a pass that there is not */
        "91900 0 32 64 56 56 64 56 56 1025 1 1 1 1 1 0 0 H100\n", /* too large a kernel */
        "91900 0 32 64 56 56 64 56 56 3 1025 1 1 1 1 0 0 H100\n",
        "91900 0 32 64 56 56 64 56 56 3 1 1025 1 1 1 0 0 H100\n",
        "91900 0 32 64 56 56 64 56 56 3 1 1 2 1 1 0 0 H100\n",  /* an element */
        "91900 0 32 64 56 56 64 56 56 3 1 1 1 2 1 0 0 H100\n",  /* neither true nor false */
        "91900 0 32 64 56 56 64 56 56 3 1 1 1 1 1 2 0 H100\n",  /* a list */
        "91900 0 32 64 56 56 64 56 56 3 1 1 1 1 1 0 64 H100\n", /* a place in it */
        "91900 0 32 64 56 56 64 56 56 3 1 1 1 1 1 0 -1 H100\n",
        "91900 0 32 64 99999999999999999999 56 64 56 56 3 1 1 1 1 1 0 0 H100\n",
        "91900 0 32 64 56 56 64 56 56 3 1 1 1 1 1 0 0 \n",
        "91900 0 32 64 56 56 64 56 56 3 1 1 1 1 1 0 0 H100",
        "91900  0 32 64 56 56 64 56 56 3 1 1 1 1 1 0 0 H100\n",
        "\n",
    };
    char *path = path_in(*state), sum[SHA256_TEXT_SIZE], text[2048];
    write_many(path);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        sha256_text(lines[i], strlen(lines[i]), sum);
        int length = snprintf(text, sizeof text, "assay engines 1 %s\n%s", sum, lines[i]);
        assert_true(file_write_atomic(path, text, (size_t)length, NULL));
        expect_damaged(path);
    }
    const char *good = "91900 0 32 63 57 58 64 55 56 7 2 3 1 1 1 0 5 NVIDIA H100 80GB HBM3\n";
    const struct choice_key key = key_of(0);
    sha256_text(good, strlen(good), sum);
    int length = snprintf(text, sizeof text, "assay engines 1 %s\n%s", sum, good);
    assert_true(file_write_atomic(path, text, (size_t)length, NULL));
    struct choices *choices = load(path);
    expect(choices, &key, 0, 5);
    choices_free(choices);
    free(path);
}

/* Lines of drawn characters: none is taken for a choice out of bounds. */
static void drawn_lines_do_no_harm(void **state) {
    static const char letters[] = "0123456789 0123456789 0123456789 \nH-.\t";
    char *path = path_in(*state), sum[SHA256_TEXT_SIZE], text[1024];
    write_many(path);
    for (uint64_t draw = 0; draw < 300; draw++) {
        struct random_stream stream;
        struct choices *choices;
        char body[600];
        random_open(&stream, 5, RANDOM_SHUFFLE, 0, draw);
        size_t count = random_below(&stream, sizeof body);
        for (size_t i = 0; i < count; i++)
            body[i] = letters[random_below(&stream, sizeof letters - 1)];
        sha256_text(body, count, sum);
        int head = snprintf(text, sizeof text, "assay engines 1 %s\n", sum);
        memcpy(text + head, body, count);
        assert_true(file_write_atomic(path, text, (size_t)head + count, NULL));
        choices_load(path, &choices, NULL);
        assert_non_null(choices);
        choices_free(choices);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_found_in_the_next_run, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(another_list_or_another_place_in_it_is_kept_too,
                                        temporary_make, temporary_remove),
        cmocka_unit_test(every_part_of_the_key_counts),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_as_none, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_named_once_in_a_line, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(lines_that_say_more_than_they_may_are_refused,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(drawn_lines_do_no_harm, temporary_make, temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
