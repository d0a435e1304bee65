#include "core/wire.h"

#include "core/json.h"
#include "core/random.h"
#include "core/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAME(text)                                                                                \
    { (text), sizeof(text) - 1 }

static bool decode(const struct wire_frame *frames, size_t count, struct wire_message *message,
                   enum wire_code *code, struct error *error) {
    *error = (struct error){0};
    return wire_decode(frames, count, message, code, error);
}

/* Asserts that these frames are refused with this code and a message that has `part` in it. */
static void refused(const struct wire_frame *frames, size_t count, enum wire_code code,
                    const char *part) {
    struct wire_message message;
    enum wire_code found;
    struct error error;
    assert_false(decode(frames, count, &message, &found, &error));
    assert_int_equal(found, code);
    if (strstr(error.message, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, error.message);
    assert_null(strchr(error.message, '\n'));
    assert_null(message.body);
}

static void a_message_survives_encoding_and_decoding(void **state) {
    (void)state;
    struct wire_packet packet;
    struct wire_message message;
    enum wire_code code;
    struct error error = {0};
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "id", 7);
    cJSON_AddNumberToObject(body, "offset", 9007199254740991.0);
    assert_true(wire_encode("logs", UINT64_MAX, body, &packet, &error));
    struct wire_frame frames[WIRE_FRAMES];
    for (size_t i = 0; i < WIRE_FRAMES; i++)
        frames[i] = wire_packet_frame(&packet, i);
    assert_int_equal(frames[0].length, 7);
    assert_memory_equal(frames[0].data, "assay/1", 7);
    assert_true(decode(frames, WIRE_FRAMES, &message, &code, &error));
    assert_string_equal(message.name, "logs");
    assert_true(message.request == UINT64_MAX);
    assert_true(cJSON_Compare(message.body, body, true));
    wire_message_free(&message);
    wire_packet_free(&packet);
    cJSON_Delete(body);
}

static void no_body_is_an_empty_object(void **state) {
    (void)state;
    struct wire_packet packet;
    assert_true(wire_encode("status", 1, NULL, &packet, NULL));
    assert_string_equal(packet.body, "{}");
    wire_packet_free(&packet);
}

static void another_version_is_refused_naming_both(void **state) {
    (void)state;
    struct wire_frame frames[] = {FRAME("assay/2"), FRAME("status"), FRAME("31"), FRAME("{}")};
    struct wire_message message;
    enum wire_code code;
    struct error error;
    refused(frames, 4, WIRE_VERSION, "assay/2");
    refused(frames, 4, WIRE_VERSION, "assay/1");
    refused(frames, 1, WIRE_VERSION, "the other side speaks assay/2");
    /* The number is still read, so that the answer can carry it. */
    assert_false(decode(frames, 4, &message, &code, &error));
    assert_true(message.request == 31);
}

static void what_is_not_assay_at_all_is_refused(void **state) {
    (void)state;
    struct wire_frame http[] = {FRAME("GET / HTTP/1.1\r\n\x01")};
    struct wire_frame empty[] = {FRAME("")};
    refused(http, 1, WIRE_VERSION, "GET / HTTP/1.1???");
    refused(empty, 1, WIRE_VERSION, "");
    refused(NULL, 0, WIRE_VERSION, "");
}

/* A piece of a file stands behind the body of `send` and `piece`, and of nothing else. */
static void a_frame_of_bytes_comes_where_the_shape_has_one(void **state) {
    (void)state;
    static const char bytes[] = {'a', '\0', '\xff', 'z'};
    struct wire_frame frames[] = {FRAME("assay/1"),
                                  FRAME("piece"),
                                  FRAME("9"),
                                  FRAME("{\"offset\": 4, \"bytes\": 8}"),
                                  {bytes, sizeof bytes}};
    struct wire_message message;
    enum wire_code code;
    struct error error;
    assert_true(decode(frames, 5, &message, &code, &error));
    assert_int_equal(message.bytes_length, sizeof bytes);
    assert_memory_equal(message.bytes, bytes, sizeof bytes);
    wire_message_free(&message);
    refused(frames, 4, WIRE_INVALID, "piece: a message has 5 frames, this one 4");
    frames[4].length = 0;
    refused(frames, 5, WIRE_INVALID, "a piece of 0 bytes");
    static const char most[WIRE_BYTES_MAX];
    frames[4] = (struct wire_frame){most, sizeof most};
    assert_true(decode(frames, 5, &message, &code, &error));
    wire_message_free(&message);
    frames[4].length = WIRE_BYTES_MAX + 1; /* refused before anything reads it */
    refused(frames, 5, WIRE_INVALID, "a piece of 1048577 bytes");
}

static void a_packet_with_bytes_has_five_frames(void **state) {
    (void)state;
    struct wire_packet packet;
    struct error error;
    assert_true(wire_encode("status", 1, NULL, &packet, &error));
    assert_int_equal(wire_packet_frames(&packet), 4);
    wire_packet_attach(&packet, strdup("bytes"), 5);
    assert_int_equal(wire_packet_frames(&packet), 5);
    assert_int_equal(wire_packet_frame(&packet, 4).length, 5);
    assert_memory_equal(wire_packet_frame(&packet, 4).data, "bytes", 5);
    wire_packet_free(&packet);
}

static void the_number_of_frames_is_exact(void **state) {
    (void)state;
    struct wire_frame frames[] = {FRAME("assay/1"), FRAME("status"), FRAME("1"), FRAME("{}"),
                                  FRAME("{}")};
    for (size_t count = 1; count <= 5; count++)
        if (count != WIRE_FRAMES)
            refused(frames, count, WIRE_INVALID, "frames");
}

static void a_request_number_is_decimal_and_fits_64_bits(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "-1",
                                        "+1",
                                        " 1",
                                        "1 ",
                                        "01",
                                        "0x1",
                                        "1.0",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "184467440737095516150"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct wire_frame frames[] = {
            FRAME("assay/1"), FRAME("status"), {wrong[i], strlen(wrong[i])}, FRAME("{}")};
        refused(frames, 4, WIRE_INVALID, "request number");
    }
}

static void an_unknown_name_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "", "nonsense", "Summary", "Status", "status ", "abcdefghijklmnopqrstuvwxyzabcdefghi"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct wire_frame frames[] = {
            FRAME("assay/1"), {wrong[i], strlen(wrong[i])}, FRAME("1"), FRAME("{}")};
        refused(frames, 4, WIRE_UNKNOWN, "no message is called");
    }
}

static void a_name_as_long_as_a_body_is_refused_by_its_first_letters(void **state) {
    (void)state;
    static char name[1 << 20];
    memset(name, 'a', sizeof name);
    struct wire_frame frames[] = {FRAME("assay/1"), {name, sizeof name}, FRAME("1"), FRAME("{}")};
    refused(frames, 4, WIRE_UNKNOWN,
            "no message is called \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"");
}

static void a_body_must_have_the_shape_of_its_name(void **state) {
    (void)state;
    static const struct {
        const char *name, *body, *part;
    } wrong[] = {
        {"status", "", "status"},
        {"status", "{", "status"},
        {"status", "[]", "no JSON object"},
        {"status", "null", "no JSON object"},
        {"status", "{}{}", "status"},
        {"status", "{\"a\":1}", "unknown key \"a\""},
        {"logs", "{\"id\":1}", "\"offset\" is missing"},
        {"logs", "{\"id\":0,\"offset\":0}", "id: must be at least 1"},
        {"logs", "{\"id\":1.5,\"offset\":0}", "id: must be a whole number"},
        {"logs", "{\"id\":\"1\",\"offset\":0}", "id: must be a whole number"},
        {"logs", "{\"id\":1e300,\"offset\":0}", "id: "},
        {"logs", "{\"id\":1,\"id\":1,\"offset\":0}", "id"},
        {"list", "{\"state\":\"runing\"}", "did you mean \"running\"?"},
        {"cancel", "{\"ids\":[]}", "ids: "},
        {"request", "{\"worker\":\"\"}", "worker: must not be empty"},
        {"report", "{\"kind\":\"epoh\"}", "did you mean \"epoch\"?"},
        {"report",
         "{\"kind\":\"log\",\"worker\":\"w\",\"experiment\":1,\"attempt\":1,\"sequence\":1,"
         "\"body\":{\"offset\":-1,\"text\":\"\"}}",
         "body.offset: "},
        {"submit", "{\"key\":\"12345678\",\"experiments\":[{\"name\":\"a\"}]}",
         "experiments[0]: \"group\" is missing"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct wire_frame frames[] = {FRAME("assay/1"),
                                      {wrong[i].name, strlen(wrong[i].name)},
                                      FRAME("1"),
                                      {wrong[i].body, strlen(wrong[i].body)}};
        refused(frames, 4, WIRE_INVALID, wrong[i].part);
    }
}

static void a_body_over_the_limit_is_refused_before_it_is_parsed(void **state) {
    (void)state;
    /* Not even JSON: if it were parsed the error would say so. */
    static char body[WIRE_BODY_MAX + 1];
    struct wire_frame frames[] = {
        FRAME("assay/1"), FRAME("status"), FRAME("1"), {body, sizeof body}};
    refused(frames, 4, WIRE_INVALID, "16777217 bytes");
    frames[3].length = WIRE_BODY_MAX;
    refused(frames, 4, WIRE_INVALID, "status:1: ");
}

static void a_message_over_the_limit_is_not_encoded(void **state) {
    (void)state;
    char *text = malloc(WIRE_BODY_MAX + 1);
    memset(text, 'a', WIRE_BODY_MAX);
    text[WIRE_BODY_MAX] = '\0';
    struct wire_packet packet;
    struct error error = {0};
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "text", text);
    assert_false(wire_encode("log", 1, body, &packet, &error));
    assert_non_null(strstr(error.message, "16777216"));
    wire_packet_free(&packet);
    cJSON_Delete(body);
    free(text);
}

static void a_body_is_checked_as_sending_it_would(void **state) {
    (void)state;
    struct error error = {0};
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "key", "12345678");
    cJSON *experiments = cJSON_AddArrayToObject(body, "experiments");
    for (int i = 0; i < 10000; i++) {
        cJSON *experiment = cJSON_CreateObject();
        cJSON_AddStringToObject(experiment, "name", "a");
        cJSON_AddStringToObject(experiment, "group", "a");
        cJSON_AddObjectToObject(experiment, "config");
        cJSON_AddObjectToObject(experiment, "variant");
        cJSON_AddItemToArray(experiments, experiment);
    }
    assert_true(wire_check("submit", body, &error));
    cJSON_AddItemToArray(experiments, cJSON_Duplicate(experiments->child, true));
    assert_false(wire_check("submit", body, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message,
                        "submit: experiments: must have at most 10000 items, has 10001");
    char *text = malloc(WIRE_BODY_MAX + 1);
    memset(text, 'a', WIRE_BODY_MAX);
    text[WIRE_BODY_MAX] = '\0';
    cJSON_AddStringToObject(body, "note", text);
    assert_false(wire_check("submit", body, &error));
    assert_non_null(strstr(error.message, "at most 16777216 can be sent"));
    cJSON_Delete(body);
    free(text);
}

static void an_error_answer_becomes_an_error_of_its_kind(void **state) {
    (void)state;
    static const struct {
        enum wire_code code;
        enum error_code becomes;
    } kinds[] = {{WIRE_VERSION, ERROR_FAILED}, {WIRE_UNKNOWN, ERROR_INPUT},
                 {WIRE_INVALID, ERROR_INPUT},  {WIRE_NOT_FOUND, ERROR_INPUT},
                 {WIRE_STATE, ERROR_INPUT},    {WIRE_FENCED, ERROR_FAILED},
                 {WIRE_INTERNAL, ERROR_FAILED}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct wire_packet packet;
        struct wire_message message;
        enum wire_code code;
        struct error error = {0};
        cJSON *body = wire_error_body(kinds[i].code, "what is wrong");
        assert_true(wire_encode("error", 3, body, &packet, NULL));
        cJSON_Delete(body);
        struct wire_frame frames[WIRE_FRAMES];
        for (size_t j = 0; j < WIRE_FRAMES; j++)
            frames[j] = wire_packet_frame(&packet, j);
        assert_true(decode(frames, WIRE_FRAMES, &message, &code, &error));
        assert_false(wire_check_answer(&message, &error));
        assert_int_equal(error.code, kinds[i].becomes);
        assert_string_equal(error.message, "what is wrong");
        wire_message_free(&message);
        wire_packet_free(&packet);
    }
}

/* --- a property: whatever bytes come, the decoder says yes or no, and a yes has the declared shape
 * --- */

static const char *const seeds[][2] = {
    {"submit",
     "{\"key\":\"12345678\",\"experiments\":[{\"name\":\"a\",\"group\":\"a\",\"config\":{},"
     "\"variant\":{\"x\":\"y\"}}]}"},
    {"list", "{\"ids\":[1,2,3],\"state\":\"done\",\"after\":0}"},
    {"hello", "{\"worker\":\"w\",\"host\":\"h\",\"pid\":1,\"backend\":\"cpu\",\"device\":\"\","
              "\"threads\":2,\"memory_bytes\":1e9}"},
    {"heartbeat", "{\"worker\":\"w\",\"experiment\":1,\"attempt\":1,\"progress\":{\"phase\":"
                  "\"train\",\"epoch\":1,\"epochs\":2,\"step\":3,\"steps\":4,\"loss\":null,"
                  "\"images_per_second\":0.5}}"},
    {"report", "{\"kind\":\"end\",\"worker\":\"w\",\"experiment\":1,\"attempt\":1,\"sequence\":1,"
               "\"body\":{\"outcome\":\"failed\",\"error\":\"\\u00e9\",\"retry\":false}}"},
    {"report", "{\"kind\":\"log\",\"worker\":\"w\",\"experiment\":1,\"attempt\":1,\"sequence\":1,"
               "\"body\":{\"offset\":0,\"text\":\"line\\n\"}}"},
};

/* Changes a few bytes: overwritten, removed, doubled, or JSON's own signs put in. */
static void mutate(struct random_stream *draws, char *text, size_t *length, size_t capacity) {
    static const char signs[] = "{}[]\",:\\0-.eE+null true\x00\xff\xc3";
    for (uint32_t changes = random_below(draws, 4); changes > 0 && *length > 0; changes--) {
        size_t at = random_below(draws, (uint32_t)*length);
        switch (random_below(draws, 4)) {
        case 0: text[at] = (char)random_below(draws, 256); break;
        case 1: text[at] = signs[random_below(draws, sizeof signs - 1)]; break;
        case 2:
            memmove(text + at, text + at + 1, *length - at - 1);
            --*length;
            break;
        default:
            if (*length < capacity) {
                memmove(text + at + 1, text + at, *length - at);
                ++*length;
            }
        }
    }
}

static void broken_messages_are_refused_and_whole_ones_have_their_shape(void **state) {
    (void)state;
    enum { ROUNDS = 20000, CAPACITY = 512 };
    struct random_stream draws;
    size_t taken = 0;
    random_open(&draws, 20240229, RANDOM_SHUFFLE, 0, 0);
    for (int round = 0; round < ROUNDS; round++) {
        const char *const *seed = seeds[random_below(&draws, sizeof seeds / sizeof seeds[0])];
        char parts[4][CAPACITY];
        struct wire_frame frames[4];
        const char *whole[4] = {"assay/1", seed[0], "12", seed[1]};
        for (size_t i = 0; i < 4; i++) {
            size_t length = strlen(whole[i]);
            memcpy(parts[i], whole[i], length);
            if (i == 3 || random_below(&draws, 16) == 0)
                mutate(&draws, parts[i], &length, CAPACITY);
            /* Memory of its exact size, so that AddressSanitizer sees every byte too far. */
            char *exact = malloc(length > 0 ? length : 1);
            memcpy(exact, parts[i], length);
            frames[i] = (struct wire_frame){exact, length};
        }
        struct wire_message message;
        enum wire_code code;
        struct error error;
        if (decode(frames, 1 + random_below(&draws, 4), &message, &code, &error) ||
            decode(frames, 4, &message, &code, &error)) {
            struct faults faults = {0};
            const cJSON *shape = json_member(json_member(schema_messages(), "$defs"), message.name);
            assert_non_null(shape);
            schema_check(schema_messages(), shape, message.body, "", &faults);
            assert_int_equal(faults.count, 0);
            taken++;
        } else {
            assert_true(error.message[0] != '\0');
            assert_null(message.body);
        }
        wire_message_free(&message);
        for (size_t i = 0; i < 4; i++)
            free((void *)frames[i].data);
    }
    /* Both sides of the property have been tried. */
    assert_in_range(taken, ROUNDS / 10, ROUNDS * 9 / 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_survives_encoding_and_decoding),
        cmocka_unit_test(no_body_is_an_empty_object),
        cmocka_unit_test(another_version_is_refused_naming_both),
        cmocka_unit_test(what_is_not_assay_at_all_is_refused),
        cmocka_unit_test(a_frame_of_bytes_comes_where_the_shape_has_one),
        cmocka_unit_test(a_packet_with_bytes_has_five_frames),
        cmocka_unit_test(the_number_of_frames_is_exact),
        cmocka_unit_test(a_request_number_is_decimal_and_fits_64_bits),
        cmocka_unit_test(an_unknown_name_is_refused),
        cmocka_unit_test(a_name_as_long_as_a_body_is_refused_by_its_first_letters),
        cmocka_unit_test(a_body_must_have_the_shape_of_its_name),
        cmocka_unit_test(a_body_over_the_limit_is_refused_before_it_is_parsed),
        cmocka_unit_test(a_message_over_the_limit_is_not_encoded),
        cmocka_unit_test(a_body_is_checked_as_sending_it_would),
        cmocka_unit_test(an_error_answer_becomes_an_error_of_its_kind),
        cmocka_unit_test(broken_messages_are_refused_and_whole_ones_have_their_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
