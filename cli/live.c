#include "cli/live.h"

#include "cli/dashboard.h"
#include "cli/field.h"
#include "cli/listing.h"
#include "cli/terminal.h"
#include "cli/whoami.h"
#include "core/clock.h"
#include "core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    REFRESH_MS = 200, /* between two looks, at least */
    TURN_MS = 500,    /* between two drawings, at most: times go on */
    PATIENCE_MS = 3000,
};

/* What is asked of the coordinator, one question at a time, in this order, the first once.
 * ASK_CHANGES is answered when there is something new; a key does not wait for that. */
enum question { ASK_TIME, ASK_LIST, ASK_WORKERS, ASK_DETAIL, ASK_CHANGES };

struct live {
    struct client *client;
    struct hook *hook;
    cJSON *selection;
    struct dashboard dashboard;
    enum question question;
    uint64_t request;  /* under way; 0: none */
    const char *asked; /* by what has no answer yet and is asked for all the same, or NULL */
    uint64_t first;    /* the first that has asked that; an answer to any of them counts */
    int64_t sent_ms, due_ms;
    double ahead_ms;   /* the coordinator's clock of ours */
    double revision;   /* of what is on the screen */
    cJSON *pages;      /* of a list that comes in several answers */
    double after;      /* where the next of them begins */
    const char *steer; /* a request that a key wished for, or NULL */
    double steered;    /* the id of the experiment that it is for */
    bool steering;     /* it is the one under way */
    struct error over; /* what was named is not there; ERROR_NONE: it is, or nobody knows yet */
};

static int64_t now_of(struct live *live) {
    int64_t now_ms = clock_steady_ms();
    live->dashboard.now_ms = (double)now_ms;
    return now_ms;
}

/* The request that comes next; its body is the caller's. */
static const char *next_request(struct live *live, cJSON **body) {
    double detail = dashboard_wants_detail(&live->dashboard);
    char person[WHOAMI_SIZE];
    *body = NULL;
    if (live->steer != NULL) {
        whoami(person);
        *body = client_one(live->steered);
        cJSON_AddStringToObject(*body, "person", person);
        return live->steer;
    }
    if (live->question == ASK_DETAIL && detail <= 0)
        live->question = ASK_CHANGES;
    switch (live->question) {
    case ASK_TIME: return "status";
    case ASK_LIST:
        *body = cJSON_Duplicate(live->selection, true);
        if (live->pages != NULL)
            cJSON_AddNumberToObject(*body, "after", live->after);
        return "list";
    case ASK_WORKERS: return "workers";
    case ASK_DETAIL: *body = client_one(detail); return "show";
    default:
        *body = cJSON_CreateObject();
        cJSON_AddNumberToObject(*body, "since", live->revision);
        return "changes";
    }
}

static void ask(struct live *live, int64_t now_ms) {
    cJSON *body;
    const char *name = next_request(live, &body);
    bool sent = dealer_send(live->client->dealer, name, body, &live->request, NULL);
    if (sent && name != live->asked) {
        live->asked = name;
        live->first = live->request;
    }
    live->steering = sent && name == live->steer;
    live->dashboard.away = !sent;
    live->sent_ms = now_ms;
    if (!sent)
        live->request = 0;
    live->due_ms = now_ms + (sent ? REFRESH_MS : TURN_MS);
    cJSON_Delete(body);
}

/* --- answers --- */

/* Moves what an answer holds under a key out of it. */
static cJSON *take_array(struct wire_message *message, const char *key) {
    cJSON *array = cJSON_DetachItemFromObjectCaseSensitive(message->body, key);
    return array != NULL ? array : cJSON_CreateArray();
}

/* What a coordinator that does not know `changes` says is no fault: it is asked now and then. */
static void take_refusal(struct live *live, const struct error *error) {
    if (live->question == ASK_LIST && live->dashboard.experiments == NULL &&
        error->code == ERROR_INPUT)
        live->over = *error;
    if (live->question != ASK_CHANGES)
        snprintf(live->dashboard.note, sizeof live->dashboard.note, "%.250s", error->message);
    cJSON_Delete(live->pages); /* a list that broke off begins anew, after a rest */
    live->pages = NULL;
    live->question = ASK_LIST;
    live->due_ms = clock_steady_ms() + TURN_MS;
}

/* One page of the list; the dashboard gets them all together. */
static void take_list(struct live *live, struct wire_message *message) {
    struct error error = {0};
    double next = field_number(message->body, "next", 0);
    if (!source_leads_on("list", live->pages != NULL ? live->after : 0, next, &error)) {
        take_refusal(live, &error);
        return;
    }
    live->after = next;
    cJSON *page = take_array(message, "experiments");
    if (live->pages == NULL)
        live->pages = page;
    else {
        json_move_items(page, live->pages);
        cJSON_Delete(page);
    }
    if (next > 0)
        return;
    if (live->dashboard.experiments == NULL &&
        !client_all_there(live->selection, live->pages, &live->over))
        return;
    if (!hook_see(live->hook, live->pages, &error))
        snprintf(live->dashboard.note, sizeof live->dashboard.note, "%.250s", error.message);
    listing_age(live->pages, live->ahead_ms + (double)clock_unix_ms());
    dashboard_take_experiments(&live->dashboard, live->pages);
    live->pages = NULL;
    live->question = ASK_WORKERS;
}

static void take_steered(struct live *live, const struct wire_message *message) {
    struct error error = {0};
    if (!wire_check_answer(message, &error))
        snprintf(live->dashboard.note, sizeof live->dashboard.note, "%.250s", error.message);
    else if (cJSON_GetArraySize(field_at(message->body, "ids")) == 0)
        snprintf(live->dashboard.note, sizeof live->dashboard.note,
                 "%.0f is left as it is: nothing to %s", live->steered, live->steer);
    live->steer = NULL;
    live->steering = false;
    live->question = ASK_LIST;
    live->due_ms = 0;
}

static void take_detail(struct live *live, struct wire_message *message) {
    cJSON *details = take_array(message, "experiments");
    dashboard_take_detail(
        &live->dashboard,
        details->child != NULL ? cJSON_DetachItemViaPointer(details, details->child) : NULL);
    cJSON_Delete(details);
}

static void take_answer(struct live *live, struct wire_message *message) {
    struct error error = {0};
    if (live->steering) {
        take_steered(live, message);
        return;
    }
    if (!wire_check_answer(message, &error)) {
        take_refusal(live, &error);
        return;
    }
    switch (live->question) {
    case ASK_TIME:
        live->ahead_ms = client_ahead_ms(message->body);
        live->question = ASK_LIST;
        live->due_ms = 0;
        break;
    case ASK_LIST: take_list(live, message); break;
    case ASK_WORKERS:
        dashboard_take_workers(&live->dashboard, take_array(message, "workers"));
        live->question = ASK_DETAIL;
        break;
    case ASK_DETAIL:
        take_detail(live, message);
        live->question = ASK_CHANGES;
        break;
    case ASK_CHANGES:
        live->revision = field_number(message->body, "revision", 0);
        live->question = ASK_LIST;
        break;
    }
}

static void receive(struct live *live) {
    struct wire_message message;
    bool received = true;
    while (received) {
        if (!dealer_receive(live->client->dealer, 0, &message, &received, NULL) || !received)
            continue;
        if (live->request != 0 && message.request >= live->first &&
            message.request <= live->request) {
            live->request = 0;
            live->asked = NULL;
            live->dashboard.away = false;
            take_answer(live, &message);
        }
        wire_message_free(&message);
    }
}

/* --- keys and pages --- */

/* `request`: NULL for no wish. One at a time: the next may be of another experiment. */
static void take_wish(struct live *live, const char *request) {
    if (request == NULL)
        return;
    if (live->steer != NULL) {
        snprintf(live->dashboard.note, sizeof live->dashboard.note,
                 "%s %.0f is not done: the %s before it has no answer yet", request,
                 live->dashboard.steered, live->steer);
        return;
    }
    live->steer = request;
    live->steered = live->dashboard.steered;
}

/* False when the person leaves. */
static bool take_keys(struct live *live) {
    static const char *const requests[] = {[DASHBOARD_CANCEL] = "cancel",
                                           [DASHBOARD_PAUSE] = "pause",
                                           [DASHBOARD_RESUME] = "resume",
                                           [DASHBOARD_RETRY] = "retry"};
    size_t rows, columns;
    int key;
    while ((key = terminal_key()) >= 0) {
        terminal_size(&rows, &columns);
        enum dashboard_wish wish = dashboard_key(&live->dashboard, key, rows);
        if (wish == DASHBOARD_QUIT)
            return false;
        bool detail = dashboard_wants_detail(&live->dashboard) > 0;
        take_wish(live, requests[wish]);
        if (live->question == ASK_CHANGES && !live->steering && (detail || live->steer != NULL)) {
            live->request = 0; /* its answer counts no more */
            live->asked = NULL;
            live->question = detail ? ASK_DETAIL : ASK_CHANGES;
        }
    }
    return true;
}

static void show(struct live *live) {
    struct page page;
    size_t rows, columns;
    time_t now = time(NULL);
    struct tm local;
    char clock[16] = "";
    if (localtime_r(&now, &local) != NULL)
        strftime(clock, sizeof clock, "%H:%M:%S", &local);
    terminal_size(&rows, &columns);
    if (!page_new(&page, rows, columns))
        return;
    dashboard_draw(&live->dashboard, &page, clock);
    terminal_show(&page);
    page_free(&page);
}

/* What is under way for too long is asked again: that has the effect of asking once. */
static void lose_patience(struct live *live, int64_t now_ms) {
    if (live->request == 0 || now_ms - live->sent_ms <= PATIENCE_MS)
        return;
    live->request = 0;
    if (live->question == ASK_CHANGES && !live->steering)
        live->question = ASK_LIST; /* nothing has changed, or nobody is there */
    else
        live->dashboard.away = true;
}

/* How long the next request has to wait. */
static int64_t rest_ms(const struct live *live, int64_t now_ms) {
    bool look = live->question == ASK_LIST && live->pages == NULL && live->steer == NULL;
    return (look || live->dashboard.away) && now_ms < live->due_ms ? live->due_ms - now_ms : 0;
}

/* What it printed has no place on the screen. */
static void turn_hook(struct live *live) {
    struct hook_end end;
    if (!hook_turn(live->hook, &end))
        return;
    hook_complaint(&end, live->dashboard.note, sizeof live->dashboard.note);
    free(end.output);
}

static bool turn(struct live *live) {
    zmq_pollitem_t items[] = {{.socket = dealer_socket(live->client->dealer), .events = ZMQ_POLLIN},
                              {.fd = STDIN_FILENO, .events = ZMQ_POLLIN}};
    int64_t now_ms = now_of(live);
    turn_hook(live);
    lose_patience(live, now_ms);
    int64_t wait_ms = live->request == 0 ? rest_ms(live, now_ms) : TURN_MS;
    if (wait_ms == 0) {
        ask(live, now_ms);
        wait_ms = TURN_MS;
    }
    show(live);
    if (zmq_poll(items, 2, (long)(wait_ms < TURN_MS ? wait_ms : TURN_MS)) < 0 && errno != EINTR)
        return false;
    receive(live);
    bool gone = (items[1].revents & ZMQ_POLLERR) != 0; /* the terminal, and nobody sends SIGHUP */
    return take_keys(live) && !gone && live->over.code == ERROR_NONE;
}

int live_run(struct client *client, const char *endpoint, cJSON *selection, struct hook *hook) {
    struct live live = {.client = client,
                        .hook = hook,
                        .selection = selection,
                        .dashboard = {.endpoint = endpoint}};
    struct error error = {0};
    int status = 0;
    if (terminal_open(&error)) {
        while (turn(&live))
            ;
        terminal_close();
        if (live.over.code != ERROR_NONE)
            status = command_fail(&live.over);
    } else
        status = command_fail(&error);
    dashboard_free(&live.dashboard);
    cJSON_Delete(live.pages);
    cJSON_Delete(selection);
    return status;
}
