/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/fetch_source.h"

#include "base/file.h"
#include "base/place.h"
#include "builder/sources/git.h"
#include "builder/sources/tree_blob.h"
#include "builder/sources/url.h"
#include "builder/sources/words.h"

#include <string.h>

/* What stands behind "NAME=", or all of it; *name is its length. */
static const char *split(const char *option, size_t *name)
{
    size_t len =
        strspn(option, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    *name = len > 0 && option[len] == '=' ? len : 0;
    return *name > 0 ? option + len + 1 : option;
}

bool fetch_url_valid(const char *option)
{
    size_t name = 0;
    const char *url = split(option, &name);
    if (url_is_file(url))
        return true;
    return url_is_remote(url) && url_remote_valid(url) && (name > 0 || strchr(url, '?') == NULL);
}

bool fetch_url_applies(const char *option, const char *id)
{
    static const char prefix[] = "url.";
    size_t name = 0;
    (void)split(option, &name);
    const char *own = str_starts(id, prefix) ? id + sizeof(prefix) - 1 : id;
    return name == 0 || (strlen(own) == name && memcmp(option, own, name) == 0) ||
           (strlen(id) == name && memcmp(option, id, name) == 0);
}

static const char *text_of(const json_t *origin, const char *key)
{
    return json_string_value(json_object_get(origin, key));
}

int fetch_url(const struct fetch_source *s, const char *option, const json_t *origin,
              const struct digest *digest, struct err *e)
{
    AUTO_FREE char *url = NULL;
    size_t name = 0;
    const char *base = split(option, &name);
    const char *path = name > 0 ? "" : text_of(origin, "path");
    uint64_t size = 0;
    if (name == 0 && (path == NULL || !relpath_valid(path)))
        return err_set(e, ERR_INPUT, "the plan's URL has no path that can be asked for");
    int rc = str_format(&url, e, "%s%s%s", base, name > 0 || str_ends(base, "/") ? "" : "/", path);
    if (rc < 0)
        return rc;
    if (!url_is_file(url) && !url_remote_valid(url))
        return err_set(e, ERR_INPUT, "'%s' is no URL that can be asked for", PLACE_SHOWN(url));
    const struct url_options options = {
        .url = url, .directory = ".", .digest = digest, .http = s->http, .cas = s->cas};
    return url_fetch(&options, &size, e);
}

int fetch_git(const struct fetch_source *s, const char *repository, const json_t *origin,
              const struct digest *digest, struct err *e)
{
    AUTO_TREE_BLOB b = TREE_BLOB_INIT;
    struct git_source source;
    struct digest got;
    uint64_t size = 0;
    const struct git_options options = {
        .repository = repository,
        .commit = text_of(origin, "commit"),
        .tree = text_of(origin, "tree"),
        .path = text_of(origin, "path"),
        .temp = s->temp,
        .env = s->env,
        .ca_file = s->ca_file,
        .http = s->http,
        .credentials = s->credentials,
        .limits = s->limits,
    };
    if (options.commit == NULL || !object_id_valid(options.commit) || options.tree == NULL ||
        !object_id_valid(options.tree) || (options.path != NULL && !relpath_valid(options.path)))
        return err_set(e, ERR_INPUT, "the plan names no commit that can be asked for");
    int rc = tree_blob_begin(&b, s->temp, e);
    if (rc < 0 || (rc = git_read(&options, &b, &source, e)) < 0 ||
        (rc = tree_blob_commit(&b, s->cas, &got, &size, e)) < 0)
        return rc;
    return digest_equal(&got, digest)
               ? 0
               : err_set(e, ERR_INPUT, "the commit of '%.200s' gives another blob",
                         PLACE_SHOWN(repository));
}
