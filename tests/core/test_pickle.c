/* Pickles as CPython 3.11 writes them; above each the expression whose pickle.dumps it is, with the
 * protocol. */
#include "core/pickle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pickle *read_pickle(const char *data, size_t length) {
    struct pickle *pickle = NULL;
    struct error error = {0};
    if (!pickle_read((const uint8_t *)data, length, "x", &pickle, &error))
        fail_msg("%s", error.message);
    return pickle;
}
/* Of a string literal, which may hold NULs. */
#define READ(literal) read_pickle(literal, sizeof(literal) - 1)

static void expect_refused(const char *data, size_t length, const char *part) {
    struct pickle *pickle = NULL;
    struct error error = {0};
    assert_false(pickle_read((const uint8_t *)data, length, "x", &pickle, &error));
    assert_null(pickle);
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, part) == NULL || strncmp(error.message, "x: ", 3) != 0)
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}
#define REFUSE(literal, part) expect_refused(literal, sizeof(literal) - 1, part)

static void plain_data_of_protocol_2_is_read(void **state) {
    (void)state;
    /* {"a": [1, -2, 300, 70000, 2**40, -2**40], "b": (None, True, False), "c": 1.5, "d": ""} */
    struct pickle *pickle = READ("\x80\x02}q\x00(X\x01\x00\x00\x00"
                                 "aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06"
                                 "\x00\x00\x00\x00\x00\x01\x8a\x06\x00\x00\x00\x00\x00\xff"
                                 "eX\x01\x00\x00\x00"
                                 "bq\x03N\x88\x89\x87q\x04X\x01\x00\x00\x00"
                                 "cq\x05G?\xf8\x00\x00\x00\x00\x00\x00X\x01\x00\x00\x00"
                                 "dq\x06X\x00\x00\x00\x00q\x07u.");
    const struct pickle_value *root = pickle_root(pickle), *list = pickle_find(root, "a"),
                              *tuple = pickle_find(root, "b");
    static const int64_t numbers[] = {1, -2, 300, 70000, INT64_C(1) << 40, -(INT64_C(1) << 40)};
    assert_int_equal(root->kind, PICKLE_DICT);
    assert_int_equal(list->kind, PICKLE_LIST);
    assert_int_equal(list->count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(list->items[i]->kind, PICKLE_INT);
        assert_int_equal(list->items[i]->integer, numbers[i]);
    }
    assert_int_equal(tuple->kind, PICKLE_TUPLE);
    assert_int_equal(tuple->items[0]->kind, PICKLE_NONE);
    assert_int_equal(tuple->items[1]->kind, PICKLE_BOOL);
    assert_int_equal(tuple->items[1]->integer, 1);
    assert_int_equal(tuple->items[2]->integer, 0);
    assert_true(pickle_find(root, "c")->number == 1.5);
    assert_string_equal(pickle_find(root, "d")->string, "");
    assert_null(pickle_find(root, "e"));
    assert_null(pickle_find(list, "a"));
    pickle_free(pickle);
}

static void integers_of_up_to_64_bits_keep_their_value(void **state) {
    (void)state;
    /* [-2**63, 2**63 - 1, -2**55, 128] */
    struct pickle *pickle =
        READ("\x80\x02]q\x00(\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80\x8a\x08\xff\xff\xff\xff"
             "\xff\xff\xff\x7f\x8a\x07\x00\x00\x00\x00\x00\x00\x80K\x80"
             "e.");
    static const int64_t numbers[] = {INT64_MIN, INT64_MAX, -(INT64_C(1) << 55), 128};
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(root->items[i]->kind, PICKLE_INT);
        assert_int_equal(root->items[i]->integer, numbers[i]);
    }
    pickle_free(pickle);
}

static void protocol_4_with_frames_and_short_strings_is_read(void **state) {
    (void)state;
    /* [collections.OrderedDict(k=1), "k"] */
    struct pickle *pickle =
        READ("\x80\x04\x95/\x00\x00\x00\x00\x00\x00\x00]\x94(\x8c\x0b"
             "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94\x8c\x01k\x94K"
             "\x01sh\x05"
             "e.");
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->count, 2);
    assert_int_equal(root->items[0]->kind, PICKLE_DICT);
    assert_int_equal(pickle_find(root->items[0], "k")->integer, 1);
    assert_string_equal(root->items[1]->string, "k");
    pickle_free(pickle);
}

static void a_call_is_only_written_down(void **state) {
    (void)state;
    /* an object whose __reduce__ gives (os.system, ("true",)) */
    struct pickle *pickle = READ("\x80\x02"
                                 "cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03.");
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->kind, PICKLE_CALL);
    assert_int_equal(root->items[0]->kind, PICKLE_GLOBAL);
    assert_string_equal(root->items[0]->string, "posix system");
    assert_string_equal(root->items[1]->items[0]->string, "true");
    pickle_free(pickle);
}

static void the_items_of_an_unknown_kind_of_dict_are_dropped(void **state) {
    (void)state;
    /* collections.defaultdict(int, a=1) */
    struct pickle *pickle = READ("\x80\x02"
                                 "ccollections\ndefaultdict\nq\x00"
                                 "c__builtin__\nlong\nq\x01\x85q\x02Rq\x03X\x01\x00\x00\x00"
                                 "aq\x04K\x01s.");
    assert_string_equal(pickle_root(pickle)->items[0]->string, "collections defaultdict");
    assert_int_equal(pickle_root(pickle)->count, 2);
    pickle_free(pickle);
}

static void a_tuple_may_be_of_all_that_there_is(void **state) {
    (void)state;
    /* (None, (None,)) */
    struct pickle *pickle = READ("\x80\x02NN\x85\x86.");
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->kind, PICKLE_TUPLE);
    assert_int_equal(root->count, 2);
    assert_int_equal(root->items[1]->count, 1);
    pickle_free(pickle);
}

static void a_list_may_hold_itself(void **state) {
    (void)state;
    /* a = []; a.append(a); a */
    struct pickle *pickle = READ("\x80\x02]q\x00h\x00"
                                 "a.");
    const struct pickle_value *root = pickle_root(pickle);
    assert_ptr_equal(root->items[0], root);
    pickle_free(pickle);
}

/* Such are the arrays and numbers of NumPy that stand beside the weights of a checkpoint. */
static void what_is_not_kept_is_passed_over(void **state) {
    (void)state;
    /* ["a\0b", 2**64, -2**63 - 1, b"\0x", 7] in protocol 3, and the bytes again as BINBYTES */
    struct pickle *pickle =
        READ("\x80\x03]q\x00(X\x03\x00\x00\x00"
             "a\x00"
             "bq\x01\x8a\t\x00\x00\x00\x00\x00\x00\x00\x00\x01\x8a\t\xff\xff\xff"
             "\xff\xff\xff\xff\x7f\xff"
             "C\x02\x00xq\x02K\x07"
             "B\x02\x00\x00\x00\x00x"
             "e.");
    static const enum pickle_kind kinds[] = {PICKLE_OPAQUE, PICKLE_OPAQUE, PICKLE_OPAQUE,
                                             PICKLE_OPAQUE, PICKLE_INT,    PICKLE_OPAQUE};
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(root->items[i]->kind, kinds[i]);
    assert_int_equal(root->items[4]->integer, 7);
    pickle_free(pickle);
}

static void an_integer_of_more_than_255_bytes_is_passed_over(void **state) {
    (void)state;
    /* [2**2040, -3] in protocol 2, the second one as LONG4 too */
    static const char head[] = "\x80\x02]q\x00(\x8b\x00\x01\x00"; /* and the NUL */
    static const char tail[] = "\x01\x8b\x01\x00\x00\x00\xfd"
                               "e.";
    char data[sizeof head + 255 + sizeof tail - 1] = {0};
    memcpy(data, head, sizeof head);
    memcpy(data + sizeof head + 255, tail, sizeof tail - 1);
    struct pickle *pickle = read_pickle(data, sizeof data);
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->count, 2);
    assert_int_equal(root->items[0]->kind, PICKLE_OPAQUE);
    assert_int_equal(root->items[1]->integer, -3);
    pickle_free(pickle);
    REFUSE("\x80\x02\x8b\xff\xff\xff\xff\x01.", "is cut short");
}

static void sets_and_bytes_of_protocol_5_are_read(void **state) {
    (void)state;
    /* [{3}, frozenset({4}), bytearray(b"\0x")], without its frame */
    struct pickle *pickle = READ("\x80\x05]\x94(\x8f\x94(K\x03\x90(K\x04\x91\x94\x96\x02\x00\x00"
                                 "\x00\x00\x00\x00\x00\x00x\x94"
                                 "e.");
    const struct pickle_value *root = pickle_root(pickle);
    assert_int_equal(root->count, 3);
    assert_int_equal(root->items[0]->kind, PICKLE_LIST);
    assert_int_equal(root->items[0]->items[0]->integer, 3);
    assert_int_equal(root->items[1]->kind, PICKLE_TUPLE);
    assert_int_equal(root->items[1]->items[0]->integer, 4);
    assert_int_equal(root->items[2]->kind, PICKLE_OPAQUE);
    pickle_free(pickle);
    REFUSE("\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\xff.", "is cut short");
}

static void broken_pickles_are_refused_with_the_place(void **state) {
    (void)state;
    REFUSE("", "byte 0 of its pickle: is cut short");
    REFUSE("\x80\x02.", "takes from an empty stack");
    REFUSE("\x80\x02\x85.", "takes from an empty stack");      /* a tuple of one */
    REFUSE("\x80\x02K\x01\x86.", "takes from an empty stack"); /* of two */
    REFUSE("\x80\x02K", "is cut short");
    REFUSE("X\xff\xff\xff\xff"
           "a.",
           "is cut short");
    REFUSE("Na.", "takes from an empty stack");
    REFUSE("NNa.", "adds to what is no dict or list");
    REFUSE("}(Nu.", "adds to what is no dict or list");
    REFUSE("N(\x85.", "takes from an empty stack"); /* not from below a mark */
    REFUSE("N(\x85t.", "byte 3 of its pickle: takes from an empty stack");
    REFUSE("t.", "has no mark");
    REFUSE("(.", "takes from an empty stack");
    REFUSE("(e.", "takes from an empty stack");
    REFUSE("h\x00.", "recalls what was never remembered");
    REFUSE("Nr\xff\xff\xff\xff.", "remembers under a number that is too large");
    REFUSE("NNR.", "calls with what is no tuple");
    REFUSE("NN\x93.", "names a class by what is no string");
    REFUSE("cos\nsystem", "is cut short");
    REFUSE("cos\x00\nsystem\n.", "names a class by what is no string");
    REFUSE("X\x01\x00\x00\x00\x00N\x93.", "names a class by what is no string");
    REFUSE("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x01.", "is cut short");
    REFUSE("C\x03\x00\x01", "is cut short");
    REFUSE("N", "is cut short");
    REFUSE("i__main__\nC\n.", "holds objects of Python");
}

/* A string of `length` that is remembered, then classes named by it twice, without end. */
static void a_pickle_that_copies_a_string_without_end_is_refused(void **state) {
    (void)state;
    enum { LENGTH = 1 << 16, TIMES = 4000, BYTES = 5 + LENGTH + 2 + 5 * TIMES };
    char *data = malloc(BYTES), *at = data + 5;
    memcpy(data, "X\x00\x00\x01\x00", 5);
    memset(at, 'a', LENGTH);
    at += LENGTH;
    *at++ = 'q';
    *at++ = 0;
    for (int i = 0; i < TIMES; i++, at += 5)
        memcpy(at, "h\x00h\x00\x93", 5);
    expect_refused(data, BYTES, "makes more than 256 MiB of objects");
    free(data);
}

static void a_pickle_of_nothing_but_values_is_refused_when_it_is_long(void **state) {
    (void)state;
    enum { BYTES = 8 << 20 };
    static const char fillers[] = {')', '('};
    for (size_t i = 0; i < sizeof fillers; i++) {
        char *data = malloc(BYTES);
        memset(data, fillers[i], BYTES);
        expect_refused(data, BYTES, fillers[i] == '(' ? "is cut short" : "more than 256 MiB");
        free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_data_of_protocol_2_is_read),
        cmocka_unit_test(integers_of_up_to_64_bits_keep_their_value),
        cmocka_unit_test(protocol_4_with_frames_and_short_strings_is_read),
        cmocka_unit_test(a_call_is_only_written_down),
        cmocka_unit_test(the_items_of_an_unknown_kind_of_dict_are_dropped),
        cmocka_unit_test(a_tuple_may_be_of_all_that_there_is),
        cmocka_unit_test(a_list_may_hold_itself),
        cmocka_unit_test(what_is_not_kept_is_passed_over),
        cmocka_unit_test(an_integer_of_more_than_255_bytes_is_passed_over),
        cmocka_unit_test(sets_and_bytes_of_protocol_5_are_read),
        cmocka_unit_test(broken_pickles_are_refused_with_the_place),
        cmocka_unit_test(a_pickle_that_copies_a_string_without_end_is_refused),
        cmocka_unit_test(a_pickle_of_nothing_but_values_is_refused_when_it_is_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
