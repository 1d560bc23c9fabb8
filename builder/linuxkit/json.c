/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/json.h"

#include "base/yaml/yaml.h"

#include <inttypes.h>
#include <string.h>

enum { DEPTH_MAX = 64 };
/* Begins a number's digits; no text begins with it, for texts are UTF-8. */
static const char NUMBER = '\xff';

int linuxkit_json_unsigned(uint64_t value, json_t **out, struct err *e)
{
    char text[24];
    if (value <= INT64_MAX) {
        *out = json_integer((json_int_t)value);
    } else {
        (void)snprintf(text, sizeof(text), "%c%" PRIu64, NUMBER, value);
        *out = json_string_nocheck(text);
    }
    return *out == NULL ? err_oom(e) : 0;
}

/* U+2028 and U+2029 are line ends in JavaScript: Go escapes them. */
static bool is_line_separator(const unsigned char *p)
{
    return p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
}

static int format_char(const unsigned char *p, size_t *used, struct buf *out, struct err *e)
{
    static const char shorts[] = "\b\f\n\r\t\"\\";
    static const char names[] = "bfnrt\"\\";
    const char *found = strchr(shorts, *p);
    *used = 1;
    if (strncmp((const char *)p, YAML_NUL, strlen(YAML_NUL)) == 0) {
        *used = strlen(YAML_NUL);
        return buf_add_str(out, "\\u0000", e);
    }
    if (found != NULL)
        return buf_addf(out, e, "\\%c", names[found - shorts]);
    if (*p < 0x20 || *p == '<' || *p == '>' || *p == '&')
        return buf_addf(out, e, "\\u%04x", *p);
    if (is_line_separator(p)) {
        *used = 3;
        return buf_addf(out, e, "\\u202%c", p[2] == 0xa8 ? '8' : '9');
    }
    return buf_add(out, p, 1, e);
}

static int format_text(const char *text, struct buf *out, struct err *e)
{
    int rc = buf_add_str(out, "\"", e);
    for (const unsigned char *p = (const unsigned char *)text; rc == 0 && *p != '\0';) {
        size_t used = 1;
        rc = format_char(p, &used, out, e);
        p += used;
    }
    return rc < 0 ? rc : buf_add_str(out, "\"", e);
}

static int new_line(unsigned columns, struct buf *out, struct err *e)
{
    return buf_addf(out, e, "\n%*s", (int)columns, "");
}

static int format(const json_t *value, unsigned indent, unsigned depth, struct buf *out,
                  struct err *e);

static int format_array(const json_t *value, unsigned indent, unsigned depth, struct buf *out,
                        struct err *e)
{
    size_t count = json_array_size(value);
    if (count == 0)
        return buf_add_str(out, "[]", e);
    int rc = buf_add_str(out, "[", e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if ((i == 0 || (rc = buf_add_str(out, ",", e)) == 0) &&
            (rc = new_line(indent * (depth + 1), out, e)) == 0)
            rc = format(json_array_get(value, i), indent, depth + 1, out, e);
    if (rc < 0 || (rc = new_line(indent * depth, out, e)) < 0)
        return rc;
    return buf_add_str(out, "]", e);
}

static int format_object(const json_t *value, unsigned indent, unsigned depth, struct buf *out,
                         struct err *e)
{
    const char *key = NULL;
    json_t *member = NULL;
    bool first = true;
    if (json_object_size(value) == 0)
        return buf_add_str(out, "{}", e);
    int rc = buf_add_str(out, "{", e);
    if (rc < 0)
        return rc;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if ((!first && (rc = buf_add_str(out, ",", e)) < 0) ||
            (rc = new_line(indent * (depth + 1), out, e)) < 0 ||
            (rc = format_text(key, out, e)) < 0 || (rc = buf_add_str(out, ": ", e)) < 0 ||
            (rc = format(member, indent, depth + 1, out, e)) < 0)
            return rc;
        first = false;
    }
    if ((rc = new_line(indent * depth, out, e)) < 0)
        return rc;
    return buf_add_str(out, "}", e);
}

static int format(const json_t *value, unsigned indent, unsigned depth, struct buf *out,
                  struct err *e)
{
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "a document nested deeper than %d", DEPTH_MAX);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return format_object(value, indent, depth, out, e);
    case JSON_ARRAY:
        return format_array(value, indent, depth, out, e);
    case JSON_STRING:
        return *json_string_value(value) == NUMBER
                   ? buf_add_str(out, json_string_value(value) + 1, e)
                   : format_text(json_string_value(value), out, e);
    case JSON_INTEGER:
        return buf_addf(out, e, "%lld", (long long)json_integer_value(value));
    case JSON_TRUE:
        return buf_add_str(out, "true", e);
    case JSON_FALSE:
        return buf_add_str(out, "false", e);
    default:
        return buf_add_str(out, "null", e);
    }
}

int linuxkit_json_format(const json_t *value, unsigned indent, struct buf *out, struct err *e)
{
    return format(value, indent, 0, out, e);
}
