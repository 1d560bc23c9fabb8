/* SPDX-License-Identifier: Apache-2.0 */
/* New files in the tree of a root file system, and what is in a file of it. */
#include "base/file.h"
#include "builder/debian/installed.h"

#include <openssl/evp.h>
#include <string.h>

static int make_node(struct rootfs_writer *w, const char *path, struct tree_inode *inode,
                     struct err *e)
{
    AUTO_FREE char *parent = NULL;
    struct tree_node *dir = NULL;
    int rc = str_copy(&parent, path, e);
    if (rc < 0)
        return rc;
    char *slash = strrchr(parent, '/');
    const char *name = slash != NULL ? slash + 1 : parent;
    if (slash != NULL)
        *slash = 0;
    rc = tree_make_dirs(w->tree, slash != NULL ? parent : "", w->time, &dir, e);
    if (rc < 0)
        return err_wrap(e, "'%.200s'", path);
    if (tree_child(dir, name) != NULL)
        return err_set(e, ERR_INPUT, "'%.200s' is there already", path);
    return tree_link(w->tree, dir, name, inode, NULL, e);
}

static int new_inode(struct rootfs_writer *w, enum tree_type type, uint16_t mode, uint32_t gid,
                     struct tree_inode **out, struct err *e)
{
    int rc = tree_inode_new(w->tree, type, out, e);
    if (rc < 0)
        return rc;
    (*out)->mode = mode;
    (*out)->gid = gid;
    (*out)->mtime = w->time;
    return 0;
}

int rootfs_put_begun(struct rootfs_writer *w, const char *path, uint16_t mode, uint32_t gid,
                     struct err *e)
{
    struct tree_inode *inode = NULL;
    int rc = new_inode(w, TREE_FILE, mode, gid, &inode, e);
    if (rc == 0)
        rc = tree_packer_end(w->packer, inode, e);
    return rc < 0 ? rc : make_node(w, path, inode, e);
}

int rootfs_put(struct rootfs_writer *w, const char *path, uint16_t mode, uint32_t gid,
               const void *data, size_t len, struct err *e)
{
    int rc = tree_packer_begin(w->packer, e);
    if (rc == 0 && len > 0)
        rc = tree_packer_write(w->packer, data, len, e);
    return rc < 0 ? rc : rootfs_put_begun(w, path, mode, gid, e);
}

int rootfs_put_content(struct rootfs_writer *w, const char *path, uint16_t mode,
                       const struct tree_content *content, struct err *e)
{
    struct tree_inode *inode = NULL;
    int rc = new_inode(w, TREE_FILE, mode, 0, &inode, e);
    if (rc < 0)
        return rc;
    inode->content = *content;
    return make_node(w, path, inode, e);
}

int rootfs_rewrite(struct rootfs_writer *w, const char *path, const void *data, size_t len,
                   struct err *e)
{
    const struct tree_node *node = tree_find(w->tree, path, true);
    if (node == NULL || node->inode->type != TREE_FILE)
        return err_set(e, ERR_INPUT, "'%.200s' is no file", path);
    int rc = tree_packer_begin(w->packer, e);
    if (rc == 0 && len > 0)
        rc = tree_packer_write(w->packer, data, len, e);
    return rc < 0 ? rc : tree_packer_end(w->packer, node->inode, e);
}

int rootfs_put_link(struct rootfs_writer *w, const char *path, const char *target, struct err *e)
{
    struct tree_inode *inode = NULL;
    int rc = new_inode(w, TREE_SYMLINK, 0777, 0, &inode, e);
    if (rc == 0)
        rc = str_copy(&inode->target, target, e);
    return rc < 0 ? rc : make_node(w, path, inode, e);
}

int rootfs_get(struct rootfs_writer *w, const char *path, struct buf *out, bool *found,
               struct err *e)
{
    const struct tree_node *node = tree_find(w->tree, path, true);
    *found = node != NULL;
    if (node == NULL)
        return 0;
    if (node->inode->type != TREE_FILE || node->inode->content.size > out->max)
        return err_set(e, ERR_INPUT, "'%.200s' is no file of at most %zu bytes", path, out->max);
    size_t len = (size_t)node->inode->content.size;
    int rc = buf_reserve(out, len + 1, e);
    if (rc < 0 || len == 0)
        return rc;
    rc = tree_reader_read(w->reader, &node->inode->content, 0, out->data + out->len, len, e);
    if (rc < 0)
        return rc;
    out->len += len;
    out->data[out->len] = 0;
    if (memchr(out->data, 0, out->len) != NULL)
        return err_set(e, ERR_INPUT, "'%.200s' has a NUL", path);
    return 0;
}

static void scope_md(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

int rootfs_md5(struct rootfs_writer *w, const struct tree_content *content, char out[33],
               struct err *e)
{
    enum { CHUNK = 65536 };
    AUTO(scope_md) EVP_MD_CTX *md = EVP_MD_CTX_new();
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    uint8_t sum[16];
    unsigned size = 0;
    if (md == NULL || chunk == NULL)
        return err_oom(e);
    if (content->size > ROOTFS_MD5_MAX - w->md5_bytes)
        return err_set(e, ERR_INPUT, "more than %d GiB of files without sums",
                       (int)(ROOTFS_MD5_MAX >> 30));
    w->md5_bytes += content->size;
    bool good = EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1;
    for (uint64_t at = 0; good && at < content->size;) {
        size_t len = content->size - at < CHUNK ? (size_t)(content->size - at) : CHUNK;
        int rc = tree_reader_read(w->reader, content, at, chunk, len, e);
        if (rc < 0)
            return rc;
        good = EVP_DigestUpdate(md, chunk, len) == 1;
        at += len;
    }
    good = good && EVP_DigestFinal_ex(md, sum, &size) == 1 && size == sizeof(sum);
    if (!good)
        return err_set(e, ERR_HOST, "cannot hash: OpenSSL has no MD5");
    for (size_t i = 0; i < sizeof(sum); i++)
        (void)snprintf(out + 2 * i, 3, "%02x", sum[i]);
    return 0;
}
