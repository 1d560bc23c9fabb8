/* SPDX-License-Identifier: Apache-2.0 */
/*
 * USER of an image configuration: "user", "uid", "user:group", "uid:gid", as
 * Docker reads it (OCI image specification, config.md), by the image's own
 * etc/passwd and etc/group, and then by the names of containers, which are
 * LinuxKit's own users (docs/formats/linuxkit.md, section 4). LinuxKit ignores USER.
 */
#include "builder/linuxkit/strict_tree.h"

#include <string.h>

enum { DATABASE_MAX = 4 * 1024 * 1024, GROUPS_MAX = 1024, FIELDS = 7 };

/* Digits without more leading zeros than "0": a number that an id can be. */
static bool read_id(const char *text, size_t len, uint32_t *out)
{
    uint64_t value = 0;
    if (len == 0 || len > 10 || (len > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value >= UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

static int read_database(const struct strict_tree *m, const struct tree *image, const char *path,
                         struct buf *out, struct err *e)
{
    const struct tree_node *node = tree_find(image, path, true);
    if (node == NULL || node->inode->type != TREE_FILE)
        return 0;
    int rc = strict_tree_read(m, image, node->inode, out, e);
    return rc < 0 ? err_wrap(e, "%s", path) : 0;
}

struct field {
    const char *text;
    size_t len;
};

static bool same(const struct field *f, const char *text, size_t len)
{
    return f->len == len && memcmp(f->text, text, len) == 0;
}

/* The next line's fields, separated by colons; false at the end. */
static bool next_line(const char **at, const char *end, struct field *fields)
{
    if (*at >= end)
        return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = newline != NULL ? newline : end;
    const char *p = *at;
    for (size_t i = 0; i < FIELDS; i++) {
        const char *colon = p < stop ? memchr(p, ':', (size_t)(stop - p)) : NULL;
        const char *last = colon != NULL ? colon : stop;
        fields[i] = (struct field){p, (size_t)(last - p)};
        p = colon != NULL ? colon + 1 : stop;
    }
    *at = newline != NULL ? newline + 1 : end;
    return true;
}

/* The line whose name is the text, or whose id is the number; false: none. */
static bool find_entry(const struct buf *database, const char *text, size_t len, bool by_id,
                       struct field *fields)
{
    const char *at = (const char *)database->data;
    const char *end = at + database->len;
    uint32_t wanted = 0;
    uint32_t id = 0;
    if (database->len == 0 || (by_id && !read_id(text, len, &wanted)))
        return false;
    while (next_line(&at, end, fields)) {
        if (by_id ? read_id(fields[2].text, fields[2].len, &id) && id == wanted
                  : len > 0 && same(&fields[0], text, len))
            return true;
    }
    return false;
}

/* A member of a comma-separated list. */
static bool listed(const struct field *list, const struct field *name)
{
    const char *p = list->text;
    const char *end = p + list->len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        size_t len = (size_t)((comma != NULL ? comma : end) - p);
        if (len == name->len && memcmp(p, name->text, len) == 0)
            return true;
        p += len + 1;
    }
    return false;
}

/* The groups that list the user, in the order of etc/group. */
static int read_groups(const struct buf *groups, const struct field *name,
                       struct oci_spec_user *out, struct err *e)
{
    const char *at = (const char *)groups->data;
    const char *end = at + groups->len;
    struct field fields[FIELDS];
    size_t cap = 0;
    while (groups->len > 0 && next_line(&at, end, fields)) {
        uint32_t gid = 0;
        if (!listed(&fields[3], name) || !read_id(fields[2].text, fields[2].len, &gid))
            continue;
        if (out->group_count >= GROUPS_MAX)
            return err_set(e, ERR_INPUT, "USER is in more than %d groups", GROUPS_MAX);
        int rc = array_grow(&out->groups, &cap, out->group_count + 1, sizeof(*out->groups), e);
        if (rc < 0)
            return rc;
        out->groups[out->group_count++] = gid;
    }
    return 0;
}

/* The id of a container of that name. */
static bool container_id(const json_t *ids, const char *text, size_t len, uint32_t *out)
{
    const json_t *id = json_object_getn(ids, text, len);
    *out = id != NULL ? (uint32_t)json_integer_value(id) : *out;
    return id != NULL;
}

static int read_group(const json_t *ids, const struct buf *groups, const char *text,
                      struct oci_spec_user *out, struct err *e)
{
    struct field fields[FIELDS];
    size_t len = strlen(text);
    if (find_entry(groups, text, len, false, fields)) {
        if (read_id(fields[2].text, fields[2].len, &out->gid))
            return 0;
    } else if (read_id(text, len, &out->gid) || container_id(ids, text, len, &out->gid)) {
        return 0;
    }
    return err_set(e, ERR_INPUT, "the image has no group '%.64s' (USER)", text);
}

int strict_user_find(const struct buf *passwd, const struct buf *groups, const json_t *ids,
                     const char *text, struct oci_spec_user *out, struct err *e)
{
    struct field fields[FIELDS];
    size_t len = strcspn(text, ":");
    bool known = find_entry(passwd, text, len, false, fields);
    if (!known && len > 0 && read_id(text, len, &out->uid))
        known = find_entry(passwd, text, len, true, fields);
    else if (!known && container_id(ids, text, len, &out->uid))
        out->gid = out->uid;
    else if (!known && !(len == 0 || (len == 4 && memcmp(text, "root", 4) == 0)))
        return err_set(e, ERR_INPUT, "the image has no user '%.64s' (USER)", text);
    if (known && (!read_id(fields[2].text, fields[2].len, &out->uid) ||
                  !read_id(fields[3].text, fields[3].len, &out->gid)))
        return err_set(e, ERR_INPUT, "etc/passwd of the image has no ids for '%.64s' (USER)", text);
    if (text[len] == ':' && text[len + 1] != '\0')
        return read_group(ids, groups, text + len + 1, out, e);
    return known ? read_groups(groups, &fields[0], out, e) : 0;
}

int strict_tree_user(const struct strict_tree *m, const struct tree *image, const char *text,
                     struct oci_spec_user *out, struct err *e)
{
    AUTO_BUF passwd = BUF_INIT(DATABASE_MAX);
    AUTO_BUF groups = BUF_INIT(DATABASE_MAX);
    int rc = read_database(m, image, "etc/passwd", &passwd, e);
    if (rc < 0 || (rc = read_database(m, image, "etc/group", &groups, e)) < 0)
        return rc;
    return strict_user_find(&passwd, &groups, m->p->lk->ids, text, out, e);
}
