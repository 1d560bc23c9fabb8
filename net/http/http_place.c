/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_place.h"

#include "base/buf.h"
#include "base/place.h"
#include "base/text.h"

#include <curl/curl.h>
#include <string.h>

static bool url_part(CURLU *u, CURLUPart part, char *out, size_t size)
{
    char *text = NULL;
    bool fine = curl_url_get(u, part, &text, 0) == CURLUE_OK && strlen(text) < size;
    if (fine)
        memcpy(out, text, strlen(text) + 1);
    curl_free(text);
    return fine;
}

static const char *read_parts(CURLU *u, struct http_place *out)
{
    char port[8] = "";
    char host[256];
    char *user = NULL;
    bool named = curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    if (!url_part(u, CURLUPART_SCHEME, out->scheme, sizeof(out->scheme)))
        return "is of a scheme that nobody knows";
    if (strcmp(out->scheme, "https") != 0 && strcmp(out->scheme, "http") != 0)
        return "is neither https:// nor http://";
    if (named)
        return "names a user";
    if (!url_part(u, CURLUPART_HOST, host, sizeof(host)))
        return "names no host, or one that is too long";
    bool ported = url_part(u, CURLUPART_PORT, port, sizeof(port));
    (void)text_print(out->host, sizeof(out->host), "%s%s%s", host, ported ? ":" : "",
                     ported ? port : "");
    return NULL;
}

const char *http_place_read(const char *url, struct http_place *out)
{
    *out = (struct http_place){.scheme = ""};
    if (strlen(url) > HTTP_URL_MAX)
        return "is too long";
    CURLU *u = curl_url();
    if (u == NULL)
        return "finds no memory";
    const char *why = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
                          ? read_parts(u, out)
                          : "is no URL";
    curl_url_cleanup(u);
    return why;
}

/* The absolute form; NULL when there is none. curl_free. */
static char *join(const char *base, const char *to)
{
    const unsigned flags = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE;
    char *url = NULL;
    CURLU *u = curl_url();
    bool fine = u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
                curl_url_set(u, CURLUPART_URL, to, flags) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    return fine ? url : NULL;
}

int http_place_follow(const char *base, const char *to, const char *verb, char **url,
                      struct http_place *out, struct err *e)
{
    struct http_place from;
    struct http_place place = {.scheme = ""};
    const char *why = http_place_read(base, &from);
    if (why != NULL)
        return err_set(e, ERR_INPUT, "'%s' %s", PLACE_SHOWN(base), why);
    if (to[0] == '\0')
        return err_set(e, ERR_INPUT, "'%s' %s to nowhere: it names no place", from.host, verb);
    char *joined = join(base, to);
    why = joined != NULL ? http_place_read(joined, &place) : "is no URL";
    int rc = 0;
    if (place.scheme[0] != '\0' && strcmp(place.scheme, from.scheme) != 0)
        rc = err_set(e, ERR_INPUT, "'%s' %s from %s to %s: refused", from.host, verb, from.scheme,
                     place.scheme);
    else if (why != NULL)
        rc = err_set(e, ERR_INPUT, "'%s' %s to '%s', which %s: refused", from.host, verb,
                     PLACE_SHOWN(to), why);
    else
        rc = str_copy(url, joined, e);
    curl_free(joined);
    if (rc == 0)
        *out = place;
    return rc;
}

int http_resolve(const char *base, const char *place, char **out, struct err *e)
{
    struct http_place ignored;
    return http_place_follow(base, place, "leads", out, &ignored, e);
}

bool http_same_host(const char *a, const char *b)
{
    struct http_place x;
    struct http_place y;
    return http_place_read(a, &x) == NULL && http_place_read(b, &y) == NULL &&
           strcmp(x.scheme, y.scheme) == 0 && strcmp(x.host, y.host) == 0;
}
