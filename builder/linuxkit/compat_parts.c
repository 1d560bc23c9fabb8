/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_parts.h"

#include "formats/tar/go_tar.h"

#include <inttypes.h>
#include <string.h>

enum {
    CHUNK = 65536,
    KERNEL_MAX = 256 << 20,
    EMPTY_MAX = 256 << 20, /* zeros that a directory gets for the size in its header */
    INODE_FIRST = 721,
    CPIO_END = 512
};

void compat_boot_init(struct compat_boot *boot)
{
    *boot = (struct compat_boot){.kernel = BUF_INIT(KERNEL_MAX),
                                 .cmdline = BUF_INIT(KERNEL_MAX),
                                 .ucode = BUF_INIT(KERNEL_MAX)};
}

void compat_boot_dispose(struct compat_boot *boot)
{
    buf_dispose(&boot->kernel);
    buf_dispose(&boot->cmdline);
    buf_dispose(&boot->ucode);
}

/* ---- relative links ---------------------------------------------------------------------- */

static const char *component_end(const char *p)
{
    return p + strcspn(p, "/");
}

/* How many bytes of both are the same components. */
static size_t common(const char *a, const char *b)
{
    size_t same = 0;
    size_t at = 0;
    while (a[at] != '\0' && b[at] != '\0') {
        const char *a_end = component_end(a + at);
        const char *b_end = component_end(b + at);
        size_t len = (size_t)(a_end - (a + at));
        if (len != (size_t)(b_end - (b + at)) || memcmp(a + at, b + at, len) != 0)
            break;
        same = at + len;
        at = same + (a[same] == '/' && b[same] == '/');
        if (at == same)
            break;
    }
    return same;
}

static int dir_of(const char *name, char **out, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    int rc = str_copy(&copy, name, e);
    if (rc < 0)
        return rc;
    char *slash = strrchr(copy, '/');
    copy[slash == NULL ? 0 : slash == copy ? 1 : (size_t)(slash - copy)] = '\0';
    return go_tar_path_clean(copy, out, e);
}

int compat_parts_relative(const char *name, const char *link, char **out, struct err *e)
{
    AUTO_FREE char *base = NULL;
    AUTO_FREE char *target = NULL;
    AUTO_BUF path = BUF_INIT((size_t)1 << 21);
    int rc = dir_of(name, &base, e);
    if (rc < 0 || (rc = go_tar_path_clean(link, &target, e)) < 0)
        return rc;
    if (strcmp(base, target) == 0)
        return str_copy(out, ".", e);
    const char *from = strcmp(base, ".") == 0 ? "" : base;
    bool rooted = *target == '/';
    if ((*from == '/') != rooted)
        return str_format(out, e, "/%s", link);
    const char *to = target + rooted;
    from += rooted;
    size_t same = common(from, to);
    const char *rest = from + same + (from[same] == '/');
    to += same + (same > 0 && to[same] == '/');
    if (strcmp(rest, "..") == 0 || str_starts(rest, "../"))
        return str_format(out, e, "/%s", link);
    for (; rc == 0 && *rest != '\0'; rest = component_end(rest), rest += *rest == '/')
        rc = buf_addf(&path, e, "%s..", path.len > 0 ? "/" : "");
    if (rc == 0 && *to != '\0')
        rc = buf_addf(&path, e, "%s%s", path.len > 0 ? "/" : "", to);
    return rc < 0 ? rc : str_copy(out, buf_str(&path), e);
}

/* ---- cpio ----------------------------------------------------------------------------------- */

struct cpio {
    const struct sink *to; /* write NULL: nowhere */
    uint64_t at;
    uint64_t inode;
};

static int put(struct cpio *c, const void *data, size_t len, struct err *e)
{
    c->at += len;
    return c->to->write == NULL ? 0 : sink_write(c->to, data, len, e);
}

static int pad(struct cpio *c, unsigned to, struct err *e)
{
    static const uint8_t zeros[CPIO_END];
    size_t len = (size_t)((to - c->at % to) % to);
    return len == 0 ? 0 : put(c, zeros, len, e);
}

/* What an entry without content has for the size that its header says. */
static int put_zeros(struct cpio *c, uint64_t len, struct err *e)
{
    static const uint8_t zeros[CPIO_END];
    int rc = 0;
    for (; rc == 0 && len > 0; len -= len < CPIO_END ? len : CPIO_END)
        rc = put(c, zeros, len < CPIO_END ? (size_t)len : CPIO_END, e);
    return rc;
}

/* Numbers that need more than eight digits get them, signs included, and so spoil the header: as
 * LinuxKit's writer does. */
static int put_header(struct cpio *c, const char *name, const struct go_tar_header *h, int64_t mode,
                      unsigned links, uint64_t size, struct err *e)
{
    char text[256];
    const char *sign = h->mtime.seconds < 0 ? "-" : "";
    uint64_t mtime =
        h->mtime.seconds < 0 ? -(uint64_t)h->mtime.seconds : (uint64_t)h->mtime.seconds;
    int rc = pad(c, 4, e);
    (void)snprintf(text, sizeof(text),
                   "070701%08" PRIx64 "%08" PRIx64 "%08" PRIx64 "%08" PRIx64 "%08x%s%0*" PRIx64
                   "%08" PRIx64 "%08x%08x%08" PRIx64 "%08" PRIx64 "%08zx%08x",
                   c->inode++, (uint64_t)mode, (uint64_t)h->uid, (uint64_t)h->gid, links, sign,
                   *sign != '\0' ? 7 : 8, mtime, size, 3U, 1U, (uint64_t)h->major,
                   (uint64_t)h->minor, strlen(name) + 1, 0U);
    if (rc < 0 || (rc = put(c, text, strlen(text), e)) < 0 ||
        (rc = put(c, name, strlen(name) + 1, e)) < 0)
        return rc;
    return pad(c, 4, e);
}

static int64_t type_bits(char type)
{
    switch (type) {
    case '0':
        return 0100000;
    case '1':
    case '2':
        return 0120000;
    case '3':
        return 0020000;
    case '4':
        return 0060000;
    case '5':
        return 0040000;
    default:
        return 0010000;
    }
}

static int put_link(struct cpio *c, const struct go_tar_header *h, struct err *e)
{
    AUTO_FREE char *relative = NULL;
    const char *link = h->link;
    int rc = 0;
    if (h->type == '1') {
        if ((rc = compat_parts_relative(h->name, h->link, &relative, e)) < 0)
            return rc;
        link = relative;
    }
    rc = put_header(c, h->name, h, (h->mode & 07777) | 0120000, 1, strlen(link), e);
    return rc < 0 ? rc : put(c, link, strlen(link), e);
}

static int put_entry(struct cpio *c, const struct go_tar_header *h, struct go_tar_reader *r,
                     uint8_t *chunk, struct err *e)
{
    if (h->type == '1' || h->type == '2')
        return put_link(c, h, e);
    if (h->type == '\0' || strchr("03456", h->type) == NULL)
        return err_set(e, ERR_INPUT,
                       "'%.200s': LinuxKit cannot put an entry of the type '%c' into an initrd",
                       h->name, h->type);
    if (h->type != '0' && h->size > EMPTY_MAX)
        return err_set(e, ERR_INPUT,
                       "'%.200s' says a size of more than %d bytes and has no content", h->name,
                       EMPTY_MAX);
    int rc = put_header(c, h->name, h, (h->mode & 07777) | type_bits(h->type),
                        h->type == '5' ? 2 : 1, (uint64_t)h->size, e);
    while (rc == 0) {
        size_t got = 0;
        if ((rc = go_tar_read(r, chunk, CHUNK, &got, e)) < 0 || got == 0)
            break;
        rc = put(c, chunk, got, e);
    }
    return rc < 0 || h->type == '0' ? rc : put_zeros(c, (uint64_t)h->size, e);
}

static int put_trailer(struct cpio *c, struct err *e)
{
    const struct go_tar_header nothing = {.type = '0'};
    int rc = put_header(c, "TRAILER!!!", &nothing, 0, 1, 0, e);
    return rc < 0 ? rc : pad(c, CPIO_END, e);
}

/* ---- splitting ------------------------------------------------------------------------------- */

static int keep(struct buf *out, struct go_tar_reader *r, uint8_t *chunk, struct err *e)
{
    out->len = 0;
    for (;;) {
        size_t got = 0;
        int rc = go_tar_read(r, chunk, CHUNK, &got, e);
        if (rc < 0 || got == 0)
            return rc;
        if ((rc = buf_add(out, chunk, got, e)) < 0)
            return rc;
    }
}

static int split_entry(const struct go_tar_header *h, struct go_tar_reader *r,
                       struct compat_boot *boot, struct cpio *c, uint8_t *chunk, struct err *e)
{
    if (strcmp(h->name, "boot/kernel") == 0)
        return keep(&boot->kernel, r, chunk, e);
    if (strcmp(h->name, "boot/cmdline") == 0)
        return keep(&boot->cmdline, r, chunk, e);
    if (strcmp(h->name, "boot/ucode.cpio") == 0)
        return keep(&boot->ucode, r, chunk, e);
    return str_starts(h->name, "boot/") ? 0 : put_entry(c, h, r, chunk, e);
}

int compat_parts_split(const struct source *tar, struct compat_boot *boot, const struct sink *cpio,
                       struct err *e)
{
    struct go_tar_reader r = {.from = *tar};
    struct cpio c = {.to = cpio, .inode = INODE_FIRST};
    AUTO_LK_HEADER h = {0};
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    for (;;) {
        bool more = false;
        int rc = go_tar_next(&r, &h, &more, e);
        if (rc < 0)
            return rc;
        if (!more)
            return put_trailer(&c, e);
        if ((rc = split_entry(&h, &r, boot, &c, chunk, e)) < 0)
            return rc;
    }
}
