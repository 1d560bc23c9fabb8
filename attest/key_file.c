/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair on disk: two new files, or none. */
#include "attest/key.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int refuse_existing(const char *path, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) != 0 && errno == ENOENT)
        return 0;
    return err_set(e, ERR_USAGE, "cannot create '%s': it exists, and keys are never overwritten",
                   path);
}

/* As file_replace, but never over a file that is there. */
static int create_new(const char *path, const struct buf *text, mode_t mode, struct err *e)
{
    AUTO_ATOMIC_FILE f = ATOMIC_FILE_INIT;
    int rc = atomic_file_open(&f, path, mode, e);
    if (rc < 0 || (rc = fd_write_all(f.fd, text->data, text->len, path, e)) < 0)
        return rc;
    if (fsync(f.fd) != 0)
        return err_os(e, errno, "cannot sync '%s'", path);
    if (renameat2(f.dirfd, f.temp, f.dirfd, f.name, RENAME_NOREPLACE) == 0)
        f.committed = true;
    else if (errno == EINVAL) /* a file system without it: a link does not overwrite either */
        rc = linkat(f.dirfd, f.temp, f.dirfd, f.name, 0);
    else
        rc = -1;
    if (rc < 0 && errno == EEXIST)
        return refuse_existing(path, e);
    if (rc < 0 || fsync(f.dirfd) != 0)
        return err_os(e, errno, "cannot create '%s'", path);
    return 0;
}

int key_files_absent(const char *path, struct err *e)
{
    AUTO_FREE char *public_name = NULL;
    int rc = refuse_existing(path, e);
    if (rc < 0 || (rc = str_format(&public_name, e, "%s.pub", path)) < 0)
        return rc;
    return refuse_existing(public_name, e);
}

/* Both, or none: also when an interrupt comes. */
static int create_pair(const char *private_path, const struct buf *private_pem,
                       const char *public_path, const struct buf *public_pem, struct err *e)
{
    cleanup_defer();
    int rc = create_new(private_path, private_pem, 0600, e);
    if (rc == 0 && (rc = create_new(public_path, public_pem, MODE_BY_UMASK, e)) < 0)
        (void)unlink(private_path); /* ours, of just now */
    cleanup_resume();
    return rc;
}

int key_files_create(const struct signing_key *key, const char *passphrase, const char *path,
                     char **public_path, struct err *e)
{
    AUTO_BUF private_pem = BUF_INIT(KEY_FILE_MAX);
    AUTO_BUF public_pem = BUF_INIT(KEY_FILE_MAX);
    AUTO_FREE char *public_name = NULL;
    int rc = str_format(&public_name, e, "%s.pub", path);
    if (rc < 0 || (rc = key_files_absent(path, e)) < 0 ||
        (rc = signing_key_format(key, passphrase, &private_pem, e)) < 0 ||
        (rc = public_key_format(signing_key_public(key), &public_pem, e)) < 0 ||
        (rc = create_pair(path, &private_pem, public_name, &public_pem, e)) < 0)
        return rc;
    *public_path = steal_ptr(&public_name);
    return 0;
}
