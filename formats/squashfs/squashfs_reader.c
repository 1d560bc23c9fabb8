/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/squashfs/squashfs_reader_internal.h"

#include <inttypes.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
    MAGIC = 0x73717368,
    SUPER_SIZE = 96,
    META_SIZE = 8192,
    META_CACHED = 64,
    BLOCK_MIN = 4096,
    BLOCK_MAX = 1 << 20,
    STORED_PLAIN = 1 << 24, /* bit of a block's size: not compressed */
    NO_INDEX = 0xffff,
    XZ_MEMORY = 64 << 20,
};
#define NO_FRAGMENT UINT32_MAX

/* The compressors by their numbers in the superblock. */
enum { GZIP = 1, LZMA = 2, XZ = 4, LZ4 = 5, ZSTD = 6 };

/* One decoded metadata block. */
struct drive_meta {
    uint64_t position; /* in the image; UINT64_MAX = none */
    uint64_t next;     /* the block behind it */
    size_t len;
    uint8_t data[META_SIZE];
};

int drive_broken(const struct drive_image *image, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the squashfs image is damaged: %s", image->name, what);
}

/* ---- bytes ------------------------------------------------------------------------- */

int drive_read_at(const struct drive_image *image, uint64_t position, void *out, size_t len,
                  struct err *e)
{
    uint64_t end;
    if (!add_u64(position, len, &end) || end > image->used)
        return drive_broken(image, "it points beyond its end", e);
    return bytes_read(image->bytes, position, out, len, e);
}

static bool decode_xz(const uint8_t *in, size_t in_len, uint8_t *out, size_t room, size_t *len)
{
    uint64_t memory = XZ_MEMORY;
    size_t in_at = 0;
    *len = 0;
    return lzma_stream_buffer_decode(&memory, 0, NULL, in, &in_at, in_len, out, len, room) ==
               LZMA_OK &&
           in_at == in_len;
}

/* The old format of a stream of its own, with its size in front. */
static bool decode_lzma(const uint8_t *in, size_t in_len, uint8_t *out, size_t room, size_t *len)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    *len = 0;
    if (lzma_alone_decoder(&stream, XZ_MEMORY) != LZMA_OK)
        return false;
    stream.next_in = in;
    stream.avail_in = in_len;
    stream.next_out = out;
    stream.avail_out = room;
    lzma_ret end = lzma_code(&stream, LZMA_FINISH);
    bool fine = end == LZMA_STREAM_END || (end == LZMA_OK && stream.avail_in == 0);
    *len = room - stream.avail_out;
    lzma_end(&stream);
    return fine;
}

static int decode(const struct drive_image *image, const uint8_t *in, size_t in_len, uint8_t *out,
                  size_t room, size_t *len, struct err *e)
{
    bool fine = false;
    if (image->compressor == GZIP) {
        uLongf made = room;
        fine = uncompress(out, &made, in, in_len) == Z_OK;
        *len = made;
    } else if (image->compressor == XZ) {
        fine = decode_xz(in, in_len, out, room, len);
    } else if (image->compressor == LZMA) {
        fine = decode_lzma(in, in_len, out, room, len);
    } else if (image->compressor == LZ4) {
        int made = LZ4_decompress_safe((const char *)in, (char *)out, (int)in_len, (int)room);
        fine = made >= 0;
        *len = fine ? (size_t)made : 0;
    } else {
        *len = ZSTD_decompress(out, room, in, in_len);
        fine = !ZSTD_isError(*len);
    }
    return fine ? 0 : drive_broken(image, "a block does not decompress", e);
}

/* A data block of `size` as the image says it, into `out` of block_size bytes. */
static int read_block(struct drive_image *image, uint64_t position, uint32_t size, uint8_t *out,
                      size_t *len, struct err *e)
{
    uint32_t stored = size & (STORED_PLAIN - 1);
    bool plain = (size & STORED_PLAIN) != 0;
    if (size >> 25 != 0 || stored == 0 || stored > image->block_size)
        return drive_broken(image, "a block is larger than blocks are", e);
    int rc = drive_read_at(image, position, plain ? out : image->raw, stored, e);
    *len = stored;
    if (rc < 0 || plain)
        return rc;
    return decode(image, image->raw, stored, out, image->block_size, len, e);
}

/* ---- metadata ----------------------------------------------------------------------- */

static int load_meta(struct drive_image *image, uint64_t position, const struct drive_meta **out,
                     struct err *e)
{
    struct drive_meta *meta = &image->metas[position % META_CACHED];
    uint8_t head[2];
    uint8_t stored[META_SIZE];
    *out = meta;
    if (meta->position == position)
        return 0;
    meta->position = UINT64_MAX;
    int rc = drive_read_at(image, position, head, sizeof(head), e);
    if (rc < 0)
        return rc;
    size_t size = get_le16(head);
    bool plain = (size & 0x8000) != 0;
    size &= 0x7fff;
    if (size == 0 || size > META_SIZE)
        return drive_broken(image, "a metadata block has no size that it may have", e);
    uint8_t *to = plain ? meta->data : stored;
    if ((rc = drive_read_at(image, position + 2, to, size, e)) < 0)
        return rc;
    meta->len = size;
    if (!plain && (rc = decode(image, stored, size, meta->data, META_SIZE, &meta->len, e)) < 0)
        return rc;
    meta->next = position + 2 + size;
    meta->position = position;
    return 0;
}

int drive_take(struct drive_image *image, struct drive_place *place, void *out, size_t len,
               struct err *e)
{
    uint8_t *to = out;
    while (len > 0) {
        const struct drive_meta *meta = NULL;
        int rc = load_meta(image, place->block, &meta, e);
        if (rc < 0)
            return rc;
        if (place->offset > meta->len)
            return drive_broken(image, "it points behind a metadata block", e);
        size_t part = meta->len - place->offset < len ? meta->len - place->offset : len;
        if (part == 0 && meta->len < META_SIZE)
            return drive_broken(image, "a table ends too soon", e);
        memcpy(to, meta->data + place->offset, part);
        to += part;
        len -= part;
        place->offset += part;
        if (place->offset == meta->len && len > 0)
            *place = (struct drive_place){meta->next, 0};
    }
    return 0;
}

/* ---- the superblock ------------------------------------------------------------------- */

bool drive_is_squashfs(const uint8_t *head, size_t len)
{
    return len >= SUPER_SIZE && get_le32(head) == MAGIC;
}

static int check_super(struct drive_image *image, const uint8_t *s, uint64_t length, struct err *e)
{
    image->inodes = get_le32(s + 4);
    image->time = get_le32(s + 8);
    image->block_size = get_le32(s + 12);
    image->fragments = get_le32(s + 16);
    image->compressor = get_le16(s + 20);
    image->flags = get_le16(s + 24);
    image->ids = get_le16(s + 26);
    image->root = get_le64(s + 32);
    image->id_table = get_le64(s + 48);
    image->xattr_table = get_le64(s + 56);
    image->inode_table = get_le64(s + 64);
    image->directory_table = get_le64(s + 72);
    image->fragment_table = get_le64(s + 80);
    if (get_le32(s) != MAGIC || get_le16(s + 28) != 4 || get_le16(s + 30) != 0)
        return drive_broken(image, "it is not of version 4.0", e);
    if (image->block_size < BLOCK_MIN || image->block_size > BLOCK_MAX ||
        (image->block_size & (image->block_size - 1)) != 0)
        return drive_broken(image, "its block size is not a power of two from 4 KiB to 1 MiB", e);
    if (get_le64(s + 40) > length)
        return drive_broken(image, "it is longer than the drive", e);
    if (image->compressor != GZIP && image->compressor != LZMA && image->compressor != XZ &&
        image->compressor != LZ4 && image->compressor != ZSTD)
        return err_set(e, ERR_UNDECIDED,
                       "%s: a squashfs image by a compressor that is not known (%u)", image->name,
                       (unsigned)image->compressor);
    image->used = get_le64(s + 40);
    return 0;
}

int drive_options_read(const struct drive_image *image, uint8_t *out, size_t max, size_t *len,
                       struct err *e)
{
    enum { HAS_OPTIONS = 0x400 };
    uint8_t head[2];
    *len = 0;
    if ((image->flags & HAS_OPTIONS) == 0)
        return 0;
    int rc = drive_read_at(image, SUPER_SIZE, head, sizeof(head), e);
    if (rc < 0)
        return rc;
    size_t size = get_le16(head) & 0x7fff;
    *len = size < max ? size : max;
    return drive_read_at(image, SUPER_SIZE + sizeof(head), out, *len, e);
}

int drive_image_open(const struct bytes *bytes, const char *name, struct drive_image *out,
                     struct err *e)
{
    uint8_t super[SUPER_SIZE];
    *out = (struct drive_image){
        .name = name, .bytes = bytes, .used = bytes->size, .fragment_index = NO_FRAGMENT};
    int rc = drive_read_at(out, 0, super, sizeof(super), e);
    if (rc < 0 || (rc = check_super(out, super, bytes->size, e)) < 0)
        return rc;
    out->metas = array_new(META_CACHED, sizeof(*out->metas));
    uint8_t options[META_SIZE];
    size_t options_len = 0;
    if ((rc = drive_options_read(out, options, sizeof(options), &options_len, e)) < 0)
        return rc;
    out->data_start = SUPER_SIZE + (options_len > 0 ? 2 + options_len : 0);
    out->raw = malloc(out->block_size);
    out->block = malloc(out->block_size);
    out->fragment = malloc(out->block_size);
    if (out->metas == NULL || out->raw == NULL || out->block == NULL || out->fragment == NULL)
        return err_oom(e);
    for (size_t i = 0; i < META_CACHED; i++)
        out->metas[i].position = UINT64_MAX;
    return 0;
}

void drive_image_dispose(struct drive_image *image)
{
    free(image->metas);
    free(image->raw);
    free(image->block);
    free(image->fragment);
}

/* ---- inodes ------------------------------------------------------------------------------ */

int drive_table_entry(struct drive_image *image, uint64_t table, size_t index, void *out,
                      size_t size, struct err *e)
{
    uint8_t position[8];
    size_t each = META_SIZE / size;
    uint64_t at;
    if (!add_u64(table, 8 * (uint64_t)(index / each), &at))
        return drive_broken(image, "it points beyond its end", e);
    int rc = drive_read_at(image, at, position, sizeof(position), e);
    if (rc < 0)
        return rc;
    struct drive_place place = {get_le64(position), index % each * size};
    return drive_take(image, &place, out, size, e);
}

int drive_fragments_read(struct drive_image *image, drive_extent_fn *found, void *context,
                         struct err *e)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < image->fragments; i++) {
        uint8_t b[16];
        rc = drive_table_entry(image, image->fragment_table, i, b, sizeof(b), e);
        if (rc == 0)
            rc = found(context, get_le64(b), get_le32(b + 8) & (STORED_PLAIN - 1), e);
    }
    return rc;
}

int drive_inodes_size(struct drive_image *image, uint64_t *out, struct err *e)
{
    uint64_t at = image->inode_table;
    uint64_t total = 0;
    while (at < image->directory_table) {
        const struct drive_meta *meta = NULL;
        int rc = load_meta(image, at, &meta, e);
        if (rc < 0)
            return rc;
        total += meta->len;
        at = meta->next;
    }
    *out = total;
    return at == image->directory_table ? 0 : drive_broken(image, "two tables overlap", e);
}

static int owner(struct drive_image *image, uint16_t index, uint32_t *out, struct err *e)
{
    uint8_t id[4];
    if (index >= image->ids)
        return drive_broken(image, "an owner is not in its table", e);
    int rc = drive_table_entry(image, image->id_table, index, id, sizeof(id), e);
    if (rc == 0)
        *out = get_le32(id);
    return rc;
}

/* The index of a large directory: how many bytes it takes behind the inode. */
static int index_length(struct drive_image *image, struct drive_place at, uint16_t count,
                        uint32_t *length, struct err *e)
{
    int rc = 0;
    for (uint16_t i = 0; rc == 0 && i < count; i++) {
        uint8_t b[12];
        uint8_t name[DRIVE_NAME_MAX];
        if ((rc = drive_take(image, &at, b, sizeof(b), e)) < 0)
            return rc;
        if (get_le32(b + 8) >= sizeof(name))
            return drive_broken(image, "a directory's index has a name that is too long", e);
        rc = drive_take(image, &at, name, (size_t)get_le32(b + 8) + 1, e);
        *length += (uint32_t)sizeof(b) + get_le32(b + 8) + 1;
    }
    return rc;
}

static int directory_inode(struct drive_image *image, bool extended, struct drive_place at,
                           struct drive_inode *out, struct err *e)
{
    uint8_t b[24];
    int rc = drive_take(image, &at, b, extended ? 24 : 16, e);
    if (rc < 0)
        return rc;
    uint32_t size = extended ? get_le32(b + 4) : get_le16(b + 8);
    uint32_t start = get_le32(b + (extended ? 8 : 0));
    if (!add_u64(image->directory_table, start, &out->place.block))
        return drive_broken(image, "it points beyond its end", e);
    out->place.offset = get_le16(b + (extended ? 18 : 10));
    out->xattrs = extended ? get_le32(b + 20) : NO_XATTRS;
    out->length = extended ? 40 : 32;
    /* The size counts "." and "..", which are not there. */
    out->size = size < 3 ? 0 : size - 3;
    return extended ? index_length(image, at, get_le16(b + 16), &out->length, e) : 0;
}

static int file_inode(struct drive_image *image, bool extended, struct drive_place at,
                      struct drive_inode *out, struct err *e)
{
    uint8_t b[40];
    int rc = drive_take(image, &at, b, extended ? 40 : 16, e);
    if (rc < 0)
        return rc;
    out->blocks = extended ? get_le64(b) : get_le32(b);
    out->size = extended ? get_le64(b + 8) : get_le32(b + 12);
    out->fragment = get_le32(b + (extended ? 28 : 4));
    out->fragment_offset = get_le32(b + (extended ? 32 : 8));
    out->xattrs = extended ? get_le32(b + 36) : NO_XATTRS;
    out->length = extended ? 56 : 32;
    out->place = at;
    if (out->fragment != NO_FRAGMENT && out->fragment >= image->fragments)
        return drive_broken(image, "a fragment is not in its table", e);
    return 0;
}

/* Behind a link's target or a device's number, when the inode is an extended one. */
static int xattrs_of(struct drive_image *image, struct drive_place at, bool extended,
                     struct drive_inode *out, struct err *e)
{
    uint8_t b[4];
    if (!extended)
        return 0;
    int rc = drive_take(image, &at, b, sizeof(b), e);
    if (rc == 0)
        out->xattrs = get_le32(b);
    out->length += sizeof(b);
    return rc;
}

static int link_inode(struct drive_image *image, bool extended, struct drive_place at,
                      struct drive_inode *out, struct err *e)
{
    uint8_t b[8];
    AUTO_FREE uint8_t *target = malloc(DRIVE_TARGET_MAX);
    if (target == NULL)
        return err_oom(e);
    int rc = drive_take(image, &at, b, sizeof(b), e);
    if (rc < 0)
        return rc;
    out->size = get_le32(b + 4);
    out->place = at;
    if (out->size > DRIVE_TARGET_MAX)
        return drive_broken(image, "a link's target is too long", e);
    out->length = 24 + (uint32_t)out->size;
    rc = extended ? drive_take(image, &at, target, (size_t)out->size, e) : 0;
    return rc < 0 ? rc : xattrs_of(image, at, extended, out, e);
}

static int device_inode(struct drive_image *image, bool extended, struct drive_place at,
                        struct drive_inode *out, struct err *e)
{
    uint8_t b[8];
    int rc = drive_take(image, &at, b, sizeof(b), e);
    if (rc < 0)
        return rc;
    out->device = get_le32(b + 4);
    out->length = 24;
    return xattrs_of(image, at, extended, out, e);
}

static int pipe_inode(struct drive_image *image, bool extended, struct drive_place at,
                      struct drive_inode *out, struct err *e)
{
    uint8_t b[4];
    int rc = drive_take(image, &at, b, sizeof(b), e);
    out->length = 20;
    return rc < 0 ? rc : xattrs_of(image, at, extended, out, e);
}

int drive_inode_read(struct drive_image *image, uint64_t reference, struct drive_inode *out,
                     struct err *e)
{
    static const enum drive_type types[] = {DRIVE_DIRECTORY, DRIVE_FILE, DRIVE_SYMLINK, DRIVE_BLOCK,
                                            DRIVE_CHAR,      DRIVE_FIFO, DRIVE_SOCKET};
    struct drive_place at = {.offset = reference & 0xffff};
    uint8_t b[16];
    *out = (struct drive_inode){.fragment = NO_FRAGMENT, .xattrs = NO_XATTRS};
    if (!add_u64(image->inode_table, reference >> 16, &at.block))
        return drive_broken(image, "it points beyond its end", e);
    int rc = drive_take(image, &at, b, sizeof(b), e);
    if (rc < 0)
        return rc;
    uint16_t type = get_le16(b);
    if (type < 1 || type > 14)
        return drive_broken(image, "an inode is of no type", e);
    bool extended = type > 7;
    out->type = types[(type - 1) % 7];
    out->mode = get_le16(b + 2) & 07777;
    out->time = get_le32(b + 8);
    out->number = get_le32(b + 12);
    if ((rc = owner(image, get_le16(b + 4), &out->uid, e)) < 0 ||
        (rc = owner(image, get_le16(b + 6), &out->gid, e)) < 0)
        return rc;
    switch (out->type) {
    case DRIVE_DIRECTORY:
        return directory_inode(image, extended, at, out, e);
    case DRIVE_FILE:
        return file_inode(image, extended, at, out, e);
    case DRIVE_SYMLINK:
        return link_inode(image, extended, at, out, e);
    case DRIVE_BLOCK:
    case DRIVE_CHAR:
        return device_inode(image, extended, at, out, e);
    default:
        return pipe_inode(image, extended, at, out, e);
    }
}

int drive_target_read(struct drive_image *image, const struct drive_inode *inode, struct buf *out,
                      struct err *e)
{
    struct drive_place at = inode->place;
    int rc = buf_reserve(out, (size_t)inode->size, e);
    if (rc < 0 || (rc = drive_take(image, &at, out->data + out->len, (size_t)inode->size, e)) < 0)
        return rc;
    out->len += (size_t)inode->size;
    return 0;
}

/* ---- directories -------------------------------------------------------------------------- */

static int read_entry(struct drive_image *image, struct drive_place *at, uint64_t *left,
                      uint32_t start, struct drive_entry *out, struct err *e)
{
    uint8_t b[8];
    int rc = drive_take(image, at, b, sizeof(b), e);
    if (rc < 0)
        return rc;
    size_t len = (size_t)get_le16(b + 6) + 1;
    if (len > DRIVE_NAME_MAX || *left < sizeof(b) + len)
        return drive_broken(image, "a directory's entry is too long", e);
    if ((rc = drive_take(image, at, out->name, len, e)) < 0)
        return rc;
    *left -= sizeof(b) + len;
    out->name[len] = 0;
    out->reference = (uint64_t)start << 16 | get_le16(b);
    if (strlen(out->name) != len || strchr(out->name, '/') != NULL || strcmp(out->name, ".") == 0 ||
        strcmp(out->name, "..") == 0)
        return drive_broken(image, "a name is no name", e);
    return 0;
}

int drive_directory_read(struct drive_image *image, const struct drive_inode *inode, size_t max,
                         struct drive_entry **out, size_t *count, struct err *e)
{
    AUTO_FREE struct drive_entry *entries = NULL;
    struct drive_place at = inode->place;
    uint64_t left = inode->size;
    size_t found = 0;
    size_t cap = 0;
    int rc = 0;
    while (rc == 0 && left > 0) {
        uint8_t head[12];
        if (left < sizeof(head))
            return drive_broken(image, "a directory ends inside a header", e);
        if ((rc = drive_take(image, &at, head, sizeof(head), e)) < 0)
            return rc;
        left -= sizeof(head);
        uint64_t run = (uint64_t)get_le32(head) + 1;
        for (uint64_t i = 0; rc == 0 && i < run; i++) {
            if (found == max)
                return drive_broken(image, "it has more entries than are read", e);
            if ((rc = array_grow(&entries, &cap, found + 1, sizeof(*entries), e)) < 0 ||
                (rc = read_entry(image, &at, &left, get_le32(head + 4), &entries[found], e)) < 0)
                return rc;
            if (found > 0 && strcmp(entries[found - 1].name, entries[found].name) >= 0)
                return drive_broken(image, "a directory is not in order", e);
            found++;
        }
    }
    *out = steal_ptr(&entries);
    *count = found;
    return rc;
}

/* ---- files ----------------------------------------------------------------------------------- */

void drive_file_start(struct drive_image *image, const struct drive_inode *inode,
                      struct drive_file *out)
{
    *out = (struct drive_file){
        .image = image, .inode = *inode, .sizes = inode->place, .position = inode->blocks};
}

static int read_tail(struct drive_file *f, size_t len, const uint8_t **data, struct err *e)
{
    struct drive_image *image = f->image;
    uint8_t entry[16];
    if (image->fragment_index != f->inode.fragment) {
        image->fragment_index = NO_FRAGMENT;
        int rc = drive_table_entry(image, image->fragment_table, f->inode.fragment, entry,
                                   sizeof(entry), e);
        if (rc < 0 || (rc = read_block(image, get_le64(entry), get_le32(entry + 8), image->fragment,
                                       &image->fragment_len, e)) < 0)
            return rc;
        image->fragment_index = f->inode.fragment;
    }
    if (f->inode.fragment_offset > image->fragment_len ||
        len > image->fragment_len - f->inode.fragment_offset)
        return drive_broken(image, "a file's tail is not in its fragment", e);
    *data = image->fragment + f->inode.fragment_offset;
    return 0;
}

int drive_file_peek(struct drive_file *f, struct drive_block *out, bool *there, struct err *e)
{
    struct drive_image *image = f->image;
    uint64_t left = f->inode.size - f->at;
    struct drive_place at = f->sizes;
    uint8_t b[16];
    int rc = 0;
    *there = left > 0;
    *out =
        (struct drive_block){.len = left < image->block_size ? (uint32_t)left : image->block_size};
    if (left == 0)
        return 0;
    out->tail = out->len < image->block_size && f->inode.fragment != NO_FRAGMENT;
    if (out->tail) {
        rc = drive_table_entry(image, image->fragment_table, f->inode.fragment, b, sizeof(b), e);
        if (rc < 0)
            return rc;
        out->position = get_le64(b);
        out->word = get_le32(b + 8);
    } else {
        rc = drive_take(image, &at, b, 4, e);
        if (rc < 0)
            return rc;
        out->position = f->position;
        out->word = get_le32(b);
    }
    out->stored = out->word & (STORED_PLAIN - 1);
    return rc;
}

int drive_file_skip(struct drive_file *f, const struct drive_block *block, struct err *e)
{
    uint8_t word[4];
    int rc = block->tail ? 0 : drive_take(f->image, &f->sizes, word, sizeof(word), e);
    if (rc < 0)
        return rc;
    f->position += block->tail ? 0 : block->stored;
    f->at += block->len;
    return 0;
}

int drive_file_next(struct drive_file *f, const uint8_t **data, size_t *len, struct err *e)
{
    struct drive_image *image = f->image;
    uint64_t left = f->inode.size - f->at;
    size_t want = left < image->block_size ? (size_t)left : image->block_size;
    uint8_t word[4];
    *len = 0;
    if (left == 0)
        return 0;
    if (want < image->block_size && f->inode.fragment != NO_FRAGMENT) {
        int rc = read_tail(f, want, data, e);
        if (rc < 0)
            return rc;
    } else {
        size_t got = want;
        int rc = drive_take(image, &f->sizes, word, sizeof(word), e);
        if (rc < 0)
            return rc;
        uint32_t size = get_le32(word);
        if (size == 0) /* a hole */
            memset(image->block, 0, want);
        else if ((rc = read_block(image, f->position, size, image->block, &got, e)) < 0)
            return rc;
        if (got != want)
            return drive_broken(image, "a block has not the bytes that its file wants", e);
        f->position += size & (STORED_PLAIN - 1);
        *data = image->block;
    }
    f->at += want;
    *len = want;
    return 0;
}
