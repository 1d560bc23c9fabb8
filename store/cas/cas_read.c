/* SPDX-License-Identifier: Apache-2.0 */
/* Reading blobs: nothing unverified leaves here. */
#include "store/cas/cas_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int cas_damaged(const struct cas *cas, const struct digest *digest, struct err *e, const char *why)
{
    char text[DIGEST_TEXT_MAX];
    return err_set(e, ERR_INPUT,
                   "blob %s in '%s' is damaged: %s ('assay store verify --repair' mends it)",
                   digest_format(digest, text), cas->path, why);
}

int cas_missing(const struct cas *cas, const struct digest *digest, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    return err_set(e, ERR_INPUT, "blob %s is not in store '%s'", digest_format(digest, text),
                   cas->path);
}

int cas_open_raw(struct cas *cas, const struct digest *digest, int *fd, struct stat *st,
                 struct err *e)
{
    int rc = cas_need_sha256(digest, e);
    if (rc < 0)
        return rc;
    char name[DIGEST_TEXT_MAX];
    char own[CAS_TEMP_NAME_MAX];
    (void)digest_hex(digest, name);
    bool scratch = cas_scratch_find(cas, digest, own);
    /* O_NONBLOCK: a FIFO in a blob's place must not hang us; it is refused below. */
    AUTO_CLOSE int opened = openat(scratch ? cas->temp : cas->blobs, scratch ? own : name,
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (opened < 0 && errno == ENOENT) {
        *fd = -1;
        return 0;
    }
    if (opened < 0 && (errno == ELOOP || errno == ENXIO))
        return cas_damaged(cas, digest, e, "it is no regular file");
    if (opened < 0)
        return err_os(e, errno, "cannot open blob %s in '%s'", name, cas->path);
    if (fstat(opened, st) != 0)
        return err_os(e, errno, "cannot look at blob %s in '%s'", name, cas->path);
    if (!S_ISREG(st->st_mode))
        return cas_damaged(cas, digest, e, "it is no regular file");
    *fd = steal_fd(&opened);
    return 0;
}

int cas_open_somewhere(struct cas *cas, const struct digest *digest, struct cas **where, int *fd,
                       struct stat *st, struct err *e)
{
    struct cas *at = cas;
    int rc = cas_open_raw(at, digest, fd, st, e);
    while (rc == 0 && *fd < 0 && at->lower != NULL) {
        at = at->lower;
        rc = cas_open_raw(at, digest, fd, st, e);
    }
    if (rc == 0 && *fd < 0)
        rc = cas_missing(cas, digest, e);
    if (rc == 0)
        *where = at;
    return rc;
}

static bool has_own(struct cas *cas, const struct digest *digest, struct stat *st)
{
    char name[DIGEST_TEXT_MAX];
    char own[CAS_TEMP_NAME_MAX];
    if (cas_scratch_find(cas, digest, own))
        return fstatat(cas->temp, own, st, AT_SYMLINK_NOFOLLOW) == 0;
    return digest->alg == DIGEST_SHA256 &&
           fstatat(cas->blobs, digest_hex(digest, name), st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool cas_has_own(struct cas *cas, const struct digest *digest)
{
    struct stat st;
    return has_own(cas, digest, &st);
}

bool cas_has(struct cas *cas, const struct digest *digest, uint64_t *size)
{
    struct stat st;
    struct cas *at = cas;
    while (at != NULL && !(has_own(at, digest, &st) && S_ISREG(st.st_mode)))
        at = at->lower;
    if (at != NULL && size != NULL)
        *size = (uint64_t)st.st_size;
    return at != NULL;
}

int cas_compare(const struct cas *cas, const struct digest *digest, const struct digest *actual,
                struct err *e)
{
    if (digest_equal(digest, actual))
        return 0;
    char text[DIGEST_TEXT_MAX];
    char why[DIGEST_TEXT_MAX + 32];
    (void)snprintf(why, sizeof(why), "its bytes are %s", digest_format(actual, text));
    return cas_damaged(cas, digest, e, why);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

void cas_memo_settle(struct cas *cas, const struct digest *digest, int fd, const struct stat *st)
{
    struct stat after;
    if (fstat(fd, &after) == 0 && same_file(st, &after))
        cas_memo_add(cas, digest, st);
}

/* Hashes the open file `fd`, whose state was `st` when it was opened. */
static int verify_fd(struct cas *cas, const struct digest *digest, int fd, const struct stat *st,
                     struct err *e)
{
    if (lseek(fd, 0, SEEK_SET) < 0)
        return err_os(e, errno, "cannot read a blob in '%s'", cas->path);
    struct digest actual;
    int rc = digest_fd(DIGEST_SHA256, fd, &actual, NULL, e);
    if (rc < 0)
        return err_wrap(e, "cannot verify a blob in '%s'", cas->path);
    rc = cas_compare(cas, digest, &actual, e);
    if (rc == 0)
        cas_memo_settle(cas, digest, fd, st);
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = err_os(e, errno, "cannot read a blob in '%s'", cas->path);
    return rc;
}

int cas_open_blob(struct cas *cas, const struct digest *digest, int *fd, uint64_t *size,
                  struct err *e)
{
    AUTO_CLOSE int opened = -1;
    struct stat st;
    struct cas *where = NULL;
    int rc = cas_open_somewhere(cas, digest, &where, &opened, &st, e);
    if (rc == 0 && !cas_memo_knows(where, digest, &st))
        rc = verify_fd(where, digest, opened, &st, e);
    if (rc < 0)
        return rc;
    if (size != NULL)
        *size = (uint64_t)st.st_size;
    *fd = steal_fd(&opened);
    return 0;
}

/* In this store alone. */
static int holds_own(struct cas *cas, const struct digest *digest, uint64_t expected,
                     uint64_t *size, bool *holds, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    struct stat st;
    int rc = cas_open_raw(cas, digest, &fd, &st, e);
    if (rc < 0 || fd < 0)
        return rc == -ERR_INPUT ? 0 : rc; /* no regular file: not a blob */
    if (expected != CAS_SIZE_UNKNOWN && (uint64_t)st.st_size != expected)
        return 0;
    if (!cas_memo_knows(cas, digest, &st) && !cas_record_knows(cas, digest, &st))
        rc = verify_fd(cas, digest, fd, &st, e);
    *holds = rc == 0;
    if (rc == 0 && size != NULL)
        *size = (uint64_t)st.st_size;
    return rc == -ERR_INPUT ? 0 : rc;
}

int cas_holds(struct cas *cas, const struct digest *digest, uint64_t expected, uint64_t *size,
              bool *holds, struct err *e)
{
    int rc = 0;
    *holds = false;
    for (struct cas *at = cas; rc == 0 && !*holds && at != NULL; at = at->lower)
        rc = holds_own(at, digest, expected, size, holds, e);
    return rc;
}

int cas_check(struct cas *cas, const struct digest *digest, bool *damaged, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    struct stat st;
    struct err why = ERR_INIT;
    int rc = cas_open_raw(cas, digest, &fd, &st, &why);
    if (rc == 0 && fd >= 0)
        rc = verify_fd(cas, digest, fd, &st, &why);
    if (rc < 0 && rc != -ERR_INPUT) {
        *e = why;
        return rc;
    }
    *damaged = rc < 0;
    return 0;
}

int cas_get(struct cas *cas, const struct digest *digest, struct buf *out, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    int rc = cas_stream_open(cas, digest, &s, e);
    if (rc < 0)
        return rc;
    uint64_t size = cas_stream_size(s);
    size_t start = out->len;
    if (size > out->max - start) {
        char text[DIGEST_TEXT_MAX];
        return err_set(e, ERR_INPUT, "blob %s is too large to be read at once: %" PRIu64 " bytes",
                       digest_format(digest, text), size);
    }
    rc = buf_reserve(out, (size_t)size, e);
    size_t len = 0;
    while (rc == 0 && len < size) {
        size_t got = 0;
        rc = cas_stream_read(s, out->data + start + len, (size_t)size - len, &got, e);
        if (rc == 0 && got == 0)
            rc = cas_damaged(cas, digest, e, "it shrank while it was read");
        len += got;
    }
    uint8_t beyond;
    size_t got = 0;
    if (rc == 0)
        rc = cas_stream_read(s, &beyond, 1, &got, e);
    if (rc == 0 && got != 0)
        rc = cas_damaged(cas, digest, e, "it grew while it was read");
    if (rc < 0)
        return rc;
    out->len = start + len;
    return buf_add(out, "", 0, e); /* the NUL behind */
}

/* ---- mapping ---- */

static const uint8_t empty_map[1] = {0};

int cas_map(struct cas *cas, const struct digest *digest, const uint8_t **data, size_t *len,
            struct err *e)
{
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int rc = cas_open_blob(cas, digest, &fd, &size, e);
    if (rc < 0)
        return rc;
    if (size == 0) {
        *data = empty_map;
        *len = 0;
        return 0;
    }
    if (size > SIZE_MAX)
        return err_set(e, ERR_HOST, "cannot map a blob of %" PRIu64 " bytes", size);
    void *map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_os(e, errno, "cannot map a blob in '%s'", cas->path);
    *data = map;
    *len = (size_t)size;
    return 0;
}

void cas_unmap(const uint8_t *data, size_t len)
{
    void *map = NULL;
    memcpy(&map, &data, sizeof(map)); /* the mapping is ours, only its pages are const */
    if (len != 0)
        (void)munmap(map, len);
}
