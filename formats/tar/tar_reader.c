/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tar/tar_reader.h"

#include "formats/tar/tar_header.h"
#include "formats/tar/tar_internal.h"
#include "formats/tree/tree_internal.h"

#include <inttypes.h>
#include <string.h>

enum { BUFFER = 256 * 1024, EXTENSIONS_MAX = 8 };

enum dialect { DIALECT_V7, DIALECT_USTAR, DIALECT_GNU };

struct tar_reader {
    struct source from;
    uint64_t at;        /* of buffer[start] in the stream */
    uint64_t header_at; /* of the current entry's first block */
    uint64_t content;   /* left of the current entry's */
    uint64_t padding;   /* after it */
    size_t start;
    size_t end;
    bool source_ended;
    bool finished;
    struct tar_entry entry;
    struct tar_pax pax;
    char *long_name; /* GNU 'L' */
    char *long_link; /* GNU 'K' */
    bool take_sparse;
    bool like_dpkg;
    bool open_end;      /* nothing need mark the end */
    uint64_t holes;     /* of all sparse files so far */
    struct tar_map map; /* of the current entry */
    uint8_t buffer[BUFFER];
};

int tar_reader_new(const struct source *from, struct tar_reader **out, struct err *e)
{
    struct tar_reader *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    r->from = *from;
    *out = r;
    return 0;
}

void tar_reader_take_sparse(struct tar_reader *r)
{
    r->take_sparse = true;
}

void tar_reader_like_dpkg(struct tar_reader *r)
{
    r->like_dpkg = true;
}

void tar_reader_open_end(struct tar_reader *r)
{
    r->open_end = true;
}

static void entry_clear(struct tar_reader *r)
{
    tar_map_dispose(&r->map);
    free(r->entry.path);
    free(r->entry.link);
    tree_xattrs_free(r->entry.xattrs, r->entry.xattr_count);
    r->entry = (struct tar_entry){0};
    tar_pax_dispose(&r->pax);
    free(steal_ptr(&r->long_name));
    free(steal_ptr(&r->long_link));
}

void tar_reader_free(struct tar_reader *r)
{
    if (r == NULL)
        return;
    entry_clear(r);
    free(r);
}

/* ---- the stream ---- */

static int fill(struct tar_reader *r, struct err *e)
{
    if (r->start < r->end || r->source_ended)
        return 0;
    size_t got = 0;
    int rc = source_fill(&r->from, r->buffer, BUFFER, &got, e);
    if (rc < 0)
        return rc;
    r->start = 0;
    r->end = got;
    r->source_ended = got < BUFFER;
    return 0;
}

static void consume(struct tar_reader *r, size_t len)
{
    r->start += len;
    r->at += len;
}

static int cut_short(struct err *e)
{
    return err_set(e, ERR_INPUT, "the archive is cut short");
}

/* Blocks never straddle the buffer's end: its size is a multiple of theirs, and all is read in
 * order. */
static int take_block(struct tar_reader *r, const uint8_t **block, bool *got, struct err *e)
{
    int rc = fill(r, e);
    if (rc < 0)
        return rc;
    size_t have = r->end - r->start;
    *got = have > 0;
    if (have == 0)
        return 0;
    if (have < TAR_BLOCK)
        return cut_short(e);
    *block = r->buffer + r->start;
    consume(r, TAR_BLOCK);
    return 0;
}

static int skip(struct tar_reader *r, uint64_t len, struct err *e)
{
    while (len > 0) {
        int rc = fill(r, e);
        if (rc < 0)
            return rc;
        size_t have = r->end - r->start;
        if (have == 0)
            return cut_short(e);
        size_t part = len < have ? (size_t)len : have;
        consume(r, part);
        len -= part;
    }
    return 0;
}

/* The zeros that fill up a file's last block, which an open end may lack. */
static int skip_behind_content(struct tar_reader *r, struct err *e)
{
    int rc = fill(r, e);
    if (rc < 0)
        return rc;
    size_t have = r->end - r->start;
    if (r->open_end && r->source_ended && have < r->padding) {
        consume(r, have);
        return 0;
    }
    return skip(r, r->padding, e);
}

/* A small body (names, pax records) in one piece; caller frees. */
static int take_body(struct tar_reader *r, uint64_t size, uint64_t max, uint8_t **out,
                     struct err *e)
{
    if (size > max)
        return err_set(e, ERR_INPUT, "an extended header has more than %" PRIu64 " bytes", max);
    AUTO_FREE uint8_t *body = array_new((size_t)size + 1, 1);
    if (body == NULL)
        return err_oom(e);
    size_t have = 0;
    while (have < size) {
        int rc = fill(r, e);
        if (rc < 0)
            return rc;
        size_t part = r->end - r->start;
        if (part == 0)
            return cut_short(e);
        if (part > size - have)
            part = (size_t)size - have;
        memcpy(body + have, r->buffer + r->start, part);
        consume(r, part);
        have += part;
    }
    int rc = skip(r, tar_padding(size), e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&body);
    return 0;
}

/* ---- fields ---- */

static int parse_signed(const uint8_t *block, enum tar_place p, const char *what, int64_t *out,
                        struct err *e)
{
    return tar_number(block, p, out)
               ? 0
               : err_set(e, ERR_INPUT, "the %s field is not a number that is supported", what);
}

static int parse_unsigned(const uint8_t *block, enum tar_place p, const char *what, uint64_t max,
                          uint64_t *out, struct err *e)
{
    int64_t v = 0;
    int rc = parse_signed(block, p, what, &v, e);
    if (rc < 0)
        return rc;
    if (v < 0 || (uint64_t)v > max)
        return err_set(e, ERR_INPUT, "the %s field is out of range", what);
    *out = (uint64_t)v;
    return 0;
}

static int check_sum(const uint8_t *block, struct err *e)
{
    uint64_t stated;
    if (!tar_octal(tar_at(block, TAR_CHECKSUM), tar_fields[TAR_CHECKSUM].len, &stated) ||
        stated != tar_sum(block))
        return err_set(e, ERR_INPUT, "a header's checksum is wrong: damaged, or not a tar archive");
    return 0;
}

static int find_dialect(const uint8_t *block, enum dialect *out, struct err *e)
{
    static const uint8_t none[8] = {0};
    const uint8_t *magic = tar_at(block, TAR_MAGIC);
    if (memcmp(magic, tar_magic_posix, sizeof(tar_magic_posix)) == 0) {
        if (memcmp(tar_at(block, TAR_STAR_MAGIC), "tar", 4) == 0)
            return err_set(e, ERR_INPUT, "star's own format is not supported");
        *out = DIALECT_USTAR;
    } else if (memcmp(magic, tar_magic_gnu, sizeof(tar_magic_gnu)) == 0) {
        *out = DIALECT_GNU;
    } else if (memcmp(magic, none, 8) == 0) {
        *out = DIALECT_V7;
    } else {
        return err_set(e, ERR_INPUT, "a header of an unknown tar format");
    }
    return 0;
}

/* ---- paths ---- */

/* Absolute names are names from the root, as all others. */
static int clean_from_root(char *path, struct err *e)
{
    size_t slashes = strspn(path, "/");
    memmove(path, path + slashes, strlen(path + slashes) + 1);
    return tar_path_clean(path, e);
}

static int copy_field(const uint8_t *block, enum tar_place p, char **out, struct err *e)
{
    *out = strndup((const char *)tar_at(block, p), tar_fields[p].len);
    return *out != NULL ? 0 : err_oom(e);
}

static int raw_name(struct tar_reader *r, const uint8_t *block, enum dialect dialect, char **out,
                    struct err *e)
{
    if (r->pax.path != NULL && r->long_name != NULL)
        return err_set(e, ERR_INPUT, "an entry has both a pax path and a GNU long name");
    if (r->pax.sparse.name != NULL) {
        *out = steal_ptr(&r->pax.sparse.name);
        return 0;
    }
    if (r->pax.path != NULL || r->long_name != NULL) {
        *out = r->pax.path != NULL ? steal_ptr(&r->pax.path) : steal_ptr(&r->long_name);
        return 0;
    }
    const char *prefix = (const char *)tar_at(block, TAR_PREFIX);
    if (dialect != DIALECT_USTAR || *prefix == 0)
        return copy_field(block, TAR_NAME, out, e);
    return str_format(out, e, "%.*s/%.*s", tar_fields[TAR_PREFIX].len, prefix,
                      tar_fields[TAR_NAME].len, (const char *)tar_at(block, TAR_NAME));
}

static int raw_link(struct tar_reader *r, const uint8_t *block, char **out, struct err *e)
{
    if (r->pax.linkpath != NULL && r->long_link != NULL)
        return err_set(e, ERR_INPUT, "an entry has both a pax linkpath and a GNU long link");
    if (r->pax.linkpath != NULL || r->long_link != NULL) {
        *out = r->pax.linkpath != NULL ? steal_ptr(&r->pax.linkpath) : steal_ptr(&r->long_link);
        return 0;
    }
    return copy_field(block, TAR_LINK, out, e);
}

/* ---- entries ---- */

static int set_type(struct tar_reader *r, uint8_t flag, bool slash, enum dialect dialect,
                    struct err *e)
{
    struct tar_entry *n = &r->entry;
    static const char flags[] = "01234567";
    static const enum tree_type types[] = {TREE_FILE,  TREE_FILE, TREE_SYMLINK, TREE_CHAR,
                                           TREE_BLOCK, TREE_DIR,  TREE_FIFO,    TREE_FILE};
    n->sparse = flag == 'S' && dialect == DIALECT_GNU;
    flag = n->sparse ? '0' : flag;
    const char *at = flag != 0 ? strchr(flags, flag) : flags;
    if (at == NULL)
        return err_set(e, ERR_INPUT, "an entry of the unknown type '%c'", flag);
    n->type = types[at - flags];
    n->hard_link = flag == '1';
    /* V7 knew directories only by their slash, and had no type but NUL. */
    if (slash && (flag == 0 || (flag == '0' && r->like_dpkg && !n->sparse)))
        n->type = TREE_DIR;
    return 0;
}

static int set_numbers(struct tar_reader *r, const uint8_t *block, struct err *e)
{
    struct tar_entry *n = &r->entry;
    const struct tar_pax *pax = &r->pax;
    uint64_t mode = 0;
    uint64_t uid = pax->uid;
    uint64_t gid = pax->gid;
    uint64_t major = 0;
    uint64_t minor = 0;
    n->size = pax->size;
    n->mtime = pax->mtime;
    /* Old writers put the file's type above the permission bits. */
    int rc = parse_unsigned(block, TAR_MODE, "mode", 0177777, &mode, e);
    if (rc == 0 && !pax->has_uid)
        rc = parse_unsigned(block, TAR_UID, "uid", UINT32_MAX, &uid, e);
    if (rc == 0 && !pax->has_gid)
        rc = parse_unsigned(block, TAR_GID, "gid", UINT32_MAX, &gid, e);
    if (rc == 0 && !pax->has_size)
        rc = parse_unsigned(block, TAR_SIZE, "size", INT64_MAX, &n->size, e);
    if (rc == 0 && !pax->has_mtime)
        rc = parse_signed(block, TAR_MTIME, "mtime", &n->mtime, e);
    if (rc == 0 && (n->type == TREE_CHAR || n->type == TREE_BLOCK)) {
        rc = parse_unsigned(block, TAR_MAJOR, "major number", UINT32_MAX, &major, e);
        if (rc == 0)
            rc = parse_unsigned(block, TAR_MINOR, "minor number", UINT32_MAX, &minor, e);
    }
    n->mode = (uint16_t)(mode & 07777);
    n->uid = (uint32_t)uid;
    n->gid = (uint32_t)gid;
    n->major = (uint32_t)major;
    n->minor = (uint32_t)minor;
    if (n->type != TREE_FILE || n->hard_link)
        n->size = 0; /* whatever it says: nothing is stored */
    return rc;
}

static int set_link(struct tar_reader *r, const uint8_t *block, struct err *e)
{
    struct tar_entry *n = &r->entry;
    if (!n->hard_link && n->type != TREE_SYMLINK)
        return 0;
    int rc = raw_link(r, block, &n->link, e);
    if (rc < 0)
        return rc;
    size_t len = strlen(n->link);
    if (len == 0 || (!n->hard_link && len > TREE_PATH_MAX))
        return err_set(e, ERR_INPUT, "a link without a target, or with one that is too long");
    if (!n->hard_link)
        return 0;
    rc = clean_from_root(n->link, e);
    if (rc == 0 && n->link[0] == 0)
        rc = err_set(e, ERR_INPUT, "a hard link to the root");
    return rc;
}

/* ---- sparse files ---- */

/* GNU's old format: pieces in the header, and in blocks behind it, which no size counts. */
static int take_old_map(struct tar_reader *r, const uint8_t *header, struct err *e)
{
    bool more = *tar_at(header, TAR_GNU_MORE) != 0;
    int rc = tar_map_add_fields(&r->map, tar_at(header, TAR_GNU_SPARSE), TAR_SPARSE_PIECES, e);
    while (rc == 0 && more) {
        const uint8_t *block = NULL;
        bool got = false;
        rc = take_block(r, &block, &got, e);
        if (rc == 0 && !got)
            rc = cut_short(e);
        if (rc < 0)
            return rc;
        rc = tar_map_add_fields(&r->map, block, TAR_SPARSE_MORE_PIECES, e);
        more = block[TAR_SPARSE_MORE_PIECES * TAR_PIECE] != 0;
    }
    return rc;
}

/* Pax format 1.0: the map is the first blocks of what is stored. */
static int take_inner_map(struct tar_reader *r, uint64_t *stored, struct err *e)
{
    struct tar_map_text text = {0};
    bool done = false;
    int rc = 0;
    while (rc == 0 && !done) {
        const uint8_t *block = NULL;
        bool got = false;
        if (*stored < TAR_BLOCK)
            return err_set(e, ERR_INPUT, "the map of a sparse file has no end");
        rc = take_block(r, &block, &got, e);
        if (rc == 0 && !got)
            rc = cut_short(e);
        if (rc == 0)
            rc = tar_map_add_block(&r->map, &text, block, &done, e);
        *stored -= TAR_BLOCK;
    }
    return rc;
}

/* In: size is what is stored. Out: it is the file's, and *stored without the map. */
static int set_sparse(struct tar_reader *r, const uint8_t *header, uint64_t *stored, struct err *e)
{
    struct tar_entry *n = &r->entry;
    struct tar_pax_sparse *s = &r->pax.sparse;
    uint64_t size = s->size;
    bool inside = false;
    int rc = 0;
    if (s->seen != 0 && (n->sparse || n->type != TREE_FILE || n->hard_link))
        return err_set(e, ERR_INPUT, "a sparse file's keys before another kind of entry");
    if (s->seen == 0 && !n->sparse)
        return 0;
    if (!r->take_sparse)
        return err_set(e, ERR_INPUT,
                       "a sparse file: not supported here, make the archive without --sparse");
    if (n->sparse)
        rc = parse_unsigned(header, TAR_GNU_REAL_SIZE, "real size", INT64_MAX, &size, e);
    else
        rc = tar_pax_check_sparse(s, &inside, e);
    if (rc == 0 && n->sparse)
        rc = take_old_map(r, header, e);
    else if (rc == 0 && inside)
        rc = take_inner_map(r, stored, e);
    else if (rc == 0) {
        r->map = s->map;
        s->map = (struct tar_map){0};
    }
    if (rc == 0)
        rc = tar_map_close(&r->map, size, *stored, e);
    if (rc < 0)
        return rc;
    n->sparse = true;
    n->size = size;
    r->holes += size - *stored;
    if (size - *stored > TAR_HOLES_MAX || r->holes > TAR_HOLES_MAX)
        return err_set(e, ERR_INPUT, "the holes of the sparse files have more than %llu GiB",
                       (unsigned long long)(TAR_HOLES_MAX >> 30));
    return 0;
}

static int set_entry(struct tar_reader *r, const uint8_t *block, enum dialect dialect,
                     struct err *e)
{
    struct tar_entry *n = &r->entry;
    int rc = raw_name(r, block, dialect, &n->path, e);
    if (rc < 0)
        return rc;
    size_t len = strlen(n->path);
    if (len == 0)
        return err_set(e, ERR_INPUT, "an entry without a name");
    bool slash = n->path[len - 1] == '/';
    rc = clean_from_root(n->path, e);
    if (rc == 0)
        rc = set_type(r, *tar_at(block, TAR_TYPE), slash, dialect, e);
    if (rc == 0 && n->path[0] == 0 && n->type != TREE_DIR)
        rc = err_set(e, ERR_INPUT, "the root is not a directory");
    if (rc == 0)
        rc = set_numbers(r, block, e);
    if (rc == 0)
        rc = set_link(r, block, e);
    if (rc < 0)
        return rc;
    n->xattrs = steal_ptr(&r->pax.xattrs.xattrs);
    n->xattr_count = r->pax.xattrs.xattr_count;
    r->pax.xattrs.xattr_count = 0;
    uint64_t stored = n->size;
    uint8_t header[TAR_BLOCK]; /* what is read next may take its place */
    memcpy(header, block, TAR_BLOCK);
    rc = set_sparse(r, header, &stored, e);
    n->offset = r->at;
    r->content = stored;
    r->padding = tar_padding(stored);
    return rc;
}

/* ---- headers that speak of the next one ---- */

static int take_long(struct tar_reader *r, uint64_t size, char **out, struct err *e)
{
    if (*out != NULL)
        return err_set(e, ERR_INPUT, "two GNU long names for one entry");
    uint8_t *body = NULL;
    int rc = take_body(r, size, 2 * TREE_PATH_MAX, &body, e);
    if (rc < 0 || body == NULL)
        return rc;
    *out = (char *)body; /* take_body terminates it */
    for (size_t i = strlen(*out); i < size; i++)
        if (body[i] != 0)
            return err_set(e, ERR_INPUT, "a GNU long name has bytes after its end");
    return (*out)[0] != 0 ? 0 : err_set(e, ERR_INPUT, "a GNU long name is empty");
}

static int take_pax(struct tar_reader *r, uint64_t size, bool global, struct err *e)
{
    if (!global && r->pax.present)
        return err_set(e, ERR_INPUT, "two pax headers for one entry");
    AUTO_FREE uint8_t *body = NULL;
    struct tar_pax discard = {0};
    int rc = take_body(r, size, TAR_PAX_BYTES_MAX, &body, e);
    if (rc == 0)
        rc = tar_pax_parse(body, (size_t)size, global, global ? &discard : &r->pax, e);
    tar_pax_dispose(&discard);
    return rc;
}

/* *done is false when this was no extension but an entry's own header. */
static int take_extension(struct tar_reader *r, const uint8_t *block, bool *done, struct err *e)
{
    uint8_t flag = *tar_at(block, TAR_TYPE);
    *done = flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K';
    if (!*done)
        return 0;
    uint64_t size = 0;
    int rc = parse_unsigned(block, TAR_SIZE, "size", INT64_MAX, &size, e);
    if (rc < 0)
        return rc;
    switch (flag) {
    case 'L':
        return take_long(r, size, &r->long_name, e);
    case 'K':
        return take_long(r, size, &r->long_link, e);
    default:
        return take_pax(r, size, flag == 'g', e);
    }
}

/* ---- the end ---- */

static bool is_zero(const uint8_t *p, size_t len)
{
    return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Whatever follows; zeros alone unless it may be `anything`. */
static int drain(struct tar_reader *r, bool anything, struct err *e)
{
    for (;;) {
        int rc = fill(r, e);
        if (rc < 0)
            return rc;
        size_t have = r->end - r->start;
        if (have == 0)
            return 0;
        if (!anything && !is_zero(r->buffer + r->start, have))
            return err_set(e, ERR_INPUT, "other bytes follow the end of the archive");
        consume(r, have);
    }
}

/* After one zero block: one more, then only zeros. A zero block alone is an empty archive, and the
 * end of any that is open; dpkg looks at nothing behind it. */
static int take_end(struct tar_reader *r, struct err *e)
{
    const uint8_t *block = NULL;
    bool got = true;
    int rc = r->like_dpkg ? 0 : take_block(r, &block, &got, e);
    if (rc < 0)
        return rc;
    if (!got && r->header_at != 0 && !r->open_end)
        return cut_short(e);
    if (block != NULL && !tar_is_zero(block))
        return err_set(e, ERR_INPUT, "a lone zero block in the middle");
    rc = drain(r, r->like_dpkg, e);
    r->finished = rc == 0;
    return rc;
}

static bool awaits_entry(const struct tar_reader *r)
{
    return r->pax.present || r->long_name != NULL || r->long_link != NULL;
}

static int next_header(struct tar_reader *r, struct tar_entry **entry, struct err *e)
{
    for (int extensions = 0;; extensions++) {
        const uint8_t *block = NULL;
        bool got;
        r->header_at = r->at;
        int rc = take_block(r, &block, &got, e);
        if (rc < 0)
            return rc;
        /* An empty file is an empty archive. */
        bool may_end = r->at == 0 || ((r->like_dpkg || r->open_end) && !awaits_entry(r));
        if (!got && may_end) {
            r->finished = true;
            *entry = NULL;
            return 0;
        }
        if (!got)
            return err_set(e, ERR_INPUT, "the archive is cut short: its end mark is missing");
        if (tar_is_zero(block)) {
            if (awaits_entry(r))
                return err_set(e, ERR_INPUT, "an extended header without its entry");
            *entry = NULL;
            return take_end(r, e);
        }
        enum dialect dialect = DIALECT_V7;
        bool extension = false;
        rc = check_sum(block, e);
        if (rc == 0)
            rc = find_dialect(block, &dialect, e);
        if (rc == 0)
            rc = take_extension(r, block, &extension, e);
        if (rc < 0)
            return rc;
        if (!extension) {
            *entry = &r->entry;
            return set_entry(r, block, dialect, e);
        }
        if (extensions == EXTENSIONS_MAX)
            return err_set(e, ERR_INPUT, "too many extended headers for one entry");
    }
}

int tar_reader_next(struct tar_reader *r, struct tar_entry **entry, struct err *e)
{
    *entry = NULL;
    if (r->finished)
        return 0;
    int rc = skip(r, r->content, e);
    if (rc == 0)
        rc = skip_behind_content(r, e);
    r->content = 0;
    r->padding = 0;
    entry_clear(r);
    if (rc == 0)
        rc = next_header(r, entry, e);
    if (rc < 0) {
        *entry = NULL;
        return err_wrap(e, "cannot read tar at byte %" PRIu64, r->header_at);
    }
    return 0;
}

/* A piece of a hole; none where there is data, or nothing more. */
static size_t take_zeros(struct tar_reader *r, const uint8_t **data, uint64_t *run)
{
    static const uint8_t zeros[64 * 1024];
    bool stored = false;
    *run = tar_map_run(&r->map, &stored);
    if (stored || *run == 0)
        return 0;
    size_t len = *run < sizeof(zeros) ? (size_t)*run : sizeof(zeros);
    tar_map_take(&r->map, len);
    *data = zeros;
    return len;
}

int tar_reader_data(struct tar_reader *r, const uint8_t **data, size_t *len, struct err *e)
{
    uint64_t run = r->content;
    *len = r->entry.sparse ? take_zeros(r, data, &run) : 0;
    if (*len > 0 || r->content == 0)
        return 0;
    int rc = fill(r, e);
    size_t have = r->end - r->start;
    if (rc == 0 && have == 0)
        rc = cut_short(e);
    if (rc < 0)
        return err_wrap(e, "cannot read tar at byte %" PRIu64, r->header_at);
    *len = run < have ? (size_t)run : have;
    *data = r->buffer + r->start;
    consume(r, *len);
    if (r->entry.sparse)
        tar_map_take(&r->map, *len);
    r->content -= *len;
    return 0;
}

int tar_reader_all(struct tar_reader *r, struct buf *out, struct err *e)
{
    for (;;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        int rc = tar_reader_data(r, &data, &len, e);
        if (rc < 0 || len == 0 || (rc = buf_add(out, data, len, e)) < 0)
            return rc;
    }
}
