/* SPDX-License-Identifier: Apache-2.0 */
/* Which packages wait for which triggers, as dpkg keeps it: var/lib/dpkg/triggers. */
#include "builder/debian/installed.h"

#include <string.h>

enum { INTERESTS_MAX = 65536, TEXT_MAX = 16 << 20 };

struct interest {
    const char *name; /* a span of the text */
    size_t len;
    size_t place; /* in by_name */
    bool no_await;
};

struct interests {
    struct interest *items;
    size_t count;
    size_t cap;
};

static void interests_dispose(struct interests *l)
{
    free(l->items);
}

static int compare_interests(const void *a, const void *b)
{
    const struct interest *x = a;
    const struct interest *y = b;
    int order = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);
    if (order == 0)
        order = x->len < y->len ? -1 : x->len > y->len;
    if (order == 0)
        order = x->place < y->place ? -1 : x->place > y->place;
    return order != 0 ? order : (int)x->no_await - (int)y->no_await;
}

static int read_package(struct interests *l, const struct installed_package *p, size_t place,
                        struct err *e)
{
    const char *cursor = p->files->text[DEB_TRIGGERS];
    bool more = cursor != NULL;
    while (more) {
        struct trigger t;
        int rc = triggers_next(&cursor, &t, &more, e);
        if (rc < 0 || !more)
            return rc;
        if (l->count == INTERESTS_MAX)
            return err_set(e, ERR_INPUT, "more than %d triggers", (int)INTERESTS_MAX);
        if ((rc = array_grow(&l->items, &l->cap, l->count + 1, sizeof(*l->items), e)) < 0)
            return rc;
        l->items[l->count++] = (struct interest){t.name, t.len, place, t.no_await};
    }
    return 0;
}

static int read_all(struct interests *l, const struct installed *s, struct err *e)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct installed_package *p = &s->packages[s->by_name[i]];
        int rc = read_package(l, p, i, e);
        if (rc < 0)
            return err_wrap(e, "package '%s'", p->control.package);
    }
    return 0;
}

static bool same_trigger(const struct interest *a, const struct interest *b)
{
    return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}

/* "NAME PACKAGE/noawait" for paths, all in one file; "PACKAGE/noawait" for names, a file each. */
static int add_line(struct buf *out, const struct installed *s, const struct interest *i,
                    struct err *e)
{
    AUTO_FREE char *package = NULL;
    int rc = control_file_name(&s->packages[s->by_name[i->place]].control, &package, e);
    if (rc == 0 && i->name[0] == '/')
        rc = buf_addf(out, e, "%.*s ", (int)i->len, i->name);
    return rc < 0 ? rc : buf_addf(out, e, "%s%s\n", package, i->no_await ? "/noawait" : "");
}

static int put_named(struct rootfs_writer *w, const struct interest *i, const struct buf *text,
                     struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_format(&path, e, "var/lib/dpkg/triggers/%.*s", (int)i->len, i->name);
    return rc < 0 ? rc : rootfs_put(w, path, 0644, 0, text->data, text->len, e);
}

int triggers_write(struct rootfs_writer *w, const struct installed *s, struct err *e)
{
    AUTO(interests_dispose) struct interests l = {0};
    AUTO_BUF paths = BUF_INIT(TEXT_MAX);
    int rc = read_all(&l, s, e);
    if (rc == 0 && l.count > 1)
        qsort(l.items, l.count, sizeof(*l.items), compare_interests);
    for (size_t i = 0; rc == 0 && i < l.count;) {
        AUTO_BUF names = BUF_INIT(TEXT_MAX);
        const struct interest *first = &l.items[i];
        struct buf *to = first->name[0] == '/' ? &paths : &names;
        for (; rc == 0 && i < l.count && same_trigger(first, &l.items[i]); i++)
            if (&l.items[i] == first || l.items[i].place != l.items[i - 1].place)
                rc = add_line(to, s, &l.items[i], e);
        if (rc == 0 && to == &names)
            rc = put_named(w, first, &names, e);
    }
    if (rc == 0)
        rc = rootfs_put(w, "var/lib/dpkg/triggers/File", 0644, 0, paths.data, paths.len, e);
    return rc < 0 ? rc : rootfs_put(w, "var/lib/dpkg/triggers/Unincorp", 0644, 0, NULL, 0, e);
}
