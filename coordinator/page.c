#include "coordinator/page.h"

#include "coordinator/http.h"
#include "coordinator/page_ask.h"
#include "coordinator/page_compare.h"
#include "coordinator/page_door.h"
#include "core/clock.h"
#include "core/json.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECTIONS_MAX = 64,
    STREAMS_MAX = 32, /* of them: what is asked for finds a place beside those that listen */
    SILENCE_S = 60,   /* longer than `changes` waits */
    EVENT_MAX = 128,
};

struct page {
    struct MHD_Daemon *daemon;
    struct page_inside inside;
    struct page_compare *compare;
    char token[PAGE_TOKEN_MAX + 1]; /* "": none is asked for */
    atomic_int streams;
};

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
static const char *const guarded_headers[] = {"Content-Security-Policy",
                                              policy,
                                              "X-Content-Type-Options",
                                              "nosniff",
                                              "Referrer-Policy",
                                              "no-referrer",
                                              "Cache-Control",
                                              "no-store",
                                              NULL};

static enum MHD_Result send_error(struct MHD_Connection *connection, unsigned status,
                                  const char *text) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "error", text);
    char *json = json_text(body);
    cJSON_Delete(body);
    return json == NULL ? MHD_NO
                        : http_send(connection, status, "application/json", json, strlen(json),
                                    MHD_RESPMEM_MUST_FREE, guarded_headers);
}

/* ---- what the coordinator knows ---- */

static unsigned status_of(const struct error *error) {
    switch (error->code) {
    case ERROR_INPUT: return MHD_HTTP_NOT_FOUND;
    case ERROR_UNREACHABLE: return MHD_HTTP_SERVICE_UNAVAILABLE;
    default: return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

/* Takes the text; NULL is the error. */
static enum MHD_Result send_json(struct MHD_Connection *connection, char *json,
                                 const struct error *error) {
    if (json == NULL)
        return send_error(connection, status_of(error), error->message);
    return http_send(connection, MHD_HTTP_OK, "application/json", json, strlen(json),
                     MHD_RESPMEM_MUST_FREE, guarded_headers);
}

/* Takes the body. */
static enum MHD_Result send_answer(struct page *page, struct MHD_Connection *connection,
                                   const char *request, cJSON *body) {
    struct page_asker asker;
    struct error error;
    cJSON *answer = NULL;
    bool good = page_ask_open(&page->inside, &asker, &error) &&
                page_ask(&asker, request, body, &answer, &error);
    page_ask_close(&asker);
    cJSON_Delete(body);
    char *json = good ? json_text(answer) : NULL;
    if (good && json == NULL)
        error_memory(&error);
    cJSON_Delete(answer);
    return send_json(connection, json, &error);
}

/* NULL where it is empty too. */
static const char *query(struct MHD_Connection *connection, const char *name) {
    const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* A whole number from `least` on, alone. */
static bool read_id(const char *text, long long least, double *id) {
    char *end;
    long long number = strtoll(text, &end, 10);
    *id = (double)number;
    return end != text && *end == '\0' && number >= least && number <= INT32_MAX;
}

static enum MHD_Result send_list(struct page *page, struct MHD_Connection *connection) {
    const char *group = query(connection, "group"), *after = query(connection, "after");
    double id = 0;
    if (after != NULL && !read_id(after, 0, &id))
        return send_error(connection, MHD_HTTP_BAD_REQUEST, "after is no id");
    cJSON *body = cJSON_CreateObject();
    if (group != NULL)
        cJSON_AddStringToObject(body, "group", group);
    if (id > 0)
        cJSON_AddNumberToObject(body, "after", id);
    return send_answer(page, connection, "list", body);
}

static enum MHD_Result send_details(struct page *page, struct MHD_Connection *connection,
                                    const char *text) {
    double id;
    if (!read_id(text, 1, &id))
        return send_error(connection, MHD_HTTP_NOT_FOUND, "that is no id of an experiment");
    cJSON *body = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(body, "ids");
    cJSON_AddItemToArray(ids, cJSON_CreateNumber(id));
    return send_answer(page, connection, "show", body);
}

/* {"group"} or {"ids"}: of ids=1,2 those between the commas. NULL when it is neither. */
static cJSON *read_selection(const char *group, const char *ids) {
    cJSON *selection = cJSON_CreateObject(), *list;
    if (group != NULL)
        cJSON_AddStringToObject(selection, "group", group);
    else if (ids != NULL && (list = cJSON_AddArrayToObject(selection, "ids")) != NULL)
        for (const char *from = ids; from != NULL;) {
            char text[16];
            double id;
            size_t length = strcspn(from, ",");
            snprintf(text, sizeof text, "%.*s", length < sizeof text ? (int)length : 0, from);
            if (!read_id(text, 1, &id)) {
                cJSON_Delete(selection);
                return NULL;
            }
            cJSON_AddItemToArray(list, cJSON_CreateNumber(id));
            from = from[length] == ',' ? from + length + 1 : NULL;
        }
    if (selection != NULL && selection->child == NULL) {
        cJSON_Delete(selection);
        return NULL;
    }
    return selection;
}

static enum MHD_Result send_comparison(struct page *page, struct MHD_Connection *connection) {
    cJSON *selection = read_selection(query(connection, "group"), query(connection, "ids"));
    if (selection == NULL)
        return send_error(connection, MHD_HTTP_BAD_REQUEST,
                          "what to compare is ?group=NAME or ?ids=1,2,3");
    struct page_asker asker;
    struct error error;
    char *json = NULL;
    if (page_ask_open(&page->inside, &asker, &error)) {
        struct source source = page_source(&asker);
        json = page_compare(page->compare, &source, selection, &error);
    }
    page_ask_close(&asker);
    cJSON_Delete(selection);
    return send_json(connection, json, &error);
}

/* ---- what changes ---- */

struct stream {
    struct page *page;
    struct page_asker asker;
    double revision;  /* that the browser has been told; 0: none */
    int64_t asked_ms; /* for it; 0: not yet */
    char event[EVENT_MAX];
    size_t length, sent; /* of the event */
};

/* Waits for the next event: another revision, or that `changes` has waited long enough. With many
 * workers there is another at any moment, and who finds no place to wait is answered at once. */
static bool next_event(struct stream *stream) {
    struct error error;
    if (!page_ask_rest(&stream->asker, stream->asked_ms + PAGE_EVENTS_MS))
        return false;
    stream->asked_ms = clock_steady_ms();
    cJSON *body = cJSON_CreateObject(), *answer = NULL;
    cJSON_AddNumberToObject(body, "since", stream->revision);
    bool good = page_ask(&stream->asker, "changes", body, &answer, &error);
    cJSON_Delete(body);
    if (!good)
        return false;
    double revision = cJSON_GetNumberValue(cJSON_GetObjectItem(answer, "revision"));
    cJSON_Delete(answer);
    int length = revision == stream->revision
                     ? snprintf(stream->event, EVENT_MAX, ": nothing new\n\n")
                     : snprintf(stream->event, EVENT_MAX,
                                "event: change\ndata: {\"revision\": %.0f}\n\n", revision);
    stream->revision = revision;
    stream->length = (size_t)length;
    stream->sent = 0;
    return true;
}

static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t room) {
    struct stream *stream = context;
    (void)position;
    if (stream->sent == stream->length && !next_event(stream))
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t left = stream->length - stream->sent, count = left < room ? left : room;
    memcpy(buffer, stream->event + stream->sent, count);
    stream->sent += count;
    return (ssize_t)count;
}

static void close_stream(void *context) {
    struct stream *stream = context;
    page_ask_close(&stream->asker);
    atomic_fetch_sub(&stream->page->streams, 1);
    free(stream);
}

static enum MHD_Result send_events(struct page *page, struct MHD_Connection *connection) {
    struct error error;
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return MHD_NO;
    stream->page = page;
    if (atomic_fetch_add(&page->streams, 1) >= STREAMS_MAX ||
        !page_ask_open(&page->inside, &stream->asker, &error)) {
        close_stream(stream);
        return send_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                          "as many browsers listen as may; close one, or reload now and then");
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, EVENT_MAX, read_stream, stream, close_stream);
    if (response == NULL) {
        close_stream(stream);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    for (const char *const *header = guarded_headers; *header != NULL; header += 2)
        MHD_add_response_header(response, header[0], header[1]);
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- the page itself ---- */

extern const char page_index_html[], page_page_css[], page_words_js[], page_elements_js[],
    page_curves_js[], page_queue_js[], page_experiment_js[], page_compare_js[], page_page_js[];
extern const size_t page_index_html_length, page_page_css_length, page_words_js_length,
    page_elements_js_length, page_curves_js_length, page_queue_js_length, page_experiment_js_length,
    page_compare_js_length, page_page_js_length;
#define JAVASCRIPT "text/javascript; charset=utf-8"

static const struct page_file {
    const char *url, *type, *bytes;
    const size_t *length;
} page_files[] = {
    {"/", "text/html; charset=utf-8", page_index_html, &page_index_html_length},
    {"/page.css", "text/css; charset=utf-8", page_page_css, &page_page_css_length},
    {"/words.js", JAVASCRIPT, page_words_js, &page_words_js_length},
    {"/elements.js", JAVASCRIPT, page_elements_js, &page_elements_js_length},
    {"/curves.js", JAVASCRIPT, page_curves_js, &page_curves_js_length},
    {"/queue.js", JAVASCRIPT, page_queue_js, &page_queue_js_length},
    {"/experiment.js", JAVASCRIPT, page_experiment_js, &page_experiment_js_length},
    {"/compare.js", JAVASCRIPT, page_compare_js, &page_compare_js_length},
    {"/page.js", JAVASCRIPT, page_page_js, &page_page_js_length},
};

static enum MHD_Result send_file(struct MHD_Connection *connection, const struct page_file *file) {
    char *borrowed = (char *)(uintptr_t)file->bytes; /* MHD's interface; it is only read */
    return http_send(connection, MHD_HTTP_OK, file->type, borrowed, *file->length,
                     MHD_RESPMEM_PERSISTENT, guarded_headers);
}

static enum MHD_Result send_on(struct MHD_Connection *connection, const char *name,
                               const char *token) {
    char cookie[PAGE_COOKIE_SIZE + PAGE_TOKEN_MAX + 64];
    snprintf(cookie, sizeof cookie, "%s=%s; HttpOnly; SameSite=Strict; Path=/", name, token);
    const char *const headers[] = {"Location",        "/",           "Set-Cookie", cookie,
                                   "Referrer-Policy", "no-referrer", NULL};
    static char nothing[1];
    return http_send(connection, MHD_HTTP_SEE_OTHER, "text/plain", nothing, 0,
                     MHD_RESPMEM_PERSISTENT, headers);
}

static enum MHD_Result route(struct page *page, struct MHD_Connection *connection,
                             const char *url) {
    static const char experiments[] = "/api/experiments";
    size_t skip = strlen(experiments);
    for (size_t i = 0; i < sizeof page_files / sizeof *page_files; i++)
        if (strcmp(url, page_files[i].url) == 0)
            return send_file(connection, &page_files[i]);
    if (strcmp(url, "/api/status") == 0)
        return send_answer(page, connection, "status", NULL);
    if (strcmp(url, "/api/workers") == 0)
        return send_answer(page, connection, "workers", NULL);
    if (strcmp(url, "/api/compare") == 0)
        return send_comparison(page, connection);
    if (strcmp(url, "/api/events") == 0)
        return send_events(page, connection);
    if (strcmp(url, experiments) == 0)
        return send_list(page, connection);
    if (strncmp(url, experiments, skip) == 0 && url[skip] == '/')
        return send_details(page, connection, url + skip + 1);
    return send_error(connection, MHD_HTTP_NOT_FOUND, "there is no such page; begin at /");
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state) {
    struct page *page = context;
    (void)version, (void)data, (void)state;
    *data_size = 0;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return send_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                          "this page is looked at, with GET; steer with assay");
    const char *host =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    char cookie[PAGE_COOKIE_SIZE];
    page_cookie_name(host, cookie);
    const struct page_visitor visitor = {
        .host = host,
        .authorization =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
        .cookie = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, cookie),
        .token = query(connection, "token"),
    };
    switch (page_door(page->token, &visitor)) {
    case PAGE_WELCOME: return route(page, connection, url);
    case PAGE_WELCOME_COOKIE: return send_on(connection, cookie, page->token);
    case PAGE_NO_TOKEN:
        return send_error(connection, MHD_HTTP_UNAUTHORIZED,
                          "open /?token=TOKEN with the text of the file of --http-token");
    case PAGE_NO_HOST: break;
    }
    return send_error(connection, MHD_HTTP_FORBIDDEN,
                      "ask for 127.0.0.1 or localhost; other names need --http-token");
}

/* ---- opening and closing ---- */

bool page_open(const char *address, const char *token_file, void *context, const char *inside,
               struct page **page, struct error *error) {
    struct page *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "no memory for --http");
    made->inside = (struct page_inside){.context = context, .endpoint = inside};
    const struct http_door door = {.option = "--http",
                                   .address = address,
                                   .anywhere = token_file != NULL,
                                   .otherwise = ", or --http-token FILE too",
                                   .flags = MHD_USE_THREAD_PER_CONNECTION,
                                   .connections = CONNECTIONS_MAX,
                                   .silence_s = SILENCE_S,
                                   .answer = answer,
                                   .context = made};
    if (!page_compare_open(&made->compare, error) ||
        (token_file != NULL && !page_token_read(token_file, made->token, error)) ||
        !http_open(&door, &made->daemon, error)) {
        page_close(made);
        return false;
    }
    *page = made;
    return true;
}

void page_close(struct page *page) {
    if (page == NULL)
        return;
    atomic_store(&page->inside.ended, true);
    if (page->daemon != NULL)
        MHD_stop_daemon(page->daemon);
    page_compare_close(page->compare);
    free(page);
}

unsigned page_port(const struct page *page) {
    return http_port(page->daemon);
}
