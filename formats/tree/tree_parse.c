/* SPDX-License-Identifier: Apache-2.0 */
/* The serialisation and the locations of a tree, read. */
#include "base/encoding.h"
#include "formats/tree/tree_format.h"
#include "formats/tree/tree_internal.h"

#include <string.h>

enum { FIELDS_MAX = 8 + TREE_XATTRS_MAX };

struct field {
    const char *text;
    size_t len;
};

struct line {
    size_t number;
    size_t count;
    struct field fields[FIELDS_MAX];
};

static int bad_line(const struct line *l, struct err *e, const char *what)
{
    return err_set(e, ERR_INPUT, "line %zu: %s", l->number, what);
}

/* Takes one line of space-separated fields; false at the end of the document. */
static int take_line(struct reader *r, struct line *l, bool *got, struct err *e)
{
    *got = reader_left(r) > 0;
    if (!*got)
        return 0;
    l->number++;
    const uint8_t *end = memchr(r->p, '\n', reader_left(r));
    if (end == NULL)
        return bad_line(l, e, "it is cut short");
    const char *p = (const char *)r->p;
    const char *stop = (const char *)end;
    r->p = end + 1;
    l->count = 0;
    for (;;) {
        const char *space = memchr(p, ' ', (size_t)(stop - p));
        const char *field_end = space != NULL ? space : stop;
        if (l->count == FIELDS_MAX)
            return bad_line(l, e, "too many fields");
        l->fields[l->count++] = (struct field){.text = p, .len = (size_t)(field_end - p)};
        if (space == NULL)
            return 0;
        p = space + 1;
    }
}

static bool parse_number(struct field f, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < f.len; i++) {
        unsigned digit = (unsigned)(unsigned char)f.text[i] - '0';
        if (digit >= base || v > (UINT64_MAX - digit) / base)
            return false;
        v = v * base + digit;
    }
    *out = v;
    return f.len > 0 && v <= max;
}

static bool parse_time(struct field f, int64_t *out)
{
    bool negative = f.len > 0 && f.text[0] == '-';
    struct field digits = {f.text + negative, f.len - negative};
    uint64_t v;
    if (!parse_number(digits, 10, (uint64_t)INT64_MAX + negative, &v))
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static bool parse_hex_digit(char c, unsigned *out)
{
    if (c >= '0' && c <= '9')
        *out = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (unsigned)(c - 'a') + 10;
    else
        return false;
    return true;
}

/* Into `out` of `size` bytes, terminated. A decoded NUL is refused. */
static bool unescape(struct field f, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < f.len; i++) {
        char c = f.text[i];
        if (c == '%') {
            unsigned hi;
            unsigned lo;
            if (f.len - i < 3 || !parse_hex_digit(f.text[i + 1], &hi) ||
                !parse_hex_digit(f.text[i + 2], &lo) || (hi | lo) == 0)
                return false;
            c = (char)(hi << 4 | lo);
            i += 2;
        }
        if (n + 1 >= size || c == 0)
            return false;
        out[n++] = c;
    }
    out[n] = 0;
    return n > 0;
}

/* The directory that `path` lies in and its last name; symlinks do not count as directories. NULL =
 * none. */
static struct tree_node *parent_of(const struct tree *t, char *path, const char **name)
{
    struct tree_node *dir = t->root;
    char *p = path;
    for (char *slash = strchr(p, '/'); slash != NULL; slash = strchr(p, '/')) {
        *slash = 0;
        dir = tree_child(dir, p);
        *slash = '/';
        if (dir == NULL || dir->inode->type != TREE_DIR)
            return NULL;
        p = slash + 1;
    }
    *name = p;
    return dir;
}

/* Children come in order, so a new one goes to the end: which also keeps this linear. */
static int add_entry(struct tree *t, const struct line *l, struct field path_field,
                     struct tree_inode *inode, struct err *e)
{
    char path[TREE_PATH_MAX + 1];
    const char *name;
    if (!unescape(path_field, path, sizeof(path)))
        return bad_line(l, e, "the path is not well formed");
    struct tree_node *dir = parent_of(t, path, &name);
    if (dir == NULL)
        return bad_line(l, e, "its directory does not come before it");
    const struct tree_inode *d = dir->inode;
    if (d->child_count > 0 && strcmp(d->children[d->child_count - 1]->name, name) >= 0)
        return bad_line(l, e, "it is out of order");
    int rc = tree_link(t, dir, name, inode, NULL, e);
    return rc < 0 ? err_wrap(e, "line %zu", l->number) : 0;
}

static int parse_hard_link(struct tree *t, const struct line *l, struct err *e)
{
    char path[TREE_PATH_MAX + 1];
    const char *name;
    if (l->count != 3 || !unescape(l->fields[2], path, sizeof(path)))
        return bad_line(l, e, "a hard link has a path and a target");
    struct tree_node *dir = parent_of(t, path, &name);
    struct tree_node *target = dir != NULL ? tree_child(dir, name) : NULL;
    if (target == NULL || target->inode->type == TREE_DIR)
        return bad_line(l, e, "the hard link's target does not come before it");
    return add_entry(t, l, l->fields[1], target->inode, e);
}

static bool parse_sha256(struct field f, uint8_t *out)
{
    return hex_decode(f.text, f.len, out, DIGEST_SHA256_SIZE);
}

static int parse_xattr(struct tree_inode *inode, const struct line *l, struct field f,
                       struct err *e)
{
    const char *equals = memrchr(f.text, '=', f.len);
    char name[TREE_XATTR_NAME_MAX + 1];
    size_t name_len = equals != NULL ? (size_t)(equals - f.text) : 0;
    if (equals == NULL || !unescape((struct field){f.text, name_len}, name, sizeof(name)))
        return bad_line(l, e, "an extended attribute is not well formed");
    size_t hex_len = f.len - name_len - 1;
    if (hex_len % 2 != 0 || hex_len / 2 > TREE_XATTR_VALUE_MAX)
        return bad_line(l, e, "an extended attribute is not well formed");
    AUTO_FREE uint8_t *value = array_new(hex_len / 2, 1);
    if (value == NULL)
        return err_oom(e);
    if (!hex_decode(equals + 1, hex_len, value, hex_len / 2))
        return bad_line(l, e, "an extended attribute is not well formed");
    int rc = tree_set_xattr(inode, name, value, hex_len / 2, e);
    return rc < 0 ? err_wrap(e, "line %zu", l->number) : 0;
}

/* The fields after the path that a type has. */
static int parse_type_part(struct tree_inode *inode, const struct line *l, size_t *at,
                           struct err *e)
{
    const struct field *f = &l->fields[*at];
    size_t left = l->count - *at;
    uint64_t a;
    uint64_t b;
    switch (inode->type) {
    case TREE_FILE: {
        uint8_t empty[DIGEST_SHA256_SIZE];
        memcpy(empty, inode->content.sha256, sizeof(empty));
        if (left < 2 || !parse_number(f[0], 10, UINT64_MAX, &a) ||
            !parse_sha256(f[1], inode->content.sha256))
            return bad_line(l, e, "a file has a size and a SHA-256");
        if (a == 0 && memcmp(empty, inode->content.sha256, sizeof(empty)) != 0)
            return bad_line(l, e, "an empty file has another digest than no bytes have");
        inode->content.size = a;
        *at += 2;
        return 0;
    }
    case TREE_SYMLINK: {
        char target[TREE_PATH_MAX + 1];
        if (left < 1 || !unescape(f[0], target, sizeof(target)))
            return bad_line(l, e, "a symbolic link has a target");
        *at += 1;
        return str_copy(&inode->target, target, e);
    }
    case TREE_CHAR:
    case TREE_BLOCK:
        if (left < 2 || !parse_number(f[0], 10, UINT32_MAX, &a) ||
            !parse_number(f[1], 10, UINT32_MAX, &b))
            return bad_line(l, e, "a device has a major and a minor number");
        inode->major = (uint32_t)a;
        inode->minor = (uint32_t)b;
        *at += 2;
        return 0;
    case TREE_DIR:
    case TREE_FIFO:
    case TREE_SOCKET:
        break;
    }
    return 0;
}

static int parse_inode(struct tree_inode *inode, const struct line *l, struct err *e)
{
    uint64_t mode;
    uint64_t uid;
    uint64_t gid;
    if (!parse_number(l->fields[1], 8, 07777, &mode) ||
        !parse_number(l->fields[2], 10, UINT32_MAX, &uid) ||
        !parse_number(l->fields[3], 10, UINT32_MAX, &gid) ||
        !parse_time(l->fields[4], &inode->mtime))
        return bad_line(l, e, "the mode, owner or time is not well formed");
    inode->mode = (uint16_t)mode;
    inode->uid = (uint32_t)uid;
    inode->gid = (uint32_t)gid;
    size_t at = 6;
    int rc = parse_type_part(inode, l, &at, e);
    for (; rc == 0 && at < l->count; at++)
        rc = parse_xattr(inode, l, l->fields[at], e);
    return rc;
}

static int parse_entry(struct tree *t, const struct line *l, struct err *e)
{
    static const char letters[] = "dflcbps"; /* as enum tree_type */
    if (l->fields[0].len != 1)
        return bad_line(l, e, "unknown type");
    if (l->fields[0].text[0] == 'h')
        return parse_hard_link(t, l, e);
    const char *letter = strchr(letters, l->fields[0].text[0]);
    if (letter == NULL || *letter == 0)
        return bad_line(l, e, "unknown type");
    if (l->count < 6)
        return bad_line(l, e, "fields are missing");
    enum tree_type type = (enum tree_type)(letter - letters);
    struct field path = l->fields[5];
    if (path.len == 1 && path.text[0] == '.') {
        if (l->number != 2 || type != TREE_DIR)
            return bad_line(l, e, "the root is the first entry and a directory");
        return parse_inode(t->root->inode, l, e);
    }
    if (l->number == 2)
        return bad_line(l, e, "the root is the first entry and a directory");
    struct tree_inode *inode;
    int rc = tree_inode_new(t, type, &inode, e);
    if (rc == 0)
        rc = parse_inode(inode, l, e);
    return rc < 0 ? rc : add_entry(t, l, path, inode, e);
}

/* ---- one form only: what was read is written again and compared ---- */

static int put_compare(void *context, const void *data, size_t len, struct err *e)
{
    struct reader *want = context;
    const uint8_t *bytes;
    if (!reader_take(want, len, &bytes) || memcmp(bytes, data, len) != 0)
        return err_set(e, ERR_INPUT, "it is not in canonical form");
    return 0;
}

static int check_canonical(const struct tree *t, const void *data, size_t len,
                           int (*format)(const struct tree *t, const struct tree_sink *sink,
                                         struct err *e),
                           struct err *e)
{
    struct reader want = {.p = data, .end = (const uint8_t *)data + len};
    struct tree_sink sink = {.context = &want, .put = put_compare};
    int rc = format(t, &sink, e);
    if (rc == 0 && reader_left(&want) > 0)
        rc = err_set(e, ERR_INPUT, "it is not in canonical form");
    return rc;
}

static int take_header(struct reader *r, const char *header, struct err *e)
{
    const uint8_t *got;
    size_t len = strlen(header);
    if (!reader_take(r, len, &got) || memcmp(got, header, len) != 0)
        return err_set(e, ERR_INPUT, "it does not begin with '%.*s'", (int)len - 1, header);
    return 0;
}

int tree_parse(const void *data, size_t len, struct tree **out, struct err *e)
{
    AUTO_TREE struct tree *t = NULL;
    AUTO_FREE struct line *l = array_new(1, sizeof(*l));
    if (l == NULL)
        return err_oom(e);
    struct reader r = {.p = data, .end = (const uint8_t *)data + len};
    int rc = tree_new(&t, e);
    if (rc == 0)
        rc = take_header(&r, "assay-tree 1\n", e);
    l->number = 1;
    bool got = rc == 0;
    while (rc == 0 && got) {
        rc = take_line(&r, l, &got, e);
        if (rc == 0 && got)
            rc = parse_entry(t, l, e);
    }
    if (rc == 0)
        rc = check_canonical(t, data, len, tree_format, e);
    if (rc < 0)
        return err_wrap(e, "cannot read a tree");
    *out = steal_ptr(&t);
    return 0;
}

/* ---- locations ---- */

struct locations {
    struct reader rest;
    struct line *line;
    bool got; /* `line` holds a line that is not used up */
    struct tree *tree;
    struct tree_map done;
};

static int next_line(struct locations *w, struct err *e)
{
    return take_line(&w->rest, w->line, &w->got, e);
}

static bool field_is(struct field f, const char *word)
{
    return f.len == strlen(word) && memcmp(f.text, word, f.len) == 0;
}

static int parse_packs(struct locations *w, struct err *e)
{
    int rc = next_line(w, e);
    while (rc == 0 && w->got && field_is(w->line->fields[0], "pack")) {
        char text[DIGEST_TEXT_MAX];
        struct field f = w->line->fields[1];
        if (w->line->count != 2 || f.len >= sizeof(text))
            return bad_line(w->line, e, "a pack has a digest");
        memcpy(text, f.text, f.len);
        text[f.len] = 0;
        struct digest pack;
        uint32_t index;
        rc = digest_parse(text, &pack, e);
        if (rc == 0)
            rc = tree_add_pack(w->tree, &pack, &index, e);
        if (rc == 0)
            rc = next_line(w, e);
    }
    return rc;
}

static int locate(void *context, const char *path, struct tree_node *node, struct err *e)
{
    struct locations *w = context;
    struct tree_inode *file = node->inode;
    (void)path;
    if (file->type != TREE_FILE || file->content.size == 0)
        return 0;
    if (file->links > 1) {
        if (tree_map_get(&w->done, file) != NULL)
            return 0;
        int rc = tree_map_put(&w->done, file, node, e);
        if (rc < 0)
            return rc;
    }
    uint64_t pack;
    uint64_t offset;
    uint64_t end;
    if (!w->got)
        return err_set(e, ERR_INPUT, "a file's place is missing");
    if (w->line->count != 3 || !field_is(w->line->fields[0], "at") ||
        !parse_number(w->line->fields[1], 10, UINT32_MAX, &pack) ||
        !parse_number(w->line->fields[2], 10, INT64_MAX, &offset) || pack >= w->tree->pack_count ||
        !add_u64(offset, file->content.size, &end))
        return bad_line(w->line, e, "a file's place is not well formed");
    file->content.pack = (uint32_t)pack;
    file->content.offset = offset;
    return next_line(w, e);
}

int tree_parse_locations(struct tree *t, const void *data, size_t len, struct err *e)
{
    AUTO_FREE struct line *l = array_new(1, sizeof(*l));
    if (l == NULL)
        return err_oom(e);
    struct locations w = {.line = l, .tree = t};
    w.rest = (struct reader){.p = data, .end = (const uint8_t *)data + len};
    int rc = take_header(&w.rest, "assay-locations 1\n", e);
    l->number = 1;
    if (rc == 0)
        rc = parse_packs(&w, e);
    if (rc == 0)
        rc = tree_walk(t, locate, &w, e);
    tree_map_dispose(&w.done);
    if (rc == 0)
        rc = check_canonical(t, data, len, tree_format_locations, e);
    return rc < 0 ? err_wrap(e, "cannot read a tree's locations") : 0;
}

/* ---- from the store ---- */

struct mapping {
    const uint8_t *data;
    size_t len;
};
static void mapping_dispose(struct mapping *m)
{
    if (m->data != NULL)
        cas_unmap(m->data, m->len);
}
#define AUTO_MAPPING AUTO(mapping_dispose) struct mapping

/* Every file lies inside its pack, and every pack is there. */
static int check_extents(void *context, const char *path, struct tree_node *node, struct err *e)
{
    const uint64_t *sizes = context;
    const struct tree_content *c = &node->inode->content;
    if (node->inode->type != TREE_FILE || c->size == 0)
        return 0;
    if (c->offset > sizes[c->pack] || c->size > sizes[c->pack] - c->offset)
        return err_set(e, ERR_INPUT, "'%.200s' lies outside of its pack", path);
    return 0;
}

static int check_packs(const struct tree *t, struct cas *cas, struct err *e)
{
    AUTO_FREE uint64_t *sizes = array_new(t->pack_count, sizeof(*sizes));
    if (sizes == NULL)
        return err_oom(e);
    for (uint32_t i = 0; i < t->pack_count; i++) {
        char text[DIGEST_TEXT_MAX];
        if (!cas_has(cas, &t->packs[i], &sizes[i]))
            return err_set(e, ERR_INPUT, "the store has no blob '%s' with file contents",
                           digest_format(&t->packs[i], text));
    }
    return tree_walk(t, check_extents, sizes, e);
}

int tree_load(struct cas *cas, const struct digest *tree_blob, const struct digest *locations_blob,
              struct tree **out, struct err *e)
{
    AUTO_TREE struct tree *t = NULL;
    AUTO_MAPPING text = {0};
    AUTO_MAPPING places = {0};
    int rc = cas_map(cas, tree_blob, &text.data, &text.len, e);
    if (rc == 0)
        rc = tree_parse(text.data, text.len, &t, e);
    if (rc == 0)
        rc = cas_map(cas, locations_blob, &places.data, &places.len, e);
    if (rc == 0)
        rc = tree_parse_locations(t, places.data, places.len, e);
    if (rc == 0)
        rc = check_packs(t, cas, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&t);
    return 0;
}
