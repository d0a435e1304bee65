#include "cli/completion.h"

#include "cli/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_line line = {
    .arguments = "bash|zsh|fish",
    .help = "Prints a script by which the shell completes commands, options and their choices."
            "\vExamples:\n  source <(assay completion bash)\n"
            "  assay completion zsh > \"${fpath[1]}/_assay\"\n"
            "  assay completion fish > ~/.config/fish/completions/assay.fish",
    .least = 1,
    .most = 1};

/* Adds text with a backslash before each of the characters `special`, in single quotes. */
static void add_quoted(struct text *text, const char *string, const char *special) {
    text_add(text, "'", 1);
    for (; *string != '\0'; string++)
        if (*string == '\'')
            text_format(text, "'\\''");
        else
            text_format(text, strchr(special, *string) != NULL ? "\\%c" : "%c", *string);
    text_add(text, "'", 1);
}

static void add_names(struct text *text, const struct command *commands, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (commands[i].run != NULL)
            text_format(text, "%s ", commands[i].name);
}

/* --- bash --- */

static void bash_command(struct text *text, const struct command *command,
                         const struct description *described) {
    text_format(text, "    %s) options='", command->name);
    for (size_t i = 0; i < described->count; i++)
        text_format(text, "%s--%s", i > 0 ? " " : "", described->options[i].name);
    text_format(text, "'\n        case $before in\n");
    for (size_t i = 0; i < described->count; i++) {
        struct text choices = {0};
        description_choices(&described->options[i], &choices);
        if (choices.length > 0)
            text_format(text, "        --%s) words='%s' ;;\n", described->options[i].name,
                        text_string(&choices));
        text_free(&choices);
    }
    text_format(text, "        esac ;;\n");
}

static void bash_begin(struct text *text, const struct command *commands, size_t count) {
    text_format(text,
                "# bash completion for assay: source <(assay completion bash)\n"
                "_assay() {\n"
                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local options= words=\n"
                "    case ${COMP_WORDS[1]} in\n"
                "    help|man) words='");
    add_names(text, commands, count);
    text_format(text, "' ;;\n");
}

static void bash_end(struct text *text, const struct command *commands, size_t count) {
    text_format(text, "    esac\n    if [ \"$COMP_CWORD\" = 1 ]; then words='help ");
    add_names(text, commands, count);
    text_format(text,
                "'; fi\n"
                "    if [ -z \"$words\" ] && [ \"${word:0:1}\" = - ]; then words=$options; fi\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                "}\n"
                "complete -o default -F _assay assay\n");
}

/* --- zsh --- */

static void zsh_command(struct text *text, const struct command *command,
                        const struct description *described) {
    text_format(text, "    (%s) _arguments", command->name);
    for (size_t i = 0; i < described->count; i++) {
        const struct described_option *option = &described->options[i];
        struct text spec = {0}, choices = {0};
        description_choices(option, &choices);
        text_format(&spec, "--%s%s[", option->name, option->argument[0] != '\0' ? "=" : "");
        for (const char *at = option->help != NULL ? option->help : ""; *at != '\0'; at++)
            text_format(&spec, strchr("[]:\\", *at) != NULL ? "\\%c" : "%c", *at);
        text_format(&spec, "]");
        if (choices.length > 0)
            text_format(&spec, ":choice:(%s)", text_string(&choices));
        else if (option->argument[0] != '\0')
            text_format(&spec, ":value:_files");
        text_format(text, " \\\n        ");
        add_quoted(text, text_string(&spec), "");
        text_free(&spec);
        text_free(&choices);
    }
    text_format(text, " \\\n        '*:argument:_files' ;;\n");
}

static void zsh_begin(struct text *text, const struct command *commands, size_t count) {
    text_format(text, "#compdef assay\n"
                      "# zsh completion for assay: in a file _assay of a folder of $fpath\n"
                      "_assay() {\n"
                      "    local -a verbs\n"
                      "    verbs=(\n        'help:what a command takes'\n");
    for (size_t i = 0; i < count; i++) {
        char verb[256];
        if (commands[i].run == NULL)
            continue;
        snprintf(verb, sizeof verb, "%s:%s", commands[i].name, commands[i].summary);
        text_format(text, "        ");
        add_quoted(text, verb, "");
        text_add(text, "\n", 1);
    }
    text_format(text, "    )\n"
                      "    if (( CURRENT == 2 )) || [[ $words[2] == (help|man) ]]; then\n"
                      "        _describe command verbs\n        return\n    fi\n"
                      "    shift words\n    (( CURRENT-- ))\n"
                      "    case $words[1] in\n");
}

static void zsh_end(struct text *text, const struct command *commands, size_t count) {
    (void)commands, (void)count;
    text_format(text, "    esac\n}\n"
                      "if [ \"$funcstack[1]\" = _assay ]; then _assay \"$@\"; else compdef _assay "
                      "assay; fi\n");
}

/* --- fish --- */

static void fish_command(struct text *text, const struct command *command,
                         const struct description *described) {
    text_format(text, "complete -c assay -n __fish_use_subcommand -f -a %s -d ", command->name);
    add_quoted(text, command->summary, "\\");
    text_add(text, "\n", 1);
    for (size_t i = 0; i < described->count; i++) {
        const struct described_option *option = &described->options[i];
        struct text choices = {0};
        description_choices(option, &choices);
        text_format(text, "complete -c assay -n '__fish_seen_subcommand_from %s' -l %s",
                    command->name, option->name);
        if (option->letter != 0)
            text_format(text, " -s %c", option->letter);
        if (choices.length > 0)
            text_format(text, " -x -a '%s'", text_string(&choices));
        else if (option->argument[0] != '\0')
            text_format(text, " -r");
        if (option->help != NULL) {
            text_format(text, " -d ");
            add_quoted(text, option->help, "\\");
        }
        text_add(text, "\n", 1);
        text_free(&choices);
    }
}

static void fish_begin(struct text *text, const struct command *commands, size_t count) {
    text_format(text, "# fish completion for assay: ~/.config/fish/completions/assay.fish\n"
                      "complete -c assay -n __fish_use_subcommand -f -a help -d 'what a command "
                      "takes'\n"
                      "complete -c assay -n '__fish_seen_subcommand_from help man' -f -a '");
    add_names(text, commands, count);
    text_format(text, "'\n");
}

static void fish_end(struct text *text, const struct command *commands, size_t count) {
    (void)text, (void)commands, (void)count;
}

/* --- the three --- */

static const struct shell {
    const char *name;
    void (*begin)(struct text *, const struct command *, size_t);
    void (*command)(struct text *, const struct command *, const struct description *);
    void (*end)(struct text *, const struct command *, size_t);
} shells[] = {
    {"bash", bash_begin, bash_command, bash_end},
    {"zsh", zsh_begin, zsh_command, zsh_end},
    {"fish", fish_begin, fish_command, fish_end},
};
enum { SHELL_COUNT = sizeof shells / sizeof shells[0] };

static const struct shell *find_shell(const char *name, struct error *error) {
    for (size_t i = 0; i < SHELL_COUNT; i++)
        if (strcmp(shells[i].name, name) == 0)
            return &shells[i];
    error_set(error, ERROR_INPUT, "there is no completion for \"%s\"; use bash, zsh or fish", name);
    return NULL;
}

int completion_run(const struct command *commands, size_t count, int argc, char **argv) {
    struct command_input input;
    struct error error = {0};
    struct text text = {0};
    int status;
    if (!command_parse(&line, argc, argv, NULL, &input, &status))
        return status;
    const struct shell *shell = find_shell(input.arguments[0], &error);
    if (shell == NULL)
        return command_fail(&error);
    shell->begin(&text, commands, count);
    for (size_t i = 0; i < count; i++) {
        struct description described;
        if (commands[i].run == NULL)
            continue;
        description_make(&commands[i], &described); /* a program that is not there has no options */
        shell->command(&text, &commands[i], &described);
        description_free(&described);
    }
    shell->end(&text, commands, count);
    fputs(text_string(&text), stdout);
    text_free(&text);
    return 0;
}
