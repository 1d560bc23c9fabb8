/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/challenge.h"

#include <string.h>
#include <strings.h>

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *skip(const char *p, const char *bytes)
{
    return p + strspn(p, bytes);
}

static const char *token_end(const char *p)
{
    while (is_token_byte(*p))
        p++;
    return p;
}

/* A token or a quoted string; appended to `out`, or only passed over when that is NULL. NULL: bad.
 */
static const char *read_value(const char *p, char *out)
{
    size_t n = 0;
    bool quoted = *p == '"';
    if (quoted)
        p++;
    for (; quoted ? *p != '"' : is_token_byte(*p); p++) {
        if (quoted && *p == '\\')
            p++;
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return NULL;
        if (n + 1 >= CHALLENGE_TEXT_MAX)
            return NULL;
        if (out != NULL)
            out[n] = *p;
        n++;
    }
    if (out != NULL)
        out[n] = '\0';
    if (quoted)
        return p + 1;
    return n > 0 ? p : NULL;
}

static char *member(struct challenge *c, const char *name, size_t len)
{
    if (len == 5 && strncasecmp(name, "realm", 5) == 0)
        return c->realm;
    if (len == 7 && strncasecmp(name, "service", 7) == 0)
        return c->service;
    if (len == 5 && strncasecmp(name, "scope", 5) == 0)
        return c->scope;
    return NULL;
}

/* The parameters behind a scheme, up to the next one or the end. NULL: bad. */
static const char *read_parameters(const char *p, struct challenge *c)
{
    for (;;) {
        p = skip(p, " \t,");
        const char *end = token_end(p);
        const char *equals = skip(end, " \t");
        if (end == p)
            return *p == '\0' ? p : NULL;
        if (*equals != '=')
            return p; /* the next scheme */
        char *out = member(c, p, (size_t)(end - p));
        if (out != NULL && out[0] != '\0')
            return NULL;
        p = read_value(skip(equals + 1, " \t"), out);
        if (p == NULL)
            return NULL;
        p = skip(p, " \t");
        if (*p != ',' && *p != '\0')
            return NULL;
    }
}

static enum challenge_scheme scheme_of(const char *name, size_t len)
{
    if (len == 6 && strncasecmp(name, "Bearer", 6) == 0)
        return CHALLENGE_BEARER;
    if (len == 5 && strncasecmp(name, "Basic", 5) == 0)
        return CHALLENGE_BASIC;
    return CHALLENGE_NONE;
}

static int bad(struct err *e)
{
    return err_set(e, ERR_INPUT, "malformed WWW-Authenticate header");
}

int challenge_parse(const char *text, struct challenge *out, struct err *e)
{
    struct challenge best = {.scheme = CHALLENGE_NONE};
    if (strlen(text) > CHALLENGE_HEADER_MAX)
        return err_set(e, ERR_INPUT, "the WWW-Authenticate header is longer than %d bytes",
                       CHALLENGE_HEADER_MAX);
    const char *p = skip(text, " \t,");
    while (*p != '\0') {
        struct challenge c = {.scheme = CHALLENGE_NONE};
        const char *end = token_end(p);
        if (end == p || (*end != ' ' && *end != '\0' && *end != ','))
            return bad(e);
        c.scheme = scheme_of(p, (size_t)(end - p));
        /* Schemes with one bare token ("Negotiate dG9rZW4=") are not ours: no registry uses them.
         */
        if ((p = read_parameters(end, &c)) == NULL)
            return bad(e);
        if (c.scheme == CHALLENGE_BEARER && c.realm[0] == '\0')
            return err_set(e, ERR_INPUT, "the WWW-Authenticate header has no realm");
        if (c.scheme > best.scheme)
            best = c;
    }
    *out = best;
    return 0;
}
