/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

int names_open(struct names *n, const char *path, bool zero, struct err *e)
{
    n->path = path;
    n->end = zero ? '\0' : '\n';
    n->count = 0;
    n->at = n->len = 0;
    n->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return n->fd >= 0 ? 0 : err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
}

/* *some is false at the end. */
static int fill(struct names *n, bool *some, struct err *e)
{
    ssize_t got = 0;
    *some = n->at < n->len;
    if (*some)
        return 0;
    do {
        got = read(n->fd, n->block, sizeof(n->block));
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_os(e, errno, "cannot read names from '%s'", n->path);
    n->at = 0;
    n->len = (size_t)got;
    *some = got > 0;
    return 0;
}

static int wrong(const struct names *n, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "name %" PRIu64 " in '%s' %s", n->count, n->path, what);
}

int names_next(struct names *n, const char **name, struct err *e)
{
    size_t len = 0;
    bool some = false;
    bool ended = false;
    int rc = fill(n, &some, e);
    *name = NULL;
    if (rc < 0 || !some)
        return rc;
    n->count++;
    while (rc == 0 && some && !ended) {
        const char *from = n->block + n->at;
        const char *end = memchr(from, n->end, n->len - n->at);
        size_t more = end != NULL ? (size_t)(end - from) : n->len - n->at;
        if (more >= sizeof(n->name) - len)
            return wrong(n, "is too long", e);
        memcpy(n->name + len, from, more);
        len += more;
        n->at += more + (end != NULL ? 1 : 0);
        ended = end != NULL;
        rc = ended ? 0 : fill(n, &some, e);
    }
    if (rc < 0)
        return rc;
    n->name[len] = '\0';
    if (len == 0)
        return wrong(n, "is empty", e);
    if (strlen(n->name) != len)
        return wrong(n, "holds a NUL byte (is it a list for --null?)", e);
    *name = n->name;
    return 0;
}

void names_close(struct names *n)
{
    if (n->fd != STDIN_FILENO)
        scope_close(&n->fd);
    n->fd = -1;
}
