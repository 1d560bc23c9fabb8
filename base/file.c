/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/host.h"
#include "base/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int read_all(int fd, const char *path, struct buf *out, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "cannot read '%s': not a regular file", path);
    if ((uint64_t)st.st_size > out->max - out->len)
        return err_set(e, ERR_INPUT, "cannot read '%s': larger than %zu bytes", path, out->max);
    for (;;) {
        /* One byte more than is left, so that a file that grows meanwhile is noticed. */
        size_t room = out->max - out->len;
        size_t want = room < 65536 ? room : 65536;
        uint8_t probe;
        if (want == 0) {
            ssize_t n = read(fd, &probe, 1);
            return n == 0 ? 0
                          : err_set(e, ERR_INPUT, "cannot read '%s': larger than %zu bytes", path,
                                    out->max);
        }
        int rc = buf_reserve(out, want, e);
        if (rc < 0)
            return rc;
        ssize_t n = read(fd, out->data + out->len, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(e, errno, "cannot read '%s'", path);
        if (n == 0)
            return 0;
        out->len += (size_t)n;
        out->data[out->len] = 0;
    }
}

static int open_failed(int errnum, const char *path, struct err *e)
{
    bool input = errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == EISDIR ||
                 errnum == EACCES || errnum == EXDEV;
    return err_os_code(e, input ? ERR_INPUT : ERR_HOST, errnum, "cannot open '%s'", path);
}

int file_read_at(int dirfd, const char *path, struct buf *out, struct err *e)
{
    /* O_NONBLOCK: a FIFO put in the way must not hang us before fstat can refuse it. */
    AUTO_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return open_failed(errno, path, e);
    return read_all(fd, path, out, e);
}

int file_read(const char *path, struct buf *out, struct err *e)
{
    return file_read_at(AT_FDCWD, path, out, e);
}

int fd_write_all(int fd, const void *data, size_t len, const char *what, struct err *e)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(e, errno, "cannot write '%s'", what);
        done += (size_t)n;
    }
    return 0;
}

int fd_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *what, struct err *e)
{
    for (size_t done = 0; done < len;) {
        uint64_t at;
        if (!add_u64(offset, done, &at) || at > INT64_MAX)
            return err_set(e, ERR_INPUT, "cannot read '%s': offset out of range", what);
        ssize_t n = pread(fd, (char *)data + done, len - done, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(e, errno, "cannot read '%s'", what);
        if (n == 0)
            return err_set(e, ERR_INPUT, "cannot read '%s': it ends too early", what);
        done += (size_t)n;
    }
    return 0;
}

/* Opens the directory that holds `path`; *name is the last component (borrowed from path). */
static int open_parent(const char *path, int *dirfd, const char **name, struct err *e)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *dir = NULL;
    if (slash == NULL)
        dir = strdup(".");
    else
        dir = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    if (dir == NULL)
        return err_oom(e);
    *name = slash == NULL ? path : slash + 1;
    if (**name == 0)
        return err_set(e, ERR_USAGE, "cannot write '%s': it names a directory", path);
    *dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*dirfd < 0)
        return err_os_code(e, errno == ENOENT ? ERR_USAGE : ERR_HOST, errno,
                           "cannot open directory '%s'", dir);
    return 0;
}

static int random_u64(uint64_t *out, struct err *e)
{
    const struct host *host = host_real();
    return host->random(host->context, out, sizeof(*out), e);
}

/* ".<name>.<16 hex digits>": hidden, and never equal to a name that a reader looks for. */
static int temp_name(const char *name, char **out, struct err *e)
{
    uint64_t random;
    int rc = random_u64(&random, e);
    if (rc < 0)
        return rc;
    return str_format(out, e, ".%.200s.%016llx", name, (unsigned long long)random);
}

/* The temporary name as a path: the directory of `path`, and the name. */
static int temp_path(const char *path, const char *name, char **out, struct err *e)
{
    return str_format(out, e, "%.*s%s", (int)(path_base(path) - path), path, name);
}

mode_t mode_by_umask(mode_t mode)
{
    mode_t mask = umask(077);
    (void)umask(mask);
    return mode & ~mask;
}

int atomic_file_open(struct atomic_file *f, const char *path, mode_t mode, struct err *e)
{
    struct atomic_file fresh = ATOMIC_FILE_INIT;
    *f = fresh;
    const char *name = NULL;
    int rc = open_parent(path, &f->dirfd, &name, e);
    if (rc == 0)
        rc = str_copy(&f->name, name, e);
    if (rc == 0)
        rc = temp_name(name, &f->temp, e);
    if (rc == 0)
        rc = temp_path(path, f->temp, &f->path, e);
    if (rc == 0)
        rc = cleanup_path(f->path, e);
    if (rc < 0)
        return rc;
    f->fd = openat(f->dirfd, f->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   mode == MODE_BY_UMASK ? 0666 : 0600);
    if (f->fd < 0) {
        int errnum = errno;
        free(steal_ptr(&f->temp)); /* nothing to remove */
        return err_os(e, errnum, "cannot create '%s'", path);
    }
    if (mode != MODE_BY_UMASK && fchmod(f->fd, mode) != 0)
        return err_os(e, errno, "cannot set the mode of '%s'", path);
    return 0;
}

int atomic_file_commit(struct atomic_file *f, struct err *e)
{
    if (fsync(f->fd) != 0)
        return err_os(e, errno, "cannot sync '%s'", f->name);
    if (close(steal_fd(&f->fd)) != 0)
        return err_os(e, errno, "cannot write '%s'", f->name);
    if (renameat(f->dirfd, f->temp, f->dirfd, f->name) != 0)
        return err_os(e, errno, "cannot rename to '%s'", f->name);
    f->committed = true;
    cleanup_forget(f->path);
    if (fsync(f->dirfd) != 0)
        return err_os(e, errno, "cannot sync the directory of '%s'", f->name);
    return 0;
}

void atomic_file_dispose(struct atomic_file *f)
{
    if (f->fd >= 0)
        (void)close(steal_fd(&f->fd));
    if (f->temp != NULL && !f->committed)
        (void)unlinkat(f->dirfd, f->temp, 0);
    if (f->path != NULL)
        cleanup_forget(f->path);
    if (f->dirfd >= 0)
        (void)close(steal_fd(&f->dirfd));
    free(steal_ptr(&f->temp));
    free(steal_ptr(&f->path));
    free(steal_ptr(&f->name));
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
    AUTO_ATOMIC_FILE f = ATOMIC_FILE_INIT;
    int rc = atomic_file_open(&f, path, mode, e);
    if (rc == 0)
        rc = fd_write_all(f.fd, data, len, path, e);
    if (rc == 0)
        rc = atomic_file_commit(&f, e);
    return rc;
}

int dir_make(const char *path, struct err *e)
{
    AUTO_FREE char *copy = strdup(path);
    if (copy == NULL)
        return err_oom(e);
    for (char *p = copy;; p++) {
        if (*p != '/' && *p != 0)
            continue;
        char was = *p;
        *p = 0;
        if (*copy != 0 && mkdir(copy, 0755) != 0 && errno != EEXIST)
            return err_os(e, errno, "cannot make directory '%s'", copy);
        *p = was;
        if (was == 0)
            break;
    }
    struct stat st;
    if (stat(path, &st) != 0)
        return err_os(e, errno, "cannot make directory '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_USAGE, "cannot make directory '%s': a file is in the way", path);
    return 0;
}

int dir_sync(const char *path, struct err *e)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_os(e, errno, "cannot sync directory '%s'", path);
    return 0;
}

int dir_remove(const char *path, struct err *e)
{
    int errnum = remove_tree(AT_FDCWD, path);
    if (errnum != 0)
        return err_os(e, errnum, "cannot remove '%s'", path);
    cleanup_forget(path);
    return 0;
}

int dir_make_temp(const char *parent, const char *prefix, char **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    uint64_t random;
    int rc = random_u64(&random, e);
    if (rc == 0)
        rc = str_format(&path, e, "%s/%s%016llx", parent, prefix, (unsigned long long)random);
    if (rc == 0)
        rc = cleanup_path(path, e);
    if (rc < 0 || path == NULL)
        return rc;
    if (mkdir(path, 0700) != 0) {
        rc = err_os(e, errno, "cannot make a temporary directory in '%s'", parent);
        cleanup_forget(path);
        return rc;
    }
    *out = steal_ptr(&path);
    return 0;
}

void dir_keep(const char *path)
{
    cleanup_forget(path);
}

int open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct err *e)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd;
    do
        fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd < 0)
        return open_failed(errno, path, e);
    return (int)fd;
}

bool relpath_valid(const char *path)
{
    size_t len = strlen(path);
    if (len == 0 || len > 4095)
        return false;
    for (const char *p = path;;) {
        const char *slash = strchrnul(p, '/');
        size_t n = (size_t)(slash - p);
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        if (*slash == 0)
            return true;
        p = slash + 1;
    }
}

int path_join(char **out, const char *a, const char *b, struct err *e)
{
    bool slash = *a != 0 && !str_ends(a, "/");
    return str_format(out, e, "%s%s%s", a, slash ? "/" : "", b);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}
