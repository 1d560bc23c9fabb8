/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes and containers of a LinuxKit system (docs/formats/linuxkit.md, sections 8, 12
 * and 14): each container has its image's files, config.json for the OCI
 * runtime and runtime.json for LinuxKit's init.
 */
#include "base/json.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/oci_spec.h"
#include "builder/linuxkit/strict_tree.h"
#include "builder/linuxkit/texts.h"
#include "builder/linuxkit/volume_layout.h"
#include "formats/tree/graft.h"

#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024, CONFIG_MAX = 4 * 1024 * 1024 };

static int make_dir(struct strict_tree *m, const char *path, struct tree_node **out, struct err *e)
{
    return tree_make_dirs(m->tree, path, m->p->epoch, out, e);
}

static int make_dir_below(struct strict_tree *m, const char *base, const char *name,
                          struct tree_node **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_format(&path, e, "%s/%s", base, name);
    return rc < 0 ? rc : make_dir(m, path, out, e);
}

static int put_text(struct strict_tree *m, const char *base, const char *name,
                    const struct buf *text, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct tree_inode *inode = NULL;
    int rc = str_format(&path, e, "%s/%s", base, name);
    if (rc < 0 || (rc = strict_tree_file(m, 0644, text->data, text->len, &inode, e)) < 0)
        return rc;
    return strict_tree_put(m, path, inode, e);
}

/* ---- the files of an image (docs/formats/linuxkit.md, section 7) ------------------------- */

/* The node at a path of directories, no link followed. */
static struct tree_node *plain_find(struct tree_node *at, char *path)
{
    for (char *p = path; at != NULL && *p != '\0';) {
        size_t len = strcspn(p, "/");
        char end = p[len];
        p[len] = '\0';
        at = tree_child(at, p);
        p[len] = end;
        p += len + (end == '/');
    }
    return at;
}

/*
 * What every root has, in a tree of the image's own, so that a link in the
 * image leads nowhere else. *etc is where etc/ is, and *mtab whether it has an mtab.
 */
static int standard_dirs(struct strict_tree *m, struct tree *own, char **etc, bool *mtab,
                         struct err *e)
{
    static const char *const skip[] = {".dockerenv", "Dockerfile", "dev/console",
                                       "dev/pts",    "dev/shm",    "etc/hostname"};
    static const char *const dirs[] = {"dev/pts", "dev/shm", "proc", "sys"};
    struct tree_node *node = NULL;
    int rc = 0;
    for (size_t i = 0; i < sizeof(skip) / sizeof(skip[0]); i++) {
        AUTO_FREE char *path = NULL;
        if ((rc = str_copy(&path, skip[i], e)) < 0)
            return rc;
        if ((node = plain_find(tree_root(own), path)) != NULL)
            tree_unlink(own, node);
    }
    for (size_t i = 0; rc == 0 && i < sizeof(dirs) / sizeof(dirs[0]); i++)
        rc = tree_make_dirs(own, dirs[i], m->p->epoch, NULL, e);
    if (rc < 0 || (rc = tree_make_dirs(own, "etc", m->p->epoch, &node, e)) < 0)
        return rc;
    *mtab = tree_child(node, "mtab") != NULL;
    return tree_path(node, etc, e);
}

static int replace_leaf(struct strict_tree *m, struct tree_node *dir, const char *name,
                        struct tree_inode *inode, struct err *e)
{
    struct tree_node *there = tree_child(dir, name);
    if (there != NULL && there->inode->type == TREE_DIR && there->inode->child_count > 0)
        return err_set(e, ERR_INPUT, "etc/%s is a directory in the image", name);
    return tree_link(m->tree, dir, name, inode, NULL, e);
}

/* The image's files below the directory `at`; `resolv` is what etc/resolv.conf links to, NULL: a
 * file that says nothing. */
static int put_image(struct strict_tree *m, const char *image, struct tree_node *at,
                     const char *resolv, struct err *e)
{
    static const char empty[] = "\n# no resolv.conf configured\n";
    AUTO_TREE struct tree *own = NULL;
    AUTO_FREE char *etc = NULL;
    struct tree_inode *inode = NULL;
    bool mtab = false;
    int rc = tree_copy(strict_tree_image(m, image), &own, e);
    if (rc < 0 || (rc = standard_dirs(m, own, &etc, &mtab, e)) < 0 ||
        (rc = tree_graft_at(m->tree, at, own, NULL, e)) < 0)
        return rc;
    struct tree_node *dir = plain_find(at, etc);
    if (dir == NULL)
        return err_set(e, ERR_INPUT, "the image has no etc");
    if ((rc = strict_tree_hosts(m, &inode, e)) < 0 ||
        (rc = replace_leaf(m, dir, "hosts", inode, e)) < 0)
        return rc;
    rc = resolv != NULL ? strict_tree_symlink(m, resolv, &inode, e)
                        : strict_tree_file(m, 0644, empty, sizeof(empty) - 1, &inode, e);
    if (rc < 0 || (rc = replace_leaf(m, dir, "resolv.conf", inode, e)) < 0 || mtab)
        return rc;
    if ((rc = strict_tree_symlink(m, "/proc/mounts", &inode, e)) < 0)
        return rc;
    return replace_leaf(m, dir, "mtab", inode, e);
}

/* ---- volumes (docs/formats/linuxkit.md, section 8.3) ------------------------------------- */

static const struct strict_layout *find_layout(const struct strict_tree *m, size_t volume)
{
    for (size_t i = 0; i < m->p->layout_count; i++)
        if (m->p->layouts[i].volume == volume)
            return &m->p->layouts[i];
    return NULL;
}

static int put_layout_blob(struct strict_tree *m, struct tree_node *dir,
                           const struct step_input *blob, struct err *e)
{
    struct tree_inode *inode = NULL;
    char hex[DIGEST_TEXT_MAX];
    int rc = strict_tree_blob(m, blob, 0644, &inode, e);
    return rc < 0 ? rc : tree_link(m->tree, dir, digest_hex(&blob->digest, hex), inode, NULL, e);
}

/* An OCI layout with LinuxKit's own bytes. */
static int put_layout(struct strict_tree *m, const struct linuxkit_volume *v,
                      const struct strict_layout *l, const char *lower, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    AUTO_BUF index = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *name = NULL;
    struct tree_node *dir = NULL;
    int rc = make_dir_below(m, lower, "blobs/sha256", &dir, e);
    for (size_t i = 0; rc == 0 && i < l->blob_count; i++)
        rc = put_layout_blob(m, dir, &m->inputs[l->blobs[i]], e);
    if (rc < 0 || (rc = put_layout_blob(m, dir, &m->inputs[l->root], e)) < 0 ||
        (rc = buf_add_str(&text, linuxkit_volume_version, e)) < 0 ||
        (rc = put_text(m, lower, "oci-layout", &text, e)) < 0 ||
        (rc = linuxkit_reference(v->image.name, &name, e)) < 0 ||
        (rc = linuxkit_volume_index(&m->inputs[l->root], l->media_type, name, &index, e)) < 0)
        return rc;
    return put_text(m, lower, "index.json", &index, e);
}

static int add_volume(struct strict_tree *m, size_t i, struct err *e)
{
    const struct linuxkit_volume *v = &m->p->lk->volumes[i];
    const struct strict_layout *layout = find_layout(m, i);
    AUTO_FREE char *base = NULL;
    AUTO_FREE char *lower = NULL;
    struct tree_node *at = NULL;
    int rc = str_format(&base, e, "containers/volumes/%s", v->name);
    if (rc < 0 || (rc = str_format(&lower, e, "%s/lower", base)) < 0 ||
        (rc = make_dir(m, lower, &at, e)) < 0)
        return rc;
    if (layout != NULL)
        rc = put_layout(m, v, layout, lower, e);
    else if (v->image.name != NULL)
        rc = put_image(m, v->image.name, at, "/run/resolvconf/resolv.conf", e);
    if (rc < 0 || (rc = make_dir_below(m, base, "merged", NULL, e)) < 0)
        return rc;
    /* LinuxKit's init takes tmp for leave to write: a read-only volume has none. */
    return v->readonly ? 0 : make_dir_below(m, base, "tmp", NULL, e);
}

int strict_tree_add_volumes(struct strict_tree *m, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->p->lk->volume_count; i++)
        if ((rc = add_volume(m, i, e)) < 0)
            rc = err_wrap(e, "volume '%s'", m->p->lk->volumes[i].name);
    return rc;
}

/* ---- containers (docs/formats/linuxkit.md, sections 8.4 and 12) -------------------------- */

/* What a container is made with; `config` and `user` are kept while it is. */
struct bundle {
    struct oci_spec_container c;
    struct oci_spec_image_config config;
    struct oci_spec_user user;
    struct oci_spec_blame blame;
};

static void bundle_dispose(struct bundle *b)
{
    oci_spec_image_config_dispose(&b->config);
    free(b->user.groups);
}

/* An image without a configuration (Debian packages) says nothing. */
static int load_config(struct strict_tree *m, const char *image, struct bundle *b, struct err *e)
{
    const struct strict_tree_params *p = m->p;
    size_t index = strict_tree_image_index(m, image);
    size_t i = 0;
    AUTO_BUF text = BUF_INIT(CONFIG_MAX);
    while (i < p->config_count && p->configs[i] != index)
        i++;
    if (i == p->config_count)
        return 0;
    int rc = cas_get(m->cas, &m->inputs[strict_tree_first_blob(p) + i].digest, &text, e);
    if (rc < 0 ||
        (rc = oci_spec_image_config_parse(buf_str(&text), text.len, image, &b->config, e)) < 0)
        return rc;
    b->c.image_config = b->config.config;
    b->c.label = b->config.entry;
    if (b->config.user[0] == '\0')
        return 0;
    b->c.user = &b->user;
    /* Nobody asks who USER is when the container says who runs. */
    if (json_object_get(b->c.entry, "uid") != NULL || json_object_get(b->c.entry, "gid") != NULL ||
        json_object_get(b->c.label, "uid") != NULL || json_object_get(b->c.label, "gid") != NULL)
        return 0;
    return strict_tree_user(m, strict_tree_image(m, image), b->config.user, &b->user, e);
}

/* The image's files: below this container, or where an earlier one has them. *root is their path.
 */
static int put_root(struct strict_tree *m, const struct linuxkit_container *k, const char *path,
                    bool readonly, const char **root, struct err *e)
{
    size_t image = strict_tree_image_index(m, k->image.name);
    struct tree_node *at = NULL;
    int rc = 0;
    if (m->unpacked[image] == NULL) {
        if ((rc = str_format(&m->unpacked[image], e, "%s/%s", path,
                             readonly ? "rootfs" : "lower")) < 0 ||
            (rc = make_dir(m, m->unpacked[image], &at, e)) < 0 ||
            (rc = put_image(m, k->image.name, at, NULL, e)) < 0)
            return rc;
    }
    *root = m->unpacked[image];
    return 0;
}

static int add_container(struct strict_tree *m, const struct linuxkit_container *k, struct err *e)
{
    AUTO(bundle_dispose) struct bundle b = {0};
    AUTO_BUF config = BUF_INIT(TEXT_MAX);
    AUTO_BUF runtime = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *path = NULL;
    const char *root = NULL;
    b.c = (struct oci_spec_container){
        .entry = k->entry, .ids = m->p->lk->ids, .volumes = m->p->lk->volume_list, .strict = true};
    int rc = load_config(m, k->image.name, &b, e);
    if (rc < 0 || (rc = oci_spec_config_json(&b.c, &config, e)) < 0 ||
        (rc = linuxkit_container_path(k, &path, e)) < 0)
        return rc;
    bool readonly = oci_spec_container_readonly(&b.c);
    if ((rc = put_root(m, k, path, readonly, &root, e)) < 0 ||
        (rc = oci_spec_runtime_json(&b.c, path, root, &runtime, e)) < 0 ||
        (rc = make_dir_below(m, path, "rootfs", NULL, e)) < 0 ||
        (!readonly && (rc = make_dir_below(m, path, "tmp", NULL, e)) < 0) ||
        (rc = put_text(m, path, "config.json", &config, e)) < 0)
        return rc;
    return put_text(m, path, "runtime.json", &runtime, e);
}

int strict_tree_add_containers(struct strict_tree *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < lk->container_count; i++)
        if ((rc = add_container(m, &lk->containers[i], e)) < 0)
            rc = err_wrap(e, "%s '%s'", lk->containers[i].list, lk->containers[i].name);
    return rc;
}
