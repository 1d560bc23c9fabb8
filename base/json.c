/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/file.h"

#include <string.h>

enum {
    DEFAULT_BYTES = 16 * 1024 * 1024,
    DEFAULT_DEPTH = 64,
    PATH_TEXT_MAX = 256,
};

/*
 * RFC 8785 serialises numbers as IEEE doubles: integers beyond this would not survive. A larger
 * double is refused too, for it can be written as an integer that would then not be read again.
 */
static const int64_t integer_max = ((int64_t)1 << 53) - 1;

/* Depth of nesting, counted before the parser recurses; brackets in strings do not count. */
static int check_depth(const char *p, size_t len, unsigned max, const char *what, struct err *e)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > max)
                return err_set(e, ERR_INPUT, "%s: nested more than %u deep", what, max);
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

static int check_numbers(const json_t *v, const char *what, struct err *e)
{
    int rc = 0;
    if (json_is_real(v)) {
        double n = json_real_value(v);
        if (!(n <= (double)integer_max && n >= -(double)integer_max))
            return err_set(e, ERR_INPUT, "%s: the number %g is beyond 2^53", what, n);
    } else if (json_is_integer(v)) {
        json_int_t n = json_integer_value(v);
        if (n > integer_max || n < -integer_max)
            return err_set(e, ERR_INPUT, "%s: the number %lld is beyond 2^53", what, (long long)n);
    } else if (json_is_array(v)) {
        for (size_t i = 0; rc == 0 && i < json_array_size(v); i++)
            rc = check_numbers(json_array_get(v, i), what, e);
    } else if (json_is_object(v)) {
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)(uintptr_t)v, key, member)
        {
            rc = check_numbers(member, what, e);
            if (rc < 0)
                return rc;
        }
    }
    return rc;
}

int json_parse(const void *data, size_t len, const char *what, const struct json_limits *limits,
               json_t **out, struct err *e)
{
    size_t max_bytes = limits != NULL && limits->bytes > 0 ? limits->bytes : DEFAULT_BYTES;
    unsigned max_depth = limits != NULL && limits->depth > 0 ? limits->depth : DEFAULT_DEPTH;
    if (len > max_bytes)
        return err_set(e, ERR_INPUT, "%s: larger than %zu bytes", what, max_bytes);
    /* The parser skips a NUL byte after a number. */
    if (len > 0 && memchr(data, 0, len) != NULL)
        return err_set(e, ERR_INPUT, "%s: malformed JSON: a NUL byte", what);
    int rc = check_depth(data, len, max_depth, what, e);
    if (rc < 0)
        return rc;
    json_error_t error;
    AUTO_JSON json_t *value =
        json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        if (json_error_code(&error) == json_error_out_of_memory)
            return err_oom(e);
        bool quoted = limits == NULL || !limits->secret; /* its text has what it stumbled over */
        return err_set(e, ERR_INPUT, "%s:%d:%d: malformed JSON%s%s", what, error.line, error.column,
                       quoted ? ": " : "", quoted ? error.text : "");
    }
    rc = check_numbers(value, what, e);
    if (rc < 0)
        return limits == NULL || !limits->secret
                   ? rc
                   : err_set(e, ERR_INPUT, "%s: a number is beyond 2^53", what);
    *out = steal_ptr(&value);
    return 0;
}

int json_read_file(const char *path, const struct json_limits *limits, json_t **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(limits != NULL && limits->bytes > 0 ? limits->bytes : DEFAULT_BYTES);
    int rc = file_read(path, &text, e);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, path, limits, out, e);
    return rc;
}

int json_pretty(const json_t *value, struct buf *out, struct err *e)
{
    AUTO_FREE char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (text == NULL)
        return err_oom(e);
    int rc = buf_add_str(out, text, e);
    if (rc == 0)
        rc = buf_add(out, "\n", 1, e);
    return rc;
}

struct jcur jcur_root(json_t *value, const char *what)
{
    struct jcur c = {.value = value, .up = NULL, .key = what, .index = 0};
    return c;
}

/* "$.inputs[3].digest", built from the root down. */
static void path_text(const struct jcur *c, char *text)
{
    if (c->up == NULL) {
        memcpy(text, "$", 2);
        return;
    }
    path_text(c->up, text);
    size_t used = strlen(text);
    if (c->key != NULL)
        (void)text_print(text + used, PATH_TEXT_MAX - used, ".%.64s", c->key);
    else
        (void)text_print(text + used, PATH_TEXT_MAX - used, "[%zu]", c->index);
}

#ifdef __clang_analyzer__
#undef jcur_fail
#endif
int jcur_fail(const struct jcur *c, struct err *e, const char *fmt, ...)
{
    char path[PATH_TEXT_MAX];
    char message[ERR_FRAME_MAX];
    const struct jcur *root = c;
    while (root->up != NULL)
        root = root->up;
    path_text(c, path);
    va_list args;
    va_start(args, fmt);
    (void)text_vprint(message, sizeof(message), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    return err_set(e, ERR_INPUT, "%s: at %s: %s", root->key != NULL ? root->key : "document", path,
                   message);
}

#ifdef __clang_analyzer__
#define jcur_fail(...) err_is_negative(jcur_fail(__VA_ARGS__))
#endif

static const char *type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

int jcur_open_object(const struct jcur *c, struct err *e)
{
    if (!json_is_object(c->value))
        return jcur_fail(c, e, "expected an object, not %s", type_name(c->value));
    return 0;
}

int jcur_object(const struct jcur *c, const char *const *keys, struct err *e)
{
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    const char *key;
    json_t *member;
    json_object_foreach(c->value, key, member)
    {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i] == NULL)
            return jcur_fail(c, e, "unknown key '%.64s'", key);
    }
    return 0;
}

bool jcur_opt(const struct jcur *c, const char *key, struct jcur *out)
{
    json_t *member = json_object_get(c->value, key);
    if (member == NULL)
        return false;
    struct jcur child = {.value = member, .up = c, .key = key, .index = 0};
    *out = child;
    return true;
}

int jcur_get(const struct jcur *c, const char *key, struct jcur *out, struct err *e)
{
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    if (!jcur_opt(c, key, out))
        return jcur_fail(c, e, "missing key '%s'", key);
    return 0;
}

int jcur_array(const struct jcur *c, size_t max, size_t *count, struct err *e)
{
    if (!json_is_array(c->value))
        return jcur_fail(c, e, "expected an array, not %s", type_name(c->value));
    size_t n = json_array_size(c->value);
    if (n > max)
        return jcur_fail(c, e, "%zu items, at most %zu are allowed", n, max);
    *count = n;
    return 0;
}

int jcur_list(const struct jcur *c, const char *key, size_t max, struct jcur *list, size_t *count,
              struct err *e)
{
    *count = 0;
    if (!jcur_opt(c, key, list))
        *list = (struct jcur){.up = c, .key = key};
    return list->value == NULL || json_is_null(list->value) ? 0 : jcur_array(list, max, count, e);
}

struct jcur jcur_item(const struct jcur *c, size_t index)
{
    struct jcur child = {
        .value = json_array_get(c->value, index), .up = c, .key = NULL, .index = index};
    return child;
}

int jcur_string(const struct jcur *c, size_t max, const char **out, struct err *e)
{
    if (!json_is_string(c->value))
        return jcur_fail(c, e, "expected a string, not %s", type_name(c->value));
    if (json_string_length(c->value) > max)
        return jcur_fail(c, e, "a string of %zu bytes, at most %zu are allowed",
                         json_string_length(c->value), max);
    *out = json_string_value(c->value);
    return 0;
}

int jcur_bool(const struct jcur *c, bool *out, struct err *e)
{
    if (!json_is_boolean(c->value))
        return jcur_fail(c, e, "expected true or false, not %s", type_name(c->value));
    *out = json_is_true(c->value);
    return 0;
}

int jcur_i64(const struct jcur *c, int64_t min, int64_t max, int64_t *out, struct err *e)
{
    if (!json_is_integer(c->value))
        return jcur_fail(c, e, "expected an integer, not %s", type_name(c->value));
    int64_t n = json_integer_value(c->value);
    if (n < min || n > max)
        return jcur_fail(c, e, "%lld is not between %lld and %lld", (long long)n, (long long)min,
                         (long long)max);
    *out = n;
    return 0;
}

int jcur_u64(const struct jcur *c, uint64_t max, uint64_t *out, struct err *e)
{
    int64_t n = 0;
    int rc = jcur_i64(c, 0, max > INT64_MAX ? INT64_MAX : (int64_t)max, &n, e);
    if (rc == 0)
        *out = (uint64_t)n;
    return rc;
}

int jcur_digest(const struct jcur *c, struct digest *out, struct err *e)
{
    const char *text;
    int rc = jcur_string(c, DIGEST_TEXT_MAX, &text, e);
    if (rc < 0)
        return rc;
    struct err inner = ERR_INIT;
    if (digest_parse(text, out, &inner) < 0)
        return jcur_fail(c, e, "%s", inner.frame[0]);
    return 0;
}

int jcur_choice(const struct jcur *c, const char *const *names, size_t *out, struct err *e)
{
    const char *text;
    int rc = jcur_string(c, 256, &text, e);
    if (rc < 0)
        return rc;
    AUTO_BUF all = BUF_INIT(1024);
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = i;
            return 0;
        }
        rc = buf_addf(&all, e, "%s%s", i > 0 ? ", " : "", names[i]);
        if (rc < 0)
            return rc;
    }
    return jcur_fail(c, e, "'%.64s' is not one of %s", text, buf_str(&all));
}

int jcur_get_string(const struct jcur *c, const char *key, size_t max, const char **out,
                    struct err *e)
{
    struct jcur child;
    int rc = jcur_get(c, key, &child, e);
    return rc < 0 ? rc : jcur_string(&child, max, out, e);
}

int jcur_get_u64(const struct jcur *c, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
    struct jcur child;
    int rc = jcur_get(c, key, &child, e);
    return rc < 0 ? rc : jcur_u64(&child, max, out, e);
}

int jcur_get_digest(const struct jcur *c, const char *key, struct digest *out, struct err *e)
{
    struct jcur child;
    int rc = jcur_get(c, key, &child, e);
    return rc < 0 ? rc : jcur_digest(&child, out, e);
}

int json_put(json_t *object, const char *key, json_t *value_taken, struct err *e)
{
    if (value_taken == NULL || json_object_set_new(object, key, value_taken) != 0)
        return err_oom(e);
    return 0;
}

int json_put_string(json_t *object, const char *key, const char *text, struct err *e)
{
    json_t *value = json_string(text);
    if (value == NULL)
        return err_set(e, ERR_HOST, "'%s' is not UTF-8 text (or memory ran out)", key);
    return json_put(object, key, value, e);
}

int json_put_u64(json_t *object, const char *key, uint64_t number, struct err *e)
{
    if (number > (uint64_t)integer_max)
        return err_set(e, ERR_HOST, "the number of '%s' is beyond 2^53", key);
    return json_put(object, key, json_integer((json_int_t)number), e);
}

int json_put_digest(json_t *object, const char *key, const struct digest *d, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    return json_put_string(object, key, digest_format(d, text), e);
}

int json_push(json_t *array, json_t *value_taken, struct err *e)
{
    if (value_taken == NULL || json_array_append_new(array, value_taken) != 0)
        return err_oom(e);
    return 0;
}
