#include "builder/cartesi/snapshot_write.h"

#include "base/digest.h"
#include "base/file.h"
#include "builder/cartesi/machine_dtb.h"
#include "builder/cartesi/machine_state.h"
#include "builder/cartesi/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* An input file of a range. */
struct input {
    int fd; /* -1 = none */
    uint64_t size;
};

struct writer {
    struct machine_config *config;
    const struct snapshot_write *options;
    int inputs; /* directory descriptors */
    int output;
    struct buf *notes; /* strings, told once the machine is there */
};

__attribute__((format(printf, 2, 3))) static void note(const struct writer *w, const char *fmt, ...)
{
    char text[ERR_FRAME_MAX];
    va_list args;
    if (w->options->note == NULL)
        return;
    va_start(args, fmt);
    struct err ignored = ERR_INIT;
    if (vsnprintf(text, sizeof(text), fmt, args) >= 0)
        (void)buf_add(w->notes, text, strlen(text) + 1, &ignored);
    va_end(args);
}

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

/* Opens what a config names, by its last component in the directory of inputs. */
static int open_input(const struct writer *w, const struct machine_backing *backing,
                      struct input *out, struct err *e)
{
    const char *name = path_base(backing->data);
    struct input in = {.fd = -1};
    if (backing->data[0] == 0) {
        *out = in;
        return 0;
    }
    if (!relpath_valid(name))
        return err_set(e, ERR_INPUT, "'%s' is no name of a file", backing->data);
    if (w->inputs < 0)
        errno = ENOENT;
    else
        in.fd = openat(w->inputs, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (in.fd < 0 && !(errno == ENOENT && stored_name(name)))
        return err_os_code(e, ERR_INPUT, errno, "cannot open the input '%s'", name);
    int r = in.fd < 0 ? 0 : check_regular(in.fd, name, &in.size, e);
    if (r < 0) {
        (void)close(in.fd);
        return r;
    }
    *out = in;
    return 0;
}

/* A drive without a length has its file's. */
static int auto_length(const struct writer *w, struct machine_drive *d, struct err *e)
{
    struct input in;
    if (d->length != MACHINE_AUTO)
        return 0;
    int r = open_input(w, &d->backing, &in, e);
    if (r < 0)
        return r;
    if (in.fd < 0)
        return err_set(e, ERR_INPUT, "a drive has neither a length nor a file");
    (void)close(in.fd);
    d->length = in.size;
    return 0;
}

static int create(const struct writer *w, const char *name, mode_t mode, uint64_t size, int *out,
                  struct err *e)
{
    int fd = openat(w->output, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_os(e, errno, "cannot create '%s'", name);
    if (size > INT64_MAX || ftruncate(fd, (off_t)size) != 0 || fchmod(fd, mode) != 0) {
        int r = err_os(e, errno, "cannot write '%s'", name);
        (void)close(fd);
        return r;
    }
    *out = fd;
    return 0;
}

static int create_bytes(const struct writer *w, const char *name, mode_t mode, const uint8_t *data,
                        size_t len, uint64_t size, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    int r = create(w, name, mode, size, &fd, e);
    return r < 0 ? r : sparse_write(fd, data, len, 0, name, e);
}

/* The range's bytes out of its input. */
static int copy_input(const struct writer *w, const struct machine_range *range,
                      const struct input *in, const char *name, mode_t mode, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    const char *from = path_base(range->backing->data);
    if (in->size > range->length)
        return err_set(e, ERR_INPUT, "'%s' has %" PRIu64 " bytes, the %s only %" PRIu64, from,
                       in->size, range->name, range->length);
    if (range->backing->shared && in->size != range->length)
        return err_set(e, ERR_INPUT, "'%s' has %" PRIu64 " bytes; shared, it must have %" PRIu64,
                       from, in->size, range->length);
    int r = create(w, name, mode, range->length, &fd, e);
    return r < 0 ? r : sparse_copy(in->fd, in->size, fd, from, e);
}

static int write_dtb(const struct writer *w, const struct input *in, const char *name,
                     const struct machine_range *range, struct err *e)
{
    AUTO_BUF tree = BUF_INIT(MACHINE_DTB_SIZE);
    if (in->fd >= 0) {
        note(w, "the device tree is the file '%s', not made from the config",
             path_base(range->backing->data));
        return copy_input(w, range, in, name, 0644, e);
    }
    int r = machine_dtb_format(w->config, &tree, e);
    return r < 0 ? r : create_bytes(w, name, 0644, tree.data, tree.len, range->length, e);
}

/* The uarch RAM must be the emulator's own: the image, or the image padded to its range. */
static int check_uarch(const struct machine_version *v, int fd, const char *name, struct err *e)
{
    struct digest d;
    char hex[DIGEST_TEXT_MAX];
    if (lseek(fd, 0, SEEK_SET) != 0)
        return err_os(e, errno, "cannot read '%s'", name);
    int r = digest_fd(DIGEST_SHA256, fd, &d, NULL, e);
    if (r < 0)
        return r;
    digest_hex(&d, hex);
    if (strcmp(hex, v->uarch_image_sha256) == 0 || strcmp(hex, v->uarch_ram_sha256) == 0)
        return 0;
    return err_set(e, ERR_INPUT, "'%s' is not the uarch RAM of emulator %s (sha256 %s)", name,
                   v->name, hex);
}

static int write_uarch_ram(const struct writer *w, const struct input *named, const char *name,
                           const struct machine_range *range, struct err *e)
{
    const char *path = w->options->uarch_ram;
    struct input in = *named;
    AUTO_CLOSE int own = -1;
    int r = 0;
    if (path != NULL) {
        own = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (own < 0)
            return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
        r = check_regular(own, path, &in.size, e);
        in.fd = own;
    }
    if (r < 0)
        return r;
    if (in.fd < 0) {
        note(w,
             "there is no uarch RAM (%s): the directory is written without it, and the emulator "
             "will not load it",
             name);
        return 0;
    }
    if ((r = check_uarch(w->config->version, in.fd, path != NULL ? path : name, e)) < 0)
        return r;
    return copy_input(w, range, &in, name, 0644, e);
}

static int write_range(const struct writer *w, const struct machine_range *range,
                       const struct input *in, struct err *e)
{
    AUTO_FREE uint8_t *state = NULL;
    char name[48];
    mode_t mode = range->read_only ? 0444 : 0644;
    machine_range_file(range->start, range->length, "bin", name);
    switch (range->kind) {
    case MACHINE_STATE:
    case MACHINE_UARCH_STATE:
    case MACHINE_PMAS:
        state = malloc(MACHINE_STATE_SIZE);
        if (state == NULL)
            return err_oom(e);
        if (range->kind == MACHINE_STATE)
            machine_state_bytes(w->config, state);
        else if (range->kind == MACHINE_UARCH_STATE)
            machine_uarch_bytes(w->config, state);
        else
            machine_pmas_bytes(w->config, state);
        return create_bytes(w, name, range->kind == MACHINE_PMAS ? 0444 : 0644, state,
                            (size_t)range->length, range->length, e);
    case MACHINE_DTB:
        return write_dtb(w, in, name, range, e);
    case MACHINE_UARCH_RAM:
        return write_uarch_ram(w, in, name, range, e);
    case MACHINE_RX:
    case MACHINE_TX:
    case MACHINE_RAM:
    case MACHINE_FLASH:
    case MACHINE_NVRAM:
        break;
    }
    if (in->fd < 0 && range->backing->data[0] != 0)
        note(w, "there is no file '%s': the %s starts as zeros", path_base(range->backing->data),
             range->name);
    return in->fd < 0 ? create_bytes(w, name, mode, NULL, 0, range->length, e)
                      : copy_input(w, range, in, name, mode, e);
}

/* Ranges that the config decides alone: a file of theirs among the inputs is not looked at. */
static bool takes_input(enum machine_kind kind)
{
    return kind != MACHINE_STATE && kind != MACHINE_UARCH_STATE && kind != MACHINE_PMAS;
}

static int write_caches(const struct writer *w, const struct machine_range *range, struct err *e)
{
    char name[48];
    machine_range_file(range->start, range->length, "dht", name);
    int r = create_bytes(w, name, 0644, NULL, 0, machine_dht_size(range->length), e);
    if (r < 0)
        return r;
    machine_range_file(range->start, range->length, "dpt", name);
    return create_bytes(w, name, 0644, NULL, 0, machine_dpt_size(range->length), e);
}

static int write_all(const struct writer *w, struct err *e)
{
    struct machine_range ranges[MACHINE_RANGES_MAX];
    AUTO_BUF text = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    size_t count = machine_config_ranges(w->config, ranges);
    int r = machine_config_format(w->config, &text, e);
    if (r == 0)
        r = create_bytes(w, "config.json", 0644, text.data, text.len, text.len, e);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct input in = {.fd = -1};
        if (takes_input(ranges[i].kind))
            r = open_input(w, ranges[i].backing, &in, e);
        if (r == 0)
            r = write_range(w, &ranges[i], &in, e);
        if (in.fd >= 0)
            (void)close(in.fd);
        if (r == 0)
            r = write_caches(w, &ranges[i], e);
    }
    if (r < 0)
        return r;
    r = create_bytes(w, "hash_tree.sht", 0644, NULL, 0, machine_sht_size(ranges, count), e);
    return r < 0 ? r
                 : create_bytes(w, "hash_tree.phtc", 0644, NULL, 0,
                                machine_phtc_file_size(w->config), e);
}

/* The directory that will hold `path`; caller frees. */
static int parent_of(const char *path, char **out, struct err *e)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return str_copy(out, ".", e);
    return str_format(out, e, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int write_beside(struct writer *w, const char *temp, struct err *e)
{
    w->output = open(temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->output < 0)
        return err_os(e, errno, "cannot open '%s'", temp);
    int r = write_all(w, e);
    if (r == 0 && fchmod(w->output, 0755) != 0)
        r = err_os(e, errno, "cannot change the mode of '%s'", temp);
    (void)close(w->output);
    if (r == 0 && renameat2(AT_FDCWD, temp, AT_FDCWD, w->options->output, RENAME_NOREPLACE) != 0)
        r = err_os_code(e, errno == EEXIST ? ERR_USAGE : ERR_HOST, errno, "cannot create '%s'",
                        w->options->output);
    return r;
}

int snapshot_write(struct machine_config *config, const struct snapshot_write *options,
                   struct err *e)
{
    AUTO_BUF notes = BUF_INIT(65536);
    struct writer w = {
        .config = config, .options = options, .inputs = -1, .output = -1, .notes = &notes};
    AUTO_CLOSE int inputs = -1;
    AUTO_FREE char *parent = NULL;
    AUTO_FREE char *temp = NULL;
    int r = 0;
    if (options->inputs != NULL) {
        inputs = open(options->inputs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (inputs < 0)
            return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", options->inputs);
        w.inputs = inputs;
    }
    for (size_t i = 0; r == 0 && i < config->drive_count; i++)
        r = auto_length(&w, &config->drives[i], e);
    for (size_t i = 0; r == 0 && i < config->nvram_count; i++)
        r = auto_length(&w, &config->nvrams[i], e);
    if (r < 0 || (r = machine_config_resolve(config, e)) < 0 ||
        (r = parent_of(options->output, &parent, e)) < 0 ||
        (r = dir_make_temp(parent, ".assay-cartesi-", &temp, e)) < 0)
        return r;
    r = write_beside(&w, temp, e);
    if (r < 0) {
        struct err ignored = ERR_INIT;
        (void)dir_remove(temp, &ignored);
        return r;
    }
    for (size_t at = 0; at < notes.len; at += strlen((const char *)notes.data + at) + 1)
        options->note(options->context, (const char *)notes.data + at);
    return 0;
}
