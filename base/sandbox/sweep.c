/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program may leave behind. The caller will read these files with its
 * own rights, outside: a link would make it read or write something else, a
 * FIFO would make it wait, a set-id bit would lend its rights to others. The
 * filter prevents what it can see; open(2) modes and links it cannot judge.
 */
#include "base/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64, ENTRIES_MAX = 1 << 20 };

static int sweep(int dirfd, const char *path, unsigned depth, unsigned *entries, struct err *e);

static const char *kind(mode_t mode)
{
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISREG(mode))
        return "a set-id file";
    return "a special file";
}

static int sweep_entry(int dirfd, const char *path, const char *name, unsigned depth,
                       unsigned *entries, struct err *e)
{
    struct stat st;
    if (++*entries > ENTRIES_MAX)
        return err_set(e, ERR_REJECTED, "the sandboxed program left more than %d files in '%s'",
                       ENTRIES_MAX, path);
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_os(e, errno, "cannot look at '%s/%s'", path, name);
    if (S_ISREG(st.st_mode) && (st.st_mode & (S_ISUID | S_ISGID)) == 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_REJECTED, "the sandboxed program left %s in its output: '%s/%s'",
                       kind(st.st_mode), path, name);
    if (depth >= DEPTH_MAX)
        return err_set(e, ERR_REJECTED,
                       "the sandboxed program left directories deeper than %d in '%s'", DEPTH_MAX,
                       path);
    AUTO_FREE char *below = NULL;
    int rc = str_format(&below, e, "%s/%s", path, name);
    if (rc < 0)
        return rc;
    AUTO_CLOSE int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_os_code(e, ERR_REJECTED, errno,
                           "the sandboxed program left a directory that cannot be checked: '%s'",
                           below);
    return sweep(fd, below, depth + 1, entries, e);
}

static int sweep(int dirfd, const char *path, unsigned depth, unsigned *entries, struct err *e)
{
    int own = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (dir == NULL) {
        int errnum = errno;
        if (own >= 0)
            (void)close(own);
        return err_os(e, errnum, "cannot read directory '%s'", path);
    }
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL)
            return errno == 0 ? 0 : err_os(e, errno, "cannot read directory '%s'", path);
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        int rc = sweep_entry(dirfd, path, d->d_name, depth, entries, e);
        if (rc < 0)
            return rc;
    }
}

int sweep_directory(int dirfd, const char *path, struct err *e)
{
    unsigned entries = 0;
    return sweep(dirfd, path, 0, &entries, e);
}
