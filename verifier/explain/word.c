/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/word.h"

#include <string.h>

enum { NAME_LENGTH_MAX = 255 };

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool hex(uint8_t c)
{
    return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool word_is_name(const struct difference *d, bool side_b)
{
    struct token t;
    bool letters = false;
    if (!token_of(d, side_b, &t) || t.len == 0 || t.len > NAME_LENGTH_MAX)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        if (!letter(t.text[i]) && !digit(t.text[i]) && strchr("._-", t.text[i]) == NULL)
            return false;
        letters = letters || letter(t.text[i]);
    }
    return letters;
}

bool word_is_version(const struct difference *d, bool side_b)
{
    struct token t;
    size_t at = 0;
    size_t dots = 0;
    if (!token_of(d, side_b, &t))
        return false;
    at += t.len > 0 && t.text[0] == 'v';
    for (bool more = true; more && at < t.len && digit(t.text[at]);) {
        while (at < t.len && digit(t.text[at]))
            at++;
        more = at + 1 < t.len && t.text[at] == '.' && digit(t.text[at + 1]);
        dots += more;
        at += more;
    }
    if (dots == 0)
        return false;
    for (; at < t.len; at++)
        if (!letter(t.text[at]) && !digit(t.text[at]) && strchr(".-+~_", t.text[at]) == NULL)
            return false;
    return true;
}

bool word_is_uuid(const struct difference *d, bool side_b)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    struct token t;
    if (!token_of(d, side_b, &t) || t.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < t.len; i++)
        if (form[i] == 'x' ? !hex(t.text[i]) : t.text[i] != '-')
            return false;
    return true;
}

size_t word_hex_digits(const struct difference *d, bool side_b)
{
    struct token t;
    if (!token_of(d, side_b, &t))
        return 0;
    for (size_t i = 0; i < t.len; i++)
        if (!hex(t.text[i]))
            return 0;
    return t.len;
}

static bool tells_of_build(const struct difference *d, bool side_b)
{
    static const char *const says[] = {"built",    "build",         "builder",
                                       "compiled", "linux version", NULL};
    return token_line_has(d, side_b, says);
}

bool word_before_host(const struct difference *d, bool side_b)
{
    return token_followed_by(d, side_b, '@') && tells_of_build(d, side_b);
}

bool word_behind_user(const struct difference *d, bool side_b)
{
    const struct hunk *h = side_b ? &d->hunk_b : &d->hunk_a;
    return h->apart_before > 0 && h->bytes[h->apart_before - 1] == '@' && tells_of_build(d, side_b);
}

bool word_built_by(const struct difference *d, bool side_b)
{
    static const char *const by[] = {"by", NULL};
    return token_follows(d, side_b, by) && tells_of_build(d, side_b);
}
