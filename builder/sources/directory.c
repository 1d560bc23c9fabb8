/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/directory.h"

#include "base/file.h"
#include "base/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 256 * 1024 };

struct walk {
    const char *root; /* for complaints */
    struct tree_blob *blob;
    struct ignore *ignore;
    struct stat rules; /* of the file with rules; no type: there is none */
    struct hasher *seen;
    uint8_t *chunk;
};

static int fail(const struct walk *w, const char *path, const char *why, struct err *e)
{
    return err_set(e, ERR_INPUT, "'%s' in '%s' %s", path, w->root, why);
}

static int fail_os(const struct walk *w, const char *path, const char *what, struct err *e)
{
    enum err_code code = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO
                             ? ERR_HOST
                             : ERR_INPUT;
    return err_os_code(e, code, errno, "cannot %s '%s' in '%s'", what, path, w->root);
}

/* ---- what a directory has at one moment, sorted: its own order means nothing ---- */

struct entry {
    char *name;
    struct stat st;
    bool ignored; /* a directory, of which something below may be brought back */
};

struct listing {
    struct entry *items;
    size_t count;
    size_t cap;
};

static void listing_dispose(struct listing *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i].name);
    free(l->items);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int join(const struct walk *w, const char *path, const char *name, char **out, struct err *e)
{
    int rc = str_format(out, e, "%s%s%s", path, path[0] == '\0' ? "" : "/", name);
    return rc == 0 && strlen(*out) > TREE_PATH_MAX ? fail(w, *out, "is too long a path", e) : rc;
}

/* Adds it, unless it is ignored. */
static int survey_entry(const struct walk *w, int dirfd, const char *path, const char *name,
                        struct listing *out, struct err *e)
{
    AUTO_FREE char *inner = NULL;
    struct entry item = {.name = NULL};
    int rc = join(w, path, name, &inner, e);
    if (rc < 0)
        return rc;
    item.ignored = ignore_covers(w->ignore, inner);
    if (item.ignored && !ignore_brings_back(w->ignore))
        return 0;
    if (fstatat(dirfd, name, &item.st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? fail(w, inner, "changed while it was read", e)
                               : fail_os(w, inner, "look at", e);
    if (item.ignored && !S_ISDIR(item.st.st_mode))
        return 0;
    rc = array_grow(&out->items, &out->cap, out->count + 1, sizeof(*out->items), e);
    if (rc < 0 || (rc = str_copy(&item.name, name, e)) < 0)
        return rc;
    out->items[out->count++] = item;
    return 0;
}

/*
 * What an entry is, for the sum of all that was seen. Of a directory only who it is: what is in it
 * is seen when that is surveyed.
 */
static int note(const struct walk *w, const struct entry *entry, struct err *e)
{
    const struct stat *st = &entry->st;
    const uint64_t numbers[] = {
        st->st_dev,
        st->st_ino,
        st->st_mode & S_IFMT,
        S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
        S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_mtim.tv_sec,
        S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_mtim.tv_nsec,
        S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_ctim.tv_sec,
        S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_ctim.tv_nsec,
    };
    int rc = hasher_update(w->seen, entry->name, strlen(entry->name) + 1, e);
    return rc < 0 ? rc : hasher_update(w->seen, numbers, sizeof(numbers), e);
}

static int survey(const struct walk *w, int dirfd, const char *path, struct listing *out,
                  struct err *e)
{
    int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
    const char *shown = path[0] == '\0' ? "." : path;
    if (list == NULL)
        return fail_os(w, shown, "list", e);
    for (struct dirent *entry; (errno = 0, entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int rc = survey_entry(w, dirfd, path, entry->d_name, out, e);
        if (rc < 0)
            return rc;
    }
    if (errno != 0)
        return fail_os(w, shown, "list", e);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), compare_entries); /* unique names */
    int rc = hasher_update(w->seen, &out->count, sizeof(out->count), e);
    for (size_t i = 0; rc == 0 && i < out->count; i++)
        rc = note(w, &out->items[i], e);
    return rc;
}

static bool same_inode(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT);
}

static bool same_state(const struct stat *a, const struct stat *b)
{
    return same_inode(a, b) && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* ---- files and links ---- */

static int copy_content(const struct walk *w, int fd, const char *path, uint64_t *total,
                        struct err *e)
{
    struct sparse_reader from = {.fd = fd};
    size_t got = 1;
    uint64_t zeros = 0;
    int rc = 0;
    for (*total = 0; rc == 0 && got + zeros > 0; *total += got + zeros) {
        if (sparse_read(&from, w->chunk, CHUNK, &got, &zeros) < 0)
            return fail_os(w, path, "read", e);
        rc = zeros > 0 ? tree_packer_zeros(w->blob->packer, zeros, e)
                       : tree_packer_write(w->blob->packer, w->chunk, got, e);
    }
    return rc;
}

/* Of the surveyed `entry`: whatever took its place since is not read. */
static int open_entry(const struct walk *w, int dirfd, const struct entry *entry, const char *path,
                      int flags, int *out, struct err *e)
{
    struct stat st;
    AUTO_CLOSE int fd = openat(dirfd, entry->name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) /* ELOOP, ENOTDIR: it is a link now, or no directory */
        return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
                   ? fail(w, path, "changed while it was read", e)
                   : fail_os(w, path, "open", e);
    if (fstat(fd, &st) < 0)
        return fail_os(w, path, "look at", e);
    if (!same_inode(&st, &entry->st))
        return fail(w, path, "changed while it was read", e);
    *out = steal_fd(&fd);
    return 0;
}

static int read_file(const struct walk *w, int dirfd, const struct entry *entry, const char *path,
                     struct tree_node *dir, struct err *e)
{
    struct stat after;
    struct tree_inode *inode = NULL;
    uint64_t total = 0;
    AUTO_CLOSE int fd = -1;
    /* O_NONBLOCK: a pipe that took the file's place must not hang us. */
    int rc = open_entry(w, dirfd, entry, path, O_RDONLY | O_NONBLOCK, &fd, e);
    if (rc < 0)
        return rc;
    rc = tree_blob_add_file(w->blob, dir, entry->name, (entry->st.st_mode & S_IXUSR) != 0, &inode,
                            e);
    if (rc < 0)
        return err_wrap(e, "'%s' in '%s'", path, w->root);
    if ((rc = tree_packer_begin(w->blob->packer, e)) < 0 ||
        (rc = copy_content(w, fd, path, &total, e)) < 0 ||
        (rc = tree_packer_end(w->blob->packer, inode, e)) < 0)
        return rc;
    if (fstat(fd, &after) < 0 || !same_state(&entry->st, &after) ||
        total != (uint64_t)after.st_size)
        return fail(w, path, "changed while it was read", e);
    return 0;
}

static int read_link(const struct walk *w, int dirfd, const struct entry *entry, const char *path,
                     struct tree_node *dir, struct err *e)
{
    char target[TREE_PATH_MAX + 2];
    AUTO_CLOSE int fd = -1;
    int rc = open_entry(w, dirfd, entry, path, O_PATH, &fd, e);
    if (rc < 0)
        return rc;
    ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
    if (n < 0)
        return fail_os(w, path, "read the link", e);
    target[n] = '\0';
    rc = tree_blob_add_link(w->blob, dir, entry->name, target, e);
    return rc < 0 ? err_wrap(e, "'%s' in '%s'", path, w->root) : 0;
}

/* ---- directories ---- */

static int read_dir(const struct walk *w, int dirfd, const char *path, struct tree_node *node,
                    unsigned depth, struct err *e);

/* An ignored directory stays only for what is brought back below it. */
static int read_subdir(const struct walk *w, int dirfd, const struct entry *entry, const char *path,
                       struct tree_node *dir, unsigned depth, struct err *e)
{
    struct tree_node *node = NULL;
    AUTO_CLOSE int fd = -1;
    int rc = open_entry(w, dirfd, entry, path, O_RDONLY | O_DIRECTORY, &fd, e);
    if (rc < 0)
        return rc;
    if (depth >= TREE_DEPTH_MAX)
        return fail(w, path, "is too deep", e);
    rc = tree_blob_add_dir(w->blob, dir, entry->name, &node, e);
    if (rc < 0)
        return err_wrap(e, "'%s' in '%s'", path, w->root);
    if ((rc = read_dir(w, fd, path, node, depth + 1, e)) < 0)
        return rc;
    if (entry->ignored && node->inode->child_count == 0)
        tree_unlink(w->blob->tree, node);
    return 0;
}

static int read_entry(const struct walk *w, int dirfd, const struct entry *entry, const char *path,
                      struct tree_node *node, unsigned depth, struct err *e)
{
    if (S_ISDIR(entry->st.st_mode))
        return read_subdir(w, dirfd, entry, path, node, depth, e);
    if (S_ISREG(entry->st.st_mode))
        return read_file(w, dirfd, entry, path, node, e);
    if (S_ISLNK(entry->st.st_mode))
        return read_link(w, dirfd, entry, path, node, e);
    return fail(w, path, "is a device, a pipe or a socket: ignore it", e);
}

static int read_dir(const struct walk *w, int dirfd, const char *path, struct tree_node *node,
                    unsigned depth, struct err *e)
{
    AUTO(listing_dispose) struct listing listing = {0};
    int rc = survey(w, dirfd, path, &listing, e);
    for (size_t i = 0; rc == 0 && i < listing.count; i++) {
        AUTO_FREE char *inner = NULL;
        rc = join(w, path, listing.items[i].name, &inner, e);
        if (rc == 0)
            rc = read_entry(w, dirfd, &listing.items[i], inner, node, depth, e);
    }
    return rc;
}

/* ---- once more, when all of it was read: is it still the same? ---- */

static int survey_all(const struct walk *w, int dirfd, const char *path, struct err *e)
{
    AUTO(listing_dispose) struct listing listing = {0};
    int rc = survey(w, dirfd, path, &listing, e);
    for (size_t i = 0; rc == 0 && i < listing.count; i++) {
        const struct entry *entry = &listing.items[i];
        AUTO_FREE char *inner = NULL;
        AUTO_CLOSE int fd = -1;
        if (!S_ISDIR(entry->st.st_mode))
            continue;
        if ((rc = join(w, path, entry->name, &inner, e)) == 0 &&
            (rc = open_entry(w, dirfd, entry, inner, O_RDONLY | O_DIRECTORY, &fd, e)) == 0)
            rc = survey_all(w, fd, inner, e);
    }
    return rc;
}

static int end_sum(struct walk *w, struct digest *out, struct err *e)
{
    int rc = hasher_final(w->seen, out, e);
    hasher_free(w->seen);
    w->seen = NULL;
    return rc;
}

/* Reads all of it, and looks at all of it again. */
static int read_root(struct walk *w, int dirfd, struct tree_node *root, struct err *e)
{
    struct digest first;
    struct digest second;
    int rc = hasher_new(DIGEST_SHA256, &w->seen, e);
    if (rc < 0 || (rc = read_dir(w, dirfd, "", root, 1, e)) < 0 ||
        (rc = end_sum(w, &first, e)) < 0 || (rc = hasher_new(DIGEST_SHA256, &w->seen, e)) < 0 ||
        (rc = survey_all(w, dirfd, "", e)) < 0 || (rc = end_sum(w, &second, e)) < 0)
        return rc;
    return digest_equal(&first, &second)
               ? 0
               : err_set(e, ERR_INPUT, "the directory '%s' changed while it was read", w->root);
}

/* Its state, or none when it is not there. */
static int look_at_rules(const struct walk *w, int dirfd, struct stat *out, struct err *e)
{
    *out = (struct stat){.st_mode = 0};
    if (fstatat(dirfd, DIRECTORY_IGNORE_FILE, out, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISREG(out->st_mode) ? 0 : fail(w, DIRECTORY_IGNORE_FILE, "is no regular file", e);
    *out = (struct stat){.st_mode = 0};
    return errno == ENOENT ? 0 : fail_os(w, DIRECTORY_IGNORE_FILE, "look at", e);
}

static int read_rules(struct walk *w, int dirfd, const char *const *rules, size_t count,
                      struct err *e)
{
    AUTO_BUF text = BUF_INIT(IGNORE_FILE_MAX);
    int rc = look_at_rules(w, dirfd, &w->rules, e);
    if (rc < 0)
        return rc;
    if (w->rules.st_mode != 0) {
        if ((rc = file_read_at(dirfd, DIRECTORY_IGNORE_FILE, &text, e)) == 0)
            rc = ignore_add_lines(w->ignore, buf_str(&text), text.len, DIRECTORY_IGNORE_FILE, e);
        if (rc < 0)
            return err_wrap(e, "in '%s'", w->root);
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = ignore_add(w->ignore, rules[i], e);
    return rc;
}

/* The rules are still those that were read, and the path still leads to what was read. */
static int look_again(const struct walk *w, int dirfd, struct err *e)
{
    struct stat rules;
    struct stat held;
    struct stat named;
    int rc = look_at_rules(w, dirfd, &rules, e);
    if (rc < 0)
        return rc;
    if (rules.st_mode != w->rules.st_mode || !same_state(&rules, &w->rules))
        return fail(w, DIRECTORY_IGNORE_FILE, "changed while it was read", e);
    if (fstat(dirfd, &held) < 0 || stat(w->root, &named) < 0 || !same_inode(&held, &named))
        return err_set(e, ERR_INPUT, "the directory '%s' was moved while it was read", w->root);
    return 0;
}

int directory_read(const char *path, const char *const *rules, size_t rule_count,
                   struct tree_blob *b, struct err *e)
{
    AUTO_IGNORE struct ignore *ignore = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (chunk == NULL)
        return err_oom(e);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open the directory '%s'", path);
    int rc = ignore_new(&ignore, e);
    struct walk w = {.root = path, .blob = b, .ignore = ignore, .chunk = chunk};
    if (rc == 0 && (rc = read_rules(&w, fd, rules, rule_count, e)) == 0 &&
        (rc = read_root(&w, fd, tree_root(b->tree), e)) == 0)
        rc = look_again(&w, fd, e);
    hasher_free(w.seen);
    return rc;
}
