/* SPDX-License-Identifier: Apache-2.0 */
/* What moved between two plans. Inputs, steps and outputs are matched by their names. */
#include "builder/plan/show.h"

#include <stdint.h>
#include <string.h>

enum { CHANGES_MAX = 10000, VALUE_TEXT_MAX = 96, PATH_MAX_BYTES = 65536 };

struct diff {
    json_t *changes;
    const char *part;
    const char *id; /* NULL for parts that are one of a kind */
};

/* A value as text: a string as it is, all else as canonical JSON. */
static int value_text(const json_t *value, struct buf *out, struct err *e)
{
    if (value == NULL)
        return buf_add_str(out, "nothing", e);
    return json_is_string(value) ? buf_add_str(out, json_string_value(value), e)
                                 : jcs_format(value, out, e);
}

/* What a terminal shows of the first `len` bytes when all that it would not show is spelt. */
static size_t spelt_length(const char *text, size_t len)
{
    char piece[TEXT_ESCAPE_MAX];
    size_t sum = 0;
    for (size_t n, at = 0; at < len && (n = text_escape(text + at, piece)) > 0; at += n)
        sum += strlen(piece);
    return sum;
}

/* How far both are the same, in whole characters, less a few that tell where one is. */
static size_t place_of_difference(const char *a, const char *b, bool spelt)
{
    enum { CONTEXT = 32 };
    char piece[TEXT_ESCAPE_MAX];
    size_t same = 0;
    while (a[same] != '\0' && a[same] == b[same])
        same++;
    size_t start = text_head(a, same > CONTEXT ? same - CONTEXT : 0);
    while (spelt && start < same && spelt_length(a + start, same - start) > CONTEXT)
        start += text_escape(a + start, piece);
    return start < same ? start : text_head(a, same);
}

/*
 * What is there from `start` on, as much as fits a line. Where one of the two has characters that a
 * terminal would not show, both are spelt so that they never look the same.
 */
static int add_window(const char *text, size_t start, bool spelt, struct buf *out, struct err *e)
{
    char piece[TEXT_ESCAPE_MAX];
    size_t room = VALUE_TEXT_MAX;
    const char *from = text + start;
    int rc = start > 0 ? buf_add_str(out, "...", e) : 0;
    if (rc == 0 && !spelt) {
        size_t len = text_head(from, room);
        rc = buf_add(out, from, len, e);
        from += len;
    }
    for (size_t n; rc == 0 && spelt && (n = text_escape(from, piece)) > 0; from += n) {
        if (strlen(piece) > room)
            break;
        room -= strlen(piece);
        rc = buf_add_str(out, piece, e);
    }
    return rc < 0 || *from == '\0' ? rc : buf_add_str(out, "...", e);
}

/* "before -> after"; of long ones the place where they differ. */
static int add_values(const json_t *before, const char *between, const json_t *after,
                      struct buf *out, struct err *e)
{
    AUTO_BUF a = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_BUF b = BUF_INIT(PLAN_BYTES_MAX);
    int rc;
    if ((rc = value_text(before, &a, e)) < 0 || (rc = value_text(after, &b, e)) < 0)
        return rc;
    bool spelt = !text_is_harmless(buf_str(&a)) || !text_is_harmless(buf_str(&b));
    size_t one = spelt ? spelt_length(buf_str(&a), a.len) : a.len;
    size_t other = spelt ? spelt_length(buf_str(&b), b.len) : b.len;
    size_t start = 0;
    if (one > VALUE_TEXT_MAX || other > VALUE_TEXT_MAX)
        start = place_of_difference(buf_str(&a), buf_str(&b), spelt);
    if (start > 0 && (rc = buf_addf(out, e, "from byte %zu on: ", start)) < 0)
        return rc;
    if ((rc = add_window(buf_str(&a), start, spelt, out, e)) < 0 ||
        (rc = buf_add_str(out, between, e)) < 0)
        return rc;
    return add_window(buf_str(&b), start, spelt, out, e);
}

static int add_subject(const struct diff *d, const char *path, struct buf *text, struct err *e)
{
    int rc = d->id == NULL ? buf_add_str(text, d->part, e)
                           : buf_addf(text, e, "%s '%s'", d->part, d->id);
    if (rc == 0 && path != NULL && *path != '\0')
        rc = buf_addf(text, e, ": %s", path);
    return rc;
}

static int push_change(struct diff *d, const char *change, const char *path, json_t *before,
                       json_t *after, const char *text, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    int rc;
    if (o == NULL)
        return err_oom(e);
    if (json_array_size(d->changes) >= CHANGES_MAX)
        return err_set(e, ERR_INPUT, "the plans differ in more than %d places", CHANGES_MAX);
    if ((rc = json_put_string(o, "part", d->part, e)) < 0 ||
        (d->id != NULL && (rc = json_put_string(o, "id", d->id, e)) < 0) ||
        (rc = json_put_string(o, "change", change, e)) < 0 ||
        (path != NULL && (rc = json_put_string(o, "path", path, e)) < 0) ||
        (before != NULL && (rc = json_put(o, "before", json_incref(before), e)) < 0) ||
        (after != NULL && (rc = json_put(o, "after", json_incref(after), e)) < 0) ||
        (rc = json_put_string(o, "text", text, e)) < 0)
        return rc;
    return json_push(d->changes, steal_ptr(&o), e);
}

static int changed(struct diff *d, const char *path, json_t *before, json_t *after, struct err *e)
{
    AUTO_BUF text = BUF_INIT(PATH_MAX_BYTES);
    int rc;
    if ((rc = add_subject(d, path, &text, e)) < 0 || (rc = buf_add_str(&text, ": ", e)) < 0 ||
        (rc = add_values(before, " -> ", after, &text, e)) < 0)
        return rc;
    return push_change(d, "changed", path, before, after, buf_str(&text), e);
}

static int diff_value(struct diff *d, const char *path, json_t *before, json_t *after,
                      struct err *e);

static int diff_member(struct diff *d, const char *path, const char *key, json_t *before,
                       json_t *after, struct err *e)
{
    AUTO_FREE char *inner = NULL;
    int rc = str_format(&inner, e, "%s%s%s", path, *path == '\0' ? "" : ".", key);
    return rc < 0
               ? rc
               : diff_value(d, inner, json_object_get(before, key), json_object_get(after, key), e);
}

/* Members in the order of the documents, which are canonical: sorted. */
static int diff_object(struct diff *d, const char *path, json_t *before, json_t *after,
                       struct err *e)
{
    const char *key;
    json_t *value;
    int rc = 0;
    json_object_foreach(before, key, value)
    {
        if ((rc = diff_member(d, path, key, before, after, e)) < 0)
            return rc;
    }
    json_object_foreach(after, key, value)
    {
        if (json_object_get(before, key) == NULL &&
            (rc = diff_member(d, path, key, before, after, e)) < 0)
            return rc;
    }
    return rc;
}

static int diff_array(struct diff *d, const char *path, json_t *before, json_t *after,
                      struct err *e)
{
    for (size_t i = 0; i < json_array_size(before); i++) {
        AUTO_FREE char *inner = NULL;
        int rc = str_format(&inner, e, "%s[%zu]", path, i);
        if (rc < 0 ||
            (rc = diff_value(d, inner, json_array_get(before, i), json_array_get(after, i), e)) < 0)
            return rc;
    }
    return 0;
}

static int diff_value(struct diff *d, const char *path, json_t *before, json_t *after,
                      struct err *e)
{
    if (before != NULL && after != NULL && json_equal(before, after))
        return 0;
    if (json_is_object(before) && json_is_object(after))
        return diff_object(d, path, before, after, e);
    if (json_is_array(before) && json_is_array(after) &&
        json_array_size(before) == json_array_size(after))
        return diff_array(d, path, before, after, e);
    return changed(d, path, before, after, e);
}

/* ---- lists of named things ---- */

/* What names the version of an input, by origin; what a person wants to know first. */
static const struct version_of {
    const char *origin, *member, *what; /* what: "package %s", from `name` */
    const char *name;
} versions[] = {
    {"debian", "version", "package %s goes from version", "package"},
    {"oci", "manifest", "image %s goes from manifest", "repository"},
    {"docker-archive", "config", "docker image %s goes from", "image"},
    {"git", "commit", "git %s goes from commit", "repository"},
    {"directory", "tree", "directory %s goes from tree", "name"},
};

/* "package x goes from version 1 to 2"; *said tells whether there was such a line to say. */
static int diff_version(struct diff *d, const struct version_of *v, const json_t *before,
                        const json_t *after, bool *said, struct err *e)
{
    const json_t *a = json_object_get(json_object_get(before, "from"), v->origin);
    const json_t *b = json_object_get(json_object_get(after, "from"), v->origin);
    json_t *old = json_object_get(a, v->member), *new = json_object_get(b, v->member);
    AUTO_BUF text = BUF_INIT(PATH_MAX_BYTES);
    AUTO_FREE char *path = NULL;
    *said = old != NULL && new != NULL && !json_equal(old, new);
    if (!*said)
        return 0;
    const char *name = json_string_value(json_object_get(b, v->name));
    const char *mark = strstr(v->what, "%s");
    int rc = buf_addf(&text, e, "input '%s': %.*s%s%s ", d->id, (int)(mark - v->what), v->what,
                      name != NULL ? name : "", mark + (name != NULL ? 2 : 3));
    if (rc < 0 || (rc = add_values(old, " to ", new, &text, e)) < 0 ||
        (rc = str_format(&path, e, "from.%s.%s", v->origin, v->member)) < 0)
        return rc;
    return push_change(d, "changed", path, old, new, buf_str(&text), e);
}

static int diff_input(struct diff *d, json_t *before, json_t *after, struct err *e)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        bool said = false;
        int rc = diff_version(d, &versions[i], before, after, &said, e);
        if (rc < 0 || said)
            return rc;
    }
    return diff_value(d, "", before, after, e);
}

static int whole(struct diff *d, bool is_new, json_t *item, struct err *e)
{
    AUTO_BUF text = BUF_INIT(PATH_MAX_BYTES);
    int rc = buf_addf(&text, e, "%s '%s' is %s", d->part, d->id, is_new ? "new" : "gone");
    const json_t *from = json_object_get(item, "from");
    if (rc == 0 && json_is_object(from) && (rc = buf_add_str(&text, ": ", e)) == 0)
        rc = plan_origin(from, &text, e);
    return rc < 0 ? rc
                  : push_change(d, is_new ? "added" : "removed", NULL, is_new ? NULL : item,
                                is_new ? item : NULL, buf_str(&text), e);
}

/* name -> its object (borrowed names, shared values); only looked up. */
static int index_list(json_t *list, const char *key, json_t **out, struct err *e)
{
    AUTO_JSON json_t *index = json_object();
    size_t i;
    json_t *item;
    if (index == NULL)
        return err_oom(e);
    json_array_foreach(list, i, item)
    {
        int rc =
            json_put(index, json_string_value(json_object_get(item, key)), json_incref(item), e);
        if (rc < 0)
            return rc;
    }
    *out = steal_ptr(&index);
    return 0;
}

static bool same_order(json_t *before, json_t *after, const char *key)
{
    if (json_array_size(before) != json_array_size(after))
        return true; /* something is new or gone, which was said */
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!json_equal(json_object_get(json_array_get(before, i), key),
                        json_object_get(json_array_get(after, i), key)))
            return false;
    return true;
}

static int diff_list(struct diff *d, const char *list, const char *key, json_t *before,
                     json_t *after, struct err *e)
{
    AUTO_JSON json_t *old = NULL;
    AUTO_JSON json_t *new = NULL;
    json_t *a = json_object_get(before, list), *b = json_object_get(after, list), *item;
    size_t i, seen = json_array_size(d->changes);
    int rc = index_list(a, key, &old, e);
    if (rc < 0 || (rc = index_list(b, key, &new, e)) < 0)
        return rc;
    json_array_foreach(a, i, item)
    {
        d->id = json_string_value(json_object_get(item, key));
        json_t *other = json_object_get(new, d->id);
        rc = other == NULL                 ? whole(d, false, item, e)
             : strcmp(list, "inputs") == 0 ? diff_input(d, item, other, e)
                                           : diff_value(d, "", item, other, e);
        if (rc < 0)
            return rc;
    }
    json_array_foreach(b, i, item)
    {
        d->id = json_string_value(json_object_get(item, key));
        if (json_object_get(old, d->id) == NULL && (rc = whole(d, true, item, e)) < 0)
            return rc;
    }
    d->id = NULL;
    if (json_array_size(d->changes) == seen && !same_order(a, b, key)) {
        AUTO_BUF text = BUF_INIT(256);
        rc = buf_addf(&text, e, "the order of the %s changed", list);
        return rc < 0 ? rc : push_change(d, "changed", list, NULL, NULL, buf_str(&text), e);
    }
    return 0;
}

int plan_diff(const struct plan *before, const struct plan *after, json_t **out, struct err *e)
{
    static const struct {
        const char *part, *key, *name; /* name: lists are matched by it */
    } parts[] = {
        {"plan", "name", NULL},           {"plan", "arch", NULL},     {"plan", "epoch", NULL},
        {"toolchain", "toolchain", NULL}, {"input", "inputs", "id"},  {"step", "steps", "id"},
        {"output", "outputs", "name"},    {"recipe", "recipe", NULL},
    };
    AUTO_JSON json_t *changes = json_array();
    if (changes == NULL)
        return err_oom(e);
    struct diff d = {.changes = changes};
    json_t *a = before->document, *b = after->document;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        bool scalar = strcmp(parts[i].part, "plan") == 0;
        d.part = parts[i].part;
        d.id = NULL;
        int rc = parts[i].name != NULL
                     ? diff_list(&d, parts[i].key, parts[i].name, a, b, e)
                     : diff_value(&d, scalar ? parts[i].key : "", json_object_get(a, parts[i].key),
                                  json_object_get(b, parts[i].key), e);
        if (rc < 0)
            return rc;
    }
    *out = steal_ptr(&changes);
    return 0;
}
