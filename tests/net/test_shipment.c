/* Bringing files to a coordinator that the test plays. */
#include "net/shipment.h"

#include "core/file.h"
#include "core/json.h"
#include "tests/cli/fake.h"
#include "tests/few_descriptors.h"
#include "tests/temporary.h"

#include <unistd.h>

enum { BYTES = 10, PIECE = 4, FILES_MAX = 100, PATIENCE_MS = 20000 };

/* What the coordinator does. */
struct desk {
    const char *refusal; /* the code that an offer is answered with; NULL: it is taken */
    int forgets;         /* pieces that are answered as if there had been no offer */
    size_t descriptors;  /* how many more the process may have; 0: many */
    int offers, pieces;
    int64_t have[FILES_MAX];
};

/* The sum of a file is its number here: nobody checks it. */
static int64_t *have_of(struct desk *desk, const cJSON *body) {
    size_t file = strtoul(json_string(body, "sha256"), NULL, 16);
    assert_true(file < FILES_MAX);
    return &desk->have[file];
}

static cJSON *want(int64_t offset, const char **name) {
    cJSON *body = cJSON_CreateObject();
    *name = "want";
    cJSON_AddNumberToObject(body, "offset", (double)offset);
    cJSON_AddNumberToObject(body, "credit", 2);
    cJSON_AddNumberToObject(body, "piece", PIECE);
    return body;
}

static cJSON *refuse(const char *code) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "code", code);
    cJSON_AddStringToObject(body, "message", "it is refused");
    return body;
}

static cJSON *answer(void *context, size_t nth, const char *request, const cJSON *body,
                     const char **name) {
    struct desk *desk = context;
    int64_t *have = have_of(desk, body);
    (void)nth;
    if (strcmp(request, "append") == 0) {
        desk->pieces++;
        if (desk->forgets > 0) {
            desk->forgets--;
            return refuse("not_found");
        }
        if (json_integer(body, "offset") == *have)
            *have = *have + PIECE < BYTES ? *have + PIECE : BYTES;
        return want(*have, name);
    }
    desk->offers++;
    if (desk->refusal != NULL)
        return refuse(desk->refusal);
    if (*have < BYTES)
        return want(*have, name);
    *name = "have";
    return cJSON_CreateObject();
}

/* How far the shipment was when it told last. */
static struct {
    size_t files;
    int64_t bytes;
} told;

static void tell(void *context, size_t files, int64_t bytes) {
    (void)context;
    told.files = files;
    told.bytes = bytes;
}

/* Sends files of that content (NULL: those at `path`) to the desk. */
static bool ship(struct desk *desk, const char *text, const char *path, size_t count,
                 struct error *error) {
    struct shipment_file files[FILES_MAX];
    struct shipment shipment = {
        .files = files, .count = count, .patience_ms = PATIENCE_MS, .progress = tell};
    struct fake fake;
    for (size_t i = 0; i < count; i++) {
        files[i] = (struct shipment_file){.path = path, .text = text, .bytes = BYTES};
        snprintf(files[i].sha256, SHA256_TEXT_SIZE, "%064zx", i);
    }
    fake_start(&fake, answer, desk);
    assert_true(dealer_open(getenv("ASSAY_CONNECT"), NULL, &shipment.dealer, error));
    const struct rlimit before = leave_descriptors(desk->descriptors > 0 ? desk->descriptors : 200);
    bool sent = shipment_send(&shipment, error);
    give_back_descriptors(before);
    dealer_close(shipment.dealer);
    fake_stop(&fake);
    return sent;
}

static void a_file_goes_in_pieces_until_the_coordinator_has_it(void **state) {
    struct desk desk = {0};
    struct error error = {0};
    (void)state;
    assert_true(ship(&desk, "0123456789", "digits", 1, &error));
    assert_int_equal(desk.have[0], BYTES);
    assert_int_equal(desk.pieces, 3);
}

static void what_the_coordinator_has_does_not_travel(void **state) {
    struct desk desk = {.have = {BYTES, BYTES}};
    struct error error = {0};
    (void)state;
    assert_true(ship(&desk, "0123456789", "digits", 2, &error));
    assert_int_equal(desk.offers, 2);
    assert_int_equal(desk.pieces, 0);
    assert_int_equal(told.files, 2);
    assert_int_equal(told.bytes, 2 * BYTES);
}

static void a_piece_that_came_after_the_offer_was_forgotten_is_offered_again(void **state) {
    struct desk desk = {.forgets = 1};
    struct error error = {0};
    (void)state;
    assert_true(ship(&desk, "0123456789", "digits", 1, &error));
    assert_int_equal(desk.have[0], BYTES);
    assert_true(desk.offers >= 2);
}

/* Somebody has cleared the data set away meanwhile: it would be refused for ever. */
static void a_file_that_no_listing_has_any_more_ends_it(void **state) {
    struct desk desk = {.refusal = "not_found"};
    struct error error = {0};
    (void)state;
    assert_false(ship(&desk, "0123456789", "digits", 1, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message, "digits: it is refused");
}

/* What came of it earlier was damaged, which shows when it is checked. */
static void a_file_that_arrives_as_another_one_is_sent_anew_and_not_without_end(void **state) {
    struct desk desk = {.refusal = "invalid"};
    struct error error = {0};
    (void)state;
    assert_false(ship(&desk, "0123456789", "digits", 1, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_int_equal(desk.offers, 3);
}

static void no_room_ends_it(void **state) {
    struct desk desk = {.refusal = "storage"};
    struct error error = {0};
    (void)state;
    assert_false(ship(&desk, "0123456789", "digits", 1, &error));
    assert_int_equal(error.code, ERROR_FAILED);
}

static void a_file_that_has_become_shorter_ends_it(void **state) {
    char *path = temporary_path(state, "digits");
    struct desk desk = {0};
    struct error error = {0};
    assert_true(file_write_atomic(path, "01234", 5, &error));
    assert_false(ship(&desk, NULL, path, 1, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "has become shorter"));
    free(path);
}

static void a_file_that_cannot_be_read_is_not_called_shorter(void **state) {
    struct desk desk = {0};
    struct error error = {0};
    assert_false(ship(&desk, NULL, *state, 1, &error)); /* a folder */
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, ": cannot be read: "));
}

/* Eight are for the connection, which the desk in this process takes up. */
static void more_files_than_may_be_open_arrive_too(void **state) {
    char *path = temporary_path(state, "digits");
    struct desk desk = {.descriptors = 8};
    struct error error = {0};
    assert_true(file_write_atomic(path, "0123456789", BYTES, &error));
    if (!ship(&desk, NULL, path, FILES_MAX, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < FILES_MAX; i++)
        assert_int_equal(desk.have[i], BYTES);
    free(path);
}

static void a_file_that_is_not_there_ends_it(void **state) {
    char *path = temporary_path(state, "nowhere");
    struct desk desk = {0};
    struct error error = {0};
    assert_false(ship(&desk, NULL, path, 1, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "nowhere: No such file"));
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_goes_in_pieces_until_the_coordinator_has_it),
        cmocka_unit_test(what_the_coordinator_has_does_not_travel),
        cmocka_unit_test(a_piece_that_came_after_the_offer_was_forgotten_is_offered_again),
        cmocka_unit_test(a_file_that_no_listing_has_any_more_ends_it),
        cmocka_unit_test(a_file_that_arrives_as_another_one_is_sent_anew_and_not_without_end),
        cmocka_unit_test(no_room_ends_it),
        IN_FOLDER(a_file_that_has_become_shorter_ends_it),
        IN_FOLDER(a_file_that_cannot_be_read_is_not_called_shorter),
        IN_FOLDER(more_files_than_may_be_open_arrive_too),
        IN_FOLDER(a_file_that_is_not_there_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
