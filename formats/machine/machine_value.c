/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_value.h"

#include "base/file.h"
#include "base/sparse.h"
#include "formats/machine/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 64 * 1024 };

/* ---- making one ---- */

int machine_packer_init(struct machine_packer *p, struct cas *cas, struct err *e)
{
    memset(p, 0, sizeof(*p));
    return cas_writer_new(cas, NULL, CAS_SIZE_UNKNOWN, &p->writer, e);
}

void machine_packer_dispose(struct machine_packer *p)
{
    cas_writer_free(p->writer);
    p->writer = NULL;
}

static int begin_file(void *context, const char *name, mode_t mode, uint64_t size, int *fd,
                      uint64_t *base, struct err *e)
{
    struct machine_packer *p = context;
    struct machine_file *f = &p->files[p->count];
    uint64_t end;
    if (p->count == MACHINE_FILES_MAX || strlen(name) >= sizeof(f->name))
        return err_set(e, ERR_INPUT, "a machine has no file '%s'", name);
    if (!add_u64(p->next, size, &end) || end > MACHINE_PACKED_MAX)
        return err_set(e, ERR_INPUT, "the machine's files have more than 64 GiB: it is not packed");
    snprintf(f->name, sizeof(f->name), "%s", name);
    f->mode = mode;
    f->offset = p->next;
    f->size = size;
    if (ftruncate(cas_writer_fd(p->writer), (off_t)end) != 0)
        return err_os(e, errno, "cannot write '%s'", name);
    *fd = cas_writer_fd(p->writer);
    *base = f->offset;
    return 0;
}

static int hash_zeros(struct hasher *h, uint64_t count, struct err *e)
{
    static const uint8_t zeros[PIECE];
    int rc = 0;
    while (rc == 0 && count > 0) {
        size_t len = count < PIECE ? (size_t)count : PIECE;
        rc = hasher_update(h, zeros, len, e);
        count -= len;
    }
    return rc;
}

/* The digest of what lies in a part of a file with holes. */
static int hash_part(int fd, uint64_t offset, uint64_t size, const char *name, struct digest *out,
                     struct err *e)
{
    AUTO_HASHER struct hasher *h = NULL;
    AUTO_FREE uint8_t *data = malloc(PIECE);
    uint64_t end = offset + size;
    int rc = data == NULL ? err_oom(e) : hasher_new(DIGEST_SHA256, &h, e);
    while (rc == 0 && offset < end) {
        uint64_t next = sparse_next_data(fd, offset, end);
        if ((rc = hash_zeros(h, next - offset, e)) < 0 || next == end)
            break;
        size_t len = end - next < PIECE ? (size_t)(end - next) : PIECE;
        rc = fd_pread_all(fd, data, len, next, name, e);
        if (rc == 0)
            rc = hasher_update(h, data, len, e);
        offset = next + len;
    }
    return rc < 0 ? rc : hasher_final(h, out, e);
}

static int end_file(void *context, struct err *e)
{
    struct machine_packer *p = context;
    struct machine_file *f = &p->files[p->count];
    struct digest d;
    int rc = hash_part(cas_writer_fd(p->writer), f->offset, f->size, f->name, &d, e);
    if (rc < 0)
        return rc;
    memcpy(f->sha256, d.bytes, DIGEST_SHA256_SIZE);
    /* Every file begins with a page, so that holes stay holes. */
    p->next = (f->offset + f->size + MACHINE_PAGE - 1) / MACHINE_PAGE * MACHINE_PAGE;
    p->count++;
    return 0;
}

struct machine_sink machine_packer_sink(struct machine_packer *p)
{
    return (struct machine_sink){.begin = begin_file, .end = end_file, .context = p};
}

int machine_packer_finish(struct machine_packer *p, struct tree **out, struct err *e)
{
    AUTO_TREE struct tree *tree = NULL;
    struct digest blob;
    uint64_t size = 0;
    uint32_t pack = 0;
    int rc = tree_new(&tree, e);
    if (rc < 0 || (rc = cas_writer_commit(p->writer, &blob, &size, e)) < 0 ||
        (rc = tree_add_pack(tree, &blob, &pack, e)) < 0)
        return rc;
    for (size_t i = 0; i < p->count; i++) {
        const struct machine_file *f = &p->files[i];
        struct tree_inode *inode = NULL;
        struct tree_node *node = NULL;
        if ((rc = tree_inode_new(tree, TREE_FILE, &inode, e)) < 0)
            return rc;
        inode->mode = (uint16_t)(f->mode & 07777);
        inode->content.size = f->size;
        if (f->size > 0) {
            memcpy(inode->content.sha256, f->sha256, DIGEST_SHA256_SIZE);
            inode->content.pack = pack;
            inode->content.offset = f->offset;
        }
        if ((rc = tree_link(tree, tree_root(tree), f->name, inode, &node, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&tree);
    return 0;
}

/* ---- reading one ---- */

static const struct tree_content *find_file(const struct tree *tree, const char *name)
{
    const struct tree_node *node = tree_child(tree_root(tree), name);
    return node != NULL && node->inode->type == TREE_FILE ? &node->inode->content : NULL;
}

static int read_config(const struct tree *tree, struct cas *cas, struct machine_value *v,
                       struct err *e)
{
    const struct tree_content *c = find_file(tree, "config.json");
    struct tree_reader *reader = NULL;
    if (c == NULL || c->size > MACHINE_CONFIG_BYTES_MAX)
        return err_set(e, ERR_INPUT, "the tree is no stored machine: it has no config.json");
    AUTO_FREE char *text = malloc((size_t)c->size + 1);
    int rc = text == NULL ? err_oom(e) : tree_reader_new(tree, cas, &reader, e);
    if (rc == 0)
        rc = tree_reader_read(reader, c, 0, text, (size_t)c->size, e);
    tree_reader_free(reader);
    if (rc < 0)
        return rc;
    text[c->size] = 0;
    v->config_digest.alg = DIGEST_SHA256;
    memcpy(v->config_digest.bytes, c->sha256, DIGEST_SHA256_SIZE);
    rc = machine_config_parse(text, (size_t)c->size, "config.json", &v->config, e);
    return rc < 0 ? rc : machine_config_resolve(&v->config, e);
}

static int open_range(const struct tree *tree, struct cas *cas, struct machine_value *v, size_t i,
                      struct err *e)
{
    const struct machine_range *range = &v->ranges[i];
    char name[48];
    const struct tree_content *c =
        find_file(tree, machine_range_file(range->start, range->length, "bin", name));
    struct tree_range *t = &v->tree_ranges[i];
    *t = (struct tree_range){.name = range->name,
                             .start = range->start,
                             .length = range->length,
                             .log2 = range->log2,
                             .fd = -1};
    if (c == NULL && range->kind == MACHINE_UARCH_RAM) {
        machine_version_uarch_node(v->config.version, v->config.hash, v->uarch_node);
        v->uarch_missing = true;
        t->known = v->uarch_node;
        return 0;
    }
    if (c == NULL)
        return err_set(e, ERR_INPUT, "the machine has no file '%s' (%s)", name, range->name);
    if (c->size != range->length)
        return err_set(e, ERR_INPUT, "'%s' has %" PRIu64 " bytes, not %" PRIu64, name, c->size,
                       range->length);
    const struct digest *pack = tree_pack(tree, c->pack);
    uint64_t size = 0;
    if (pack == NULL)
        return err_set(e, ERR_INPUT, "the contents of '%s' are not in the store", name);
    t->base = c->offset;
    return cas_open_blob(cas, pack, &t->fd, &size, e);
}

int machine_value_open(const struct tree *tree, struct cas *cas, struct machine_value *out,
                       struct err *e)
{
    memset(out, 0, sizeof(*out));
    int rc = read_config(tree, cas, out, e);
    if (rc < 0)
        return rc;
    size_t count = machine_config_ranges(&out->config, out->ranges);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = open_range(tree, cas, out, i, e);
        if (rc == 0)
            out->count = i + 1;
    }
    return rc;
}

void machine_value_dispose(struct machine_value *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->tree_ranges[i].fd >= 0)
            (void)close(v->tree_ranges[i].fd);
    v->count = 0;
    machine_config_dispose(&v->config);
}

int machine_value_root(const struct machine_value *v, unsigned jobs, char *text, struct err *e)
{
    struct machine_tree tree;
    uint8_t root[MACHINE_HASH_SIZE];
    machine_tree_init(&tree, machine_hasher_best(v->config.hash), v->tree_ranges, v->count, jobs);
    int rc = machine_tree_node(&tree, 0, MACHINE_ROOT_LOG2, root, e);
    if (rc == 0)
        machine_hash_text(v->config.hash, root, text);
    return rc;
}
