/*
 * tree.linuxkit: images, kernel and files of a LinuxKit document merged into one
 * tree, in the strict mode of docs/formats/linuxkit-strict.md (spec linuxkit
 * section 14): one entry a path, the last wins; times never after the epoch.
 */
#include "builder/recipe/linuxkit.h"
#include "builder/steps/graft.h"
#include "builder/steps/kinds.h"
#include "builder/tree/tar_reader.h"

#include "base/file.h"

#include <string.h>

enum { IMAGES_MAX = LINUXKIT_INIT_MAX + 1 };

/* What an init image brings from the machine that made it, and LinuxKit leaves out (spec section
 * 7). */
static bool skipped(const char *path)
{
    static const char *const names[] = {".dockerenv", "Dockerfile", "dev/console",
                                        "dev/pts",    "dev/shm",    "etc/hostname"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return false;
}

static const char HOSTS[] = "127.0.0.1       localhost\n"
                            "::1     localhost ip6-localhost ip6-loopback\n"
                            "fe00::0 ip6-localnet\n"
                            "ff00::0 ip6-mcastprefix\n"
                            "ff02::1 ip6-allnodes\n"
                            "ff02::2 ip6-allrouters\n";

/* ---- parameters ------------------------------------------------------------------------ */

struct params {
    struct linuxkit *lk;
    const char *images[IMAGES_MAX];
    size_t image_count;
    size_t *sources; /* file index per blob */
    size_t source_count;
    int64_t epoch;
};

static void params_dispose(struct params *p)
{
    linuxkit_free(p->lk);
    free(p->sources);
}
#define AUTO_PARAMS AUTO(params_dispose) struct params

static int read_images(const struct jcur *c, struct params *p, struct err *e)
{
    int rc = jcur_array(c, IMAGES_MAX, &p->image_count, e);
    for (size_t i = 0; rc == 0 && i < p->image_count; i++) {
        struct jcur item = jcur_item(c, i);
        rc = jcur_string(&item, LINUXKIT_NAME_MAX, &p->images[i], e);
        for (size_t k = 0; rc == 0 && k < i; k++)
            if (strcmp(p->images[k], p->images[i]) == 0)
                rc = jcur_fail(&item, e, "the image '%s' twice", p->images[i]);
    }
    return rc;
}

/* The images are those of the document, each once, in the order of linuxkit_images: one form per
 * value. */
static int match_images(const struct jcur *c, const struct params *p, struct err *e)
{
    AUTO_FREE struct linuxkit_image *wanted = NULL;
    size_t count = 0;
    int rc = linuxkit_images(p->lk, &wanted, &count, e);
    if (rc < 0)
        return rc;
    bool same = count == p->image_count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(wanted[i].name, p->images[i]) == 0;
    return same ? 0 : jcur_fail(c, e, "these are not the images that the document names");
}

/* Every file with a source has its blob, in the order of the files. */
static int read_sources(const struct jcur *c, struct params *p, struct err *e)
{
    size_t next = 0;
    int rc = jcur_array(c, LINUXKIT_FILES_MAX, &p->source_count, e);
    if (rc < 0)
        return rc;
    p->sources = array_new(p->source_count + 1, sizeof *p->sources);
    if (p->sources == NULL)
        return err_oom(e);
    for (size_t i = 0; i < p->source_count; i++) {
        struct jcur item = jcur_item(c, i);
        uint64_t index = 0;
        if ((rc = jcur_u64(&item, LINUXKIT_FILES_MAX, &index, e)) < 0)
            return rc;
        while (next < p->lk->file_count && p->lk->files[next].kind != LINUXKIT_FILE_SOURCE)
            next++;
        if (next >= p->lk->file_count || index != next)
            return jcur_fail(&item, e, "the next file with a source is another");
        p->sources[i] = next++;
    }
    for (; next < p->lk->file_count; next++)
        if (p->lk->files[next].kind == LINUXKIT_FILE_SOURCE)
            return jcur_fail(c, e, "files[%zu] has a source, but no blob", next);
    return 0;
}

static int read_params(const struct jcur *c, size_t input_count, struct params *p, struct err *e)
{
    static const char *const keys[] = {"document", "images", "sources", "epoch", NULL};
    struct jcur document;
    struct jcur images;
    struct jcur sources;
    struct jcur epoch;
    int rc = jcur_object(c, keys, e);
    if (rc < 0 || (rc = jcur_get(c, "document", &document, e)) < 0 ||
        (rc = jcur_get(c, "images", &images, e)) < 0 ||
        (rc = jcur_get(c, "sources", &sources, e)) < 0 ||
        (rc = jcur_get(c, "epoch", &epoch, e)) < 0 ||
        (rc = jcur_i64(&epoch, 0, UINT32_MAX, &p->epoch, e)) < 0)
        return rc;
    const struct ycur y = ycur_json(document.value, "document");
    if ((rc = linuxkit_parse(&y, &p->lk, e)) < 0)
        return err_wrap(e, "document");
    if ((rc = read_images(&images, p, e)) < 0 || (rc = match_images(&images, p, e)) < 0 ||
        (rc = read_sources(&sources, p, e)) < 0)
        return rc;
    if (input_count != p->image_count + p->source_count)
        return jcur_fail(c, e, "%zu images and %zu sources, but %zu inputs", p->image_count,
                         p->source_count, input_count);
    return 0;
}

static int check(const struct jcur *c, size_t input_count, struct err *e)
{
    AUTO_PARAMS p = {0};
    return read_params(c, input_count, &p, e);
}

/* ---- merging ------------------------------------------------------------------------------ */

struct merge {
    const struct params *p;
    const struct step_input *inputs;
    struct cas *cas;
    struct tree *tree;
    struct tree_packer *packer;
};

static const struct tree *image_tree(const struct merge *m, const char *name)
{
    size_t i = 0;
    while (i < m->p->image_count && strcmp(m->p->images[i], name) != 0)
        i++;
    return i < m->p->image_count ? m->inputs[i].tree : NULL;
}

static int new_inode(struct merge *m, enum tree_type type, uint16_t mode, struct tree_inode **out,
                     struct err *e)
{
    int rc = tree_inode_new(m->tree, type, out, e);
    if (rc == 0) {
        (*out)->mode = mode;
        (*out)->mtime = m->p->epoch;
    }
    return rc;
}

static int new_file(struct merge *m, uint16_t mode, const void *data, size_t len,
                    struct tree_inode **out, struct err *e)
{
    int rc = new_inode(m, TREE_FILE, mode, out, e);
    if (rc < 0 || (rc = tree_packer_begin(m->packer, e)) < 0 ||
        (rc = tree_packer_write(m->packer, data, len, e)) < 0)
        return rc;
    return tree_packer_end(m->packer, *out, e);
}

static int new_symlink(struct merge *m, const char *target, struct tree_inode **out, struct err *e)
{
    int rc = new_inode(m, TREE_SYMLINK, 0777, out, e);
    return rc < 0 ? rc : str_copy(&(*out)->target, target, e);
}

/*
 * Where an entry goes: links in the directories on the way are followed inside
 * the root; what is missing of them is made, 0755 root.
 */
static int parent_of(struct merge *m, const char *path, struct tree_node **dir, const char **name,
                     struct err *e)
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

/* Puts a leaf at a path. It may replace a file or a link, never a directory with what is in it. */
static int put(struct merge *m, const char *path, struct tree_inode *inode, struct err *e)
{
    struct tree_node *dir = NULL;
    const char *name = NULL;
    int rc = parent_of(m, path, &dir, &name, e);
    if (rc < 0)
        return rc;
    struct tree_node *there = tree_child(dir, name);
    if (there != NULL && there->inode->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "'%s' is a directory in an image", path);
    return tree_link(m->tree, dir, name, inode, NULL, e);
}

/* ---- the kernel (spec section 8.1) --------------------------------------------------- */

static int kernel_file(const struct merge *m, const char *path, const char *key,
                       const struct tree_inode **out, struct err *e)
{
    const char *image = m->p->lk->kernel.name;
    const struct tree_node *node = tree_find(image_tree(m, image), path, true);
    if (node == NULL || node->inode->type != TREE_FILE)
        return err_set(e, ERR_INPUT, "the image '%s' has no file '%s' (kernel.%s)", image, path,
                       key);
    *out = node->inode;
    return 0;
}

static int add_kernel(struct merge *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    const struct tree_inode *from = NULL;
    struct tree_inode *kernel = NULL;
    struct tree_inode *cmdline = NULL;
    if (lk->kernel.name == NULL)
        return 0;
    int rc = kernel_file(m, lk->kernel_binary, "binary", &from, e);
    if (rc < 0 || (rc = graft_inode(m->tree, image_tree(m, lk->kernel.name), from, &kernel, e)) < 0)
        return rc;
    kernel->mtime = m->p->epoch;
    if ((rc = put(m, "boot/kernel", kernel, e)) < 0 ||
        (rc = new_file(m, 0644, lk->cmdline, strlen(lk->cmdline), &cmdline, e)) < 0)
        return rc;
    return put(m, "boot/cmdline", cmdline, e);
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

static int unpack_data(struct merge *m, struct tar_reader *tar, struct tree_inode *file,
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

static int unpack_dir(struct merge *m, const struct tar_entry *entry, struct err *e)
{
    struct tree_node *dir = NULL;
    int rc = tree_make_dirs(m->tree, entry->path, m->p->epoch, &dir, e);
    return rc < 0 ? rc : unpack_attributes(entry, dir->inode, e);
}

static int unpack_link(struct merge *m, const struct tar_entry *entry, struct err *e)
{
    struct tree_node *there = tree_find(m->tree, entry->link, false);
    if (there == NULL || there->inode->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "'%s' is a link to '%s', which is not there", entry->path,
                       entry->link);
    return put(m, entry->path, there->inode, e);
}

static int unpack_entry(struct merge *m, struct tar_reader *tar, const struct tar_entry *entry,
                        struct err *e)
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
    return rc < 0 ? rc : put(m, entry->path, inode, e);
}

static int unpack(struct merge *m, struct tar_reader *tar, struct err *e)
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
static int add_kernel_tar(struct merge *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    const struct tree_inode *file = NULL;
    struct tree_source from = {0};
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    if (lk->kernel.name == NULL || lk->kernel_tar == NULL)
        return 0;
    int rc = kernel_file(m, lk->kernel_tar, "tar; say 'tar: none' when there is none", &file, e);
    if (rc < 0 ||
        (rc = tree_reader_new(image_tree(m, lk->kernel.name), m->cas, &from.reader, e)) < 0)
        return rc;
    from.content = &file->content;
    const struct source source = {.context = &from, .read = read_source};
    if ((rc = tar_reader_new(&source, &tar, e)) == 0)
        rc = unpack(m, tar, e);
    tree_reader_free(from.reader);
    return rc < 0 ? err_wrap(e, "'%s' of the image '%s'", lk->kernel_tar, lk->kernel.name) : 0;
}

/* ---- init images (spec sections 7 and 8.2) ------------------------------------------------------
 */

static const char APK_DATABASE[] = "lib/apk/db/installed";

static const struct tree_inode *apk_database(const struct tree *t)
{
    const struct tree_node *node = tree_find(t, APK_DATABASE, false);
    return node != NULL && node->inode->type == TREE_FILE ? node->inode : NULL;
}

static int copy_content(struct merge *m, const struct tree *from, const struct tree_inode *file,
                        struct err *e)
{
    enum { CHUNK = 65536 };
    struct tree_reader *reader = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = tree_reader_new(from, m->cas, &reader, e);
    for (uint64_t at = 0; rc == 0 && at < file->content.size;) {
        uint64_t left = file->content.size - at;
        size_t len = left < CHUNK ? (size_t)left : CHUNK;
        if ((rc = tree_reader_read(reader, &file->content, at, chunk, len, e)) == 0)
            rc = tree_packer_write(m->packer, chunk, len, e);
        at += len;
    }
    tree_reader_free(reader);
    return rc;
}

/* Several images with an Alpine package database: one database of all, in order. */
static int merge_apk(struct merge *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    struct tree_inode *file = NULL;
    size_t count = 0;
    for (size_t i = 0; i < lk->init_count; i++)
        count += apk_database(image_tree(m, lk->init[i].name)) != NULL;
    if (count < 2)
        return 0;
    int rc = new_inode(m, TREE_FILE, 0644, &file, e);
    if (rc == 0)
        rc = tree_packer_begin(m->packer, e);
    for (size_t i = 0; rc == 0 && i < lk->init_count; i++) {
        const struct tree *from = image_tree(m, lk->init[i].name);
        const struct tree_inode *database = apk_database(from);
        if (database != NULL && (rc = copy_content(m, from, database, e)) == 0)
            rc = tree_packer_write(m->packer, "\n\n", 2, e);
    }
    if (rc < 0 || (rc = tree_packer_end(m->packer, file, e)) < 0)
        return rc;
    return put(m, APK_DATABASE, file, e);
}

/* What every LinuxKit root has; directories that an image brought keep their metadata. */
static int add_standard(struct merge *m, struct err *e)
{
    static const char *const dirs[] = {"dev/pts", "dev/shm", "etc", "proc", "sys"};
    struct tree_inode *hosts = NULL;
    struct tree_inode *resolv = NULL;
    struct tree_inode *mtab = NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof dirs / sizeof dirs[0]; i++)
        rc = tree_make_dirs(m->tree, dirs[i], m->p->epoch, NULL, e);
    if (rc < 0 || (rc = new_file(m, 0644, HOSTS, sizeof HOSTS - 1, &hosts, e)) < 0 ||
        (rc = put(m, "etc/hosts", hosts, e)) < 0 ||
        (rc = new_symlink(m, "/run/resolvconf/resolv.conf", &resolv, e)) < 0 ||
        (rc = put(m, "etc/resolv.conf", resolv, e)) < 0)
        return rc;
    if (tree_find(m->tree, "etc/mtab", false) != NULL)
        return 0;
    rc = new_symlink(m, "/proc/mounts", &mtab, e);
    return rc < 0 ? rc : put(m, "etc/mtab", mtab, e);
}

static int add_init(struct merge *m, struct err *e)
{
    const struct linuxkit *lk = m->p->lk;
    for (size_t i = 0; i < lk->init_count; i++) {
        int rc = tree_graft(m->tree, image_tree(m, lk->init[i].name), skipped, e);
        if (rc < 0)
            return err_wrap(e, "init image '%s'", lk->init[i].name);
    }
    if (lk->init_count == 0)
        return 0;
    int rc = merge_apk(m, e);
    return rc < 0 ? rc : add_standard(m, e);
}

/* ---- files (spec section 10)
 * ------------------------------------------------------------------------ */

static int source_inode(struct merge *m, size_t index, struct tree_inode **out, struct err *e)
{
    const struct params *p = m->p;
    size_t i = 0;
    while (i < p->source_count && p->sources[i] != index)
        i++;
    const struct step_input *blob = &m->inputs[p->image_count + i];
    int rc = new_inode(m, TREE_FILE, 0, out, e);
    if (rc < 0 || blob->size == 0)
        return rc;
    struct tree_content *content = &(*out)->content;
    memcpy(content->sha256, blob->digest.bytes, DIGEST_SHA256_SIZE);
    content->size = blob->size;
    content->offset = 0;
    return tree_add_pack(m->tree, &blob->digest, &content->pack, e);
}

/* A directory that is there keeps what the item does not say. */
static int put_directory(struct merge *m, const struct linuxkit_file *f, struct err *e)
{
    struct tree_node *dir = NULL;
    const char *name = NULL;
    struct tree_inode *inode = NULL;
    int rc = parent_of(m, f->path, &dir, &name, e);
    if (rc < 0)
        return rc;
    struct tree_node *there = tree_child(dir, name);
    if (there != NULL && there->inode->type != TREE_DIR)
        return err_set(e, ERR_INPUT, "'%s' is there already, and no directory", f->path);
    if (there == NULL) {
        if ((rc = new_inode(m, TREE_DIR, f->mode, &inode, e)) < 0 ||
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

static int put_file(struct merge *m, size_t index, struct err *e)
{
    const struct linuxkit_file *f = &m->p->lk->files[index];
    struct tree_inode *inode = NULL;
    int rc = 0;
    switch (f->kind) {
    case LINUXKIT_FILE_DIRECTORY:
        return put_directory(m, f, e);
    case LINUXKIT_FILE_SYMLINK:
        rc = new_symlink(m, f->text, &inode, e);
        break;
    case LINUXKIT_FILE_CONTENTS:
        rc = new_file(m, f->mode, f->text, strlen(f->text), &inode, e);
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
    return put(m, f->path, inode, e);
}

/* ---- the step
 * ------------------------------------------------------------------------------------------ */

static int clamp_time(void *context, const char *path, struct tree_node *node, struct err *e)
{
    const struct params *p = context;
    (void)path;
    (void)e;
    if (node->inode->mtime > p->epoch)
        node->inode->mtime = p->epoch;
    if (node->inode->mtime < 0)
        node->inode->mtime = 0;
    return 0;
}

static int merge_all(struct merge *m, struct err *e)
{
    struct params bounds = {.epoch = m->p->epoch};
    int rc = add_kernel_tar(m, e);
    if (rc == 0)
        rc = add_init(m, e);
    if (rc == 0)
        rc = add_kernel(m, e);
    for (size_t i = 0; rc == 0 && i < m->p->lk->file_count; i++)
        if ((rc = put_file(m, i, e)) < 0)
            rc = err_wrap(e, "files[%zu]", i);
    if (rc < 0 || (rc = tree_packer_commit(m->packer, e)) < 0)
        return rc;
    return tree_walk(m->tree, clamp_time, &bounds, e);
}

/* Trees first, one per image, then blobs, one per source. */
static int check_inputs(const struct params *p, const struct step_input *inputs, size_t count,
                        struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        enum value_kind wanted = i < p->image_count ? VALUE_TREE : VALUE_BLOB;
        if (inputs[i].kind != wanted)
            return err_set(e, ERR_INPUT, "the input '%s' is no %s", inputs[i].id,
                           wanted == VALUE_TREE ? "tree" : "blob");
    }
    return 0;
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_PARAMS p = {0};
    AUTO_TREE struct tree *tree = NULL;
    struct tree_packer *packer = NULL;
    int rc = read_params(params, input_count, &p, e);
    if (rc < 0 || (rc = check_inputs(&p, inputs, input_count, e)) < 0 ||
        (rc = tree_new(&tree, e)) < 0 || (rc = tree_packer_new(tree, context->cas, &packer, e)) < 0)
        return rc;
    struct merge m = {
        .p = &p, .inputs = inputs, .cas = context->cas, .tree = tree, .packer = packer};
    tree_root(tree)->inode->mtime = p.epoch;
    rc = merge_all(&m, e);
    tree_packer_free(packer);
    if (rc < 0)
        return rc;
    out->kind = VALUE_TREE;
    out->tree = steal_ptr(&tree);
    return 0;
}

const struct step_kind step_tree_linuxkit = {
    .name = "tree.linuxkit",
    .min_inputs = 0,
    .max_inputs = IMAGES_MAX + LINUXKIT_FILES_MAX,
    .takes = VALUE_ANY,
    .gives = VALUE_TREE,
    .check = check,
    .run = run,
};
