/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store: the layout on disk, and the lock that keeps collectors out. */
#include "store/cas/cas_internal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/media_types.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

static const char layout_text[] = OCI_LAYOUT_BYTES;
static const char index_text[] =
    "{\"manifests\":[],\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"schemaVersion\":2}";

/* All that a store's directory may hold while it is being made: a killed creation can be taken up
 * again. */
static const char *const own_names[] = {"lock",     "index.lock", "tmp",        "actions",
                                        "blobs",    "index.json", "oci-layout", "quota",
                                        "verified", "damaged",    NULL};

int cas_need_writable(const struct cas *cas, struct err *e)
{
    if (cas->read_only)
        return err_set(e, ERR_HOST, "cannot write to store '%s': it was opened read-only",
                       cas->path);
    return 0;
}

int cas_need_sha256(const struct digest *digest, struct err *e)
{
    if (digest->alg != DIGEST_SHA256)
        return err_set(e, ERR_INPUT, "the blob store holds sha256 digests only");
    return 0;
}

const char *cas_path(const struct cas *cas)
{
    return cas->path;
}

void cas_set_lower(struct cas *cas, struct cas *lower)
{
    cas->lower = lower;
}

int cas_sync_dir(const struct cas *cas, int dir, struct err *e)
{
    if (fsync(dir) != 0)
        return err_os(e, errno, "cannot sync a directory of store '%s'", cas->path);
    return 0;
}

/* Opens the directory dir/name, making it first when asked; links are not followed. */
static int open_dir(const struct cas *cas, int dir, const char *name, mode_t make, int *out,
                    struct err *e)
{
    if (make != 0) {
        if (mkdirat(dir, name, make) == 0) {
            int rc = cas_sync_dir(cas, dir, e);
            if (rc < 0)
                return rc;
        } else if (errno != EEXIST) {
            return err_os(e, errno, "cannot make directory '%s' in store '%s'", name, cas->path);
        }
    }
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        bool wrong = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
        return err_os_code(e, wrong ? ERR_INPUT : ERR_HOST, errno,
                           "cannot open directory '%s' in store '%s'", name, cas->path);
    }
    if (make != 0)
        cas_share(cas->root, fd);
    *out = fd;
    return 0;
}

int cas_read_small(const struct cas *cas, int dir, const char *name, struct buf *out, bool *found,
                   struct err *e)
{
    AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *found = false;
        return 0;
    }
    if (fd < 0)
        return err_os_code(e, errno == ELOOP ? ERR_INPUT : ERR_HOST, errno,
                           "cannot open '%s' in store '%s'", name, cas->path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot look at '%s' in store '%s'", name, cas->path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' in store '%s' is no regular file", name, cas->path);
    for (;;) {
        if (out->len >= out->max)
            return err_set(e, ERR_INPUT, "'%s' in store '%s' is longer than %zu bytes", name,
                           cas->path, out->max - 1);
        size_t room = out->max - out->len < 65536 ? out->max - out->len : 65536;
        int rc = buf_reserve(out, room, e);
        if (rc < 0)
            return rc;
        ssize_t n = read(fd, out->data + out->len, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(e, errno, "cannot read '%s' in store '%s'", name, cas->path);
        if (n == 0)
            break;
        out->len += (size_t)n;
        out->data[out->len] = 0;
    }
    *found = true;
    return 0;
}

/* OCI image layout: the version must be one that is known; other members may be there. */
static int check_layout(const struct cas *cas, bool *found, struct err *e)
{
    AUTO_BUF text = BUF_INIT(65536);
    int rc = cas_read_small(cas, cas->root, "oci-layout", &text, found, e);
    if (rc < 0 || !*found)
        return rc;
    AUTO_JSON json_t *doc = NULL;
    AUTO_FREE char *what = NULL;
    if ((rc = str_format(&what, e, "'oci-layout' in store '%s'", cas->path)) < 0 ||
        (rc = json_parse(buf_str(&text), text.len, what, NULL, &doc, e)) < 0)
        return rc;
    struct jcur root = jcur_root(doc, what);
    const char *version = NULL;
    rc = jcur_open_object(&root, e);
    if (rc == 0)
        rc = jcur_get_string(&root, "imageLayoutVersion", 64, &version, e);
    if (rc == 0 && strcmp(version, "1.0.0") != 0)
        rc = err_set(e, ERR_INPUT,
                     "cannot use store '%s': its image layout version is '%s', not 1.0.0",
                     cas->path, version);
    return rc;
}

/* A store is made only in a directory that holds nothing else, so that a mistyped path is not
 * littered. */
static int check_vacant(const struct cas *cas, struct err *e)
{
    int fd = openat(cas->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        return err_os(e, errno, "cannot list store '%s'", cas->path);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        bool own = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        for (size_t i = 0; !own && own_names[i] != NULL; i++)
            own = strcmp(name, own_names[i]) == 0;
        if (!own)
            return err_set(e, ERR_INPUT,
                           "cannot make a store in '%s': it is no store and holds '%s'", cas->path,
                           name);
    }
    return 0;
}

static int flock_retry(int fd, int operation)
{
    int rc = 0;
    do {
        rc = flock(fd, operation);
    } while (rc != 0 && errno == EINTR);
    return rc;
}

/*
 * The shared lock. When nobody else has the store, the exclusive one is had
 * for a moment, and in that moment the files of writers that died go away.
 */
static int take_lock(struct cas *cas, bool clear, struct err *e)
{
    cas->lock = cas_lock_file(cas->root, "lock");
    if (cas->lock < 0)
        return err_os(e, errno, "cannot open the lock of store '%s'", cas->path);
    if (flock_retry(cas->lock, LOCK_EX | LOCK_NB) == 0) {
        uint64_t count = 0;
        uint64_t bytes = 0;
        int rc = clear ? cas_temp_clear(cas, false, &count, &bytes, e) : 0;
        if (rc == 0)
            rc = cas_quota_settle(cas, e);
        if (rc < 0)
            return rc;
    } else if (errno != EWOULDBLOCK) {
        return err_os(e, errno, "cannot lock store '%s'", cas->path);
    }
    if (flock_retry(cas->lock, LOCK_SH) != 0)
        return err_os(e, errno, "cannot lock store '%s'", cas->path);
    return 0;
}

/* Writes a first file unless somebody else did. */
static int make_file(struct cas *cas, const char *name, const char *text, struct err *e)
{
    struct stat st;
    if (fstatat(cas->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    char temp[CAS_TEMP_NAME_MAX];
    AUTO_CLOSE int fd = -1;
    int rc = cas_temp_open(cas, temp, &fd, e);
    if (rc < 0)
        return rc;
    rc = fd_write_all(fd, text, strlen(text), name, e);
    if (rc == 0 && (fchmod(fd, 0644) != 0 || fdatasync(fd) != 0))
        rc = err_os(e, errno, "cannot write '%s' in store '%s'", name, cas->path);
    if (rc == 0)
        cas_share(cas->root, fd);
    if (rc == 0 && linkat(cas->temp, temp, cas->root, name, 0) != 0 && errno != EEXIST)
        rc = err_os(e, errno, "cannot make '%s' in store '%s'", name, cas->path);
    cas_temp_remove(cas, temp);
    if (rc == 0)
        rc = cas_sync_dir(cas, cas->root, e);
    return rc;
}

static int open_directories(struct cas *cas, bool create, bool clear, struct err *e)
{
    AUTO_CLOSE int blobs = -1;
    mode_t blob_mode = create ? 0755 : 0;
    int rc = 0;
    if (!cas->read_only) {
        rc = open_dir(cas, cas->root, "tmp", 0700, &cas->temp, e);
        if (rc == 0)
            rc = open_dir(cas, cas->root, "actions", 0755, &cas->actions, e);
    } else {
        /* Without one there are no actions; its absence is no fault. */
        cas->actions =
            openat(cas->root, "actions", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (rc == 0)
        rc = open_dir(cas, cas->root, "blobs", blob_mode, &blobs, e);
    if (rc == 0)
        rc = open_dir(cas, blobs, "sha256", blob_mode, &cas->blobs, e);
    if (rc == 0 && !cas->read_only)
        rc = cas_quota_open(cas, e);
    if (rc == 0 && !cas->read_only)
        rc = take_lock(cas, clear, e);
    return rc;
}

/* The marker comes last: a directory that has it has all the rest. */
static int open_layout(struct cas *cas, unsigned flags, struct err *e)
{
    bool found = false;
    int rc = check_layout(cas, &found, e);
    if (rc < 0)
        return rc;
    bool create = !found && (flags & CAS_CREATE) != 0;
    if (!found && !create)
        return err_set(e, ERR_INPUT, "no blob store in '%s': 'oci-layout' is missing", cas->path);
    if (create && (rc = check_vacant(cas, e)) < 0)
        return rc;
    rc = open_directories(cas, create || (flags & CAS_CREATE) != 0,
                          (flags & CAS_KEEP_TEMPORARY) == 0, e);
    if (rc == 0 && create)
        rc = make_file(cas, "index.json", index_text, e);
    if (rc == 0 && create)
        rc = make_file(cas, "oci-layout", layout_text, e);
    return rc;
}

int cas_open(const char *path, unsigned flags, struct cas **out, struct err *e)
{
    struct cas *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return err_oom(e);
    fresh->root = fresh->blobs = fresh->temp = fresh->actions = fresh->lock = fresh->quota = -1;
    fresh->read_only = (flags & CAS_READ_ONLY) != 0;
    fresh->scratch = (flags & CAS_SCRATCH) != 0 && !fresh->read_only;
    (void)pthread_mutex_init(&fresh->mutex, NULL);
    AUTO_CAS struct cas *cas = fresh;
    int rc = str_copy(&cas->path, path, e);
    if (rc < 0)
        return rc;
    if (cas->read_only)
        flags &= ~(unsigned)CAS_CREATE;
    if ((flags & CAS_CREATE) != 0 && (rc = dir_make(path, e)) < 0)
        return rc;
    cas->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cas->root < 0) {
        bool wrong = errno == ENOENT || errno == ENOTDIR;
        return err_os_code(e, wrong ? ERR_INPUT : ERR_HOST, errno, "cannot open store '%s'", path);
    }
    rc = open_layout(cas, flags, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&cas);
    return 0;
}

void cas_close(struct cas *cas)
{
    if (cas == NULL)
        return;
    cas_scratch_remove(cas);
    if (cas->lock >= 0)
        cas_record_save(cas);
    const int fds[] = {cas->root, cas->blobs, cas->temp, cas->actions, cas->lock, cas->quota};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        scope_close(&fds[i]);
    (void)pthread_mutex_destroy(&cas->mutex);
    free(cas->memo.entries);
    free(cas->record.entries);
    free(cas->path);
    free(cas);
}
