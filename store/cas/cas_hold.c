/* SPDX-License-Identifier: Apache-2.0 */
/* Holding a store open from outside: for whoever gives a read-only view of it to somebody else. */
#include "store/cas/cas_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Reading is enough to lock; who may write makes a lock that is missing. */
static int open_lock(int root)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(root, "lock", O_RDONLY | flags);
    return fd >= 0 || errno != ENOENT ? fd : cas_lock_file(root, "lock");
}

int cas_hold(const char *path, int *fd, struct err *e)
{
    struct stat st;
    int rc = 0;
    AUTO_CLOSE int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_os_code(e, errno == ENOENT || errno == ENOTDIR ? ERR_INPUT : ERR_HOST, errno,
                           "cannot open store '%s'", path);
    AUTO_CLOSE int lock = open_lock(root);
    if (lock < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        *fd = -1; /* it was never open for writing, and it is not ours to change */
        return 0;
    }
    if (lock < 0 || fstat(lock, &st) != 0)
        return err_os(e, errno, "cannot open the lock of store '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "the lock of store '%s' is no regular file", path);
    do {
        rc = flock(lock, LOCK_SH);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0)
        return err_os(e, errno, "cannot lock store '%s'", path);
    *fd = steal_fd(&lock);
    return 0;
}
