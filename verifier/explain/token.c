/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/token.h"

#include <string.h>

enum { REACH = 160 }; /* bytes on each side of the run */

static bool printable(uint8_t c)
{
    return c >= 0x20 && c != 0x7f;
}

bool token_line(const struct hunk *h, struct token *out)
{
    if (h->bytes == NULL)
        return false;
    const uint8_t *run = h->bytes + h->before;
    size_t before = 0;
    size_t after = 0;
    for (size_t i = 0; i < h->run; i++)
        if (!printable(run[i]))
            return false;
    while (before < h->before && before < REACH && printable(run[-1 - (ptrdiff_t)before]))
        before++;
    while (after < h->after && after < REACH && printable(run[h->run + after]))
        after++;
    *out = (struct token){.text = run - before,
                          .len = before + h->run + after,
                          .run_start = before,
                          .run_end = before + h->run};
    return true;
}

/* ---- dates ---------------------------------------------------------------------------------- */

/*
 * d: a digit; M: a month's name, three letters; W: a weekday's; Y: a year from 1970 to 2099; m, D,
 * h, t: two digits of a month, day, hour, minute or second; _: a digit or a blank. Anything else
 * stands for itself. The longest are first.
 */
static const char *const forms[] = {
    "W, D M Y h:t:t", "W M _d h:t:t Y", "W _d M Y h:t:t", "Y-m-DTh:t:t", "Y-m-D h:t:t",
    "Y/m/D h:t:t",    "M _d Y h:t:t",   "W M _d h:t:t",   "YmDTh:t",     "M _d Y",
    "M _d h:t:t",     "D M Y",          "Y-m-D",          "Y/m/D",       "D/m/Y",
    "m/D/Y",          "D.m.Y",          "h:t:t",          "Ymdhtt",      "YmD",
};

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool two_digits(const uint8_t *p, size_t len, unsigned low, unsigned high)
{
    if (len < 2 || !digit(p[0]) || !digit(p[1]))
        return false;
    unsigned value = (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
    return value >= low && value <= high;
}

static bool year(const uint8_t *p, size_t len)
{
    return len >= 4 && ((memcmp(p, "19", 2) == 0 && two_digits(p + 2, 2, 70, 99)) ||
                        (memcmp(p, "20", 2) == 0 && two_digits(p + 2, 2, 0, 99)));
}

static bool one_of(const uint8_t *p, size_t len, const char *names)
{
    for (; len >= 3 && *names != 0; names += 3)
        if (memcmp(p, names, 3) == 0)
            return true;
    return false;
}

/* What a letter of a form takes; 0: it does not match. */
static size_t match_one(char letter, const uint8_t *p, size_t len)
{
    switch (letter) {
    case 'Y':
        return year(p, len) ? 4 : 0;
    case 'M':
        return one_of(p, len, "JanFebMarAprMayJunJulAugSepOctNovDec") ? 3 : 0;
    case 'W':
        return one_of(p, len, "MonTueWedThuFriSatSun") ? 3 : 0;
    case 'm':
        return two_digits(p, len, 1, 12) ? 2 : 0;
    case 'D':
        return two_digits(p, len, 1, 31) ? 2 : 0;
    case 'h':
        return two_digits(p, len, 0, 23) ? 2 : 0;
    case 't':
        return two_digits(p, len, 0, 60) ? 2 : 0;
    case 'd':
        return len > 0 && digit(p[0]);
    case '_':
        return len > 0 && (digit(p[0]) || p[0] == ' ');
    default:
        return len > 0 && p[0] == (uint8_t)letter;
    }
}

static size_t match_form(const char *form, const uint8_t *p, size_t len)
{
    size_t at = 0;
    for (; *form != 0; form++) {
        size_t n = match_one(*form, p + at, len - at);
        if (n == 0)
            return 0;
        at += n;
    }
    return at;
}

/* ".123456", "Z", " +0100", "+01:00", " UTC" behind a time. */
static size_t match_rest(const uint8_t *p, size_t len)
{
    size_t at = 0;
    if (at + 1 < len && (p[at] == '.' || p[at] == ',') && digit(p[at + 1]))
        for (at++; at < len && digit(p[at]); at++)
            ;
    size_t zone = at + (at < len && p[at] == ' ');
    if (len - zone >= 3 && (one_of(p + zone, 3, "UTCGMT")))
        return zone + 3;
    if (at < len && p[at] == 'Z')
        return at + 1;
    if (len - zone >= 5 && (p[zone] == '+' || p[zone] == '-') &&
        two_digits(p + zone + 1, 2, 0, 14)) {
        size_t minutes = zone + 3 + (p[zone + 3] == ':');
        if (minutes + 2 <= len && two_digits(p + minutes, 2, 0, 59))
            return minutes + 2;
    }
    return at;
}

/* Seconds, or thousandths of them, since 1970: of 2001 to 2099. */
static size_t match_seconds(const uint8_t *p, size_t len)
{
    size_t n = 0;
    while (n < len && digit(p[n]))
        n++;
    if ((n != 10 && n != 13) || p[0] < '1' || p[0] > '4')
        return 0;
    return n;
}

size_t token_date(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t n = match_form(forms[i], text, len);
        bool ends = n > 0 && (n == len || !digit(text[n]) || !digit(text[n - 1]));
        if (ends)
            return n + (strstr(forms[i], "h:t") != NULL ? match_rest(text + n, len - n) : 0);
    }
    return match_seconds(text, len);
}
