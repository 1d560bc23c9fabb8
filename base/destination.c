/* SPDX-License-Identifier: Apache-2.0 */
#include "base/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { HOPS_MAX = 40 };

enum way { BY_DESCRIPTOR, THROUGH, OVER, WHOLE };

struct place {
    enum way way;
    int descriptor;   /* BY_DESCRIPTOR */
    char *path;       /* the end of all links */
    bool there;       /* something has that name: */
    struct stat what; /* this */
};

static void place_dispose(struct place *p)
{
    free(p->path);
}

/* ---- what the name stands for ------------------------------------------------------- */

/* "N" up to three digits. */
static bool small_number(const char *text, int *out)
{
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 3 || text[len] != '\0')
        return false;
    *out = 0;
    for (size_t i = 0; i < len; i++)
        *out = *out * 10 + (text[i] - '0');
    return true;
}

/* The links in /proc lead to what cannot be opened by name, or not again: they are taken as what
 * they mean. */
static bool names_descriptor(const char *path, int *out)
{
    static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/",
                                              "/proc/thread-self/fd/"};
    static const struct {
        const char *name;
        int descriptor;
    } names[] = {{"/dev/stdin", 0}, {"/dev/stdout", 1}, {"/dev/stderr", 2}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(path, names[i].name) == 0) {
            *out = names[i].descriptor;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        if (str_starts(path, directories[i]))
            return small_number(path + strlen(directories[i]), out);
    }
    return false;
}

/* The directory part, with its slash: "a/" of "a/b", "" of "b". */
static int directory_length(const char *path)
{
    return (int)(path_base(path) - path);
}

/* What the link `path` says, as a path from where we are. */
static int read_link(const char *path, char **out, struct err *e)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof(target));
    if (n <= 0 || n == (ssize_t)sizeof(target))
        return err_os(e, n < 0 ? errno : ENAMETOOLONG, "cannot read the link '%s'", path);
    bool absolute = target[0] == '/';
    return str_format(out, e, "%.*s%.*s", absolute ? 0 : directory_length(path), path, (int)n,
                      target);
}

/* Follows links to their end; *to is NULL at a descriptor. */
static int follow(const char *path, struct place *p, struct err *e)
{
    int rc = str_copy(&p->path, path, e);
    for (int hops = 0; rc == 0; hops++) {
        char *next = NULL;
        if (names_descriptor(p->path, &p->descriptor)) {
            p->way = BY_DESCRIPTOR;
            return 0;
        }
        p->there = lstat(p->path, &p->what) == 0;
        if (!p->there && errno != ENOENT)
            return err_os_code(e, errno == ENOTDIR ? ERR_USAGE : ERR_HOST, errno,
                               "cannot write '%s'", path);
        if (!p->there || !S_ISLNK(p->what.st_mode))
            return 0;
        if (hops == HOPS_MAX)
            return err_set(e, ERR_USAGE, "cannot write '%s': too many symbolic links", path);
        rc = read_link(p->path, &next, e);
        free(p->path);
        p->path = next;
    }
    return rc;
}

/* A file that something is mounted on, as containers have them, cannot be renamed over. */
static bool is_mount(const char *path)
{
    struct statx x;
    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &x) == 0 &&
           (x.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
           (x.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int find_place(const char *path, struct place *p, struct err *e)
{
    if (strcmp(path, "-") == 0) {
        p->way = BY_DESCRIPTOR;
        p->descriptor = 1;
        return 0;
    }
    int rc = follow(path, p, e);
    if (rc < 0 || p->way != WHOLE)
        return rc;
    if (*path_base(p->path) == '\0' || (p->there && S_ISDIR(p->what.st_mode)))
        return err_set(e, ERR_USAGE, "cannot write '%s': it is a directory", path);
    if (p->there && S_ISSOCK(p->what.st_mode))
        return err_set(e, ERR_USAGE, "cannot write '%s': it is a socket", path);
    if (p->there && !S_ISREG(p->what.st_mode))
        p->way = THROUGH;
    else if (p->there && is_mount(p->path))
        p->way = OVER;
    return 0;
}

#define PLACE_INIT                                                                                 \
    {                                                                                              \
        .way = WHOLE, .descriptor = -1                                                             \
    }
#define AUTO_PLACE AUTO(place_dispose) struct place

bool destination_is_stdout(const char *path)
{
    AUTO_PLACE p = PLACE_INIT;
    struct err ignored = ERR_INIT;
    return find_place(path, &p, &ignored) == 0 && p.way == BY_DESCRIPTOR && p.descriptor == 1;
}

/* ---- before the work ----------------------------------------------------------------- */

/* Files can be made in `dir`. */
static int check_writable_dir(const char *path, const char *dir, struct err *e)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return err_os_code(e, errno == ENOENT || errno == ENOTDIR ? ERR_USAGE : ERR_HOST, errno,
                           "cannot write '%s': directory '%s'", path, dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_USAGE, "cannot write '%s': '%s' is no directory", path, dir);
    if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) != 0)
        return err_os(e, errno, "cannot write '%s': directory '%s'", path, dir);
    return 0;
}

int destination_parent(const char *path, char **out, struct err *e)
{
    int len = directory_length(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len == 0 ? str_copy(out, ".", e) : str_format(out, e, "%.*s", len, path);
}

static int check_beside(const char *path, const char *target, struct err *e)
{
    AUTO_FREE char *dir = NULL;
    int rc = destination_parent(target, &dir, e);
    return rc == 0 ? check_writable_dir(path, dir, e) : rc;
}

int destination_check(const char *path, struct err *e)
{
    AUTO_PLACE p = PLACE_INIT;
    int rc = find_place(path, &p, e);
    if (rc < 0)
        return rc;
    if (p.way == WHOLE)
        return check_beside(path, p.path, e);
    if (p.way == BY_DESCRIPTOR) {
        int flags = fcntl(p.descriptor, F_GETFL);
        if (flags < 0 || (flags & O_PATH) != 0)
            return err_set(e, ERR_HOST, "cannot write '%s': it is closed", path);
        return (flags & O_ACCMODE) != O_RDONLY
                   ? 0
                   : err_set(e, ERR_USAGE, "cannot write '%s': it is for reading", path);
    }
    if (faccessat(AT_FDCWD, p.path, W_OK, AT_EACCESS) != 0)
        return err_os(e, errno, "cannot write '%s'", path);
    return 0;
}

int destination_check_dir(const char *path, struct err *e)
{
    AUTO_FREE char *at = NULL;
    struct stat st;
    int rc = str_copy(&at, path, e);
    /* Up to what is there already; "" is where we are. */
    while (rc == 0 && stat(at, &st) != 0 && errno == ENOENT) {
        char *up = NULL;
        size_t len = strlen(at);
        while (len > 1 && at[len - 1] == '/')
            at[--len] = '\0';
        if (strcmp(at, ".") == 0 || strcmp(at, "/") == 0 || *at == '\0')
            break;
        rc = destination_parent(at, &up, e);
        free(at);
        at = up;
    }
    if (rc == 0 && *path == '\0')
        rc = err_set(e, ERR_USAGE, "cannot write to '': no directory has this name");
    return rc == 0 ? check_writable_dir(path, at, e) : rc;
}

int destination_check_new(const char *path, struct err *e)
{
    AUTO_FREE char *bare = NULL;
    struct stat st;
    int rc = str_copy(&bare, path, e);
    if (rc < 0 || bare == NULL)
        return rc;
    for (size_t len = strlen(bare); len > 1 && bare[len - 1] == '/'; len--)
        bare[len - 1] = '\0';
    if (lstat(bare, &st) == 0)
        return err_set(e, ERR_USAGE, "cannot create '%s': it exists already", path);
    return check_beside(path, bare, e);
}

int destination_check_path(const char *path, struct err *e)
{
    struct stat st;
    size_t len = strlen(path);
    if (len > 0 && path[len - 1] == '/')
        return destination_check_dir(path, e);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return check_writable_dir(path, path, e);
    return destination_check(path, e);
}

int destination_check_inside(const char *path, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_os(e, errno, "cannot look at '%s'", path);
    if (S_ISREG(st.st_mode))
        return 0;
    return err_set(e, ERR_USAGE, "cannot replace '%s': it is %s", path,
                   S_ISLNK(st.st_mode)   ? "a symbolic link"
                   : S_ISDIR(st.st_mode) ? "a directory"
                                         : "no plain file");
}

/* ---- writing --------------------------------------------------------------------------- */

/* The new file takes the place of one that somebody has given a mode and an owner. */
static int open_whole(struct destination *o, const struct place *p, struct err *e)
{
    int rc = atomic_file_open(&o->file, p->path, p->there ? 0600 : MODE_BY_UMASK, e);
    if (rc < 0)
        return rc;
    o->whole = true;
    o->fd = o->file.fd;
    if (!p->there)
        return 0;
    if (fchown(o->fd, p->what.st_uid, p->what.st_gid) != 0 && errno != EPERM && errno != EINVAL)
        return err_os(e, errno, "cannot give '%s' its owner", o->path);
    if (fchmod(o->fd, p->what.st_mode & 0777) != 0)
        return err_os(e, errno, "cannot set the mode of '%s'", o->path);
    return 0;
}

int destination_open(struct destination *o, const char *path, struct err *e)
{
    AUTO_PLACE p = PLACE_INIT;
    const struct destination fresh = DESTINATION_INIT;
    int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC;
    int rc = find_place(path, &p, e);
    *o = fresh;
    o->path = path;
    if (rc < 0)
        return rc;
    if (p.way == WHOLE)
        return open_whole(o, &p, e);
    if (p.way == BY_DESCRIPTOR) {
        if (p.descriptor == 1 && fflush(stdout) != 0)
            return err_os(e, errno, "cannot write to stdout");
        o->fd = fcntl(p.descriptor, F_DUPFD_CLOEXEC, 3);
    } else {
        /* A disk that is in use is not written to. */
        if (S_ISBLK(p.what.st_mode))
            flags |= O_EXCL;
        o->fd = open(p.path, p.way == OVER ? flags | O_TRUNC : flags);
    }
    return o->fd >= 0 ? 0 : err_os(e, errno, "cannot write '%s'", path);
}

int destination_put(struct destination *o, const void *data, size_t len, struct err *e)
{
    o->written += len;
    return fd_write_all(o->fd, data, len, o->path, e);
}

int destination_commit(struct destination *o, struct err *e)
{
    struct stat st;
    if (o->whole) {
        o->fd = -1;
        return atomic_file_commit(&o->file, e);
    }
    bool syncs = fstat(o->fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    if ((syncs && fsync(o->fd) != 0) || close(steal_fd(&o->fd)) != 0)
        return err_os(e, errno, "cannot write '%s'", o->path);
    return 0;
}

void destination_dispose(struct destination *o)
{
    if (!o->whole && o->fd >= 0)
        (void)close(o->fd);
    o->fd = -1;
    atomic_file_dispose(&o->file);
}

int destination_write(const char *path, const void *data, size_t len, struct err *e)
{
    AUTO_DESTINATION o = DESTINATION_INIT;
    int rc = destination_open(&o, path, e);
    if (rc == 0)
        rc = destination_put(&o, data, len, e);
    if (rc == 0)
        rc = destination_commit(&o, e);
    return rc;
}
