/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/tree_format.h"

#include "base/encoding.h"
#include "formats/tree/tree_internal.h"

#include <inttypes.h>
#include <string.h>

enum { FLUSH_AT = 64 * 1024, PENDING_MAX = FLUSH_AT + 8 * 1024 * 1024 };

static const char type_letter[] = {
    [TREE_DIR] = 'd',   [TREE_FILE] = 'f', [TREE_SYMLINK] = 'l', [TREE_CHAR] = 'c',
    [TREE_BLOCK] = 'b', [TREE_FIFO] = 'p', [TREE_SOCKET] = 's',
};

struct writer {
    const struct tree *tree;
    const struct tree_sink *sink;
    struct buf pending;
    struct tree_map first; /* inode with several names -> the node met first */
    uint32_t *pack_number; /* pack -> its number in the locations + 1 */
    uint32_t packs_numbered;
};

static int flush(struct writer *w, size_t at_least, struct err *e)
{
    if (w->pending.len < at_least)
        return 0;
    int rc = w->sink->put(w->sink->context, w->pending.data, w->pending.len, e);
    w->pending.len = 0;
    return rc;
}

/* Printable ASCII but space and '%' stands for itself, every other byte is %xx. */
static int add_escaped(struct buf *out, const char *text, struct err *e)
{
    static const char hex[] = "0123456789abcdef";
    size_t len = strlen(text);
    int rc = buf_reserve(out, 3 * len + 1, e);
    if (rc < 0)
        return rc;
    uint8_t *p = out->data + out->len;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c > 0x20 && c < 0x7f && c != '%') {
            *p++ = c;
        } else {
            *p++ = '%';
            *p++ = (uint8_t)hex[c >> 4];
            *p++ = (uint8_t)hex[c & 15];
        }
    }
    out->len = (size_t)(p - out->data);
    return 0;
}

static int add_type_part(struct buf *b, const struct tree_inode *inode, struct err *e)
{
    int rc = 0;
    switch (inode->type) {
    case TREE_FILE:
        rc = buf_addf(b, e, " %" PRIu64 " ", inode->content.size);
        return rc < 0 ? rc : hex_encode(inode->content.sha256, DIGEST_SHA256_SIZE, b, e);
    case TREE_SYMLINK:
        rc = buf_add_str(b, " ", e);
        return rc < 0 ? rc : add_escaped(b, inode->target, e);
    case TREE_CHAR:
    case TREE_BLOCK:
        return buf_addf(b, e, " %" PRIu32 " %" PRIu32, inode->major, inode->minor);
    case TREE_DIR:
    case TREE_FIFO:
    case TREE_SOCKET:
        break;
    }
    return rc;
}

static int add_xattrs(struct buf *b, const struct tree_inode *inode, struct err *e)
{
    for (size_t i = 0; i < inode->xattr_count; i++) {
        int rc = buf_add_str(b, " ", e);
        if (rc == 0)
            rc = add_escaped(b, inode->xattrs[i].name, e);
        if (rc == 0)
            rc = buf_add_str(b, "=", e);
        if (rc == 0)
            rc = hex_encode(inode->xattrs[i].value, inode->xattrs[i].len, b, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A value that the serialisation could not be read back from is the caller's mistake or a hostile
 * input. */
static int check_inode(const char *path, const struct tree_inode *inode, struct err *e)
{
    size_t target = inode->target != NULL ? strnlen(inode->target, TREE_PATH_MAX + 1) : 0;
    if (inode->type == TREE_SYMLINK && (target == 0 || target > TREE_PATH_MAX))
        return err_set(e, ERR_INPUT, "'%.200s': a symbolic link to nothing, or to %d bytes or more",
                       path, (int)TREE_PATH_MAX + 1);
    if (inode->mode > 07777)
        return err_set(e, ERR_INPUT, "'%.200s': mode %o has bits beyond 7777", path,
                       (unsigned)inode->mode);
    return 0;
}

static int add_hard_link(struct buf *b, const char *path, const struct tree_node *first,
                         struct err *e)
{
    AUTO_FREE char *target = NULL;
    int rc = tree_path(first, &target, e);
    if (rc == 0)
        rc = buf_add_str(b, "h ", e);
    if (rc == 0)
        rc = add_escaped(b, path, e);
    if (rc == 0)
        rc = buf_add_str(b, " ", e);
    if (rc == 0)
        rc = add_escaped(b, target, e);
    return rc < 0 ? rc : buf_add_str(b, "\n", e);
}

static int write_entry(void *context, const char *path, struct tree_node *node, struct err *e)
{
    struct writer *w = context;
    struct buf *b = &w->pending;
    const struct tree_inode *inode = node->inode;
    int rc = 0;
    if (inode->links > 1 && inode->type != TREE_DIR) {
        const struct tree_node *first = tree_map_get(&w->first, inode);
        if (first != NULL) {
            rc = add_hard_link(b, path, first, e);
            return rc < 0 ? rc : flush(w, FLUSH_AT, e);
        }
        rc = tree_map_put(&w->first, inode, node, e);
    }
    if (rc == 0)
        rc = check_inode(path, inode, e);
    if (rc == 0)
        rc =
            buf_addf(b, e, "%c %04o %" PRIu32 " %" PRIu32 " %" PRId64 " ", type_letter[inode->type],
                     (unsigned)inode->mode, inode->uid, inode->gid, inode->mtime);
    if (rc == 0)
        rc = path[0] == 0 ? buf_add_str(b, ".", e) : add_escaped(b, path, e);
    if (rc == 0)
        rc = add_type_part(b, inode, e);
    if (rc == 0)
        rc = add_xattrs(b, inode, e);
    if (rc == 0)
        rc = buf_add_str(b, "\n", e);
    return rc < 0 ? rc : flush(w, FLUSH_AT, e);
}

static void writer_dispose(struct writer *w)
{
    buf_dispose(&w->pending);
    tree_map_dispose(&w->first);
    free(w->pack_number);
}
#define AUTO_WRITER AUTO(writer_dispose) struct writer

int tree_format(const struct tree *t, const struct tree_sink *sink, struct err *e)
{
    AUTO_WRITER w = {.tree = t, .sink = sink, .pending = BUF_INIT(PENDING_MAX)};
    int rc = buf_add_str(&w.pending, "assay-tree 1\n", e);
    if (rc == 0)
        rc = tree_walk(t, write_entry, &w, e);
    return rc < 0 ? rc : flush(&w, 1, e);
}

/* ---- locations ---- */

/* Calls `visit` for each file that has bytes, once an inode, in walk order. */
struct content_walk {
    struct writer *writer;
    int (*visit)(struct writer *w, const struct tree_inode *file, struct err *e);
};

static int visit_content(void *context, const char *path, struct tree_node *node, struct err *e)
{
    const struct content_walk *c = context;
    const struct tree_inode *inode = node->inode;
    if (inode->type != TREE_FILE || inode->content.size == 0)
        return 0;
    if (inode->links > 1) {
        if (tree_map_get(&c->writer->first, inode) != NULL)
            return 0;
        int rc = tree_map_put(&c->writer->first, inode, node, e);
        if (rc < 0)
            return rc;
    }
    int rc = c->visit(c->writer, inode, e);
    return rc < 0 ? err_wrap(e, "'%.200s'", path) : 0;
}

static int number_pack(struct writer *w, const struct tree_inode *file, struct err *e)
{
    const struct digest *pack = tree_pack(w->tree, file->content.pack);
    if (pack == NULL || pack->alg == 0)
        return err_set(e, ERR_INPUT, "its content was never committed to the store");
    uint32_t *number = &w->pack_number[tree_first_pack(w->tree, file->content.pack)];
    if (*number != 0)
        return 0;
    *number = ++w->packs_numbered;
    char text[DIGEST_TEXT_MAX];
    int rc = buf_addf(&w->pending, e, "pack %s\n", digest_format(pack, text));
    return rc < 0 ? rc : flush(w, FLUSH_AT, e);
}

static int write_location(struct writer *w, const struct tree_inode *file, struct err *e)
{
    int rc = buf_addf(&w->pending, e, "at %" PRIu32 " %" PRIu64 "\n",
                      w->pack_number[tree_first_pack(w->tree, file->content.pack)] - 1,
                      file->content.offset);
    return rc < 0 ? rc : flush(w, FLUSH_AT, e);
}

int tree_format_locations(const struct tree *t, const struct tree_sink *sink, struct err *e)
{
    AUTO_WRITER w = {.tree = t, .sink = sink, .pending = BUF_INIT(PENDING_MAX)};
    w.pack_number = array_new(t->pack_count, sizeof(*w.pack_number));
    if (w.pack_number == NULL)
        return err_oom(e);
    int rc = buf_add_str(&w.pending, "assay-locations 1\n", e);
    struct content_walk packs = {.writer = &w, .visit = number_pack};
    if (rc == 0)
        rc = tree_walk(t, visit_content, &packs, e);
    tree_map_dispose(&w.first);
    struct content_walk places = {.writer = &w, .visit = write_location};
    if (rc == 0)
        rc = tree_walk(t, visit_content, &places, e);
    return rc < 0 ? rc : flush(&w, 1, e);
}

/* ---- digest and storing ---- */

static int put_hash(void *context, const void *data, size_t len, struct err *e)
{
    return hasher_update(context, data, len, e);
}

static int put_blob(void *context, const void *data, size_t len, struct err *e)
{
    return cas_writer_write(context, data, len, e);
}

int tree_digest(const struct tree *t, struct digest *out, struct err *e)
{
    AUTO_HASHER struct hasher *h = NULL;
    int rc = hasher_new(DIGEST_SHA256, &h, e);
    struct tree_sink sink = {.context = h, .put = put_hash};
    if (rc == 0)
        rc = tree_format(t, &sink, e);
    return rc < 0 ? rc : hasher_final(h, out, e);
}

static int store_one(const struct tree *t, struct cas *cas,
                     int (*format)(const struct tree *t, const struct tree_sink *sink,
                                   struct err *e),
                     struct digest *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    int rc = cas_writer_new(cas, NULL, CAS_SIZE_UNKNOWN, &w, e);
    struct tree_sink sink = {.context = w, .put = put_blob};
    if (rc == 0)
        rc = format(t, &sink, e);
    uint64_t size;
    return rc < 0 ? rc : cas_writer_commit(w, out, &size, e);
}

int tree_store(const struct tree *t, struct cas *cas, struct digest *tree_blob,
               struct digest *locations_blob, struct err *e)
{
    struct digest tree_made;
    struct digest locations_made;
    int rc = store_one(t, cas, tree_format, &tree_made, e);
    if (rc == 0)
        rc = store_one(t, cas, tree_format_locations, &locations_made, e);
    if (rc < 0)
        return err_wrap(e, "cannot store a tree");
    *tree_blob = tree_made;
    *locations_blob = locations_made;
    return 0;
}
