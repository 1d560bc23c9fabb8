/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller's look at every scalar between reading and decoding, with where go-yaml would stand when
 * it wrote the file out again: it indents by four, items of lists by two, and has no line width.
 */
#include "base/yaml/yaml_internal.h"

#include <string.h>

enum { INDENT = 4 };

/* ---- comments, which libyaml leaves out ------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

static char here(const struct yaml_source *s)
{
    if (s->at >= s->len)
        return '\0';
    return s->text[s->at];
}

static void step(struct yaml_source *s)
{
    s->at++;
    while (s->at < s->len && ((unsigned char)s->text[s->at] & 0xc0) == 0x80)
        s->at++;
    s->index++;
}

static void seek(struct yaml_source *s, size_t index)
{
    while (s->index < index && s->at < s->len)
        step(s);
}

static void skip_word(struct yaml_source *s)
{
    while (s->at < s->len && !is_blank(here(s)) && !is_break(here(s)))
        step(s);
}

static void skip_line(struct yaml_source *s)
{
    while (s->at < s->len && !is_break(here(s)))
        step(s);
}

struct yaml_comments yaml_source_comments(struct yaml_source *s, size_t from)
{
    struct yaml_comments found = {.beside = false};
    bool header = false;
    bool content = true; /* in this line, before the comment */
    seek(s, from);
    while (s->at < s->len) {
        if (is_blank(here(s))) {
            step(s);
        } else if (is_break(here(s))) {
            if (header)
                break;
            content = false;
            step(s);
        } else if (here(s) == '#') {
            found.beside = found.beside || content;
            found.alone = found.alone || !content;
            skip_line(s);
        } else {
            header = here(s) == '|' || here(s) == '>';
            content = true;
            skip_word(s);
        }
    }
    return found;
}

bool yaml_source_foot(struct yaml_source *s, size_t from)
{
    size_t column = 0;
    size_t first = SIZE_MAX;
    seek(s, from);
    for (; s->at < s->len; step(s)) {
        if (here(s) == '#') {
            if (first != SIZE_MAX && column < first)
                return false;
            first = first == SIZE_MAX ? column : first;
            skip_line(s);
        } else if (!is_blank(here(s)) && !is_break(here(s))) {
            break;
        }
        column = is_break(here(s)) ? 0 : column + 1;
    }
    return first != SIZE_MAX;
}

/* ---- the pass -------------------------------------------------------------------------------- */

struct walk {
    const struct yaml_pass *pass;
    const char *file;
    struct err *e;
};

/* Where a value stands: in a collection that is indented by `indent`. */
struct spot {
    size_t indent;
    bool root;
    bool item;
    bool flow;
    bool key;
    bool comment; /* go-yaml moves one from a key to its value */
};

static size_t deeper(const struct spot *at)
{
    if (at->root)
        return 0;
    return at->item ? at->indent + 2 : INDENT * ((at->indent + INDENT) / INDENT);
}

static int pass_scalar(const struct walk *w, struct node *n, const struct spot *at)
{
    AUTO_FREE char *changed = NULL;
    const struct yaml_written written = {
        .text = n->text,
        .style = n->style,
        .indent = at->indent,
        .item = at->item,
        .flow = at->flow,
        .key = at->key,
        .comment = !at->key && (n->comment || at->comment),
        .foot = n->foot,
        .mark = {.line = n->mark.line, .column = n->mark.column, .file = w->file}};
    int rc = w->pass->scalar(w->pass->context, &written, &changed, w->e);
    if (rc < 0 || changed == NULL)
        return rc;
    free(n->text);
    n->text = steal_ptr(&changed);
    n->len = strlen(n->text);
    return 0;
}

/* Not deeper than YAML_DEPTH_MAX: aliases lead to what has been passed, but inside themselves. */
static int pass_node(const struct walk *w, struct node *n, const struct spot *at)
{
    int rc = 0;
    if (n->passed)
        return 0;
    n->passed = true;
    if (n->kind == NODE_SCALAR)
        return pass_scalar(w, n, at);
    struct spot inside = {.indent = deeper(at),
                          .flow = at->flow || n->flow,
                          .item = n->kind == NODE_LIST && !at->flow && !n->flow};
    for (size_t i = 0; rc == 0 && i < n->count; i++) {
        inside.key = n->kind == NODE_MAP && i % 2 == 0;
        inside.comment = n->kind == NODE_MAP && i % 2 == 1 && n->items[i - 1]->comment;
        rc = pass_node(w, n->items[i], &inside);
    }
    return rc;
}

int yaml_pass_run(struct node *root, const struct yaml_pass *pass, const char *file, struct err *e)
{
    const struct walk w = {.pass = pass, .file = file, .e = e};
    return pass_node(&w, root, &(struct spot){.root = true});
}
