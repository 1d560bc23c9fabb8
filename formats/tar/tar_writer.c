/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tar/tar_writer.h"

#include "base/file.h"
#include "formats/tar/tar_header.h"
#include "formats/tree/image_writer.h"

#include <inttypes.h>
#include <string.h>

enum {
    PAGE = 4096,         /* the least that a sparse file leaves out */
    UNITS_MAX = 1 << 17, /* of a sparse file: at most half as many pieces */
    MAP_MAX = 4 * 1024 * 1024,
    PAX_MAX = 128 * 1024 * 1024, /* of one entry: all attributes that a tree can hold */
};

/* Where a sparse file has data: units that are not all zeros. */
struct sparse_map {
    struct sparse_piece {
        uint64_t offset;
        uint64_t len;
    } * pieces;
    size_t count;
    size_t cap;
    uint64_t stored; /* bytes of all pieces */
};

struct writer {
    const struct tar_options *options;
    const struct view *v;
    struct image_writer out;
    struct buf pax;
    struct sparse_map map; /* of the entry, when it is sparse */
    struct buf map_text;
};

/* One entry, before it is cut into fields. */
struct entry {
    const char *path; /* directories with their slash */
    const char *link; /* "" when there is none */
    char type;
    const struct tree_inode *inode;
    uint64_t size;   /* of the entry's content in the archive */
    bool sparse;     /* the content is a map and pieces of the file */
    uint64_t length; /* of the file */
};

/* ---- pax records ------------------------------------------------------------ */

static size_t digits(size_t n)
{
    size_t count = 1;

    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

/* "LEN KEY=VALUE\n", where LEN counts itself. */
static int pax_add(struct buf *b, const char *key, const char *suffix, const void *value,
                   size_t len, struct err *e)
{
    size_t rest = strlen(key) + strlen(suffix) + len + 3; /* blank, '=', newline */
    size_t total = rest;
    int rc;

    while (total != rest + digits(total))
        total = rest + digits(total);
    if ((rc = buf_addf(b, e, "%zu %s%s=", total, key, suffix)) < 0 ||
        (rc = buf_add(b, value, len, e)) < 0 || (rc = buf_add(b, "\n", 1, e)) < 0)
        return rc;
    return 0;
}

static int pax_number(struct buf *b, const char *key, int64_t value, struct err *e)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRId64, value);

    return pax_add(b, key, "", text, (size_t)len, e);
}

/* UTF-8 as RFC 3629 has it: shortest forms, no surrogates, at most U+10FFFF. */
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    while (*p != 0) {
        unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
        if (*p >= 0x80 && (*p < 0xc2 || *p > 0xf4))
            return false;
        if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
            (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
            return false;
        for (p++; more > 0; more--, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}

/*
 * Whether a text goes into its ustar field as it is. Text beyond ASCII gets a
 * record, which is UTF-8 by definition; bytes that are not even UTF-8 stay in
 * the field, where every reader takes them raw.
 */
static bool plain(const char *text, size_t *len)
{
    bool ascii = true;

    *len = strlen(text);
    for (size_t i = 0; i < *len; i++)
        ascii = ascii && (unsigned char)text[i] < 0x80;
    /* A link's field is as long as a name's. */
    return *len <= tar_fields[TAR_NAME].len && (ascii || !is_utf8(text));
}

static int pax_xattrs(struct buf *b, const struct entry *n, struct err *e)
{
    for (size_t i = 0; i < n->inode->xattr_count; i++) {
        const struct tree_xattr *x = &n->inode->xattrs[i];
        if (strchr(x->name, '=') != NULL)
            return err_set(e, ERR_INPUT,
                           "cannot put '%s' into a tar: its attribute '%s' has a '=' in its name",
                           n->path, x->name);
        int rc = pax_add(b, "SCHILY.xattr.", x->name, x->value, x->len, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool fits(int64_t number, enum tar_place p)
{
    return tar_fits_octal(number, tar_fields[p].len);
}

/* The records that the fields cannot hold, sorted by key. */
static int pax_records(struct buf *b, const struct entry *n, struct err *e)
{
    const struct tree_inode *inode = n->inode;
    size_t path_len = 0;
    size_t link_len = 0;
    bool path = !plain(n->path, &path_len);
    bool link = !plain(n->link, &link_len);
    int rc;

    if (n->sparse) {
        path = false; /* the name of a sparse file stands in a record of its own */
        if ((rc = pax_number(b, "GNU.sparse.major", 1, e)) < 0 ||
            (rc = pax_number(b, "GNU.sparse.minor", 0, e)) < 0 ||
            (rc = pax_add(b, "GNU.sparse.name", "", n->path, path_len, e)) < 0 ||
            (rc = pax_number(b, "GNU.sparse.realsize", (int64_t)n->length, e)) < 0)
            return rc;
    }
    if ((rc = pax_xattrs(b, n, e)) < 0)
        return rc;
    if (!fits(inode->gid, TAR_GID) && (rc = pax_number(b, "gid", inode->gid, e)) < 0)
        return rc;
    if (link && (rc = pax_add(b, "linkpath", "", n->link, link_len, e)) < 0)
        return rc;
    if (!fits(inode->mtime, TAR_MTIME) && (rc = pax_number(b, "mtime", inode->mtime, e)) < 0)
        return rc;
    if (path && (rc = pax_add(b, "path", "", n->path, path_len, e)) < 0)
        return rc;
    if (!fits((int64_t)n->size, TAR_SIZE) && (rc = pax_number(b, "size", (int64_t)n->size, e)) < 0)
        return rc;
    if (!fits(inode->uid, TAR_UID) && (rc = pax_number(b, "uid", inode->uid, e)) < 0)
        return rc;
    return 0;
}

/* ---- headers ---------------------------------------------------------------- */

static void seal(uint8_t *h, char type)
{
    h[tar_fields[TAR_TYPE].start] = (uint8_t)type;
    memcpy(h + tar_fields[TAR_MAGIC].start, tar_magic_posix, sizeof(tar_magic_posix));
    tar_seal(h);
}

/* A text that is too long for its field has a record of its own, and is cut here. */
static void put_text(uint8_t *h, enum tar_place p, const char *text)
{
    size_t len = strlen(text);

    memcpy(h + tar_fields[p].start, text, len < tar_fields[p].len ? len : tar_fields[p].len);
}

static int write_pax(struct writer *w, struct err *e)
{
    uint8_t h[TAR_BLOCK] = {0};
    int rc;

    if (w->pax.len == 0)
        return 0;
    put_text(h, TAR_NAME, "././@PaxHeader");
    tar_put(h, TAR_MODE, 0644);
    tar_put(h, TAR_UID, 0);
    tar_put(h, TAR_GID, 0);
    tar_put(h, TAR_SIZE, (int64_t)w->pax.len);
    tar_put(h, TAR_MTIME, 0);
    tar_put(h, TAR_MAJOR, 0);
    tar_put(h, TAR_MINOR, 0);
    seal(h, 'x');
    if ((rc = image_put(&w->out, h, sizeof(h), e)) < 0 ||
        (rc = image_put(&w->out, w->pax.data, w->pax.len, e)) < 0)
        return rc;
    return image_align(&w->out, TAR_BLOCK, e);
}

static int write_header(struct writer *w, const struct entry *n, struct err *e)
{
    const struct tree_inode *inode = n->inode;
    bool device = inode->type == TREE_CHAR || inode->type == TREE_BLOCK;
    uint8_t h[TAR_BLOCK] = {0};
    int rc;

    if (device && !(fits(inode->major, TAR_MAJOR) && fits(inode->minor, TAR_MINOR)))
        return err_set(e, ERR_INPUT,
                       "cannot put '%s' into a tar: its device number %" PRIu32 ":%" PRIu32
                       " is too large, a tar has up to 2097151",
                       n->path, inode->major, inode->minor);
    buf_cut(&w->pax, 0);
    if ((rc = pax_records(&w->pax, n, e)) < 0 || (rc = write_pax(w, e)) < 0)
        return rc;
    if (n->sparse)
        (void)snprintf((char *)h + tar_fields[TAR_NAME].start, tar_fields[TAR_NAME].len,
                       "GNUSparseFile.0/%.80s", path_base(n->path));
    else
        put_text(h, TAR_NAME, n->path);
    put_text(h, TAR_LINK, n->link);
    /* What does not fit is 0 here: it has a record of its own. */
    tar_put(h, TAR_MODE, inode->mode & 07777);
    tar_put(h, TAR_UID, inode->uid);
    tar_put(h, TAR_GID, inode->gid);
    tar_put(h, TAR_SIZE, (int64_t)n->size);
    tar_put(h, TAR_MTIME, inode->mtime);
    tar_put(h, TAR_MAJOR, device ? inode->major : 0);
    tar_put(h, TAR_MINOR, device ? inode->minor : 0);
    seal(h, n->type);
    return image_put(&w->out, h, sizeof(h), e);
}

/* ---- entries ---------------------------------------------------------------- */

/* A part of the file. */
static int write_part(struct writer *w, const struct entry *n, uint64_t offset, uint64_t end,
                      struct err *e)
{
    int rc = image_content(&w->out, &n->inode->content, offset, end, e);
    return rc < 0 ? err_wrap(e, "cannot write '%s'", n->path) : 0;
}

static int write_content(struct writer *w, const struct entry *n, struct err *e)
{
    int rc;

    if (!n->sparse && (rc = write_part(w, n, 0, n->length, e)) < 0)
        return rc;
    if (n->sparse && (rc = image_put(&w->out, w->map_text.data, w->map_text.len, e)) < 0)
        return rc;
    for (size_t i = 0; n->sparse && i < w->map.count; i++) {
        const struct sparse_piece *p = &w->map.pieces[i];
        if ((rc = write_part(w, n, p->offset, p->offset + p->len, e)) < 0)
            return rc;
    }
    return image_align(&w->out, TAR_BLOCK, e);
}

/* ---- sparse files ----------------------------------------------------------- */

static int add_piece(struct sparse_map *m, uint64_t offset, uint64_t len, struct err *e)
{
    struct sparse_piece *last = m->count > 0 ? &m->pieces[m->count - 1] : NULL;

    m->stored += len;
    if (last != NULL && last->offset + last->len == offset) {
        last->len += len;
        return 0;
    }
    int rc = array_grow(&m->pieces, &m->cap, m->count + 1, sizeof(*m->pieces), e);
    if (rc < 0)
        return rc;
    m->pieces[m->count++] = (struct sparse_piece){.offset = offset, .len = len};
    return 0;
}

/* What is left out is a multiple of this: a page, in large files more, so that maps stay small. */
static uint64_t sparse_unit(uint64_t length)
{
    uint64_t unit = PAGE;

    while (length > unit * UNITS_MAX)
        unit *= 2; /* a file has at most 2^63 bytes: no overflow */
    return unit;
}

/* Finds the units that are not all zeros; the last may be shorter. */
static int map_units(struct writer *w, const struct entry *n, struct err *e)
{
    static const uint8_t zeros[PAGE];
    uint64_t unit = sparse_unit(n->length);
    uint64_t mapped = 0; /* everything before is in the map, or left out */

    w->map.count = 0;
    w->map.stored = 0;
    for (uint64_t offset = 0; offset < n->length;) {
        offset = tree_reader_next_data(w->out.reader, &n->inode->content, offset) / PAGE * PAGE;
        uint64_t left = n->length - offset;
        size_t len = left < IMAGE_CHUNK ? (size_t)left : IMAGE_CHUNK;

        if (tree_reader_read(w->out.reader, &n->inode->content, offset, w->out.chunk, len, e) < 0)
            return err_wrap(e, "cannot write '%s'", n->path);
        for (size_t at = 0; at < len; at += PAGE) {
            size_t page = len - at < PAGE ? len - at : PAGE;
            uint64_t start = (offset + at) / unit * unit;
            if (start < mapped || memcmp(w->out.chunk + at, zeros, page) == 0)
                continue;
            mapped = n->length - start < unit ? n->length : start + unit;
            int rc = add_piece(&w->map, start, mapped - start, e);
            if (rc < 0)
                return rc;
        }
        offset += len;
    }
    return 0;
}

/* The map as it stands before the pieces, whole blocks: lines of decimal numbers. */
static int format_map(struct writer *w, const struct entry *n, struct err *e)
{
    static const uint8_t zeros[TAR_BLOCK];
    const struct sparse_map *m = &w->map;
    uint64_t end = m->count > 0 ? m->pieces[m->count - 1].offset + m->pieces[m->count - 1].len : 0;
    bool open_end = end < n->length; /* a piece of nothing says where the file ends */

    buf_cut(&w->map_text, 0);
    int rc = buf_addf(&w->map_text, e, "%zu\n", m->count + open_end);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < m->count; i++) {
        if ((rc = buf_addf(&w->map_text, e, "%" PRIu64 "\n%" PRIu64 "\n", m->pieces[i].offset,
                           m->pieces[i].len)) < 0)
            return rc;
    }
    if (open_end && (rc = buf_addf(&w->map_text, e, "%" PRIu64 "\n0\n", n->length)) < 0)
        return rc;
    return buf_add(&w->map_text, zeros, (size_t)tar_padding(w->map_text.len), e);
}

/* A file with a unit of zeros becomes a sparse one, when that is asked for. */
static int make_sparse(struct writer *w, struct entry *n, struct err *e)
{
    if (!w->options->sparse || n->length == 0)
        return 0;
    int rc = map_units(w, n, e);
    if (rc < 0)
        return rc;
    n->sparse = w->map.stored < n->length;
    if (!n->sparse)
        return 0;
    if ((rc = format_map(w, n, e)) < 0)
        return rc;
    n->size = w->map_text.len + w->map.stored;
    return 0;
}

/* ---- nodes ------------------------------------------------------------------ */

static int check_node(const struct writer *w, const struct view_node *node, const char *path,
                      struct err *e)
{
    if (node->node->inode->type == TREE_SOCKET)
        return err_set(e, ERR_INPUT, "cannot put '%s' into a tar: it is a socket; exclude it",
                       path);
    if (w->options->layer && str_starts(node->node->name, ".wh."))
        return err_set(e, ERR_INPUT,
                       "cannot put '%s' into an image's layer: the name means a whiteout there",
                       path);
    return 0;
}

static int write_node(struct writer *w, size_t i, struct err *e)
{
    static const char types[] = {
        [TREE_DIR] = '5',   [TREE_FILE] = '0', [TREE_SYMLINK] = '2', [TREE_CHAR] = '3',
        [TREE_BLOCK] = '4', [TREE_FIFO] = '6', [TREE_SOCKET] = '?'};
    const struct tree_inode *inode = view_inode(w->v, i);
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *slashed = NULL;
    AUTO_FREE char *first = NULL;
    struct entry n = {.inode = inode, .type = types[inode->type], .link = ""};
    int rc;

    if ((rc = view_path(w->v, i, &path, e)) < 0 ||
        (rc = check_node(w, &w->v->nodes[i], path, e)) < 0)
        return rc;
    n.path = path;
    if (inode->type == TREE_DIR) {
        if ((rc = str_format(&slashed, e, "%s/", i == 0 ? "." : path)) < 0)
            return rc;
        n.path = slashed;
    } else if (!view_is_first(w->v, i)) {
        if ((rc = view_path(w->v, w->v->inodes[w->v->nodes[i].inode].first, &first, e)) < 0)
            return rc;
        n.type = '1';
        n.link = first;
    } else if (inode->type == TREE_SYMLINK) {
        n.link = inode->target;
    } else if (inode->type == TREE_FILE) {
        n.size = n.length = inode->content.size;
        if ((rc = make_sparse(w, &n, e)) < 0)
            return rc;
    }
    if ((rc = write_header(w, &n, e)) < 0)
        return rc;
    return n.size == 0 ? 0 : write_content(w, &n, e);
}

static int write_all(struct writer *w, struct err *e)
{
    static const uint8_t end[2 * TAR_BLOCK];

    for (size_t i = view_root_is_plain(w->v) ? 1 : 0; i < w->v->node_count; i++) {
        int rc = write_node(w, i, e);
        if (rc < 0)
            return rc;
        if (i % 256 == 0)
            progress_show(w->options->progress, "tar", i, w->v->node_count);
    }
    return image_put(&w->out, end, sizeof(end), e);
}

int tar_write(const struct tar_options *options, const struct view *v, struct sink out,
              struct err *e)
{
    struct writer w = {
        .options = options, .v = v, .pax = BUF_INIT(PAX_MAX), .map_text = BUF_INIT(MAP_MAX)};
    int rc = image_writer_open(&w.out, options->tree, options->cas, out, e);

    if (rc == 0)
        rc = write_all(&w, e);
    image_writer_dispose(&w.out);
    free(w.map.pieces);
    buf_dispose(&w.map_text);
    buf_dispose(&w.pax);
    return rc;
}
