/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8785: the JSON canonicalization scheme. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { JCS_DEPTH_MAX = 2048 }; /* jansson's own parser limit */

static int format_string(const char *text, size_t len, struct buf *out, struct err *e)
{
    int rc = buf_add(out, "\"", 1, e);
    for (size_t i = 0; rc == 0 && i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        static const char shorts[] = "\b\f\n\r\t\"\\";
        static const char letters[] = "bfnrt\"\\";
        const char *at = c != 0 ? strchr(shorts, c) : NULL;
        if (at != NULL) {
            char escape[2] = {'\\', letters[at - shorts]};
            rc = buf_add(out, escape, 2, e);
        } else if (c < 0x20) {
            rc = buf_addf(out, e, "\\u%04x", c);
        } else {
            rc = buf_add(out, &c, 1, e);
        }
    }
    return rc < 0 ? rc : buf_add(out, "\"", 1, e);
}

/* Section 3.2.2.3: the shortest digits that read back, laid out as ECMAScript's Number::toString.
 */
static int format_real(double v, struct buf *out, struct err *e)
{
    if (!isfinite(v))
        return err_set(e, ERR_INPUT, "a number is not finite");
    if (v == 0)
        return buf_add(out, "0", 1, e);
    char text[40];
    int precision = 0;
    do
        snprintf(text, sizeof(text), "%.*e", precision++, v < 0 ? -v : v);
    while (precision < 18 && strtod(text, NULL) != (v < 0 ? -v : v));
    char digits[24] = {0};
    size_t k = 0;
    const char *p = text;
    for (; *p != 'e' && *p != 0; p++)
        if (*p != '.' && k < sizeof(digits))
            digits[k++] = *p;
    while (k > 1 && digits[k - 1] == '0')
        k--;
    long n = strtol(p + 1, NULL, 10) + 1; /* value = 0.digits * 10^n */
    int rc = v < 0 ? buf_add(out, "-", 1, e) : 0;
    if (rc < 0)
        return rc;
    int len = (int)k;
    if (n >= len && n <= 21) {
        rc = buf_addf(out, e, "%.*s", len, digits);
        for (long i = len; rc == 0 && i < n; i++)
            rc = buf_add(out, "0", 1, e);
        return rc;
    }
    if (n > 0 && n <= 21)
        return buf_addf(out, e, "%.*s.%.*s", (int)n, digits, len - (int)n, digits + n);
    if (n > -6 && n <= 0) {
        rc = buf_add_str(out, "0.", e);
        for (long i = n; rc == 0 && i < 0; i++)
            rc = buf_add(out, "0", 1, e);
        return rc < 0 ? rc : buf_addf(out, e, "%.*s", len, digits);
    }
    return buf_addf(out, e, "%c%s%.*se%+ld", digits[0], k > 1 ? "." : "", len - 1, digits + 1,
                    n - 1);
}

/* The next UTF-16 code unit of valid UTF-8; *low holds a pending low surrogate. */
static unsigned next_utf16(const unsigned char **p, unsigned *low)
{
    if (*low != 0) {
        unsigned unit = *low;
        *low = 0;
        return unit;
    }
    unsigned c = *(*p)++;
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    unsigned code = more == 3 ? c & 7 : more == 2 ? c & 15 : more == 1 ? c & 31 : c;
    while (more-- > 0 && **p != 0)
        code = code << 6 | (*(*p)++ & 63);
    if (code < 0x10000)
        return code;
    *low = 0xdc00 | ((code - 0x10000) & 0x3ff);
    return 0xd800 | (code - 0x10000) >> 10;
}

/* Section 3.2.3: members sort by the UTF-16 code units of their names. */
static int compare_keys(const void *a, const void *b)
{
    const unsigned char *x = *(const unsigned char *const *)a;
    const unsigned char *y = *(const unsigned char *const *)b;
    unsigned low_x = 0;
    unsigned low_y = 0;
    for (;;) {
        unsigned ux = *x != 0 || low_x != 0 ? next_utf16(&x, &low_x) : 0;
        unsigned uy = *y != 0 || low_y != 0 ? next_utf16(&y, &low_y) : 0;
        if (ux != uy)
            return ux < uy ? -1 : 1;
        if (ux == 0)
            return 0;
    }
}

static int format_value(const json_t *v, unsigned depth, struct buf *out, struct err *e);

static int format_object(const json_t *object, unsigned depth, struct buf *out, struct err *e)
{
    size_t count = json_object_size(object);
    AUTO_FREE const char **keys = array_new(count, sizeof(*keys));
    if (keys == NULL)
        return err_oom(e);
    size_t n = 0;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)object, key, member) keys[n++] = key;
    qsort(keys, n, sizeof(*keys), compare_keys); /* keys are unique: a total order */
    int rc = buf_add(out, "{", 1, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (i > 0)
            rc = buf_add(out, ",", 1, e);
        if (rc == 0)
            rc = format_string(keys[i], strlen(keys[i]), out, e);
        if (rc == 0)
            rc = buf_add(out, ":", 1, e);
        if (rc == 0)
            rc = format_value(json_object_get(object, keys[i]), depth + 1, out, e);
    }
    return rc < 0 ? rc : buf_add(out, "}", 1, e);
}

static int format_array(const json_t *array, unsigned depth, struct buf *out, struct err *e)
{
    int rc = buf_add(out, "[", 1, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(array); i++) {
        if (i > 0)
            rc = buf_add(out, ",", 1, e);
        if (rc == 0)
            rc = format_value(json_array_get(array, i), depth + 1, out, e);
    }
    return rc < 0 ? rc : buf_add(out, "]", 1, e);
}

static int format_value(const json_t *v, unsigned depth, struct buf *out, struct err *e)
{
    if (depth > JCS_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "nested more than %d deep", JCS_DEPTH_MAX);
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return format_object(v, depth, out, e);
    case JSON_ARRAY:
        return format_array(v, depth, out, e);
    case JSON_STRING:
        return format_string(json_string_value(v), json_string_length(v), out, e);
    case JSON_INTEGER:
        return buf_addf(out, e, "%lld", (long long)json_integer_value(v));
    case JSON_REAL:
        return format_real(json_real_value(v), out, e);
    case JSON_TRUE:
        return buf_add_str(out, "true", e);
    case JSON_FALSE:
        return buf_add_str(out, "false", e);
    case JSON_NULL:
        break;
    }
    return buf_add_str(out, "null", e);
}

int jcs_format(const json_t *value, struct buf *out, struct err *e)
{
    return format_value(value, 0, out, e);
}
