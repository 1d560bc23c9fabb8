/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/cpio/cpio_writer.h"

#include "formats/tree/image_writer.h"

#include <inttypes.h>
#include <string.h>

enum { HEADER_SIZE = 110, ARCHIVE_BLOCK = 512 };

struct writer {
    const struct view *v;
    struct image_writer out;
    struct progress *progress;
};

/* A newc header's numbers, in the order of the format. */
struct header {
    uint32_t ino;
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t links;
    uint32_t mtime;
    uint32_t size;
    uint32_t major;
    uint32_t minor;
};

static int put_header(struct writer *w, const struct header *h, const char *name, struct err *e)
{
    char text[HEADER_SIZE + 1];
    size_t name_size = strlen(name) + 1;

    int len = snprintf(text, sizeof(text),
                       "070701%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32
                       "%08" PRIX32 "%08" PRIX32 "%08X%08X%08" PRIX32 "%08" PRIX32 "%08zX%08X",
                       h->ino, h->mode, h->uid, h->gid, h->links, h->mtime, h->size, 0U, 0U,
                       h->major, h->minor, name_size, 0U);
    int rc;
    if (len != HEADER_SIZE)
        return err_set(e, ERR_HOST, "a cpio header of %d bytes", len);
    if ((rc = image_put(&w->out, text, HEADER_SIZE, e)) < 0 ||
        (rc = image_put(&w->out, name, name_size, e)) < 0)
        return rc;
    return image_align(&w->out, 4, e);
}

int cpio_check(const struct tree_inode *inode, const char *path, struct err *e)
{
    /* The kernel makes a device of what it reads without looking at it. */
    int rc = view_check_device(inode, e);

    if (rc < 0)
        return err_wrap(e, "cannot put '%s' into an initrd", path);
    for (size_t i = 0; i < inode->xattr_count; i++) {
        if (!str_starts(inode->xattrs[i].name, "user."))
            return err_set(e, ERR_INPUT,
                           "cannot put '%s' into an initrd: cpio cannot hold its attribute '%s'; "
                           "exclude the file or leave the attribute out of the image",
                           path, inode->xattrs[i].name);
    }
    if (inode->mtime < 0 || inode->mtime > (int64_t)UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "cannot put '%s' into an initrd: its time %" PRId64
                       " is outside of what cpio can say (0 to 2^32-1)",
                       path, inode->mtime);
    if (inode->type == TREE_FILE && inode->content.size > UINT32_MAX)
        return err_set(e, ERR_INPUT,
                       "cannot put '%s' into an initrd: it has %" PRIu64
                       " bytes, and cpio takes less than 4 GiB",
                       path, inode->content.size);
    if (strcmp(path, "TRAILER!!!") == 0)
        return err_set(e, ERR_INPUT, "cannot put '%s' into an initrd: the name ends a cpio archive",
                       path);
    return 0;
}

static int put_content(struct writer *w, const struct tree_inode *inode, struct err *e)
{
    int rc = image_content(&w->out, &inode->content, 0, inode->content.size, e);
    return rc < 0 ? rc : image_align(&w->out, 4, e);
}

/*
 * Names of one regular file, device or fifo share an inode number; a regular
 * file's bytes come with its last name, as SVR4 has it: GNU cpio, busybox and
 * the kernel join the names either way. The kernel never links symlinks (their
 * target is their body), so each name of one is a symlink of its own.
 */
static int put_node(struct writer *w, size_t i, uint32_t *next_ino, uint32_t *inos, struct err *e)
{
    const struct tree_inode *inode = view_inode(w->v, i);
    const struct view_inode *shared = &w->v->inodes[w->v->nodes[i].inode];
    bool device = inode->type == TREE_CHAR || inode->type == TREE_BLOCK;
    bool linkable = inode->type != TREE_SYMLINK && inode->type != TREE_DIR;
    struct header h = {.mode = view_mode(inode), .uid = inode->uid, .gid = inode->gid};
    AUTO_FREE char *path = NULL;

    int rc = view_path(w->v, i, &path, e);
    if (rc < 0)
        return rc;
    const char *name = i == 0 ? "." : path;
    if ((rc = cpio_check(inode, name, e)) < 0)
        return rc;
    uint32_t *ino = &inos[w->v->nodes[i].inode];
    if (*ino == 0 || !linkable)
        *ino = (*next_ino)++;
    h.ino = *ino;
    h.links = inode->type == TREE_DIR ? 2 : linkable ? shared->links : 1;
    h.mtime = (uint32_t)inode->mtime;
    h.major = device ? inode->major : 0;
    h.minor = device ? inode->minor : 0;
    if (inode->type == TREE_SYMLINK)
        h.size = (uint32_t)strlen(inode->target);
    else if (inode->type == TREE_FILE && shared->last == i)
        h.size = (uint32_t)inode->content.size;
    if ((rc = put_header(w, &h, name, e)) < 0)
        return rc;
    if (h.size == 0)
        return 0;
    if (inode->type == TREE_FILE)
        return put_content(w, inode, e) < 0 ? err_wrap(e, "cannot write '%s'", name) : 0;
    if ((rc = image_put(&w->out, inode->target, h.size, e)) < 0)
        return rc;
    return image_align(&w->out, 4, e);
}

static int put_all(struct writer *w, struct err *e)
{
    AUTO_FREE uint32_t *inos = array_new(w->v->inode_count, sizeof(*inos));
    struct header trailer = {.links = 1};
    uint32_t next_ino = 1;
    int rc;

    if (inos == NULL)
        return err_oom(e);
    for (size_t i = view_root_is_plain(w->v) ? 1 : 0; i < w->v->node_count; i++) {
        if ((rc = put_node(w, i, &next_ino, inos, e)) < 0)
            return rc;
        if (i % 256 == 0)
            progress_show(w->progress, "initrd", i, w->v->node_count);
    }
    if ((rc = put_header(w, &trailer, "TRAILER!!!", e)) < 0)
        return rc;
    return image_align(&w->out, ARCHIVE_BLOCK, e);
}

int cpio_write(const struct tree *t, const struct view *v, struct cas *cas,
               struct progress *progress, struct sink out, struct err *e)
{
    struct writer w = {.v = v, .progress = progress};
    int rc = image_writer_open(&w.out, t, cas, out, e);

    if (rc == 0)
        rc = put_all(&w, e);
    image_writer_dispose(&w.out);
    return rc;
}
