/* Where a coordinator may listen. */
#include "coordinator/endpoint.h"

#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void is_refused(const char *endpoint, bool keys) {
    char bindable[ENDPOINT_MAX];
    struct error error = {0};
    if (endpoint_check(endpoint, keys, bindable, &error))
        fail_msg("%s was taken", endpoint);
    assert_int_equal(error.code, ERROR_INPUT);
}

static void becomes(const char *endpoint, bool keys, const char *expected) {
    char bindable[ENDPOINT_MAX];
    struct error error = {0};
    if (!endpoint_check(endpoint, keys, bindable, &error))
        fail_msg("%s", error.message);
    assert_string_equal(bindable, expected);
}

/* What other machines reach. */
static const char *const open_ones[] = {
    "tcp://0.0.0.0:7470", "tcp://*:7470",    "tcp://192.168.1.2:7470",
    "tcp://[::]:7470",    "tcp://eth0:7470", "tcp://example.org:7470",
};

static void without_keys_only_this_machine_is_let_in(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof open_ones / sizeof *open_ones; i++)
        is_refused(open_ones[i], false);
    becomes("tcp://127.0.0.1:7470", false, "tcp://127.0.0.1:7470");
    becomes("tcp://127.1.2.3:7470", false, "tcp://127.1.2.3:7470");
    becomes("tcp://[::1]:7470", false, "tcp://[::1]:7470");
    becomes("ipc://run/assay", false, "ipc://run/assay");
}

static void with_keys_any_address_is_taken(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof open_ones / sizeof *open_ones; i++)
        becomes(open_ones[i], true, open_ones[i]);
}

/* zmq_bind knows no names. */
static void localhost_is_an_address_and_any_port_is_zero(void **state) {
    (void)state;
    becomes("tcp://localhost:7470", false, "tcp://127.0.0.1:7470");
    becomes("tcp://127.0.0.1:*", false, "tcp://127.0.0.1:0");
    becomes("tcp://127.0.0.1:0", false, "tcp://127.0.0.1:0");
    becomes("tcp://127.0.0.1:65535", false, "tcp://127.0.0.1:65535");
}

static void what_is_no_endpoint_is_refused_with_keys_or_without(void **state) {
    (void)state;
    char much[ENDPOINT_MAX + 32];
    static const char *const wrong[] = {
        "tcp://:7470",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:x",
        "tcp://127.0.0.1:70000",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:0000080",
        "tcp:/127.0.0.1:80",
        "inproc://x",
        "7470",
        "",
        "ipc://",
        "tcp://[::1:7470",
        "tcp://[:7470",
        "tcp://[::1]x:7470",
        "tcp://::1]:7470",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        is_refused(wrong[i], false);
        is_refused(wrong[i], true);
    }
    is_refused("tcp://127.0.0.1.1:80", false);
    memset(much, 'a', sizeof much);
    memcpy(much, "ipc://", 6);
    much[ENDPOINT_MAX] = '\0';
    is_refused(much, true);
    much[ENDPOINT_MAX - 1] = '\0';
    becomes(much, true, much);
}

/* Anybody's, not a coordinator's: zmq_bind would put its own in the place of either. */
static void a_socket_that_somebody_has_is_not_free_of_whatever_kind_it_is(void **state) {
    static const int kinds[] = {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct error error = {0};
        char endpoint[ENDPOINT_MAX];
        snprintf(address.sun_path, sizeof address.sun_path, "%s/%zu", (char *)*state, i);
        snprintf(endpoint, sizeof endpoint, "ipc://%s", address.sun_path);
        int holder = socket(AF_UNIX, kinds[i], 0);
        assert_int_equal(bind(holder, (struct sockaddr *)&address, sizeof address), 0);
        assert_true(kinds[i] == SOCK_DGRAM || listen(holder, 1) == 0);
        assert_false(endpoint_check_free(endpoint, &error));
        assert_int_equal(error.code, ERROR_FAILED);
        close(holder);
        assert_true(endpoint_check_free(endpoint, &error)); /* it was left behind */
    }
}

/* unix(7): sun_path has 108 bytes, and one of them ends it. */
static void a_file_whose_name_is_too_long_for_a_socket_is_refused(void **state) {
    (void)state;
    char endpoint[ENDPOINT_MAX];
    struct error error = {0};
    snprintf(endpoint, sizeof endpoint, "ipc:///%0107d", 0);
    assert_false(endpoint_check_free(endpoint, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    snprintf(endpoint, sizeof endpoint, "ipc:///%0106d", 0);
    assert_true(endpoint_check_free(endpoint, &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_keys_only_this_machine_is_let_in),
        cmocka_unit_test(with_keys_any_address_is_taken),
        cmocka_unit_test(localhost_is_an_address_and_any_port_is_zero),
        cmocka_unit_test(what_is_no_endpoint_is_refused_with_keys_or_without),
        IN_FOLDER(a_socket_that_somebody_has_is_not_free_of_whatever_kind_it_is),
        cmocka_unit_test(a_file_whose_name_is_too_long_for_a_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
