/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/strict_tree.h"

#include "base/file.h"
#include "builder/linuxkit/texts.h"
#include "formats/tree/image_writer.h"

#include <string.h>

bool strict_tree_skipped(const char *path)
{
    static const char *const names[] = {".dockerenv", "Dockerfile", "dev/console",
                                        "dev/pts",    "dev/shm",    "etc/hostname"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return false;
}

size_t strict_tree_image_index(const struct strict_tree *m, const char *name)
{
    size_t i = 0;
    while (i < m->p->image_count && strcmp(m->p->images[i], name) != 0)
        i++;
    return i;
}

const struct tree *strict_tree_image(const struct strict_tree *m, const char *name)
{
    size_t i = strict_tree_image_index(m, name);
    return i < m->p->image_count ? m->inputs[i].tree : NULL;
}

int strict_tree_inode(struct strict_tree *m, enum tree_type type, uint16_t mode,
                      struct tree_inode **out, struct err *e)
{
    int rc = tree_inode_new(m->tree, type, out, e);
    if (rc == 0) {
        (*out)->mode = mode;
        (*out)->mtime = m->p->epoch;
    }
    return rc;
}

int strict_tree_file(struct strict_tree *m, uint16_t mode, const void *data, size_t len,
                     struct tree_inode **out, struct err *e)
{
    int rc = strict_tree_inode(m, TREE_FILE, mode, out, e);
    if (rc < 0 || (rc = tree_packer_begin(m->packer, e)) < 0 ||
        (rc = tree_packer_write(m->packer, data, len, e)) < 0)
        return rc;
    return tree_packer_end(m->packer, *out, e);
}

int strict_tree_symlink(struct strict_tree *m, const char *target, struct tree_inode **out,
                        struct err *e)
{
    int rc = strict_tree_inode(m, TREE_SYMLINK, 0777, out, e);
    return rc < 0 ? rc : str_copy(&(*out)->target, target, e);
}

int strict_tree_blob(struct strict_tree *m, const struct step_input *blob, uint16_t mode,
                     struct tree_inode **out, struct err *e)
{
    int rc = strict_tree_inode(m, TREE_FILE, mode, out, e);
    if (rc < 0 || blob->size == 0)
        return rc;
    struct tree_content *content = &(*out)->content;
    memcpy(content->sha256, blob->digest.bytes, DIGEST_SHA256_SIZE);
    content->size = blob->size;
    content->offset = 0;
    return tree_add_pack(m->tree, &blob->digest, &content->pack, e);
}

int strict_tree_hosts(struct strict_tree *m, struct tree_inode **out, struct err *e)
{
    int rc = 0;
    if (m->hosts.size == 0) {
        if ((rc = strict_tree_file(m, 0644, linuxkit_hosts, strlen(linuxkit_hosts), out, e)) == 0)
            m->hosts = (*out)->content;
        return rc;
    }
    if ((rc = strict_tree_inode(m, TREE_FILE, 0644, out, e)) == 0)
        (*out)->content = m->hosts;
    return rc;
}

int strict_tree_parent(struct strict_tree *m, const char *path, struct tree_node **dir,
                       const char **name, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    int rc = str_copy(&copy, path, e);
    if (rc < 0)
        return rc;
    char *slash = strrchr(copy, '/');
    *name = path_base(path);
    if (slash == NULL) {
        *dir = tree_root(m->tree);
        return 0;
    }
    *slash = '\0';
    return tree_make_dirs(m->tree, copy, m->p->epoch, dir, e);
}

int strict_tree_put(struct strict_tree *m, const char *path, struct tree_inode *inode,
                    struct err *e)
{
    struct tree_node *dir = NULL;
    const char *name = NULL;
    int rc = strict_tree_parent(m, path, &dir, &name, e);
    if (rc < 0)
        return rc;
    struct tree_node *there = tree_child(dir, name);
    if (there != NULL && there->inode->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "'%s' is a directory in an image", path);
    return tree_link(m->tree, dir, name, inode, NULL, e);
}

int strict_tree_read(const struct strict_tree *m, const struct tree *from,
                     const struct tree_inode *file, struct buf *out, struct err *e)
{
    return tree_content_write(from, m->cas, &file->content, sink_buf(out), e);
}
