/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/compressed/compressed_object.h"

#include "base/byte_order.h"
#include "formats/compressed/decoder.h"
#include "formats/compressed/xz_fields.h"
#include "formats/object/spool.h"

#include <string.h>

enum { STREAMS_MAX = 1000000, NAME_MAX_BYTES = 4096 };

struct compressed {
    struct bytes *content;
    uint64_t end; /* behind the last stream */
};

struct codec {
    uint8_t magic[8];
    size_t magic_len;
    decode_fn *decode;
    /* Fields of the first stream's header; NULL: none that are worth it. */
    int (*describe)(struct object *o, const uint8_t *head, size_t len, struct err *e);
};

static int add_number(struct object *o, const char *name, enum field_class class,
                      enum field_form form, uint64_t number, struct err *e)
{
    return object_field(o, (struct field){name, class, form, number, NULL, 0}, e);
}

/* ---- gzip (RFC 1952 section 2.3) ---------------------------------------------------------- */

enum {
    GZIP_FLAGS = 3,
    GZIP_MTIME = 4,
    GZIP_XFL = 8,
    GZIP_OS = 9,
    GZIP_HEADER = 10,
    GZIP_HAS_EXTRA = 4,
    GZIP_HAS_NAME = 8,
    GZIP_HAS_COMMENT = 16,
};

static int add_text(struct object *o, const char *name, enum field_class class, const uint8_t *head,
                    size_t len, size_t *at, struct err *e)
{
    size_t n = 0;
    while (*at + n < len && head[*at + n] != 0)
        n++;
    int rc = object_field(o, (struct field){name, class, FIELD_TEXT, 0, head + *at, n}, e);
    *at += n + 1;
    return rc;
}

static int describe_gzip(struct object *o, const uint8_t *head, size_t len, struct err *e)
{
    size_t at = GZIP_HEADER;
    if (len < GZIP_HEADER)
        return 0;
    uint32_t mtime = get_le32(head + 4);
    int rc = add_number(o, "flags", FIELD_FORMAT, FIELD_OCTAL, head[GZIP_FLAGS], e);
    if (rc < 0 || (rc = add_number(o, "mtime", FIELD_TIME_MADE, FIELD_SECONDS, mtime, e)) < 0 ||
        (rc = add_number(o, "level", FIELD_COMPRESSOR, FIELD_NUMBER, head[GZIP_XFL], e)) < 0 ||
        (rc = add_number(o, "os", FIELD_HOST, FIELD_NUMBER, head[GZIP_OS], e)) < 0)
        return rc;
    if ((head[GZIP_FLAGS] & GZIP_HAS_EXTRA) != 0 && len >= at + 2) {
        size_t n = get_le16(head + at);
        if (n > len - at - 2)
            n = len - at - 2;
        rc = object_field(
            o, (struct field){"extra", FIELD_FORMAT, FIELD_BYTES, 0, head + at + 2, n}, e);
        at += 2 + n;
    }
    if (rc == 0 && (head[GZIP_FLAGS] & GZIP_HAS_NAME) != 0 && at < len)
        rc = add_text(o, "name", FIELD_HOST, head, len, &at, e);
    if (rc == 0 && (head[GZIP_FLAGS] & GZIP_HAS_COMMENT) != 0 && at < len)
        rc = add_text(o, "comment", FIELD_MEANING, head, len, &at, e);
    return rc;
}

/* ---- the others ------------------------------------------------------------------------------ */

/* The frame header's descriptor: sizes, checksum, dictionary; and the window, which the level
 * decides. */
static int describe_zstd(struct object *o, const uint8_t *head, size_t len, struct err *e)
{
    enum { SINGLE_SEGMENT = 0x20 };
    int rc = len < 6 ? 0 : add_number(o, "descriptor", FIELD_COMPRESSOR, FIELD_OCTAL, head[4], e);
    if (rc < 0 || len < 6 || (head[4] & SINGLE_SEGMENT) != 0)
        return rc;
    return add_number(o, "window.level", FIELD_COMPRESSOR, FIELD_NUMBER, head[5], e);
}

static int describe_lz4(struct object *o, const uint8_t *head, size_t len, struct err *e)
{
    if (len < 6)
        return 0;
    return object_field(
        o, (struct field){"descriptor", FIELD_COMPRESSOR, FIELD_BYTES, 0, head + 4, 2}, e);
}

/* "BZh9": the block size, which is the level. */
static int describe_bzip2(struct object *o, const uint8_t *head, size_t len, struct err *e)
{
    return len < 4 ? 0 : add_number(o, "level", FIELD_COMPRESSOR, FIELD_NUMBER, head[3] - '0', e);
}

static const struct codec gzip = {{0x1f, 0x8b, 8}, 3, decode_gzip, describe_gzip};
static const struct codec xz = {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, decode_xz, xz_fields};
static const struct codec zstd = {{0x28, 0xb5, 0x2f, 0xfd}, 4, decode_zstd, describe_zstd};
static const struct codec lz4 = {{0x04, 0x22, 0x4d, 0x18}, 4, decode_lz4, describe_lz4};
static const struct codec bzip2 = {{'B', 'Z', 'h'}, 3, decode_bzip2, describe_bzip2};

/* ---- the object ---------------------------------------------------------------------------- */

static bool begins(const struct codec *c, const uint8_t *head, size_t len)
{
    return len >= c->magic_len && memcmp(head, c->magic, c->magic_len) == 0;
}

/* All streams, one behind the other; what follows them and is none is the rest. */
static int decode_all(const struct codec *c, struct decoder *d, uint64_t *streams, struct err *e)
{
    int rc = 0;
    *streams = 0;
    while (rc == 0 && d->at < d->from->size) {
        uint8_t magic[8];
        size_t got = 0;
        if ((rc = bytes_peek(d->from, d->at, magic, sizeof(magic), &got, e)) < 0)
            return rc;
        if (!begins(c, magic, got))
            return 0;
        if (++*streams > STREAMS_MAX)
            return decoder_broken(d, "compressed", e);
        rc = c->decode(d, e);
    }
    return rc;
}

static int add_rest(struct object *o, const struct decoder *d, struct err *e)
{
    const struct member m = {.path = "(behind the end)",
                             .type = MEMBER_GAP,
                             .has_content = true,
                             .size = o->bytes->size - d->at};
    return m.size == 0 ? 0 : object_member(o, &m, e);
}

static int open_with(struct object *o, const struct codec *c, struct err *e)
{
    AUTO_FREE struct decoder *d = calloc(1, sizeof(*d));
    struct compressed *state = calloc(1, sizeof(*state));
    AUTO_SPOOL spool;
    uint8_t head[NAME_MAX_BYTES];
    size_t got = 0;
    uint64_t streams = 0;
    spool_init(&spool, o->budget);
    o->state = state;
    if (d == NULL || state == NULL)
        return err_oom(e);
    d->from = o->bytes;
    d->to = spool_sink(&spool);
    int rc = bytes_peek(o->bytes, 0, head, sizeof(head), &got, e);
    if (rc < 0 || (rc = c->describe(o, head, got, e)) < 0 ||
        (rc = decode_all(c, d, &streams, e)) < 0 ||
        (rc = add_number(o, "streams", FIELD_COMPRESSOR, FIELD_NUMBER, streams, e)) < 0)
        return rc;
    state->end = d->at;
    const struct member m = {
        .path = "", .type = MEMBER_PART, .has_content = true, .size = spool.size};
    if ((rc = spool_bytes(&spool, o->name, &state->content, e)) < 0 ||
        (rc = object_member(o, &m, e)) < 0)
        return rc;
    return add_rest(o, d, e);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct compressed *c = o->state;
    if (m->type == MEMBER_GAP)
        return bytes_slice(o->bytes, c->end, m->size, m->path, out, e);
    *out = bytes_keep(c->content);
    return 0;
}

static void close_compressed(struct object *o)
{
    struct compressed *c = o->state;
    if (c != NULL)
        bytes_drop(c->content);
    free(c);
}

#define KIND(id)                                                                                   \
    static bool is_##id(const struct bytes *bytes, const uint8_t *head, size_t len)                \
    {                                                                                              \
        (void)bytes;                                                                               \
        return begins(&(id), head, len);                                                           \
    }                                                                                              \
    static int open_##id(struct object *o, struct err *e)                                          \
    {                                                                                              \
        return open_with(o, &(id), e);                                                             \
    }                                                                                              \
    const struct object_kind object_kind_##id = {.name = #id,                                      \
                                                 .wrapper = true,                                  \
                                                 .is = is_##id,                                    \
                                                 .open = open_##id,                                \
                                                 .slice = slice,                                   \
                                                 .close = close_compressed}

KIND(gzip);
KIND(xz);
KIND(zstd);
KIND(lz4);
KIND(bzip2);
