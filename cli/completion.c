#include "cli/completion.h"

#include "cli/description.h"
#include "cli/offers.h"

#include <stdio.h>
#include <string.h>

static const struct command_line line = {
    .arguments = "bash|zsh|fish",
    .help =
        "Prints a script by which the shell completes commands, options and their choices, and the "
        "names, groups and ids of experiments, and workers, of the coordinator that "
        "ASSAY_CONNECT names. For those it asks assay completion experiments and assay "
        "completion workers, which give up after a second and say nothing of it."
        "\vExamples:\n  source <(assay completion bash)\n"
        "  assay completion zsh > \"${fpath[1]}/_assay\"\n"
        "  assay completion fish > ~/.config/fish/completions/assay.fish",
    .least = 1,
    .most = 1,
    .shared = COMMAND_CONNECT};

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

static const char *const offers[] = {[OPERAND_NOTHING] = "nothing",
                                     [OPERAND_FILES] = "files",
                                     [OPERAND_EXPERIMENTS] = "experiments",
                                     [OPERAND_WORKERS] = "workers"};

/* --- bash --- */

/* How an option is written before its value, as a pattern: "--out|-o". */
static void bash_pattern(struct text *text, const struct described_option *option) {
    text_format(text, "--%s", option->name);
    if (option->letter != 0)
        text_format(text, "|-%c", option->letter);
}

static void bash_values(struct text *text, const struct description *described) {
    for (size_t i = 0; i < described->count; i++) {
        const struct described_option *option = &described->options[i];
        struct text choices = {0};
        if (option->argument[0] == '\0')
            continue;
        description_choices(option, &choices);
        text_format(text, "        ");
        bash_pattern(text, option);
        if (choices.length > 0)
            text_format(text, ") words='%s' ;;\n", text_string(&choices));
        else
            text_format(text, ") offers=files first= ;;\n");
        text_free(&choices);
    }
}

static void bash_command(struct text *text, const struct command *command,
                         const struct description *described) {
    struct text words = {0};
    description_words(described, &words);
    text_format(text, "    %s) offers=%s first='%s' options='", command->name,
                offers[description_operand(described)], text_string(&words));
    for (size_t i = 0; i < described->count; i++)
        text_format(text, "%s--%s", i > 0 ? " " : "", described->options[i].name);
    text_format(text, "'\n        case $before in\n");
    bash_values(text, described);
    text_format(text, "        esac ;;\n");
    text_free(&words);
}

/* Readline takes "demo/seed=1" for several words and puts what is chosen in place of the last piece
 * alone, or of what stands behind a quote that is open; and it knows nothing of quoting. */
static const char bash_start[] =
    "# bash completion for assay: source <(assay completion bash)\n"
    "# The last word before the cursor: $word as the shell will read it, of which what comes "
    "after\n"
    "# the first $cut characters is replaced, within the $quote.\n"
    "_assay_read() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} c i\n"
    "    word= quote= cut=0\n"
    "    for ((i = 0; i < ${#line}; i++)); do\n"
    "        c=${line:i:1}\n"
    "        if [ \"$quote$c\" = \"''\" ] || [ \"$quote$c\" = '\"\"' ]; then quote=\n"
    "        elif [ \"$quote\" = \"'\" ]; then word+=$c\n"
    "        elif [ \"$c\" = '\\' ]; then word+=${line: ++i:1}\n"
    "        elif [ -n \"$quote\" ]; then word+=$c\n"
    "        elif [ \"$c\" = \"'\" ] || [ \"$c\" = '\"' ]; then quote=$c cut=${#word}\n"
    "        elif [[ $c == [[:space:]] ]]; then word= cut=0\n"
    "        else\n"
    "            word+=$c\n"
    "            [[ $COMP_WORDBREAKS != *\"$c\"* ]] || cut=${#word}\n"
    "        fi\n"
    "    done\n"
    "}\n"
    "# What the coordinator has of a kind, quoted as the word has begun.\n"
    "_assay_offer() {\n"
    "    local offer rest\n"
    "    while IFS=$'\\t' read -r offer _; do\n"
    "        [[ $offer == \"$word\"* ]] || continue\n"
    "        rest=${offer:cut}\n"
    "        case $quote in\n"
    "        \\') rest=${rest//\\'/\\'\\\\\\'\\'} ;;\n"
    "        \\\") rest=$(sed 's/[\\\\\"$`]/\\\\&/g' <<<\"$rest\") ;;\n"
    "        *) [ -z \"$rest\" ] || printf -v rest %q \"$rest\"; rest=${rest//\\\\,/,} ;;\n"
    "        esac\n"
    "        COMPREPLY+=(\"$rest\")\n"
    "    done < <(\"${COMP_WORDS[0]}\" completion \"$1\" 2>/dev/null)\n"
    "    compopt +o default 2>/dev/null\n"
    "}\n"
    "_assay() {\n"
    "    local word quote cut before=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local options= words= first= offers=files\n"
    "    _assay_read\n"
    "    case $word in --*=*) before=${word%%=*} word=${word#*=} ;; esac\n"
    "    COMPREPLY=()\n"
    "    case ${COMP_WORDS[1]} in\n"
    "    help|man) words='";

static void bash_begin(struct text *text, const struct command *commands, size_t count) {
    text_format(text, "%s", bash_start);
    add_names(text, commands, count);
    text_format(text, "' ;;\n");
}

static void bash_end(struct text *text, const struct command *commands, size_t count) {
    text_format(text, "    esac\n    if [ \"$COMP_CWORD\" = 1 ]; then words='help ");
    add_names(text, commands, count);
    text_format(text,
                "'\n"
                "    elif [ -z \"$words\" ] && [ \"${word:0:1}\" = - ]; then words=$options\n"
                "    elif [ -n \"$first\" ] && [ \"$COMP_CWORD\" = 2 ]; then words=$first; fi\n"
                "    if [ -n \"$words\" ]; then\n"
                "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                "    elif [ \"$offers\" = nothing ]; then compopt +o default 2>/dev/null\n"
                "    elif [ \"$offers\" != files ]; then _assay_offer \"$offers\"; fi\n"
                "}\n"
                "complete -o default -F _assay assay\n");
}

/* --- zsh --- */

static void zsh_operands(struct text *text, const struct description *described) {
    enum operand operand = description_operand(described);
    struct text words = {0};
    description_words(described, &words);
    if (words.length > 0)
        text_format(text, " \\\n        '1:what:(%s)'", text_string(&words));
    if (operand == OPERAND_FILES)
        text_format(text, " \\\n        '*:file:_files'");
    else if (operand != OPERAND_NOTHING)
        text_format(text, " \\\n        '*:%s:_assay_offer %s'", offers[operand], offers[operand]);
    text_format(text, " ;;\n");
    text_free(&words);
}

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
    zsh_operands(text, described);
}

static void zsh_begin(struct text *text, const struct command *commands, size_t count) {
    text_format(text, "#compdef assay\n"
                      "# zsh completion for assay: in a file _assay of a folder of $fpath\n"
                      "_assay_offer() {\n"
                      "    local -a lines names\n"
                      "    lines=(\"${(@f)$($program completion $argv[-1] 2>/dev/null)}\")\n"
                      "    lines=(\"${(@)lines:#}\")\n"
                      "    names=(\"${(@)lines%%$'\\t'*}\")\n"
                      "    compadd \"${(@)argv[1,-2]}\" -l -d lines -a names\n"
                      "}\n"
                      "_assay() {\n"
                      "    local program=$words[1]\n"
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

static void fish_operands(struct text *text, const struct command *command,
                          const struct description *described) {
    enum operand operand = description_operand(described);
    struct text words = {0};
    description_words(described, &words);
    if (operand == OPERAND_FILES && words.length == 0)
        return;
    text_format(text, "complete -c assay -n '__fish_seen_subcommand_from %s'", command->name);
    if (operand != OPERAND_FILES)
        text_format(text, " -f");
    if (words.length > 0)
        text_format(text, " -a '%s'", text_string(&words));
    else if (operand != OPERAND_NOTHING)
        text_format(text, " -k -a '(assay completion %s 2>/dev/null)'", offers[operand]);
    text_add(text, "\n", 1);
    text_free(&words);
}

static void fish_command(struct text *text, const struct command *command,
                         const struct description *described) {
    text_format(text, "complete -c assay -n __fish_use_subcommand -f -a %s -d ", command->name);
    add_quoted(text, command->summary, "\\");
    text_add(text, "\n", 1);
    fish_operands(text, command, described);
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
    if (offers_known(input.arguments[0]))
        return offers_print(&input);
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
