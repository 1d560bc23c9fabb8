/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/snapshot_files.h"

#include "base/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

struct files {
    const struct snapshot *snapshot;
    bool caches;
    const struct machine_sink *sink;
};

/* fd -1: zeros. */
static int put_file(const struct files *f, const char *name, mode_t mode, int from, uint64_t size,
                    struct err *e)
{
    uint64_t base = 0;
    int fd = -1;
    int rc = f->sink->begin(f->sink->context, name, mode, size, &fd, &base, e);
    if (rc == 0 && from >= 0)
        rc = sparse_copy(from, 0, size, fd, base, name, e);
    return rc < 0 ? rc : f->sink->end(f->sink->context, e);
}

static int put_cache(const struct files *f, const char *name, uint64_t size, struct err *e)
{
    struct stat st;
    if (!f->caches)
        return put_file(f, name, 0644, -1, size, e);
    AUTO_CLOSE int fd =
        openat(f->snapshot->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s/%s'", f->snapshot->path, name);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
        return err_set(e, ERR_INPUT, "'%s/%s' is no file of %" PRIu64 " bytes", f->snapshot->path,
                       name, size);
    return put_file(f, name, 0644, fd, size, e);
}

static int put_config(const struct files *f, struct err *e)
{
    const struct buf *text = &f->snapshot->text;
    uint64_t base = 0;
    int fd = -1;
    int rc = f->sink->begin(f->sink->context, "config.json", 0644, text->len, &fd, &base, e);
    if (rc == 0)
        rc = sparse_write(fd, text->data, text->len, base, "config.json", e);
    return rc < 0 ? rc : f->sink->end(f->sink->context, e);
}

static int put_range(const struct files *f, size_t i, struct err *e)
{
    const struct machine_range *range = &f->snapshot->ranges[i];
    mode_t mode = range->read_only || range->kind == MACHINE_PMAS ? 0444 : 0644;
    char name[48];
    int rc = 0;
    machine_range_file(range->start, range->length, "bin", name);
    if (f->snapshot->fds[i] >= 0)
        rc = put_file(f, name, mode, f->snapshot->fds[i], range->length, e);
    machine_range_file(range->start, range->length, "dht", name);
    if (rc < 0 || (rc = put_cache(f, name, machine_dht_size(range->length), e)) < 0)
        return rc;
    machine_range_file(range->start, range->length, "dpt", name);
    return put_cache(f, name, machine_dpt_size(range->length), e);
}

int snapshot_files(const struct snapshot *s, bool caches, const struct machine_sink *sink,
                   struct err *e)
{
    const struct files f = {.snapshot = s, .caches = caches, .sink = sink};
    int rc = machine_version_writable(s->config.version, e);
    if (rc == 0)
        rc = put_config(&f, e);
    for (size_t i = 0; rc == 0 && i < s->count; i++)
        rc = put_range(&f, i, e);
    if (rc < 0 ||
        (rc = put_cache(&f, "hash_tree.sht", machine_sht_size(s->ranges, s->count), e)) < 0)
        return rc;
    return put_cache(&f, "hash_tree.phtc", machine_phtc_file_size(&s->config), e);
}
