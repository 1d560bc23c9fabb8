/* SPDX-License-Identifier: Apache-2.0 */
/* encode.uimage: a blob or a text behind the header of a legacy U-Boot image (docs/formats/disk.md;
 * U-Boot, include/image.h). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/stream/le.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

enum {
    HEADER = 64,
    NAME_AT = 32,
    NAME_MAX_BYTES = 32,
    CHUNK = 256 * 1024,
    TEXT_MAX = 65536,
    OS_LINUX = 5,
    SCRIPT = 6, /* IH_TYPE_SCRIPT */
};

struct params {
    uint8_t arch;
    uint8_t type;
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

/* An address as this header has room for one. */
static int read_u32(const struct jcur *params, const char *key, uint64_t *out, struct err *e)
{
    return jcur_get_u64(params, key, UINT32_MAX, out, e);
}

static int read_name(const struct jcur *params, const char **out, struct err *e)
{
    struct jcur c;
    int rc;

    if ((rc = jcur_get(params, "name", &c, e)) < 0 ||
        (rc = jcur_string(&c, NAME_MAX_BYTES, out, e)) < 0)
        return rc;
    for (const char *p = *out; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            return jcur_fail(&c, e, "a name is printable ASCII");
    return 0;
}

static int read_params(const struct jcur *params, size_t input_count, struct params *p,
                       struct err *e)
{
    static const char *const keys[] = {"arch", "entry", "load", "name",
                                       "text", "time",  "type", NULL};
    static const char *const archs[] = {"arm64", "riscv64", NULL};
    static const uint8_t arch_codes[] = {22, 26};
    static const char *const types[] = {"kernel", "ramdisk", "script", NULL};
    static const uint8_t type_codes[] = {2, 3, SCRIPT};
    struct jcur c;
    size_t arch = 0;
    size_t type = 0;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 || (rc = jcur_get(params, "arch", &c, e)) < 0 ||
        (rc = jcur_choice(&c, archs, &arch, e)) < 0 || (rc = jcur_get(params, "type", &c, e)) < 0 ||
        (rc = jcur_choice(&c, types, &type, e)) < 0 ||
        (rc = read_u32(params, "load", &p->load, e)) < 0 ||
        (rc = read_u32(params, "entry", &p->entry, e)) < 0 ||
        (rc = read_u32(params, "time", &p->time, e)) < 0 ||
        (rc = read_name(params, &p->name, e)) < 0)
        return rc;
    p->arch = arch_codes[arch];
    p->type = type_codes[type];
    bool has_text = jcur_opt(params, "text", &c);
    if (has_text == (input_count == 1))
        return jcur_fail(params, e, "an image is made of one input or of 'text'");
    return has_text ? jcur_string(&c, TEXT_MAX, &p->text, e) : 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    struct params p = {0};

    return read_params(params, input_count, &p, e);
}

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
static size_t script_list(const struct params *p, uint64_t size, uint8_t list[8])
{
    if (p->type != SCRIPT)
        return 0;
    put_be32(list, (uint32_t)size);
    put_be32(list + 4, 0);
    return 8;
}

static int make_header(const struct params *p, const struct content *c, uint8_t h[HEADER + 8],
                       size_t *len, struct err *e)
{
    struct survey s = {0};
    struct sink sink = {survey_write, &s};
    uint8_t *list = h + HEADER;

    int rc = each_chunk(c, &sink, e);
    if (rc < 0)
        return rc;
    if (s.size == 0 || s.size > UINT32_MAX - 8)
        return err_set(e, ERR_INPUT, "a U-Boot image cannot have %" PRIu64 " bytes", s.size);
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
    h[29] = p->arch;
    h[30] = p->type;
    /* Only of a kernel does U-Boot undo the compression. */
    h[31] = p->type == 2 && s.head[0] == 0x1f && s.head[1] == 0x8b;
    memcpy(h + NAME_AT, p->name, strlen(p->name));
    put_be32(h + 4, (uint32_t)crc32_z(0, h, HEADER));
    *len = HEADER + list_len;
    return 0;
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    struct params p = {.name = ""};
    uint8_t header[HEADER + 8];
    size_t len = 0;

    if (chunk == NULL)
        return err_oom(e);
    int rc = read_params(params, input_count, &p, e);
    if (rc < 0)
        return rc;
    struct content content = {.context = context, .input = inputs, .text = p.text, .chunk = chunk};
    if ((rc = make_header(&p, &content, header, &len, e)) < 0 ||
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
    .check = check,
    .run = run,
};
