/*
 * YAML as go-yaml writes it, versions 2 and 3: the choice of style for each
 * text, indentation, and version 2's folding at 80 columns.
 */
#include "builder/recipe/lkrender.h"

#include <string.h>

enum { WIDTH = 80, DEPTH_MAX = 64 };

struct writer {
    struct buf *out;
    struct err *e;
    enum lk_form form;
    size_t column; /* characters since the last newline */
};

static int put(struct writer *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            w->column = 0;
        else if (((unsigned char)text[i] & 0xc0) != 0x80)
            w->column++;
    }
    return buf_add(w->out, text, len, w->e);
}

static int put_text(struct writer *w, const char *text)
{
    return put(w, text, strlen(text));
}

static int new_line(struct writer *w, size_t indent)
{
    w->column = indent;
    return buf_addf(w->out, w->e, "\n%*s", (int)indent, "");
}

/* The indentation of what is inside something at `indent`. */
static size_t deeper(const struct writer *w, size_t indent)
{
    return w->form == LK_FORM_YAML3 ? 4 * ((indent + 4) / 4) : indent + 2;
}

/* ---- which style ------------------------------------------------------------------------ */

struct traits {
    bool plain;   /* plain is possible */
    bool single;  /* single quotes are */
    bool literal; /* a block is */
};

/* What a text has that go-yaml's emitter looks for. */
static struct traits analyze(const struct writer *w, const char *s)
{
    size_t len = strlen(s);
    bool indicators = false;
    bool special = false;
    bool tabs = false;
    bool breaks = false;
    bool space_break = false;
    bool break_space = false;
    if (strncmp(s, "---", 3) == 0 || strncmp(s, "...", 3) == 0)
        indicators = true;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        bool blank_next = i + 1 == len || strchr(" \t\n\r", s[i + 1]) != NULL;
        bool blank_before = i > 0 && strchr(" \t\n\r", s[i - 1]) != NULL;
        if (i == 0 &&
            (strchr("#,[]{}&*!|>'\"%@`", c) != NULL || (strchr("-?:", c) != NULL && blank_next)))
            indicators = true;
        if (i > 0 && ((c == ':' && blank_next) || (c == '#' && blank_before)))
            indicators = true;
        if (c == '\t')
            tabs = true;
        else if ((c < 0x20 && c != '\n') || c == 0x7f)
            special = true;
        breaks = breaks || c == '\n';
        space_break = space_break || (c == '\n' && i > 0 && s[i - 1] == ' ');
        break_space = break_space || (c == ' ' && i > 0 && s[i - 1] == '\n');
    }
    if (tabs && w->form == LK_FORM_YAML2)
        special = true;
    bool edge = len == 0 || strchr(" \n", s[0]) != NULL || strchr(" \n", s[len - 1]) != NULL;
    struct traits t = {.plain = !edge && !indicators && !special && !tabs && !breaks,
                       .single = !break_space && !space_break && !special && !tabs,
                       .literal = !space_break && !special && (len == 0 || s[len - 1] != ' ')};
    return t;
}

static bool is_word(const char *s, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, s) == 0)
            return true;
    return false;
}

/* 190:20:30 and the like were numbers in YAML 1.1. */
static bool is_sexagesimal(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t groups = 0;
    if (*s < '0' || *s > '9')
        return false;
    while (*s >= '0' && *s <= '9')
        s++;
    for (; *s == ':'; groups++) {
        s++;
        if (s[0] >= '0' && s[0] <= '5' && s[1] >= '0' && s[1] <= '9')
            s += 2;
        else if (s[0] >= '0' && s[0] <= '9')
            s++;
        else
            return false;
    }
    if (*s == '.')
        s += 1 + strspn(s + 1, "0123456789_");
    return groups > 0 && *s == '\0';
}

/* 2001-12-14 and what follows. */
static bool is_date(const char *s)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; form[i] != '\0'; i++)
        if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
            return false;
    return s[10] == '\0' || s[10] == 'T' || s[10] == ' ';
}

/* A plain text would be read as something else. */
static bool needs_quotes(const char *s)
{
    static const char *const old[] = {"y", "Y",  "yes", "Yes", "YES", "on",  "On",  "ON", "n",
                                      "N", "no", "No",  "NO",  "off", "Off", "OFF", "<<", NULL};
    long long number = 0;
    double real = 0;
    if (is_word(s, old) || is_sexagesimal(s) || is_date(s))
        return true;
    return yaml_doc_resolve(s, strlen(s), &number, &real) != YAML_TEXT;
}

/* ---- texts --------------------------------------------------------------------------------- */

static bool folds(const struct writer *w)
{
    return w->form == LK_FORM_YAML2 && w->column > WIDTH;
}

static int put_plain(struct writer *w, const char *s, size_t indent)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && s[i] != '\0'; i++) {
        bool alone = s[i] == ' ' && (i == 0 || s[i - 1] != ' ') && s[i + 1] != ' ';
        rc = alone && folds(w) ? new_line(w, indent) : put(w, s + i, 1);
    }
    return rc;
}

static int put_single(struct writer *w, const char *s, size_t indent)
{
    int rc = put_text(w, "'");
    size_t len = strlen(s);
    for (size_t i = 0; rc == 0 && i < len; i++) {
        bool inside = i > 0 && i + 1 < len;
        bool alone = s[i] == ' ' && inside && s[i - 1] != ' ' && s[i + 1] != ' ';
        if (alone && folds(w))
            rc = new_line(w, indent);
        else
            rc = s[i] == '\'' ? put_text(w, "''") : put(w, s + i, 1);
    }
    return rc < 0 ? rc : put_text(w, "'");
}

static int put_escaped(struct writer *w, unsigned char c)
{
    static const char shorts[] = "\a\b\t\n\v\f\r\x1b\"\\";
    static const char names[] = "abtnvfre\"\\";
    char hex[8];
    const char *found = c != '\0' ? strchr(shorts, c) : NULL;
    if (found != NULL)
        (void)snprintf(hex, sizeof hex, "\\%c", names[found - shorts]);
    else
        (void)snprintf(hex, sizeof hex, "\\x%02X", c);
    return put_text(w, hex);
}

static int put_double(struct writer *w, const char *s, size_t indent)
{
    int rc = put_text(w, "\"");
    size_t len = strlen(s);
    bool spaces = false;
    for (size_t i = 0; rc == 0 && i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == ' ' && !spaces && i > 0 && i + 1 < len && folds(w)) {
            if ((rc = new_line(w, indent)) == 0 && s[i + 1] == ' ')
                rc = put_text(w, "\\");
        } else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
            rc = put_escaped(w, c);
        } else {
            rc = put(w, s + i, 1);
        }
        spaces = c == ' ';
    }
    return rc < 0 ? rc : put_text(w, "\"");
}

static int put_literal(struct writer *w, const char *s, size_t indent)
{
    size_t len = strlen(s);
    int rc = put_text(w, "|");
    if (rc == 0 && strchr(" \n", s[0]) != NULL)
        rc = put_text(w, w->form == LK_FORM_YAML3 ? "4" : "2");
    if (rc == 0 && s[len - 1] != '\n')
        rc = put_text(w, "-");
    else if (rc == 0 && (len == 1 || s[len - 2] == '\n'))
        rc = put_text(w, "+");
    for (const char *line = s; rc == 0 && *line != '\0';) {
        size_t n = strcspn(line, "\n");
        rc = n == 0 ? put_text(w, "\n") : new_line(w, indent);
        if (rc == 0)
            rc = put(w, line, n);
        line += n;
        line += *line == '\n';
    }
    return rc;
}

static int put_scalar_text(struct writer *w, const char *s, size_t indent)
{
    struct traits t = analyze(w, s);
    size_t inner = deeper(w, indent);
    if (needs_quotes(s))
        return put_double(w, s, inner);
    if (strchr(s, '\n') != NULL && t.literal)
        return put_literal(w, s, inner);
    if (t.plain)
        return put_plain(w, s, inner);
    return t.single && strchr(s, '\n') == NULL ? put_single(w, s, inner) : put_double(w, s, inner);
}

/* ---- structure ------------------------------------------------------------------------------- */

static int put_value(struct writer *w, const json_t *value, size_t indent, unsigned depth);

static bool is_block(const json_t *value)
{
    return (json_is_array(value) && json_array_size(value) > 0) ||
           (json_is_object(value) && json_object_size(value) > 0);
}

/* Members of a map whose first key stands where the writer is. */
static int put_map(struct writer *w, const json_t *map, size_t indent, unsigned depth)
{
    const char *key = NULL;
    json_t *member = NULL;
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)map, key, member)
    {
        int rc = first ? 0 : new_line(w, indent);
        first = false;
        if (rc < 0 || (rc = put_scalar_text(w, key, indent)) < 0 || (rc = put_text(w, ":")) < 0)
            return rc;
        if (!is_block(member)) {
            if ((rc = put_text(w, " ")) < 0 || (rc = put_value(w, member, indent, depth)) < 0)
                return rc;
            continue;
        }
        bool flat = json_is_array(member) && w->form == LK_FORM_YAML2;
        size_t inner = flat ? indent : deeper(w, indent);
        if ((rc = new_line(w, inner)) < 0 || (rc = put_value(w, member, inner, depth + 1)) < 0)
            return rc;
    }
    return 0;
}

static int put_list(struct writer *w, const json_t *list, size_t indent, unsigned depth)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        if ((i == 0 || (rc = new_line(w, indent)) == 0) && (rc = put_text(w, "- ")) == 0)
            rc = put_value(w, json_array_get(list, i),
                           is_block(json_array_get(list, i)) ? indent + 2 : indent, depth + 1);
    }
    return rc;
}

static int put_value(struct writer *w, const json_t *value, size_t indent, unsigned depth)
{
    char number[32];
    if (depth > DEPTH_MAX)
        return err_set(w->e, ERR_INPUT, "a document nested deeper than %d", DEPTH_MAX);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return json_object_size(value) == 0 ? put_text(w, "{}") : put_map(w, value, indent, depth);
    case JSON_ARRAY:
        return json_array_size(value) == 0 ? put_text(w, "[]") : put_list(w, value, indent, depth);
    case JSON_STRING:
        return put_scalar_text(w, json_string_value(value), indent);
    case JSON_TRUE:
        return put_text(w, "true");
    case JSON_FALSE:
        return put_text(w, "false");
    case JSON_INTEGER:
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return put_text(w, number);
    default:
        return put_text(w, "null");
    }
}

int lk_yaml_format(const json_t *value, enum lk_form form, struct buf *out, struct err *e)
{
    struct writer w = {.out = out, .e = e, .form = form};
    int rc = put_value(&w, value, 0, 0);
    return rc < 0 ? rc : put_text(&w, "\n");
}
