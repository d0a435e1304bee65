/* assay watch: the full-screen view, or live progress in lines until all are finished. */
#include "cli/client.h"
#include "cli/live.h"
#include "cli/terminal.h"
#include "cli/watching.h"

enum { KEY_LINES = 'l', KEY_ON_FINISH = 'o' };

struct watch_options {
    bool lines;
    const char *on_finish; /* NULL: none */
};

static const struct argp_option options[] = {
    {"lines", KEY_LINES, NULL, 0, "A line for each thing that happens, also on a terminal", 0},
    {"on-finish", KEY_ON_FINISH, "CMD", 0, HOOK_HELP, 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct watch_options *chosen = state->input;
    switch (key) {
    case KEY_LINES: chosen->lines = true; return 0;
    case KEY_ON_FINISH: chosen->on_finish = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct command_line line = {
    .arguments = "[ID...|GROUP]",
    .help =
        "Follows experiments. On a terminal it takes the whole screen (? shows the keys): the list "
        "(without arguments: of all), the selected one's progress and its curves, until you leave "
        "with q. Elsewhere, and with --lines, it follows those named (without arguments: all that "
        "are queued or running) until they are finished, a line for each finished epoch, and exits "
        "4 when one failed or was cancelled. Leaving it stops no experiment."
        "\vExamples:\n  assay watch demo\n"
        "  assay watch demo --on-finish 'notify-send \"$ASSAY_NAME $ASSAY_STATE\"'",
    .options = options,
    .parse = parse,
    .most = COMMAND_ANY,
    .shared = COMMAND_CONNECT};

static int watch_screen(struct client *client, const struct command_input *input, struct hook *hook,
                        struct error *error) {
    cJSON *selection = input->count > 0
                           ? client_resolve(client, input->arguments, input->count, error)
                           : cJSON_CreateObject();
    return selection != NULL ? live_run(client, input->connect, selection, hook)
                             : command_fail(error);
}

static int watch_lines(struct client *client, const struct command_input *input, struct hook *hook,
                       struct error *error) {
    cJSON *selection = input->count > 0
                           ? client_resolve(client, input->arguments, input->count, error)
                           : client_unfinished(client, error);
    if (selection != NULL)
        return watching_run(client, selection, stdout, hook);
    if (error->code != ERROR_NONE)
        return command_fail(error);
    puts("nothing is queued or running");
    return 0;
}

int command_watch(int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct client client = {0};
    struct watch_options chosen = {0};
    struct hook *hook;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    bool lines = chosen.lines || !terminal_usable();
    bool unfinished = lines && input.count == 0; /* are all of them, when watch_lines asks which */
    if (!hook_open(chosen.on_finish, &input, unfinished, &hook, &error) ||
        !client_open(&input, &client, &error))
        status = command_fail(&error);
    else
        status = lines ? watch_lines(&client, &input, hook, &error)
                       : watch_screen(&client, &input, hook, &error);
    hook_close(hook);
    client_close(&client);
    return status;
}
