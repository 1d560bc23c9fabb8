/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_numbers.h"

#include "formats/machine/machine_config.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { DEPTH_MAX = 16, KEYS_MAX = 256 };

/* One number at `p`; what jansson is to read instead is added to `out`. */
static int rewrite_number(const char *p, size_t digits, const char *what, struct buf *out,
                          struct err *e)
{
    uint64_t v = 0;
    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (uint64_t)(p[i] - '0'), &v))
            return err_set(e, ERR_INPUT, "%s: a number beyond 64 bits", what);
    if (digits > 1 && p[0] == '0')
        return err_set(e, ERR_INPUT, "%s: a number with leading zeros", what);
    if (v <= INT64_MAX)
        return buf_addf(out, e, "%" PRIu64, v);
    return buf_addf(out, e, "-%" PRIu64, -v);
}

/* The end of the string that starts at `i`, past its final quote (or the document's end). */
static size_t string_end(const char *p, size_t len, size_t i)
{
    for (i++; i < len && p[i] != '"'; i++)
        if (p[i] == '\\')
            i++;
    return i < len ? i + 1 : len;
}

static int rewrite(const char *p, size_t len, const char *what, struct buf *out, struct err *e)
{
    unsigned depth = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < len;) {
        size_t end = i + 1;
        if (p[i] == '"') {
            end = string_end(p, len, i);
        } else if (isdigit((unsigned char)p[i])) {
            while (end < len && isdigit((unsigned char)p[end]))
                end++;
            if (end < len && (p[end] == '.' || p[end] == 'e' || p[end] == 'E'))
                return err_set(e, ERR_INPUT, "%s: a number with a fraction or an exponent", what);
            rc = rewrite_number(p + i, end - i, what, out, e);
            i = end;
            continue;
        } else if (p[i] == '-') {
            return err_set(e, ERR_INPUT, "%s: a negative number", what);
        } else if (p[i] == '{' || p[i] == '[') {
            if (++depth > DEPTH_MAX)
                return err_set(e, ERR_INPUT, "%s: nested more than %d deep", what, DEPTH_MAX);
        } else if ((p[i] == '}' || p[i] == ']') && depth > 0) {
            depth--;
        }
        rc = buf_add(out, p + i, end - i, e);
        i = end;
    }
    return rc;
}

int machine_json_parse(const void *data, size_t len, const char *what, json_t **out, struct err *e)
{
    if (len > MACHINE_CONFIG_BYTES_MAX)
        return err_set(e, ERR_INPUT, "%s: larger than %d bytes", what, MACHINE_CONFIG_BYTES_MAX);
    AUTO_BUF text = BUF_INIT(2 * (size_t)MACHINE_CONFIG_BYTES_MAX);
    int rc = rewrite(data, len, what, &text, e);
    if (rc < 0)
        return rc;
    json_error_t error;
    json_t *value = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL)
        return json_error_code(&error) == json_error_out_of_memory
                   ? err_oom(e)
                   : err_set(e, ERR_INPUT, "%s:%d: malformed JSON: %s", what, error.line,
                             error.text);
    *out = value;
    return 0;
}

int machine_json_u64(const struct jcur *c, uint64_t *out, struct err *e)
{
    if (!json_is_integer(c->value))
        return jcur_fail(c, e, "expected an integer");
    *out = (uint64_t)json_integer_value(c->value);
    return 0;
}

static int format_string(const char *s, size_t len, struct buf *out, struct err *e)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    int rc = buf_add(out, "\"", 1, e);
    for (size_t i = 0; rc == 0 && i < len; i++) {
        const char *at = s[i] != 0 ? strchr(named, s[i]) : NULL;
        if (at != NULL)
            rc = buf_addf(out, e, "\\%c", letters[at - named]);
        else if ((unsigned char)s[i] < 0x20)
            rc = buf_addf(out, e, "\\u%04x", (unsigned)(unsigned char)s[i]);
        else
            rc = buf_add(out, s + i, 1, e);
    }
    return rc < 0 ? rc : buf_add(out, "\"", 1, e);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int format_value(json_t *value, unsigned depth, struct buf *out, struct err *e);

static int format_object(json_t *value, unsigned depth, struct buf *out, struct err *e)
{
    const char *keys[KEYS_MAX];
    size_t count = 0;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        if (count == KEYS_MAX)
            return err_set(e, ERR_INPUT, "an object with more than %d keys", KEYS_MAX);
        keys[count++] = key;
    }
    qsort(keys, count, sizeof(keys[0]), by_bytes); /* keys differ: a total order */
    int rc = buf_add(out, "{", 1, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (i > 0)
            rc = buf_add(out, ",", 1, e);
        if (rc < 0 || (rc = format_string(keys[i], strlen(keys[i]), out, e)) < 0 ||
            (rc = buf_add(out, ":", 1, e)) < 0)
            return rc;
        rc = format_value(json_object_get(value, keys[i]), depth + 1, out, e);
    }
    return rc < 0 ? rc : buf_add(out, "}", 1, e);
}

static int format_value(json_t *value, unsigned depth, struct buf *out, struct err *e)
{
    int rc;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "nested more than %d deep", DEPTH_MAX);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return format_object(value, depth, out, e);
    case JSON_ARRAY:
        rc = buf_add(out, "[", 1, e);
        for (size_t i = 0; rc == 0 && i < json_array_size(value); i++) {
            rc = i > 0 ? buf_add(out, ",", 1, e) : 0;
            if (rc == 0)
                rc = format_value(json_array_get(value, i), depth + 1, out, e);
        }
        return rc < 0 ? rc : buf_add(out, "]", 1, e);
    case JSON_STRING:
        return format_string(json_string_value(value), json_string_length(value), out, e);
    case JSON_INTEGER:
        return buf_addf(out, e, "%" PRIu64, (uint64_t)json_integer_value(value));
    case JSON_TRUE:
        return buf_add_str(out, "true", e);
    case JSON_FALSE:
        return buf_add_str(out, "false", e);
    case JSON_REAL:
    case JSON_NULL:
        break;
    }
    return err_set(e, ERR_INPUT, "a value that no config has");
}

int machine_json_format(json_t *value, struct buf *out, struct err *e)
{
    return format_value(value, 0, out, e);
}
