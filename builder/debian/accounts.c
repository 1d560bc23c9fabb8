/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups: base-passwd's own, as its script would make them, and those that a recipe
 * declares. */
#include "builder/debian/installed.h"

#include <string.h>

enum { TEXT_MAX = 4 << 20, LINES_MAX = 8192, COLUMNS_MAX = 7 };

static const char root_passwd[] = "root:*:0:0:root:/root:/bin/sh\n";
static const char root_group[] = "root:*:0:\n";

bool rootfs_path_valid(const char *path)
{
    size_t len = strlen(path);
    if (len < 2 || len > TREE_PATH_MAX || path[0] != '/')
        return false;
    for (const char *p = path; *p != 0;) {
        size_t part = strcspn(++p, "/");
        if (part == 0 || part > TREE_NAME_MAX || (part == 1 && p[0] == '.') ||
            (part == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        for (size_t i = 0; i < part; i++)
            if ((unsigned char)p[i] <= ' ' || p[i] == ':' || p[i] == 0x7f)
                return false;
        p += part;
    }
    return true;
}

/* As adduser and useradd have them, less capital letters. */
bool rootfs_account_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 32 || !((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_'))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '_' && name[i] != '-')
            return false;
    return true;
}

bool rootfs_comment_valid(const char *text)
{
    if (strlen(text) > 255)
        return false;
    for (const char *p = text; *p != 0; p++)
        if ((unsigned char)*p < ' ' || *p == ':' || *p == 0x7f)
            return false;
    return true;
}

/* ---- the tables -------------------------------------------------------------------- */

struct user_line {
    const char *name;
    uint32_t uid;
    uint32_t gid;
    const char *comment;
    const char *home;
    const char *shell;
    bool declared;
};

struct group_line {
    const char *name;
    uint32_t gid;
    struct buf members; /* "a,b" */
    bool declared;
};

struct accounts {
    struct buf user_text; /* what lines of base-passwd point into */
    struct buf group_text;
    struct user_line *users;
    size_t user_count;
    size_t user_cap;
    struct group_line *groups;
    size_t group_count;
    size_t group_cap;
};

static void accounts_dispose(struct accounts *a)
{
    for (size_t i = 0; i < a->group_count; i++)
        buf_dispose(&a->groups[i].members);
    free(a->groups);
    free(a->users);
    buf_dispose(&a->user_text);
    buf_dispose(&a->group_text);
}

static struct group_line *find_group(const struct accounts *a, const char *name)
{
    for (size_t i = 0; i < a->group_count; i++)
        if (strcmp(a->groups[i].name, name) == 0)
            return &a->groups[i];
    return NULL;
}

static bool has_gid(const struct accounts *a, uint32_t gid)
{
    for (size_t i = 0; i < a->group_count; i++)
        if (a->groups[i].gid == gid)
            return true;
    return false;
}

static int add_user(struct accounts *a, const struct user_line *u, struct err *e)
{
    for (size_t i = 0; i < a->user_count; i++)
        if (strcmp(a->users[i].name, u->name) == 0 || a->users[i].uid == u->uid)
            return err_set(e, ERR_INPUT, "the user '%.32s' (%u) is there already, as '%.32s' (%u)",
                           u->name, u->uid, a->users[i].name, a->users[i].uid);
    if (a->user_count == LINES_MAX)
        return err_set(e, ERR_INPUT, "more than %d users", (int)LINES_MAX);
    int rc = array_grow(&a->users, &a->user_cap, a->user_count + 1, sizeof(*a->users), e);
    if (rc == 0)
        a->users[a->user_count++] = *u;
    return rc;
}

static int add_group(struct accounts *a, const char *name, uint32_t gid, const char *members,
                     bool declared, struct err *e)
{
    for (size_t i = 0; i < a->group_count; i++)
        if (strcmp(a->groups[i].name, name) == 0 || a->groups[i].gid == gid)
            return err_set(e, ERR_INPUT, "the group '%.32s' (%u) is there already, as '%.32s' (%u)",
                           name, gid, a->groups[i].name, a->groups[i].gid);
    if (a->group_count == LINES_MAX)
        return err_set(e, ERR_INPUT, "more than %d groups", (int)LINES_MAX);
    int rc = array_grow(&a->groups, &a->group_cap, a->group_count + 1, sizeof(*a->groups), e);
    if (rc < 0)
        return rc;
    struct group_line *g = &a->groups[a->group_count++];
    *g = (struct group_line){.name = name, .gid = gid, .declared = declared};
    g->members = (struct buf)BUF_INIT(1 << 20);
    return buf_add_str(&g->members, members, e);
}

/* ---- base-passwd ------------------------------------------------------------------------ */

/* Splits a line in place; false when it has not `count` columns. */
static bool split(char *line, char **columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        columns[i] = line;
        char *colon = strchr(line, ':');
        if ((colon == NULL) != (i + 1 == count))
            return false;
        if (colon != NULL) {
            *colon = 0;
            line = colon + 1;
        }
    }
    return true;
}

static bool parse_id(const char *text, uint32_t *out)
{
    uint64_t v = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= ROOTFS_ID_MAX;
}

static int parse_user(struct accounts *a, char *line, struct err *e)
{
    char *c[COLUMNS_MAX];
    struct user_line u = {0};
    if (!split(line, c, 7) || !rootfs_account_valid(c[0]) || !parse_id(c[2], &u.uid) ||
        !parse_id(c[3], &u.gid))
        return err_set(e, ERR_INPUT, "'%.60s' is no user", line);
    u.name = c[0];
    u.comment = c[4];
    u.home = c[5];
    u.shell = c[6];
    return add_user(a, &u, e);
}

static int parse_group(struct accounts *a, char *line, struct err *e)
{
    char *c[COLUMNS_MAX];
    uint32_t gid = 0;
    if (!split(line, c, 4) || !rootfs_account_valid(c[0]) || !parse_id(c[2], &gid))
        return err_set(e, ERR_INPUT, "'%.60s' is no group", line);
    return add_group(a, c[0], gid, c[3], false, e);
}

static int parse_lines(struct accounts *a, struct buf *text, const char *what,
                       int (*parse)(struct accounts *, char *, struct err *), struct err *e)
{
    int rc = 0;
    for (char *line = (char *)text->data; rc == 0 && line != NULL && *line != 0;) {
        char *eol = strchr(line, '\n');
        if (eol != NULL)
            *eol = 0;
        rc = parse(a, line, e);
        line = eol != NULL ? eol + 1 : NULL;
    }
    return rc < 0 ? err_wrap(e, "cannot read '%s'", what) : 0;
}

/* What stands for everything that nothing declares; *wanted is false when nothing calls for any. */
static int read_base(struct rootfs_writer *w, const struct rootfs_options *o, struct accounts *a,
                     bool *wanted, struct err *e)
{
    static const char users[] = "usr/share/base-passwd/passwd.master";
    static const char groups[] = "usr/share/base-passwd/group.master";
    bool has_users = false;
    bool has_groups = false;
    int rc = rootfs_get(w, users, &a->user_text, &has_users, e);
    if (rc == 0)
        rc = rootfs_get(w, groups, &a->group_text, &has_groups, e);
    if (rc < 0)
        return rc;
    bool declared = o->user_count > 0 || o->group_count > 0;
    *wanted = declared || (has_users && has_groups);
    if (!*wanted)
        return 0;
    if (!has_users)
        rc = buf_add_str(&a->user_text, root_passwd, e);
    if (rc == 0 && !has_groups)
        rc = buf_add_str(&a->group_text, root_group, e);
    if (rc == 0)
        rc = parse_lines(a, &a->user_text, users, parse_user, e);
    return rc < 0 ? rc : parse_lines(a, &a->group_text, groups, parse_group, e);
}

/* ---- what is declared ---------------------------------------------------------------------- */

static int join_group(struct accounts *a, const char *user, const char *name, struct err *e)
{
    struct group_line *g = find_group(a, name);
    if (g == NULL)
        return err_set(e, ERR_INPUT, "the user '%s' is to be in the group '%s', which is not there",
                       user, name);
    return buf_addf(&g->members, e, "%s%s", g->members.len > 0 ? "," : "", user);
}

static int declare(struct accounts *a, const struct rootfs_options *o, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->group_count; i++)
        rc = add_group(a, o->groups[i].name, o->groups[i].gid, "", true, e);
    for (size_t i = 0; rc == 0 && i < o->user_count; i++) {
        const struct rootfs_user *u = &o->users[i];
        const struct user_line line = {u->name, u->uid,   u->gid, u->comment,
                                       u->home, u->shell, true};
        rc = add_user(a, &line, e);
        /* a group of its own, as adduser makes it */
        if (rc == 0 && !has_gid(a, u->gid))
            rc = add_group(a, u->name, u->gid, "", true, e);
    }
    for (size_t i = 0; rc == 0 && i < o->user_count; i++)
        for (size_t k = 0; rc == 0 && k < o->users[i].group_count; k++)
            rc = join_group(a, o->users[i].name, o->users[i].groups[k], e);
    return rc;
}

static int make_home(struct rootfs_writer *w, const struct rootfs_user *u, struct err *e)
{
    struct tree_node *dir = NULL;
    if (strcmp(u->home, "/nonexistent") == 0 || tree_find(w->tree, u->home, true) != NULL)
        return 0;
    int rc = tree_make_dirs(w->tree, u->home, w->time, &dir, e);
    if (rc < 0)
        return err_wrap(e, "the home of '%s'", u->name);
    dir->inode->mode = 0755;
    dir->inode->uid = u->uid;
    dir->inode->gid = u->gid;
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Passwords: '*' for what Debian has, '!' for what is declared; neither lets anybody in. */
static int format_users(const struct accounts *a, struct buf *passwd, struct buf *shadow,
                        struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->user_count; i++) {
        const struct user_line *u = &a->users[i];
        rc = buf_addf(passwd, e, "%s:x:%u:%u:%s:%s:%s\n", u->name, u->uid, u->gid, u->comment,
                      u->home, u->shell);
        if (rc == 0)
            rc = buf_addf(shadow, e, "%s:%s::0:99999:7:::\n", u->name, u->declared ? "!" : "*");
    }
    return rc;
}

static int format_groups(const struct accounts *a, struct buf *group, struct buf *gshadow,
                         struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->group_count; i++) {
        const struct group_line *g = &a->groups[i];
        const char *members = buf_str(&g->members);
        rc = buf_addf(group, e, "%s:x:%u:%s\n", g->name, g->gid, members);
        if (rc == 0)
            rc = buf_addf(gshadow, e, "%s:%s::%s\n", g->name, g->declared ? "!" : "*", members);
    }
    return rc;
}

static int write_tables(struct rootfs_writer *w, const struct accounts *a, struct err *e)
{
    AUTO_BUF passwd = BUF_INIT(2 * TEXT_MAX);
    AUTO_BUF shadow = BUF_INIT(2 * TEXT_MAX);
    AUTO_BUF group = BUF_INIT(2 * TEXT_MAX);
    AUTO_BUF gshadow = BUF_INIT(2 * TEXT_MAX);
    const struct group_line *g = find_group(a, "shadow");
    uint32_t gid = g != NULL ? g->gid : 0;
    uint16_t mode = g != NULL ? 0640 : 0600;
    int rc = format_users(a, &passwd, &shadow, e);
    if (rc == 0)
        rc = format_groups(a, &group, &gshadow, e);
    if (rc == 0)
        rc = rootfs_put(w, "etc/passwd", 0644, 0, passwd.data, passwd.len, e);
    if (rc == 0)
        rc = rootfs_put(w, "etc/group", 0644, 0, group.data, group.len, e);
    if (rc == 0)
        rc = rootfs_put(w, "etc/shadow", mode, gid, shadow.data, shadow.len, e);
    return rc < 0 ? rc : rootfs_put(w, "etc/gshadow", mode, gid, gshadow.data, gshadow.len, e);
}

int accounts_write(struct rootfs_writer *w, const struct rootfs_options *o, struct err *e)
{
    AUTO(accounts_dispose)
    struct accounts a = {.user_text = BUF_INIT(TEXT_MAX), .group_text = BUF_INIT(TEXT_MAX)};
    bool wanted = false;
    int rc = read_base(w, o, &a, &wanted, e);
    if (rc < 0 || !wanted)
        return rc;
    rc = declare(&a, o, e);
    if (rc == 0)
        rc = write_tables(w, &a, e);
    for (size_t i = 0; rc == 0 && i < o->user_count; i++)
        rc = make_home(w, &o->users[i], e);
    return rc;
}
