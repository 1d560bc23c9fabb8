/* SPDX-License-Identifier: Apache-2.0 */
/* boot/ of a LinuxKit system, and the modules that come in the kernel's image. */
#include "builder/linuxkit/strict_tree.h"
#include "formats/tar/tar_reader.h"
#include "formats/tree/graft.h"

#include <string.h>

/* ---- the kernel (docs/formats/linuxkit.md, section 8.1) ---------------------------------- */

static int kernel_file(const struct strict_tree *m, const char *path, const char *key,
                       const struct tree_inode **out, struct err *e)
{
    const char *image = m->p->lk->kernel.name;
    const struct tree_node *node = tree_find(strict_tree_image(m, image), path, true);
    if (node == NULL || node->inode->type != TREE_FILE)
        return err_set(e, ERR_INPUT, "the image '%s' has no file '%s' (kernel.%s)", image, path,
                       key);
    *out = node->inode;
    return 0;
}

/* Microcode, which goes before the initrd as it is. LinuxKit says nothing when it is missing. */
static int add_ucode(struct strict_tree *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    const struct tree_inode *from = NULL;
    struct tree_inode *ucode = NULL;
    int rc = kernel_file(m, lk->ucode, "ucode", &from, e);
    if (rc < 0 ||
        (rc = graft_inode(m->tree, strict_tree_image(m, lk->kernel.name), from, &ucode, e)) < 0)
        return rc;
    ucode->mtime = m->p->epoch;
    return strict_tree_put(m, "boot/ucode.cpio", ucode, e);
}

int strict_tree_add_kernel(struct strict_tree *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    const struct tree_inode *from = NULL;
    struct tree_inode *kernel = NULL;
    struct tree_inode *cmdline = NULL;
    if (lk->kernel.name == NULL)
        return 0;
    int rc = kernel_file(m, lk->kernel_binary, "binary", &from, e);
    if (rc < 0 ||
        (rc = graft_inode(m->tree, strict_tree_image(m, lk->kernel.name), from, &kernel, e)) < 0)
        return rc;
    if (m->p->decompressed) { /* what kernel.decompress made of it; the rest is the file's */
        struct tree_inode *unpacked = NULL;
        rc = strict_tree_blob(m, &m->inputs[m->p->image_count], kernel->mode, &unpacked, e);
        if (rc < 0)
            return rc;
        unpacked->uid = kernel->uid;
        unpacked->gid = kernel->gid;
        kernel = unpacked;
    }
    kernel->mtime = m->p->epoch;
    if ((rc = strict_tree_put(m, "boot/kernel", kernel, e)) < 0 ||
        (rc = strict_tree_file(m, 0644, lk->cmdline, strlen(lk->cmdline), &cmdline, e)) < 0 ||
        (rc = strict_tree_put(m, "boot/cmdline", cmdline, e)) < 0)
        return rc;
    return lk->ucode == NULL ? 0 : add_ucode(m, e);
}

/* A file of a tree as a stream. */
struct tree_source {
    struct tree_reader *reader;
    const struct tree_content *content;
    uint64_t at;
};

static int read_source(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct tree_source *s = context;
    uint64_t left = s->content->size - s->at;
    size_t n = left < len ? (size_t)left : len;
    int rc = n == 0 ? 0 : tree_reader_read(s->reader, s->content, s->at, data, n, e);
    if (rc < 0)
        return rc;
    s->at += n;
    *got = n;
    return 0;
}

static int unpack_data(struct strict_tree *m, struct tar_reader *tar, struct tree_inode *file,
                       struct err *e)
{
    const uint8_t *data = NULL;
    size_t len = 1;
    int rc = tree_packer_begin(m->packer, e);
    while (rc == 0 && len > 0)
        if ((rc = tar_reader_data(tar, &data, &len, e)) == 0 && len > 0)
            rc = tree_packer_write(m->packer, data, len, e);
    return rc < 0 ? rc : tree_packer_end(m->packer, file, e);
}

static int unpack_attributes(const struct tar_entry *entry, struct tree_inode *inode, struct err *e)
{
    inode->mode = entry->mode;
    inode->uid = entry->uid;
    inode->gid = entry->gid;
    inode->mtime = entry->mtime;
    inode->major = entry->major;
    inode->minor = entry->minor;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < entry->xattr_count; i++)
        rc = tree_set_xattr(inode, entry->xattrs[i].name, entry->xattrs[i].value,
                            entry->xattrs[i].len, e);
    return rc;
}

static int unpack_dir(struct strict_tree *m, const struct tar_entry *entry, struct err *e)
{
    struct tree_node *dir = NULL;
    int rc = tree_make_dirs(m->tree, entry->path, m->p->epoch, &dir, e);
    return rc < 0 ? rc : unpack_attributes(entry, dir->inode, e);
}

static int unpack_link(struct strict_tree *m, const struct tar_entry *entry, struct err *e)
{
    struct tree_node *there = tree_find(m->tree, entry->link, false);
    if (there == NULL || there->inode->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "'%s' is a link to '%s', which is not there", entry->path,
                       entry->link);
    return strict_tree_put(m, entry->path, there->inode, e);
}

static int unpack_entry(struct strict_tree *m, struct tar_reader *tar,
                        const struct tar_entry *entry, struct err *e)
{
    struct tree_inode *inode = NULL;
    if (entry->path[0] == '\0')
        return 0; /* the root's metadata are not a matter of modules */
    if (entry->hard_link)
        return unpack_link(m, entry, e);
    if (entry->type == TREE_DIR)
        return unpack_dir(m, entry, e);
    int rc = tree_inode_new(m->tree, entry->type, &inode, e);
    if (rc == 0)
        rc = unpack_attributes(entry, inode, e);
    if (rc == 0 && entry->type == TREE_SYMLINK)
        rc = str_copy(&inode->target, entry->link, e);
    if (rc == 0 && entry->type == TREE_FILE)
        rc = unpack_data(m, tar, inode, e);
    return rc < 0 ? rc : strict_tree_put(m, entry->path, inode, e);
}

static int unpack(struct strict_tree *m, struct tar_reader *tar, struct err *e)
{
    for (;;) {
        struct tar_entry *entry = NULL;
        int rc = tar_reader_next(tar, &entry, e);
        if (rc < 0 || entry == NULL || (rc = unpack_entry(m, tar, entry, e)) < 0)
            return rc;
    }
}

/* The tar in the kernel's image: its modules, usually. Unpacked first, so that what init images
 * bring wins, as in LinuxKit. */
int strict_tree_add_kernel_tar(struct strict_tree *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    const struct tree_inode *file = NULL;
    struct tree_source from = {0};
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    if (lk->kernel.name == NULL || lk->kernel_tar == NULL)
        return 0;
    int rc = kernel_file(m, lk->kernel_tar, "tar; say 'tar: none' when there is none", &file, e);
    if (rc < 0 ||
        (rc = tree_reader_new(strict_tree_image(m, lk->kernel.name), m->cas, &from.reader, e)) < 0)
        return rc;
    from.content = &file->content;
    const struct source source = {.context = &from, .read = read_source};
    if ((rc = tar_reader_new(&source, &tar, e)) == 0)
        rc = unpack(m, tar, e);
    tree_reader_free(from.reader);
    return rc < 0 ? err_wrap(e, "'%s' of the image '%s'", lk->kernel_tar, lk->kernel.name) : 0;
}
