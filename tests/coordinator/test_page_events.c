/* How often a browser that listens to the live page is told of changes. */
#include "coordinator/page.h"
#include "core/clock.h"
#include "core/text.h"
#include "tests/coordinator/server_stage.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* --- a browser --- */

struct listener {
    int socket;
    struct text text; /* what has come so far */
};

static void listen_to(struct listener *listener, const struct page *page) {
    static const char get[] = "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)page_port(page)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    listener->socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(listener->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(listener->socket, get, strlen(get)), (ssize_t)strlen(get));
}

static void read_until(struct listener *listener, const char *words) {
    while (strstr(text_string(&listener->text), words) == NULL) {
        char piece[4096];
        ssize_t got = read(listener->socket, piece, sizeof piece);
        assert_true(got > 0);
        text_add(&listener->text, piece, (size_t)got);
    }
}

static int64_t count_events(const struct listener *listener) {
    static const char event[] = "event: change\n";
    int64_t count = 0;
    for (const char *at = text_string(&listener->text); (at = strstr(at, event)) != NULL;
         at += strlen(event))
        count++;
    return count;
}

/* --- the coordinator --- */

static void change_much(struct stage *stage) {
    for (int priority = 1; priority <= 60; priority++)
        cJSON_Delete(
            ask(stage, "priority", body("{\"ids\": [1], \"priority\": %d}", priority), "changed"));
}

static void expect_now(struct stage *stage, char words[64]) {
    cJSON *change = ask(stage, "changes", body("{\"since\": 0}"), "change");
    snprintf(words, 64, "{\"revision\": %.0f}", number(change, "revision"));
    cJSON_Delete(change);
}

static void many_changes_are_few_events_and_the_last_is_among_them(void **state) {
    struct stage *stage = *state;
    struct listener listener = {0};
    struct page *page = NULL;
    struct error error = {0};
    char words[64];
    cJSON_Delete(ask(stage, "submit", body_submit("a test's key", 1, 1, 3), "submitted"));
    if (!page_open("127.0.0.1:0", NULL, server_context(stage->server), SERVER_INSIDE, &page,
                   &error))
        fail_msg("%s", error.message);
    int64_t began_ms = clock_steady_ms();
    listen_to(&listener, page);
    read_until(&listener, "event: change\n");
    change_much(stage);
    expect_now(stage, words);
    read_until(&listener, words);
    int64_t took_ms = clock_steady_ms() - began_ms;
    assert_true((count_events(&listener) - 1) * PAGE_EVENTS_MS <= took_ms);
    page_close(page);
    close(listener.socket);
    text_free(&listener.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_STAGE(many_changes_are_few_events_and_the_last_is_among_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
