/* assay cancel: takes experiments out of the queue and stops those that run. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"

static const struct command_line line = {
    .arguments = "ID...|GROUP",
    .help = "Cancels experiments. A queued one never starts; a running one stops after its current "
            "step; what was reported stays. A finished one is left as it is."
            "\vExample:\n  assay cancel 4 5",
    .least = 1,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT | COMMAND_JSON};

/* {"ids": [...]} of the experiments. */
static cJSON *ids_of(const cJSON *experiments) {
    cJSON *body = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(body, "ids");
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(field_number(experiment, "id", 0)));
    }
    return body;
}

static bool changed(const cJSON *answer, double id) {
    const cJSON *item;
    cJSON_ArrayForEach(item, field_at(answer, "ids")) {
        if (item->valuedouble >= id && item->valuedouble <= id)
            return true;
    }
    return false;
}

static void print_changes(const cJSON *experiments, const cJSON *answer) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        double id = field_number(experiment, "id", 0);
        bool now = changed(answer, id);
        printf(
            "%.0f %s: %s%s\n", id, field_text(experiment, "name", "?"),
            now ? "cancelled" : "left as it is: ", now ? "" : field_text(experiment, "state", "?"));
    }
}

int command_cancel(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client;
    cJSON *experiments, *answer = NULL;
    int status;
    if (!command_parse(&line, argc, argv, NULL, &input, &status))
        return status;
    status = 0;
    if (!client_look(&input, "list", &client, &experiments, &error) ||
        !client_ask(&client, "cancel", ids_of(experiments), "changed", &answer, &error))
        status = command_fail(&error);
    else if (!input.json)
        print_changes(experiments, answer);
    else if (!output_json(answer))
        status = ERROR_FAILED;
    cJSON_Delete(answer);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}
