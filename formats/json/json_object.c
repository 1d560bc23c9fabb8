/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/json/json_object.h"

#include "base/json.h"

#include <inttypes.h>
#include <string.h>

enum {
    DOCUMENT_MAX = 16 << 20,
    PATH_LENGTH_MAX = 1 << 20,
    TEXT_LENGTH_MAX = 1 << 20,
    ORDER_LENGTH_MAX = 256 << 20
};

/* Whole and strict, or it is no JSON: what only begins like it is text. */
static int parse(const struct bytes *bytes, json_t **out, struct err *e)
{
    AUTO_FREE char *text = malloc((size_t)bytes->size + 1);
    if (text == NULL)
        return err_oom(e);
    int rc = bytes_read(bytes, 0, text, (size_t)bytes->size, e);
    return rc < 0 ? rc : json_parse(text, (size_t)bytes->size, bytes->name, NULL, out, e);
}

static bool is_json(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *document = NULL;
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", head[i]) != NULL && head[i] != 0)
        i++;
    if (i == len || (head[i] != '{' && head[i] != '[') || bytes->size > DOCUMENT_MAX)
        return false;
    return parse(bytes, &document, &e) == 0;
}

/* A digest follows from what it names, and stands for it elsewhere. */
static bool is_digest(const char *text)
{
    size_t len = strlen(text);
    return (len == 71 && strncmp(text, "sha256:", 7) == 0 &&
            strspn(text + 7, "0123456789abcdef") == 64) ||
           (len == 135 && strncmp(text, "sha512:", 7) == 0 &&
            strspn(text + 7, "0123456789abcdef") == 128);
}

static bool is_time(const char *text)
{
    int64_t seconds = 0;
    char plain[32];
    size_t len = strcspn(text, ".Z");
    if (len != 19 || text[strlen(text) - 1] != 'Z' ||
        (text[19] == '.' && strspn(text + 20, "0123456789") + 21 != strlen(text)))
        return false;
    (void)snprintf(plain, sizeof(plain), "%.19sZ", text);
    return time_parse(plain, &seconds);
}

struct walk {
    struct object *o;
    struct buf path;
    struct buf order; /* the paths of all values, a line each, as they stand */
};

static int add_value(struct walk *w, const json_t *value, enum field_class class, struct err *e)
{
    AUTO_FREE char *dumped = NULL;
    struct field f = {.name = buf_str(&w->path), .class = class, .form = FIELD_TEXT};
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        if (class == FIELD_MEANING)
            f.class = is_digest(text) ? FIELD_CHECKSUM : is_time(text) ? FIELD_TIME_MADE : class;
        f.data = (const uint8_t *)text;
        f.len = json_string_length(value);
    } else {
        dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (dumped == NULL)
            return err_oom(e);
        f.form = FIELD_LITERAL; /* 1 and "1" are two values */
        f.data = (const uint8_t *)dumped;
        f.len = strlen(dumped);
    }
    int rc = buf_addf(&w->order, e, "%s\n", buf_str(&w->path));
    if (rc < 0)
        return rc;
    if (f.len > TEXT_LENGTH_MAX)
        return err_set(e, ERR_UNDECIDED, "%s: a value is too long to be compared", w->o->name);
    return object_field(w->o, f, e);
}

static int walk_value(struct walk *w, json_t *value, enum field_class class, struct err *e);

static int walk_members(struct walk *w, json_t *value, struct err *e)
{
    size_t before = w->path.len;
    const char *key = NULL;
    json_t *item = NULL;
    /* The size that stands beside a digest is that of what it names. */
    bool descriptor = json_is_string(json_object_get(value, "digest")) &&
                      is_digest(json_string_value(json_object_get(value, "digest")));
    int rc = 0;
    json_object_foreach(value, key, item)
    {
        rc = buf_addf(&w->path, e, "%s%s", before > 0 ? "." : "", key);
        if (rc == 0)
            rc = walk_value(w, item,
                            descriptor && strcmp(key, "size") == 0 ? FIELD_CHECKSUM : FIELD_MEANING,
                            e);
        w->path.len = before;
        if (w->path.data != NULL)
            w->path.data[before] = 0;
        if (rc < 0)
            break;
    }
    return rc;
}

static int walk_items(struct walk *w, json_t *value, struct err *e)
{
    size_t before = w->path.len;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(value); i++) {
        rc = buf_addf(&w->path, e, "[%zu]", i);
        if (rc == 0)
            rc = walk_value(w, json_array_get(value, i), FIELD_MEANING, e);
        w->path.len = before;
        if (w->path.data != NULL)
            w->path.data[before] = 0;
    }
    return rc;
}

static int walk_value(struct walk *w, json_t *value, enum field_class class, struct err *e)
{
    if (json_object_size(value) > 0)
        return walk_members(w, value, e);
    if (json_array_size(value) > 0)
        return walk_items(w, value, e);
    return add_value(w, value, class, e);
}

/* Two keys can give one path ("a.b" and "a" with "b"): then it is read as bytes. */
static int open_json(struct object *o, struct err *e)
{
    struct walk w = {
        .o = o, .path = BUF_INIT(PATH_LENGTH_MAX), .order = BUF_INIT(ORDER_LENGTH_MAX)};
    AUTO_JSON json_t *document = NULL;
    int rc = parse(o->bytes, &document, e);
    if (rc == 0)
        rc = walk_value(&w, document, FIELD_MEANING, e);
    if (rc == 0)
        rc = object_field(o,
                          (struct field){"(order of keys)", FIELD_ORDER, FIELD_TEXT, 0,
                                         w.order.data, w.order.len},
                          e);
    buf_dispose(&w.path);
    buf_dispose(&w.order);
    return rc;
}

const struct object_kind object_kind_json = {
    .name = "json",
    .is = is_json,
    .open = open_json,
};
