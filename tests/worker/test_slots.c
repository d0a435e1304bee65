/* Slots whose processes cannot be made; tests/integration/test_slots.sh has what they do else.
 * Linked with -Wl,--wrap=fork. */
#include "worker/slots.h"

#include "core/text.h"
#include "tests/temporary.h"
#include "worker/slot.h"
#include "worker/spool.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int refusals;

pid_t __real_fork(void);
pid_t __wrap_fork(void);

pid_t __wrap_fork(void) {
    if (refusals == 0)
        return __real_fork();
    refusals--;
    errno = EAGAIN;
    return -1;
}

static int work(void *context, const struct slots_place *place) {
    (void)context;
    return place->number == 2 ? 3 : 0;
}

static void say(void *context, bool trouble, const char *line) {
    assert_true(trouble);
    text_format(context, "%s\n", line);
}

static void a_slot_that_cannot_be_started_is_started_again(void **state) {
    struct text said = {0};
    const struct slots_options options = {
        .dir = *state, .count = 2, .work = work, .say = say, .context = &said};
    struct error error = {0};
    sigset_t before;
    int code = -1;
    sigprocmask(SIG_BLOCK, NULL, &before);
    refusals = 2;
    bool good = slots_run(&options, &code, &error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_string_equal(error.message, "");
    assert_true(good);
    assert_string_equal(text_string(&said),
                        "slot 1 cannot be started: Resource temporarily unavailable; it is "
                        "started again\n"
                        "slot 2 cannot be started: Resource temporarily unavailable; it is "
                        "started again\n");
    assert_int_equal(code, 3); /* the second one's */
    text_free(&said);
}

/* Exits with 7 unless it has its share of the cores and no other. */
static int look_at_cores(void *context, const struct slots_place *place) {
    const cpu_set_t *all = context;
    cpu_set_t own, shared;
    size_t first, many, before = 0;
    slot_cores(place->number - 1, 2, (size_t)CPU_COUNT(all), &first, &many);
    if (sched_getaffinity(0, sizeof own, &own) != 0)
        return 7;
    CPU_AND(&shared, &own, all);
    for (size_t core = 0; !CPU_ISSET(core, &own); core++)
        before += CPU_ISSET(core, all) != 0;
    return CPU_EQUAL(&shared, &own) && (size_t)CPU_COUNT(&own) == many && before == first ? 0 : 7;
}

static void say_nothing(void *context, bool trouble, const char *line) {
    (void)context, (void)trouble;
    fail_msg("%s", line);
}

static void each_slot_has_its_share_of_the_cores(void **state) {
    cpu_set_t all;
    sigset_t before;
    const struct slots_options options = {
        .dir = *state, .count = 2, .work = look_at_cores, .say = say_nothing, .context = &all};
    int code = -1;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    sigprocmask(SIG_BLOCK, NULL, &before);
    bool good = slots_run(&options, &code, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_true(good);
    assert_int_equal(code, 0);
}

static void what_a_worker_without_slots_has_left_is_said(void **state) {
    struct text said = {0};
    struct spool *spool;
    sigset_t before;
    const struct slots_options options = {
        .dir = *state, .count = 1, .work = work, .say = say, .context = &said};
    int code = -1;
    assert_true(spool_open(*state, &spool, NULL));
    assert_true(spool_put(spool, 7, 1, "log", "{}", NULL));
    spool_close(spool);
    sigprocmask(SIG_BLOCK, NULL, &before);
    bool good = slots_run(&options, &code, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_true(good);
    assert_non_null(strstr(text_string(&said), "1 reports of a worker without slots wait in "));
    text_free(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_slot_that_cannot_be_started_is_started_again),
        IN_FOLDER(each_slot_has_its_share_of_the_cores),
        IN_FOLDER(what_a_worker_without_slots_has_left_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
