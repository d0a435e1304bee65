/* assay cancel, pause, resume, retry, priority: change what is queued or runs. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/whoami.h"

#include <stdlib.h>

/* What the five have in common: a question about ids, and those that it has changed. */
struct verb {
    const char *question; /* the request's name too */
    const char *done;     /* "cancelled" */
    struct command_line line;
};

static const struct verb verb_cancel = {
    "cancel",
    "cancelled",
    {.arguments = "ID...|GROUP",
     .help =
         "Cancels experiments. A queued one never starts; a running one stops within a "
         "second; what was reported stays, and retry goes on from there. A finished one is left "
         "as it is."
         "\vExample:\n  assay cancel 4 5",
     .least = 1,
     .most = COMMAND_ANY,
     .shared = COMMAND_CONNECT | COMMAND_JSON}};

static const struct verb verb_pause = {
    "pause",
    "paused",
    {.arguments = "ID...|GROUP",
     .help = "Pauses experiments. A queued one is not handed out; a running one stops within "
             "a second and its worker takes the next of the queue. resume queues it again, and "
             "it goes on from its last finished epoch, with the same bits."
             "\vExamples:\n  assay pause 4\n  assay resume 4",
     .least = 1,
     .most = COMMAND_ANY,
     .shared = COMMAND_CONNECT | COMMAND_JSON}};

static const struct verb verb_resume = {
    "resume",
    "resumed",
    {.arguments = "ID...|GROUP",
     .help = "Puts paused experiments back into the queue; they go on from their last finished "
             "epoch."
             "\vExample:\n  assay resume 4",
     .least = 1,
     .most = COMMAND_ANY,
     .shared = COMMAND_CONNECT | COMMAND_JSON}};

static const struct verb verb_retry = {
    "retry",
    "queued again",
    {.arguments = "ID...|GROUP",
     .help =
         "Queues experiments again that failed or were cancelled. They keep their epochs and go "
         "on from their last checkpoint; what failed so far counts no more, so that "
         "max_attempts attempts may fail again."
         "\vExample:\n  assay retry 4",
     .least = 1,
     .most = COMMAND_ANY,
     .shared = COMMAND_CONNECT | COMMAND_JSON}};

static const struct verb verb_priority = {
    "priority",
    "changed",
    {.arguments = "ID...|GROUP N",
     .help =
         "Changes the priority of experiments that are not finished: of all that a worker could "
         "run, it gets one of the highest (see the field priority of experiment files). One that "
         "runs goes on. N is from -1000 to 1000."
         "\vExamples:\n  assay priority 4 10\n  assay priority 5 6 -10",
     .least = 2,
     .most = COMMAND_ANY,
     .shared = COMMAND_CONNECT | COMMAND_JSON | COMMAND_NEGATIVE}};

static bool print_changes(const struct verb *verb, const cJSON *experiments, const cJSON *answer,
                          struct error *error) {
    size_t count;
    double *changed = source_ids(field_at(answer, "ids"), &count);
    const cJSON *experiment;
    if (changed == NULL)
        return error_memory(error);
    cJSON_ArrayForEach(experiment, experiments) {
        double id = field_number(experiment, "id", 0);
        bool now = bsearch(&id, changed, count, sizeof *changed, source_compare_ids) != NULL;
        printf(
            "%.0f %s: %s%s\n", id, field_text(experiment, "name", "?"),
            now ? verb->done : "left as it is: ", now ? "" : field_text(experiment, "state", "?"));
    }
    free(changed);
    return true;
}

/* Asks about what the arguments name; `priority` goes with it unless it is NULL. */
static int steer(const struct verb *verb, const struct command_input *input,
                 const long long *priority) {
    struct error error = {0};
    struct client client;
    char person[WHOAMI_SIZE];
    cJSON *experiments, *answer = NULL;
    int status = 0;
    bool good = client_look(input, "list", &client, &experiments, &error);
    if (good) {
        cJSON *body = client_ids(experiments);
        whoami(person);
        cJSON_AddStringToObject(body, "person", person);
        if (priority != NULL)
            cJSON_AddNumberToObject(body, "priority", (double)*priority);
        good = client_ask(&client, verb->question, body, "changed", &answer, &error);
    }
    if (good && !input->json)
        good = print_changes(verb, experiments, answer, &error);
    if (!good)
        status = command_fail(&error);
    else if (input->json && !output_json(answer))
        status = ERROR_FAILED;
    cJSON_Delete(answer);
    cJSON_Delete(experiments);
    client_close(&client);
    return status;
}

static int parse_and_steer(const struct verb *verb, int argc, char **argv) {
    struct command_input input;
    int status;
    if (!command_parse(&verb->line, argc, argv, NULL, &input, &status))
        return status;
    return steer(verb, &input, NULL);
}

int command_cancel(int argc, char **argv) {
    return parse_and_steer(&verb_cancel, argc, argv);
}

int command_pause(int argc, char **argv) {
    return parse_and_steer(&verb_pause, argc, argv);
}

int command_resume(int argc, char **argv) {
    return parse_and_steer(&verb_resume, argc, argv);
}

int command_retry(int argc, char **argv) {
    return parse_and_steer(&verb_retry, argc, argv);
}

int command_priority(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    long long priority;
    int status;
    if (!command_parse(&verb_priority.line, argc, argv, NULL, &input, &status))
        return status;
    const char *number = input.arguments[--input.count];
    if (options_number(number, -COMMAND_PRIORITY_MOST, COMMAND_PRIORITY_MOST, &priority))
        return steer(&verb_priority, &input, &priority);
    error_set(&error, ERROR_INPUT, "priority is a number from %d to %d, not \"%s\"",
              -COMMAND_PRIORITY_MOST, COMMAND_PRIORITY_MOST, number);
    return command_fail(&error);
}
