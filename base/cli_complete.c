/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cli_complete.h"

#include "base/cli_help.h"

#include <stdio.h>
#include <string.h>

static bool lone(const struct cli_program *p)
{
    return p->command_count == 1 && p->commands[0].name == NULL;
}

static bool is_front(const struct cli_program *p)
{
    return p->command_count > 0 && p->commands[0].run == NULL;
}

/* What a value is, from the name that help gives it. */
static bool is_directory(const struct cli_option *o)
{
    return o->value != NULL && strcmp(o->value, "DIR") == 0;
}

/* `text` with each character of `special` behind a backslash, and ' as the shell has it in quotes.
 */
static void print_quoted(const char *text, const char *special, const char *apostrophe)
{
    for (const char *p = text; *p != 0; p++) {
        if (*p == '\'')
            fputs(apostrophe, stdout);
        else
            printf("%s%c", strchr(special, *p) != NULL ? "\\" : "", *p);
    }
}

/* ---- bash -------------------------------------------------------------------- */

static void bash_words(const struct cli_option *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf(" --%s", table[i].name);
}

static void bash_function(const struct cli_program *p)
{
    putchar('_');
    for (const char *c = p->name; *c != 0; c++)
        putchar(*c == '-' ? '_' : *c);
}

/* What the front hands on: the rest of the line is another program's, whose completion is declared
 * already, in the file beside this one, or asked of the program. */
static void bash_part(const struct cli_program *p)
{
    printf("        local part=${BASH_SOURCE[0]%%/*}/%s-$cmd\n"
           "        if ! declare -F \"_%s_$cmd\" >/dev/null; then\n"
           "            if [[ -r $part ]]; then . \"$part\"\n"
           "            else eval \"$(\"${COMP_WORDS[0]}\" \"$cmd\" --help-bash 2>/dev/null)\"\n"
           "            fi\n"
           "        fi\n"
           "        if declare -F \"_%s_$cmd\" >/dev/null; then\n"
           "            COMP_WORDS=(\"%s-$cmd\" \"${COMP_WORDS[@]:i+1}\")\n"
           "            COMP_CWORD=$((COMP_CWORD - i))\n"
           "            \"_%s_$cmd\"\n"
           "        fi\n"
           "        return ;;\n",
           p->name, p->name, p->name, p->name, p->name);
}

static void bash_commands(const struct cli_program *p)
{
    printf("    case $cmd in\n    '') commands=\"");
    for (size_t i = 0; i < p->command_count; i++)
        printf(" %s", p->commands[i].name);
    printf("\" ;;\n");
    for (size_t i = 0; i < p->command_count && !is_front(p); i++) {
        printf("    %s) options+=\"", p->commands[i].name);
        bash_words(p->commands[i].options, p->commands[i].option_count);
        printf("\" ;;\n");
    }
    if (is_front(p)) {
        putchar(' ');
        for (size_t i = 0; i < p->command_count; i++)
            printf("%s%s", i == 0 ? "   " : " | ", p->commands[i].name);
        printf(")\n");
        bash_part(p);
    }
    printf("    esac\n");
}

/* The options whose value is a directory, as a pattern. */
static void bash_directories(const struct cli_program *p)
{
    printf("    case ${COMP_WORDS[COMP_CWORD - 1]} in\n    --no-option-at-all");
    for (size_t i = 0; i < p->command_count; i++)
        for (size_t j = 0; j < p->commands[i].option_count; j++)
            if (is_directory(&p->commands[i].options[j]))
                printf(" | --%s", p->commands[i].options[j].name);
    printf(") kind=-d ;;\n    esac\n");
}

void cli_complete_bash(const struct cli_program *p)
{
    printf("# bash completion for %s\n", p->name);
    bash_function(p);
    printf("()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} i cmd= commands= kind=-f\n"
           "    COMPREPLY=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        [[ ${COMP_WORDS[i]} == -* ]] || { cmd=${COMP_WORDS[i]}; break; }\n    done\n"
           "    local options=\"");
    bash_words(cli_common_options, cli_common_count);
    printf("\"\n");
    if (lone(p)) {
        printf("    options+=\"");
        bash_words(p->commands[0].options, p->commands[0].option_count);
        printf("\"\n");
    } else {
        bash_commands(p);
    }
    bash_directories(p);
    /* A name that is a file's, too, is completed as one only where files are meant. */
    printf("    if [[ $cur == -* ]]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
           "    elif [[ -n $commands ]]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
           "    else\n"
           "        compopt -o filenames 2>/dev/null\n"
           "        mapfile -t COMPREPLY < <(compgen $kind -- \"$cur\")\n"
           "    fi\n}\n"
           "complete -F ");
    bash_function(p);
    printf(" %s\n", p->name);
}

/* ---- zsh --------------------------------------------------------------------- */

/* One line a specification, as _arguments takes it. */
static void zsh_options(const struct cli_option *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct cli_option *o = &table[i];
        const char *value = o->kind == CLI_FLAG ? "" : "=";
        printf("    ");
        if (o->kind == CLI_LIST)
            printf("'*'");
        else if (o->letter != 0)
            printf("'(-%c --%s)'", o->letter, o->name);
        if (o->letter != 0)
            printf("{-%c%s,--%s%s}'[", o->letter, *value != 0 ? "+" : "", o->name, value);
        else
            printf("'--%s%s[", o->name, value);
        print_quoted(o->help, "[]\\", "'\\''");
        printf("]");
        if (o->kind != CLI_FLAG)
            printf(":%s:%s", o->value != NULL ? o->value : "value",
                   o->kind == CLI_NUMBER ? " "
                   : is_directory(o)     ? "_files -/"
                                         : "_files");
        printf("'\n");
    }
}

static void zsh_commands(const struct cli_program *p)
{
    printf("_arguments -C $common '1:command:->command' '*::argument:->argument' && ret=0\n"
           "case $state in\ncommand)\n    commands=(\n");
    for (size_t i = 0; i < p->command_count; i++) {
        printf("    '%s:", p->commands[i].name);
        print_quoted(p->commands[i].summary, "\\", "'\\''");
        printf("'\n");
    }
    printf("    )\n    _describe -t commands command commands && ret=0 ;;\nargument)\n");
    if (is_front(p)) {
        printf("    (( $+functions[_%s-$words[1]] )) && _%s-$words[1] && ret=0 ;;\nesac\n", p->name,
               p->name);
        return;
    }
    printf("    case $words[1] in\n");
    for (size_t i = 0; i < p->command_count; i++) {
        printf("    %s) specs=(\n", p->commands[i].name);
        zsh_options(p->commands[i].options, p->commands[i].option_count);
        printf("    ) ;;\n");
    }
    printf("    esac\n    _arguments $common $specs '*:argument:_files' && ret=0 ;;\nesac\n");
}

void cli_complete_zsh(const struct cli_program *p)
{
    printf("#compdef %s\n# zsh completion for %s\n"
           "local curcontext=$curcontext state line ret=1\nlocal -a common commands specs\n"
           "typeset -A opt_args\ncommon=(\n",
           p->name, p->name);
    zsh_options(cli_common_options, cli_common_count);
    printf(")\n");
    if (lone(p)) {
        printf("specs=(\n");
        zsh_options(p->commands[0].options, p->commands[0].option_count);
        printf(")\n_arguments $common $specs '*:argument:_files' && ret=0\n");
    } else {
        zsh_commands(p);
    }
    printf("return ret\n");
}

/* ---- fish -------------------------------------------------------------------- */

/* `command` NULL: whichever command it is. */
static void fish_options(const struct cli_program *p, const char *command,
                         const struct cli_option *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct cli_option *o = &table[i];
        printf("complete -c %s", p->name);
        if (command != NULL)
            printf(" -n '__fish_seen_subcommand_from %s'", command);
        if (o->letter != 0)
            printf(" -s %c", o->letter);
        printf(" -l %s", o->name);
        if (o->kind == CLI_NUMBER)
            printf(" -x");
        else if (is_directory(o))
            printf(" -x -a '(__fish_complete_directories)'");
        else if (o->kind != CLI_FLAG)
            printf(" -r");
        printf(" -d '");
        print_quoted(o->help, "\\", "\\'");
        printf("'\n");
    }
}

static void fish_commands(const struct cli_program *p)
{
    for (size_t i = 0; i < p->command_count; i++) {
        const struct cli_command *c = &p->commands[i];
        printf("complete -c %s -n __fish_use_subcommand -f -a %s -d '", p->name, c->name);
        print_quoted(c->summary, "\\", "\\'");
        printf("'\n");
        if (!is_front(p))
            fish_options(p, c->name, c->options, c->option_count);
    }
    if (is_front(p))
        /* The rest of the line is another program's. */
        printf("function __%s_part\n"
               "    set -l words (commandline -opc)[2..-1]\n"
               "    while string match -q -- '-*' $words[1]\n"
               "        set -e words[1]\n"
               "    end\n"
               "    complete -C \"%s-\"(string join ' ' -- (string escape -- $words) "
               "(commandline -ct))\n"
               "end\n"
               "complete -c %s -n 'not __fish_use_subcommand' -f -a '(__%s_part)'\n",
               p->name, p->name, p->name, p->name);
}

void cli_complete_fish(const struct cli_program *p)
{
    printf("# fish completion for %s\n", p->name);
    fish_options(p, NULL, cli_common_options, cli_common_count);
    if (lone(p))
        fish_options(p, NULL, p->commands[0].options, p->commands[0].option_count);
    else
        fish_commands(p);
}
