/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/contradictions.h"

#include "base/json.h"

#include <string.h>

enum { PATH_BYTES_MAX = 65536, TEXT_BYTES_MAX = 400, VALUE_BYTES_MAX = 100 };

/* What in-toto v1 and SLSA v1 define: a member of one of these names means something wherever it
 * stands. */
static const char *const defined[] = {"_type",
                                      "subject",
                                      "predicateType",
                                      "predicate",
                                      "name",
                                      "uri",
                                      "digest",
                                      "content",
                                      "mediaType",
                                      "downloadLocation",
                                      "annotations",
                                      "buildDefinition",
                                      "runDetails",
                                      "buildType",
                                      "externalParameters",
                                      "internalParameters",
                                      "builder",
                                      "metadata",
                                      "resolvedDependencies",
                                      "builderDependencies",
                                      "byproducts",
                                      "id",
                                      "version"};

/* Their members are named by who signs, and all of them count. */
static const char *const closed[] = {"digest", "externalParameters", "internalParameters",
                                     "version"};

struct walk {
    struct contradictions *out;
    struct buf *path;
    bool closed;
};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof((names)[0]))

static bool is_empty(const json_t *v)
{
    return v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0);
}

/* No document of others has a member of this name where it could be taken for one of ours: what has
 * to be is made here, and where it holds parts of a document, equality is looked at first. */
static const char any_member[] = "\001any";

json_t *contradictions_any(enum contradictions_any what)
{
    return json_pack("{s:i}", any_member, (int)what);
}

/* Which one a value stands for; -1 = it is a value. */
static int any_of(const json_t *v)
{
    const json_t *what = json_object_get(v, any_member);
    return what == NULL ? -1 : (int)json_integer_value(what);
}

static int push(json_t **list, const char *text, struct err *e)
{
    if (*list == NULL && (*list = json_array()) == NULL)
        return err_oom(e);
    if (json_array_size(*list) >= CONTRADICTIONS_LISTED)
        return 0;
    return json_push(*list, json_stringn(text, strlen(text)), e);
}

static bool holds_any(const json_t *v)
{
    const char *name;
    json_t *member;
    if (any_of(v) >= 0)
        return true;
    for (size_t i = 0; i < json_array_size(v); i++)
        if (holds_any(json_array_get(v, i)))
            return true;
    json_object_foreach((json_t *)(uintptr_t)v, name, member)
    {
        if (holds_any(member))
            return true;
    }
    return false;
}

/* A value in a few words. */
static int describe(const json_t *v, char *text, size_t size, struct err *e)
{
    AUTO_FREE char *all = NULL;
    static const char *const any[] = {"any text", "a SHA-256", "hex digits"};
    const int kind = any_of(v);
    if (kind >= 0 && kind <= ANY_HEX) {
        (void)text_print(text, size, "%s", any[kind]);
        return 0;
    }
    if (v == NULL || holds_any(v)) {
        (void)text_print(text, size, "%s", v == NULL ? "nothing" : "what a build gives");
        return 0;
    }
    if (!json_is_string(v) && (all = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY)) == NULL)
        return err_oom(e);
    const char *whole = all != NULL ? all : json_string_value(v);
    size_t head = text_head(whole, VALUE_BYTES_MAX);
    (void)text_print(text, size, "'%.*s'%s", (int)head, whole, whole[head] != 0 ? "…" : "");
    return 0;
}

static int contradict(struct walk *w, const json_t *wanted, const json_t *found, struct err *e)
{
    char should[VALUE_BYTES_MAX + 16];
    char is[VALUE_BYTES_MAX + 16];
    char text[TEXT_BYTES_MAX];
    int rc = describe(wanted, should, sizeof(should), e);
    if (rc == 0)
        rc = describe(found, is, sizeof(is), e);
    if (rc < 0)
        return rc;
    (void)text_print(text, sizeof(text), "%.150s is %s, it should be %s", buf_str(w->path), is,
                     should);
    w->out->count++;
    return push(&w->out->list, text, e);
}

static bool is_hex(const json_t *v, size_t len)
{
    const char *text = json_string_value(v);
    if (text == NULL)
        return false;
    size_t n = strspn(text, "0123456789abcdef");
    return text[n] == 0 && n > 0 && n % 2 == 0 && (len == 0 || n == len);
}

static bool fits(int any, const json_t *found)
{
    switch (any) {
    case ANY_TEXT:
        return json_is_string(found) || is_empty(found);
    case ANY_SHA256:
        return is_hex(found, 64);
    default:
        return is_hex(found, 0);
    }
}

static int compare(struct walk *w, const json_t *wanted, const json_t *found, struct err *e);

/* One step down, and back. */
static int below(struct walk *w, const char *name, size_t index, const json_t *wanted,
                 const json_t *found, struct err *e)
{
    size_t len = w->path->len;
    bool was_closed = w->closed;
    int rc = name == NULL ? buf_addf(w->path, e, "[%zu]", index)
                          : buf_addf(w->path, e, "%s%.100s", len > 0 ? "." : "", name);
    if (rc < 0)
        return rc;
    w->closed = was_closed || (name != NULL && IS_AMONG(name, closed));
    rc = compare(w, wanted, found, e);
    w->closed = was_closed;
    w->path->len = len;
    w->path->data[len] = 0;
    return rc;
}

/* A member that should not be there. */
static int stranger(struct walk *w, const char *name, const json_t *found, struct err *e)
{
    size_t len = w->path->len;
    bool passed = !w->closed && (!IS_AMONG(name, defined) || strcmp(name, "metadata") == 0);
    if (is_empty(found))
        return 0;
    if (!passed)
        return below(w, name, 0, NULL, found, e);
    int rc = buf_addf(w->path, e, "%s%.100s", len > 0 ? "." : "", name);
    if (rc == 0)
        rc = push(&w->out->passed, buf_str(w->path), e);
    w->path->len = len;
    w->path->data[len] = 0;
    return rc;
}

static int compare_objects(struct walk *w, const json_t *wanted, const json_t *found, struct err *e)
{
    const char *name;
    json_t *member;
    int rc = 0;
    json_object_foreach((json_t *)(uintptr_t)wanted, name, member)
    {
        rc = below(w, name, 0, member, json_object_get(found, name), e);
        if (rc < 0)
            return rc;
    }
    json_object_foreach((json_t *)(uintptr_t)found, name, member)
    {
        if (json_object_get(wanted, name) == NULL && (rc = stranger(w, name, member, e)) < 0)
            return rc;
    }
    return rc;
}

static int compare_arrays(struct walk *w, const json_t *wanted, const json_t *found, struct err *e)
{
    size_t n = json_array_size(wanted);
    size_t m = json_array_size(found);
    int rc = 0;
    for (size_t i = 0; rc == 0 && (i < n || i < m); i++)
        rc = below(w, NULL, i, json_array_get(wanted, i), json_array_get(found, i), e);
    return rc;
}

static int compare(struct walk *w, const json_t *wanted, const json_t *found, struct err *e)
{
    if (json_equal(wanted, found) || (is_empty(wanted) && is_empty(found)))
        return 0;
    if (any_of(wanted) >= 0)
        return fits(any_of(wanted), found) ? 0 : contradict(w, wanted, found, e);
    if (json_is_object(wanted) && json_is_object(found))
        return compare_objects(w, wanted, found, e);
    if (json_is_array(wanted) && json_is_array(found))
        return compare_arrays(w, wanted, found, e);
    return contradict(w, wanted, found, e);
}

int contradictions_find(const json_t *wanted, const json_t *found, const char *path,
                        struct contradictions *out, struct err *e)
{
    AUTO_BUF at = BUF_INIT(PATH_BYTES_MAX);
    int rc = buf_add_str(&at, path, e);
    struct walk w = {.out = out, .path = &at};
    return rc < 0 ? rc : compare(&w, wanted, found, e);
}

void contradictions_dispose(struct contradictions *c)
{
    json_decref(steal_ptr(&c->list));
    json_decref(steal_ptr(&c->passed));
    c->count = 0;
}

void contradictions_clause(const struct contradictions *c, char *text, size_t size)
{
    const char *first = json_string_value(json_array_get(c->list, 0));
    text[0] = 0;
    if (c->count > 1)
        (void)text_print(text, size, "%s, and %zu more", first != NULL ? first : "", c->count - 1);
    else if (c->count == 1)
        (void)text_print(text, size, "%s", first != NULL ? first : "");
}
