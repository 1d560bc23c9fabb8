/* SPDX-License-Identifier: Apache-2.0 */
#include "base/place.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool in_scheme(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
}

/* Where the scheme begins whose "://" stands at `mark`. */
static const char *scheme_start(const char *text, const char *mark)
{
    while (mark > text && in_scheme(mark[-1]))
        mark--;
    return mark;
}

static const char *last_at(const char *text, size_t len)
{
    const char *at = NULL;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '@')
            at = text + i;
    return at;
}

/* "host:5000" has no user; a colon before anything but a port ends the name of one. */
static bool has_odd_colon(const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    if (text[0] == '[')
        return false;
    return colon != NULL && strspn(colon + 1, "0123456789") < len - (size_t)(colon + 1 - text);
}

/* The digest behind a reference's last '@' is none of its user's. */
static bool is_digest(const char *at, size_t len)
{
    static const char sha256[] = "@sha256:";
    return len > sizeof(sha256) - 1 && memcmp(at, sha256, sizeof(sha256) - 1) == 0;
}

/* Behind the scheme: how many bytes belong to the user, the '@' included. */
static size_t user_length(const char *rest, size_t len, bool schemed)
{
    size_t host = strcspn(rest, "/?#");
    const char *at = last_at(rest, len);
    host = host < len ? host : len;
    while (at != NULL && is_digest(at, len - (size_t)(at - rest)))
        at = last_at(rest, (size_t)(at - rest));
    if (at == NULL)
        return 0;
    /* Without a scheme, "a/b@1.0" is a name of something; "a/b@host/c" is not. */
    size_t before = (size_t)(at - rest);
    bool user =
        memchr(rest, '@', host) != NULL || has_odd_colon(rest, host) ||
        (!schemed && (memchr(rest, ':', before) != NULL || memchr(at, '/', len - before) != NULL));
    return user ? before + 1 : 0;
}

/* Appends `len` bytes as they may be shown. */
static void show(const char *text, size_t len, char *out, size_t size)
{
    const char *mark = memmem(text, len, "://", 3);
    bool schemed = mark != NULL && mark > text && scheme_start(text, mark) == text;
    size_t scheme = schemed ? (size_t)(mark - text) + 3 : 0;
    const char *rest = text + scheme;
    size_t left = len - scheme;
    size_t user = user_length(rest, left, schemed);
    size_t shown = strcspn(rest + user, "?#");
    shown = shown < left - user ? shown : left - user;
    size_t used = strlen(out);
    (void)text_print(out + used, size - used, "%.*s%s%.*s%s", (int)scheme, text,
                     user > 0 ? "…@" : "", (int)shown, rest + user,
                     shown < left - user ? "?…" : "");
}

const char *place_shown(const char *text, char out[PLACE_SHOWN_MAX])
{
    out[0] = '\0';
    show(text, strlen(text), out, PLACE_SHOWN_MAX);
    return out;
}

int place_public(const char *url, char **out, struct err *e)
{
    const char *mark = strstr(url, "://");
    size_t scheme = mark != NULL ? (size_t)(mark - url) + 3 : 0;
    const char *rest = url + scheme;
    size_t user = user_length(rest, strlen(rest), mark != NULL);
    return str_format(out, e, "%.*s%.*s", (int)scheme, url, (int)strcspn(rest + user, "?#"),
                      rest + user);
}

/* ---- what other programs say ------------------------------------------------------------------
 */

/* The URL that begins at `start` ends at the quote that ends it, or at a blank. */
static size_t url_length(const char *text, const char *start)
{
    static const char quotes[][2] = {{'\'', '\''}, {'"', '"'}, {'`', '`'}, {'<', '>'}};
    const char *quote = NULL;
    for (size_t i = 0; start > text && i < sizeof(quotes) / sizeof(quotes[0]); i++)
        if (start[-1] == quotes[i][0])
            quote = &quotes[i][1];
    if (quote == NULL)
        return strcspn(start, " \t\r\n");
    for (const char *p = start; *p != '\0' && *p != '\n'; p++)
        if (*p == *quote && (p[1] == '\0' || strchr(" \t\r\n:;,.)", p[1]) != NULL))
            return (size_t)(p - start);
    return strcspn(start, "\n");
}

static void decode_percents(char *text)
{
    char *out = text;
    for (const char *p = text; *p != '\0'; p++) {
        bool coded = *p == '%' && strspn(p + 1, "0123456789abcdefABCDEF") >= 2;
        char digits[3] = "00";
        if (coded)
            memcpy(digits, p + 1, 2);
        const uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
        memcpy(out++, coded ? (const char *)&byte : p, 1);
        p += coded ? 2 : 0;
    }
    *out = '\0';
}

static bool tells(const char *text, char *secret)
{
    bool told = secret[0] != '\0' && strstr(text, secret) != NULL;
    decode_percents(secret);
    bool plainly = secret[0] != '\0' && strstr(text, secret) != NULL;
    explicit_bzero(secret, strlen(secret));
    return told || plainly;
}

/* Whether the text has the password of the proxy that the variable names. */
static bool tells_proxy(const char *variable, const char *text)
{
    char secret[1024];
    const char *value = strchr(variable, '=');
    if (value == NULL || value - variable < 6 || strncasecmp(value - 6, "_proxy", 6) != 0)
        return false;
    const char *mark = strstr(++value, "://");
    value = mark != NULL ? mark + 3 : value;
    const char *at = last_at(value, strlen(value));
    if (at == NULL)
        return false;
    const char *colon = memchr(value, ':', (size_t)(at - value));
    const char *start = colon != NULL ? colon + 1 : value; /* a token, when there is no colon */
    (void)text_print(secret, sizeof(secret), "%.*s", (int)(at - start), start);
    return tells(text, secret);
}

const char *place_message(const char *text, const char *const *env, char out[PLACE_MESSAGE_MAX])
{
    out[0] = '\0';
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        if (tells_proxy(env[i], text)) {
            (void)text_print(out, PLACE_MESSAGE_MAX,
                             "what it says is not shown: a proxy's password is in it");
            return out;
        }
    }
    for (const char *p = text; *p != '\0';) {
        const char *mark = strstr(p, "://");
        const char *start = mark != NULL ? scheme_start(p, mark) : p + strlen(p);
        size_t used = strlen(out);
        (void)text_print(out + used, PLACE_MESSAGE_MAX - used, "%.*s", (int)(start - p), p);
        size_t len = mark != NULL ? url_length(text, start) : 0;
        len = mark != NULL && len < (size_t)(mark - start) + 3 ? (size_t)(mark - start) + 3 : len;
        show(start, len, out, PLACE_MESSAGE_MAX);
        p = start + len;
    }
    return out;
}
