/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict, streaming reader of tar archives: POSIX ustar and pax (IEEE 1003.1),
 * GNU long names, V7. Numbers in octal or base 256; checksums verified.
 *
 * Refused, each with one line: sparse files unless they are asked for, multi-volume and incremental
 * archives, "..", duplicate or malformed pax keys, global headers that would change entries, an
 * archive without its two zero blocks (unless asked), anything but zeros after them. All that
 * hostile input can make it hold at once is bounded by this header.
 *
 * Absolute names are names from the root. Ignored: sizes of entries that have no content, atime,
 * ctime, user and group names, comments, access control lists, vendor keys other than
 * SCHILY.xattr.* and LIBARCHIVE.xattr.*. Why: docs/formats/tar.md.
 */
#ifndef ASSAY_FORMATS_TAR_TAR_READER_H
#define ASSAY_FORMATS_TAR_TAR_READER_H

#include "formats/stream/source.h"
#include "formats/tree/tree.h"

enum {
    TAR_PAX_BYTES_MAX = 1 << 20, /* one extended header */
    TAR_PAX_RECORDS_MAX = 4096,
};

#define TAR_HOLES_MAX ((uint64_t)64 << 30)

struct tar_entry {
    enum tree_type type;
    bool hard_link; /* another name for `link`; type is TREE_FILE, there is no content */
    char *path;     /* "" for the root; components joined by single slashes, none "." or ".." */
    char *link; /* symlinks: the target as it stands; hard links: a path as `path` is; else NULL */
    uint16_t mode; /* 07777 */
    uint32_t uid;
    uint32_t gid;
    int64_t mtime;   /* seconds, rounded down */
    uint64_t size;   /* of the content: files only */
    uint64_t offset; /* of the content in the stream; meaningless for sparse files */
    bool sparse;     /* the content is not in the stream as it is: zeros are left out */
    uint32_t major;
    uint32_t minor;
    struct tree_xattr *xattrs; /* sorted; whoever sets this to NULL and the count to 0 owns them */
    size_t xattr_count;
};

struct tar_reader;
/* `from` is copied; its context must outlive the reader. */
int tar_reader_new(const struct source *from, struct tar_reader **out, struct err *e);
void tar_reader_free(struct tar_reader *r);
/*
 * From now on sparse files (GNU's old format, pax 0.0, 0.1, 1.0) are read as what they stand for.
 * Of one archive their holes may have TAR_HOLES_MAX bytes: they cost little room, and time.
 */
void tar_reader_take_sparse(struct tar_reader *r);
/*
 * From now on the archive may end between two entries, by one zero block or without any: for those
 * of which a digest says that they are whole.
 */
void tar_reader_open_end(struct tar_reader *r);
/*
 * From now on a file whose name ends in '/' is a directory whatever its type says, and the archive
 * ends at its first zero block, whatever follows, or without any, between two entries.
 */
void tar_reader_like_dpkg(struct tar_reader *r);
/*
 * The next entry, valid until the next call; NULL at the end, which is told
 * only after the whole stream was read. Content not read is skipped. Errors say
 * at which byte of the archive.
 */
int tar_reader_next(struct tar_reader *r, struct tar_entry **entry, struct err *e);
/* The next piece of the entry's content, borrowed until the next call; *len is 0 at its end. */
int tar_reader_data(struct tar_reader *r, const uint8_t **data, size_t *len, struct err *e);

/* The rest of the entry's content. Appends. */
int tar_reader_all(struct tar_reader *r, struct buf *out, struct err *e);

static inline void scope_tar_reader(struct tar_reader **r)
{
    tar_reader_free(*r);
}
#define AUTO_TAR_READER AUTO(scope_tar_reader)

/* Cleans a path in place as described at tar_entry.path. ERR_INPUT: absolute, "..", too long or
 * deep. */
int tar_path_clean(char *path, struct err *e);

#endif
