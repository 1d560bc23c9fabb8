/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- characters ---- */

/* How many bytes a character has that begins with this one; 0 = none does. */
static size_t length_by_lead(unsigned char c)
{
    if (c < 0x80)
        return 1;
    return c < 0xc2 || c > 0xf4 ? 0 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_char(const char *p, size_t len, uint32_t *code)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t n = len == 0 ? 0 : length_by_lead((unsigned char)p[0]);
    if (n == 0 || n > len)
        return 0;
    uint32_t c = (unsigned char)p[0] & masks[n];
    for (size_t i = 1; i < n; i++) {
        if (!is_continuation(p[i]))
            return 0;
        c = c << 6 | ((unsigned char)p[i] & 0x3fU);
    }
    if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

/* Of `len` bytes, those that are left when a character that the end cuts is left out. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t back = 1;
    while (back < 4 && back <= len && is_continuation(text[len - back]))
        back++;
    if (back > len || back > 3)
        return len;
    return length_by_lead((unsigned char)text[len - back]) > back ? len - back : len;
}

size_t text_head(const char *text, size_t most)
{
    size_t len = strnlen(text, most);
    return len < most ? len : whole_characters(text, len);
}

static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c >= 0xe0000 && c <= 0xe007f);
}

/* The length of the character at `p` when it may stand as it is, else 0 and in *bad the bytes that
 * may not. */
static size_t harmless(const char *p, size_t len, size_t *bad)
{
    uint32_t code = 0;
    size_t n = text_char(p, len, &code);
    *bad = n == 0 ? 1 : n;
    return n == 0 || is_harmful(code) ? 0 : n;
}

void text_repair(char *text)
{
    uint32_t code = 0;
    size_t left = strlen(text);
    for (char *p = text; left > 0;) {
        size_t n = text_char(p, left, &code);
        if (n == 0) {
            *p = '?';
            n = 1;
        }
        p += n;
        left -= n;
    }
}

void text_clean(char *text)
{
    size_t left = strlen(text);
    size_t bad = 0;
    char *to = text;
    for (const char *p = text; left > 0;) {
        size_t n = harmless(p, left, &bad);
        if (n == 0)
            *to++ = '?';
        for (size_t i = 0; i < n; i++)
            *to++ = p[i];
        p += n == 0 ? bad : n;
        left -= n == 0 ? bad : n;
    }
    *to = 0;
}

bool text_is_harmless(const char *text)
{
    size_t left = strlen(text);
    size_t bad = 0;
    for (size_t n; left > 0; text += n, left -= n) {
        n = harmless(text, left, &bad);
        if (n == 0)
            return false;
    }
    return true;
}

size_t text_escape(const char *text, char out[TEXT_ESCAPE_MAX])
{
    uint32_t code = 0;
    size_t bad = 0;
    size_t len = strnlen(text, 4);
    size_t n = harmless(text, len, &bad);
    out[0] = 0;
    if (len == 0)
        return 0;
    if (*text == '\\' || *text == '\n' || *text == '\t')
        (void)text_print(out, TEXT_ESCAPE_MAX, "\\%c",
                         *text == '\\'   ? '\\'
                         : *text == '\n' ? 'n'
                                         : 't');
    else if (n > 0)
        (void)text_print(out, TEXT_ESCAPE_MAX, "%.*s", (int)n, text);
    else if (text_char(text, len, &code) == 0)
        (void)text_print(out, TEXT_ESCAPE_MAX, "\\x%02x", (unsigned char)*text);
    else
        (void)text_print(out, TEXT_ESCAPE_MAX, "\\u%04x", (unsigned)code);
    return n > 0 ? n : bad;
}

/* ---- the formatter ---- */

struct sink {
    void (*put)(void *context, const char *data, size_t len);
    void *context;
    enum text_how how;
};

/* A va_list that can be handed down and comes back moved on. */
struct arguments {
    va_list list;
};

struct conversion {
    bool left;
    bool zero;
    bool plus;
    bool space;
    bool alternate;
    size_t width;
    bool has_precision;
    size_t precision;
    char length; /* 0, 'h', 'H' (hh), 'l', 'L' (ll), 'z', 'j', 't' */
    char letter;
};

static void put(const struct sink *s, const char *data, size_t len)
{
    if (len > 0)
        s->put(s->context, data, len);
}

static void put_many(const struct sink *s, char c, size_t count)
{
    char some[32];
    memset(some, c, sizeof(some));
    for (size_t n; count > 0; count -= n) {
        n = count < sizeof(some) ? count : sizeof(some);
        put(s, some, n);
    }
}

static void put_cleaned(const struct sink *s, const char *text, size_t len)
{
    size_t start = 0;
    size_t bad = 0;
    for (size_t i = 0; i < len;) {
        size_t n = harmless(text + i, len - i, &bad);
        if (n == 0) {
            put(s, text + start, i - start);
            put(s, "?", 1);
            start = i + bad;
        }
        i += n == 0 ? bad : n;
    }
    put(s, text + start, len - start);
}

static void put_text(const struct sink *s, const struct conversion *c, const char *text)
{
    const char *shown = text != NULL ? text : "(null)";
    size_t len = c->has_precision ? text_head(shown, c->precision) : strlen(shown);
    size_t pad = c->width > len ? c->width - len : 0;
    put_many(s, ' ', c->left ? 0 : pad);
    if (s->how == TEXT_CLEANED)
        put_cleaned(s, shown, len);
    else
        put(s, shown, len);
    put_many(s, ' ', c->left ? pad : 0);
}

/* Sign or prefix, then digits, filled up to the width. */
static void put_number(const struct sink *s, const struct conversion *c, const char *before,
                       const char *digits, size_t zeros)
{
    size_t len = strlen(before) + zeros + strlen(digits);
    size_t pad = c->width > len ? c->width - len : 0;
    bool with_zeros = c->zero && !c->left;
    put_many(s, ' ', c->left || with_zeros ? 0 : pad);
    put(s, before, strlen(before));
    put_many(s, '0', zeros + (with_zeros ? pad : 0));
    put(s, digits, strlen(digits));
    put_many(s, ' ', c->left ? pad : 0);
}

enum { DIGITS_MAX = 24 }; /* of 64 bits in base eight: 22 */

static void put_unsigned(const struct sink *s, const struct conversion *c, const char *sign,
                         uintmax_t value)
{
    const char *symbols = c->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = c->letter == 'o' ? 8 : c->letter == 'x' || c->letter == 'X' ? 16 : 10;
    const char *prefix = !c->alternate || value == 0 ? ""
                         : c->letter == 'x'          ? "0x"
                         : c->letter == 'X'          ? "0X"
                                                     : "";
    char digits[DIGITS_MAX + 1];
    char *p = digits + DIGITS_MAX;
    struct conversion how = *c;
    *p = 0;
    for (uintmax_t v = value; v > 0; v /= base)
        *--p = symbols[v % base];
    size_t count = (size_t)(digits + DIGITS_MAX - p);
    size_t least = c->has_precision ? c->precision : 1;
    if (c->alternate && c->letter == 'o' && least <= count)
        least = count + 1;
    how.zero = c->zero && !c->has_precision;
    put_number(s, &how, *sign != 0 ? sign : prefix, p, least > count ? least - count : 0);
}

static const char *sign_of(const struct conversion *c, bool negative)
{
    return negative ? "-" : c->plus ? "+" : c->space ? " " : "";
}

/* Linux's 64-bit systems: these four are one. */
static_assert(sizeof(size_t) == sizeof(long) && sizeof(intmax_t) == sizeof(long) &&
                  sizeof(ptrdiff_t) == sizeof(long),
              "lengths of numbers");

static intmax_t take_signed(const struct conversion *c, struct arguments *a)
{
    switch (c->length) {
    case 'l':
    case 'z':
    case 'j':
    case 't':
        return va_arg(a->list, long);
    case 'L':
        return va_arg(a->list, long long);
    case 'H':
        return (signed char)va_arg(a->list, int);
    case 'h':
        return (short)va_arg(a->list, int);
    default:
        return va_arg(a->list, int);
    }
}

static uintmax_t take_unsigned(const struct conversion *c, struct arguments *a)
{
    switch (c->length) {
    case 'l':
    case 'z':
    case 'j':
    case 't':
        return va_arg(a->list, unsigned long);
    case 'L':
        return va_arg(a->list, unsigned long long);
    case 'H':
        return (unsigned char)va_arg(a->list, int);
    case 'h':
        return (unsigned short)va_arg(a->list, int);
    default:
        return va_arg(a->list, unsigned);
    }
}

static void put_double(const struct sink *s, const struct conversion *c, double value)
{
    enum { PRECISION_MAX = 40, TEXT_MAX = 400 }; /* 1e308 has 309 digits */
    char text[TEXT_MAX];
    size_t asked = c->has_precision ? c->precision : 6;
    int precision = asked > PRECISION_MAX ? PRECISION_MAX : (int)asked;
    if (c->letter == 'f')
        (void)snprintf(text, sizeof(text), "%.*f", precision, value);
    else if (c->letter == 'e')
        (void)snprintf(text, sizeof(text), "%.*e", precision, value);
    else
        (void)snprintf(text, sizeof(text), "%.*g", precision, value);
    bool negative = text[0] == '-';
    put_number(s, c, sign_of(c, negative), text + negative, 0);
}

static void put_char(const struct sink *s, const struct conversion *c, int value)
{
    const char text[2] = {(char)value, 0};
    struct conversion how = *c;
    how.has_precision = false;
    if (value == 0)
        put(s, text, 1);
    else
        put_text(s, &how, text);
}

static void convert(const struct sink *s, const struct conversion *c, struct arguments *a)
{
    intmax_t number;
    switch (c->letter) {
    case 's':
        put_text(s, c, va_arg(a->list, const char *));
        return;
    case 'c':
        put_char(s, c, va_arg(a->list, int));
        return;
    case 'd':
    case 'i':
        number = take_signed(c, a);
        put_unsigned(s, c, sign_of(c, number < 0),
                     number < 0 ? -(uintmax_t)number : (uintmax_t)number);
        return;
    case 'u':
    case 'o':
    case 'x':
    case 'X':
        put_unsigned(s, c, "", take_unsigned(c, a));
        return;
    case 'f':
    case 'e':
    case 'g':
        put_double(s, c, va_arg(a->list, double));
        return;
    default:
        abort(); /* a format that nobody has tried */
    }
}

/* Digits, or '*': the next argument; a negative one is left to the caller. */
static int take_size(const char **p, struct arguments *a)
{
    int size = 0;
    if (**p == '*') {
        (*p)++;
        return va_arg(a->list, int);
    }
    for (; **p >= '0' && **p <= '9'; (*p)++)
        size = size > 100000 ? size : size * 10 + (**p - '0');
    return size;
}

static void take_flags(const char **p, struct conversion *c)
{
    for (;; (*p)++) {
        if (**p == '-')
            c->left = true;
        else if (**p == '0')
            c->zero = true;
        else if (**p == '+')
            c->plus = true;
        else if (**p == ' ')
            c->space = true;
        else if (**p == '#')
            c->alternate = true;
        else
            return;
    }
}

/* From behind the '%' to behind the letter. */
static struct conversion take_conversion(const char **p, struct arguments *a)
{
    struct conversion c = {0};
    take_flags(p, &c);
    int width = take_size(p, a);
    c.left = c.left || width < 0;
    c.width = width < 0 ? (size_t) - (long)width : (size_t)width;
    if (**p == '.') {
        (*p)++;
        int precision = take_size(p, a);
        c.has_precision = precision >= 0;
        c.precision = precision >= 0 ? (size_t)precision : 0;
    }
    if (**p != 0 && strchr("hlzjt", **p) != NULL) {
        c.length = *(*p)++;
        if (**p == c.length && (c.length == 'h' || c.length == 'l'))
            c.length = *(*p)++ == 'h' ? 'H' : 'L';
    }
    c.letter = **p;
    if (c.letter != 0)
        (*p)++;
    return c;
}

void text_vformat(void (*put_piece)(void *context, const char *data, size_t len), void *context,
                  enum text_how how, const char *fmt, va_list args)
{
    const struct sink s = {.put = put_piece, .context = context, .how = how};
    struct arguments a;
    va_copy(a.list, args);
    for (const char *p = fmt; *p != 0;) {
        size_t plain = strcspn(p, "%");
        put(&s, p, plain);
        p += plain;
        if (*p == 0)
            break;
        p++;
        if (*p == '%') {
            put(&s, p++, 1);
            continue;
        }
        const struct conversion c = take_conversion(&p, &a);
        convert(&s, &c, &a);
    }
    va_end(a.list);
}

struct array {
    char *data;
    size_t len;
    size_t room; /* without the NUL */
    bool full;
};

static void put_array(void *context, const char *data, size_t len)
{
    struct array *a = context;
    if (a->full)
        return;
    if (len > a->room - a->len) {
        a->full = true;
        len = whole_characters(data, a->room - a->len);
    }
    memcpy(a->data + a->len, data, len);
    a->len += len;
}

size_t text_vprint(char *out, size_t size, enum text_how how, const char *fmt, va_list args)
{
    struct array a = {.data = out, .room = size > 0 ? size - 1 : 0};
    text_vformat(put_array, &a, how, fmt, args);
    if (size > 0)
        out[a.len] = 0;
    return a.len;
}

size_t text_print(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t len = text_vprint(out, size, TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    return len;
}

/* "y" behind a consonant becomes "ies"; behind a hiss stands "es". */
static const char *plural_of(const char *word, size_t *keep)
{
    static const char *const hisses[] = {"s", "x", "ch", "sh"};
    size_t len = strlen(word);
    *keep = len;
    if (len > 1 && word[len - 1] == 'y' && strchr("aeiou", word[len - 2]) == NULL) {
        *keep = len - 1;
        return "ies";
    }
    for (size_t i = 0; i < sizeof(hisses) / sizeof(hisses[0]); i++) {
        size_t n = strlen(hisses[i]);
        if (len >= n && strcmp(word + len - n, hisses[i]) == 0)
            return "es";
    }
    return "s";
}

const char *text_count(char out[TEXT_COUNT_MAX], uint64_t count, const char *word)
{
    size_t keep = strlen(word);
    const char *end = count == 1 ? "" : plural_of(word, &keep);
    (void)text_print(out, TEXT_COUNT_MAX, "%llu %.*s%s", (unsigned long long)count, (int)keep, word,
                     end);
    return out;
}
