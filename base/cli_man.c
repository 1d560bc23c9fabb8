/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cli_man.h"

#include "base/buf.h"
#include "base/cli_help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- text ---------------------------------------------------------------------------------- */

static void man_characters(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\')
            printf("\\e");
        else if (i == 0 && (text[i] == '.' || text[i] == '\''))
            printf("\\&%c", text[i]);
        else
            putchar(text[i]);
    }
}

static bool ends_sentence(const char *word, size_t len)
{
    while (len > 1 && strchr(")'\"", word[len - 1]) != NULL)
        len--;
    return len > 0 && strchr(".!?", word[len - 1]) != NULL;
}

/* Lines that are laid out by hand, which begin with a space. Returns what follows them. */
static const char *man_literal(const char *text)
{
    printf(".Bd -literal -offset indent\n");
    while (*text == ' ') {
        size_t len = strcspn(text, "\n");
        size_t skip = strspn(text, " ");
        size_t end = len;
        while (end > skip && text[end - 1] == ' ')
            end--;
        man_characters(text + skip, end - skip);
        putchar('\n');
        text += len + (text[len] == '\n');
    }
    printf(".Ed\n");
    return text;
}

/* Filled, a sentence beginning a line, as mdoc wants it; blank lines begin paragraphs. */
static void man_text(const char *text)
{
    enum { WIDTH = 78 };
    size_t column = 0;
    for (const char *p = text; *p != 0;) {
        bool line_start = p == text || p[-1] == '\n';
        if (line_start && (*p == '\n' || *p == ' ')) {
            if (column > 0)
                putchar('\n');
            column = 0;
            if (*p == ' ') {
                p = man_literal(p);
            } else {
                printf(".Pp\n");
                p++;
            }
            continue;
        }
        size_t word = strcspn(p, " \n");
        if (column > 0 && column + 1 + word > WIDTH) {
            putchar('\n');
            column = 0;
        }
        if (column > 0)
            putchar(' ');
        man_characters(p, word);
        column += word + (column > 0);
        if (word > 0 && ends_sentence(p, word)) {
            putchar('\n');
            column = 0;
        }
        p += word + (p[word] != 0);
    }
    if (column > 0)
        putchar('\n');
}

/* ---- sections ------------------------------------------------------------------------------ */

static void man_options(const struct cli_option *table, size_t count)
{
    printf(".Bl -tag -width Ds\n");
    for (size_t i = 0; i < count; i++) {
        printf(".It ");
        if (table[i].letter != 0)
            printf("Fl %c , ", table[i].letter);
        printf("Fl Fl %s", table[i].name);
        if (table[i].value != NULL)
            printf(" Ar %s", table[i].value);
        printf("\n");
        man_text(table[i].help);
    }
    printf(".El\n");
}

static void man_synopsis(const struct cli_program *p)
{
    printf(".Sh SYNOPSIS\n");
    for (size_t i = 0; i < p->command_count; i++) {
        const struct cli_command *c = &p->commands[i];
        printf(".Nm %s\n", p->name);
        if (c->name != NULL)
            printf(".Cm %s\n", c->name);
        printf(".Op Ar OPTIONS\n");
        if (*c->arguments != 0)
            printf(".Ar \"%s\"\n", c->arguments);
    }
}

static void man_description(const struct cli_program *p)
{
    printf(".Sh DESCRIPTION\n");
    if (p->details != NULL)
        man_text(p->details);
    for (size_t i = 0; i < p->command_count; i++) {
        const struct cli_command *c = &p->commands[i];
        if (c->name != NULL)
            printf(".Ss %s\n", c->name);
        man_text(c->summary);
        if (c->details != NULL) {
            printf(".Pp\n");
            man_text(c->details);
        }
        if (c->option_count > 0) {
            printf(".Pp\nOptions:\n");
            man_options(c->options, c->option_count);
        }
    }
    printf(".Ss Common options\n");
    man_options(cli_common_options, cli_common_count);
}

static bool has_store(const struct cli_program *p)
{
    for (size_t i = 0; i < p->command_count; i++)
        for (size_t j = 0; j < p->commands[i].option_count; j++)
            if (strcmp(p->commands[i].options[j].name, CLI_STORE_OPTION) == 0)
                return true;
    return false;
}

static void man_named(const char *macro, const struct cli_named *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        printf(".It %s %s\n", macro, table[i].name);
        man_text(table[i].text);
    }
}

static void man_environment(const struct cli_program *p)
{
    static const struct cli_named store[] = {
        {"ASSAY_STORE", "The blob store, where no option says another."},
        {"XDG_DATA_HOME", "The blob store is assay/store below it, where neither an option nor "
                          "ASSAY_STORE says another."},
        {"HOME", "The blob store is .local/share/assay/store below it when nothing else says "
                 "where. Commands that use no store need none of the three."},
    };
    bool stored = has_store(p);
    printf(".Sh ENVIRONMENT\n");
    if (!stored && p->environment_count == 0) {
        printf("None is read.\n");
        return;
    }
    printf(".Bl -tag -width Ds\n");
    if (stored)
        man_named("Ev", store, CLI_COUNT(store));
    man_named("Ev", p->environment, p->environment_count);
    printf(".El\n");
}

static void man_files(const struct cli_program *p)
{
    static const struct cli_named store[] = {
        {"~/.local/share/assay/store", "The blob store, unless told otherwise: an OCI image layout "
                                       "with a few things beside (docs/formats/store.md)."},
    };
    static const struct cli_named pages[] = {
        {"PREFIX/share/doc/assay/docs", "Guides, references, and a page for each format. In the "
                                        "source they are in docs."},
        {"PREFIX/share/assay/schemas", "JSON Schemas of the documents."},
    };
    printf(".Sh FILES\n.Bl -tag -width Ds\n");
    if (has_store(p))
        man_named("Pa", store, CLI_COUNT(store));
    man_named("Pa", p->files, p->file_count);
    man_named("Pa", pages, CLI_COUNT(pages));
    printf(".El\n");
}

static void man_code(int code, const char *text, int len)
{
    printf(".It %d\n", code);
    AUTO_FREE char *line = strndup(text, (size_t)len);
    if (line != NULL)
        man_text(line);
}

/* Where commands mean different things by a code, each has its own list. */
static void man_exit(const struct cli_program *p)
{
    bool lone = p->command_count == 1 && p->commands[0].name == NULL;
    printf(".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    cli_exits(lone ? &p->commands[0] : NULL, man_code);
    printf(".El\n");
    for (size_t i = 0; !lone && i < p->command_count; i++) {
        const struct cli_command *c = &p->commands[i];
        if (c->exits == NULL)
            continue;
        printf(".Ss Exit status of %s\n.Bl -tag -width Ds\n", c->name);
        cli_exits(c, man_code);
        printf(".El\n");
    }
}

static void man_example(const char *line, size_t len, bool first)
{
    const char *tab = memchr(line, '\t', len);
    size_t command = tab != NULL ? (size_t)(tab - line) : len;
    AUTO_FREE char *what = tab != NULL ? strndup(tab + 1, len - command - 1) : NULL;
    if (!first)
        printf(".Pp\n");
    if (what != NULL)
        man_text(what);
    printf(".Dl ");
    man_characters(line, command);
    putchar('\n');
}

static void man_examples(const struct cli_program *p)
{
    bool first = true;
    for (size_t i = 0; i < p->command_count; i++) {
        const char *next = p->commands[i].examples;
        while (next != NULL && *next != 0) {
            size_t len = strcspn(next, "\n");
            if (first)
                printf(".Sh EXAMPLES\n");
            man_example(next, len, first);
            first = false;
            next += len + (next[len] == '\n');
        }
    }
}

/* In the order of their names, as mdoc wants it. */
static void man_parts(const struct cli_program *p)
{
    const char *last = "";
    for (size_t i = 0; i < p->command_count; i++) {
        const char *next = NULL;
        for (size_t j = 0; j < p->command_count; j++) {
            const char *name = p->commands[j].name;
            if (strcmp(name, last) > 0 && (next == NULL || strcmp(name, next) < 0))
                next = name;
        }
        if (next == NULL)
            return;
        printf(".Xr %s-%s 1%s\n", p->name, next, i + 1 < p->command_count ? " ," : "");
        last = next;
    }
}

static void man_see_also(const struct cli_program *p)
{
    printf(".Sh SEE ALSO\n");
    bool front = p->command_count > 0 && p->commands[0].run == NULL;
    if (front) {
        man_parts(p);
        return;
    }
    const char *next = p->related != NULL ? p->related : "";
    printf(".Xr assay 1%s\n", *next != 0 ? " ," : "");
    while (*next != 0) {
        size_t len = strcspn(next, " ");
        printf(".Xr %.*s 1%s\n", (int)len, next, next[len] != 0 ? " ," : "");
        next += len + (next[len] != 0);
    }
}

void cli_man(const struct cli_program *p)
{
    printf(".Dd November 30, 2026\n.Dt ");
    for (const char *c = p->name; *c != 0; c++)
        putchar(toupper((unsigned char)*c));
    printf(" 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", p->name);
    size_t len = strlen(p->summary);
    man_characters(p->summary, len);
    printf("%s\n", ends_sentence(p->summary, len) ? "\\&" : "");
    man_synopsis(p);
    man_description(p);
    man_environment(p);
    man_files(p);
    man_exit(p);
    man_examples(p);
    man_see_also(p);
}
