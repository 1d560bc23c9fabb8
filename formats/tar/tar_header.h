/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header block of a tar archive (POSIX.1-1988, GNU, star): where its fields are, and how
 * numbers stand in them. All readers and writers of the tree share this; how much each of them
 * forgives is its own.
 */
#ifndef ASSAY_FORMATS_TAR_TAR_HEADER_H
#define ASSAY_FORMATS_TAR_TAR_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAR_BLOCK = 512 };

enum tar_place {
    TAR_NAME,
    TAR_MODE,
    TAR_UID,
    TAR_GID,
    TAR_SIZE,
    TAR_MTIME,
    TAR_CHECKSUM,
    TAR_TYPE,
    TAR_LINK,
    TAR_MAGIC, /* with the version behind it */
    TAR_UNAME,
    TAR_GNAME,
    TAR_MAJOR,
    TAR_MINOR,
    TAR_PREFIX,
    TAR_REST,
    /* In place of the prefix: GNU's, */
    TAR_GNU_ATIME,
    TAR_GNU_CTIME,
    TAR_GNU_SPARSE, /* TAR_SPARSE_PIECES of a sparse file */
    TAR_GNU_MORE,   /* not 0: blocks with more pieces follow */
    TAR_GNU_REAL_SIZE,
    /* and star's. */
    TAR_STAR_PREFIX,
    TAR_STAR_ATIME,
    TAR_STAR_CTIME,
    TAR_STAR_MAGIC,
    TAR_PLACES
};

/* A piece of a sparse file is its offset and its length; of how many there is room. */
enum {
    TAR_PIECE_NUMBER = 12,
    TAR_PIECE = 2 * TAR_PIECE_NUMBER,
    TAR_SPARSE_PIECES = 4,       /* in the header */
    TAR_SPARSE_MORE_PIECES = 21, /* in a block behind it, whose next byte is as TAR_GNU_MORE */
};

struct tar_field {
    uint16_t start;
    uint16_t len;
};
extern const struct tar_field tar_fields[TAR_PLACES];

static inline const uint8_t *tar_at(const uint8_t *block, enum tar_place p)
{
    return block + tar_fields[p].start;
}

/* TAR_MAGIC of the dialects, eight bytes. */
extern const uint8_t tar_magic_posix[8];
extern const uint8_t tar_magic_gnu[8];

/* Zeros behind content of this size. */
static inline uint64_t tar_padding(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}
bool tar_is_zero(const uint8_t *block);

/* ---- reading numbers ---- */

/* Octal: blanks before it, blanks and NULs behind; nothing at all is zero. */
bool tar_octal(const uint8_t *field, size_t len, uint64_t *out);
/* GNU's base 256, when the first bit is set: big-endian two's complement below that bit. */
bool tar_base256(const uint8_t *field, size_t len, int64_t *out);
/* What the field has of these two; false: it has neither, or no number of 63 bits. */
bool tar_number(const uint8_t *block, enum tar_place p, int64_t *out);

/* The sum of the header's bytes with blanks for the checksum; by signed bytes, as some once did. */
uint64_t tar_sum(const uint8_t *block);
int64_t tar_sum_signed(const uint8_t *block);

/* ---- writing numbers ---- */

/* Whether the field, with its NUL, has room for the number in octal. */
static inline bool tar_fits_octal(int64_t v, size_t len)
{
    return v >= 0 && v >> (3 * (len - 1)) == 0;
}
/* All digits that there is room for, and a NUL. */
void tar_put_octal(uint8_t *field, size_t len, uint64_t v);
/* The same, in a block; 0 for what does not fit, which stands elsewhere. */
void tar_put(uint8_t *block, enum tar_place p, int64_t v);
/* Octal, or base 256 when that does not hold it. */
void tar_put_number(uint8_t *field, size_t len, uint64_t v);
/* The checksum: six digits, a NUL and a blank. The rest of the block is done. */
void tar_seal(uint8_t *block);

#endif
