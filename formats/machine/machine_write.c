/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_write.h"

#include "base/digest.h"
#include "base/sparse.h"
#include "formats/machine/machine_dtb.h"
#include "formats/machine/machine_state.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct writer {
    const struct machine_config *config;
    const struct machine_write *options;
};

__attribute__((format(printf, 2, 3))) static void note(const struct writer *w, const char *fmt, ...)
{
    char text[ERR_FRAME_MAX];
    va_list args;
    if (w->options->notes == NULL)
        return;
    va_start(args, fmt);
    struct err ignored = ERR_INIT;
    size_t len = text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, args);
    (void)buf_add(w->options->notes, text, len + 1, &ignored);
    va_end(args);
}

static int open_input(const struct machine_write *options, enum machine_kind kind,
                      const struct machine_backing *backing, struct machine_input *out,
                      struct err *e)
{
    struct machine_input in = {.fd = -1, .name = ""};
    int rc = 0;
    if (backing->data[0] != 0 || kind == MACHINE_UARCH_RAM)
        rc = options->source.open(options->source.context, kind, backing->data, &in, e);
    if (rc == 0)
        *out = in;
    return rc;
}

/* ---- one file ---- */

static int write_bytes(const struct writer *w, const char *name, mode_t mode, const uint8_t *data,
                       size_t len, uint64_t size, struct err *e)
{
    const struct machine_sink *s = &w->options->sink;
    uint64_t base = 0;
    int fd = -1;
    int rc = s->begin(s->context, name, mode, size, &fd, &base, e);
    if (rc == 0)
        rc = sparse_write(fd, data, len, base, name, e);
    return rc < 0 ? rc : s->end(s->context, e);
}

/* The range's bytes out of its input. */
static int write_input(const struct writer *w, const struct machine_range *range,
                       const struct machine_input *in, const char *name, mode_t mode, struct err *e)
{
    const struct machine_sink *s = &w->options->sink;
    uint64_t base = 0;
    int fd = -1;
    if (in->size > range->length)
        return err_set(e, ERR_INPUT, "'%s' has %" PRIu64 " bytes, the %s only %" PRIu64, in->name,
                       in->size, range->name, range->length);
    if (range->backing->shared && in->size != range->length)
        return err_set(e, ERR_INPUT, "'%s' has %" PRIu64 " bytes; shared, it must have %" PRIu64,
                       in->name, in->size, range->length);
    int rc = s->begin(s->context, name, mode, range->length, &fd, &base, e);
    if (rc == 0)
        rc = sparse_copy(in->fd, 0, in->size, fd, base, in->name, e);
    return rc < 0 ? rc : s->end(s->context, e);
}

/* ---- ranges ---- */

static int write_dtb(const struct writer *w, const struct machine_input *in, const char *name,
                     const struct machine_range *range, struct err *e)
{
    AUTO_BUF tree = BUF_INIT(MACHINE_DTB_SIZE);
    if (in->fd >= 0) {
        note(w, "the device tree is the file '%s', not made from the config", in->name);
        return write_input(w, range, in, name, 0644, e);
    }
    int rc = machine_dtb_format(w->config, &tree, e);
    return rc < 0 ? rc : write_bytes(w, name, 0644, tree.data, tree.len, range->length, e);
}

/* The uarch RAM must be the emulator's own: the image, or the image padded to its range. */
static int check_uarch(const struct machine_version *v, const struct machine_input *in,
                       struct err *e)
{
    struct digest d;
    char hex[DIGEST_TEXT_MAX];
    if (lseek(in->fd, 0, SEEK_SET) != 0)
        return err_os(e, errno, "cannot read '%s'", in->name);
    int rc = digest_fd(DIGEST_SHA256, in->fd, &d, NULL, e);
    if (rc < 0)
        return rc;
    digest_hex(&d, hex);
    if (strcmp(hex, v->uarch_image_sha256) == 0 || strcmp(hex, v->uarch_ram_sha256) == 0)
        return 0;
    return err_set(e, ERR_INPUT, "'%s' is not the uarch RAM of emulator %s (sha256 %s)", in->name,
                   v->name, hex);
}

static int write_uarch_ram(const struct writer *w, const struct machine_input *in, const char *name,
                           const struct machine_range *range, struct err *e)
{
    if (in->fd < 0) {
        note(w,
             "there is no uarch RAM (%s): the directory is written without it, and the emulator "
             "will not load it",
             name);
        return 0;
    }
    int rc = check_uarch(w->config->version, in, e);
    return rc < 0 ? rc : write_input(w, range, in, name, 0644, e);
}

static int write_own(const struct writer *w, const struct machine_range *range, const char *name,
                     struct err *e)
{
    AUTO_FREE uint8_t *bytes = malloc(MACHINE_STATE_SIZE);
    if (bytes == NULL)
        return err_oom(e);
    if (range->kind == MACHINE_STATE)
        machine_state_bytes(w->config, bytes);
    else if (range->kind == MACHINE_UARCH_STATE)
        machine_uarch_bytes(w->config, bytes);
    else
        machine_pmas_bytes(w->config, bytes);
    return write_bytes(w, name, range->kind == MACHINE_PMAS ? 0444 : 0644, bytes,
                       (size_t)range->length, range->length, e);
}

/* Ranges that the config decides alone: a file of theirs among the inputs is not looked at. */
static bool is_own(enum machine_kind kind)
{
    return kind == MACHINE_STATE || kind == MACHINE_UARCH_STATE || kind == MACHINE_PMAS;
}

static int write_range(const struct writer *w, const struct machine_range *range,
                       const struct machine_input *in, struct err *e)
{
    char name[48];
    mode_t mode = range->read_only ? 0444 : 0644;
    machine_range_file(range->start, range->length, "bin", name);
    if (is_own(range->kind))
        return write_own(w, range, name, e);
    if (range->kind == MACHINE_DTB)
        return write_dtb(w, in, name, range, e);
    if (range->kind == MACHINE_UARCH_RAM)
        return write_uarch_ram(w, in, name, range, e);
    if (in->fd < 0 && range->backing->data[0] != 0)
        note(w, "there is no file '%s': the %s starts as zeros", in->name, range->name);
    return in->fd < 0 ? write_bytes(w, name, mode, NULL, 0, range->length, e)
                      : write_input(w, range, in, name, mode, e);
}

static int write_caches(const struct writer *w, const struct machine_range *range, struct err *e)
{
    char name[48];
    machine_range_file(range->start, range->length, "dht", name);
    int rc = write_bytes(w, name, 0644, NULL, 0, machine_dht_size(range->length), e);
    if (rc < 0)
        return rc;
    machine_range_file(range->start, range->length, "dpt", name);
    return write_bytes(w, name, 0644, NULL, 0, machine_dpt_size(range->length), e);
}

static int write_ranges(const struct writer *w, const struct machine_range *ranges, size_t count,
                        struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct machine_input in = {.fd = -1, .name = ""};
        if (!is_own(ranges[i].kind))
            rc = open_input(w->options, ranges[i].kind, ranges[i].backing, &in, e);
        if (rc == 0)
            rc = write_range(w, &ranges[i], &in, e);
        if (in.fd >= 0)
            (void)close(in.fd);
        if (rc == 0)
            rc = write_caches(w, &ranges[i], e);
    }
    return rc;
}

/* ---- the machine ---- */

/* A drive without a length has its file's. */
static int auto_length(const struct machine_write *options, enum machine_kind kind,
                       struct machine_drive *d, struct err *e)
{
    struct machine_input in = {.fd = -1};
    if (d->length != MACHINE_AUTO)
        return 0;
    int rc = open_input(options, kind, &d->backing, &in, e);
    if (rc < 0)
        return rc;
    if (in.fd < 0)
        return err_set(e, ERR_INPUT, "a drive has neither a length nor a file");
    (void)close(in.fd);
    d->length = in.size;
    if (options->round_lengths && in.size <= INT64_MAX) {
        uint64_t align = d->align != 0 ? d->align : MACHINE_PAGE;
        d->length = (in.size + align - 1) / align * align;
    }
    return 0;
}

static int resolve(struct machine_config *config, const struct machine_write *options,
                   struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < config->drive_count; i++)
        rc = auto_length(options, MACHINE_FLASH, &config->drives[i], e);
    for (size_t i = 0; rc == 0 && i < config->nvram_count; i++)
        rc = auto_length(options, MACHINE_NVRAM, &config->nvrams[i], e);
    return rc < 0 ? rc : machine_config_resolve(config, e);
}

int machine_write(struct machine_config *config, const struct machine_write *options, struct err *e)
{
    struct machine_range ranges[MACHINE_RANGES_MAX];
    const struct writer w = {.config = config, .options = options};
    AUTO_BUF text = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    int rc = machine_version_writable(config->version, e);
    if (rc < 0 || (rc = resolve(config, options, e)) < 0)
        return rc;
    size_t count = machine_config_ranges(config, ranges);
    if ((rc = machine_config_format(config, &text, e)) < 0 ||
        (rc = write_bytes(&w, "config.json", 0644, text.data, text.len, text.len, e)) < 0 ||
        (rc = write_ranges(&w, ranges, count, e)) < 0 ||
        (rc = write_bytes(&w, "hash_tree.sht", 0644, NULL, 0, machine_sht_size(ranges, count), e)) <
            0)
        return rc;
    return write_bytes(&w, "hash_tree.phtc", 0644, NULL, 0, machine_phtc_file_size(config), e);
}
