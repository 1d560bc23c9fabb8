/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/export.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/media_types.h"
#include "formats/machine/unpack.h"
#include "formats/oci/oci_layout_write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define STAGING_PREFIX ".assay-build."

static int open_dir(const char *dir, int *out, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot open directory '%s'", dir);
    *out = fd;
    return 0;
}

enum export_form export_form(const char *media_type)
{
    if (strcmp(media_type, MEDIA_OCI_MANIFEST) == 0)
        return EXPORT_LAYOUT;
    return strcmp(media_type, MEDIA_ASSAY_CARTESI_MACHINE) == 0 ? EXPORT_MACHINE : EXPORT_FILE;
}

/* What a directory must have in it to be replaced by another of its form. */
static const struct {
    const char *noun;
    const char *marks[2];
} directory_forms[] = {
    [EXPORT_LAYOUT] = {"an OCI image layout", {"oci-layout", NULL}},
    [EXPORT_MACHINE] = {"a stored machine", {"config.json", "hash_tree.sht"}},
};

static bool has_form(int dirfd, const char *name, enum export_form form)
{
    AUTO_CLOSE int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    for (size_t i = 0; fd >= 0 && i < 2 && directory_forms[form].marks[i] != NULL; i++)
        if (fstatat(fd, directory_forms[form].marks[i], &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            return false;
    return fd >= 0;
}

/* A directory of somebody else must never go away because an artifact has its name. */
static int check_item(int dirfd, const char *dir, const struct export_item *item, bool *exists,
                      struct err *e)
{
    struct stat st;
    *exists = fstatat(dirfd, item->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*exists)
        return errno == ENOENT ? 0 : err_os(e, errno, "cannot look at '%s/%s'", dir, item->name);
    if (item->form == EXPORT_FILE)
        return S_ISREG(st.st_mode)
                   ? 0
                   : err_set(e, ERR_USAGE, "cannot replace '%s/%s': it is %s", dir, item->name,
                             S_ISLNK(st.st_mode)   ? "a symbolic link"
                             : S_ISDIR(st.st_mode) ? "a directory"
                                                   : "no plain file");
    return has_form(dirfd, item->name, item->form)
               ? 0
               : err_set(e, ERR_USAGE, "cannot replace '%s/%s': it is not %s", dir, item->name,
                         directory_forms[item->form].noun);
}

int export_check(const char *dir, const struct export_item *items, size_t count, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    int rc = dir_make(dir, e);
    if (rc < 0 || (rc = open_dir(dir, &fd, e)) < 0)
        return rc;
    if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return err_os(e, errno, "cannot write to directory '%s'", dir);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        bool exists;
        rc = check_item(fd, dir, &items[i], &exists, e);
    }
    return rc;
}

/* Only under the lock: what is there then was left by a run that died. */
static int remove_stale(int dirfd, const char *dir, struct err *e)
{
    int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (list == NULL)
        return err_os(e, errno, "cannot list directory '%s'", dir);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        AUTO_FREE char *path = NULL;
        if (!str_starts(entry->d_name, STAGING_PREFIX))
            continue;
        int rc = path_join(&path, dir, entry->d_name, e);
        if (rc < 0 || (rc = dir_remove(path, e)) < 0)
            return rc;
    }
    return 0;
}

/* The directory that the tar packs; every file of it is synced. */
static int write_machine(struct cas *cas, const struct digest *digest, const char *path,
                         struct err *e)
{
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int rc = cas_open_blob(cas, digest, &fd, &size, e);
    if (rc < 0)
        return rc;
    if (mkdir(path, 0777) != 0)
        return err_os(e, errno, "cannot make directory '%s'", path);
    if ((rc = machine_unpack_into(fd, size, path, e)) < 0)
        return rc;
    return dir_sync(path, e);
}

static int write_item(struct cas *cas, const char *staging, const struct export_item *item,
                      struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, staging, item->name, e);
    if (rc < 0)
        return rc;
    if (item->data != NULL)
        return file_replace(path, item->data, item->len, MODE_BY_UMASK, e);
    switch (item->form) {
    case EXPORT_LAYOUT:
        return oci_layout_export(cas, &item->digest, "latest", path, e);
    case EXPORT_MACHINE:
        return write_machine(cas, &item->digest, path, e);
    case EXPORT_FILE:
        break;
    }
    return cas_export_file(cas, &item->digest, path, e);
}

/* The old directory goes into the staging directory, and away with it. */
static int move_item(int dirfd, int staging, const char *dir, const struct export_item *item,
                     struct err *e)
{
    bool exists;
    int rc = check_item(dirfd, dir, item, &exists, e);
    if (rc < 0)
        return rc;
    unsigned flags = exists && item->form != EXPORT_FILE ? RENAME_EXCHANGE : 0;
    if (renameat2(staging, item->name, dirfd, item->name, flags) != 0)
        return err_os(e, errno, "cannot rename '%s' into directory '%s'", item->name, dir);
    return 0;
}

/* An interrupt finds none of them, or all. */
static int move_all(int dirfd, const char *dir, int staging, const struct export_item *items,
                    size_t count, struct err *e)
{
    int rc = 0;
    cleanup_defer();
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = move_item(dirfd, staging, dir, &items[i], e);
    cleanup_resume();
    if (rc == 0 && fsync(dirfd) != 0)
        rc = err_os(e, errno, "cannot sync directory '%s'", dir);
    return rc;
}

static int write_all(int dirfd, const char *dir, const char *staging, struct cas *cas,
                     const struct export_item *items, size_t count, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    int rc = open_dir(staging, &fd, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = write_item(cas, staging, &items[i], e);
        if (rc < 0)
            rc = err_wrap(e, "cannot write artifact '%s'", items[i].name);
    }
    return rc == 0 ? move_all(dirfd, dir, fd, items, count, e) : rc;
}

static int lock(int fd, const char *dir, struct err *e)
{
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return err_os(e, errno, "cannot lock directory '%s'", dir);
    return 0;
}

/* It is what its form says, with the mode that our own would have, and on the disk. */
static int check_taken(int from, const struct export_item *item, struct err *e)
{
    struct stat st;
    AUTO_CLOSE int fd = openat(from, item->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot open the artifact '%s'", item->name);
    bool file = item->form == EXPORT_FILE;
    if (file ? !S_ISREG(st.st_mode) : !has_form(from, item->name, item->form))
        return err_set(e, ERR_INPUT, "the artifact '%s' is not %s", item->name,
                       file ? "a plain file" : directory_forms[item->form].noun);
    if (fchmod(fd, mode_by_umask(file ? 0666 : 0777)) != 0)
        return err_os(e, errno, "cannot change the mode of '%s'", item->name);
    return (file ? fsync(fd) : syncfs(fd)) == 0
               ? 0
               : err_os(e, errno, "cannot sync the artifact '%s'", item->name);
}

int export_take(const char *dir, const char *from, const struct export_item *items, size_t count,
                struct err *e)
{
    AUTO_CLOSE int fd = -1;
    AUTO_CLOSE int staging = -1;
    bool exists;
    int rc = open_dir(dir, &fd, e);
    if (rc < 0 || (rc = open_dir(from, &staging, e)) < 0 || (rc = lock(fd, dir, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if ((rc = check_taken(staging, &items[i], e)) == 0)
            rc = check_item(fd, dir, &items[i], &exists, e);
    return rc == 0 ? move_all(fd, dir, staging, items, count, e) : rc;
}

int export_write(const char *dir, struct cas *cas, const struct export_item *items, size_t count,
                 struct err *e)
{
    AUTO_CLOSE int fd = -1;
    AUTO_FREE char *staging = NULL;
    int rc = open_dir(dir, &fd, e);
    if (rc < 0)
        return rc;
    if ((rc = lock(fd, dir, e)) < 0 || (rc = remove_stale(fd, dir, e)) < 0 ||
        (rc = dir_make_temp(dir, STAGING_PREFIX, &staging, e)) < 0)
        return rc;
    rc = write_all(fd, dir, staging, cas, items, count, e);
    struct err ignored = ERR_INIT;
    (void)dir_remove(staging, rc < 0 ? &ignored : e);
    return rc;
}
