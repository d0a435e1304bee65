/* What a worker tells the coordinator when memory is refused at every moment in turn. */
#include "core/json.h"
#include "core/shortage.h"
#include "tests/refusing.h"
#include "worker/nn/network.h"
#include "worker/request.h"
#include "worker/trial.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Without its body the coordinator would call it invalid, and the worker drop it. */
static void a_report_is_sent_whole_or_not_at_all(void **state) {
    char kind[] = "epoch", text[] = "{\"epoch\":1,\"best\":true}";
    const struct spooled report = {
        .sequence = 3, .experiment = 1, .attempt = 2, .kind = kind, .body = text};
    const struct asker asker = {.worker = "w", .history = ""};
    (void)state;
    REFUSE_EACH(n) {
        cJSON *body = request_report(&asker, &report);
        char *sent = body != NULL ? json_text(body) : NULL;
        refuse_no_more();
        assert_true((sent == NULL) == refused);
        assert_string_equal(sent != NULL ? sent : "",
                            refused ? ""
                                    : "{\"worker\":\"w\",\"experiment\":1,\"attempt\":2,"
                                      "\"sequence\":3,\"kind\":\"epoch\","
                                      "\"body\":{\"epoch\":1,\"best\":true}}");
        free(sent);
        cJSON_Delete(body);
        shortage_in_trees();
    }
}

static size_t moment; /* of the trainer's thread that is refused */
static bool has_come;

static enum trainer_outcome report_one(const struct experiment *experiment,
                                       const struct trainer_options *options,
                                       const struct trainer_events *events, struct error *error) {
    const struct checkpoint_report report = {.kind = "last", .epoch = 1, .path = "/x"};
    (void)experiment, (void)options, (void)error;
    refused = false;
    refuse_after = moment;
    events->checkpoint(events->context, &report);
    refuse_no_more();
    has_come = refused;
    return TRAINER_DONE;
}

static void a_trial_that_could_not_make_a_report_is_not_done(void **state) {
    (void)state;
    for (moment = 1, has_come = true; has_come; moment++) {
        struct experiment experiment = {0};
        const struct trainer_options options = {0};
        const struct trial_supply supply = {0};
        struct trial *trial;
        struct trial_item item = {.kind = "none yet"};
        size_t reports = 0;
        assert_true(trial_start(report_one, &experiment, &options, &supply, "host", &trial, NULL));
        while (item.kind != NULL) {
            struct pollfd ready = {.fd = trial_fd(trial), .events = POLLIN};
            trial_item_free(&item);
            item.kind = "none yet";
            poll(&ready, 1, -1);
            if (!trial_take(trial, &item))
                continue;
            char *text = item.kind != NULL ? json_text(item.body) : NULL;
            assert_string_equal(text != NULL ? text : "",
                                text == NULL ? ""
                                             : "{\"kind\":\"last\",\"epoch\":1,\"path\":\"/x\","
                                               "\"host\":\"host\"}");
            reports += text != NULL;
            free(text);
        }
        assert_int_equal(reports, item.outcome == TRAINER_DONE ? 1 : 0);
        assert_true(item.outcome == TRAINER_DONE || item.error.cause == CAUSE_MACHINE);
        trial_free(trial);
        assert_true(has_come || item.outcome == TRAINER_DONE);
    }
}

static void a_network_is_described_whole_or_not_at_all(void **state) {
    (void)state;
    REFUSE_FROM_EACH(n) {
        struct network network;
        struct error error = {0};
        bool good = network_build("resnet18", HEAD_DROPOUT, 0.5, &network, &error);
        refuse_no_more();
        assert_true(good == !refused);
        assert_true(good || error_is_shortage(&error));
        if (good)
            network_free(&network);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_described_whole_or_not_at_all),
        cmocka_unit_test(a_report_is_sent_whole_or_not_at_all),
        cmocka_unit_test(a_trial_that_could_not_make_a_report_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
