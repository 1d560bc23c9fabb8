/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/directory.h"

#include "base/file.h"
#include "formats/object/inode_fields.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum { DEPTH_MAX = 256, XATTR_NAMES_MAX = 65536, XATTR_VALUE_MAX = 65536, TARGET_MAX = 65536 };

/* A file with several names, and the one that was met first. */
struct named {
    dev_t device;
    ino_t inode;
    char *path;
};

struct directory {
    int fd;
    struct buf path;     /* of the member that is being read */
    struct named *named; /* a hash table; a NULL path is a free place */
    size_t named_count;
    size_t named_room;
};

static int add_xattrs(struct object *o, const char *magic, struct err *e)
{
    AUTO_FREE char *names = malloc(XATTR_NAMES_MAX + 1);
    AUTO_FREE uint8_t *value = malloc(XATTR_VALUE_MAX);
    if (names == NULL || value == NULL)
        return err_oom(e);
    ssize_t len = llistxattr(magic, names, XATTR_NAMES_MAX);
    if (len < 0)
        return errno == ENOTSUP ? 0 : err_os(e, errno, "cannot list extended attributes");
    names[len] = 0;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        ssize_t size = lgetxattr(magic, name, value, XATTR_VALUE_MAX);
        if (size < 0)
            return err_os(e, errno, "cannot read the extended attribute '%.255s'", name);
        int rc = object_inode_xattr(o, name, value, (size_t)size, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static struct named *find_named(struct directory *d, const struct stat *st)
{
    size_t at = (size_t)(st->st_ino * UINT64_C(0x9e3779b97f4a7c15)) & (d->named_room - 1);
    while (d->named[at].path != NULL &&
           (d->named[at].inode != st->st_ino || d->named[at].device != st->st_dev))
        at = (at + 1) & (d->named_room - 1);
    return &d->named[at];
}

static int grow_named(struct directory *d, struct err *e)
{
    struct named *old = d->named;
    size_t old_room = d->named_room;
    if (2 * d->named_count < d->named_room)
        return 0;
    d->named_room = old_room == 0 ? 256 : 2 * old_room;
    d->named = array_new(d->named_room, sizeof(*d->named));
    if (d->named == NULL) {
        d->named = old;
        d->named_room = old_room;
        return err_oom(e);
    }
    for (size_t i = 0; i < old_room; i++) {
        const struct stat st = {.st_dev = old[i].device, .st_ino = old[i].inode};
        if (old[i].path != NULL)
            *find_named(d, &st) = old[i];
    }
    free(old);
    return 0;
}

/* The name under which a file was met before; NULL: this is the first. */
static int first_name(struct directory *d, const struct stat *st, const char *path,
                      const char **out, struct err *e)
{
    *out = NULL;
    if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
        return 0;
    int rc = grow_named(d, e);
    if (rc < 0)
        return rc;
    struct named *n = find_named(d, st);
    *out = n->path;
    if (n->path != NULL)
        return 0;
    *n = (struct named){.device = st->st_dev, .inode = st->st_ino};
    d->named_count++;
    return str_copy(&n->path, path, e);
}

static int add_member(struct object *o, const char *path, int parent, const char *name,
                      const struct stat *st, struct err *e)
{
    struct member m = {.path = path, .type = member_type_of_mode(st->st_mode)};
    struct inode_fields inode = {.mode = st->st_mode & 07777,
                                 .uid = st->st_uid,
                                 .gid = st->st_gid,
                                 .mtime = st->st_mtim.tv_sec,
                                 .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
                                 .device =
                                     m.type == MEMBER_CHAR || m.type == MEMBER_BLOCK
                                         ? (uint64_t)major(st->st_rdev) << 32 | minor(st->st_rdev)
                                         : 0};
    AUTO_FREE char *target = NULL;
    if (m.type == MEMBER_SYMLINK) {
        target = malloc(TARGET_MAX);
        if (target == NULL)
            return err_oom(e);
        ssize_t len = readlinkat(parent, name, target, TARGET_MAX - 1);
        if (len < 0)
            return err_os(e, errno, "cannot read the link '%.255s'", path);
        target[len] = 0;
        inode.target = target;
        inode.target_len = (size_t)len;
    }
    const char *first = NULL;
    int rc = first_name(o->state, st, path, &first, e);
    if (first != NULL) {
        m.type = MEMBER_HARDLINK;
        inode.target = first;
        inode.target_len = strlen(first);
    }
    m.has_content = m.type == MEMBER_FILE;
    m.size = m.has_content ? (uint64_t)st->st_size : 0;
    if (rc == 0)
        rc = object_inode_fields(o, m.type, &inode, e);
    AUTO_FREE char *magic = NULL;
    if (rc == 0)
        rc = str_format(&magic, e, "/proc/self/fd/%d/%s", parent, name);
    return rc < 0 || (rc = add_xattrs(o, magic, e)) < 0 ? rc : object_member(o, &m, e);
}

static int walk(struct object *o, int fd_taken, unsigned depth, struct err *e);

static int walk_entry(struct object *o, int parent, const char *name, unsigned depth, struct err *e)
{
    struct directory *d = o->state;
    struct stat st;
    size_t before = d->path.len;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_os(e, errno, "cannot stat '%.255s'", name);
    int rc = buf_addf(&d->path, e, before > 0 ? "/%s" : "%s", name);
    if (rc == 0)
        rc = add_member(o, buf_str(&d->path), parent, name, &st, e);
    if (rc == 0 && S_ISDIR(st.st_mode)) {
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        rc = fd < 0 ? err_os(e, errno, "cannot open '%.255s'", buf_str(&d->path))
                    : walk(o, fd, depth + 1, e);
    }
    buf_cut(&d->path, before);
    return rc;
}

static int walk(struct object *o, int fd_taken, unsigned depth, struct err *e)
{
    AUTO_CLOSEDIR DIR *dir = fdopendir(fd_taken);
    if (dir == NULL) {
        (void)close(fd_taken);
        return err_os(e, errno, "cannot read a directory");
    }
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "'%s' is deeper than %d directories", o->name, DEPTH_MAX);
    int rc = 0;
    while (rc == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 ? 0 : err_os(e, errno, "cannot read '%s'", o->name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = walk_entry(o, dirfd(dir), entry->d_name, depth, e);
    }
    return rc;
}

static int open_directory(struct object *o, struct err *e)
{
    struct directory *d = o->state;
    struct stat st;
    int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0 || fstat(fd, &st) != 0) {
        scope_close(&fd);
        return err_os(e, errno, "cannot open '%s'", o->name);
    }
    int rc = add_member(o, "", fd, ".", &st, e);
    if (rc < 0) {
        scope_close(&fd);
        return rc;
    }
    return walk(o, fd, 1, e);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    const struct directory *d = o->state;
    int fd = open_beneath(d->fd, m->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0, e);
    return fd < 0 ? fd : bytes_of_fd(fd, m->path, out, e);
}

static void close_directory(struct object *o)
{
    struct directory *d = o->state;
    if (d == NULL)
        return;
    scope_close(&d->fd);
    buf_dispose(&d->path);
    for (size_t i = 0; i < d->named_room; i++)
        free(d->named[i].path);
    free(d->named);
    free(d);
}

const struct object_kind object_kind_directory = {
    .name = "directory",
    .tree = true,
    .open = open_directory,
    .slice = slice,
    .close = close_directory,
};

int object_open_directory(const char *path, struct budget *budget, struct object **out,
                          struct err *e)
{
    struct directory *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return err_oom(e);
    d->path.max = 1 << 20;
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0) {
        int code = errno;
        free(d);
        return err_os_code(e, ERR_INPUT, code, "cannot open '%s'", path);
    }
    return object_open(&object_kind_directory, NULL, path, d, budget, out, e);
}
