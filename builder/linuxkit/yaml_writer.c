/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as go-yaml writes it, versions 2 (`files: metadata: yaml`) and 3
 * (`--dry-run`): the choice of style for each text, indentation, and version 2's
 * folding at 80 columns. What stands in the comments as odd is odd there too.
 */
#include "base/yaml/yaml_go_scalar.h"
#include "builder/linuxkit/render.h"

#include <string.h>

enum { WIDTH = 80, DEPTH_MAX = 64, KEY_MAX = 128 };
/* What stands for it in texts (YAML_NUL). */
enum { NUL = 0xffff };

struct writer {
    struct buf *out;
    struct err *e;
    enum linuxkit_form form;
    size_t column;   /* characters since the last line end */
    bool whitespace; /* the last thing was white space */
    bool indention;  /* nothing but indicators and white space in this line yet */
    bool simple_key; /* inside a key */
    bool comment;    /* stands behind the sign of a block text, and ends its line */
};

static bool is_v3(const struct writer *w)
{
    return w->form == LINUXKIT_FORM_YAML3;
}

static int put(struct writer *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        w->column += ((unsigned char)text[i] & 0xc0) != 0x80;
    return buf_add(w->out, text, len, w->e);
}

static int put_break(struct writer *w)
{
    w->column = 0;
    w->indention = true;
    return buf_add_str(w->out, "\n", w->e);
}

static int put_spaces(struct writer *w, size_t count)
{
    int rc = 0;
    for (; rc == 0 && count > 0; count--)
        rc = put(w, " ", 1);
    return rc;
}

static int put_indent(struct writer *w, size_t indent)
{
    int rc = 0;
    if (!w->indention || w->column > indent || (w->column == indent && !w->whitespace))
        rc = put_break(w);
    if (rc == 0 && w->column < indent)
        rc = put_spaces(w, indent - w->column);
    w->whitespace = true;
    if (!is_v3(w))
        w->indention = true;
    return rc;
}

struct indicator {
    bool before; /* a space, unless there is one */
    bool whitespace;
    bool indention;
};

static int put_indicator(struct writer *w, const char *text, struct indicator how)
{
    int rc = how.before && !w->whitespace ? put(w, " ", 1) : 0;
    if (rc == 0)
        rc = put(w, text, strlen(text));
    w->whitespace = how.whitespace;
    w->indention = w->indention && how.indention;
    return rc;
}

static const struct indicator opens = {.before = true};
static const struct indicator closes = {.before = false};

/* ---- characters -------------------------------------------------------------------------- */

static size_t char_width(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* The text is UTF-8, so the bytes that follow are there. */
static bool is_break(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    return p[0] == '\r' || p[0] == '\n' || (p[0] == 0xc2 && p[1] == 0x85) ||
           (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9));
}

static bool is_printable(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80)
        return p[0] == '\n' || (p[0] >= 0x20 && p[0] <= 0x7e);
    if (p[0] == 0xc2)
        return p[1] >= 0xa0;
    if (p[0] == 0xed)
        return p[1] < 0xa0;
    if (p[0] == 0xef) {
        bool mark = p[1] == 0xbb && p[2] == 0xbf;
        return !mark && !(p[1] == 0xbf && p[2] >= 0xbe);
    }
    return p[0] < 0xef; /* what needs four bytes is not */
}

static uint32_t code_point(const char *s)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t width = char_width((unsigned char)*s);
    uint32_t value = (unsigned char)*s & masks[width];
    for (size_t i = 1; i < width; i++)
        value = value << 6 | ((unsigned char)s[i] & 0x3fU);
    return value;
}

/* ---- which style ---------------------------------------------------------------------------- */

struct traits {
    bool plain;
    bool single; /* quotes are possible */
    bool literal;
    bool multiline;
};

struct findings {
    bool indicators;
    bool breaks;
    bool special;
    bool tabs;
    bool edge; /* space or line end at the start or the end */
    bool trailing_space;
    bool break_space;
    bool space_break;
};

/* A character that would start something else in plain style. */
static bool is_indicator(const char *s, const char *text, bool blank_after, bool blank_before)
{
    if (s == text)
        return strchr("#,[]{}&*!|>'\"%@`", *s) != NULL ||
               (strchr("?:-", *s) != NULL && blank_after);
    return (*s == ':' && blank_after) || (*s == '#' && blank_before);
}

static void examine(const struct writer *w, const char *text, struct findings *f)
{
    bool blank_before = true;
    bool previous_space = false;
    bool previous_break = false;
    if (strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0)
        f->indicators = true;
    for (const char *s = text; *s != '\0'; s += char_width((unsigned char)*s)) {
        const char *next = s + char_width((unsigned char)*s);
        bool last = *next == '\0';
        bool space = *s == ' ';
        bool breaks = is_break(s);
        if (is_indicator(s, text, last || *next == ' ' || *next == '\t', blank_before))
            f->indicators = true;
        if (*s == '\t' && is_v3(w))
            f->tabs = true;
        else if (!is_printable(s))
            f->special = true;
        f->edge = f->edge || ((space || breaks) && (s == text || last));
        f->trailing_space = f->trailing_space || (space && last);
        f->break_space = f->break_space || (space && previous_break);
        f->space_break = f->space_break || (breaks && previous_space);
        f->breaks = f->breaks || breaks;
        previous_space = space;
        previous_break = breaks;
        blank_before = space || breaks || *s == '\t';
    }
}

static struct traits analyze(const struct writer *w, const char *text)
{
    struct findings f = {.indicators = false};
    if (*text == '\0')
        return (struct traits){.plain = true, .single = true};
    examine(w, text, &f);
    bool quotable = !f.break_space && !f.space_break && !f.tabs && !f.special;
    return (struct traits){
        .plain = quotable && !f.edge && !f.breaks && !f.indicators,
        .single = quotable,
        .literal = !f.trailing_space && !f.space_break && !f.special,
        .multiline = f.breaks,
    };
}

/* Unquoted it would be read as something else. */
static bool needs_quotes(const char *text)
{
    struct yaml_go_scalar_value value;
    return yaml_go_scalar_read(text, &value) != YAML_GO_SCALAR_TEXT ||
           yaml_go_scalar_is_sexagesimal(text) || yaml_go_scalar_is_old_bool(text);
}

/* ---- texts --------------------------------------------------------------------------------- */

static bool folds(const struct writer *w)
{
    return !is_v3(w) && !w->simple_key && w->column > WIDTH;
}

static int put_char(struct writer *w, const char *s)
{
    return put(w, s, char_width((unsigned char)*s));
}

/* A line end inside a text; those that are no newline are written as they are. */
static int put_text_break(struct writer *w, const char *s)
{
    if (*s == '\n')
        return put_break(w);
    int rc = put_char(w, s);
    w->column = 0;
    w->indention = true;
    return rc;
}

/* The inside of plain and single-quoted texts. */
static int put_flow(struct writer *w, const char *text, size_t indent, bool quoted)
{
    bool spaces = false;
    bool breaks = false;
    int rc = 0;
    for (const char *s = text; rc == 0 && *s != '\0'; s += char_width((unsigned char)*s)) {
        if (*s == ' ') {
            bool inside = !quoted || (s > text && s[1] != '\0');
            bool fold = folds(w) && !spaces && inside && s[1] != ' ';
            rc = fold ? put_indent(w, indent) : put(w, s, 1);
            spaces = true;
        } else if (is_break(s)) {
            if (!breaks && *s == '\n')
                rc = put_break(w);
            if (rc == 0)
                rc = put_text_break(w, s);
            breaks = true;
        } else {
            if (breaks)
                rc = put_indent(w, indent);
            if (rc == 0 && quoted && *s == '\'')
                rc = put(w, s, 1);
            if (rc == 0)
                rc = put_char(w, s);
            w->indention = false;
            spaces = false;
            breaks = false;
        }
    }
    return rc;
}

static int put_plain(struct writer *w, const char *text, size_t indent)
{
    bool any = *text != '\0' || !is_v3(w);
    int rc = any && !w->whitespace ? put(w, " ", 1) : 0;
    if (rc == 0)
        rc = put_flow(w, text, indent, false);
    if (any)
        w->whitespace = false;
    w->indention = false;
    return rc;
}

static int put_single(struct writer *w, const char *text, size_t indent)
{
    int rc = put_indicator(w, "'", opens);
    if (rc < 0 || (rc = put_flow(w, text, indent, true)) < 0)
        return rc;
    rc = put_indicator(w, "'", closes);
    w->indention = false;
    return rc;
}

static int put_escape(struct writer *w, uint32_t c)
{
    static const struct {
        uint32_t c;
        char letter;
    } shorts[] = {{0x07, 'a'}, {0x08, 'b'}, {0x09, 't'},   {0x0a, 'n'},   {0x0b, 'v'},
                  {0x0c, 'f'}, {0x0d, 'r'}, {0x1b, 'e'},   {'"', '"'},    {'\\', '\\'},
                  {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}, {NUL, '0'}};
    char text[16];
    (void)snprintf(text, sizeof(text),
                   c <= 0xff     ? "\\x%02X"
                   : c <= 0xffff ? "\\u%04X"
                                 : "\\U%08X",
                   (unsigned)c);
    for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
        if (shorts[i].c == c)
            (void)snprintf(text, sizeof(text), "\\%c", shorts[i].letter);
    return put(w, text, strlen(text));
}

static int put_double(struct writer *w, const char *text, size_t indent)
{
    /* Of a text that starts with a byte order mark every character is escaped. */
    bool marked = strncmp(text, "\xef\xbb\xbf", 3) == 0;
    bool spaces = false;
    int rc = put_indicator(w, "\"", opens);
    for (const char *s = text; rc == 0 && *s != '\0'; s += char_width((unsigned char)*s)) {
        if (marked || !is_printable(s) || is_break(s) || *s == '"' || *s == '\\') {
            rc = put_escape(w, code_point(s));
            spaces = false;
            continue;
        }
        bool fold = *s == ' ' && folds(w) && !spaces && s > text && s[1] != '\0';
        if (!fold)
            rc = put_char(w, s);
        else if ((rc = put_indent(w, indent)) == 0 && s[1] == ' ')
            rc = put(w, "\\", 1);
        spaces = *s == ' ';
    }
    if (rc == 0)
        rc = put_indicator(w, "\"", closes);
    w->indention = false;
    return rc;
}

/* Where the last character of a text, or of its first `len` bytes, starts. */
static size_t last_char(const char *text, size_t len)
{
    size_t at = len - 1;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static int put_hints(struct writer *w, const char *text)
{
    int rc = 0;
    if (*text == ' ' || is_break(text))
        rc = put_indicator(w, is_v3(w) ? "4" : "2", closes);
    size_t last = last_char(text, strlen(text));
    if (rc == 0 && !is_break(text + last))
        return put_indicator(w, "-", closes);
    if (rc == 0 && (last == 0 || is_break(text + last_char(text, last))))
        return put_indicator(w, "+", closes);
    return rc;
}

static int put_literal(struct writer *w, const char *text, size_t indent)
{
    bool breaks = true;
    int rc = put_indicator(w, "|", opens);
    if (rc == 0)
        rc = put_hints(w, text);
    /* Version 3 leaves this line end to the first line's indentation: a text that starts with a
     * newline loses it. */
    if (rc == 0 && (!is_v3(w) || w->comment))
        rc = put_break(w);
    w->whitespace = true;
    for (const char *s = text; rc == 0 && *s != '\0'; s += char_width((unsigned char)*s)) {
        if (is_break(s)) {
            rc = put_text_break(w, s);
            breaks = true;
            continue;
        }
        if (breaks)
            rc = put_indent(w, indent);
        if (rc == 0)
            rc = put_char(w, s);
        w->indention = false;
        breaks = false;
    }
    return rc;
}

static bool is_blank(const char *s)
{
    return *s == ' ' || *s == '\t' || *s == '\0' || is_break(s);
}

/*
 * Version 3 writes a line end of a folded text twice, for one of two is folded away. It looks at
 * the first character of the whole text, not at the next one, to see whether that is so: the line
 * ends at the end and before indented lines are doubled, too.
 */
static int put_folded(struct writer *w, const char *text, size_t indent)
{
    const char *first = text;
    bool breaks = true;
    bool leading = true; /* the line starts with white space: it is not folded */
    int rc = put_indicator(w, ">", opens);
    while (*first != '\0' && is_break(first))
        first += char_width((unsigned char)*first);
    if (rc == 0)
        rc = put_hints(w, text);
    if (rc == 0 && w->comment)
        rc = put_break(w);
    w->whitespace = true;
    for (const char *s = text; rc == 0 && *s != '\0'; s += char_width((unsigned char)*s)) {
        if (is_break(s)) {
            if (!breaks && !leading && *s == '\n' && !is_blank(first))
                rc = put_break(w);
            if (rc == 0)
                rc = put_text_break(w, s);
            breaks = true;
            continue;
        }
        if (breaks) {
            rc = put_indent(w, indent);
            leading = is_blank(s);
        }
        if (rc == 0)
            rc = put_char(w, s);
        w->indention = false;
        breaks = false;
    }
    return rc;
}

static int put_text(struct writer *w, const char *text, size_t indent)
{
    struct traits t = analyze(w, text);
    bool lines = strchr(text, '\n') != NULL;
    if (lines && t.literal && !w->simple_key)
        return put_literal(w, text, indent);
    if (lines || needs_quotes(text) || (w->simple_key && t.multiline))
        return put_double(w, text, indent);
    if (t.plain)
        return put_plain(w, text, indent);
    return t.single ? put_single(w, text, indent) : put_double(w, text, indent);
}

/* ---- structure ------------------------------------------------------------------------------- */

/* The indentation around a value, and whether it is an item of a list. */
struct level {
    size_t indent;
    bool item;
    unsigned depth;
};

static int put_value(struct writer *w, const json_t *value, struct level at);

static bool is_block(const json_t *value)
{
    return (json_is_array(value) && json_array_size(value) > 0) ||
           (json_is_object(value) && json_object_size(value) > 0);
}

static size_t deeper(const struct writer *w, struct level at)
{
    if (!is_v3(w) || at.item)
        return at.indent + 2;
    return 4 * ((at.indent + 4) / 4);
}

/* A key that is long or has several lines takes a '?'. */
static int put_key(struct writer *w, const char *key, size_t indent)
{
    const struct level at = {.indent = indent};
    bool simple = !analyze(w, key).multiline && strlen(key) <= KEY_MAX;
    int rc = 0;
    w->simple_key = simple;
    if (!simple)
        rc = put_indicator(w, "?", (struct indicator){true, false, true});
    if (rc == 0)
        rc = put_text(w, key, deeper(w, at));
    w->simple_key = false;
    if (rc < 0 || simple)
        return rc < 0 ? rc : put_indicator(w, ":", closes);
    if ((rc = put_indent(w, indent)) < 0)
        return rc;
    return put_indicator(w, ":", (struct indicator){true, false, true});
}

static int put_map(struct writer *w, const json_t *map, struct level at)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t indent = at.depth == 0 ? 0 : deeper(w, at);
    json_object_foreach((json_t *)(uintptr_t)map, key, member)
    {
        const struct level inner = {.indent = indent, .depth = at.depth + 1};
        int rc = put_indent(w, indent);
        if (rc < 0 || (rc = put_key(w, key, indent)) < 0 || (rc = put_value(w, member, inner)) < 0)
            return rc;
    }
    return 0;
}

static int put_list(struct writer *w, const json_t *list, struct level at)
{
    /* Version 2 does not indent a list that is a map's value. */
    bool flat = !is_v3(w) && !at.item && !w->indention;
    size_t indent = flat ? at.indent : deeper(w, at);
    const struct level inner = {.indent = indent, .item = true, .depth = at.depth + 1};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        if ((rc = put_indent(w, indent)) == 0 &&
            (rc = put_indicator(w, "-", (struct indicator){true, false, true})) == 0)
            rc = put_value(w, json_array_get(list, i), inner);
    return rc;
}

static int put_value(struct writer *w, const json_t *value, struct level at)
{
    char number[32];
    if (at.depth > DEPTH_MAX)
        return err_set(w->e, ERR_INPUT, "a document nested deeper than %d", DEPTH_MAX);
    if (is_block(value))
        return json_is_object(value) ? put_map(w, value, at) : put_list(w, value, at);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return put_plain(w, "{}", 0);
    case JSON_ARRAY:
        return put_plain(w, "[]", 0);
    case JSON_STRING:
        return put_text(w, json_string_value(value), deeper(w, at));
    case JSON_TRUE:
        return put_plain(w, "true", 0);
    case JSON_FALSE:
        return put_plain(w, "false", 0);
    case JSON_INTEGER:
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        return put_plain(w, number, 0);
    default:
        return put_plain(w, "null", 0);
    }
}

/* ---- one scalar again ------------------------------------------------------------------------ */

/* In which style version 3 writes a scalar again. Plain ones and quotes of a line, which cannot
 * change on the way, are YAML_DOUBLE. */
static enum yaml_style style_again(const struct writer *w, const struct yaml_written *at)
{
    struct traits t = analyze(w, at->text);
    bool block = !at->flow && !(at->key && !t.multiline && strlen(at->text) <= KEY_MAX);
    switch (at->style) {
    case YAML_LITERAL:
    case YAML_FOLDED:
        return block && t.literal && *at->text != '\0' ? at->style : YAML_DOUBLE;
    case YAML_SINGLE:
        return t.multiline && t.single ? YAML_SINGLE : YAML_DOUBLE;
    case YAML_PLAIN:
        return t.multiline && block && t.literal ? YAML_LITERAL : YAML_DOUBLE;
    default:
        return YAML_DOUBLE;
    }
}

int linuxkit_yaml_again(const struct yaml_written *at, bool *written, struct buf *out,
                        struct err *e)
{
    struct writer w = {.out = out,
                       .e = e,
                       .form = LINUXKIT_FORM_YAML3,
                       .whitespace = true,
                       .indention = true,
                       .comment = at->comment};
    const struct level level = {.indent = at->indent, .item = at->item, .depth = 1};
    const enum yaml_style style = style_again(&w, at);
    const char *before = at->item ? "-" : at->key ? "?" : "a:";
    const char *after = at->item ? "- b" : at->key ? ": b" : "b: b";
    size_t indent = deeper(&w, level);
    *written = style != YAML_DOUBLE;
    if (!*written)
        return 0;
    int rc = put_indent(&w, at->indent);
    if (rc == 0)
        rc = put_indicator(&w, before, (struct indicator){true, false, true});
    if (rc == 0 && at->flow)
        rc = put_indicator(&w, "[", (struct indicator){true, true, false});
    if (rc == 0)
        rc = style == YAML_LITERAL  ? put_literal(&w, at->text, indent)
             : style == YAML_FOLDED ? put_folded(&w, at->text, indent)
                                    : put_single(&w, at->text, indent);
    if (rc == 0 && at->flow)
        rc = put_indicator(&w, "]", closes);
    if (rc == 0 && at->foot)
        rc = put_break(&w);
    if (rc == 0)
        rc = put_indent(&w, at->indent);
    if (rc == 0)
        rc = put(&w, after, strlen(after));
    return rc < 0 ? rc : put_break(&w);
}

int linuxkit_yaml_format(const json_t *value, enum linuxkit_form form, struct buf *out,
                         struct err *e)
{
    struct writer w = {.out = out, .e = e, .form = form, .whitespace = true, .indention = true};
    int rc = put_value(&w, value, (struct level){.indent = 0});
    return rc < 0 ? rc : put_indent(&w, 0);
}
