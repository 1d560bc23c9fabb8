/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sparse.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PAGE = 4096, COPY_SIZE = 256 * 1024 };

uint64_t sparse_next_data(int fd, uint64_t offset, uint64_t end)
{
    if (offset >= end)
        return end;
    off_t at = lseek(fd, (off_t)offset, SEEK_DATA);
    if (at < 0)
        return errno == ENXIO ? end : offset;
    return (uint64_t)at < end ? (uint64_t)at : end;
}

uint64_t sparse_next_hole(int fd, uint64_t offset, uint64_t end)
{
    off_t at = lseek(fd, (off_t)offset, SEEK_HOLE);
    return at > (off_t)offset && (uint64_t)at < end ? (uint64_t)at : end;
}

/* At r->at: *zeros bytes of a hole, or else what is read until r->data_end. */
static int look(struct sparse_reader *r, uint64_t *zeros)
{
    struct stat st;
    off_t at = (off_t)r->at;
    off_t data = lseek(r->fd, at, SEEK_DATA);
    r->data_end = data == at ? sparse_next_hole(r->fd, r->at, UINT64_MAX) : UINT64_MAX;
    if (data > at)
        *zeros = (uint64_t)(data - at);
    if (data >= 0 || errno != ENXIO)
        return 0;
    /* Nothing but a hole follows, or nothing: what has no size, as in /proc, is read. */
    if (fstat(r->fd, &st) != 0)
        return -1;
    *zeros = st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
    return 0;
}

int sparse_read(struct sparse_reader *r, void *data, size_t len, size_t *got, uint64_t *zeros)
{
    *got = 0;
    *zeros = 0;
    if (!r->started) {
        off_t at = lseek(r->fd, 0, SEEK_CUR);
        r->stream = at < 0;
        r->at = at < 0 ? 0 : (uint64_t)at;
        r->data_end = r->at;
        r->started = true;
    }
    if (!r->stream && r->at >= r->data_end && look(r, zeros) < 0)
        return -1;
    if (*zeros > 0) {
        r->at += *zeros;
        r->data_end = r->at;
        return 0;
    }
    if (!r->stream && r->data_end - r->at < len)
        len = (size_t)(r->data_end - r->at);
    ssize_t n = -1;
    do {
        n = r->stream ? read(r->fd, data, len) : pread(r->fd, data, len, (off_t)r->at);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    r->at += (uint64_t)n;
    *got = (size_t)n;
    return 0;
}

static int write_at(int fd, const uint8_t *data, size_t len, uint64_t offset, const char *what,
                    struct err *e)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_os(e, errno, "cannot write '%s'", what);
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* What of `len` bytes, of which the first is at `offset`, are whole pages (at the ends what is
 * there of them) of zeros, or are none. */
static size_t run_length(const uint8_t *data, size_t len, uint64_t offset, bool zero)
{
    static const uint8_t zeros[PAGE];
    size_t run = 0;
    while (run < len) {
        size_t n = PAGE - (size_t)((offset + run) % PAGE);
        if (n > len - run)
            n = len - run;
        if ((memcmp(data + run, zeros, n) == 0) != zero)
            break;
        run += n;
    }
    return run;
}

int sparse_write(int fd, const uint8_t *data, size_t len, uint64_t offset, const char *what,
                 struct err *e)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < len;) {
        at += run_length(data + at, len - at, offset + at, true);
        size_t run = run_length(data + at, len - at, offset + at, false);
        rc = write_at(fd, data + at, run, offset + at, what, e);
        at += run;
    }
    return rc;
}

int sparse_copy(int from, uint64_t offset, uint64_t size, int to, uint64_t base, const char *what,
                struct err *e)
{
    uint8_t *data = malloc(COPY_SIZE);
    int rc = data == NULL ? err_oom(e) : 0;
    uint64_t end = offset + size;
    for (uint64_t at = sparse_next_data(from, offset, end); rc == 0 && at < end;) {
        /* Whole pages of the file that is written: a hole may begin anywhere. */
        at -= (at - offset) % PAGE;
        size_t len = end - at < COPY_SIZE ? (size_t)(end - at) : COPY_SIZE;
        rc = fd_pread_all(from, data, len, at, what, e);
        if (rc == 0)
            rc = sparse_write(to, data, len, base + (at - offset), what, e);
        at = sparse_next_data(from, at + len, end);
    }
    free(data);
    return rc;
}
