/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/reference.h"

#include "base/buf.h"
#include "base/place.h"

#include <string.h>

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* ":1" to ":65535" at `text`, or nothing at all. */
static bool port_valid(const char *text)
{
    if (text[0] == '\0')
        return true;
    if (text[0] != ':')
        return false;
    size_t len = strspn(text + 1, "0123456789");
    unsigned value = 0;
    if (len == 0 || len > 5 || text[1 + len] != '\0')
        return false;
    for (size_t i = 1; i <= len; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    return value > 0 && value <= 65535;
}

bool reference_host_valid(const char *host)
{
    size_t len = strlen(host);
    if (len == 0 || len > 255)
        return false;
    if (host[0] == '[') {
        size_t inner = strspn(host + 1, "0123456789abcdefABCDEF:.");
        return inner >= 2 && inner <= 45 && host[1 + inner] == ']' && port_valid(host + inner + 2);
    }
    const char *p = host;
    for (;;) { /* labels of letters, digits and inner dashes, between dots */
        const char *start = p;
        while (is_alnum(*p) || *p == '-')
            p++;
        if (p == start || *start == '-' || p[-1] == '-')
            return false;
        if (*p != '.')
            return port_valid(p);
        p++;
    }
}

/* Lower-case words joined by ".", "_", "__" or dashes; parts between slashes. */
static bool path_valid(const char *path)
{
    const char *p = path;
    for (;;) {
        if (!is_lower(*p))
            return false;
        while (is_lower(*p))
            p++;
        if (*p == '\0')
            return true;
        if (*p == '-')
            p += strspn(p, "-");
        else if (p[0] == '_' && p[1] == '_')
            p += 2;
        else if (*p == '.' || *p == '_' || *p == '/')
            p++;
        else
            return false;
    }
}

static bool tag_valid(const char *tag)
{
    size_t len = strlen(tag);
    if (len == 0 || len > REFERENCE_TAG_MAX || !(is_alnum(tag[0]) || tag[0] == '_'))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!is_alnum(tag[i]) && strchr("._-", tag[i]) == NULL)
            return false;
    return true;
}

/* The length of the leading host and its slash; 0 when there is none. */
static size_t host_length(const char *text)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL)
        return 0;
    size_t len = (size_t)(slash - text);
    bool host = (len == 9 && memcmp(text, "localhost", 9) == 0);
    for (size_t i = 0; i < len; i++)
        host = host || text[i] == '.' || text[i] == ':' || (text[i] >= 'A' && text[i] <= 'Z');
    return host ? len : 0;
}

static bool put(char *out, size_t size, const char *text, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* Cuts ":TAG" and "@DIGEST" off; what is left is the path, of which the length is returned in *len.
 */
static bool cut_tail(const char *text, struct reference *r, size_t *len, struct err *e)
{
    const char *at = strchr(text, '@');
    size_t end = at != NULL ? (size_t)(at - text) : strlen(text);
    const char *colon = memchr(text, ':', end);
    if (at != NULL && (digest_parse(at + 1, &r->digest, e) < 0 || r->digest.alg != DIGEST_SHA256))
        return false;
    *len = end;
    if (colon == NULL)
        return at != NULL || put(r->tag, sizeof(r->tag), "latest", 6);
    *len = (size_t)(colon - text);
    return put(r->tag, sizeof(r->tag), colon + 1, end - *len - 1) && tag_valid(r->tag);
}

static bool parse(const char *text, const char *host, struct reference *r, struct err *e)
{
    size_t len = host_length(text);
    size_t path = 0;
    const char *rest = len > 0 ? text + len + 1 : text;
    if (len == 0) {
        host = host != NULL ? host : REFERENCE_HOST_DEFAULT;
        len = strlen(host);
    } else {
        host = text;
    }
    if (!put(r->host, sizeof(r->host), host, len) || !reference_host_valid(r->host) ||
        !cut_tail(rest, r, &path, e))
        return false;
    if (strcmp(r->host, "index.docker.io") == 0)
        (void)put(r->host, sizeof(r->host), REFERENCE_HOST_DEFAULT, strlen(REFERENCE_HOST_DEFAULT));
    if (strcmp(r->host, REFERENCE_HOST_DEFAULT) != 0 || memchr(rest, '/', path) != NULL)
        return put(r->path, sizeof(r->path), rest, path) && path_valid(r->path);
    static const char library[] = "library/";
    size_t prefix = sizeof(library) - 1;
    memcpy(r->path, library, prefix);
    return put(r->path + prefix, sizeof(r->path) - prefix, rest, path) && path_valid(r->path);
}

int reference_parse(const char *text, const char *host, struct reference *out, struct err *e)
{
    struct reference r = {.host = ""};
    struct err ignored = ERR_INIT;
    if (strlen(text) > REFERENCE_MAX || !parse(text, host, &r, &ignored))
        return err_set(e, ERR_INPUT,
                       "'%.128s' is no reference of an image: [HOST/]PATH[:TAG][@sha256:…]",
                       PLACE_SHOWN(text));
    *out = r;
    return 0;
}

int reference_place(const char *place, const char *path, struct reference *out, struct err *e)
{
    struct reference r = {.host = ""};
    size_t len = strcspn(place, "/");
    const char *prefix = place[len] == '/' ? place + len + 1 : "";
    size_t prefix_len = strlen(prefix);
    const char *slash = prefix_len > 0 && path[0] != '\0' ? "/" : "";
    AUTO_FREE char *joined = NULL;
    int rc = str_format(&joined, e, "%s%s%s", prefix, slash, path);
    if (rc < 0)
        return rc;
    if (!put(r.host, sizeof(r.host), place, len) || !reference_host_valid(r.host) ||
        (place[len] == '/' && prefix_len == 0) ||
        !put(r.path, sizeof(r.path), joined, strlen(joined)) ||
        (joined[0] != '\0' && !path_valid(joined)))
        return err_set(e, ERR_INPUT, "'%.128s' is no HOST[:PORT][/PATH]", PLACE_SHOWN(place));
    *out = r;
    return 0;
}
