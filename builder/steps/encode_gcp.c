/* SPDX-License-Identifier: Apache-2.0 */
/* encode.gcp: a disk as Google Cloud imports it, disk.raw in a gzip'ed tar in GNU's old format, its
 * empty blocks left out (docs/formats/disk.md). */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/stream/blocks.h"

#include <string.h>

enum {
    GIB = 1 << 30, /* a disk's size is a multiple of it */
    BLOCK = 65536,
    RECORD = 512,
    HEADER_RUNS = 4, /* of a sparse file, in the header; the others follow in records of 21 */
    RECORD_RUNS = 21,
    RUN = 24, /* bytes: where it begins, and how long it is */
    END_RECORDS = 2,
};

struct params {
    uint64_t size;
    struct param_compression compression;
    int64_t time;
};

/* ---- numbers and runs --------------------------------------------------------------------------
 */

/* `len` bytes of a field: octal with a NUL behind; in base 256 when that does not hold it. */
static void put_number(uint8_t *p, size_t len, uint64_t v)
{
    if (v >> (3 * (len - 1)) == 0) {
        p[len - 1] = 0;
        for (size_t i = len - 1; i-- > 0; v >>= 3)
            p[i] = (uint8_t)('0' + (v & 7));
        return;
    }
    for (size_t i = len; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
    p[0] = 0x80;
}

struct run {
    uint64_t first; /* blocks */
    uint64_t count;
};

/* The next run of used blocks from `at` on; false: there is none. */
static bool next_run(const struct blocks *b, uint64_t at, struct run *out)
{
    while (at < b->count && !blocks_used(b, at))
        at++;
    out->first = at;
    while (at < b->count && blocks_used(b, at))
        at++;
    out->count = at - out->first;
    return out->count != 0;
}

static uint64_t count_runs(const struct blocks *b)
{
    struct run r = {0};
    uint64_t count = 0;
    while (next_run(b, r.first + r.count, &r))
        count++;
    return count;
}

/* ---- the tar
 * ---------------------------------------------------------------------------------------- */

static int put(const struct sink *s, const void *data, size_t len, struct err *e)
{
    return sink_write(s, data, len, e);
}

/* The run behind *r, or when there is none the empty one at the end, which closes the map. */
static void put_run(const struct blocks *b, struct run *r, uint8_t *p)
{
    if (!next_run(b, r->first + r->count, r)) {
        put_number(p, 12, b->size);
        put_number(p + 12, 12, 0);
        return;
    }
    put_number(p, 12, r->first * BLOCK);
    put_number(p + 12, 12, r->count * BLOCK);
}

static void make_header(const struct blocks *b, const struct params *p, uint8_t h[RECORD])
{
    memset(h, 0, RECORD);
    memcpy(h, "disk.raw", 8);
    put_number(h + 100, 8, 0644);
    put_number(h + 108, 8, 0);
    put_number(h + 116, 8, 0);
    put_number(h + 124, 12, b->used_count * BLOCK);
    put_number(h + 136, 12, (uint64_t)p->time);
    memset(h + 148, ' ', 8);
    h[156] = 'S';
    memcpy(h + 257, "ustar  ", 8);
    memcpy(h + 265, "root", 4);
    memcpy(h + 297, "root", 4);
    put_number(h + 483, 12, b->size);
}

static void close_header(uint8_t h[RECORD])
{
    uint32_t sum = 0;
    for (size_t i = 0; i < RECORD; i++)
        sum += h[i];
    put_number(h + 148, 7, sum);
    h[155] = ' ';
}

static int write_map(const struct blocks *b, const struct params *p, const struct sink *s,
                     struct err *e)
{
    uint8_t record[RECORD];
    uint64_t left = count_runs(b) + 1;
    struct run r = {0};

    make_header(b, p, record);
    for (size_t i = 0; i < HEADER_RUNS && left > 0; i++, left--)
        put_run(b, &r, record + 386 + i * RUN);
    record[482] = left > 0;
    close_header(record);
    int rc = put(s, record, RECORD, e);
    if (rc < 0)
        return rc;
    while (left > 0) {
        memset(record, 0, RECORD);
        for (size_t i = 0; i < RECORD_RUNS && left > 0; i++, left--)
            put_run(b, &r, record + i * RUN);
        record[RECORD_RUNS * RUN] = left > 0;
        if ((rc = put(s, record, RECORD, e)) < 0)
            return rc;
    }
    return 0;
}

static int write_tar(const struct blocks *b, const struct params *p, const struct sink *s,
                     struct err *e)
{
    AUTO_FREE uint8_t *data = malloc(BLOCK);

    if (data == NULL)
        return err_oom(e);
    int rc = write_map(b, p, s, e);
    if (rc < 0)
        return rc;
    for (uint64_t i = 0; i < b->count; i++)
        if (blocks_used(b, i) &&
            ((rc = blocks_read(b, i, data, e)) < 0 || (rc = put(s, data, BLOCK, e)) < 0))
            return rc;
    memset(data, 0, (size_t)END_RECORDS * RECORD);
    return put(s, data, (size_t)END_RECORDS * RECORD, e);
}

/* ---- the step
 * ------------------------------------------------------------------------------------------ */

static const struct param rows[] = {
    {PARAM_U64("size", struct params, size), .max = BLOCKS_SIZE_MAX, .multiple = GIB,
     .complaint = "this size", .said = SAID_FROM},
    {PARAM_COMPRESSOR(struct params, compression, compressors_gzip_or_none)},
    {PARAM_I64("time", struct params, time), .max = PARAM_SECONDS_MAX, .definition = "seconds"},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_encode_gcp_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    AUTO_BLOCKS b = {.fd = -1};
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    const struct params *p = params;
    bool gzip = p->compression.level != 0;
    int rc;

    (void)input_count;
    if ((rc = blocks_open(context->cas, &inputs[0].digest, inputs[0].size, p->size, GIB, BLOCK, &b,
                          e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &w, e)) < 0)
        return rc;
    struct sink s = sink_cas(w);
    if (gzip) {
        if ((rc = gzip_writer_new(s, p->compression.level, context->jobs, &zip, e)) < 0)
            return rc;
        s = sink_gzip(zip);
    }
    if ((rc = write_tar(&b, p, &s, e)) < 0 || (gzip && (rc = gzip_writer_finish(zip, e)) < 0))
        return rc;
    return output_commit(w, out, e);
}

static const char *const libraries[] = {"zlib", NULL};

const struct step_kind step_encode_gcp = {
    .name = "encode.gcp",
    .libraries = libraries,
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
