/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/sparse.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>

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

int sparse_write(int fd, const uint8_t *data, size_t len, uint64_t offset, const char *what,
                 struct err *e)
{
    static const uint8_t zeros[PAGE];
    int rc = 0;
    while (rc == 0 && len > 0) {
        size_t n = PAGE - (size_t)(offset % PAGE);
        if (n > len)
            n = len;
        if (memcmp(data, zeros, n) != 0)
            rc = write_at(fd, data, n, offset, what, e);
        data += n;
        len -= n;
        offset += n;
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
