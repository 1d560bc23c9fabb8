/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/tree_blob.h"

#include "base/file.h"
#include "base/json.h"
#include "formats/tar/tar_writer.h"

#include <string.h>

int tree_blob_begin(struct tree_blob *b, const char *temp, struct err *e)
{
    AUTO_FREE char *store = NULL;
    int rc = private_dir_make(temp, &b->dir, e);
    if (rc < 0 || (rc = path_join(&store, b->dir.path, "store", e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &b->scratch, e)) < 0 || (rc = tree_new(&b->tree, e)) < 0)
        return rc;
    return tree_packer_new(b->tree, b->scratch, &b->packer, e);
}

void tree_blob_dispose(struct tree_blob *b)
{
    tree_packer_free(b->packer);
    tree_free(b->tree);
    cas_close(b->scratch);
    private_dir_remove(&b->dir);
}

static int add(struct tree_blob *b, struct tree_node *dir, const char *name, enum tree_type type,
               unsigned mode, struct tree_node **out, struct err *e)
{
    struct tree_inode *inode = NULL;
    if (!tree_name_valid(name))
        return err_set(e, ERR_INPUT, "'%.255s' is no name of a file", name);
    if (str_starts(name, ".wh."))
        return err_set(e, ERR_INPUT, "the name '%.255s' means a whiteout in a layer", name);
    if (tree_child(dir, name) != NULL)
        return err_set(e, ERR_INPUT, "'%.255s' is there twice", name);
    int rc = tree_inode_new(b->tree, type, &inode, e);
    if (rc < 0)
        return rc;
    inode->mode = (uint16_t)mode;
    return tree_link(b->tree, dir, name, inode, out, e);
}

int tree_blob_add_dir(struct tree_blob *b, struct tree_node *dir, const char *name,
                      struct tree_node **out, struct err *e)
{
    return add(b, dir, name, TREE_DIR, 0755, out, e);
}

int tree_blob_add_file(struct tree_blob *b, struct tree_node *dir, const char *name,
                       bool executable, struct tree_inode **out, struct err *e)
{
    struct tree_node *node = NULL;
    int rc = add(b, dir, name, TREE_FILE, executable ? 0755 : 0644, &node, e);
    if (rc == 0)
        *out = node->inode;
    return rc;
}

int tree_blob_add_link(struct tree_blob *b, struct tree_node *dir, const char *name,
                       const char *target, struct err *e)
{
    struct tree_node *node = NULL;
    size_t len = strlen(target);
    if (len == 0 || len > TREE_PATH_MAX)
        return err_set(e, ERR_INPUT, "the link '%.255s' has a target of %zu bytes", name, len);
    int rc = add(b, dir, name, TREE_SYMLINK, 0777, &node, e);
    return rc < 0 ? rc : str_copy(&node->inode->target, target, e);
}

int tree_blob_commit(struct tree_blob *b, struct cas *cas, struct digest *digest, uint64_t *size,
                     struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const struct tar_options options = {.tree = b->tree, .cas = b->scratch, .layer = true};
    if (tree_entry_count(b->tree) < 2)
        return err_set(e, ERR_INPUT, "there is nothing in it");
    int rc = tree_packer_commit(b->packer, e);
    if (rc < 0 || (rc = view_build(b->tree, NULL, &view, e)) < 0 ||
        (rc = cas_writer_new(cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = tar_write(&options, &view, sink_cas(writer), e)) < 0)
        return rc;
    return cas_writer_commit(writer, digest, size, e);
}
