/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/snapshot_write.h"

#include "base/file.h"
#include "formats/machine/machine_write.h"
#include "formats/machine/snapshot_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* ---- inputs: files of a directory ---- */

struct inputs {
    int dirfd; /* -1 = there is none */
    const char *uarch_ram;
};

static int check_regular(int fd, const char *name, uint64_t *size, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot stat '%s'", name);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' is not a regular file", name);
    *size = (uint64_t)st.st_size;
    return 0;
}

/* The name is one that a stored machine's own file has: 16 digits, '-', digits, ".bin". */
static bool stored_name(const char *name)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strspn(name, digits);
    if (n != 16 || name[n] != '-')
        return false;
    size_t m = strspn(name + n + 1, digits);
    return m > 0 && strcmp(name + n + 1 + m, ".bin") == 0;
}

/* What a config names, by its last component in the directory of inputs; the uarch RAM also by a
 * path of its own. */
static int open_file(void *context, enum machine_kind kind, const char *data,
                     struct machine_input *out, struct err *e)
{
    const struct inputs *inputs = context;
    const char *name = path_base(data);
    struct machine_input in = {.fd = -1, .name = name};
    if (kind == MACHINE_UARCH_RAM && inputs->uarch_ram != NULL) {
        in.name = inputs->uarch_ram;
        in.fd = open(in.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (in.fd < 0)
            return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", in.name);
    } else if (data[0] != 0) {
        if (!relpath_valid(name))
            return err_set(e, ERR_INPUT, "'%s' is no name of a file", data);
        errno = ENOENT;
        if (inputs->dirfd >= 0)
            in.fd = openat(inputs->dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (in.fd < 0 && !(errno == ENOENT && stored_name(name)))
            return err_os_code(e, ERR_INPUT, errno, "cannot open the input '%s'", name);
    }
    int rc = in.fd < 0 ? 0 : check_regular(in.fd, in.name, &in.size, e);
    if (rc < 0) {
        (void)close(in.fd);
        return rc;
    }
    *out = in;
    return 0;
}

/* ---- output: files of a directory ---- */

struct output {
    int dirfd;
    int fd; /* of the file that is being written; -1 = none */
};

static int begin_file(void *context, const char *name, mode_t mode, uint64_t size, int *fd,
                      uint64_t *base, struct err *e)
{
    struct output *o = context;
    o->fd = openat(o->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (o->fd < 0)
        return err_os(e, errno, "cannot create '%s'", name);
    if (size > INT64_MAX || ftruncate(o->fd, (off_t)size) != 0 ||
        fchmod(o->fd, mode_by_umask(mode)) != 0)
        return err_os(e, errno, "cannot write '%s'", name);
    *fd = o->fd;
    *base = 0;
    return 0;
}

static int end_file(void *context, struct err *e)
{
    struct output *o = context;
    int fd = o->fd;
    o->fd = -1;
    return close(fd) == 0 ? 0 : err_os(e, errno, "cannot write the machine's files");
}

/* ---- the directory ---- */

/* The directory that will hold `path`; caller frees. */
static int parent_of(const char *path, char **out, struct err *e)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return str_copy(out, ".", e);
    return str_format(out, e, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* What goes into the new directory: a machine made of a config, or a copy of one. */
struct contents {
    struct machine_config *config;
    struct inputs *inputs;
    struct buf *notes;
    const struct snapshot *copied; /* else NULL */
};

static int write_into(const struct contents *c, const char *temp, struct err *e)
{
    struct output o = {.dirfd = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .fd = -1};
    if (o.dirfd < 0)
        return err_os(e, errno, "cannot open '%s'", temp);
    const struct machine_write write = {
        .source = {.open = open_file, .context = c->inputs},
        .sink = {.begin = begin_file, .end = end_file, .context = &o},
        .notes = c->notes,
    };
    int rc = c->copied != NULL ? snapshot_files(c->copied, false, &write.sink, e)
                               : machine_write(c->config, &write, e);
    if (o.fd >= 0)
        (void)close(o.fd);
    if (rc == 0 && fchmod(o.dirfd, mode_by_umask(0777)) != 0)
        rc = err_os(e, errno, "cannot change the mode of '%s'", temp);
    (void)close(o.dirfd);
    return rc;
}

/* Under a name of its own beside the output, then renamed: all of it or nothing. */
static int write_directory(const struct contents *c, const char *output, struct err *e)
{
    AUTO_FREE char *parent = NULL;
    AUTO_FREE char *temp = NULL;
    int rc = parent_of(output, &parent, e);
    if (rc < 0 || (rc = dir_make_temp(parent, ".assay-cartesi-", &temp, e)) < 0)
        return rc;
    rc = write_into(c, temp, e);
    if (rc == 0 && renameat2(AT_FDCWD, temp, AT_FDCWD, output, RENAME_NOREPLACE) != 0)
        rc = err_os_code(e, errno == EEXIST ? ERR_USAGE : ERR_HOST, errno, "cannot create '%s'",
                         output);
    struct err ignored = ERR_INIT;
    if (rc < 0)
        (void)dir_remove(temp, &ignored);
    else
        dir_keep(temp);
    return rc;
}

int snapshot_unpack(const struct snapshot *s, const char *output, struct err *e)
{
    const struct contents c = {.copied = s};
    return write_directory(&c, output, e);
}

int snapshot_write(struct machine_config *config, const struct snapshot_write *options,
                   struct err *e)
{
    AUTO_BUF notes = BUF_INIT(65536);
    AUTO_CLOSE int dirfd = -1;
    if (options->inputs != NULL) {
        dirfd = open(options->inputs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0)
            return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", options->inputs);
    }
    struct inputs inputs = {.dirfd = dirfd, .uarch_ram = options->uarch_ram};
    const struct contents c = {.config = config, .inputs = &inputs, .notes = &notes};
    int rc = write_directory(&c, options->output, e);
    for (size_t at = 0; rc == 0 && options->note != NULL && at < notes.len;
         at += strlen((const char *)notes.data + at) + 1)
        options->note(options->context, (const char *)notes.data + at);
    return rc;
}
