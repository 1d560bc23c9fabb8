/* SPDX-License-Identifier: Apache-2.0 */
/* Making a log: everything in a private directory, which gets its name last. */
#include "base/file.h"
#include "store/log/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int write_file(const char *dir, const char *name, const struct buf *data, mode_t mode,
                      struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, dir, name, e);
    return rc < 0 ? rc : file_replace(path, data->data, data->len, mode, e);
}

static int write_keys(const char *dir, const char *origin, const struct signing_key *key,
                      const char *passphrase, struct err *e)
{
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    AUTO_BUF vkey = BUF_INIT(NOTE_VKEY_MAX + 1);
    AUTO_NOTE_KEY struct note_key *note_key = NULL;
    int rc = note_key_new(origin, signing_key_public(key), &note_key, e);
    if (rc == 0)
        rc = note_key_format(note_key, &vkey, e);
    if (rc == 0)
        rc = buf_add_str(&vkey, "\n", e);
    if (rc == 0)
        rc = write_file(dir, "vkey", &vkey, MODE_BY_UMASK, e);
    if (rc == 0)
        rc = signing_key_format(key, passphrase, &pem, e);
    if (rc == 0)
        rc = write_file(dir, "key.pem", &pem, 0600, e);
    return rc;
}

/* The checkpoint of size 0, in the lock too. */
static int write_lock(const char *dir, const char *place, const struct checkpoint *head,
                      const struct buf *note, struct err *e)
{
    AUTO(log_lock_dispose) struct log_lock lock;
    log_lock_init(&lock);
    int rc = place != NULL ? log_lock_link(dir, place, e) : 0;
    return rc < 0 ? rc : log_lock_swap(dir, &lock, head, note, 1, e);
}

/* The database of an empty log: its one row is the checkpoint of size 0. */
static int write_database(const char *dir, const char *place, const char *origin,
                          const struct signing_key *key, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_LOG_DB struct log_db *db = NULL;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    struct checkpoint empty = {.size = 0};
    const struct merkle_range nothing = {.size = 0};
    memcpy(empty.origin, origin, strlen(origin) + 1); /* note_name_valid has bounded it */
    int rc = merkle_range_root(&nothing, &empty.root, e);
    if (rc == 0)
        rc = checkpoint_sign(&empty, key, &note, e);
    if (rc == 0)
        rc = path_join(&path, dir, "log.db", e);
    if (rc == 0)
        rc = log_db_create(path, &db, e);
    if (rc == 0)
        rc = log_db_begin(db, true, e);
    if (rc == 0)
        rc = log_db_add_checkpoint(db, 0, note.data, note.len, e);
    if (rc == 0)
        rc = log_db_commit(db, e);
    if (rc == 0)
        rc = write_lock(dir, place, &empty, &note, e);
    return rc;
}

/* The directory "a/b" is in is "a". */
static int parent_of(const char *path, char **out, struct err *e)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len == 0 ? str_copy(out, ".", e) : str_format(out, e, "%.*s", (int)len, path);
}

/* Gives the finished directory its name, unless the name is taken. */
static int publish(const char *temp, const char *parent, const char *path, struct err *e)
{
    int rc = dir_sync(temp, e);
    if (rc < 0)
        return rc;
    if (chmod(temp, mode_by_umask(0777)) < 0)
        return err_os(e, errno, "cannot set the mode of '%s'", temp);
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST)
            return err_set(e, ERR_USAGE, "'%s' exists already", path);
        return err_os(e, errno, "cannot rename '%s' to '%s'", temp, path);
    }
    dir_keep(temp);
    return dir_sync(parent, e);
}

int tlog_create(const char *path, const char *origin, const char *passphrase, struct err *e)
{
    return tlog_create_locked(path, NULL, origin, passphrase, e);
}

int tlog_create_locked(const char *path, const char *lock, const char *origin,
                       const char *passphrase, struct err *e)
{
    AUTO_FREE char *place = NULL;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_FREE char *parent = NULL;
    AUTO_FREE char *temp = NULL;
    struct stat st;
    if (!note_name_valid(origin))
        return err_set(e, ERR_USAGE,
                       "cannot create log '%s': '%s' is not a log name (no spaces, no '+')", path,
                       origin);
    if (lstat(path, &st) == 0)
        return err_set(e, ERR_USAGE, "cannot create log '%s': it exists already", path);
    int rc = lock != NULL ? log_lock_absolute(path, lock, &place, e) : 0;
    if (rc == 0)
        rc = parent_of(path, &parent, e);
    if (rc == 0)
        rc = signing_key_generate(KEY_ED25519, &key, e);
    if (rc == 0)
        rc = dir_make_temp(parent, ".assay-log-", &temp, e);
    if (rc == 0)
        rc = write_keys(temp, origin, key, passphrase, e);
    if (rc == 0)
        rc = write_database(temp, place, origin, key, e);
    if (rc == 0)
        rc = publish(temp, parent, path, e);
    if (rc == 0)
        return 0;
    if (temp != NULL) {
        struct err ignored = ERR_INIT;
        (void)dir_remove(temp, &ignored);
        if (place != NULL) /* it was not there before */
            (void)unlink(place);
    }
    return err_wrap(e, "cannot create log '%s'", path);
}
