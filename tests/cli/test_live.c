/* The full screen of `assay watch` on a pseudo-terminal, against a coordinator that answers as it
 * should not or has not what is asked for, and on a terminal that goes away. What it shows is
 * test_dashboard.c's. */
#include "cli/command.h"
#include "cli/whoami.h"

#include "tests/cli/results.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

/* A terminal as standard input and output, and who sits at it: a thread that reads what comes and,
 * asked to, presses a key or hangs up, or presses q when it has read something. */
struct seat {
    int master, before[2]; /* what standard input and output were */
    pthread_t thread;
    _Atomic char press;
    atomic_bool hang_up, over;
    const char *awaited; /* or NULL */
};

static void *sit(void *argument) {
    struct seat *seat = argument;
    struct text screen = {0};
    while (!atomic_load(&seat->over) && !atomic_load(&seat->hang_up)) {
        char piece[4096];
        struct pollfd shown = {.fd = seat->master, .events = POLLIN};
        ssize_t got = poll(&shown, 1, 20) > 0 ? read(seat->master, piece, sizeof piece) : 0;
        if (got < 0)
            break;
        text_add(&screen, piece, (size_t)got);
        if (seat->awaited != NULL && strstr(text_string(&screen), seat->awaited) != NULL) {
            seat->awaited = NULL;
            atomic_store(&seat->press, 'q');
        }
        char key = atomic_exchange(&seat->press, 0);
        if (key != 0)
            assert_int_equal(write(seat->master, &key, 1), 1);
    }
    text_free(&screen);
    close(seat->master);
    return NULL;
}

/* `awaited` has been set. */
static void take_seat(struct seat *seat) {
    seat->master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(seat->master >= 0 && grantpt(seat->master) == 0 && unlockpt(seat->master) == 0);
    int terminal = open(ptsname(seat->master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    setenv("TERM", "xterm", 1);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        seat->before[i] = dup(i);
        assert_int_equal(dup2(terminal, i), i);
    }
    close(terminal);
    assert_int_equal(pthread_create(&seat->thread, NULL, sit, seat), 0);
}

static void leave_seat(struct seat *seat) {
    atomic_store(&seat->over, true);
    pthread_join(seat->thread, NULL);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(seat->before[i], i);
        close(seat->before[i]);
    }
}

/* Ends the test whose watch should have ended: it would go on for ever. */
static void give_up(size_t nth) {
    enum { MANY = 20 };
    if (nth <= MANY)
        return;
    dprintf(STDERR_FILENO, "watch goes on with nothing to show, or nobody to show it to\n");
    _exit(1);
}

/* What `assay watch` ends with at that seat, while the coordinator answers so. */
static int watch_from(struct seat *seat, fake_answer *answer, void *context) {
    char name[] = "watch", *argv[] = {name, NULL};
    take_seat(seat);
    fake_start(&fake, answer, context);
    int status = command_watch(1, argv);
    leave_seat(seat);
    fake_stop(&fake);
    return status;
}

/* --- a list that breaks off --- */

struct breaking {
    struct seat seat;
    bool refuses; /* the second page; or it leads to itself */
    size_t lists;
    bool began_anew;
};

/* Whatever list is asked for after the second page is the last. */
static cJSON *answer_one_page(void *context, size_t nth, const char *request, const cJSON *body,
                              const char **name) {
    struct breaking *breaking = context;
    cJSON *answer = answer_details(NULL, nth, request, body, name);
    if (strcmp(request, "list") != 0)
        return answer;
    switch (++breaking->lists) {
    case 1: cJSON_ReplaceItemInObject(answer, "next", cJSON_CreateNumber(4)); return answer;
    case 2:
        if (!breaking->refuses) {
            cJSON_ReplaceItemInObject(answer, "experiments", cJSON_CreateArray());
            cJSON_ReplaceItemInObject(answer, "next", cJSON_CreateNumber(4));
            return answer;
        }
        cJSON_Delete(answer);
        *name = "error";
        return wire_error_body(WIRE_STORAGE, "the disk fails");
    case 3:
        breaking->began_anew = field_at(body, "after") == NULL;
        atomic_store(&breaking->seat.press, 'q');
        return answer;
    default: return answer;
    }
}

static void a_list_that_breaks_off_begins_anew(void **state) {
    (void)state;
    for (int refuses = 0; refuses <= 1; refuses++) {
        struct breaking breaking = {.refuses = refuses == 1};
        int status = watch_from(&breaking.seat, answer_one_page, &breaking);
        assert_int_equal(status, 0);
        assert_true(breaking.began_anew);
    }
}

/* The last of the experiments comes on a page of its own. */
static cJSON *answer_two_pages(void *context, size_t nth, const char *request, const cJSON *body,
                               const char **name) {
    cJSON *answer = answer_details(NULL, nth, request, body, name);
    (void)context;
    give_up(nth);
    if (strcmp(request, "list") != 0)
        return answer;
    cJSON *experiments = cJSON_GetObjectItem(answer, "experiments");
    int last = cJSON_GetArraySize(experiments) - 1;
    double before_last = field_number(cJSON_GetArrayItem(experiments, last - 1), "id", 0);
    if (field_number(body, "after", 0) > 0) {
        while (cJSON_GetArraySize(experiments) > 1)
            cJSON_DeleteItemFromArray(experiments, 0);
    } else {
        cJSON_DeleteItemFromArray(experiments, last);
        cJSON_ReplaceItemInObject(answer, "next", cJSON_CreateNumber(before_last));
    }
    return answer;
}

static void all_pages_of_a_list_are_shown(void **state) {
    cJSON *all = details();
    const cJSON *experiments = field_at(all, "experiments");
    int last = cJSON_GetArraySize(experiments) - 1;
    struct seat seat = {.awaited = field_text(cJSON_GetArrayItem(experiments, last), "name", "?")};
    (void)state;
    int status = watch_from(&seat, answer_two_pages, NULL);
    assert_int_equal(status, 0);
    assert_null(seat.awaited);
    cJSON_Delete(all);
}

/* --- what is steered --- */

struct steering {
    struct seat seat;
    double id;
    bool told; /* who steers */
};

/* The pause that a key asks for changes nothing. */
static cJSON *answer_no_change(void *context, size_t nth, const char *request, const cJSON *body,
                               const char **name) {
    struct steering *steering = context;
    give_up(nth);
    if (strcmp(request, "workers") == 0 && steering->id <= 0)
        atomic_store(&steering->seat.press, 'p');
    if (strcmp(request, "pause") != 0)
        return answer_details(NULL, nth, request, body, name);
    char person[WHOAMI_SIZE];
    whoami(person);
    steering->id = field_at(body, "ids")->child->valuedouble;
    steering->told = strcmp(field_text(body, "person", ""), person) == 0;
    *name = "changed";
    return parsed("{\"ids\": []}");
}

static void who_steers_is_told_and_hears_that_nothing_has_changed(void **state) {
    (void)state;
    struct steering steering = {.seat.awaited = "is left as it is: nothing to pause"};
    int status = watch_from(&steering.seat, answer_no_change, &steering);
    assert_int_equal(status, 0);
    assert_true(steering.id > 0);
    assert_true(steering.told);
}

enum { LATE_US = 3300000 }; /* later than watch is patient */

struct slow {
    struct seat seat;
    useconds_t wait_us;
    size_t pauses;
};

/* Another key is pressed before the pause has an answer, which takes a moment. */
static cJSON *answer_slowly(void *context, size_t nth, const char *request, const cJSON *body,
                            const char **name) {
    struct slow *slow = context;
    give_up(nth);
    if (strcmp(request, "changes") == 0) {
        atomic_store(&slow->seat.press, slow->pauses == 0 ? 'p' : 'q');
        usleep(100000); /* the pause has been asked for: this answer counts no more */
        *name = "change";
        return parsed("{\"revision\": 7}");
    }
    if (strcmp(request, "pause") != 0)
        return answer_details(NULL, nth, request, body, name);
    *name = "changed";
    if (slow->pauses == 0) {
        atomic_store(&slow->seat.press, 'j');
        usleep(slow->wait_us);
    }
    return parsed(slow->pauses++ == 0 ? "{\"ids\": [1]}" : "{\"ids\": []}");
}

static void a_key_beside_what_is_steered_does_not_ask_for_it_again(void **state) {
    (void)state;
    struct slow slow = {.wait_us = 300000, .seat.awaited = "nothing to pause"};
    int status = watch_from(&slow.seat, answer_slowly, &slow);
    assert_int_equal(status, 0);
    assert_int_equal(slow.pauses, 1);
    assert_non_null(slow.seat.awaited); /* it was not read */
}

/* It is asked again after three seconds, when there is nothing left to pause. */
static void a_late_answer_says_what_was_done(void **state) {
    (void)state;
    struct slow slow = {.wait_us = LATE_US, .seat.awaited = "nothing to pause"};
    int status = watch_from(&slow.seat, answer_slowly, &slow);
    assert_int_equal(status, 0);
    assert_int_equal(slow.pauses, 2);
    assert_non_null(slow.seat.awaited); /* it was not read */
}

/* The first list comes when it has been asked for again, and no other list has anything. */
static cJSON *answer_late(void *context, size_t nth, const char *request, const cJSON *body,
                          const char **name) {
    size_t *lists = context;
    give_up(nth);
    if (strcmp(request, "list") != 0)
        return answer_details(NULL, nth, request, body, name);
    if ((*lists)++ == 0) {
        usleep(LATE_US);
        return answer_details(NULL, nth, request, body, name);
    }
    *name = "experiments";
    return parsed("{\"experiments\": [], \"next\": null}");
}

static void a_late_list_is_shown(void **state) {
    cJSON *all = details();
    struct seat seat = {.awaited = field_text(field_at(all, "experiments")->child, "name", "?")};
    size_t lists = 0;
    (void)state;
    int status = watch_from(&seat, answer_late, &lists);
    assert_int_equal(status, 0);
    assert_null(seat.awaited);
    cJSON_Delete(all);
}

/* --- a terminal that goes away --- */

static cJSON *answer_and_hang_up(void *context, size_t nth, const char *request, const cJSON *body,
                                 const char **name) {
    struct seat *seat = context;
    atomic_store(&seat->hang_up, true);
    give_up(nth);
    return answer_details(NULL, nth, request, body, name);
}

/* Of another session, so that the kernel sends no SIGHUP. */
static void it_ends_with_its_terminal(void **state) {
    struct seat seat = {0};
    (void)state;
    int status = watch_from(&seat, answer_and_hang_up, &seat);
    assert_int_equal(status, 0);
}

/* --- what is not there --- */

/* A coordinator that has no experiment at all. */
static cJSON *answer_nothing(void *context, size_t nth, const char *request, const cJSON *body,
                             const char **name) {
    (void)context;
    give_up(nth);
    if (strcmp(request, "list") != 0)
        return answer_details(NULL, nth, request, body, name);
    if (field_at(body, "ids") != NULL) {
        *name = "error";
        return wire_error_body(WIRE_NOT_FOUND, "there is no experiment 99");
    }
    *name = "experiments";
    return parsed("{\"experiments\": [], \"next\": null}");
}

static void what_is_not_there_is_said_and_not_waited_for(void **state) {
    static const char *const words[] = {"99", "demoo"};
    static const char *const said[] = {
        "assay: there is no experiment 99\n",
        "assay: there is no group \"demoo\"; assay ls lists what there is\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct seat seat = {0};
        char name[] = "watch", *word = strdup(words[i]), *argv[] = {name, word, NULL}, *text;
        size_t length;
        take_seat(&seat);
        fake_start(&fake, answer_nothing, NULL);
        FILE *err = stderr;
        stderr = open_memstream(&text, &length);
        int status = command_watch(2, argv);
        fclose(stderr);
        stderr = err;
        leave_seat(&seat);
        fake_stop(&fake);
        assert_string_equal(text, said[i]);
        assert_int_equal(status, ERROR_INPUT);
        free(text);
        free(word);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_breaks_off_begins_anew),
        cmocka_unit_test(all_pages_of_a_list_are_shown),
        cmocka_unit_test(who_steers_is_told_and_hears_that_nothing_has_changed),
        cmocka_unit_test(a_key_beside_what_is_steered_does_not_ask_for_it_again),
        cmocka_unit_test(a_late_answer_says_what_was_done),
        cmocka_unit_test(a_late_list_is_shown),
        cmocka_unit_test(it_ends_with_its_terminal),
        cmocka_unit_test(what_is_not_there_is_said_and_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
