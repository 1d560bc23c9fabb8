/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/cache_file.h"

#include "base/file.h"
#include "base/sparse.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { READ_SIZE = 1 << 20 };

int cache_open(const struct snapshot *s, const char *name, uint64_t size)
{
    struct stat st;
    int fd = openat(s->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

int cache_read(int fd, uint8_t *out, uint64_t size, const char *name, struct err *e)
{
    int rc = 0;
    for (uint64_t at = fd < 0 ? size : sparse_next_data(fd, 0, size); rc == 0 && at < size;) {
        size_t len = size - at < READ_SIZE ? (size_t)(size - at) : (size_t)READ_SIZE;
        rc = fd_pread_all(fd, out + at, len, at, name, e);
        at = sparse_next_data(fd, at + len, size);
    }
    return rc;
}
