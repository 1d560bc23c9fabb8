/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a plain (unquoted) scalar reads: the YAML 1.2 core schema, with LinuxKit's
 * leftover of YAML 1.1 that a leading 0 means octal. What the versions of YAML
 * read differently beyond that (1_000, 0b1, 08, .inf) is ambiguous: the reader
 * refuses it and asks for quotes. yes, no, on and off are text.
 */
#include "base/yaml/yaml.h"

#include <math.h>
#include <string.h>

static bool is_one_of(const char *text, size_t len, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strlen(*words) == len && memcmp(*words, text, len) == 0)
            return true;
    return false;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* All of [p, end) are digits of `base`, at least one, and the value fits 2^53-1. */
static bool read_digits(const char *p, const char *end, int base, long long *out)
{
    const long long max = (1LL << 53) - 1;
    long long value = 0;
    if (p == end)
        return false;
    for (; p < end; p++) {
        int d = digit_value(*p);
        if (d >= base)
            return false;
        if (value > (max - d) / base)
            return false;
        value = value * base + d;
    }
    *out = value;
    return true;
}

static bool only(const char *p, const char *end, const char *set)
{
    for (; p < end; p++)
        if (*p == '\0' || strchr(set, *p) == NULL)
            return false;
    return true;
}

/* [0-9]+(.[0-9]*)?([eE][-+]?[0-9]+)? or .[0-9]+(…)?, after the sign. */
static bool looks_float(const char *p, const char *end)
{
    size_t digits = 0;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
        digits++;
    }
    if (p < end && *p == '.') {
        p++;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
            digits++;
        }
    }
    if (digits == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (p == end)
            return false;
        while (p < end && *p >= '0' && *p <= '9')
            p++;
    }
    return p == end;
}

static bool read_int(const char *p, const char *end, long long *out)
{
    if (end - p > 2 && p[0] == '0' && p[1] == 'x')
        return read_digits(p + 2, end, 16, out);
    if (end - p > 2 && p[0] == '0' && p[1] == 'o')
        return read_digits(p + 2, end, 8, out);
    if (end - p > 1 && p[0] == '0')
        return read_digits(p + 1, end, 8, out);
    return read_digits(p, end, 10, out);
}

static enum yaml_scalar read_float(const char *text, size_t len, double *real)
{
    char copy[64];
    if (len >= sizeof(copy))
        return YAML_AMBIGUOUS;
    memcpy(copy, text, len);
    copy[len] = '\0';
    *real = strtod(copy, NULL);
    return isfinite(*real) ? YAML_FLOAT : YAML_AMBIGUOUS;
}

/* Something that starts like a number but is not one of the forms above. */
static enum yaml_scalar resolve_number(const char *text, size_t len, long long *number,
                                       double *real)
{
    const char *end = text + len;
    const char *p = text;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if (p == end)
        return YAML_TEXT;
    if (read_int(p, end, number)) {
        if (negative)
            *number = -*number;
        return YAML_INT;
    }
    if (only(p, end, "0123456789"))
        return YAML_AMBIGUOUS; /* 08, or too long for an integer */
    if (looks_float(p, end))
        return read_float(text, len, real);
    if (*p >= '0' && *p <= '9') {
        bool prefixed = *p == '0' && end - p > 2 && strchr("xXoObB", p[1]) != NULL;
        if (prefixed && only(p + 2, end, "0123456789abcdefABCDEF_"))
            return YAML_AMBIGUOUS;
        if (only(p, end, "0123456789_"))
            return YAML_AMBIGUOUS;
    }
    return YAML_TEXT;
}

enum yaml_scalar yaml_doc_resolve(const char *text, size_t len, long long *number, double *real)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const odd[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                      "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    if (is_one_of(text, len, nulls))
        return YAML_NULL;
    if (is_one_of(text, len, trues) || is_one_of(text, len, falses)) {
        *number = is_one_of(text, len, trues);
        return YAML_BOOL;
    }
    if (is_one_of(text, len, odd))
        return YAML_AMBIGUOUS;
    if (strchr("+-.0123456789", text[0]) != NULL)
        return resolve_number(text, len, number, real);
    return YAML_TEXT;
}
