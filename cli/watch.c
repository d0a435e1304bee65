/* assay watch: live progress until all are finished. */
#include "cli/client.h"
#include "cli/field.h"
#include "cli/watching.h"

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help =
        "Follows experiments (without arguments: all that are queued or running) until they are "
        "finished: a line for each finished epoch, progress of those that run. Exits 4 when one "
        "failed or was cancelled. Stopping it (Ctrl-C) stops no experiment."
        "\vExample:\n  assay watch demo",
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT};

int command_watch(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    int status;
    if (!command_parse(&line, argc, argv, NULL, &input, &status))
        return status;
    if (!client_open(&input, &client, &error))
        return command_fail(&error);
    cJSON *selection = input.count > 0 ? client_selection(input.arguments, input.count, &error)
                                       : client_unfinished(&client, &error);
    if (selection != NULL)
        status = watching_run(&client, selection, stdout);
    else if (error.code != ERROR_NONE)
        status = command_fail(&error);
    else {
        puts("nothing is queued or running");
        status = 0;
    }
    client_close(&client);
    return status;
}
