/* assay watch: the full-screen view, or live progress in lines until all are finished. */
#include "cli/client.h"
#include "cli/live.h"
#include "cli/terminal.h"
#include "cli/watching.h"

enum { KEY_LINES = 'l' };

static const struct argp_option options[] = {
    {"lines", KEY_LINES, NULL, 0, "A line for each thing that happens, also on a terminal", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)argument;
    if (key != KEY_LINES)
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help =
        "Follows experiments. On a terminal it takes the whole screen (? shows the keys): the list "
        "(without arguments: of all), the selected one's progress and its curves, until you leave "
        "with q. Elsewhere, and with --lines, it follows those named (without arguments: all that "
        "are queued or running) until they are finished, a line for each finished epoch, and exits "
        "4 when one failed or was cancelled. Leaving it stops no experiment."
        "\vExample:\n  assay watch demo",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT};

static int watch_screen(struct client *client, const struct command_input *input,
                        struct error *error) {
    cJSON *selection = input->count > 0
                           ? client_resolve(client, input->arguments, input->count, error)
                           : cJSON_CreateObject();
    return selection != NULL ? live_run(client, input->connect, selection) : command_fail(error);
}

static int watch_lines(struct client *client, const struct command_input *input,
                       struct error *error) {
    cJSON *selection = input->count > 0
                           ? client_resolve(client, input->arguments, input->count, error)
                           : client_unfinished(client, error);
    if (selection != NULL)
        return watching_run(client, selection, stdout);
    if (error->code != ERROR_NONE)
        return command_fail(error);
    puts("nothing is queued or running");
    return 0;
}

int command_watch(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    bool lines = false;
    int status;
    if (!command_parse(&line, argc, argv, &lines, &input, &status))
        return status;
    if (!client_open(&input, &client, &error))
        return command_fail(&error);
    status = !lines && terminal_usable() ? watch_screen(&client, &input, &error)
                                         : watch_lines(&client, &input, &error);
    client_close(&client);
    return status;
}
