/* SPDX-License-Identifier: Apache-2.0 */
/* What dpkg keeps of the packages: status, the list, sums and other files of each, conffiles. */
#include "builder/debian/installed.h"

#include <string.h>

enum { STATUS_MAX = 1 << 30, TEXT_MAX = 64 << 20 };

/* ---- conffiles ----------------------------------------------------------------- */

/* Where the tree has what a package ships as `path`. */
static const struct tree_node *find_shipped(const struct rootfs_writer *w, const char *path)
{
    const struct tree_node *node = tree_find(w->tree, path, true);
    return node != NULL && node->inode->type == TREE_FILE ? node : NULL;
}

static int add_conffile(struct rootfs_writer *w, const char *path, struct buf *out, struct err *e)
{
    char sum[33];
    const struct tree_node *node = find_shipped(w, path);
    if (node == NULL) /* left out by `exclude` */
        return 0;
    int rc = rootfs_md5(w, &node->inode->content, sum, e);
    if (rc == 0 && out->len == 0)
        rc = buf_add_str(out, "Conffiles:\n", e);
    return rc < 0 ? rc : buf_addf(out, e, " %s %s\n", path, sum);
}

static int conffiles(struct rootfs_writer *w, const struct installed_package *p, struct buf *out,
                     struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->conffile_count; i++)
        rc = add_conffile(w, p->conffiles[i], out, e);
    return rc;
}

/* ---- status -------------------------------------------------------------------------- */

static int stanza(struct rootfs_writer *w, const struct installed_package *p, struct buf *out,
                  struct err *e)
{
    AUTO_BUF conf = BUF_INIT(TEXT_MAX);
    int rc = conffiles(w, p, &conf, e);
    return rc < 0 ? rc : control_status(&p->control, buf_str(&conf), out, e);
}

static int write_status(struct rootfs_writer *w, const struct installed *s, struct err *e)
{
    int rc = tree_packer_begin(w->packer, e);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        AUTO_BUF text = BUF_INIT(STATUS_MAX);
        const struct installed_package *p = &s->packages[s->by_name[i]];
        rc = stanza(w, p, &text, e);
        if (rc == 0)
            rc = tree_packer_write(w->packer, text.data, text.len, e);
        if (rc < 0)
            err_wrap(e, "package '%s'", p->control.package);
    }
    return rc < 0 ? rc : rootfs_put_begun(w, "var/lib/dpkg/status", 0644, 0, e);
}

/* ---- info -------------------------------------------------------------------------------- */

static bool is_script(const char *name)
{
    static const char *const scripts[] = {"config", "postinst", "postrm", "preinst", "prerm", NULL};
    for (size_t i = 0; scripts[i] != NULL; i++)
        if (strcmp(scripts[i], name) == 0)
            return true;
    return false;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_conffile(const struct installed_package *p, const char *path)
{
    return p->conffile_count > 0 && bsearch(&path, p->conffiles_sorted, p->conffile_count,
                                            sizeof(*p->conffiles_sorted), compare_texts) != NULL;
}

/* Sums of a package that brings none, as dpkg makes them: its files but its conffiles. */
static int make_sums(struct rootfs_writer *w, const struct installed_package *p, struct buf *out,
                     struct err *e)
{
    int rc = 0;
    for (const char *line = buf_str(&p->list); rc == 0 && *line != 0;) {
        char path[TREE_PATH_MAX + 2];
        char sum[33];
        size_t len = strcspn(line, "\n");
        size_t kept = len < sizeof(path) ? len : sizeof(path) - 1;
        memcpy(path, line, kept);
        path[kept] = 0;
        const struct tree_node *node = tree_find(w->tree, path, false);
        if (node != NULL && node->inode->type == TREE_FILE && !is_conffile(p, path)) {
            rc = rootfs_md5(w, &node->inode->content, sum, e);
            if (rc == 0)
                rc = buf_addf(out, e, "%s  %s\n", sum, path + 1);
        }
        line += len + (line[len] == '\n');
    }
    return rc;
}

static int put_info(struct rootfs_writer *w, const char *name, const char *ending, uint16_t mode,
                    const struct tree_content *content, const struct buf *text, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_format(&path, e, "var/lib/dpkg/info/%s.%s", name, ending);
    if (rc < 0)
        return rc;
    if (content != NULL)
        return rootfs_put_content(w, path, mode, content, e);
    return rootfs_put(w, path, mode, 0, text->data, text->len, e);
}

static int write_info(struct rootfs_writer *w, const struct installed_package *p, struct err *e)
{
    AUTO_FREE char *name = NULL;
    AUTO_BUF sums = BUF_INIT(TEXT_MAX);
    bool has_sums = false;
    int rc = control_file_name(&p->control, &name, e);
    if (rc == 0)
        rc = put_info(w, name, "list", 0644, NULL, &p->list, e);
    for (size_t i = 0; rc == 0 && i < p->files->count; i++) {
        const struct deb_control_file *f = &p->files->files[i];
        if (strcmp(f->name, "list") == 0)
            return err_set(e, ERR_INPUT, "its control archive has a file 'list', which is dpkg's");
        has_sums = has_sums || strcmp(f->name, "md5sums") == 0;
        rc = put_info(w, name, f->name, is_script(f->name) ? 0755 : 0644, &f->content, NULL, e);
    }
    if (rc < 0 || has_sums || (rc = make_sums(w, p, &sums, e)) < 0)
        return rc;
    return put_info(w, name, "md5sums", 0644, NULL, &sums, e);
}

static int write_diversions(struct rootfs_writer *w, const struct rootfs_options *o, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->divert_count; i++)
        rc = buf_addf(&text, e, "%s\n%s\n%s\n", o->diverts[i].path, o->diverts[i].to,
                      o->diverts[i].by != NULL ? o->diverts[i].by : ":");
    return rc < 0 ? rc : rootfs_put(w, "var/lib/dpkg/diversions", 0644, 0, text.data, text.len, e);
}

int database_write(struct rootfs_writer *w, struct installed *s, struct err *e)
{
    static const char *const dirs[] = {"alternatives", "info",    "parts",
                                       "triggers",     "updates", NULL};
    int rc = 0;
    for (size_t i = 0; rc == 0 && dirs[i] != NULL; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "var/lib/dpkg/%s", dirs[i]);
        rc = tree_make_dirs(w->tree, path, w->time, NULL, e);
    }
    if (rc == 0)
        rc = write_status(w, s, e);
    if (rc == 0)
        rc = rootfs_put(w, "var/lib/dpkg/info/format", 0644, 0, "1\n", 2, e);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        struct installed_package *p = &s->packages[s->by_name[i]];
        rc = installed_drop_lost(s, p, e);
        if (rc == 0)
            rc = write_info(w, p, e);
        if (rc < 0)
            err_wrap(e, "package '%s'", p->control.package);
    }
    if (rc == 0)
        rc = write_diversions(w, s->options, e);
    if (rc == 0)
        rc = rootfs_put(w, "var/lib/dpkg/statoverride", 0644, 0, NULL, 0, e);
    return rc < 0 ? rc : rootfs_put(w, "var/lib/dpkg/available", 0644, 0, NULL, 0, e);
}
