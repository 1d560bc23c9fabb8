/* SPDX-License-Identifier: Apache-2.0 */
#include "base/private_dir.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PREFIX "assay-lock-"
#define LOCK_NAME "in-use"

/*
 * Whether `name` in `parent` is a directory of ours whose run is dead: its lock
 * can be had. One without a lock file is just being made, or not ours: it stays.
 */
static bool abandoned(int parent, const char *name)
{
    struct stat st;
    AUTO_CLOSE int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid())
        return false;
    AUTO_CLOSE int lock = openat(dir, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    return lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0;
}

/* Best effort: what cannot be removed is left to the next run. */
static void sweep(const char *parent)
{
    struct err ignored = ERR_INIT;
    AUTO_CLOSEDIR DIR *d = opendir(parent);
    if (d == NULL)
        return;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        AUTO_FREE char *path = NULL;
        if (str_starts(entry->d_name, PREFIX) && abandoned(dirfd(d), entry->d_name) &&
            path_join(&path, parent, entry->d_name, &ignored) == 0)
            (void)dir_remove(path, &ignored);
    }
}

static int take_lock(struct private_dir *dir, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, dir->path, LOCK_NAME, e);
    if (rc < 0)
        return rc;
    dir->lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (dir->lock < 0 || flock(dir->lock, LOCK_EX | LOCK_NB) < 0)
        return err_os(e, errno, "cannot lock '%s'", path);
    return 0;
}

int private_dir_make(const char *parent, struct private_dir *out, struct err *e)
{
    struct private_dir dir = PRIVATE_DIR_INIT;
    sweep(parent);
    int rc = dir_make_temp(parent, PREFIX, &dir.path, e);
    if (rc == 0 && (rc = take_lock(&dir, e)) < 0)
        private_dir_remove(&dir);
    if (rc == 0)
        *out = dir;
    return rc;
}

void private_dir_remove(struct private_dir *dir)
{
    struct err ignored = ERR_INIT;
    if (dir->path == NULL)
        return;
    (void)dir_remove(dir->path, &ignored);
    if (dir->lock >= 0)
        (void)close(dir->lock);
    free(dir->path);
    *dir = (struct private_dir)PRIVATE_DIR_INIT;
}
