#include "cli/client.h"

#include "cli/field.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/standard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRIES = 2 };

bool client_open(const struct command_input *input, struct client *client, struct error *error) {
    *client = (struct client){.timeout_ms = input->timeout_ms};
    return dealer_open(input->connect, &input->keys, &client->dealer, error);
}

void client_close(struct client *client) {
    dealer_close(client->dealer);
    client->dealer = NULL;
}

bool client_ask(struct client *client, const char *name, cJSON *body, const char *expected,
                cJSON **answer, struct error *error) {
    bool good = dealer_call_again(client->dealer, name, body, expected, client->timeout_ms, TRIES,
                                  answer, error);
    cJSON_Delete(body);
    return good;
}

bool client_ask_once(const struct command_input *input, const char *name, cJSON *body,
                     const char *expected, cJSON **answer, struct error *error) {
    struct client client;
    if (!client_open(input, &client, error)) {
        cJSON_Delete(body);
        return false;
    }
    bool good = client_ask(&client, name, body, expected, answer, error);
    client_close(&client);
    return good;
}

double client_ahead_ms(const cJSON *status) {
    const double now_ms = (double)clock_unix_ms();
    return field_number(status, "now_ms", now_ms) - now_ms;
}

double client_now_ms(struct client *client) {
    struct error error;
    cJSON *status = NULL;
    if (!client_ask(client, "status", NULL, "coordinator", &status, &error))
        status = NULL;
    const double now_ms = client_ahead_ms(status) + (double)clock_unix_ms();
    cJSON_Delete(status);
    return now_ms;
}

cJSON *client_selection(char **words, size_t count, struct error *error) {
    cJSON *body = cJSON_CreateObject(), *ids = NULL;
    if (body == NULL)
        error_memory(error);
    for (size_t i = 0; i < count && body != NULL; i++) {
        long long id;
        if (!command_id(words[i], &id, NULL)) {
            if (count > 1) {
                error_set(error, ERROR_INPUT,
                          "\"%s\" is no id; give ids, or one group alone (assay ls shows both)",
                          words[i]);
                cJSON_Delete(body);
                return NULL;
            }
            cJSON_AddStringToObject(body, "group", words[i]);
        } else {
            if (ids == NULL)
                ids = cJSON_AddArrayToObject(body, "ids");
            cJSON_AddItemToArray(ids, cJSON_CreateNumber((double)id));
        }
    }
    return body;
}

bool client_all_there(const cJSON *selection, const cJSON *experiments, struct error *error) {
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(selection, "group");
    if (group != NULL && cJSON_GetArraySize(experiments) == 0)
        return error_set(error, ERROR_INPUT, "there is no group \"%s\"" ERROR_LS,
                         group->valuestring);
    size_t count;
    double *there = source_ids(experiments, &count);
    if (there == NULL)
        return error_memory(error);
    const cJSON *id, *missing = NULL;
    cJSON_ArrayForEach(id, cJSON_GetObjectItemCaseSensitive(selection, "ids")) {
        if (missing == NULL &&
            bsearch(&id->valuedouble, there, count, sizeof *there, source_compare_ids) == NULL)
            missing = id;
    }
    free(there);
    return missing == NULL || error_set(error, ERROR_INPUT, "there is no experiment %.0f" ERROR_LS,
                                        missing->valuedouble);
}

static bool ask_client(void *client, const char *request, cJSON *body, const char *expected,
                       cJSON **answer, struct error *error) {
    return client_ask(client, request, body, expected, answer, error);
}

struct source client_source(struct client *client) {
    return (struct source){ask_client, client};
}

bool client_pages(struct client *client, const char *question, const cJSON *selection,
                  source_page *take, void *context, struct error *error) {
    struct source source = client_source(client);
    return source_pages(&source, question, selection, take, context, error);
}

bool client_experiments(struct client *client, const char *question, cJSON *selection,
                        cJSON **experiments, struct error *error) {
    struct source source = client_source(client);
    *experiments = source_experiments(&source, question, selection, error);
    if (*experiments != NULL && !client_all_there(selection, *experiments, error)) {
        cJSON_Delete(*experiments);
        *experiments = NULL;
    }
    cJSON_Delete(selection);
    return *experiments != NULL;
}

/* Adds the ids of a group's members, of those called `name` (NULL: all) the newest alone, and tells
 * whether there is one. */
static bool add_members(struct client *client, const char *group, const char *name, cJSON *ids,
                        bool *found, struct error *error) {
    struct source source = client_source(client);
    cJSON *body = cJSON_CreateObject();
    const cJSON *experiment, *newest = NULL;
    cJSON_AddStringToObject(body, "group", group);
    cJSON *all = source_experiments(&source, "list", body, error);
    cJSON_ArrayForEach(experiment, all) {
        if (name == NULL)
            cJSON_AddItemToArray(ids, cJSON_CreateNumber(field_number(experiment, "id", 0)));
        else if (strcmp(field_text(experiment, "name", ""), name) == 0)
            newest = experiment;
    }
    if (newest != NULL)
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(field_number(newest, "id", 0)));
    *found = newest != NULL || (name == NULL && all != NULL && all->child != NULL);
    cJSON_Delete(all);
    cJSON_Delete(body);
    return all != NULL;
}

/* Adds what one word names. A member's name begins with its group's and a slash. */
static bool add_word(struct client *client, const char *word, cJSON *ids, struct error *error) {
    long long id;
    bool found = command_id(word, &id, NULL);
    if (found)
        cJSON_AddItemToArray(ids, cJSON_CreateNumber((double)id));
    else if (!add_members(client, word, NULL, ids, &found, error))
        return false;
    for (const char *slash = strchr(word, '/'); slash != NULL && !found;
         slash = strchr(slash + 1, '/')) {
        char *group = strndup(word, (size_t)(slash - word));
        bool good = group != NULL ? add_members(client, group, word, ids, &found, error)
                                  : error_memory(error);
        free(group);
        if (!good)
            return false;
    }
    return found ||
           error_set(error, ERROR_INPUT, "there is no experiment or group \"%s\"" ERROR_LS, word);
}

/* The ids of a selection: each once, where it is named first, although several words may name it.
 */
static bool add_each_once(cJSON *body, const cJSON *ids) {
    size_t count;
    double *sorted = source_ids(ids, &count);
    bool *taken = calloc(count + 1, sizeof *taken);
    cJSON *each = cJSON_AddArrayToObject(body, "ids");
    bool good = sorted != NULL && taken != NULL;
    const cJSON *id;
    cJSON_ArrayForEach(id, ids) {
        const double *place =
            good ? bsearch(&id->valuedouble, sorted, count, sizeof *sorted, source_compare_ids)
                 : NULL; /* of equal ones always the same */
        if (place == NULL || taken[place - sorted])
            continue;
        taken[place - sorted] = true;
        cJSON_AddItemToArray(each, cJSON_CreateNumber(id->valuedouble));
    }
    free(taken);
    free(sorted);
    return good;
}

cJSON *client_resolve(struct client *client, char **words, size_t count, struct error *error) {
    if (count == 0 || (count == 1 && strchr(words[0], '/') == NULL))
        return client_selection(words, count, error);
    cJSON *body = cJSON_CreateObject(), *ids = cJSON_CreateArray();
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = add_word(client, words[i], ids, error);
    good = good && (add_each_once(body, ids) || error_memory(error));
    cJSON_Delete(ids);
    if (good)
        return body;
    cJSON_Delete(body);
    return NULL;
}

bool client_resolve_one(struct client *client, char *word, long long *id, struct error *error) {
    if (command_id(word, id, NULL))
        return true;
    cJSON *ids = cJSON_CreateArray();
    bool good = add_word(client, word, ids, error);
    if (good && cJSON_GetArraySize(ids) > 1)
        good = error_set(
            error, ERROR_INPUT,
            "\"%s\" names %d experiments and one is asked for; assay ls \"%s\" lists them", word,
            cJSON_GetArraySize(ids), word);
    if (good && cJSON_GetArraySize(ids) == 0) /* there was no memory for the one */
        good = error_memory(error);
    if (good)
        *id = (long long)ids->child->valuedouble;
    cJSON_Delete(ids);
    return good;
}

bool client_take(const struct command_input *input, const char *question, struct client *client,
                 cJSON **experiments, struct error *error) {
    *client = (struct client){0};
    *experiments = NULL;
    if (!client_open(input, client, error))
        return false;
    cJSON *selection = client_resolve(client, input->arguments, input->count, error);
    return selection != NULL && client_experiments(client, question, selection, experiments, error);
}

bool client_look(const struct command_input *input, const char *question, struct client *client,
                 cJSON **experiments, struct error *error) {
    if (!client_take(input, question, client, experiments, error))
        return false;
    if (!input->json)
        field_clean(*experiments);
    return true;
}

bool client_look_one(const struct command_input *input, const char *question, struct client *client,
                     long long *id, cJSON **experiments, struct error *error) {
    *client = (struct client){0};
    *experiments = NULL;
    if (!client_open(input, client, error) ||
        !client_resolve_one(client, input->arguments[0], id, error))
        return false;
    return client_experiments(client, question, client_one((double)*id), experiments, error);
}

void client_tell_cut(const cJSON *experiment) {
    int there = cJSON_GetArraySize(field_at(experiment, "history"));
    double done = field_number(experiment, "epochs_done", 0);
    if (there < done)
        standard_complain("warning: of experiment %.0f the last %d of %.0f epochs; all are in the "
                          "database (docs/export.md)",
                          field_number(experiment, "id", 0), there, done);
}

bool client_key(char key[static CLIENT_KEY_SIZE], struct error *error) {
    unsigned char bytes[CLIENT_KEY_SIZE / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_errno(error, ERROR_FAILED, "cannot get random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(key + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

cJSON *client_one(double id) {
    cJSON *body = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(body, "ids");
    cJSON_AddItemToArray(ids, cJSON_CreateNumber(id));
    return body;
}

cJSON *client_ids(const cJSON *experiments) {
    cJSON *body = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(body, "ids");
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(field_number(experiment, "id", 0)));
    }
    return body;
}

cJSON *client_unfinished(struct client *client, struct error *error) {
    cJSON *experiments = NULL, *selection = NULL, *ids = NULL;
    const cJSON *experiment;
    if (!client_experiments(client, "list", cJSON_CreateObject(), &experiments, error))
        return NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        if (field_finished(experiment))
            continue;
        if (selection == NULL) {
            selection = cJSON_CreateObject();
            ids = cJSON_AddArrayToObject(selection, "ids");
        }
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(field_number(experiment, "id", 0)));
    }
    cJSON_Delete(experiments);
    return selection;
}
