/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files: private to the store, on its file system, and gone when their writer is. */
#include "store/cas/cas_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cas_temp_open(struct cas *cas, char *name, int *fd, struct err *e)
{
    int rc = cas_need_writable(cas, e);
    if (rc < 0)
        return rc;
    /* A name can be taken by a writer of another process namespace with the same number: try the
     * next. */
    for (unsigned tries = 0; tries < 100000; tries++) {
        unsigned serial = atomic_fetch_add(&cas->temp_count, 1);
        (void)snprintf(name, CAS_TEMP_NAME_MAX, "w%ld-%u", (long)getpid(), serial);
        int made =
            openat(cas->temp, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (made >= 0) {
            *fd = made;
            return 0;
        }
        if (errno != EEXIST)
            return err_os(e, errno, "cannot make a temporary file in store '%s'", cas->path);
    }
    return err_set(e, ERR_HOST, "cannot make a temporary file in store '%s': too many are there",
                   cas->path);
}

void cas_temp_remove(struct cas *cas, const char *name)
{
    (void)unlinkat(cas->temp, name, 0);
}

int cas_temp_clear(struct cas *cas, bool dry_run, uint64_t *count, uint64_t *bytes, struct err *e)
{
    int fd = openat(cas->temp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        return err_os(e, errno, "cannot list the temporary files of store '%s'", cas->path);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct stat st;
        if (fstatat(cas->temp, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
            continue;
        /* Its writer may have died between counting and naming. */
        int rc = cas_quota_forget(cas, e);
        if (rc < 0)
            return rc;
        if (!dry_run && unlinkat(cas->temp, entry->d_name, 0) != 0 && errno != ENOENT)
            return err_os(e, errno, "cannot remove temporary file '%s' of store '%s'",
                          entry->d_name, cas->path);
        *count += 1;
        *bytes += (uint64_t)st.st_size;
    }
    return 0;
}

int cas_replace(struct cas *cas, int dir, const char *name, const void *data, size_t len, bool sync,
                struct err *e)
{
    char temp[CAS_TEMP_NAME_MAX];
    AUTO_CLOSE int fd = -1;
    int rc = cas_temp_open(cas, temp, &fd, e);
    if (rc < 0)
        return rc;
    rc = fd_write_all(fd, data, len, name, e);
    if (rc == 0 && (fchmod(fd, 0644) != 0 || (sync && fdatasync(fd) != 0)))
        rc = err_os(e, errno, "cannot write '%s' in store '%s'", name, cas->path);
    if (rc == 0)
        cas_share(cas->root, fd);
    if (rc == 0 && renameat(cas->temp, temp, dir, name) != 0)
        rc = err_os(e, errno, "cannot replace '%s' in store '%s'", name, cas->path);
    if (rc < 0) {
        cas_temp_remove(cas, temp);
        return rc;
    }
    return sync ? cas_sync_dir(cas, dir, e) : 0;
}
