/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups that packages declare in sysusers.d, as systemd-sysusers adds them to the files
 * in /etc (docs/formats/debian.md, "Finishing").
 */
#include "builder/debian/finishing.h"
#include "builder/debian/sysusers.h"

#include <string.h>

enum { TEXT_MAX = 4 << 20, LINES_MAX = 8192, SECONDS_OF_DAY = 86400 };

static const char *const paths[] = {"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"};
enum { PASSWD, GROUP, SHADOW, GSHADOW, FILES };

/* A user or a group with its id. */
struct known {
    char *name;
    uint32_t id;
};

struct table {
    struct known *items;
    size_t count;
    size_t cap;
};

struct work {
    struct sysusers declared;
    struct table users;
    struct table groups;
    uint32_t next; /* the highest id that may still be free */
    struct buf text[FILES];
    int64_t day;
};

static void table_dispose(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->items[i].name);
    free(t->items);
}

static void work_dispose(struct work *w)
{
    sysusers_dispose(&w->declared);
    table_dispose(&w->users);
    table_dispose(&w->groups);
    for (size_t i = 0; i < FILES; i++)
        buf_dispose(&w->text[i]);
}

/* ---- who is there ---- */

static const struct known *by_name(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->items[i].name, name) == 0)
            return &t->items[i];
    return NULL;
}

/* Whether the id is anybody's, or anybody's but `but`'s. */
static bool has_id(const struct table *t, uint32_t id, const char *but)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].id == id && (but == NULL || strcmp(t->items[i].name, but) != 0))
            return true;
    return false;
}

static int know(struct table *t, const char *name, size_t len, uint32_t id, struct err *e)
{
    if (t->count == LINES_MAX)
        return err_set(e, ERR_INPUT, "more than %d users or groups", (int)LINES_MAX);
    int rc = array_grow(&t->items, &t->cap, t->count + 1, sizeof(*t->items), e);
    if (rc == 0)
        rc = str_format(&t->items[t->count].name, e, "%.*s", (int)len, name);
    if (rc == 0)
        t->items[t->count++].id = id;
    return rc;
}

/* NAME:PASSWORD:ID:… */
static int read_table(struct table *t, const char *text, const char *path, struct err *e)
{
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != 0;) {
        size_t len = strcspn(p, "\n");
        const char *colon = memchr(p, ':', len);
        const char *id =
            colon == NULL ? NULL : memchr(colon + 1, ':', len - (size_t)(colon + 1 - p));
        uint32_t n = 0;
        if (id == NULL || !sysusers_id(id + 1, strcspn(id + 1, ":\n"), &n))
            return err_set(e, ERR_INPUT, "'%s' has a line without an id", path);
        rc = know(t, p, (size_t)(colon - p), n, e);
        p += len + (p[len] == '\n');
    }
    return rc;
}

/* ---- adding ---- */

/* Of `id` both as a user's and as a group's, for this name. */
static bool is_free(const struct work *w, uint32_t id, const char *name)
{
    return !has_id(&w->users, id, name) && !has_id(&w->groups, id, name);
}

/* The highest that is nobody's; ids that were passed over stay so. */
static int take_next(struct work *w, const char *name, bool group, uint32_t *out, struct err *e)
{
    for (; w->next > 0; w->next--) {
        if (has_id(group ? &w->groups : &w->users, w->next, NULL) || !is_free(w, w->next, name))
            continue;
        *out = w->next;
        return 0;
    }
    return err_set(e, ERR_INPUT, "no id is free for '%s'", name);
}

static int add_group(struct work *w, struct sysuser *u, struct err *e)
{
    const struct known *known = by_name(&w->groups, u->name);
    if (known != NULL) {
        u->gid = known->id;
        u->gid_set = true;
        return 0;
    }
    if (u->gid_set && has_id(&w->groups, u->gid, NULL)) {
        if (u->gid_given)
            return 0; /* the user's group is another one */
        u->gid_set = false;
    } else if (u->gid_set && u->gid_given) {
        return err_set(e, ERR_INPUT, "'%s' is to be in a group %u, which there is not", u->name,
                       u->gid);
    }
    if (!u->gid_set && u->uid_set && !has_id(&w->groups, u->uid, NULL) &&
        is_free(w, u->uid, u->name)) {
        u->gid = u->uid;
        u->gid_set = true;
    }
    int rc = u->gid_set ? 0 : take_next(w, u->name, true, &u->gid, e);
    u->gid_set = true;
    if (rc == 0)
        rc = know(&w->groups, u->name, strlen(u->name), u->gid, e);
    if (rc == 0)
        rc = buf_addf(&w->text[GROUP], e, "%s:x:%u:\n", u->name, u->gid);
    return rc < 0 ? rc : buf_addf(&w->text[GSHADOW], e, "%s:!*::\n", u->name);
}

/* The group that a user is in; a declared one that has been made already is as good as one there.
 */
static int find_group(struct work *w, struct sysuser *u, struct err *e)
{
    const struct known *named = by_name(&w->groups, u->group != NULL ? u->group : u->name);
    if (u->group == NULL && (u->gid_set || named == NULL))
        return add_group(w, u, e);
    if (named == NULL)
        return err_set(e, ERR_INPUT, "'%s' is to be in a group '%s', which there is not", u->name,
                       u->group);
    u->gid = named->id;
    u->gid_set = true;
    return 0;
}

static int add_user(struct work *w, struct sysuser *u, struct err *e)
{
    int rc = find_group(w, u, e);
    if (rc < 0 || by_name(&w->users, u->name) != NULL)
        return rc;
    bool alone = !u->gid_given && u->group == NULL;
    if (u->uid_set &&
        (has_id(&w->users, u->uid, NULL) || (alone && has_id(&w->groups, u->uid, u->name))))
        u->uid_set = false;
    if (!u->uid_set && !has_id(&w->users, u->gid, NULL) && !has_id(&w->groups, u->gid, u->name)) {
        u->uid = u->gid;
        u->uid_set = true;
    }
    if (!u->uid_set && (rc = take_next(w, u->name, false, &u->uid, e)) < 0)
        return rc;
    rc = know(&w->users, u->name, strlen(u->name), u->uid, e);
    if (rc == 0)
        rc =
            buf_addf(&w->text[PASSWD], e, "%s:x:%u:%u:%s:%s:%s\n", u->name, u->uid, u->gid,
                     u->comment != NULL ? u->comment : "", u->home != NULL ? u->home : "/",
                     u->shell != NULL ? u->shell : (u->uid == 0 ? "/bin/sh" : "/usr/sbin/nologin"));
    return rc < 0 ? rc
                  : buf_addf(&w->text[SHADOW], e, "%s:!*:%lld::::%s\n", u->name, (long long)w->day,
                             u->locked ? ":1:" : "::");
}

/* ---- members ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a,b" with more of them, sorted, each once; *changed is false when all were there. */
static int join(const struct work *w, const char *group, const char *list, struct buf *out,
                bool *changed, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    AUTO_FREE const char **names =
        array_new(strlen(list) + w->declared.member_count + 2, sizeof(*names));
    char *rest = NULL;
    size_t count = 0;
    int rc = names == NULL ? err_oom(e) : str_copy(&copy, list, e);
    if (rc < 0)
        return rc;
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest))
        names[count++] = name;
    size_t before = count;
    for (size_t i = 0; i < w->declared.member_count; i++) {
        const struct sysuser_member *m = &w->declared.members[i];
        bool there = strcmp(m->group, group) != 0;
        for (size_t k = 0; k < count && !there; k++)
            there = strcmp(names[k], m->user) == 0;
        if (!there)
            names[count++] = m->user;
    }
    *changed = count > before;
    if (*changed)
        qsort(names, count, sizeof(*names), compare_names); /* equal ones are the same text */
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = buf_addf(out, e, "%s%s", i > 0 ? "," : "", names[i]);
    return rc;
}

/* The members are the last column of both files. */
static int add_members(const struct work *w, struct buf *text, struct err *e)
{
    AUTO_BUF out = BUF_INIT(TEXT_MAX);
    int rc = 0;
    for (const char *p = buf_str(text); rc == 0 && *p != 0;) {
        AUTO_FREE char *line = NULL;
        AUTO_BUF members = BUF_INIT(TEXT_MAX);
        bool changed = false;
        size_t len = strcspn(p, "\n");
        if ((rc = str_format(&line, e, "%.*s", (int)len, p)) < 0)
            return rc;
        char *last = strrchr(line, ':');
        char *colon = strchr(line, ':');
        if (last == NULL)
            return err_set(e, ERR_INPUT, "a group's line has no members");
        *colon = 0;
        rc = join(w, line, last + 1, &members, &changed, e);
        *colon = ':';
        if (changed)
            *(last + 1) = 0;
        if (rc == 0)
            rc = buf_addf(&out, e, "%s%s\n", line, changed ? buf_str(&members) : "");
        p += len + (p[len] == '\n');
    }
    if (rc == 0) {
        buf_cut(text, 0);
        rc = buf_add(text, out.data, out.len, e);
    }
    return rc;
}

/* ---- the whole ---- */

static int read_files(struct rootfs_writer *w, struct work *x, bool *all, struct err *e)
{
    int rc = 0;
    *all = true;
    for (size_t i = 0; rc == 0 && i < FILES; i++) {
        bool found = false;
        x->text[i].max = TEXT_MAX;
        rc = rootfs_get(w, paths[i], &x->text[i], &found, e);
        *all = *all && found;
        if (rc == 0 && x->text[i].len > 0 && x->text[i].data[x->text[i].len - 1] != '\n')
            rc = buf_add_str(&x->text[i], "\n", e);
    }
    if (rc == 0 && *all)
        rc = read_table(&x->users, buf_str(&x->text[PASSWD]), paths[PASSWD], e);
    return rc < 0 || !*all ? rc : read_table(&x->groups, buf_str(&x->text[GROUP]), paths[GROUP], e);
}

int finish_sysusers(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    AUTO(work_dispose) struct work x = {.next = SYSUSERS_ID_MAX, .day = o->time / SECONDS_OF_DAY};
    bool all = false;
    int rc = read_files(w, &x, &all, e);
    if (rc < 0 || !all)
        return rc;
    rc = sysusers_read(w, &x.declared, e);
    for (size_t i = 0; rc == 0 && i < x.declared.group_count; i++)
        rc = add_group(&x, &x.declared.groups[i], e);
    for (size_t i = 0; rc == 0 && i < x.declared.user_count; i++)
        rc = add_user(&x, &x.declared.users[i], e);
    if (rc == 0)
        rc = add_members(&x, &x.text[GROUP], e);
    if (rc == 0)
        rc = add_members(&x, &x.text[GSHADOW], e);
    for (size_t i = 0; rc == 0 && i < FILES; i++)
        rc = rootfs_rewrite(w, paths[i], x.text[i].data, x.text[i].len, e);
    return rc;
}
