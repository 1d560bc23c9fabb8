/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_root.h"

#include "base/json.h"
#include "formats/tar/go_tar.h"

#include <string.h>

enum { LINKS_MAX = 40 };

int compat_root_init(struct compat_root *r, struct err *e)
{
    *r = (struct compat_root){json_object(), json_object(), json_object()};
    return r->counts == NULL || r->kinds == NULL || r->links == NULL ? err_oom(e) : 0;
}

void compat_root_dispose(struct compat_root *r)
{
    json_decref(r->counts);
    json_decref(r->kinds);
    json_decref(r->links);
}

/* ---- paths -------------------------------------------------------------------------------------
 */

/* The first directory of the path that is a link, and its length; NULL: none. */
static const char *first_link(const struct compat_root *r, char *path, size_t *len)
{
    const char *target = NULL;
    for (char *slash = strchr(path, '/'); target == NULL && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        target = json_string_value(json_object_get(r->links, path));
        *len = (size_t)(slash - path);
        *slash = '/';
    }
    return target;
}

/* Through the links of its directories, as far as they stay in the root. */
static int resolve(const struct compat_root *r, const char *path, char **out, struct err *e)
{
    AUTO_FREE char *at = NULL;
    int rc = str_copy(&at, path, e);
    for (unsigned n = 0; rc == 0 && n < LINKS_MAX; n++) {
        AUTO_FREE char *joined = NULL;
        AUTO_FREE char *clean = NULL;
        size_t len = 0;
        const char *target = first_link(r, at, &len);
        if (target == NULL)
            break;
        size_t dir = len;
        while (dir > 0 && at[dir - 1] != '/')
            dir--;
        rc = *target == '/' ? str_format(&joined, e, "%s%s", target + 1, at + len)
                            : str_format(&joined, e, "%.*s%s%s", (int)dir, at, target, at + len);
        if (rc < 0 || (rc = go_tar_path_clean(joined, &clean, e)) < 0)
            return rc;
        if (*clean == '/' || str_starts(clean, "../"))
            break;
        free(at);
        at = steal_ptr(&clean);
    }
    if (rc < 0)
        return rc;
    *out = steal_ptr(&at);
    return 0;
}

/* ---- entries -----------------------------------------------------------------------------------
 */

static bool has_contents(const struct compat_root *r, const char *path)
{
    size_t len = strlen(path);
    const char *key = NULL;
    json_t *kind = NULL;
    json_object_foreach(r->kinds, key, kind)
    {
        if (strncmp(key, path, len) == 0 && key[len] == '/')
            return true;
    }
    return false;
}

static char kind_of(const struct compat_root *r, const char *path)
{
    return (char)json_integer_value(json_object_get(r->kinds, path));
}

static int set_kind(struct compat_root *r, const char *path, char type, struct err *e)
{
    return json_object_set_new_nocheck(r->kinds, path, json_integer(type)) < 0 ? err_oom(e) : 0;
}

static int add_parents(struct compat_root *r, char *path, struct err *e)
{
    int rc = 0;
    for (char *slash = strchr(path, '/'); rc == 0 && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*path != '\0' && kind_of(r, path) == '\0')
            rc = set_kind(r, path, '5', e);
        *slash = '/';
    }
    return rc;
}

int compat_root_add(struct compat_root *r, const char *path, char type, const char *link,
                    json_t *over, struct err *e)
{
    AUTO_FREE char *at = NULL;
    int rc = resolve(r, path, &at, e);
    if (rc < 0 || (rc = add_parents(r, at, e)) < 0)
        return rc;
    const json_int_t before = json_integer_value(json_object_get(r->counts, at));
    if (json_object_set_new_nocheck(r->counts, at, json_integer(before + 1)) < 0)
        return err_oom(e);
    if (over != NULL && type != '5' && kind_of(r, at) == '5' && has_contents(r, at) &&
        (rc = json_push(over, json_string(path), e)) < 0)
        return rc;
    /* A directory's entry leaves a link where it is. */
    if (type == '5' && kind_of(r, at) != '\0')
        return 0;
    if (type == '2' && link != NULL &&
        json_object_set_new_nocheck(r->links, at, json_string(link)) < 0)
        return err_oom(e);
    if (type != '2')
        (void)json_object_del(r->links, at);
    return set_kind(r, at, type, e);
}

size_t compat_root_count(const struct compat_root *r, const char *path)
{
    AUTO_FREE char *at = NULL;
    struct err ignored = ERR_INIT;
    if (resolve(r, path, &at, &ignored) < 0)
        return 0;
    return (size_t)json_integer_value(json_object_get(r->counts, at));
}
