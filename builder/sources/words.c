/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/words.h"

#include "base/buf.h"
#include "base/file.h"
#include "net/registry/reference.h"

#include <string.h>

/* What stands between two slashes of a ref's name. */
static bool part_valid(const char *part, size_t len)
{
    static const char lock[] = ".lock";
    const size_t tail = sizeof(lock) - 1;
    return len > 0 && part[0] != '.' &&
           !(len >= tail && memcmp(part + len - tail, lock, tail) == 0);
}

bool commit_valid(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > WORDS_COMMIT_MAX || text[0] == '-' || text[len - 1] == '.' ||
        strcmp(text, "@") == 0 || strstr(text, "..") != NULL || strstr(text, "@{") != NULL)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("~^:?*[\\", *p) != NULL)
            return false;
    for (const char *part = text;;) {
        size_t n = strcspn(part, "/");
        if (!part_valid(part, n))
            return false;
        if (part[n] == '\0')
            return true;
        part += n + 1;
    }
}

bool object_id_valid(const char *text)
{
    size_t len = strlen(text);
    return (len == 40 || len == 64) && strspn(text, "0123456789abcdef") == len;
}

bool url_is_remote(const char *text)
{
    return str_starts(text, "https://") || str_starts(text, "http://");
}

bool url_is_file(const char *text)
{
    return str_starts(text, "file:");
}

static const char *after_scheme(const char *url)
{
    return strstr(url, "://") + 3;
}

int url_host(const char *url, char **out, struct err *e)
{
    const char *host = after_scheme(url);
    return str_format(out, e, "%.*s", (int)strcspn(host, "/?#"), host);
}

bool url_remote_valid(const char *text)
{
    AUTO_FREE char *host = NULL;
    struct err ignored = ERR_INIT;
    size_t len = strlen(text);
    if (!url_is_remote(text) || len > WORDS_URL_MAX || strpbrk(text, "#\\\"<>") != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return url_host(text, &host, &ignored) == 0 && reference_host_valid(host);
}

int url_name(const char *url, char **out, struct err *e)
{
    if (url_is_file(url))
        return str_copy(out, path_base(url + strlen("file:")), e);
    const char *path = after_scheme(url);
    path += strcspn(path, "/?#");
    path += strspn(path, "/");
    size_t len = strcspn(path, "?#");
    while (len > 0 && path[len - 1] == '/')
        len--;
    return len == 0 ? str_copy(out, "index", e) : str_format(out, e, "%.*s", (int)len, path);
}
