/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/source.h"

#include "base/file.h"

#include <string.h>

int source_fill(const struct source *s, void *data, size_t len, size_t *got, struct err *e)
{
    size_t have = 0;
    while (have < len) {
        size_t n = 0;
        int rc = s->read(s->context, (uint8_t *)data + have, len - have, &n, e);
        if (rc < 0)
            return rc;
        if (n == 0)
            break;
        have += n;
    }
    *got = have;
    return 0;
}

static int read_bytes(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct source_bytes *b = context;
    (void)e;
    size_t n = len < b->left ? len : b->left;
    if (n > 0)
        memcpy(data, b->p, n);
    b->p += n;
    b->left -= n;
    *got = n;
    return 0;
}

struct source source_from_bytes(struct source_bytes *bytes)
{
    return (struct source){.context = bytes, .read = read_bytes};
}

static int read_file(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct source_file *f = context;
    size_t n = len < f->left ? len : (size_t)f->left;
    if (n > 0) {
        int rc = fd_pread_all(f->fd, data, n, f->offset, "a blob", e);
        if (rc < 0)
            return rc;
    }
    f->offset += n;
    f->left -= n;
    *got = n;
    return 0;
}

struct source source_from_file(struct source_file *file)
{
    return (struct source){.context = file, .read = read_file};
}
