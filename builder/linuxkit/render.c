/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/render.h"

#include "base/json.h"
#include "builder/linuxkit/json.h"

#include <ctype.h>
#include <string.h>

static bool is_empty(const json_t *value)
{
    if (value == NULL || json_is_false(value))
        return true;
    if (json_is_string(value))
        return json_string_length(value) == 0;
    if (json_is_integer(value))
        return json_integer_value(value) == 0;
    return json_is_array(value) && json_array_size(value) == 0;
}

static json_t *zero_of(const struct linuxkit_node *node)
{
    switch (node->type) {
    case LINUXKIT_TEXT:
        return json_string("");
    case LINUXKIT_BOOL:
        return json_false();
    case LINUXKIT_INT:
    case LINUXKIT_TEXT_OR_INT:
        return json_integer(0);
    case LINUXKIT_LIST:
        return json_array();
    default:
        return json_object();
    }
}

/* Names of Go's JSON tags where they are not the schema's, and yaml's of untagged fields. */
static int member_name(const struct linuxkit_node *parent, const char *key, enum linuxkit_form form,
                       char **out, struct err *e)
{
    int rc = 0;
    if (!parent->runtime_spec || form == LINUXKIT_FORM_WRITTEN)
        return str_copy(out, key, e);
    if (form == LINUXKIT_FORM_JSON || form == LINUXKIT_FORM_SPEC) {
        bool map = strcmp(key, "uidmappings") == 0 || strcmp(key, "gidmappings") == 0;
        if (map)
            return str_format(out, e, "%cidMappings", key[0]);
        return str_copy(out, strcmp(key, "blockio") == 0 ? "blockIO" : key, e);
    }
    /* Go's field HugepageLimits has no other name in JSON than its tag; in YAML it is lowered. */
    rc = str_copy(out, key, e);
    for (char *p = rc == 0 ? *out : NULL; p != NULL && *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return rc;
}

/* Whether a member stays out. *use is what is written of the given value: NULL = its zero. */
static bool left_out(const struct linuxkit_node *parent, const struct linuxkit_field *f,
                     enum linuxkit_form form, const json_t **use)
{
    const json_t *given = *use;
    bool dropped = f->show >= LINUXKIT_DROPPED;
    bool hidden = f->show == LINUXKIT_HIDDEN || f->show == LINUXKIT_HIDDEN_NULL;
    bool strict = form == LINUXKIT_FORM_SPEC || form == LINUXKIT_FORM_WRITTEN;
    if (hidden && strict)
        return true;
    if (dropped && !(strict && parent->runtime_spec))
        *use = NULL;
    if (!parent->runtime_spec) {
        if (dropped)
            return true;
        if (f->show == LINUXKIT_IF_SET)
            return is_empty(given);
        if (f->show == LINUXKIT_STRUCT)
            return form != LINUXKIT_FORM_JSON && json_object_size(given) == 0;
        return f->show == LINUXKIT_IF_GIVEN && given == NULL;
    }
    if (form == LINUXKIT_FORM_WRITTEN)
        return given == NULL;
    if (form != LINUXKIT_FORM_JSON && form != LINUXKIT_FORM_SPEC)
        return false;
    if (f->show == LINUXKIT_ALWAYS_NULL || f->show >= LINUXKIT_DROPPED_NULL)
        return *use == NULL;
    if (f->node->type == LINUXKIT_INT || f->node->type == LINUXKIT_BOOL)
        return false;
    if (strcmp(f->key, "destination") == 0 || strcmp(f->key, "name") == 0)
        return false;
    return is_empty(*use);
}

/* uid and gid are interfaces to Go, texts and numbers are as they came. */
static int normal_list(const json_t *value, const struct linuxkit_node *node,
                       enum linuxkit_form form, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = NULL;
        int rc = linuxkit_normal(json_array_get(value, i), node->item, form, &item, e);
        if (rc < 0 || (rc = json_push(list, item, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One character of UTF-8; the text is valid. */
static uint32_t character(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80)
        return p[0];
    if (p[0] < 0xe0)
        return (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU);
    if (p[0] < 0xf0)
        return (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 | (p[2] & 0x3fU);
    return (p[0] & 0x07U) << 18 | (p[1] & 0x3fU) << 12 | (p[2] & 0x3fU) << 6 | (p[3] & 0x3fU);
}

/* Unicode's letters, but for the finer points beyond ASCII: signs, punctuation, symbols, private
 * use and emoji are none, the rest are. */
static bool is_letter(uint32_t c)
{
    static const uint32_t others[][2] = {
        {0x80, 0xa9},     {0xab, 0xb4},       {0xb6, 0xb9},       {0xbb, 0xbf},
        {0xd7, 0xd7},     {0xf7, 0xf7},       {0x2000, 0x2070},   {0x2072, 0x207e},
        {0x2080, 0x208f}, {0x20a0, 0x20ff},   {0x2190, 0x2bff},   {0x3000, 0x3004},
        {0x3007, 0x3030}, {0xe000, 0xf8ff},   {0xfe00, 0xfe6f},   {0xfeff, 0xff20},
        {0xfff0, 0xffff}, {0x1f000, 0x1faff}, {0xf0000, 0x10ffff}};
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (c >= others[i][0] && c <= others[i][1])
            return false;
    return true;
}

/* The digits at `at`, with those before them when they start with zeros, as numbers. */
static void read_digits(const char *text, size_t at, bool counted, uint64_t *value, size_t *end)
{
    *value = counted ? 1 : 0;
    for (*end = at; is_digit(text[*end]); (*end)++)
        *value = *value * 10 + (uint64_t)(text[*end] - '0');
}

/* go-yaml's order of keys: a2 before a10, letters after other characters. */
static bool key_before(const char *a, const char *b, bool third)
{
    size_t i = 0;
    uint64_t an = 0;
    uint64_t bn = 0;
    size_t ai = 0;
    size_t bi = 0;
    while (a[i] != '\0' && a[i] == b[i])
        i++;
    while (i > 0 && ((unsigned char)a[i] & 0xc0) == 0x80)
        i--;
    if (a[i] == '\0' || b[i] == '\0')
        return a[i] == '\0' && b[i] != '\0';
    uint32_t ac = character(a + i);
    uint32_t bc = character(b + i);
    if (is_letter(ac) && is_letter(bc))
        return ac < bc;
    if (is_letter(ac) || is_letter(bc))
        return third && i > 0 && is_digit(a[i - 1]) ? is_letter(ac) : is_letter(bc);
    bool counted = false;
    if (a[i] == '0' || b[i] == '0')
        for (size_t j = i; j > 0 && is_digit(a[j - 1]); j--)
            counted = counted || a[j - 1] != '0';
    read_digits(a, i, counted, &an, &ai);
    read_digits(b, i, counted, &bn, &bi);
    if (an != bn)
        return an < bn;
    return ai != bi ? ai < bi : ac < bc;
}

/* By insertion: go-yaml's order need not be a total one, and this way that does no harm. Maps are
 * small (MAP_MAX of schema.c). */
static void sort_keys(const char **keys, size_t count, enum linuxkit_form form)
{
    for (size_t i = 1; i < count; i++) {
        const char *key = keys[i];
        size_t k = i;
        for (; k > 0; k--) {
            const char *other = keys[k - 1];
            if (!key_before(key, other, form == LINUXKIT_FORM_YAML3))
                break;
            keys[k] = other;
        }
        keys[k] = key;
    }
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int normal_map(const json_t *value, enum linuxkit_form form, json_t **out, struct err *e)
{
    size_t count = json_object_size(value);
    AUTO_FREE const char **keys = array_new(count + 1, sizeof(*keys));
    AUTO_JSON json_t *map = json_object();
    const char *key = NULL;
    json_t *member = NULL;
    size_t n = 0;
    int rc = 0;
    if (keys == NULL || map == NULL)
        return err_oom(e);
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (n < count)
            keys[n++] = key;
    }
    qsort(keys, n, sizeof(*keys), compare_texts);
    if (form != LINUXKIT_FORM_JSON)
        sort_keys(keys, n, form);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = json_put(map, keys[i], json_incref(json_object_get(value, keys[i])), e);
    if (rc == 0)
        *out = steal_ptr(&map);
    return rc;
}

/* A size of huge pages as the runtime specification spells it: 2097152 → "2MB". */
static int page_size(int64_t bytes, json_t **out, struct err *e)
{
    static const char *const units[] = {"B", "KB", "MB", "GB"};
    AUTO_FREE char *text = NULL;
    size_t unit = 0;
    while (unit < 3 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    int rc = str_format(&text, e, "%lld%s", (long long)bytes, units[unit]);
    if (rc == 0 && (*out = json_string(text)) == NULL)
        rc = err_oom(e);
    return rc;
}

static int normal_object(const json_t *value, const struct linuxkit_node *node,
                         enum linuxkit_form form, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    if (object == NULL)
        return err_oom(e);
    for (const struct linuxkit_field *f = node->fields; f->key != NULL; f++) {
        AUTO_FREE char *name = NULL;
        const json_t *use = json_object_get(value, f->key);
        json_t *member = NULL;
        int rc = 0;
        if (left_out(node, f, form, &use))
            continue;
        if (use != NULL && form == LINUXKIT_FORM_SPEC && strcmp(f->key, "pageSize") == 0)
            rc = page_size(linuxkit_integer(use), &member, e);
        else if (use != NULL)
            rc = linuxkit_normal(use, f->node, form, &member, e);
        else if (f->show == LINUXKIT_ALWAYS_NULL || f->show == LINUXKIT_DROPPED_NULL ||
                 f->show == LINUXKIT_HIDDEN_NULL)
            member = json_null();
        else
            member = zero_of(f->node);
        if (rc < 0 || (rc = member_name(node, f->key, form, &name, e)) < 0) {
            json_decref(member);
            return rc;
        }
        if ((rc = json_put(object, name, member, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&object);
    return 0;
}

int linuxkit_normal(const json_t *value, const struct linuxkit_node *node, enum linuxkit_form form,
                    json_t **out, struct err *e)
{
    switch (node->type) {
    case LINUXKIT_LIST:
        return normal_list(value, node, form, out, e);
    case LINUXKIT_MAP:
        return normal_map(value, form, out, e);
    case LINUXKIT_OBJECT:
        return normal_object(value, node, form, out, e);
    case LINUXKIT_INT:
        *out = json_integer(linuxkit_integer(value));
        return *out == NULL ? err_oom(e) : 0;
    default:
        *out = json_deep_copy(value);
        return *out == NULL ? err_oom(e) : 0;
    }
}

/* Go: a list that nobody appended to is nil, which JSON writes as null. */
static int null_lists(json_t *document, struct err *e)
{
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach(document, key, member)
    {
        if (json_is_array(member) && json_array_size(member) == 0 &&
            json_object_set_new(document, key, json_null()) < 0)
            return err_oom(e);
    }
    return 0;
}

int linuxkit_render(const json_t *document, enum linuxkit_form form, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *normal = NULL;
    int rc = linuxkit_normal(document, &linuxkit_document, form, &normal, e);
    if (rc < 0)
        return rc;
    if (form != LINUXKIT_FORM_JSON)
        return linuxkit_yaml_format(normal, form, out, e);
    if ((rc = null_lists(normal, e)) < 0)
        return rc;
    return linuxkit_json_format(normal, 4, out, e);
}

int linuxkit_render_strict(const json_t *document, bool yaml, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *normal = NULL;
    int rc = linuxkit_normal(document, &linuxkit_document, LINUXKIT_FORM_WRITTEN, &normal, e);
    if (rc < 0)
        return rc;
    if (yaml)
        return linuxkit_yaml_format(normal, LINUXKIT_FORM_YAML2, out, e);
    if ((rc = null_lists(normal, e)) < 0)
        return rc;
    return linuxkit_json_format(normal, 4, out, e);
}
