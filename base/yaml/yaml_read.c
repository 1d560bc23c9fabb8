/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes: libyaml's events become nodes (anchors and positions as written; a caller's pass
 * may change their texts), then nodes become JSON values (aliases expanded, merges done, keys
 * checked). Both are bounded: the first by the file's size and YAML_DEPTH_MAX, the second by
 * YAML_NODES_MAX and YAML_TEXT_MAX.
 */
#include "base/encoding.h"
#include "base/yaml/yaml_go_scalar.h"
#include "base/yaml/yaml_internal.h"

#include <string.h>
#include <yaml.h>

struct anchor {
    char *name;
    struct node *node;
};

struct composer {
    yaml_parser_t parser;
    struct yaml_doc *doc;
    bool go;           /* as LinuxKit's library reads it */
    bool comments;     /* are looked for */
    bool value;        /* the next node is one of a map */
    size_t before;     /* the character at which the event before this one ended */
    size_t after;      /* the same of this one */
    struct node *last; /* NULL: not a scalar */
    struct yaml_source source;
    struct node *nodes;
    struct anchor *anchors;
    size_t anchor_count;
    size_t anchor_cap;
    size_t values; /* second pass: how much was made */
    size_t text;
};

static struct yaml_mark mark_of(yaml_mark_t m)
{
    return (struct yaml_mark){.line = m.line + 1, .column = m.column + 1};
}

static int fail_at(const struct composer *c, struct yaml_mark m, struct err *e, const char *text)
{
    return err_set(e, ERR_INPUT, "%s:%lu:%lu: %s", c->doc->file, m.line, m.column, text);
}

static int parser_fail(const struct composer *c, struct err *e)
{
    const yaml_parser_t *p = &c->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return err_oom(e);
    if (p->error == YAML_READER_ERROR)
        return err_set(e, ERR_INPUT, "%s: not a text in UTF-8: %s at byte %zu", c->doc->file,
                       p->problem != NULL ? p->problem : "bad input", p->problem_offset);
    return fail_at(c, mark_of(p->problem_mark), e, p->problem != NULL ? p->problem : "bad YAML");
}

static int next_event(struct composer *c, yaml_event_t *event, struct err *e)
{
    if (!yaml_parser_parse(&c->parser, event))
        return parser_fail(c, e);
    c->before = c->after;
    c->after = event->end_mark.index;
    return 0;
}

static int node_new(struct composer *c, enum node_kind kind, const yaml_event_t *event,
                    struct node **out, struct err *e)
{
    struct node *n = calloc(1, sizeof(*n));
    if (n == NULL)
        return err_oom(e);
    n->kind = kind;
    n->mark = mark_of(event->start_mark);
    n->allocated = c->nodes;
    c->nodes = n;
    *out = n;
    return 0;
}

static int node_push(struct node *parent, struct node *item, struct err *e)
{
    int rc = array_grow(&parent->items, &parent->cap, parent->count + 1, sizeof(*parent->items), e);
    if (rc < 0)
        return rc;
    parent->items[parent->count++] = item;
    return 0;
}

static int set_anchor(struct composer *c, const yaml_char_t *name, struct node *n, struct err *e)
{
    if (name == NULL)
        return 0;
    for (size_t i = 0; i < c->anchor_count; i++) {
        if (strcmp(c->anchors[i].name, (const char *)name) == 0) {
            c->anchors[i].node = n;
            return 0;
        }
    }
    if (c->anchor_count >= 1024)
        return fail_at(c, n->mark, e, "more than 1024 anchors");
    int rc = array_grow(&c->anchors, &c->anchor_cap, c->anchor_count + 1, sizeof(*c->anchors), e);
    if (rc < 0)
        return rc;
    char *copy = NULL;
    if ((rc = str_copy(&copy, (const char *)name, e)) < 0)
        return rc;
    c->anchors[c->anchor_count++] = (struct anchor){copy, n};
    return 0;
}

static int find_anchor(const struct composer *c, const yaml_event_t *event, struct node **out,
                       struct err *e)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = 0; i < c->anchor_count; i++) {
        if (strcmp(c->anchors[i].name, name) != 0)
            continue;
        if (c->anchors[i].node->open)
            return fail_at(c, mark_of(event->start_mark), e, "an alias inside its own anchor");
        *out = c->anchors[i].node;
        return 0;
    }
    return fail_at(c, mark_of(event->start_mark), e, "an alias to an unknown anchor");
}

static int set_tag(struct composer *c, struct node *n, const yaml_char_t *tag, struct err *e)
{
    static const char *const core[] = {"str", "int", "bool", "null", "float", "map", "seq", NULL};
    static const char prefix[] = "tag:yaml.org,2002:";
    static const char binary[] = "tag:yaml.org,2002:binary";
    if (tag == NULL)
        return 0;
    const char *name = (const char *)tag;
    if (strcmp(name, "!") == 0)
        return n->kind == NODE_SCALAR ? str_copy(&n->tag, "str", e) : 0;
    if (c->go && n->kind == NODE_SCALAR && strcmp(name, binary) == 0)
        return str_copy(&n->tag, "binary", e);
    if (str_starts(name, prefix)) {
        for (size_t i = 0; core[i] != NULL; i++) {
            bool fits = strcmp(core[i], "map") == 0   ? n->kind == NODE_MAP
                        : strcmp(core[i], "seq") == 0 ? n->kind == NODE_LIST
                                                      : n->kind == NODE_SCALAR;
            if (fits && strcmp(core[i], name + sizeof(prefix) - 1) == 0)
                return str_copy(&n->tag, core[i], e);
        }
    }
    return fail_at(c, n->mark, e, "this tag is not supported here");
}

/* A NUL is an error, or as in LinuxKit a character: then YAML_NUL stands for it. */
static int mark_nuls(const struct composer *c, const struct node *n, const char *text, size_t len,
                     char **marked, size_t *marked_len, struct err *e)
{
    AUTO_BUF out = BUF_INIT(YAML_BYTES_MAX * sizeof(YAML_NUL));
    if (memmem(text, len, YAML_NUL, strlen(YAML_NUL)) != NULL)
        return fail_at(c, n->mark, e, "a text with U+FFFF, which is no character");
    if (!c->go && memchr(text, '\0', len) != NULL)
        return fail_at(c, n->mark, e, "a text with a NUL character");
    int rc = buf_reserve(&out, len + 1, e);
    for (size_t i = 0; rc == 0 && i < len; i++)
        rc = text[i] == '\0' ? buf_add_str(&out, YAML_NUL, e) : buf_add(&out, text + i, 1, e);
    if (rc < 0)
        return rc;
    *marked_len = out.len;
    return str_copy(marked, buf_str(&out), e);
}

static enum yaml_style style_of(const yaml_event_t *event)
{
    switch (event->data.scalar.style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return YAML_SINGLE;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return YAML_DOUBLE;
    case YAML_LITERAL_SCALAR_STYLE:
        return YAML_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return YAML_FOLDED;
    default:
        return YAML_PLAIN;
    }
}

static int compose_scalar(struct composer *c, const yaml_event_t *event, struct node **out,
                          struct err *e)
{
    struct node *n = NULL;
    int rc = node_new(c, NODE_SCALAR, event, &n, e);
    if (rc < 0 || (rc = set_tag(c, n, event->data.scalar.tag, e)) < 0)
        return rc;
    n->plain = event->data.scalar.plain_implicit != 0;
    n->style = style_of(event);
    c->last = n;
    if (c->comments && (n->style == YAML_LITERAL || n->style == YAML_FOLDED)) {
        const size_t from = c->value ? c->before : event->start_mark.index;
        const struct yaml_comments before = yaml_source_comments(&c->source, from);
        n->comment = before.beside;
        n->foot = yaml_source_foot(&c->source, event->end_mark.index) && !before.alone;
    }
    if ((rc = mark_nuls(c, n, (const char *)event->data.scalar.value, event->data.scalar.length,
                        &n->text, &n->len, e)) < 0)
        return rc;
    *out = n;
    return set_anchor(c, event->data.scalar.anchor, n, e);
}

static int compose(struct composer *c, const yaml_event_t *event, unsigned depth, struct node **out,
                   struct err *e);

static int compose_children(struct composer *c, struct node *n, unsigned depth, struct err *e)
{
    for (;;) {
        yaml_event_t event;
        int rc = next_event(c, &event, e);
        if (rc < 0)
            return rc;
        bool end = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        struct node *item = NULL;
        c->value = n->kind == NODE_MAP && n->count % 2 == 1;
        if (!end && (rc = compose(c, &event, depth + 1, &item, e)) == 0)
            rc = node_push(n, item, e);
        yaml_event_delete(&event);
        if (rc < 0 || end)
            return rc;
    }
}

static int compose_container(struct composer *c, const yaml_event_t *event, unsigned depth,
                             struct node **out, struct err *e)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    const yaml_char_t *anchor =
        list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    struct node *n = NULL;
    int rc = node_new(c, list ? NODE_LIST : NODE_MAP, event, &n, e);
    if (rc < 0 || (rc = set_tag(c, n, tag, e)) < 0 || (rc = set_anchor(c, anchor, n, e)) < 0)
        return rc;
    if (depth >= YAML_DEPTH_MAX)
        return fail_at(c, n->mark, e, "nested deeper than 32 levels");
    n->open = true;
    c->last = NULL;
    n->flow = list ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                   : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    if ((rc = compose_children(c, n, depth, e)) < 0)
        return rc;
    n->open = false;
    *out = n;
    return 0;
}

static int compose(struct composer *c, const yaml_event_t *event, unsigned depth, struct node **out,
                   struct err *e)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return find_anchor(c, event, out, e);
    case YAML_SCALAR_EVENT:
        return compose_scalar(c, event, out, e);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return compose_container(c, event, depth, out, e);
    default:
        return fail_at(c, mark_of(event->start_mark), e, "unexpected YAML");
    }
}

/* Takes the next event when it is of this type; else says what is wrong. */
static int expect(struct composer *c, yaml_event_type_t type, const char *otherwise, struct err *e)
{
    yaml_event_t event;
    int rc = next_event(c, &event, e);
    if (rc < 0)
        return rc;
    if (event.type != type)
        rc = fail_at(c, mark_of(event.start_mark), e, otherwise);
    yaml_event_delete(&event);
    return rc;
}

static int compose_document(struct composer *c, struct node **out, struct err *e)
{
    int rc = expect(c, YAML_STREAM_START_EVENT, "unexpected YAML", e);
    if (rc == 0)
        rc = expect(c, YAML_DOCUMENT_START_EVENT, "the file is empty", e);
    if (rc < 0)
        return rc;
    yaml_event_t event;
    if ((rc = next_event(c, &event, e)) < 0)
        return rc;
    rc = compose(c, &event, 0, out, e);
    yaml_event_delete(&event);
    if (rc == 0)
        rc = expect(c, YAML_DOCUMENT_END_EVENT, "unexpected YAML", e);
    if (rc == 0 && !c->go)
        rc = expect(c, YAML_STREAM_END_EVENT, "a second document: a file holds one", e);
    return rc;
}

/* ---- nodes to values -------------------------------------------------------- */

static int add_row(struct composer *c, const json_t *parent, const struct node *key, size_t index,
                   const struct node *value, struct err *e)
{
    struct yaml_doc *d = c->doc;
    int rc = array_grow(&d->rows, &d->row_cap, d->row_count + 1, sizeof(*d->rows), e);
    if (rc < 0)
        return rc;
    struct row row = {.parent = parent, .index = index, .value = value->mark};
    if (key != NULL) {
        row.at_key = key->mark;
        if ((rc = str_copy(&row.key, key->text, e)) < 0)
            return rc;
    }
    d->rows[d->row_count++] = row;
    return 0;
}

static int count_value(struct composer *c, const struct node *n, struct err *e)
{
    if (++c->values > YAML_NODES_MAX)
        return fail_at(c, n->mark, e,
                       "more than 65536 values (aliases count as what they stand for)");
    c->text += n->kind == NODE_SCALAR ? n->len : 0;
    if (c->text > YAML_TEXT_MAX)
        return fail_at(c, n->mark, e,
                       "more than 4 MiB of text (aliases count as what they stand for)");
    return 0;
}

/* What LinuxKit's library makes of it, in our terms. */
static enum yaml_scalar resolve_go(const char *text, long long *number, double *real)
{
    struct yaml_go_scalar_value value;
    enum yaml_go_scalar kind = yaml_go_scalar_read(text, &value);
    *number = kind == YAML_GO_SCALAR_BOOL ? value.flag : value.integer;
    *real = value.real;
    switch (kind) {
    case YAML_GO_SCALAR_NULL:
        return YAML_NULL;
    case YAML_GO_SCALAR_BOOL:
        return YAML_BOOL;
    case YAML_GO_SCALAR_INT:
        return YAML_INT;
    case YAML_GO_SCALAR_UINT:
    case YAML_GO_SCALAR_FLOAT:
        return value.flag ? YAML_AMBIGUOUS : YAML_FLOAT;
    default:
        return YAML_TEXT; /* a time is one where a text is asked for */
    }
}

static enum yaml_scalar resolve(const struct composer *c, const struct node *n, long long *number,
                                double *real)
{
    bool as_text = n->tag != NULL ? strcmp(n->tag, "str") == 0 : !n->plain;
    if (as_text)
        return YAML_TEXT;
    return c->go ? resolve_go(n->text, number, real)
                 : yaml_doc_resolve(n->text, n->len, number, real);
}

static bool is_binary(const struct node *n)
{
    return n->tag != NULL && strcmp(n->tag, "binary") == 0;
}

/* `!!binary`, which LinuxKit's library reads: base64 among line ends. */
static int binary_value(const struct composer *c, const struct node *n, json_t **out, struct err *e)
{
    AUTO_BUF digits = BUF_INIT(YAML_TEXT_MAX);
    AUTO_BUF bytes = BUF_INIT(YAML_TEXT_MAX);
    AUTO_FREE char *text = NULL;
    struct err ignored = ERR_INIT;
    size_t len = 0;
    int rc = 0;
    for (const char *p = n->text; rc == 0 && *p != '\0'; p++)
        if (*p != '\n' && *p != '\r')
            rc = buf_add(&digits, p, 1, e);
    if (rc < 0)
        return rc;
    if (base64_decode(buf_str(&digits), digits.len, &bytes, &ignored) < 0)
        return fail_at(c, n->mark, e, "'!!binary' with something that is no base64");
    if ((rc = mark_nuls(c, n, buf_str(&bytes), bytes.len, &text, &len, e)) < 0)
        return rc;
    *out = json_stringn(text, len);
    return *out != NULL ? 0
                        : fail_at(c, n->mark, e,
                                  "'!!binary' that is no text in UTF-8: put it into a file and use "
                                  "'source'");
}

static int scalar_value(struct composer *c, const struct node *n, json_t **out, struct err *e)
{
    static const char *const names[] = {"null", "bool", "int", "float", "str", "str"};
    long long number = 0;
    double real = 0;
    if (is_binary(n))
        return binary_value(c, n, out, e);
    enum yaml_scalar kind = resolve(c, n, &number, &real);
    if (kind == YAML_AMBIGUOUS)
        return fail_at(c, n->mark, e,
                       "a number that YAML readers disagree on, or out of range: put it in quotes");
    if (n->tag != NULL && strcmp(n->tag, names[kind]) != 0)
        return fail_at(c, n->mark, e, "the value does not fit its tag");
    switch (kind) {
    case YAML_NULL:
        *out = json_null();
        break;
    case YAML_BOOL:
        *out = json_boolean(number != 0);
        break;
    case YAML_INT:
        *out = json_integer(number);
        break;
    case YAML_FLOAT:
        *out = json_real(real);
        break;
    default:
        *out = json_stringn(n->text, n->len);
        break;
    }
    return *out == NULL ? err_oom(e) : 0;
}

static int make_value(struct composer *c, const struct node *n, unsigned depth, json_t **out,
                      struct err *e);

static int make_list(struct composer *c, const struct node *n, unsigned depth, json_t **out,
                     struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < n->count; i++) {
        json_t *item = NULL;
        int rc = make_value(c, n->items[i], depth + 1, &item, e);
        if (rc < 0)
            return rc;
        if (json_array_append_new(list, item) != 0)
            return err_oom(e);
        if ((rc = add_row(c, list, NULL, i, n->items[i], e)) < 0)
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}

static bool is_merge(const struct node *key)
{
    return key->kind == NODE_SCALAR && key->plain && key->tag == NULL &&
           strcmp(key->text, "<<") == 0;
}

static int check_key(struct composer *c, const struct node *key, struct err *e)
{
    long long number = 0;
    double real = 0;
    if (key->kind != NODE_SCALAR)
        return fail_at(c, key->mark, e, "a key must be a text");
    if (is_binary(key) || resolve(c, key, &number, &real) != YAML_TEXT)
        return fail_at(c, key->mark, e, "a key must be a text: put it in quotes");
    return count_value(c, key, e);
}

static int set_member(struct composer *c, json_t *map, const struct node *key,
                      const struct node *value, unsigned depth, struct err *e)
{
    json_t *item = NULL;
    int rc = check_key(c, key, e);
    if (rc < 0 || (rc = make_value(c, value, depth + 1, &item, e)) < 0)
        return rc;
    if (json_object_set_new(map, key->text, item) != 0)
        return err_oom(e);
    return add_row(c, map, key, 0, value, e);
}

/* `<<`: the keys of a map that this one does not have itself; of several maps, the first has
 * precedence. */
static int merge_into(struct composer *c, json_t *map, const struct node *from, unsigned depth,
                      struct err *e)
{
    int counted = count_value(c, from, e);
    if (counted < 0)
        return counted;
    if (depth >= YAML_DEPTH_MAX)
        return fail_at(c, from->mark, e, "nested deeper than 32 levels");
    if (from->kind == NODE_LIST) {
        for (size_t i = 0; i < from->count; i++) {
            if (from->items[i]->kind != NODE_MAP)
                return fail_at(c, from->items[i]->mark, e, "'<<' takes a map or a list of maps");
            int rc = merge_into(c, map, from->items[i], depth + 1, e);
            if (rc < 0)
                return rc;
        }
        return 0;
    }
    if (from->kind != NODE_MAP)
        return fail_at(c, from->mark, e, "'<<' takes a map or a list of maps");
    for (size_t i = 0; i < from->count; i += 2) {
        const struct node *key = from->items[i];
        int rc = 0;
        if (!is_merge(key) && (rc = check_key(c, key, e)) == 0 &&
            json_object_get(map, key->text) == NULL)
            rc = set_member(c, map, key, from->items[i + 1], depth, e);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < from->count; i += 2) {
        int rc =
            is_merge(from->items[i]) ? merge_into(c, map, from->items[i + 1], depth + 1, e) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int make_map(struct composer *c, const struct node *n, unsigned depth, json_t **out,
                    struct err *e)
{
    AUTO_JSON json_t *map = json_object();
    int rc = 0;
    if (map == NULL)
        return err_oom(e);
    bool merged = false;
    for (size_t i = 0; i < n->count; i += 2) {
        const struct node *key = n->items[i];
        if (is_merge(key)) {
            if (merged)
                return fail_at(c, key->mark, e, "duplicate key '<<'");
            merged = true;
            continue;
        }
        if (key->kind == NODE_SCALAR && json_object_get(map, key->text) != NULL)
            return err_set(e, ERR_INPUT, "%s:%lu:%lu: duplicate key '%s'", c->doc->file,
                           key->mark.line, key->mark.column, key->text);
        if ((rc = set_member(c, map, key, n->items[i + 1], depth, e)) < 0)
            return rc;
    }
    for (size_t i = 0; i < n->count; i += 2) {
        rc = is_merge(n->items[i]) ? merge_into(c, map, n->items[i + 1], depth + 1, e) : 0;
        if (rc < 0)
            return rc;
    }
    *out = steal_ptr(&map);
    return 0;
}

static int make_value(struct composer *c, const struct node *n, unsigned depth, json_t **out,
                      struct err *e)
{
    int rc = count_value(c, n, e);
    if (rc < 0)
        return rc;
    if (depth > YAML_DEPTH_MAX)
        return fail_at(c, n->mark, e, "nested deeper than 32 levels");
    if (n->kind == NODE_SCALAR)
        return scalar_value(c, n, out, e);
    return n->kind == NODE_LIST ? make_list(c, n, depth, out, e) : make_map(c, n, depth, out, e);
}

static void composer_dispose(struct composer *c)
{
    yaml_parser_delete(&c->parser);
    for (size_t i = 0; i < c->anchor_count; i++)
        free(c->anchors[i].name);
    free(c->anchors);
    while (c->nodes != NULL) {
        struct node *n = c->nodes;
        c->nodes = n->allocated;
        free(n->tag);
        free(n->text);
        free(n->items);
        free(n);
    }
}

int yaml_doc_compose(struct yaml_doc *doc, const void *data, size_t len, bool go,
                     const struct yaml_pass *pass, struct err *e)
{
    struct composer c = {
        .doc = doc, .go = go, .comments = pass != NULL, .source = {.text = data, .len = len}};
    if (!yaml_parser_initialize(&c.parser))
        return err_oom(e);
    yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&c.parser, data, len);
    struct node *root = NULL;
    int rc = compose_document(&c, &root, e);
    /* What looked like a foot was one only behind the last text. */
    for (struct node *n = c.nodes; n != NULL; n = n->allocated)
        n->foot = n->foot && n == c.last;
    if (rc == 0 && root != NULL && pass != NULL)
        rc = yaml_pass_run(root, pass, doc->file, e);
    if (rc == 0 && root != NULL) {
        doc->start = root->mark;
        rc = make_value(&c, root, 0, &doc->root, e);
    }
    composer_dispose(&c);
    return rc;
}
