/* Bringing files to a coordinator that the test plays. */
#include "net/shipment.h"

#include "core/json.h"
#include "tests/cli/fake.h"
#include "tests/temporary.h"

#include <unistd.h>

/* hashlib.sha256(b"0123456789").hexdigest(), and of b"abcdefghij" */
#define SUM "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
#define SUM_OF_OTHER "72399361da6a7754fec986dca5b7cbaf1c810a28ded4abaf56b2106d06cb78b0"
enum { BYTES = 10, PIECE = 4, PATIENCE_MS = 20000 };

/* What the coordinator does. */
struct desk {
    const char *refusal; /* the code that an offer is answered with; NULL: it is taken */
    int forgets;         /* pieces that are answered as if there had been no offer */
    int offers, pieces;
    int64_t have; /* of the one file that comes */
};

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
    (void)nth;
    if (strcmp(request, "append") == 0) {
        desk->pieces++;
        if (desk->forgets > 0) {
            desk->forgets--;
            return refuse("not_found");
        }
        if (json_integer(body, "offset") == desk->have)
            desk->have = desk->have + PIECE < BYTES ? desk->have + PIECE : BYTES;
        return want(desk->have, name);
    }
    desk->offers++;
    if (desk->refusal != NULL)
        return refuse(desk->refusal);
    if (desk->have < BYTES)
        return want(desk->have, name);
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
    static const char *const sums[] = {SUM, SUM_OF_OTHER};
    struct shipment_file files[2];
    struct shipment shipment = {
        .files = files, .count = count, .patience_ms = PATIENCE_MS, .progress = tell};
    struct fake fake;
    for (size_t i = 0; i < count; i++) {
        files[i] = (struct shipment_file){.path = path, .text = text, .bytes = BYTES};
        memcpy(files[i].sha256, sums[i], SHA256_TEXT_SIZE);
    }
    fake_start(&fake, answer, desk);
    assert_true(dealer_open(getenv("ASSAY_CONNECT"), NULL, &shipment.dealer, error));
    bool sent = shipment_send(&shipment, error);
    dealer_close(shipment.dealer);
    fake_stop(&fake);
    return sent;
}

static void a_file_goes_in_pieces_until_the_coordinator_has_it(void **state) {
    struct desk desk = {0};
    struct error error = {0};
    (void)state;
    assert_true(ship(&desk, "0123456789", "digits", 1, &error));
    assert_int_equal(desk.have, BYTES);
    assert_int_equal(desk.pieces, 3);
}

static void what_the_coordinator_has_does_not_travel(void **state) {
    struct desk desk = {.have = BYTES};
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
    assert_int_equal(desk.have, BYTES);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_goes_in_pieces_until_the_coordinator_has_it),
        cmocka_unit_test(what_the_coordinator_has_does_not_travel),
        cmocka_unit_test(a_piece_that_came_after_the_offer_was_forgotten_is_offered_again),
        cmocka_unit_test(a_file_that_no_listing_has_any_more_ends_it),
        cmocka_unit_test(a_file_that_arrives_as_another_one_is_sent_anew_and_not_without_end),
        cmocka_unit_test(no_room_ends_it),
        IN_FOLDER(a_file_that_has_become_shorter_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
