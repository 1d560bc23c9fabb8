/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/directory.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 256 * 1024 };

struct walk {
    const char *root; /* for complaints */
    struct tree_blob *blob;
    struct ignore *ignore;
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

/* ---- names, sorted: a directory's own order means nothing ---- */

struct names {
    char **items;
    size_t count;
    size_t cap;
};

static void names_dispose(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(const struct walk *w, int dirfd, const char *path, struct names *out,
                      struct err *e)
{
    int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (list == NULL)
        return fail_os(w, path, "list", e);
    for (struct dirent *entry; (errno = 0, entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int rc = array_grow(&out->items, &out->cap, out->count + 1, sizeof(*out->items), e);
        if (rc < 0 || (rc = str_copy(&out->items[out->count], entry->d_name, e)) < 0)
            return rc;
        out->count++;
    }
    if (errno != 0)
        return fail_os(w, path, "list", e);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), compare_names); /* unique names */
    return 0;
}

/* ---- files and links ---- */

static bool same_state(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int copy_content(const struct walk *w, int fd, const char *path, uint64_t *total,
                        struct err *e)
{
    for (*total = 0;;) {
        ssize_t n = read(fd, w->chunk, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_os(w, path, "read", e);
        if (n == 0)
            return 0;
        int rc = tree_packer_write(w->blob->packer, w->chunk, (size_t)n, e);
        if (rc < 0)
            return rc;
        *total += (uint64_t)n;
    }
}

static int read_file(const struct walk *w, int dirfd, const char *name, const char *path,
                     struct tree_node *dir, struct err *e)
{
    struct stat before;
    struct stat after;
    struct tree_inode *inode = NULL;
    uint64_t total = 0;
    /* O_NONBLOCK: a pipe that took the file's place must not hang us. */
    AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail_os(w, path, "open", e);
    if (fstat(fd, &before) < 0)
        return fail_os(w, path, "look at", e);
    if (!S_ISREG(before.st_mode))
        return fail(w, path, "changed while it was read", e);
    int rc = tree_blob_add_file(w->blob, dir, name, (before.st_mode & S_IXUSR) != 0, &inode, e);
    if (rc < 0)
        return err_wrap(e, "'%s' in '%s'", path, w->root);
    if ((rc = tree_packer_begin(w->blob->packer, e)) < 0 ||
        (rc = copy_content(w, fd, path, &total, e)) < 0 ||
        (rc = tree_packer_end(w->blob->packer, inode, e)) < 0)
        return rc;
    if (fstat(fd, &after) < 0 || !same_state(&before, &after) || total != (uint64_t)after.st_size)
        return fail(w, path, "changed while it was read", e);
    return 0;
}

static int read_link(const struct walk *w, int dirfd, const char *name, const char *path,
                     struct tree_node *dir, struct err *e)
{
    char target[TREE_PATH_MAX + 2];
    ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);
    if (n < 0)
        return fail_os(w, path, "read the link", e);
    target[n] = '\0';
    int rc = tree_blob_add_link(w->blob, dir, name, target, e);
    return rc < 0 ? err_wrap(e, "'%s' in '%s'", path, w->root) : 0;
}

/* ---- directories ---- */

static int read_dir(const struct walk *w, int dirfd, const char *path, struct tree_node *node,
                    unsigned depth, struct err *e);

/* An ignored directory stays only for what is brought back below it. */
static int read_subdir(const struct walk *w, int dirfd, const char *name, const char *path,
                       struct tree_node *dir, unsigned depth, bool ignored, struct err *e)
{
    struct tree_node *node = NULL;
    AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail_os(w, path, "open", e);
    if (depth >= TREE_DEPTH_MAX)
        return fail(w, path, "is too deep", e);
    int rc = tree_blob_add_dir(w->blob, dir, name, &node, e);
    if (rc < 0)
        return err_wrap(e, "'%s' in '%s'", path, w->root);
    if ((rc = read_dir(w, fd, path, node, depth + 1, e)) < 0)
        return rc;
    if (ignored && node->inode->child_count == 0)
        tree_unlink(w->blob->tree, node);
    return 0;
}

static int read_entry(const struct walk *w, int dirfd, const char *name, const char *path,
                      struct tree_node *node, unsigned depth, struct err *e)
{
    struct stat st;
    bool ignored = ignore_covers(w->ignore, path);
    if (ignored && !ignore_brings_back(w->ignore))
        return 0;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_os(w, path, "look at", e);
    if (S_ISDIR(st.st_mode))
        return read_subdir(w, dirfd, name, path, node, depth, ignored, e);
    if (ignored)
        return 0;
    if (S_ISREG(st.st_mode))
        return read_file(w, dirfd, name, path, node, e);
    if (S_ISLNK(st.st_mode))
        return read_link(w, dirfd, name, path, node, e);
    return fail(w, path, "is a device, a pipe or a socket: ignore it", e);
}

static int read_dir(const struct walk *w, int dirfd, const char *path, struct tree_node *node,
                    unsigned depth, struct err *e)
{
    AUTO(names_dispose) struct names names = {0};
    int rc = list_names(w, dirfd, path[0] == '\0' ? "." : path, &names, e);
    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        AUTO_FREE char *inner = NULL;
        rc = str_format(&inner, e, "%s%s%s", path, path[0] == '\0' ? "" : "/", names.items[i]);
        if (rc == 0 && strlen(inner) > TREE_PATH_MAX)
            rc = fail(w, inner, "is too long a path", e);
        if (rc == 0)
            rc = read_entry(w, dirfd, names.items[i], inner, node, depth, e);
    }
    return rc;
}

static int read_rules(struct walk *w, int dirfd, const char *const *rules, size_t count,
                      struct err *e)
{
    AUTO_BUF text = BUF_INIT(IGNORE_FILE_MAX);
    struct stat st;
    int rc = 0;
    if (fstatat(dirfd, DIRECTORY_IGNORE_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISREG(st.st_mode))
            return fail(w, DIRECTORY_IGNORE_FILE, "is no regular file", e);
        if ((rc = file_read_at(dirfd, DIRECTORY_IGNORE_FILE, &text, e)) == 0)
            rc = ignore_add_lines(w->ignore, buf_str(&text), text.len, DIRECTORY_IGNORE_FILE, e);
        if (rc < 0)
            return err_wrap(e, "in '%s'", w->root);
    } else if (errno != ENOENT) {
        return fail_os(w, DIRECTORY_IGNORE_FILE, "look at", e);
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = ignore_add(w->ignore, rules[i], e);
    return rc;
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
    if (rc < 0 || (rc = read_rules(&w, fd, rules, rule_count, e)) < 0)
        return rc;
    return read_dir(&w, fd, "", tree_root(b->tree), 1, e);
}
