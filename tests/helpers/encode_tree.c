/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one encoder on a tree that a text describes, for the tests that compare
 * its output with what other programs read.
 *
 *   encode_tree STORE DESCRIPTION KIND PARAMS JOBS OUT
 *
 * Prints the output's digest; OUT is a file, or for encode.oci a layout
 * directory, or "-" for nothing. Lines of the description are fields separated
 * by blanks; \xHH stands for a byte in names, targets and values:
 *
 *   dir PATH MODE UID GID MTIME         file PATH MODE UID GID MTIME CONTENT
 *   symlink PATH MODE UID GID MTIME TARGET
 *   char|block PATH MODE UID GID MTIME MAJOR MINOR
 *   fifo|socket PATH MODE UID GID MTIME
 *   hard PATH EXISTING                  xattr PATH NAME VALUE
 *   many PATH COUNT                     (COUNT small files in the directory)
 *   CONTENT: text:BYTES  host:FILE  zero:SIZE  random:SEED:SIZE
 *   spots:SIZE:STEP     (zeros, but for a 1 at each multiple of STEP)
 *
 * The parent of every path must have been described; the root is ".".
 */
#include "base/file.h"
#include "builder/steps/step.h"
#include "formats/oci/oci_layout_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum { FIELDS_MAX = 9, CHUNK = 65536 };

struct build {
    struct tree *tree;
    struct tree_packer *packer;
    char *field[FIELDS_MAX];
    size_t fields;
    uint8_t chunk[CHUNK];
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; a NUL that was written as \x00 stays in, so the length is returned. */
static size_t unescape(char *text)
{
    char *to = text;

    for (const char *p = text; *p != '\0';) {
        if (p[0] == '\\' && p[1] == 'x' && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
            *to++ = (char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
            p += 4;
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static int number(const char *text, int base, int64_t *out, struct err *e)
{
    char *end = NULL;

    errno = 0;
    *out = strtoll(text, &end, base);
    if (errno != 0 || end == text || *end != '\0')
        return err_set(e, ERR_USAGE, "'%s' is no number", text);
    return 0;
}

/* ---- contents --------------------------------------------------------------- */

static int add_host(struct build *b, const char *path, struct err *e)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return err_os(e, errno, "cannot open '%s'", path);
    while ((n = read(fd, b->chunk, CHUNK)) > 0) {
        int rc = tree_packer_write(b->packer, b->chunk, (size_t)n, e);
        if (rc < 0)
            return rc;
    }
    return n < 0 ? err_os(e, errno, "cannot read '%s'", path) : 0;
}

/* SIZE:STEP */
static int add_spots(struct build *b, char *text, struct err *e)
{
    char *step_text = strchr(text, ':');
    int64_t size = 0;
    int64_t step = 0;
    int rc = 0;

    if (step_text == NULL)
        return err_set(e, ERR_USAGE, "'%s' is no SIZE:STEP", text);
    *step_text++ = '\0';
    if ((rc = number(text, 10, &size, e)) < 0 || (rc = number(step_text, 10, &step, e)) < 0)
        return rc;
    if (step <= 0)
        return err_set(e, ERR_USAGE, "'%s' is no step", step_text);
    int64_t spot = 0;
    for (int64_t at = 0; rc == 0 && at < size; at += CHUNK) {
        size_t len = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        memset(b->chunk, 0, len);
        for (; spot < at + (int64_t)len; spot += step)
            b->chunk[spot - at] = 1;
        rc = tree_packer_write(b->packer, b->chunk, len, e);
    }
    return rc;
}

/* SEED:SIZE, or with `zero` SIZE. */
static int add_made(struct build *b, char *text, bool zero, struct err *e)
{
    char *size_text = zero ? text : strchr(text, ':');
    int64_t seed = 0;
    int64_t size = 0;
    int rc;

    if (size_text == NULL)
        return err_set(e, ERR_USAGE, "'%s' is no SEED:SIZE", text);
    if (!zero) {
        *size_text++ = '\0';
        if ((rc = number(text, 10, &seed, e)) < 0)
            return rc;
    }
    if ((rc = number(size_text, 10, &size, e)) < 0)
        return rc;
    uint64_t x = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    while (size > 0) {
        size_t len = size < CHUNK ? (size_t)size : CHUNK;
        for (size_t i = 0; i < len; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            b->chunk[i] = zero ? 0 : (uint8_t)(x >> 32);
        }
        if ((rc = tree_packer_write(b->packer, b->chunk, len, e)) < 0)
            return rc;
        size -= (int64_t)len;
    }
    return 0;
}

static int add_content(struct build *b, struct tree_inode *inode, char *text, struct err *e)
{
    int rc = tree_packer_begin(b->packer, e);

    if (rc < 0)
        return rc;
    if (str_starts(text, "text:"))
        rc = tree_packer_write(b->packer, text + 5, unescape(text + 5), e);
    else if (str_starts(text, "host:"))
        rc = add_host(b, text + 5, e);
    else if (str_starts(text, "zero:"))
        rc = add_made(b, text + 5, true, e);
    else if (str_starts(text, "spots:"))
        rc = add_spots(b, text + 6, e);
    else if (str_starts(text, "random:"))
        rc = add_made(b, text + 7, false, e);
    else
        rc = err_set(e, ERR_USAGE, "'%s' is no content", text);
    return rc < 0 ? rc : tree_packer_end(b->packer, inode, e);
}

/* ---- entries ---------------------------------------------------------------- */

static int find(const struct build *b, const char *path, struct tree_node **out, struct err *e)
{
    *out = strcmp(path, ".") == 0 ? tree_root(b->tree) : tree_find(b->tree, path, false);
    return *out == NULL ? err_set(e, ERR_USAGE, "'%s' was not described before", path) : 0;
}

static int name_inode(struct build *b, char *path, struct tree_inode *inode, struct err *e)
{
    char *slash = strrchr(path, '/');
    struct tree_node *dir = tree_root(b->tree);
    struct tree_node *node = NULL;

    if (slash != NULL) {
        *slash = '\0';
        int rc = find(b, path, &dir, e);
        *slash = '/';
        if (rc < 0)
            return rc;
    }
    return tree_link(b->tree, dir, slash == NULL ? path : slash + 1, inode, &node, e);
}

static int set_metadata(struct build *b, struct tree_inode *inode, struct err *e)
{
    int64_t mode = 0;
    int64_t uid = 0;
    int64_t gid = 0;
    int rc;

    if (b->fields < 6)
        return err_set(e, ERR_USAGE, "'%s' lacks fields", b->field[1]);
    if ((rc = number(b->field[2], 8, &mode, e)) < 0 ||
        (rc = number(b->field[3], 10, &uid, e)) < 0 ||
        (rc = number(b->field[4], 10, &gid, e)) < 0 ||
        (rc = number(b->field[5], 10, &inode->mtime, e)) < 0)
        return rc;
    inode->mode = (uint16_t)mode;
    inode->uid = (uint32_t)uid;
    inode->gid = (uint32_t)gid;
    return 0;
}

static int set_device(struct build *b, struct tree_inode *inode, struct err *e)
{
    int64_t major = 0;
    int64_t minor = 0;
    int rc;

    if ((rc = number(b->field[6], 10, &major, e)) < 0 ||
        (rc = number(b->field[7], 10, &minor, e)) < 0)
        return rc;
    inode->major = (uint32_t)major;
    inode->minor = (uint32_t)minor;
    return 0;
}

static int add_entry(struct build *b, enum tree_type type, struct err *e)
{
    static const size_t fields[] = {
        [TREE_DIR] = 6,   [TREE_FILE] = 7, [TREE_SYMLINK] = 7, [TREE_CHAR] = 8,
        [TREE_BLOCK] = 8, [TREE_FIFO] = 6, [TREE_SOCKET] = 6};
    struct tree_inode *inode = NULL;

    if (b->fields != fields[type])
        return err_set(e, ERR_USAGE, "'%s' has %zu fields", b->field[1], b->fields);
    (void)unescape(b->field[1]);
    if (strcmp(b->field[1], ".") == 0)
        return set_metadata(b, tree_root(b->tree)->inode, e);
    int rc = tree_inode_new(b->tree, type, &inode, e);
    if (rc == 0)
        rc = set_metadata(b, inode, e);
    if (rc == 0 && type == TREE_SYMLINK) {
        (void)unescape(b->field[6]);
        rc = str_copy(&inode->target, b->field[6], e);
    }
    if (rc == 0 && (type == TREE_CHAR || type == TREE_BLOCK))
        rc = set_device(b, inode, e);
    if (rc == 0)
        rc = name_inode(b, b->field[1], inode, e);
    return rc == 0 && type == TREE_FILE ? add_content(b, inode, b->field[6], e) : rc;
}

static int add_hard(struct build *b, struct err *e)
{
    struct tree_node *node = NULL;

    (void)unescape(b->field[1]);
    (void)unescape(b->field[2]);
    int rc = find(b, b->field[2], &node, e);
    if (rc < 0)
        return rc;
    return name_inode(b, b->field[1], node->inode, e);
}

static int add_xattr(struct build *b, struct err *e)
{
    struct tree_node *node = NULL;

    (void)unescape(b->field[1]);
    (void)unescape(b->field[2]);
    size_t len = unescape(b->field[3]);
    int rc = find(b, b->field[1], &node, e);
    if (rc < 0)
        return rc;
    return tree_set_xattr(node->inode, b->field[2], b->field[3], len, e);
}

static int add_many(struct build *b, struct err *e)
{
    char name[64];
    char content[64];
    int64_t count = 0;
    struct tree_node *dir = NULL;
    struct tree_node *node = NULL;
    int rc;

    if ((rc = number(b->field[2], 10, &count, e)) < 0 || (rc = find(b, b->field[1], &dir, e)) < 0)
        return rc;
    for (int64_t i = 0; i < count; i++) {
        struct tree_inode *inode = NULL;
        (void)snprintf(name, sizeof(name), "entry-%07" PRId64, i);
        (void)snprintf(content, sizeof(content), "text:%" PRId64, i);
        if ((rc = tree_inode_new(b->tree, TREE_FILE, &inode, e)) < 0)
            return rc;
        inode->mode = 0644;
        if ((rc = tree_link(b->tree, dir, name, inode, &node, e)) < 0 ||
            (rc = add_content(b, inode, content, e)) < 0)
            return rc;
    }
    return 0;
}

static int add_line(struct build *b, struct err *e)
{
    static const char *const types[] = {"dir",   "file", "symlink", "char",
                                        "block", "fifo", "socket"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(b->field[0], types[i]) == 0)
            return add_entry(b, (enum tree_type)i, e);
    }
    if (strcmp(b->field[0], "hard") == 0 && b->fields == 3)
        return add_hard(b, e);
    if (strcmp(b->field[0], "xattr") == 0 && b->fields == 4)
        return add_xattr(b, e);
    if (strcmp(b->field[0], "many") == 0 && b->fields == 3)
        return add_many(b, e);
    return err_set(e, ERR_USAGE, "'%s' is no line of a description", b->field[0]);
}

static int read_description(struct build *b, const char *path, struct err *e)
{
    AUTO_BUF text = BUF_INIT(256 * 1024 * 1024);
    char *line_state = NULL;

    int rc = file_read(path, &text, e);
    if (rc < 0)
        return rc;
    for (char *line = strtok_r((char *)text.data, "\n", &line_state); line != NULL;
         line = strtok_r(NULL, "\n", &line_state)) {
        b->fields = 0;
        for (char *p = line; p != NULL && b->fields < FIELDS_MAX;) {
            b->field[b->fields++] = p;
            p = strchr(p, ' ');
            if (p != NULL)
                *p++ = '\0';
        }
        if (b->fields < 3)
            return err_set(e, ERR_USAGE, "'%s' is no line of a description", line);
        if ((rc = add_line(b, e)) < 0)
            return rc;
    }
    return tree_packer_commit(b->packer, e);
}

/* ---- running ---------------------------------------------------------------- */

static int encode(struct cas *cas, const struct tree *tree, char **argv, struct err *e)
{
    AUTO_JSON json_t *params = NULL;
    struct step_output out = {0};
    const struct step_kind *kind = step_kind_find(&builder_steps, argv[3]);
    char text[DIGEST_TEXT_MAX];
    int64_t jobs = 0;
    int rc;

    if (kind == NULL)
        return err_set(e, ERR_USAGE, "there is no kind '%s'", argv[3]);
    if ((rc = number(argv[5], 10, &jobs, e)) < 0 ||
        (rc = json_parse(argv[4], strlen(argv[4]), "params", NULL, &params, e)) < 0)
        return rc;
    struct jcur root = jcur_root(params, "params");
    struct step_input input = {.id = "tree", .kind = VALUE_TREE, .tree = tree};
    struct step_context context = {.cas = cas, .jobs = (unsigned)jobs};
    if ((rc = step_run(&builder_runners, kind, &context, &root, &input, 1, &out, e)) < 0)
        return rc;
    (void)printf("%s\n", digest_format(&out.digest, text));
    rc = 0;
    if (strcmp(argv[6], "-") != 0)
        rc = strcmp(kind->name, "encode.oci") == 0
                 ? oci_layout_export(cas, &out.digest, "latest", argv[6], e)
                 : cas_export_file(cas, &out.digest, argv[6], e);
    step_output_dispose(&out);
    return rc;
}

static int run(char **argv, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO_FREE struct build *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return err_oom(e);
    int rc = cas_open(argv[1], CAS_CREATE, &cas, e);
    if (rc < 0)
        return rc;
    rc = tree_new(&b->tree, e);
    if (rc == 0)
        rc = tree_packer_new(b->tree, cas, &b->packer, e);
    if (rc == 0)
        rc = read_description(b, argv[2], e);
    tree_packer_free(b->packer);
    if (rc == 0)
        rc = encode(cas, b->tree, argv, e);
    tree_free(b->tree);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];

    if (argc != 7) {
        (void)fprintf(stderr, "usage: encode_tree STORE DESCRIPTION KIND PARAMS JOBS OUT\n");
        return ERR_USAGE;
    }
    if (run(argv, &e) < 0) {
        (void)fprintf(stderr, "encode_tree: %s\n", err_line(&e, line, sizeof(line)));
        return (int)e.code;
    }
    return 0;
}
