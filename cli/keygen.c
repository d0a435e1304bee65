/* assay keygen: a CURVE key pair for a coordinator, a worker or a person. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/whoami.h"
#include "core/file.h"
#include "core/home.h"
#include "core/text.h"
#include "net/keys.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_NAME = 'n' };

struct keygen_options {
    const char *name;
};

static const struct argp_option options[] = {
    {"name", KEY_NAME, "NAME", 0, "Whose it is, for the lists (default: USER@HOST)", 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct keygen_options *chosen = state->input;
    if (key != KEY_NAME)
        return ARGP_ERR_UNKNOWN;
    chosen->name = argument;
    if (argument[strspn(argument, " \t")] == '\0' || strlen(argument) > KEY_NAME_MAX ||
        strpbrk(argument, "\n\r") != NULL)
        return options_mistake(state, "--name takes one line of 1 to %d bytes", KEY_NAME_MAX);
    return 0;
}

static const struct command_line line = {
    .arguments = "[FILE]",
    .help =
        "Make a key pair: FILE, the secret, for its owner alone, and FILE.pub, a line to hand "
        "on. FILE is $ASSAY_HOME/assay.key unless given. Nothing is overwritten."
        "\vA coordinator has its secret as coordinator.key in its --keys folder, and beside it "
        "the lists authorized_workers and authorized_people of .pub lines. Workers and people "
        "name theirs with --key, and the coordinator's public key with --server-key. The name is "
        "who a person is to the others; a worker's worker=NAME makes NAME its key's alone.\n\n"
        "Example:\n  assay keygen keys/coordinator.key",
    .options = options,
    .parse = parse,
    .most = 1,
    .shared = COMMAND_JSON};

/* Where the key goes; its folder is made. The caller frees. */
static bool choose_path(const struct command_input *input, char **path, struct error *error) {
    if (input->count == 0)
        *path = home_path("assay.key", error);
    else if ((*path = strdup(input->arguments[0])) == NULL)
        error_memory(error);
    return *path != NULL && folder_make_of(*path, error);
}

static void print(const struct command_input *input, const char *path, const char *hex,
                  const char *name) {
    if (input->json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "secret_file", path);
        cJSON_AddStringToObject(object, "public_key", hex);
        cJSON_AddStringToObject(object, "name", name);
        output_json(object);
        cJSON_Delete(object);
        return;
    }
    printf("secret key: %s (keep it to yourself)\n"
           "public key: %s.pub, one line to hand on:\n%s %s\n",
           path, path, hex, name);
}

int command_keygen(int argc, char **argv) {
    struct command_input input;
    struct keygen_options chosen = {0};
    struct key_pair pair = {0};
    struct error error = {0};
    char name[KEY_NAME_MAX + 1], hex[KEY_TEXT_SIZE], *path = NULL;
    int status;
    if (!command_parse(&line, argc, argv, &chosen, &input, &status))
        return status;
    whoami(name);
    if (chosen.name != NULL) {
        snprintf(name, sizeof name, "%s", chosen.name);
        text_one_line(name); /* as who reads the lists will have it */
    }
    bool good = choose_path(&input, &path, &error) && key_pair_make(&pair, &error) &&
                key_pair_write(path, &pair, name, &error);
    if (good) {
        key_text(&pair.public, hex);
        print(&input, path, hex, name);
    }
    key_pair_forget(&pair);
    free(path);
    return good ? 0 : command_fail(&error);
}
