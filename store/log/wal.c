/* SPDX-License-Identifier: Apache-2.0 */
/* The format: sqlite.org, "Database File Format", section 4, "The Write-Ahead Log". */
#include "store/log/wal.h"

#include "base/byte_order.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* Big-endian words. */
enum {
    HEADER_SIZE = 32,
    HEADER_MAGIC = 0,
    HEADER_PAGE_SIZE = 8,
    HEADER_SALTS = 16,
    HEADER_SUMS = 24,
    FRAME_HEAD_SIZE = 24,
    FRAME_COMMIT = 4, /* the database's pages after a commit; 0 within a transaction */
    FRAME_SALTS = 8,
    FRAME_SUMS = 16,
    SALTS_SIZE = 8,
    SUMMED_HEAD = 8, /* of a frame's head this much is summed, and then the page */
    PAGE_MIN = 512,
    PAGE_MAX = 65536,
    TRIES = 5,
};
static const uint32_t magic = 0x377f0682; /* sums are of little-endian words; one more: big */

struct wal {
    int fd;
    const char *path;
    uint8_t header[HEADER_SIZE];
    uint32_t page_size;
    bool big;
    uint32_t sums[2];
    uint8_t *frame;
    uint64_t frames; /* that the file has room for */
};

static uint32_t word(const uint8_t *p, bool big)
{
    return big ? get_be32(p) : get_le32(p);
}

static void add_sums(struct wal *w, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 8 <= len; i += 8) {
        w->sums[0] += word(data + i, w->big) + w->sums[1];
        w->sums[1] += word(data + i + 4, w->big) + w->sums[0];
    }
}

static bool sums_are(const struct wal *w, const uint8_t *stored)
{
    return get_be32(stored) == w->sums[0] && get_be32(stored + 4) == w->sums[1];
}

/* *valid is false for a file that is empty or whose header does not check: SQLite begins afresh. */
static int read_header(struct wal *w, bool *valid, struct err *e)
{
    struct stat st;
    *valid = false;
    if (fstat(w->fd, &st) != 0)
        return err_os(e, errno, "cannot read '%s'", w->path);
    if (st.st_size < HEADER_SIZE)
        return 0;
    int rc = fd_pread_all(w->fd, w->header, HEADER_SIZE, 0, w->path, e);
    if (rc < 0)
        return rc;
    w->page_size = get_be32(w->header + HEADER_PAGE_SIZE);
    if ((get_be32(w->header + HEADER_MAGIC) & ~1u) != magic || w->page_size < PAGE_MIN ||
        w->page_size > PAGE_MAX || (w->page_size & (w->page_size - 1)) != 0)
        return 0;
    w->big = (w->header[HEADER_MAGIC + 3] & 1) != 0;
    w->sums[0] = w->sums[1] = 0;
    add_sums(w, w->header, HEADER_SUMS);
    *valid = sums_are(w, w->header + HEADER_SUMS);
    w->frames = ((uint64_t)st.st_size - HEADER_SIZE) / (FRAME_HEAD_SIZE + w->page_size);
    return 0;
}

static int read_frame(const struct wal *w, uint64_t index, struct err *e)
{
    uint64_t size = FRAME_HEAD_SIZE + w->page_size;
    return fd_pread_all(w->fd, w->frame, (size_t)size, HEADER_SIZE + index * size, w->path, e);
}

/* Of this generation of the file: not what stood there before it was begun afresh. */
static bool is_current(const struct wal *w)
{
    return memcmp(w->frame + FRAME_SALTS, w->header + HEADER_SALTS, SALTS_SIZE) == 0;
}

static bool is_commit(const struct wal *w)
{
    return get_be32(w->frame + FRAME_COMMIT) != 0;
}

/* *bad: the first frame that does not check; *lost: how many commits of this file are behind it. */
static int scan(struct wal *w, uint64_t *bad, uint64_t *lost, struct err *e)
{
    bool good = true;
    *lost = 0;
    for (uint64_t i = 0; i < w->frames; i++) {
        int rc = read_frame(w, i, e);
        if (rc < 0)
            return rc;
        if (good) {
            add_sums(w, w->frame, SUMMED_HEAD);
            add_sums(w, w->frame + FRAME_HEAD_SIZE, w->page_size);
            good = is_current(w) && sums_are(w, w->frame + FRAME_SUMS);
            *bad = i;
        }
        *lost += !good && is_current(w) && is_commit(w);
    }
    return 0;
}

/* *again: the file was begun afresh meanwhile. */
static int check(struct wal *w, bool *again, struct err *e)
{
    uint8_t before[HEADER_SIZE];
    uint64_t bad = 0;
    uint64_t lost = 0;
    bool valid = false;
    int rc = read_header(w, &valid, e);
    *again = false;
    if (rc < 0 || !valid)
        return rc;
    AUTO_FREE uint8_t *frame = malloc(FRAME_HEAD_SIZE + w->page_size);
    if (frame == NULL)
        return err_oom(e);
    w->frame = frame;
    memcpy(before, w->header, HEADER_SIZE);
    rc = scan(w, &bad, &lost, e);
    if (rc == -ERR_INPUT) { /* it was cut meanwhile */
        *again = true;
        return 0;
    }
    if (rc < 0 || (rc = read_header(w, &valid, e)) < 0)
        return rc;
    *again = memcmp(before, w->header, HEADER_SIZE) != 0;
    if (*again || lost <= 1)
        return 0;
    return err_set(e, ERR_LOG,
                   "its write-ahead log is damaged at frame %" PRIu64 ": %" PRIu64
                   " transactions from there on are lost",
                   bad, lost);
}

int log_wal_check(const char *path, struct err *e)
{
    AUTO_FREE char *name = NULL;
    int rc = str_format(&name, e, "%s-wal", path);
    if (rc < 0)
        return rc;
    AUTO_CLOSE int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_os(e, errno, "cannot open '%s'", name);
    struct wal w = {.fd = fd, .path = name};
    bool again = true;
    for (int i = 0; rc == 0 && again && i < TRIES; i++)
        rc = check(&w, &again, e);
    return rc;
}
