/* SPDX-License-Identifier: Apache-2.0 */
/* encode.uimage: a blob or a text behind the header of a legacy U-Boot image (docs/formats/disk.md;
 * U-Boot, include/image.h). */
#include "base/byte_order.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "builder/steps/widths.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

enum {
    HEADER = 64,
    SCRIPT_LIST = 8, /* before the text of a script */
    NAME_AT = 32,
    NAME_MAX_BYTES = 32,
    CHUNK = 256 * 1024,
    OS_LINUX = 5,
    KERNEL = 2, /* IH_TYPE_KERNEL */
    SCRIPT = 6, /* IH_TYPE_SCRIPT */
};

struct params {
    size_t arch; /* into archs */
    size_t type; /* into types */
    uint64_t load;
    uint64_t entry;
    uint64_t time;
    const char *name;
    const char *text; /* NULL: the input */
};

struct content {
    const struct step_context *context;
    const struct step_input *input;
    const char *text; /* NULL: the input */
    uint8_t *chunk;   /* CHUNK bytes */
};

/* ---- parameters ---------------------------------------------------------------------------- */

static const char *const archs[] = {"arm64", "riscv64", NULL};
static const uint8_t arch_codes[] = {22, 26};
static const char *const types[] = {"kernel", "ramdisk", "script", NULL};
static const uint8_t type_codes[] = {KERNEL, 3, SCRIPT};

static const struct param_text name_text = {
    .max = NAME_MAX_BYTES,
    .valid = param_printable,
    .complaint = "a name is printable ASCII",
    .said_max = NAME_MAX_BYTES,
};

static int check_content(const struct param_reading *r, const struct jcur *object,
                         const void *fields, struct err *e)
{
    struct jcur text;
    (void)fields;
    if (jcur_opt(object, "text", &text) == (r->input_count == 1))
        return jcur_fail(object, e, "an image is made of one input or of 'text'");
    return 0;
}

static const struct param rows[] = {
    {PARAM_CHOICE("arch", struct params, arch, archs)},
    {PARAM_CHOICE("type", struct params, type, types)},
    {PARAM_U64("load", struct params, load), .max = UINT32_MAX},
    {PARAM_U64("entry", struct params, entry), .max = UINT32_MAX},
    {PARAM_U64("time", struct params, time), .max = UINT32_MAX},
    {PARAM_TEXT("name", struct params, name, &name_text)},
    {PARAM_RULE(check_content)},
    {PARAM_TEXT("text", struct params, text, &param_text_content), .optional = true},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/* ---- the bytes ---------------------------------------------------------------------------------
 */

static int each_chunk(const struct content *c, const struct sink *out, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    size_t got = 0;

    if (c->text != NULL)
        return sink_write(out, c->text, strlen(c->text), e);
    int rc = cas_stream_open(c->context->cas, &c->input->digest, &s, e);
    if (rc < 0)
        return rc;
    do {
        if ((rc = cas_stream_read(s, c->chunk, CHUNK, &got, e)) < 0 ||
            (rc = sink_write(out, c->chunk, got, e)) < 0)
            return rc;
    } while (got != 0);
    return 0;
}

/* What has to be known of the content before its header is written. */
struct survey {
    uint32_t crc;
    uint64_t size;
    uint8_t head[2];
};

static int survey_write(void *context, const void *data, size_t len, struct err *e)
{
    struct survey *s = context;
    const uint8_t *p = data;

    (void)e;
    for (size_t i = 0; i < len && s->size + i < sizeof(s->head); i++)
        s->head[s->size + i] = p[i];
    s->crc = (uint32_t)crc32_z(s->crc, data, len);
    s->size += len;
    return 0;
}

/* A script is the one member of a list of files: its length, and a zero that ends the list. */
static size_t script_list(const struct params *p, uint64_t size, uint8_t list[SCRIPT_LIST])
{
    if (type_codes[p->type] != SCRIPT)
        return 0;
    put_be32(list, (uint32_t)size);
    put_be32(list + 4, 0);
    return SCRIPT_LIST;
}

int width_uimage(uint64_t size, struct err *e)
{
    if (size == 0 || size > UINT32_MAX - SCRIPT_LIST)
        return err_set(e, ERR_INPUT, "a U-Boot image has 1 to %u bytes, not %" PRIu64,
                       UINT32_MAX - SCRIPT_LIST, size);
    return 0;
}

static int make_header(const struct params *p, const struct content *c,
                       uint8_t h[HEADER + SCRIPT_LIST], size_t *len, struct err *e)
{
    struct survey s = {0};
    struct sink sink = {.write = survey_write, .context = &s};
    uint8_t *list = h + HEADER;

    int rc = each_chunk(c, &sink, e);
    if (rc < 0)
        return rc;
    if ((rc = width_uimage(s.size, e)) < 0)
        return rc;
    size_t list_len = script_list(p, s.size, list);
    uint32_t crc = (uint32_t)crc32_z(0, list, list_len);
    memset(h, 0, HEADER);
    put_be32(h, 0x27051956);
    put_be32(h + 8, (uint32_t)p->time);
    put_be32(h + 12, (uint32_t)(s.size + list_len));
    put_be32(h + 16, (uint32_t)p->load);
    put_be32(h + 20, (uint32_t)p->entry);
    put_be32(h + 24, (uint32_t)crc32_combine(crc, s.crc, (z_off_t)s.size));
    h[28] = OS_LINUX;
    h[29] = arch_codes[p->arch];
    h[30] = type_codes[p->type];
    /* Only of a kernel does U-Boot undo the compression. */
    h[31] = type_codes[p->type] == KERNEL && s.head[0] == 0x1f && s.head[1] == 0x8b;
    memcpy(h + NAME_AT, p->name, strlen(p->name));
    put_be32(h + 4, (uint32_t)crc32_z(0, h, HEADER));
    *len = HEADER + list_len;
    return 0;
}

int step_encode_uimage_run(const struct step_context *context, void *params,
                           const struct step_input *inputs, size_t input_count,
                           struct step_output *out, struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    const struct params *p = params;
    uint8_t header[HEADER + SCRIPT_LIST];
    size_t len = 0;

    (void)input_count;
    if (chunk == NULL)
        return err_oom(e);
    struct content content = {.context = context, .input = inputs, .text = p->text, .chunk = chunk};
    int rc;
    if ((rc = make_header(p, &content, header, &len, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &w, e)) < 0)
        return rc;
    struct sink sink = sink_cas(w);
    if ((rc = sink_write(&sink, header, len, e)) < 0 || (rc = each_chunk(&content, &sink, e)) < 0)
        return rc;
    return output_commit(w, out, e);
}

const struct step_kind step_encode_uimage = {
    .name = "encode.uimage",
    .min_inputs = 0,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
