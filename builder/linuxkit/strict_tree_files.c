/* SPDX-License-Identifier: Apache-2.0 */
/* `files` of a LinuxKit system (docs/formats/linuxkit.md, section 10). */
#include "builder/linuxkit/strict_tree.h"

#include <string.h>

static int source_inode(struct strict_tree *m, size_t index, struct tree_inode **out, struct err *e)
{
    const struct strict_tree_params *p = m->p;
    size_t i = 0;
    while (i < p->source_count && p->sources[i] != index)
        i++;
    size_t first = strict_tree_first_blob(p) + p->config_count + p->layout_inputs;
    return strict_tree_blob(m, &m->inputs[first + i], 0, out, e);
}

/* A directory that is there keeps what the item does not say. */
static int put_directory(struct strict_tree *m, const struct linuxkit_file *f, struct err *e)
{
    struct tree_node *dir = NULL;
    const char *name = NULL;
    struct tree_inode *inode = NULL;
    bool root = f->path[0] == '\0';
    int rc = root ? 0 : strict_tree_parent(m, f->path, &dir, &name, e);
    if (rc < 0)
        return rc;
    struct tree_node *there = root ? tree_root(m->tree) : tree_child(dir, name);
    if (there != NULL && there->inode->type != TREE_DIR)
        return err_set(e, ERR_INPUT, "'%s' is there already, and no directory", f->path);
    if (there == NULL) {
        if ((rc = strict_tree_inode(m, TREE_DIR, f->mode, &inode, e)) < 0 ||
            (rc = tree_link(m->tree, dir, name, inode, NULL, e)) < 0)
            return rc;
    } else {
        inode = there->inode;
        if (f->has_mode)
            inode->mode = f->mode;
    }
    if (f->has_owner || there == NULL) {
        inode->uid = f->uid;
        inode->gid = f->gid;
    }
    return 0;
}

static int put_file(struct strict_tree *m, size_t index, struct err *e)
{
    const struct linuxkit_file *f = &m->p->lk->files[index];
    struct tree_inode *inode = NULL;
    int rc = 0;
    switch (f->kind) {
    case LINUXKIT_FILE_DIRECTORY:
        return put_directory(m, f, e);
    case LINUXKIT_FILE_SYMLINK:
        rc = strict_tree_symlink(m, f->text, &inode, e);
        break;
    case LINUXKIT_FILE_CONTENTS:
        rc = strict_tree_file(m, f->mode, f->text, strlen(f->text), &inode, e);
        break;
    case LINUXKIT_FILE_SOURCE:
        rc = source_inode(m, index, &inode, e);
        break;
    }
    if (rc < 0)
        return rc;
    /* The mode of a link means nothing, and readers disagree on it: always 0777. */
    if (f->kind != LINUXKIT_FILE_SYMLINK)
        inode->mode = f->mode;
    inode->uid = f->uid;
    inode->gid = f->gid;
    return strict_tree_put(m, f->path, inode, e);
}

int strict_tree_add_files(struct strict_tree *m, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->p->lk->file_count; i++)
        if ((rc = put_file(m, i, e)) < 0)
            rc = err_wrap(e, "files[%zu]", i);
    return rc;
}
