/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml/ycur.h"

#include "base/nearest.h"

#include <stdarg.h>
#include <string.h>

struct ycur ycur_root(const struct yaml_doc *doc)
{
    struct ycur c = {.doc = doc, .value = yaml_doc_root(doc)};
    return c;
}

struct ycur ycur_json(json_t *value, const char *what)
{
    struct ycur c = {.value = value, .key = what};
    return c;
}

/* "at $.a[3].b", built from the leaf up into the end of `text`. */
static const char *json_path(const struct ycur *c, char *text, size_t size)
{
    size_t at = size - 1;
    text[at] = '\0';
    for (; c->up != NULL; c = c->up) {
        char part[160];
        if (c->key != NULL)
            (void)text_print(part, sizeof(part), ".%.128s", c->key);
        else
            (void)text_print(part, sizeof(part), "[%zu]", c->index);
        size_t len = strlen(part);
        if (len >= at)
            break;
        at -= len;
        memcpy(text + at, part, len);
    }
    if (at > 0)
        text[--at] = '$';
    return text + at;
}

/* The place of this value; of the nearest value around it that has one (merged documents). */
static struct yaml_mark find_mark(const struct ycur *c, bool at_key)
{
    struct yaml_mark value = yaml_doc_start(c->doc);
    struct yaml_mark key = value;
    while (c->up != NULL && !yaml_doc_find(c->doc, c->up->value, c->key, c->index, &value, &key))
        c = c->up;
    return at_key ? key : value;
}

static int fail(const struct ycur *c, bool at_key, enum err_code code, struct err *e,
                const char *text)
{
    if (c->doc == NULL) {
        char path[400];
        return err_set(e, code, "at %s: %s", json_path(c, path, sizeof(path)), text);
    }
    struct yaml_mark m = find_mark(c, at_key);
    return err_set(e, code, "%s:%lu:%lu: %s", m.file, m.line, m.column, text);
}

int ycur_where(const struct ycur *c, char **out, struct err *e)
{
    if (c->doc == NULL) {
        char path[400];
        return str_format(out, e, "at %s", json_path(c, path, sizeof(path)));
    }
    /* Of a map the key says more than its first line. */
    struct yaml_mark m = find_mark(c, !json_is_string(c->value));
    return str_format(out, e, "%s:%lu:%lu", m.file, m.line, m.column);
}

const char *ycur_file(const struct ycur *c)
{
    return c->doc == NULL ? NULL : find_mark(c, false).file;
}

int ycur_fail(const struct ycur *c, enum err_code code, struct err *e, const char *fmt, ...)
{
    char text[ERR_FRAME_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, ap);
    va_end(ap);
    return fail(c, false, code, e, text);
}

int ycur_fail_key(const struct ycur *c, enum err_code code, struct err *e, const char *fmt, ...)
{
    char text[ERR_FRAME_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, ap);
    va_end(ap);
    return fail(c, true, code, e, text);
}

/* As many are seen at a glance. */
enum { FEW_NAMES = 8 };

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "a map";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
        return "a number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "nothing";
    }
}

static int want(const struct ycur *c, const char *what, struct err *e)
{
    const char *got = type_name(c->value);
    if (c->key != NULL && c->up != NULL)
        return ycur_fail(c, ERR_INPUT, e, "'%s' must be %s, not %s", c->key, what, got);
    return ycur_fail(c, ERR_INPUT, e, "this must be %s, not %s", what, got);
}

int ycur_open_map(const struct ycur *c, struct err *e)
{
    return json_is_object(c->value) ? 0 : want(c, "a map", e);
}

static int unknown_key(const struct ycur *c, const char *key, const char *const *keys,
                       struct err *e)
{
    struct ycur member = {c->doc, json_object_get(c->value, key), c, key, 0};
    const char *near = nearest_name(key, keys);
    if (near != NULL)
        return ycur_fail_key(&member, ERR_INPUT, e, "unknown key '%.64s' (did you mean '%s'?)", key,
                             near);
    return ycur_fail_key(&member, ERR_INPUT, e, "unknown key '%.64s'", key);
}

int ycur_map(const struct ycur *c, const char *const *keys, struct err *e)
{
    int rc = ycur_open_map(c, e);
    if (rc < 0)
        return rc;
    for (void *i = json_object_iter(c->value); i != NULL; i = json_object_iter_next(c->value, i)) {
        const char *key = json_object_iter_key(i);
        size_t k = 0;
        while (keys[k] != NULL && strcmp(keys[k], key) != 0)
            k++;
        if (keys[k] == NULL)
            return unknown_key(c, key, keys, e);
    }
    return 0;
}

int ycur_list(const struct ycur *c, size_t max, size_t *count, struct err *e)
{
    if (!json_is_array(c->value))
        return want(c, "a list", e);
    if (json_array_size(c->value) > max)
        return ycur_fail(c, ERR_INPUT, e, "more than %zu items", max);
    *count = json_array_size(c->value);
    return 0;
}

bool ycur_opt(const struct ycur *c, const char *key, struct ycur *out)
{
    json_t *value = json_object_get(c->value, key);
    if (value == NULL)
        return false;
    *out = (struct ycur){c->doc, value, c, key, 0};
    return true;
}

int ycur_get(const struct ycur *c, const char *key, struct ycur *out, struct err *e)
{
    if (!ycur_opt(c, key, out))
        return ycur_fail(c, ERR_INPUT, e, "the key '%s' is missing", key);
    return 0;
}

struct ycur ycur_item(const struct ycur *c, size_t index)
{
    struct ycur item = {c->doc, json_array_get(c->value, index), c, NULL, index};
    return item;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int ycur_keys(const struct ycur *c, const char ***keys, size_t *count, struct err *e)
{
    size_t n = json_object_size(c->value);
    const char **list = array_new(n + 1, sizeof(*list));
    if (list == NULL)
        return err_oom(e);
    size_t i = 0;
    for (void *it = json_object_iter(c->value); it != NULL && i < n;
         it = json_object_iter_next(c->value, it))
        list[i++] = json_object_iter_key(it);
    /* The keys of a map are unique, so this is a total order. */
    qsort(list, i, sizeof(*list), compare_names);
    *keys = list;
    *count = i;
    return 0;
}

int ycur_text0(const struct ycur *c, size_t max, const char **out, struct err *e)
{
    if (!json_is_string(c->value))
        return want(c, "a text", e);
    if (json_string_length(c->value) > max)
        return ycur_fail(c, ERR_INPUT, e, "a text of more than %zu bytes", max);
    if (strlen(json_string_value(c->value)) != json_string_length(c->value))
        return ycur_fail(c, ERR_INPUT, e, "a text with a NUL character");
    *out = json_string_value(c->value);
    return 0;
}

int ycur_text(const struct ycur *c, size_t max, const char **out, struct err *e)
{
    const char *text = "";
    int rc = ycur_text0(c, max, &text, e);
    if (rc < 0 || text == NULL)
        return rc;
    if (text[0] == '\0')
        return ycur_fail(c, ERR_INPUT, e, "an empty text");
    *out = text;
    return 0;
}

int ycur_bool(const struct ycur *c, bool *out, struct err *e)
{
    if (!json_is_boolean(c->value))
        return want(c, "true or false", e);
    *out = json_is_true(c->value);
    return 0;
}

int ycur_int(const struct ycur *c, int64_t min, int64_t max, int64_t *out, struct err *e)
{
    if (!json_is_integer(c->value))
        return want(c, "a number", e);
    json_int_t v = json_integer_value(c->value);
    if (v < min || v > max)
        return ycur_fail(c, ERR_INPUT, e, "%lld is not between %lld and %lld", (long long)v,
                         (long long)min, (long long)max);
    *out = v;
    return 0;
}

int ycur_choice(const struct ycur *c, const char *const *names, size_t *out, struct err *e)
{
    const char *text = "";
    int rc = ycur_text0(c, SIZE_MAX, &text, e);
    if (rc < 0 || text == NULL)
        return rc;
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    AUTO_BUF all = BUF_INIT(1024);
    char hint[NEAREST_HINT_MAX] = "";
    size_t count = 0;
    while (names[count] != NULL)
        count++;
    if (count > FEW_NAMES)
        nearest_hint(text, names, "", hint);
    for (size_t i = 0; names[i] != NULL; i++)
        if ((rc = buf_addf(&all, e, "%s%s", i == 0 ? "" : ", ", names[i])) < 0)
            return rc;
    return ycur_fail(c, ERR_INPUT, e, "'%.64s' is not one of %s%s", text, buf_str(&all), hint);
}
