/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml/yaml_go_scalar.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 1024 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, text) == 0)
            return true;
    return false;
}

bool yaml_go_scalar_is_old_bool(const char *text)
{
    static const char *const words[] = {"y", "Y",  "yes", "Yes", "YES", "on",  "On",  "ON", "n",
                                        "N", "no", "No",  "NO",  "off", "Off", "OFF", NULL};
    return is_one_of(text, words);
}

bool yaml_go_scalar_is_sexagesimal(const char *text)
{
    size_t groups = 0;
    text += *text == '-' || *text == '+';
    if (!is_digit(*text))
        return false;
    text += strspn(text, "0123456789_");
    for (; *text == ':'; groups++) {
        text++;
        if (!is_digit(*text))
            return false;
        text += text[0] <= '5' && is_digit(text[1]) ? 2 : 1;
    }
    if (*text == '.')
        text += 1 + strspn(text + 1, "0123456789_");
    return groups > 0 && *text == '\0';
}

/* ---- numbers ------------------------------------------------------------------------------- */

static unsigned digit_value(char c)
{
    if (is_digit(c))
        return (unsigned)(c - '0');
    int low = tolower((unsigned char)c);
    return low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : 99;
}

/* All of `text` as digits of the base that its prefix says; a leading 0 alone means octal. */
static bool read_natural(const char *text, uint64_t *out)
{
    unsigned base = 10;
    uint64_t value = 0;
    if (text[0] == '0' && text[1] != '\0') {
        int letter = tolower((unsigned char)text[1]);
        base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
        text += base == 8 && letter != 'o' ? 1 : 2;
    }
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned d = digit_value(*text);
        if (d >= base || value > (UINT64_MAX - d) / base)
            return false;
        value = value * base + d;
    }
    *out = value;
    return true;
}

static enum yaml_go_scalar read_integer(const char *plain, struct yaml_go_scalar_value *value)
{
    bool negative = *plain == '-';
    bool sign = negative || *plain == '+';
    uint64_t n = 0;
    if (!read_natural(plain + sign, &n))
        return YAML_GO_SCALAR_TEXT;
    if (negative && n <= (uint64_t)INT64_MAX + 1) {
        value->integer = n > INT64_MAX ? INT64_MIN : -(int64_t)n;
        return YAML_GO_SCALAR_INT;
    }
    if (!negative && n <= INT64_MAX) {
        value->integer = (int64_t)n;
        return YAML_GO_SCALAR_INT;
    }
    if (sign)
        return YAML_GO_SCALAR_TEXT;
    value->real = (double)n;
    return YAML_GO_SCALAR_UINT;
}

/* [-+]?(.digits | digits[.[digits]])([eE][-+]?digits)? */
static bool looks_float(const char *p)
{
    p += *p == '-' || *p == '+';
    size_t whole = strspn(p, "0123456789");
    size_t fraction = 0;
    p += whole;
    if (*p == '.') {
        fraction = strspn(p + 1, "0123456789");
        p += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        size_t exponent = strspn(p, "0123456789");
        if (exponent == 0)
            return false;
        p += exponent;
    }
    return *p == '\0';
}

/* strtod: no locale is ever set, so the point is a point. */
static enum yaml_go_scalar read_float(const char *text, struct yaml_go_scalar_value *value)
{
    if (!looks_float(text))
        return YAML_GO_SCALAR_TEXT;
    value->real = strtod(text, NULL);
    return isfinite(value->real) ? YAML_GO_SCALAR_FLOAT : YAML_GO_SCALAR_TEXT;
}

/* ---- times ---------------------------------------------------------------------------------- */

/* One or two digits, at most `max`. */
static bool read_two(const char **p, unsigned min, unsigned max, unsigned *out)
{
    if (!is_digit(**p))
        return false;
    unsigned n = (unsigned)(*(*p)++ - '0');
    if (is_digit(**p))
        n = n * 10 + (unsigned)(*(*p)++ - '0');
    *out = n;
    return n >= min && n <= max;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* Z, or an offset with a colon, at the end. */
static bool read_zone(const char *p)
{
    if (strcmp(p, "Z") == 0)
        return true;
    return (*p == '+' || *p == '-') && is_digit(p[1]) && is_digit(p[2]) && p[3] == ':' &&
           is_digit(p[4]) && is_digit(p[5]) && p[6] == '\0' &&
           (p[1] - '0') * 10 + (p[2] - '0') <= 24 && (p[4] - '0') * 10 + (p[5] - '0') <= 60;
}

/* 2001-1-2, 2001-1-2 3:4:5.6, 2001-1-2T3:4:5.6Z */
static bool is_time(const char *p)
{
    unsigned year = 0;
    unsigned n = 0;
    if (strspn(p, "0123456789") != 4 || p[4] != '-')
        return false;
    for (size_t i = 0; i < 4; i++)
        year = year * 10 + (unsigned)(p[i] - '0');
    p += 5;
    unsigned month = 0;
    if (!read_two(&p, 1, 12, &month) || *p++ != '-' || !read_two(&p, 1, days_in(year, month), &n))
        return false;
    if (*p == '\0')
        return true;
    char between = *p++;
    if (strchr("Tt ", between) == NULL || !read_two(&p, 0, 23, &n) || *p++ != ':' ||
        !read_two(&p, 0, 59, &n) || *p++ != ':' || !read_two(&p, 0, 59, &n))
        return false;
    if ((*p == '.' || *p == ',') && is_digit(p[1]))
        p += 1 + strspn(p + 1, "0123456789");
    return between == ' ' ? *p == '\0' : read_zone(p);
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Without its underscores; false when it is too long to be a number. */
static bool strip(const char *text, char plain[NUMBER_MAX])
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        if (n + 1 == NUMBER_MAX)
            return false;
        if (*text != '_')
            plain[n++] = *text;
    }
    plain[n] = '\0';
    return true;
}

/* What starts with a digit or a sign. */
static enum yaml_go_scalar read_number(const char *text, struct yaml_go_scalar_value *value)
{
    char plain[NUMBER_MAX];
    if (is_time(text))
        return YAML_GO_SCALAR_TIME;
    if (!strip(text, plain))
        return YAML_GO_SCALAR_TEXT;
    enum yaml_go_scalar kind = read_integer(plain, value);
    return kind != YAML_GO_SCALAR_TEXT ? kind : read_float(plain, value);
}

/* What starts with a point: here underscores must stand between digits. */
static enum yaml_go_scalar read_fraction(const char *text, struct yaml_go_scalar_value *value)
{
    char plain[NUMBER_MAX];
    for (const char *p = text + 1; *p != '\0'; p++)
        if (*p == '_' && (!is_digit(p[-1]) || !is_digit(p[1])))
            return YAML_GO_SCALAR_TEXT;
    return strip(text, plain) ? read_float(plain, value) : YAML_GO_SCALAR_TEXT;
}

enum yaml_go_scalar yaml_go_scalar_read(const char *text, struct yaml_go_scalar_value *value)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const odd[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                      "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    *value = (struct yaml_go_scalar_value){.flag = false};
    if (is_one_of(text, nulls))
        return YAML_GO_SCALAR_NULL;
    if (is_one_of(text, trues) || is_one_of(text, falses)) {
        value->flag = is_one_of(text, trues);
        return YAML_GO_SCALAR_BOOL;
    }
    if (is_one_of(text, odd)) {
        value->flag = true;
        return YAML_GO_SCALAR_FLOAT;
    }
    if (*text == '.')
        return read_fraction(text, value);
    if (is_digit(*text) || *text == '-' || *text == '+')
        return read_number(text, value);
    return YAML_GO_SCALAR_TEXT;
}
