/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/snapshot.h"

#include "base/file.h"
#include "formats/machine/machine_state.h"
#include "formats/machine/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

void snapshot_dispose(struct snapshot *s)
{
    struct err ignored = ERR_INIT;
    for (size_t i = 0; i < s->count; i++)
        if (s->fds[i] >= 0)
            (void)close(s->fds[i]);
    s->count = 0;
    if (s->dirfd >= 0)
        (void)close(s->dirfd);
    s->dirfd = -1;
    if (s->temp != NULL)
        (void)dir_remove(s->temp, &ignored);
    free(s->temp);
    free(s->path);
    s->temp = NULL;
    s->path = NULL;
    buf_dispose(&s->text);
    machine_config_dispose(&s->config);
}

/* Opens the file of one range; -1 in *fd only for a missing uarch RAM. */
static int open_range(const struct snapshot *s, const struct machine_range *range, int *fd,
                      struct err *e)
{
    char name[48];
    struct stat st;
    machine_range_file(range->start, range->length, "bin", name);
    *fd = openat(s->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0 && errno == ENOENT && range->kind == MACHINE_UARCH_RAM)
        return 0;
    if (*fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s/%s' (%s)", s->path, name,
                           range->name);
    int rc = 0;
    if (fstat(*fd, &st) != 0)
        rc = err_os(e, errno, "cannot stat '%s/%s'", s->path, name);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_INPUT, "'%s/%s' is not a regular file", s->path, name);
    else if ((uint64_t)st.st_size != range->length)
        rc = err_set(e, ERR_INPUT, "'%s/%s' has %" PRIu64 " bytes, not %" PRIu64, s->path, name,
                     (uint64_t)st.st_size, range->length);
    if (rc < 0) {
        (void)close(*fd);
        *fd = -1;
    }
    return rc;
}

static int open_ranges(struct snapshot *s, struct err *e)
{
    struct machine_range ranges[MACHINE_RANGES_MAX];
    size_t count = machine_config_ranges(&s->config, ranges);
    memcpy(s->ranges, ranges, sizeof(ranges));
    for (size_t i = 0; i < count; i++) {
        const struct machine_range *range = &s->ranges[i];
        int rc = open_range(s, range, &s->fds[i], e);
        if (rc < 0)
            return rc;
        s->count = i + 1;
        struct tree_range t = {.name = range->name,
                               .start = range->start,
                               .length = range->length,
                               .log2 = range->log2,
                               .fd = s->fds[i]};
        if (s->fds[i] < 0) {
            machine_version_uarch_node(s->config.version, s->config.hash, s->uarch_node);
            s->uarch_missing = true;
            t.known = s->uarch_node;
        }
        s->tree_ranges[i] = t;
    }
    return 0;
}

/* Without its file the uarch RAM is taken to be untouched: not of a machine within an instruction.
 */
static int check_missing_uarch(const struct snapshot *s, struct err *e)
{
    AUTO_FREE uint8_t *page = NULL;
    int rc = snapshot_read(s, MACHINE_UARCH_STATE, &page, e);
    if (rc < 0)
        return rc;
    uint64_t cycle = machine_word(page, UARCH_REGISTER_CYCLE);
    if (cycle == 0 || cycle == s->config.uarch_registers[UARCH_REGISTER_CYCLE] ||
        machine_word(page, UARCH_REGISTER_PC) == s->config.uarch_registers[UARCH_REGISTER_PC])
        return 0; /* a counter alone is no step: `verify` says what it is */
    return err_set(e, ERR_INPUT,
                   "'%s' is %" PRIu64 " steps into an instruction, and its uarch RAM is not there",
                   s->path, cycle);
}

static int open_directory(struct snapshot *s, const char *path, const char *scratch, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (!S_ISDIR(st.st_mode)) {
        int rc = machine_unpack(path, scratch, &s->temp, e);
        if (rc < 0)
            return rc;
        path = s->temp;
    }
    s->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->dirfd < 0 ? err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path) : 0;
}

int snapshot_open(const char *path, const char *scratch, struct snapshot *out, struct err *e)
{
    AUTO_FREE char *what = NULL;
    memset(out, 0, sizeof(*out));
    out->dirfd = -1;
    out->text.max = MACHINE_CONFIG_BYTES_MAX;
    int rc = str_copy(&out->path, path, e);
    if (rc < 0 || (rc = open_directory(out, path, scratch, e)) < 0 ||
        (rc = str_format(&what, e, "%s/config.json", path)) < 0)
        return rc;
    if (file_read_at(out->dirfd, "config.json", &out->text, e) < 0)
        return err_wrap(e, "'%s' is no stored machine", path);
    if ((rc = machine_config_parse(buf_str(&out->text), out->text.len, what, &out->config, e)) < 0)
        return rc;
    if (machine_config_resolve(&out->config, e) < 0)
        return err_wrap(e, "%s", what);
    if ((rc = open_ranges(out, e)) < 0)
        return rc;
    return out->uarch_missing ? check_missing_uarch(out, e) : 0;
}

void snapshot_tree(const struct snapshot *s, unsigned jobs, struct machine_tree *out)
{
    machine_tree_init(out, machine_hasher_best(s->config.hash), s->tree_ranges, s->count, jobs);
}

size_t snapshot_range(const struct snapshot *s, enum machine_kind kind)
{
    size_t i = 0;
    while (i + 1 < s->count && s->ranges[i].kind != kind)
        i++;
    return i;
}

int snapshot_read(const struct snapshot *s, enum machine_kind kind, uint8_t **out, struct err *e)
{
    size_t i = snapshot_range(s, kind);
    AUTO_FREE uint8_t *data = malloc((size_t)s->ranges[i].length);
    if (data == NULL)
        return err_oom(e);
    int rc = fd_pread_all(s->fds[i], data, (size_t)s->ranges[i].length, 0, s->ranges[i].name, e);
    if (rc == 0)
        *out = steal_ptr(&data);
    return rc;
}
