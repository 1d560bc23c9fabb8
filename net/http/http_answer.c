/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_answer.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

static bool header_is(const char *line, size_t len, const char *name, const char **value,
                      size_t *value_len)
{
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    const char *p = line + n + 1;
    const char *end = line + len;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *value = p;
    *value_len = (size_t)(end - p);
    return true;
}

/* "bytes 100-199/200" */
static uint64_t range_start(const char *value, size_t len)
{
    static const char unit[] = "bytes ";
    uint64_t n = 0;
    size_t i = sizeof(unit) - 1;
    if (len <= i || strncasecmp(value, unit, i) != 0)
        return UINT64_MAX;
    size_t digits = 0;
    for (; i < len && value[i] >= '0' && value[i] <= '9' && digits < 18; i++, digits++)
        n = n * 10 + (uint64_t)(value[i] - '0');
    return digits > 0 && i < len && value[i] == '-' ? n : UINT64_MAX;
}

/* "0-99" or "bytes=0-99": what a registry has of an upload. */
static uint64_t range_taken(const char *value, size_t len)
{
    uint64_t n = 0;
    size_t digits = 0;
    size_t i = len > 6 && strncasecmp(value, "bytes=", 6) == 0 ? 6 : 0;
    if (len < i + 3 || value[i] != '0' || value[i + 1] != '-')
        return UINT64_MAX;
    for (i += 2; i < len && value[i] >= '0' && value[i] <= '9' && digits < 18; i++, digits++)
        n = n * 10 + (uint64_t)(value[i] - '0');
    return digits > 0 && i == len ? n + 1 : UINT64_MAX;
}

/* "<URL>; rel="next"", the only relation that is looked for; false when it is too long. */
static bool read_link(const char *value, size_t len, char *out, size_t size)
{
    const char *close = memchr(value, '>', len);
    if (len < 2 || value[0] != '<' || close == NULL)
        return true;
    size_t n = (size_t)(close - value) - 1;
    const char *rest = close + 1;
    size_t left = len - n - 2;
    if (memmem(rest, left, "rel=\"next\"", 10) == NULL && memmem(rest, left, "rel=next", 8) == NULL)
        return true;
    if (n >= size)
        return false;
    memcpy(out, value + 1, n);
    out[n] = '\0';
    return true;
}

void http_answer_clear(struct http_answer *a)
{
    a->status = 0;
    a->length = UINT64_MAX;
    a->range_start = UINT64_MAX;
    a->taken = UINT64_MAX;
    a->retry_after = 0;
    a->received = 0;
    a->digest[0] = '\0';
    a->subject[0] = '\0';
    a->challenge[0] = '\0';
    a->location[0] = '\0';
    a->link[0] = '\0';
    a->error[0] = '\0';
}

static bool take(char *out, size_t size, const char *value, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, value, len);
    out[len] = '\0';
    return true;
}

/* Several challenges become one list. */
static bool add_challenge(struct http_answer *a, const char *value, size_t len)
{
    size_t have = strlen(a->challenge);
    if (have + len + 2 > sizeof(a->challenge))
        return false;
    if (have > 0)
        a->challenge[have++] = ',';
    return take(a->challenge + have, sizeof(a->challenge) - have, value, len);
}

const char *http_answer_line(struct http_answer *a, const char *line, size_t len)
{
    static const char challenge[] = "WWW-Authenticate";
    static const char link[] = "Link";
    const struct {
        const char *name;
        char *out;
        size_t size;
    } texts[] = {
        {"Docker-Content-Digest", a->digest, sizeof(a->digest)},
        {"OCI-Subject", a->subject, sizeof(a->subject)},
        {"Location", a->location, sizeof(a->location)},
    };
    const char *value = NULL;
    size_t n = 0;
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0)
        http_answer_clear(a); /* 100 Continue or a proxy's answer came before */
    else if (header_is(line, len, challenge, &value, &n))
        return add_challenge(a, value, n) ? NULL : challenge;
    else if (header_is(line, len, link, &value, &n))
        return read_link(value, n, a->link, sizeof(a->link)) ? NULL : link;
    else if (header_is(line, len, "Content-Range", &value, &n))
        a->range_start = range_start(value, n);
    else if (header_is(line, len, "Range", &value, &n))
        a->taken = range_taken(value, n);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (header_is(line, len, texts[i].name, &value, &n))
            return take(texts[i].out, texts[i].size, value, n) ? NULL : texts[i].name;
    return NULL;
}

void http_error_code(const void *data, size_t len, char *out, size_t size)
{
    AUTO_JSON json_t *document = NULL;
    struct err ignored = ERR_INIT;
    const struct json_limits limits = {.bytes = HTTP_COMPLAINT_MAX, .depth = 16};
    out[0] = '\0';
    if (json_parse(data, len, "the complaint", &limits, &document, &ignored) < 0)
        return;
    const json_t *first = json_array_get(json_object_get(document, "errors"), 0);
    const char *code = json_string_value(json_object_get(first, "code"));
    if (code != NULL && strlen(code) < size &&
        strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(code))
        (void)take(out, size, code, strlen(code));
}
