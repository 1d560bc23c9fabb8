/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/mirrors.h"

#include "base/file.h"
#include "base/json.h"
#include "base/place.h"
#include "net/registry/reference.h"

#include <string.h>

enum { FILE_MAX = 1024 * 1024, PLACE_MAX = 512 };

void mirrors_dispose(struct mirrors *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].registry);
        free(m->items[i].place);
    }
    for (size_t i = 0; i < m->plain_count; i++)
        free(m->plain[i]);
    free(m->items);
    free(m->plain);
    *m = (struct mirrors){0};
}

static int add(struct mirrors *m, const char *registry, const char *place, bool tags, struct err *e)
{
    struct reference r;
    struct mirror item = {.tags = tags};
    if (m->count == MIRRORS_MAX)
        return err_set(e, ERR_USAGE, "more than %d mirrors", MIRRORS_MAX);
    if (!reference_host_valid(registry))
        return err_set(e, ERR_USAGE, "'%.128s' is no HOST[:PORT] of a registry",
                       PLACE_SHOWN(registry));
    int rc = reference_place(place, "", &r, e);
    if (rc < 0)
        return err_recode(e, ERR_USAGE);
    if (strcmp(registry, "index.docker.io") == 0)
        registry = REFERENCE_HOST_DEFAULT;
    if ((rc = array_grow(&m->items, &m->cap, m->count + 1, sizeof(*m->items), e)) < 0 ||
        (rc = str_copy(&item.registry, registry, e)) < 0)
        return rc;
    if ((rc = str_copy(&item.place, place, e)) < 0) {
        free(item.registry);
        return rc;
    }
    m->items[m->count++] = item;
    return 0;
}

int mirrors_add(struct mirrors *m, const char *text, bool tags, struct err *e)
{
    const char *equals = strchr(text, '=');
    AUTO_FREE char *registry = NULL;
    if (equals == NULL || strlen(text) > PLACE_MAX)
        return err_set(e, ERR_USAGE, "'%.128s' is no HOST[:PORT]=MIRROR[:PORT][/PREFIX]",
                       PLACE_SHOWN(text));
    registry = strndup(text, (size_t)(equals - text));
    return registry != NULL ? add(m, registry, equals + 1, tags, e) : err_oom(e);
}

static int read_mirror(const struct jcur *c, struct mirrors *m, struct err *e)
{
    static const char *const keys[] = {"registry", "mirror", "tags", NULL};
    const char *registry = NULL;
    const char *place = NULL;
    struct jcur tags;
    bool may = false;
    int rc = jcur_object(c, keys, e);
    if (rc < 0 || (rc = jcur_get_string(c, "registry", 255, &registry, e)) < 0 ||
        (rc = jcur_get_string(c, "mirror", PLACE_MAX, &place, e)) < 0 ||
        (rc = jcur_get(c, "tags", &tags, e)) < 0 || (rc = jcur_bool(&tags, &may, e)) < 0)
        return rc;
    struct err why = ERR_INIT;
    if ((rc = add(m, registry, place, may, &why)) < 0)
        return jcur_fail(c, e, "%s", why.frame[0]);
    return 0;
}

static int read_plain(const struct jcur *c, struct mirrors *m, struct err *e)
{
    const char *host = NULL;
    int rc = jcur_string(c, 255, &host, e);
    if (rc < 0)
        return rc;
    if (!reference_host_valid(host))
        return jcur_fail(c, e, "'%.128s' is no HOST[:PORT]", PLACE_SHOWN(host));
    if ((rc = array_grow(&m->plain, &m->plain_cap, m->plain_count + 1, sizeof(*m->plain), e)) < 0 ||
        (rc = str_copy(&m->plain[m->plain_count], host, e)) < 0)
        return rc;
    m->plain_count++;
    return 0;
}

static int read_list(const struct jcur *c, const char *key,
                     int (*item)(const struct jcur *c, struct mirrors *m, struct err *e),
                     struct mirrors *m, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    if (!jcur_opt(c, key, &list))
        return 0;
    int rc = jcur_array(&list, MIRRORS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur one = jcur_item(&list, i);
        rc = item(&one, m, e);
    }
    return rc;
}

static int parse(const void *data, size_t len, const char *what, struct mirrors *m, struct err *e)
{
    static const char *const keys[] = {"type", "mirrors", "plainHttp", NULL};
    const struct json_limits limits = {.bytes = FILE_MAX, .depth = 8};
    AUTO_JSON json_t *document = NULL;
    const char *type = NULL;
    int rc = json_parse(data, len, what, &limits, &document, e);
    if (rc < 0)
        return rc;
    struct jcur c = jcur_root(document, what);
    if ((rc = jcur_object(&c, keys, e)) < 0 ||
        (rc = jcur_get_string(&c, "type", 255, &type, e)) < 0)
        return rc;
    if (strcmp(type, MIRRORS_TYPE) != 0)
        return jcur_fail(&c, e, "'%.128s' is not " MIRRORS_TYPE, type);
    if ((rc = read_list(&c, "mirrors", read_mirror, m, e)) < 0)
        return rc;
    return read_list(&c, "plainHttp", read_plain, m, e);
}

int mirrors_parse(const void *data, size_t len, const char *what, struct mirrors *m, struct err *e)
{
    int rc = parse(data, len, what, m, e);
    /* A configuration file is wrong. */
    return rc == -ERR_INPUT ? err_recode(e, ERR_USAGE) : rc;
}

int mirrors_read(const char *path, struct mirrors *m, struct err *e)
{
    AUTO_BUF text = BUF_INIT(FILE_MAX);
    int rc = file_read(path, &text, e);
    if (rc == -ERR_INPUT)
        return err_recode(e, ERR_USAGE);
    return rc < 0 ? rc : mirrors_parse(buf_str(&text), text.len, path, m, e);
}
