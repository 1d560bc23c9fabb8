/* SPDX-License-Identifier: Apache-2.0 */
/* Declared alternatives: the links, and what update-alternatives keeps of them. */
#include "builder/debian/installed.h"

#include <inttypes.h>
#include <string.h>

enum { TEXT_MAX = 16 << 20 };

bool rootfs_alternative_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 128 || strchr("+-._", name[0]) != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= 'A' && name[i] <= 'Z') &&
            !(name[i] >= '0' && name[i] <= '9') && strchr("+-._", name[i]) == NULL)
            return false;
    return true;
}

/* LINK -> /etc/alternatives/NAME -> PATH */
static int make_links(struct rootfs_writer *w, const struct rootfs_link *l, struct err *e)
{
    AUTO_FREE char *middle = NULL;
    if (tree_find(w->tree, l->path, true) == NULL)
        return err_set(e, ERR_INPUT, "there is no '%.200s'", l->path);
    int rc = str_format(&middle, e, "/etc/alternatives/%s", l->name);
    if (rc == 0)
        rc = rootfs_put_link(w, middle, l->path, e);
    return rc < 0 ? rc : rootfs_put_link(w, l->link, middle, e);
}

static int format_state(const struct rootfs_alternative *a, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e, "auto\n%s\n", a->self.link);
    for (size_t i = 0; rc == 0 && i < a->slave_count; i++)
        rc = buf_addf(out, e, "%s\n%s\n", a->slaves[i].name, a->slaves[i].link);
    if (rc == 0)
        rc = buf_addf(out, e, "\n%s\n%" PRId64 "\n", a->self.path, a->priority);
    for (size_t i = 0; rc == 0 && i < a->slave_count; i++)
        rc = buf_addf(out, e, "%s\n", a->slaves[i].path);
    return rc < 0 ? rc : buf_add(out, "\n", 1, e);
}

static int write_one(struct rootfs_writer *w, const struct rootfs_alternative *a, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *path = NULL;
    int rc = make_links(w, &a->self, e);
    for (size_t i = 0; rc == 0 && i < a->slave_count; i++)
        rc = make_links(w, &a->slaves[i], e);
    if (rc == 0)
        rc = format_state(a, &text, e);
    if (rc == 0)
        rc = str_format(&path, e, "var/lib/dpkg/alternatives/%s", a->self.name);
    return rc < 0 ? rc : rootfs_put(w, path, 0644, 0, text.data, text.len, e);
}

int alternatives_write(struct rootfs_writer *w, const struct rootfs_options *o, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->alternative_count; i++) {
        rc = write_one(w, &o->alternatives[i], e);
        if (rc < 0)
            err_wrap(e, "alternative '%s'", o->alternatives[i].self.name);
    }
    return rc;
}
