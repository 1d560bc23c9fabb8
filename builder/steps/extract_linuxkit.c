/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract.linuxkit: kernel, command line and initrd of a tar that
 * encode.linuxkit-tar made, as LinuxKit's formats kernel+initrd and
 * tar-kernel-initrd have them (docs/formats/linuxkit-compat.md).
 */
#include "builder/linuxkit/compat_image.h"
#include "builder/linuxkit/compat_parts.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/stream/gzip_writer.h"

#include <string.h>

enum part { PART_KERNEL, PART_CMDLINE, PART_INITRD, PART_INITRD_BARE, PART_TAR };
static const char *const parts[] = {"kernel", "cmdline", "initrd", "initrd-bare", "tar", NULL};
enum { GZIP_LEVEL = 6, PAD = 4 };

struct params {
    size_t part;
};

/* "tar" takes the bare initrd as its second input. */
static int check_inputs(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    size_t part = ((const struct params *)fields)->part;
    struct jcur m;
    if (r->input_count == (part == PART_TAR ? 2U : 1U))
        return 0;
    int rc = jcur_get(object, "part", &m, e);
    return rc < 0 ? rc
                  : jcur_fail(&m, e, "the part '%s' takes %d inputs", parts[part],
                              part == PART_TAR ? 2 : 1);
}

static const struct param rows[] = {
    {PARAM_CHOICE("part", struct params, part, parts)},
    {PARAM_RULE(check_inputs)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int read_stream(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    return cas_stream_read(context, data, len, got, e);
}

static int split(struct cas *cas, const struct digest *tar, struct compat_boot *boot,
                 const struct sink *cpio, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *stream = NULL;
    int rc = cas_stream_open(cas, tar, &stream, e);
    if (rc < 0)
        return rc;
    const struct source from = {.context = stream, .read = read_stream};
    return compat_parts_split(&from, boot, cpio, e);
}

/* Counts, so that the end can be padded. */
struct counted {
    struct sink to;
    uint64_t at;
};

static int write_counted(void *context, const void *data, size_t len, struct err *e)
{
    struct counted *c = context;
    c->at += len;
    return sink_write(&c->to, data, len, e);
}

/* The microcode is before the archive in the file, but after it in the tar's order: so it is
 * looked for first. */
static int write_initrd(const struct step_context *context, const struct digest *tar, bool bare,
                        struct compat_boot *boot, struct sink to, struct err *e)
{
    static const uint8_t zeros[PAD];
    const struct sink nowhere = {0};
    struct counted counted = {.to = to};
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    const struct sink out = {.context = &counted, .write = write_counted};
    int rc = 0;
    if (!bare &&
        ((rc = split(context->cas, tar, boot, &nowhere, e)) < 0 ||
         (boot->ucode.len > 0 && (rc = sink_write(&to, boot->ucode.data, boot->ucode.len, e)) < 0)))
        return rc;
    if ((rc = gzip_writer_new(out, GZIP_LEVEL, context->jobs, &zip, e)) < 0)
        return rc;
    const struct sink packed = sink_gzip(zip);
    if ((rc = split(context->cas, tar, boot, &packed, e)) < 0 ||
        (rc = gzip_writer_finish(zip, e)) < 0)
        return rc;
    return sink_write(&to, zeros, (size_t)((PAD - counted.at % PAD) % PAD), e);
}

static int write_found(const struct buf *found, const char *name, struct sink to, struct err *e)
{
    if (found->len == 0)
        return err_set(e, ERR_INPUT, "the tar has no '%s', or an empty one", name);
    return sink_write(&to, found->data, found->len, e);
}

static int put_member(const struct compat_place *p, const char *name, const struct buf *data,
                      struct err *e)
{
    return data->len == 0 ? 0 : compat_put(p, '0', name, 0644, NULL, data->data, data->len, e);
}

static int write_tar(const struct step_context *context, const struct step_input *inputs,
                     struct compat_boot *boot, struct sink to, struct err *e)
{
    static const uint8_t end[1024];
    const struct sink nowhere = {0};
    const struct compat_place p = {.cas = context->cas, .to = to};
    int rc = split(context->cas, &inputs[0].digest, boot, &nowhere, e);
    if (rc < 0 || (rc = put_member(&p, "kernel", &boot->kernel, e)) < 0 ||
        (rc = compat_put_blob(&p, "initrd.img", 0644, LINUXKIT_FIXED_TIME, &inputs[1].digest,
                              inputs[1].size, e)) < 0 ||
        (rc = put_member(&p, "cmdline", &boot->cmdline, e)) < 0 ||
        (rc = put_member(&p, "ucode.cpio", &boot->ucode, e)) < 0)
        return rc;
    return sink_write(&to, end, sizeof(end), e);
}

int step_extract_linuxkit_run(const struct step_context *context, void *params,
                              const struct step_input *inputs, size_t input_count,
                              struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO(compat_boot_dispose) struct compat_boot boot;
    const struct sink nowhere = {0};
    size_t part = ((const struct params *)params)->part;
    (void)input_count;
    compat_boot_init(&boot);
    int rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e);
    if (rc < 0)
        return rc;
    const struct sink to = sink_cas(writer);
    const struct digest *tar = &inputs[0].digest;
    if (part == PART_TAR)
        rc = write_tar(context, inputs, &boot, to, e);
    else if (part == PART_INITRD || part == PART_INITRD_BARE)
        rc = write_initrd(context, tar, part == PART_INITRD_BARE, &boot, to, e);
    else if ((rc = split(context->cas, tar, &boot, &nowhere, e)) == 0)
        rc = part == PART_KERNEL ? write_found(&boot.kernel, "boot/kernel", to, e)
                                 : write_found(&boot.cmdline, "boot/cmdline", to, e);
    return rc < 0 ? rc : output_commit(writer, out, e);
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_extract_linuxkit = {
    .name = "extract.linuxkit",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 2,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
