/* Slots whose processes cannot be made; tests/integration/test_slots.sh has what they do else.
 * Linked with -Wl,--wrap=fork. */
#include "worker/slots.h"

#include "core/text.h"
#include "tests/temporary.h"

#include <errno.h>
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
    refusals = 1;
    bool good = slots_run(&options, &code, &error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_string_equal(error.message, "");
    assert_true(good);
    assert_string_equal(text_string(&said),
                        "slot 1 cannot be started: Resource temporarily unavailable; it is "
                        "started again\n");
    assert_int_equal(code, 3); /* the second one's */
    text_free(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_slot_that_cannot_be_started_is_started_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
