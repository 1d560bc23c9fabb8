/* SPDX-License-Identifier: Apache-2.0 */
/* Writing blobs: bytes go to a private file, and get their name only when they are complete, synced
 * and right. */
#include "store/cas/cas_internal.h"

#include "base/destination.h"
#include "base/file.h"
#include "base/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* The kernel is told to start writing this often, so that the sync at the end finds little left to
 * do. */
static const uint64_t writeback = UINT64_C(8) << 20;

/* A writer does not know yet whether the store has its bytes already: so much is written before a
 * full quota stops it. */
static const uint64_t quota_slack = UINT64_C(1) << 20;

/* Has the kernel start writing now and then, so that the sync at the end finds little left to do.
 */
static void write_back(int fd, uint64_t done, uint64_t *flushed)
{
    if (done - *flushed < writeback)
        return;
    (void)sync_file_range(fd, (off_t)*flushed, (off_t)(done - *flushed), SYNC_FILE_RANGE_WRITE);
    *flushed = done;
}

struct cas_writer {
    struct cas *cas;
    struct hasher *hasher;
    struct digest expected; /* alg 0 = none */
    uint64_t expected_size;
    uint64_t written;
    uint64_t flushed;
    uint64_t room; /* that the quota left when the writer was made */
    int fd;
    bool named;  /* the temporary file exists */
    bool direct; /* the descriptor was handed out */
    bool passing;
    bool ends_in_hole; /* the file is shorter than what was written, as yet */
    char name[CAS_TEMP_NAME_MAX];
};

int cas_writer_new(struct cas *cas, const struct digest *expected, uint64_t expected_size,
                   struct cas_writer **out, struct err *e)
{
    if (expected != NULL && cas_need_sha256(expected, e) != 0)
        return -ERR_INPUT;
    struct cas_writer *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return err_oom(e);
    fresh->cas = cas;
    fresh->fd = -1;
    AUTO_CAS_WRITER struct cas_writer *w = fresh;
    if (expected != NULL)
        w->expected = *expected;
    w->expected_size = expected_size;
    int rc = cas_temp_open(cas, w->name, &w->fd, e);
    if (rc < 0)
        return rc;
    w->named = true;
    rc = hasher_new(DIGEST_SHA256, &w->hasher, e);
    if (rc == 0)
        rc = cas_quota_room(cas, &w->room, e);
    if (rc < 0)
        return rc;
    if (expected != NULL && expected_size != CAS_SIZE_UNKNOWN && expected_size > w->room &&
        !cas_has_own(cas, expected))
        return cas_quota_refuse(cas, expected_size, e);
    *out = steal_ptr(&w);
    return 0;
}

void cas_writer_free(struct cas_writer *w)
{
    if (w == NULL)
        return;
    if (w->named)
        cas_temp_remove(w->cas, w->name);
    scope_close(&w->fd);
    hasher_free(w->hasher);
    free(w);
}

static int wrong_size(const struct cas_writer *w, uint64_t size, const char *how, struct err *e)
{
    return err_set(e, ERR_INPUT,
                   "cannot store blob: it is %s%" PRIu64 " bytes long, expected were %" PRIu64, how,
                   size, w->expected_size);
}

static bool is_zero(const uint8_t *p, size_t len)
{
    return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Long runs of zeros become holes: a disk image is mostly that, and costs no disk then. */
static int write_with_holes(struct cas_writer *w, const uint8_t *data, size_t len, struct err *e)
{
    enum { PIECE = 64 * 1024, HOLE_LEAST = 4096 };
    int rc = 0;
    for (size_t n; rc == 0 && len > 0; data += n, len -= n) {
        n = len < PIECE ? len : PIECE;
        w->ends_in_hole = n >= HOLE_LEAST && is_zero(data, n);
        if (!w->ends_in_hole)
            rc = fd_write_all(w->fd, data, n, "a blob", e);
        else if (lseek(w->fd, (off_t)n, SEEK_CUR) < 0)
            rc = err_os(e, errno, "cannot move in a blob");
    }
    return rc;
}

/* Whether there may be so many bytes more; *after is the size then. */
static int make_room(const struct cas_writer *w, uint64_t len, uint64_t *after, struct err *e)
{
    if (!add_u64(w->written, len, after) || *after > INT64_MAX)
        return err_set(e, ERR_INPUT, "cannot store blob: it is too long");
    if (w->expected_size != CAS_SIZE_UNKNOWN && *after > w->expected_size)
        return wrong_size(w, *after, "at least ", e);
    if (*after > w->room && *after - w->room > quota_slack)
        return cas_quota_refuse(w->cas, *after, e);
    return 0;
}

int cas_writer_zeros(struct cas_writer *w, uint64_t len, struct err *e)
{
    uint64_t after = 0;
    int rc = make_room(w, len, &after, e);
    if (rc < 0 || len == 0)
        return rc;
    if (lseek(w->fd, (off_t)len, SEEK_CUR) < 0)
        return err_os(e, errno, "cannot move in a blob");
    w->ends_in_hole = true;
    w->written = after;
    return w->direct ? 0 : hasher_zeros(w->hasher, len, e);
}

int cas_writer_write(struct cas_writer *w, const void *data, size_t len, struct err *e)
{
    uint64_t after = 0;
    int rc = make_room(w, len, &after, e);
    if (rc < 0)
        return rc;
    rc =
        w->direct ? fd_write_all(w->fd, data, len, "a blob", e) : write_with_holes(w, data, len, e);
    if (rc < 0)
        return err_wrap(e, "cannot write to store '%s'", w->cas->path);
    rc = w->direct ? 0 : hasher_update(w->hasher, data, len, e);
    if (rc < 0)
        return rc;
    w->written = after;
    if (!w->passing)
        write_back(w->fd, w->written, &w->flushed);
    return 0;
}

void cas_writer_set_passing(struct cas_writer *w)
{
    /* In a store that stays, the blob has to be on the disk before it has a name. */
    w->passing = w->cas->scratch;
}

int cas_writer_fd(struct cas_writer *w)
{
    w->direct = true;
    return w->fd;
}

/* What was written, and whether it is what was expected. */
static int measure(struct cas_writer *w, struct digest *digest, uint64_t *size, struct err *e)
{
    int rc = 0;
    if (w->ends_in_hole && ftruncate(w->fd, (off_t)w->written) != 0)
        return err_os(e, errno, "cannot write to store '%s'", w->cas->path);
    if (w->direct) {
        /* The disk writes while the processor hashes. */
        (void)sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        if (lseek(w->fd, 0, SEEK_SET) < 0)
            return err_os(e, errno, "cannot read back from store '%s'", w->cas->path);
        rc = digest_fd(DIGEST_SHA256, w->fd, digest, size, e);
    } else {
        rc = hasher_final(w->hasher, digest, e);
        *size = w->written;
    }
    if (rc < 0)
        return rc;
    if (w->expected_size != CAS_SIZE_UNKNOWN && *size != w->expected_size)
        return wrong_size(w, *size, "", e);
    if (w->expected.alg != 0 && !digest_equal(digest, &w->expected)) {
        char got[DIGEST_TEXT_MAX];
        char wanted[DIGEST_TEXT_MAX];
        return err_set(e, ERR_INPUT, "cannot store blob: its digest is %s, expected was %s",
                       digest_format(digest, got), digest_format(&w->expected, wanted));
    }
    return 0;
}

/* A good blob of that name is there already. A damaged one is not good: ours will replace it. */
static int already_there(struct cas *cas, const struct digest *digest, bool *there, bool *damaged,
                         struct err *e)
{
    int fd = -1;
    struct err why = ERR_INIT;
    int rc = cas_has_own(cas, digest) ? cas_open_blob(cas, digest, &fd, NULL, &why) : 1;
    scope_close(&fd);
    if (rc < 0 && rc != -ERR_INPUT) {
        *e = why;
        return rc;
    }
    *there = rc == 0;
    *damaged = rc == -ERR_INPUT;
    return 0;
}

/* Gives the synced file its name, over nothing unless `replace`. *added: it has it now. */
static int publish(struct cas_writer *w, const char *name, bool replace, bool *added, struct err *e)
{
    struct cas *cas = w->cas;
    *added = true;
    if (renameat2(cas->temp, w->name, cas->blobs, name, replace ? 0 : RENAME_NOREPLACE) == 0) {
        w->named = false;
        return 0;
    }
    *added = false;
    if (errno == EEXIST) /* somebody was faster, with the same bytes */
        return 0;
    /* File systems that cannot refuse to replace: a link can. */
    if (errno == EINVAL || errno == ENOSYS || errno == EPERM) {
        *added = linkat(cas->temp, w->name, cas->blobs, name, 0) == 0;
        if (*added || errno == EEXIST)
            return 0;
    }
    if (errno != EISDIR || !replace)
        return err_os(e, errno, "cannot name blob %s in '%s'", name, cas->path);
    /* A directory: no file can take its place while it is there. */
    int rc = cas_set_apart(cas, name, e);
    if (rc < 0)
        return rc;
    if (renameat2(cas->temp, w->name, cas->blobs, name, RENAME_NOREPLACE) != 0)
        return err_os(e, errno, "cannot name blob %s in '%s'", name, cas->path);
    *added = true;
    w->named = false;
    return 0;
}

/* Counted before it has its name, so that the quota is never passed. */
static int publish_counted(struct cas_writer *w, const struct digest *digest, uint64_t size,
                           bool replace, struct err *e)
{
    char name[DIGEST_TEXT_MAX];
    struct stat st;
    uint64_t before = 0; /* of a damaged one, in whose place this comes */
    bool added = false;
    (void)digest_hex(digest, name);
    if (replace && fstatat(w->cas->blobs, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(st.st_mode))
        before = (uint64_t)st.st_size;
    uint64_t more = size > before ? size - before : 0;
    int rc = cas_quota_charge(w->cas, more, e);
    if (rc < 0)
        return rc;
    rc = publish(w, name, replace, &added, e);
    if (!added)
        cas_quota_return(w->cas, more);
    else if (before > size)
        cas_quota_return(w->cas, before - size);
    return rc;
}

/* `together`: the bytes are synced already, and the directory will be. */
static int settle(struct cas_writer *w, bool together, const struct digest *digest, uint64_t size,
                  struct err *e)
{
    struct cas *cas = w->cas;
    bool there = false;
    bool damaged = false;
    int rc = already_there(cas, digest, &there, &damaged, e);
    if (rc < 0)
        return rc;
    if (cas->scratch) {
        bool added = false;
        if (!there)
            rc = cas_scratch_add(cas, digest, w->name, &added, e);
        w->named = !added;
        return rc;
    }
    if (!there) {
        if (fchmod(w->fd, 0444) != 0 || (!together && fdatasync(w->fd) != 0))
            return err_os(e, errno, "cannot write to store '%s'", cas->path);
        rc = publish_counted(w, digest, size, damaged, e);
        if (rc < 0)
            return rc;
    }
    /* Also for a blob that was there: its writer may not have come so far yet. */
    return together ? 0 : cas_sync_dir(cas, cas->blobs, e);
}

static int name_it(struct cas_writer *w, bool together, const struct digest *digest, uint64_t size,
                   struct err *e)
{
    int rc = settle(w, together, digest, size, e);
    /* Renamed, our descriptor is the blob. After a link the temporary name goes first: it changes
     * the ctime. */
    struct stat st;
    bool ours = rc == 0 && !w->named;
    if (w->named)
        cas_temp_remove(w->cas, w->name);
    w->named = false;
    if (ours && fstat(w->fd, &st) == 0)
        cas_memo_add(w->cas, digest, &st);
    scope_close(&w->fd);
    w->fd = -1;
    return rc;
}

int cas_writer_commit(struct cas_writer *w, struct digest *digest, uint64_t *size, struct err *e)
{
    struct digest actual;
    uint64_t actual_size = 0;
    int rc = measure(w, &actual, &actual_size, e);
    if (rc == 0)
        rc = name_it(w, false, &actual, actual_size, e);
    if (rc < 0)
        return rc;
    if (digest != NULL)
        *digest = actual;
    if (size != NULL)
        *size = actual_size;
    return 0;
}

int cas_put(struct cas *cas, const void *data, size_t len, struct digest *digest, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    int rc = cas_writer_new(cas, NULL, len, &w, e);
    if (rc == 0)
        rc = cas_writer_write(w, data, len, e);
    if (rc == 0)
        rc = cas_writer_commit(w, digest, NULL, e);
    return rc;
}

static int open_import(const char *path, int *out, struct err *e)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_os_code(e, errno == EMFILE || errno == ENFILE ? ERR_HOST : ERR_INPUT, errno,
                           "cannot open '%s'", path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot look at '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "cannot store '%s': it is no regular file", path);
    *out = steal_fd(&fd);
    return 0;
}

/* All of the file is in *out, which has no name yet. */
static int take_file(struct cas *cas, const char *path, const struct digest *expected,
                     struct cas_writer **out, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CAS_CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = open_import(path, &fd, e);
    if (rc == 0)
        rc = cas_writer_new(cas, expected, CAS_SIZE_UNKNOWN, &w, e);
    /* Where the file system can: a copy that shares blocks until one side is written to. It is our
     * own file; its bytes are hashed as any others. A hard link would not be: whoever has the other
     * name open can write to it. */
    if (rc == 0 && ioctl(cas_writer_fd(w), FICLONE, fd) != 0)
        w->direct = false;
    struct sparse_reader from = {.fd = fd};
    size_t got = 1;
    uint64_t zeros = 0;
    while (rc == 0 && !w->direct && got + zeros > 0) {
        if (sparse_read(&from, chunk, CAS_CHUNK, &got, &zeros) < 0)
            return err_os(e, errno, "cannot read '%s'", path);
        rc = zeros > 0 ? cas_writer_zeros(w, zeros, e) : cas_writer_write(w, chunk, got, e);
    }
    if (rc == 0)
        *out = steal_ptr(&w);
    return rc;
}

int cas_import_file(struct cas *cas, const char *path, const struct digest *expected,
                    struct digest *digest, uint64_t *size, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    int rc = take_file(cas, path, expected, &w, e);
    if (rc == 0)
        rc = cas_writer_commit(w, digest, size, e);
    return rc == 0 ? 0 : err_wrap(e, "cannot store '%s'", path);
}

static int import_together(struct cas *cas, struct cas_writer **w, struct cas_import *files,
                           size_t count, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = take_file(cas, files[i].path, NULL, &w[i], e);
        if (rc == 0)
            rc = measure(w[i], &files[i].digest, &files[i].size, e);
        if (rc < 0)
            return err_wrap(e, "cannot store '%s'", files[i].path);
    }
    if (!cas->scratch && syncfs(cas->temp) != 0)
        return err_os(e, errno, "cannot write to store '%s'", cas->path);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if ((rc = name_it(w[i], true, &files[i].digest, files[i].size, e)) < 0)
            return err_wrap(e, "cannot store '%s'", files[i].path);
    return cas->scratch ? 0 : cas_sync_dir(cas, cas->blobs, e);
}

int cas_import_files(struct cas *cas, struct cas_import *files, size_t count, struct err *e)
{
    struct cas_writer *w[CAS_IMPORT_MAX] = {NULL};
    if (count > CAS_IMPORT_MAX)
        return err_set(e, ERR_USAGE, "at most %d files are stored at once", CAS_IMPORT_MAX);
    int rc = import_together(cas, w, files, count, e);
    for (size_t i = 0; i < count; i++)
        cas_writer_free(w[i]);
    return rc;
}

/* Hashes on the way. */
static int export_stream(struct cas *cas, const struct digest *digest, int out, const char *path,
                         struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CAS_CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = cas_stream_open(cas, digest, &s, e);
    uint64_t done = 0;
    uint64_t flushed = 0;
    for (size_t got = 1; rc == 0 && got != 0;) {
        rc = cas_stream_read(s, chunk, CAS_CHUNK, &got, e);
        if (rc == 0 && got != 0)
            rc = sparse_write(out, chunk, got, done, path, e);
        done += rc == 0 ? got : 0;
        write_back(out, done, &flushed);
    }
    if (rc == 0 && ftruncate(out, (off_t)done) != 0)
        return err_os(e, errno, "cannot write '%s'", path);
    return rc;
}

/*
 * From a blob that is known to be good: inside the kernel, sharing blocks where the file system
 * can, and leaving holes out.
 */
static int export_copy(int fd, uint64_t size, int out, const char *path, bool *done, struct err *e)
{
    uint64_t copied = sparse_next_data(fd, 0, size);
    uint64_t end = copied;
    uint64_t flushed = 0;
    while (copied < size) {
        if (copied == end)
            end = sparse_next_hole(fd, copied, size);
        size_t part = end - copied < writeback ? (size_t)(end - copied) : (size_t)writeback;
        off_t from = (off_t)copied;
        off_t to = (off_t)copied;
        ssize_t n = copy_file_range(fd, &from, out, &to, part, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        copied += (uint64_t)n;
        write_back(out, copied, &flushed);
        if (copied == end)
            copied = end = sparse_next_data(fd, copied, size);
    }
    *done = copied == size;
    /* Not between these two, or not all: start afresh. */
    if (ftruncate(out, *done ? (off_t)size : 0) != 0)
        return err_os(e, errno, "cannot write '%s'", path);
    return 0;
}

/* Into the new file `out`: `fd` is the blob in `where`, whose state was `st` when it was opened. */
static int export_to(struct cas *cas, struct cas *where, const struct digest *digest, int fd,
                     const struct stat *st, int out, const char *path, struct err *e)
{
    bool done = false;
    int rc = 0;
    if (cas_memo_knows(where, digest, st))
        rc = export_copy(fd, (uint64_t)st->st_size, out, path, &done, e);
    return rc != 0 || done ? rc : export_stream(cas, digest, out, path, e);
}

int cas_export_file(struct cas *cas, const struct digest *digest, const char *path, struct err *e)
{
    AUTO_ATOMIC_FILE out = ATOMIC_FILE_INIT;
    AUTO_CLOSE int fd = -1;
    struct stat st;
    struct cas *where = NULL;
    bool done = false;
    /* Before anything is made beside `path`. */
    int rc = cas_open_somewhere(cas, digest, &where, &fd, &st, e);
    if (rc == 0)
        rc = cas_scratch_give(where, digest, path, 0644, &done, e);
    if (rc != 0 || done)
        return rc;
    rc = atomic_file_open(&out, path, MODE_BY_UMASK, e);
    if (rc == 0)
        rc = export_to(cas, where, digest, fd, &st, out.fd, path, e);
    return rc == 0 ? atomic_file_commit(&out, e) : rc;
}

/* What a device or a reader has seen cannot be taken back: so all is verified first. */
static int export_verified(struct cas *cas, const struct digest *digest,
                           const struct destination *out, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    AUTO_FREE uint8_t *chunk = malloc(CAS_CHUNK);
    uint64_t size = 0;
    if (chunk == NULL)
        return err_oom(e);
    int rc = cas_open_blob(cas, digest, &fd, &size, e);
    for (uint64_t at = 0; rc == 0 && at < size;) {
        size_t part = size - at < CAS_CHUNK ? (size_t)(size - at) : CAS_CHUNK;
        rc = fd_pread_all(fd, chunk, part, at, out->path, e);
        if (rc == 0)
            rc = fd_write_all(out->fd, chunk, part, out->path, e);
        at += part;
    }
    return rc;
}

int cas_export_output(struct cas *cas, const struct digest *digest, const char *path, struct err *e)
{
    AUTO_DESTINATION out = DESTINATION_INIT;
    AUTO_CLOSE int fd = -1;
    struct stat st;
    struct cas *where = NULL;
    int rc = cas_open_somewhere(cas, digest, &where, &fd, &st, e);
    if (rc == 0)
        rc = destination_open(&out, path, e);
    if (rc < 0)
        return rc;
    rc = out.whole ? export_to(cas, where, digest, fd, &st, out.fd, path, e)
                   : export_verified(cas, digest, &out, e);
    return rc == 0 ? destination_commit(&out, e) : rc;
}
