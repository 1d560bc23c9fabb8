/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree: a file system image in memory. Names, modes, owners, times and
 * extended attributes are here; the contents of files are references into
 * blobs of the store ("packs": blob, offset, length), never copies. Memory is
 * proportional to the number of entries, never to their bytes.
 *
 * Invariants: entry names are one valid component each (no '/', no NUL, not "."
 * or ".."); children are kept sorted by bytes (memcmp), so every walk has one
 * order; hard links are several nodes with one inode; the tree knows nothing
 * of tar, squashfs or LinuxKit.
 */
#ifndef ASSAY_FORMATS_TREE_TREE_H
#define ASSAY_FORMATS_TREE_TREE_H

#include "base/buf.h"
#include "base/digest.h"
#include "store/cas/cas.h"

enum tree_type { TREE_DIR, TREE_FILE, TREE_SYMLINK, TREE_CHAR, TREE_BLOCK, TREE_FIFO, TREE_SOCKET };

enum {
    TREE_NAME_MAX = 255,
    TREE_PATH_MAX = 4095,
    TREE_DEPTH_MAX = 256,
    TREE_XATTRS_MAX = 1024,         /* per inode */
    TREE_XATTR_NAME_MAX = 255,      /* bytes, as Linux */
    TREE_XATTR_VALUE_MAX = 65536,   /* bytes, as Linux */
    TREE_XATTR_BYTES_MAX = 1 << 20, /* names and values of one inode together */
    TREE_PACKS_MAX = 1 << 20,
    TREE_LINKS_FOLLOWED_MAX = 40, /* symlinks in one look-up, as Linux */
    TREE_ENTRIES_MAX = 16 * 1024 * 1024,
};

struct tree_content {
    uint8_t sha256[DIGEST_SHA256_SIZE]; /* of the file's bytes */
    uint64_t size;
    uint32_t pack; /* index for tree_pack(); meaningless when size is 0 */
    uint64_t offset;
};

struct tree_xattr {
    char *name; /* "user.x", "security.capability", … */
    uint8_t *value;
    size_t len;
};

struct tree_inode {
    enum tree_type type;
    uint16_t mode; /* 07777 */
    uint32_t uid;
    uint32_t gid;
    int64_t mtime;  /* seconds */
    uint32_t links; /* names that refer to it (directories: 1) */
    uint32_t major; /* devices */
    uint32_t minor;
    char *target;                /* symlinks */
    struct tree_content content; /* regular files */
    struct tree_xattr *xattrs;   /* sorted by name, unique */
    size_t xattr_count;
    struct tree_node **children; /* directories: sorted by name, unique */
    size_t child_count;
    size_t child_cap;
    uint32_t mark; /* scratch for one walk of an encoder (inode numbers, first path); not part of
                      the value */
    /* private to formats: */
    struct tree_recent *recent; /* directories, while many entries are added (tree_internal.h) */
    struct tree_inode *prev, *next; /* among the inodes that have no name */
};

struct tree_node {
    char *name; /* "" for the root */
    struct tree_inode *inode;
    struct tree_node *parent; /* NULL for the root */
    bool doomed;              /* private to formats */
};

struct tree;

int tree_new(struct tree **out, struct err *e); /* root: 0755 0:0, mtime 0 */
void tree_free(struct tree *t);
struct tree_node *tree_root(const struct tree *t);
size_t tree_entry_count(const struct tree *t); /* nodes, the root included */
int tree_copy(const struct tree *t, struct tree **out, struct err *e);

static inline void scope_tree(struct tree **t)
{
    tree_free(*t);
}
#define AUTO_TREE AUTO(scope_tree)

/* Registers a pack (idempotent); *index is for tree_content.pack. */
int tree_add_pack(struct tree *t, const struct digest *blob, uint32_t *index, struct err *e);
const struct digest *tree_pack(const struct tree *t, uint32_t index);
size_t tree_pack_count(const struct tree *t);

/* The child of that name, or NULL. */
struct tree_node *tree_child(const struct tree_node *dir, const char *name);
/*
 * Looks a path up inside the root; symlinks are resolved inside the root only
 * (".." at the root stays there, absolute targets start at the root, at most 40
 * links). The final component is followed only with `follow`. NULL = not found.
 */
struct tree_node *tree_find(const struct tree *t, const char *path, bool follow);

/*
 * A fresh inode of the tree, not yet named: zeroed but for type and, for files,
 * the digest of no bytes. Freed with the tree when never linked.
 */
int tree_inode_new(struct tree *t, enum tree_type type, struct tree_inode **out, struct err *e);
/*
 * Names `inode` in `dir`, replacing (and freeing) whatever had that name; links++.
 * ERR_INPUT: a bad name, a directory named twice, or a limit of this header passed.
 */
int tree_link(struct tree *t, struct tree_node *dir, const char *name, struct tree_inode *inode,
              struct tree_node **out, struct err *e);
/* Removes a node and what is below it. */
void tree_unlink(struct tree *t, struct tree_node *node);
/* A valid entry name: 1 to TREE_NAME_MAX bytes, no '/', not "." or "..". */
bool tree_name_valid(const char *name);
/*
 * mkdir -p: missing directories get mode 0755, 0:0, `mtime`. Symlinks to
 * directories on the way are followed inside the root; any other type in the way is ERR_INPUT.
 */
int tree_make_dirs(struct tree *t, const char *path, int64_t mtime, struct tree_node **out,
                   struct err *e);
/*
 * Gives a node, and what is below it, another name, which must be free. Not the
 * root; not into itself. `node` is invalid afterwards; *out (may be NULL) replaces it.
 */
int tree_move(struct tree *t, struct tree_node *node, struct tree_node *dir, const char *name,
              struct tree_node **out, struct err *e);
/* Adds or replaces one. Empty values are fine. */
int tree_set_xattr(struct tree_inode *inode, const char *name, const void *value, size_t len,
                   struct err *e);

/*
 * Pre-order walk, directories before their children, children in byte order.
 * `path` has no leading slash; the root's is "". A non-zero return stops and is returned.
 * `visit` may change inodes but must not add or remove names.
 */
typedef int tree_visit(void *context, const char *path, struct tree_node *node, struct err *e);
int tree_walk(const struct tree *t, tree_visit *visit, void *context, struct err *e);
/* The path of a node, "" for the root; caller frees. */
int tree_path(const struct tree_node *node, char **out, struct err *e);

/*
 * Canonical serialisation (docs/formats/tree.md): one line per entry in walk
 * order; a pure function of the value, independent of packs. Its SHA-256 is the tree's digest.
 */
int tree_digest(const struct tree *t, struct digest *out, struct err *e);
/* Stores serialisation and content locations; *tree_blob is the tree's digest, *locations_blob
 * where the contents are. */
int tree_store(const struct tree *t, struct cas *cas, struct digest *tree_blob,
               struct digest *locations_blob, struct err *e);
int tree_load(struct cas *cas, const struct digest *tree_blob, const struct digest *locations_blob,
              struct tree **out, struct err *e);

/* Reads contents of a tree's files; keeps the packs open. One per thread. */
struct tree_reader;
int tree_reader_new(const struct tree *t, struct cas *cas, struct tree_reader **out, struct err *e);
void tree_reader_free(struct tree_reader *r);
static inline void scope_tree_reader(struct tree_reader **r)
{
    tree_reader_free(*r);
}
#define AUTO_TREE_READER AUTO(scope_tree_reader)
/* `len` bytes from `offset` of the file; reading beyond its end is ERR_INPUT. */
int tree_reader_read(struct tree_reader *r, const struct tree_content *c, uint64_t offset,
                     void *data, size_t len, struct err *e);

/* The next place from `offset` on that may hold anything but zeros, as far as the store's file
 * system can tell; the file's size when there is none. */
uint64_t tree_reader_next_data(struct tree_reader *r, const struct tree_content *c,
                               uint64_t offset);

/* Collects new contents into one pack blob in the store. */
struct tree_packer;
int tree_packer_new(struct tree *t, struct cas *cas, struct tree_packer **out, struct err *e);
void tree_packer_free(struct tree_packer *p);
/* One file: begin, any number of writes, end, which fills file->content; readable after commit. */
int tree_packer_begin(struct tree_packer *p, struct err *e);
int tree_packer_write(struct tree_packer *p, const void *data, size_t len, struct err *e);
/* So many bytes of zeros. */
int tree_packer_zeros(struct tree_packer *p, uint64_t len, struct err *e);
int tree_packer_end(struct tree_packer *p, struct tree_inode *file, struct err *e);
/*
 * Commits the blob. The pack's index is fixed when the packer is made, its digest
 * now: without a commit, tree_store refuses the tree. A packer takes no file afterwards.
 */
int tree_packer_commit(struct tree_packer *p, struct err *e);

#endif
