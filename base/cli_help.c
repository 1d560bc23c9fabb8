/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cli_help.h"

#include "base/buf.h"
#include "base/cli_complete.h"
#include "base/cli_man.h"
#include "base/json.h"
#include "base/version.h"

#include <stdio.h>
#include <string.h>

void cli_typed_name(const struct cli_program *p, const struct cli_command *c, char *out,
                    size_t size)
{
    const char *dash = strchrnul(p->name, '-');
    bool named = c != NULL && c->name != NULL;
    snprintf(out, size, "%.*s%s%s%s%s", (int)(dash - p->name), p->name, *dash != 0 ? " " : "",
             *dash != 0 ? dash + 1 : "", named ? " " : "", named ? c->name : "");
}

/* Paragraphs are filled to the width of a terminal; lines that start with a space are left alone.
 */
static void print_filled(const char *text)
{
    enum { WIDTH = 80 };
    size_t column = 0;
    for (const char *p = text; *p != 0;) {
        bool line_start = p == text || p[-1] == '\n';
        if (*p == '\n' || (line_start && *p == ' ')) {
            /* a blank line, or one laid out by hand: as it is */
            const char *end = strchrnul(p, '\n');
            printf("%s%.*s\n", column > 0 ? "\n" : "", (int)(end - p), p);
            column = 0;
            p = *end != 0 ? end + 1 : end;
            continue;
        }
        size_t word = strcspn(p, " \n");
        bool wraps = column > 0 && column + 1 + word > WIDTH;
        printf("%s%.*s", column == 0 ? "" : wraps ? "\n" : " ", (int)word, p);
        column = wraps || column == 0 ? word : column + 1 + word;
        p += word;
        if (*p != 0)
            p++;
    }
    if (column > 0)
        putchar('\n');
}

/* What its kind adds to what an option says of itself. */
static const char *remark(const struct cli_option *o)
{
    if (o->kind == CLI_LIST)
        return " (may be repeated)";
    return o->kind == CLI_OUTPUT ? " ('-': stdout)" : "";
}

/* Words of a text beside a column, filled to the width of a terminal. */
static size_t print_words(const char *text, size_t column)
{
    enum { WIDTH = 80, BESIDE = 33 };
    while (*(text += strspn(text, " ")) != 0) {
        size_t word = strcspn(text, " ");
        if (column > BESIDE && column + 1 + word > WIDTH) {
            printf("\n%*s", BESIDE, "");
            column = BESIDE;
        }
        printf("%s%.*s", column > BESIDE ? " " : "", (int)word, text);
        column += word + (column > BESIDE);
        text += word;
    }
    return column;
}

static void print_beside(const char *left, const char *text, const char *more)
{
    enum { LEFT = 30 };
    /* What is wider than its column has the text below it. */
    if (strlen(left) > LEFT)
        printf("  %s\n%*s", left, LEFT + 3, "");
    else
        printf("  %-*s ", LEFT, left);
    print_words(more, print_words(text, LEFT + 3));
    putchar('\n');
}

static void print_options(const struct cli_option *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[80];
        const char *value = table[i].value != NULL ? table[i].value : "";
        char letter[8] = "    ";
        if (table[i].letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", table[i].letter);
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, table[i].name, *value != 0 ? " " : "",
                 value);
        print_beside(left, table[i].help, remark(&table[i]));
    }
}

/* Examples are lines "command<TAB>what it does". */
static void print_examples(const char *examples)
{
    printf("\nExamples:\n");
    for (const char *p = examples; *p != 0;) {
        const char *end = strchrnul(p, '\n');
        const char *tab = memchr(p, '\t', (size_t)(end - p));
        if (tab != NULL)
            printf("  # %.*s\n", (int)(end - tab - 1), tab + 1);
        printf("  %.*s\n", (int)((tab != NULL ? tab : end) - p), p);
        p = *end != 0 ? end + 1 : end;
    }
}

enum { CODES = ERR_HOST + 1 };

void cli_exits(const struct cli_command *c, void (*print)(int code, const char *text, int len))
{
    static const char *const anywhere[CODES] = {
        [ERR_NONE] = "done",
        [ERR_USAGE] = "the command line or a configuration file is wrong",
        [ERR_INPUT] = "an input is missing or malformed, or does not match its digest",
        [ERR_HOST] = "the host failed: I/O, memory, network, sandbox",
    };
    static const char *const somewhere[CODES] = {
        [ERR_DIFFERS] = "what is compared differs, or what ran did not end well",
        [ERR_REJECTED] = "a signature, certificate, date or policy rejects it",
        [ERR_LOG] = "the log's proof, checkpoint or consistency fails",
        [ERR_UNDECIDED] =
            "it cannot be decided here (toolchain, architecture or material not available)",
    };
    for (int code = 0; code < CODES; code++) {
        const char *text = anywhere[code];
        if (text == NULL && c == NULL)
            text = somewhere[code];
        const char *line = c != NULL && c->exits != NULL ? c->exits : "";
        while (*line != 0 && line[0] - '0' != code)
            line = line[strcspn(line, "\n")] != 0 ? line + strcspn(line, "\n") + 1 : "";
        if (*line != 0)
            text = line + 2;
        if (text != NULL)
            print(code, text, (int)strcspn(text, "\n"));
    }
}

static void print_exit(int code, const char *text, int len)
{
    printf("  %d  %.*s\n", code, len, text);
}

static void help_command(const struct cli_program *p, const struct cli_command *c)
{
    char name[80];
    cli_typed_name(p, c, name, sizeof(name));
    printf("%s: %s\n\nUsage: %s [OPTIONS] %s\n", name, c->summary, name, c->arguments);
    if (c->details != NULL) {
        putchar('\n');
        print_filled(c->details);
    }
    if (c->option_count > 0) {
        printf("\nOptions:\n");
        print_options(c->options, c->option_count);
    }
    printf("\nCommon options:\n");
    print_options(cli_common_options, cli_common_count);
    printf("\nExit codes:\n");
    cli_exits(c, print_exit);
    if (c->examples != NULL)
        print_examples(c->examples);
}

static void help_program(const struct cli_program *p)
{
    char name[80];
    cli_typed_name(p, NULL, name, sizeof(name));
    printf("%s: %s\n\nUsage: %s COMMAND [OPTIONS] …\n", name, p->summary, name);
    if (p->details != NULL) {
        putchar('\n');
        print_filled(p->details);
    }
    printf("\nCommands:\n");
    for (size_t i = 0; i < p->command_count; i++)
        printf("  %-18s %s\n", p->commands[i].name, p->commands[i].summary);
    printf("\nCommon options:\n");
    print_options(cli_common_options, cli_common_count);
    printf("\n'%s COMMAND --help' explains one command.\n", name);
}

static json_t *options_json(const struct cli_option *table, size_t count)
{
    static const char *const kinds[] = {"flag",   "string", "number", "list",
                                        "string", "string", "string", "string"};
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        char letter[2] = {table[i].letter, 0};
        json_t *o = json_pack("{s:s, s:s, s:s}", "name", table[i].name, "kind",
                              kinds[table[i].kind], "help", table[i].help);
        if (table[i].letter != 0)
            (void)json_object_set_new(o, "letter", json_string(letter));
        if (table[i].value != NULL)
            (void)json_object_set_new(o, "value", json_string(table[i].value));
        (void)json_array_append_new(all, o);
    }
    return all;
}

static void help_json(const struct cli_program *p)
{
    AUTO_JSON json_t *document = json_pack("{s:s, s:s, s:s}", "program", p->name, "summary",
                                           p->summary, "version", ASSAY_VERSION);
    json_t *commands = json_array();
    for (size_t i = 0; i < p->command_count; i++) {
        const struct cli_command *c = &p->commands[i];
        json_t *o = json_pack("{s:s, s:s, s:o}", "arguments", c->arguments, "summary", c->summary,
                              "options", options_json(c->options, c->option_count));
        if (c->name != NULL)
            (void)json_object_set_new(o, "name", json_string(c->name));
        (void)json_array_append_new(commands, o);
    }
    (void)json_object_set_new(document, "commands", commands);
    (void)json_object_set_new(document, "options",
                              options_json(cli_common_options, cli_common_count));
    AUTO_BUF text = BUF_INIT(1024UL * 1024);
    struct err e = ERR_INIT;
    if (json_pretty(document, &text, &e) == 0)
        fputs(buf_str(&text), stdout);
}

static void help_version(const struct cli_program *p)
{
    printf("%s %s\n", p->name, ASSAY_VERSION);
}

void cli_help_print(const struct cli_program *program, const struct cli_command *command,
                    const char *which)
{
    static const struct {
        const char *name;
        void (*print)(const struct cli_program *p);
    } forms[] = {
        {"version", help_version},      {"help-json", help_json},
        {"help-man", cli_man},          {"help-bash", cli_complete_bash},
        {"help-zsh", cli_complete_zsh}, {"help-fish", cli_complete_fish},
    };
    for (size_t i = 0; i < CLI_COUNT(forms); i++) {
        if (strcmp(forms[i].name, which) == 0) {
            forms[i].print(program);
            return;
        }
    }
    if (command != NULL)
        help_command(program, command);
    else
        help_program(program);
}
