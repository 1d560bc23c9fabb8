/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/kernel/kernel.h"

#include "base/buf.h"
#include "base/byte_order.h"
#include "formats/stream/decompress.h"

#include <inttypes.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>

enum {
    CHUNK = 256 * 1024,
    SIZE_BYTES = 4, /* that the kernel's build appends to all but gzip */
    LZ4_CHUNK = 8 * 1024 * 1024,
    SETUP_HEADER_END = 0x250,
    LZMA_MEMORY = 128 * 1024 * 1024,
};

enum packing { PACK_NONE, PACK_GZIP, PACK_XZ, PACK_ZSTD, PACK_LZ4, PACK_LZMA, PACK_OTHER };

struct payload {
    const uint8_t *data;
    size_t len;
    bool sized; /* its size, unpacked, may stand behind it */
};

struct output {
    struct sink sink;
    uint64_t size;
};

static int put(struct output *o, const void *data, size_t len, struct err *e)
{
    if (len > KERNEL_SIZE_MAX - o->size)
        return err_set(e, ERR_INPUT, "the kernel has more than %" PRIu64 " bytes unpacked",
                       KERNEL_SIZE_MAX);
    o->size += len;
    return sink_write(&o->sink, data, len, e);
}

static bool begins(const struct payload *p, size_t at, const void *bytes, size_t len)
{
    return p->len >= at && p->len - at >= len && memcmp(p->data + at, bytes, len) == 0;
}

/* ---- what it is ------------------------------------------------------------------- */

static enum packing packing_of(const struct payload *p)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum packing packing;
    } magics[] = {
        {"\x1f\x8b", 2, PACK_GZIP},
        {"\xfd"
         "7zXZ\0",
         6, PACK_XZ},
        {"\x28\xb5\x2f\xfd", 4, PACK_ZSTD},
        {"\x02\x21\x4c\x18", 4, PACK_LZ4},
        {"\x5d\0\0", 3, PACK_LZMA},
        {"BZh", 3, PACK_OTHER},
        {"\x89LZO", 4, PACK_OTHER},
    };

    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (begins(p, 0, magics[i].bytes, magics[i].len))
            return magics[i].packing;
    }
    return PACK_NONE;
}

/* ELF, or an Image of arm64 or riscv (Documentation/arch/…/boot*.rst: the magic at 56). */
static bool is_plain(const struct payload *p)
{
    return begins(p, 0,
                  "\x7f"
                  "ELF",
                  4) ||
           begins(p, 56, "ARM\x64", 4) || begins(p, 56, "RSC\x05", 4);
}

/* Documentation/arch/x86/boot.rst: payload_offset and payload_length, from version 2.08 on. */
static int find_x86(const struct payload *p, struct payload *out, struct err *e)
{
    if (p->len < SETUP_HEADER_END || get_le16(p->data + 0x206) < 0x208)
        return err_set(e, ERR_INPUT, "the kernel is a bzImage of an old version");
    uint64_t sectors = p->data[0x1f1] == 0 ? 4 : p->data[0x1f1];
    uint64_t start = (sectors + 1) * 512 + get_le32(p->data + 0x248);
    uint64_t size = get_le32(p->data + 0x24c);
    if (start > p->len || size > p->len - start)
        return err_set(e, ERR_INPUT, "the payload of the bzImage exceeds it");
    *out = (struct payload){p->data + start, (size_t)size, true};
    return 0;
}

/* drivers/firmware/efi/libstub/zboot-header.S */
static int find_zboot(const struct payload *p, struct payload *out, struct err *e)
{
    enum { HEADER = 56 };
    if (p->len < HEADER)
        return err_set(e, ERR_INPUT, "the EFI zboot image is too short");
    uint64_t start = get_le32(p->data + 8);
    uint64_t size = get_le32(p->data + 12);
    if (start > p->len || size > p->len - start)
        return err_set(e, ERR_INPUT, "the payload of the EFI zboot image exceeds it");
    *out = (struct payload){p->data + start, (size_t)size, true};
    return 0;
}

static int find_payload(const struct payload *file, struct payload *out, struct err *e)
{
    *out = *file;
    if (begins(file, 0, "MZ", 2) && begins(file, 4, "zimg", 4))
        return find_zboot(file, out, e);
    if (begins(file, 0x202, "HdrS", 4) && begins(file, 0x1fe, "\x55\xaa", 2))
        return find_x86(file, out, e);
    return 0;
}

/* ---- unpacking -------------------------------------------------------------------- */

static int unpack_stream(const struct payload *p, enum compression kind, struct output *o,
                         struct err *e)
{
    struct source_bytes rest = {p->data, p->len};
    const struct source from = source_from_bytes(&rest);
    const struct decompress_options options = {.threads = 1, .total_max = KERNEL_SIZE_MAX};
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    size_t got = 1;

    if (chunk == NULL)
        return err_oom(e);
    int rc = decompressor_new(kind, &from, &options, &d, e);
    if (rc < 0)
        return rc;
    struct source source = decompressor_source(d);
    while (got > 0) {
        if ((rc = source.read(source.context, chunk, CHUNK, &got, e)) < 0 ||
            (rc = put(o, chunk, got, e)) < 0)
            return rc;
    }
    return 0;
}

/* The legacy frame that `lz4 -l` writes: chunks of 8 MiB, each behind its packed size. */
static int unpack_lz4(const struct payload *p, struct output *o, struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(LZ4_CHUNK);
    size_t at = 4;

    if (chunk == NULL)
        return err_oom(e);
    while (at < p->len) {
        size_t left = p->len - at - SIZE_BYTES;
        if (p->len - at < SIZE_BYTES)
            return err_set(e, ERR_INPUT, "the LZ4 stream of the kernel is cut short");
        size_t size = get_le32(p->data + at);
        if (size == 0 || size > left || size > (size_t)LZ4_compressBound(LZ4_CHUNK))
            return err_set(e, ERR_INPUT, "the LZ4 stream of the kernel is damaged");
        int n = LZ4_decompress_safe((const char *)p->data + at + SIZE_BYTES, (char *)chunk,
                                    (int)size, LZ4_CHUNK);
        if (n < 0)
            return err_set(e, ERR_INPUT, "the LZ4 stream of the kernel is damaged");
        int rc = put(o, chunk, (size_t)n, e);
        if (rc < 0)
            return rc;
        at += SIZE_BYTES + size;
    }
    return 0;
}

static int unpack_lzma(const struct payload *p, struct output *o, struct err *e)
{
    lzma_stream s = LZMA_STREAM_INIT;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    lzma_ret r = LZMA_OK;
    int rc = 0;

    if (chunk == NULL || lzma_alone_decoder(&s, LZMA_MEMORY) != LZMA_OK)
        return err_oom(e);
    s.next_in = p->data;
    s.avail_in = p->len;
    while (rc == 0 && r == LZMA_OK) {
        s.next_out = chunk;
        s.avail_out = CHUNK;
        r = lzma_code(&s, LZMA_FINISH);
        if (r == LZMA_OK || r == LZMA_STREAM_END)
            rc = put(o, chunk, CHUNK - s.avail_out, e);
    }
    if (rc == 0 && (r != LZMA_STREAM_END || s.avail_in > 0))
        rc = err_set(e, ERR_INPUT, "the LZMA stream of the kernel is damaged");
    lzma_end(&s);
    return rc;
}

static int unpack(const struct payload *p, enum packing packing, struct output *o, struct err *e)
{
    struct payload packed = *p;
    bool sized = p->sized && packing != PACK_GZIP;

    if (sized && packed.len < SIZE_BYTES)
        return err_set(e, ERR_INPUT, "the payload of the kernel is cut short");
    packed.len -= sized ? SIZE_BYTES : 0;
    int rc = packing == PACK_LZ4    ? unpack_lz4(&packed, o, e)
             : packing == PACK_LZMA ? unpack_lzma(&packed, o, e)
             : packing == PACK_XZ   ? unpack_stream(&packed, COMPRESSION_XZ, o, e)
             : packing == PACK_ZSTD ? unpack_stream(&packed, COMPRESSION_ZSTD, o, e)
                                    : unpack_stream(&packed, COMPRESSION_GZIP, o, e);
    if (rc == 0 && sized && get_le32(p->data + packed.len) != (uint32_t)o->size)
        return err_set(e, ERR_INPUT,
                       "the kernel has %" PRIu64 " bytes unpacked, and says that it has %" PRIu32,
                       o->size, get_le32(p->data + packed.len));
    return rc;
}

int kernel_unpack(const uint8_t *data, size_t len, struct sink out, struct err *e)
{
    const struct payload file = {data, len, false};
    struct output o = {.sink = out};
    struct payload p;

    if (is_plain(&file) && !begins(&file, 4, "zimg", 4))
        return put(&o, data, len, e);
    int rc = find_payload(&file, &p, e);
    if (rc < 0)
        return rc;
    enum packing packing = packing_of(&p);
    if (packing == PACK_OTHER)
        return err_set(e, ERR_INPUT,
                       "the kernel is packed by bzip2 or LZO, which is not known here");
    if (packing != PACK_NONE)
        return unpack(&p, packing, &o, e);
    /* A bzImage whose payload is not compressed (CONFIG_KERNEL_UNCOMPRESSED). */
    if (p.data != data && is_plain(&p))
        return put(&o, p.data, p.len, e);
    return err_set(e, ERR_INPUT,
                   "it is no kernel: neither a bzImage, an EFI zboot image, ELF, an "
                   "Image of arm64 or riscv, nor one that is compressed");
}
