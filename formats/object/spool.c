/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>

enum { IN_MEMORY_MAX = 1024 * 1024 };

void spool_init(struct spool *s, struct budget *budget)
{
    *s = (struct spool){.budget = budget, .memory = BUF_INIT(IN_MEMORY_MAX), .fd = -1};
}

static int to_file(struct spool *s, struct err *e)
{
    s->fd = open(s->budget->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return err_os(e, errno, "cannot make a temporary file in '%s'", s->budget->scratch);
    int rc = fd_write_all(s->fd, s->memory.data, s->memory.len, "a temporary file", e);
    buf_dispose(&s->memory);
    return rc;
}

static int spool_write(void *context, const void *data, size_t len, struct err *e)
{
    struct spool *s = context;
    int rc = budget_decoded(s->budget, len, e);
    if (rc < 0)
        return rc;
    s->size += len;
    if (s->fd < 0 && s->size > IN_MEMORY_MAX && (rc = to_file(s, e)) < 0)
        return rc;
    return s->fd < 0 ? buf_add(&s->memory, data, len, e)
                     : fd_write_all(s->fd, data, len, "a temporary file", e);
}

struct sink spool_sink(struct spool *s)
{
    return (struct sink){.write = spool_write, .context = s};
}

int spool_bytes(struct spool *s, const char *name, struct bytes **out, struct err *e)
{
    if (s->fd >= 0)
        return bytes_of_fd(steal_fd(&s->fd), name, out, e);
    size_t size = s->memory.len;
    char *data = buf_steal(&s->memory);
    return data == NULL ? err_oom(e) : bytes_of_memory(data, size, name, out, e);
}

void spool_dispose(struct spool *s)
{
    scope_close(&s->fd);
    buf_dispose(&s->memory);
    s->fd = -1;
}
