/* A worker whose GPU works no more: with a device that the test breaks. */
#include "tests/worker/agent_stage.h"

#include "tests/worker/cuda/offered.h"

const struct backend *module_backend(char *why, size_t size) {
    (void)why, (void)size;
    return offer();
}

static void give_back(struct stage *stage) {
    stage->options.backend = "cuda";
    start_worker(stage);
    greet(stage);
    assign(stage, "has no memory");
    expect_end(stage, "given_back");
}

/* Somebody starts it again; until then others have the experiment. */
static void a_worker_whose_device_is_lost_gives_back_and_ends(void **state) {
    struct stage *stage = *state;
    give_back(stage);
    atomic_store(&broken, true);
    acknowledge(stage, false);
    say_farewell(stage);
    atomic_store(&broken, false);
    assert_false(stage->ok);
    assert_int_equal(stage->error.code, ERROR_FAILED);
    assert_non_null(strstr(stage->error.message, "an illegal memory access was encountered"));
}

static void one_whose_device_still_works_asks_for_more(void **state) {
    struct stage *stage = *state;
    give_back(stage);
    acknowledge(stage, false);
    let_go(stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(a_worker_whose_device_is_lost_gives_back_and_ends),
        ON_STAGE(one_whose_device_still_works_asks_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
