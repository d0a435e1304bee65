/* assay logs: train.log of an experiment, as the coordinator has it. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/patience.h"
#include "core/standard.h"
#include "core/text.h"

#include <string.h>
#include <time.h>

enum { KEY_FOLLOW = 'f', FOLLOW_MS = 1000 };

static const struct argp_option options[] = {
    {"follow", KEY_FOLLOW, NULL, 0,
     "Go on until the experiment is finished; then exit 4 if it failed or was cancelled", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)argument;
    if (key != KEY_FOLLOW)
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static const struct command_line line = {.arguments = "ID|NAME",
                                         .help = "Prints the training log of an experiment."
                                                 "\vExample:\n  assay logs 3 -f",
                                         .options = options,
                                         .parse = parse,
                                         .least = 1,
                                         .most = 1,
                                         .shared = COMMAND_CONNECT | COMMAND_JSON};

/* One piece from `offset` on. */
static bool ask(struct client *client, long long id, double offset, cJSON **answer,
                struct error *error) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "id", (double)id);
    cJSON_AddNumberToObject(body, "offset", offset);
    return client_ask(client, "logs", body, "log", answer, error);
}

/* On stderr, since stdout is the log and nothing else. */
static void say_empty(long long id, bool finished) {
    if (finished)
        standard_complain("experiment %lld ended without a log; assay show %lld says how", id, id);
    else
        standard_complain("experiment %lld has no log yet; assay show %lld says how far it is", id,
                          id);
}

static void rest(void) {
    fflush(stdout);
    nanosleep(&(struct timespec){.tv_sec = FOLLOW_MS / 1000}, NULL);
}

/* Prints (or, for JSON, collects) pieces until the end of what there is; with `follow` of what
 * comes, also from a coordinator that was away. A terminal gets no control characters, anything
 * else every byte. A log that a resumed run cuts back is printed on once it is longer than
 * what was printed: the run writes the same again. */
static bool read_log(struct client *client, long long id, bool follow, cJSON *document, int *status,
                     struct error *error) {
    struct patience patience = {0};
    double offset = 0;
    bool any = false;
    const bool terminal = document == NULL && screen_of(stdout).terminal;
    for (;;) {
        cJSON *answer = NULL;
        if (!ask(client, id, offset, &answer, error)) {
            if (!follow || !patience_bears(&patience, error, NULL))
                return false;
            rest();
            continue;
        }
        patience_renew(&patience);
        char *text = field_at(answer, "text")->valuestring;
        double next = field_number(answer, "next", offset);
        bool finished = field_finished(answer), empty = text[0] == '\0';
        if (!empty && next <= offset) {
            cJSON_Delete(answer);
            return error_set(error, ERROR_FAILED,
                             "the coordinator answers logs with the same piece again");
        }
        if (document != NULL && !empty)
            cJSON_AddItemToArray(document, cJSON_CreateString(text));
        if (terminal)
            text_harmless(text);
        if (document == NULL)
            fputs(text, stdout);
        offset = next;
        any = any || !empty;
        *status = follow && field_failed(answer) ? ERROR_EXPERIMENT : 0;
        cJSON_Delete(answer);
        if (empty && (finished || !follow)) {
            if (!any && document == NULL)
                say_empty(id, finished);
            return true;
        }
        if (empty)
            rest();
    }
}

/* The pieces as one string. */
static bool print_json(long long id, const cJSON *pieces) {
    size_t length = 0;
    const cJSON *piece;
    cJSON_ArrayForEach(piece, pieces) {
        length += strlen(piece->valuestring);
    }
    char *text = cJSON_malloc(length + 1), *end = text;
    if (text == NULL)
        return false;
    cJSON_ArrayForEach(piece, pieces) {
        end = stpcpy(end, piece->valuestring);
    }
    *end = '\0';
    cJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "id", (double)id);
    cJSON_AddStringToObject(document, "text", text);
    cJSON_free(text);
    bool good = output_json(document);
    cJSON_Delete(document);
    return good;
}

int command_logs(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    bool follow = false;
    long long id;
    int status;
    if (!command_parse(&line, argc, argv, &follow, &input, &status))
        return status;
    if (!client_open(&input, &client, &error) ||
        !client_resolve_one(&client, input.arguments[0], &id, &error)) {
        client_close(&client);
        return command_fail(&error);
    }
    cJSON *pieces = input.json ? cJSON_CreateArray() : NULL;
    if (!read_log(&client, id, follow, pieces, &status, &error))
        status = command_fail(&error);
    else if (input.json && !print_json(id, pieces))
        status = ERROR_FAILED;
    cJSON_Delete(pieces);
    client_close(&client);
    return status;
}
