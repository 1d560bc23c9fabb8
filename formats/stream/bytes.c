/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/bytes.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <linux/fs.h>

enum { COMPARE_CHUNK = 256 * 1024 };

struct file_bytes {
    struct bytes base;
    int fd;
};

struct memory_bytes {
    struct bytes base;
    uint8_t *data;
};

struct slice_bytes {
    struct bytes base;
    struct bytes *whole;
    uint64_t offset;
};

struct bytes *bytes_keep(struct bytes *b)
{
    b->references++;
    return b;
}

void bytes_drop(struct bytes *b)
{
    if (b == NULL || --b->references > 0)
        return;
    if (b->destroy != NULL)
        b->destroy(b);
    free((char *)(uintptr_t)b->name);
    free(b);
}

int bytes_finish(struct bytes *b, const char *name, struct bytes **out, struct err *e)
{
    char *copy = NULL;
    b->references = 1;
    int rc = str_copy(&copy, name, e);
    b->name = copy;
    if (rc < 0)
        bytes_drop(b);
    else
        *out = b;
    return rc;
}

static int read_file(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e)
{
    return fd_pread_all(((const struct file_bytes *)b)->fd, out, len, offset, b->name, e);
}

static void destroy_file(struct bytes *b)
{
    scope_close(&((struct file_bytes *)b)->fd);
}

static int size_of_fd(int fd, const char *name, uint64_t *out, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot stat '%s'", name);
    if (S_ISREG(st.st_mode)) {
        *out = (uint64_t)st.st_size;
        return 0;
    }
    if (!S_ISBLK(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' is no file", name);
    return ioctl(fd, BLKGETSIZE64, out) == 0 ? 0 : err_os(e, errno, "cannot size '%s'", name);
}

int bytes_of_fd(int fd, const char *name, struct bytes **out, struct err *e)
{
    AUTO_CLOSE int taken = fd;
    uint64_t size = 0;
    int rc = size_of_fd(fd, name, &size, e);
    if (rc < 0)
        return rc;
    struct file_bytes *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return err_oom(e);
    b->base = (struct bytes){.size = size, .read = read_file, .destroy = destroy_file};
    b->fd = steal_fd(&taken);
    return bytes_finish(&b->base, name, out, e);
}

int bytes_open(const char *path, struct bytes **out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, errno == EIO ? ERR_HOST : ERR_INPUT, errno, "cannot open '%s'", path);
    return bytes_of_fd(fd, path, out, e);
}

static int read_memory(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e)
{
    (void)e;
    memcpy(out, ((const struct memory_bytes *)b)->data + offset, len);
    return 0;
}

static void destroy_memory(struct bytes *b)
{
    free(((struct memory_bytes *)b)->data);
}

int bytes_of_memory(void *data_taken, size_t size, const char *name, struct bytes **out,
                    struct err *e)
{
    struct memory_bytes *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        free(data_taken);
        return err_oom(e);
    }
    b->base = (struct bytes){.size = size, .read = read_memory, .destroy = destroy_memory};
    b->data = data_taken;
    return bytes_finish(&b->base, name, out, e);
}

static int read_slice(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e)
{
    const struct slice_bytes *s = (const struct slice_bytes *)b;
    return s->whole->read(s->whole, s->offset + offset, out, len, e);
}

static void destroy_slice(struct bytes *b)
{
    bytes_drop(((struct slice_bytes *)b)->whole);
}

int bytes_slice(struct bytes *whole, uint64_t offset, uint64_t size, const char *name,
                struct bytes **out, struct err *e)
{
    if (offset > whole->size || size > whole->size - offset)
        return err_set(e, ERR_INPUT, "%s: a part lies outside of its %" PRIu64 " bytes",
                       whole->name, whole->size);
    struct slice_bytes *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return err_oom(e);
    b->base = (struct bytes){.size = size, .read = read_slice, .destroy = destroy_slice};
    b->whole = bytes_keep(whole);
    b->offset = offset;
    return bytes_finish(&b->base, name, out, e);
}

int bytes_read(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e)
{
    if (offset > b->size || len > b->size - offset)
        return err_set(e, ERR_INPUT, "%s: it points beyond its end", b->name);
    return len == 0 ? 0 : b->read(b, offset, out, len, e);
}

int bytes_peek(const struct bytes *b, uint64_t offset, void *out, size_t len, size_t *got,
               struct err *e)
{
    size_t there = 0;
    if (offset < b->size)
        there = b->size - offset < len ? (size_t)(b->size - offset) : len;
    *got = there;
    return there == 0 ? 0 : b->read(b, offset, out, there, e);
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;
    if (memcmp(a, b, len) == 0)
        return len;
    while (len - i >= 4096 && memcmp(a + i, b + i, 4096) == 0)
        i += 4096;
    while (i < len && a[i] == b[i])
        i++;
    return i;
}

int bytes_compare(const struct bytes *a, uint64_t a_offset, const struct bytes *b,
                  uint64_t b_offset, uint64_t len, uint64_t *first, struct err *e)
{
    AUTO_FREE uint8_t *room = malloc(2 * (size_t)COMPARE_CHUNK);
    if (room == NULL)
        return err_oom(e);
    for (uint64_t at = 0; at < len;) {
        size_t part = len - at < COMPARE_CHUNK ? (size_t)(len - at) : COMPARE_CHUNK;
        int rc = bytes_read(a, a_offset + at, room, part, e);
        if (rc < 0 || (rc = bytes_read(b, b_offset + at, room + COMPARE_CHUNK, part, e)) < 0)
            return rc;
        size_t same = first_difference(room, room + COMPARE_CHUNK, part);
        at += same;
        if (same < part) {
            *first = at;
            return 0;
        }
    }
    *first = len;
    return 0;
}
