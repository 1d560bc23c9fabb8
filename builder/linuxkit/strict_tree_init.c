/* SPDX-License-Identifier: Apache-2.0 */
/* init images, laid over each other at the root (docs/formats/linuxkit.md, sections 7 and 8.2). */
#include "builder/linuxkit/strict_tree.h"
#include "formats/tree/graft.h"
#include "formats/tree/image_writer.h"

#include <string.h>

static const char apk_database_path[] = "lib/apk/db/installed";

static const struct tree_inode *apk_database(const struct tree *t)
{
    const struct tree_node *node = tree_find(t, apk_database_path, false);
    return node != NULL && node->inode->type == TREE_FILE ? node->inode : NULL;
}

static int pack(void *context, const void *data, size_t len, struct err *e)
{
    return tree_packer_write(context, data, len, e);
}

static int copy_content(struct strict_tree *m, const struct tree *from,
                        const struct tree_inode *file, struct err *e)
{
    return tree_content_write(from, m->cas, &file->content,
                              (struct sink){.write = pack, .context = m->packer}, e);
}

/* Several images with an Alpine package database: one database of all, in order. */
static int merge_apk(struct strict_tree *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    struct tree_inode *file = NULL;
    size_t count = 0;
    for (size_t i = 0; i < lk->init_count; i++)
        count += apk_database(strict_tree_image(m, lk->init[i].name)) != NULL;
    if (count < 2)
        return 0;
    int rc = strict_tree_inode(m, TREE_FILE, 0644, &file, e);
    if (rc == 0)
        rc = tree_packer_begin(m->packer, e);
    for (size_t i = 0; rc == 0 && i < lk->init_count; i++) {
        const struct tree *from = strict_tree_image(m, lk->init[i].name);
        const struct tree_inode *database = apk_database(from);
        if (database != NULL && (rc = copy_content(m, from, database, e)) == 0)
            rc = tree_packer_write(m->packer, "\n\n", 2, e);
    }
    if (rc < 0 || (rc = tree_packer_end(m->packer, file, e)) < 0)
        return rc;
    return strict_tree_put(m, apk_database_path, file, e);
}

/* What every LinuxKit root has; directories that an image brought keep their metadata. */
static int add_standard(struct strict_tree *m, struct err *e)
{
    static const char *const dirs[] = {"dev/pts", "dev/shm", "etc", "proc", "sys"};
    struct tree_inode *hosts = NULL;
    struct tree_inode *resolv = NULL;
    struct tree_inode *mtab = NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++)
        rc = tree_make_dirs(m->tree, dirs[i], m->p->epoch, NULL, e);
    if (rc < 0 || (rc = strict_tree_hosts(m, &hosts, e)) < 0 ||
        (rc = strict_tree_put(m, "etc/hosts", hosts, e)) < 0 ||
        (rc = strict_tree_symlink(m, "/run/resolvconf/resolv.conf", &resolv, e)) < 0 ||
        (rc = strict_tree_put(m, "etc/resolv.conf", resolv, e)) < 0)
        return rc;
    if (tree_find(m->tree, "etc/mtab", false) != NULL)
        return 0;
    rc = strict_tree_symlink(m, "/proc/mounts", &mtab, e);
    return rc < 0 ? rc : strict_tree_put(m, "etc/mtab", mtab, e);
}

int strict_tree_add_init(struct strict_tree *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    for (size_t i = 0; i < lk->init_count; i++) {
        int rc =
            tree_graft(m->tree, strict_tree_image(m, lk->init[i].name), strict_tree_skipped, e);
        if (rc < 0)
            return err_wrap(e, "init image '%s'", lk->init[i].name);
    }
    if (lk->init_count == 0)
        return 0;
    int rc = merge_apk(m, e);
    return rc < 0 ? rc : add_standard(m, e);
}
