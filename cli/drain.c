/* assay drain: has workers leave, wherever they run. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/patience.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_NO_WAIT = 'n', LOOK_EVERY_US = 250000 };

static const struct argp_option options[] = {
    {"no-wait", KEY_NO_WAIT, NULL, 0, "Tell them, and do not wait until they have left", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    bool *no_wait = state->input;
    (void)argument;
    if (key != KEY_NO_WAIT)
        return ARGP_ERR_UNKNOWN;
    *no_wait = true;
    return 0;
}

static const struct command_line line = {
    .arguments = "WORKER...",
    .help = "Has workers leave: each gives its experiment back, which costs no attempt and goes on "
            "elsewhere from its last finished epoch, and ends. WORKER is a name as assay workers "
            "lists it; of one with slots NAME is all of them, NAME/2 the second. On the worker's "
            "own machine assay worker --drain --dir DIR does the same."
            "\vExample:\n  assay drain gpu-3 gpu-4/1",
    .options = options,
    .parse = parse,
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* The same process as `worker` in a list: a later one of that name is another. */
static const cJSON *find(const cJSON *workers, const cJSON *worker) {
    const cJSON *item;
    cJSON_ArrayForEach(item, workers) {
        if (strcmp(field_text(item, "worker", ""), field_text(worker, "worker", "?")) == 0 &&
            cJSON_Compare(field_at(item, "pid"), field_at(worker, "pid"), true))
            return item;
    }
    return NULL;
}

/* Tells the workers of that name, and puts those that are not among `told` yet there. */
static bool tell(struct client *client, const char *name, cJSON *told, struct error *error) {
    cJSON *body = cJSON_CreateObject(), *answer, *worker;
    cJSON_AddStringToObject(body, "worker", name);
    if (!client_ask(client, "drain", body, "worker_list", &answer, error))
        return false;
    cJSON_ArrayForEach(worker, field_at(answer, "workers")) {
        if (find(told, worker) == NULL)
            cJSON_AddItemToArray(told, cJSON_Duplicate(worker, true));
    }
    cJSON_Delete(answer);
    return true;
}

/* Whether the worker is still there to leave; its state becomes what it is now. One that a
 * coordinator that was started again has forgotten to tell is told again. */
static bool still_there(struct client *client, const cJSON *workers, cJSON *worker, cJSON *told,
                        bool *there, struct error *error) {
    const cJSON *now = find(workers, worker);
    const char *state = field_text(now, "state", "left");
    cJSON_ReplaceItemInObjectCaseSensitive(worker, "state", cJSON_CreateString(state));
    *there = now != NULL && strcmp(state, "lost") != 0;
    if (!*there || strcmp(state, "draining") == 0 ||
        tell(client, field_text(worker, "worker", ""), told, error))
        return true;
    *there = false;
    return error->code == ERROR_INPUT; /* it has left just now */
}

/* One that comes back under its number, as the only process of a container does, is another. */
static bool has_left(const cJSON *worker) {
    return strcmp(field_text(worker, "state", ""), "left") == 0;
}

/* Whether any of them is still there. */
static bool look(struct client *client, cJSON *told, bool *waiting, struct error *error) {
    cJSON *answer;
    bool good = true;
    if (!client_ask(client, "workers", NULL, "worker_list", &answer, error))
        return false;
    *waiting = false;
    for (cJSON *worker = told->child; good && worker != NULL; worker = worker->next) {
        bool there = false;
        good = has_left(worker) ||
               still_there(client, field_at(answer, "workers"), worker, told, &there, error);
        *waiting |= there;
    }
    cJSON_Delete(answer);
    return good;
}

/* Also through an absence of the coordinator, which has told them. */
static bool wait_for_all(struct client *client, cJSON *told, struct error *error) {
    struct patience patience = {0};
    bool waiting = true;
    patience_renew(&patience);
    while (waiting) {
        usleep(LOOK_EVERY_US);
        if (look(client, told, &waiting, error))
            patience_renew(&patience);
        else if (patience_bears(&patience, error, NULL))
            waiting = true;
        else
            return false;
    }
    return true;
}

static void print_told(cJSON *told, bool waited) {
    const cJSON *worker;
    field_clean(told);
    cJSON_ArrayForEach(worker, told) {
        bool lost = strcmp(field_text(worker, "state", ""), "lost") == 0;
        printf("%s %s\n", field_text(worker, "worker", "?"),
               lost     ? "is lost: it leaves if it comes back"
               : waited ? "has left"
                        : "is told to leave");
    }
}

int command_drain(int argc, char **argv) {
    struct command_input input;
    struct client client = {0};
    struct error error = {0};
    bool no_wait = false;
    int status;
    if (!command_parse(&line, argc, argv, &no_wait, &input, &status))
        return status;
    cJSON *told = cJSON_CreateArray();
    bool good = client_open(&input, &client, &error);
    for (size_t i = 0; good && i < input.count; i++)
        good = tell(&client, input.arguments[i], told, &error);
    good = good && (no_wait || wait_for_all(&client, told, &error));
    status = 0;
    if (!good)
        status = command_fail(&error);
    else if (!input.json)
        print_told(told, !no_wait);
    else if (!output_json(told))
        status = ERROR_FAILED;
    cJSON_Delete(told);
    client_close(&client);
    return status;
}
