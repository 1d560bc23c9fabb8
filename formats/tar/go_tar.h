/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar archives as Go's archive/tar reads and writes them, which is what
 * LinuxKit's outputs are made with (docs/formats/linuxkit.md, section 9): nothing of a
 * header is lost, and what is written is written byte for byte the same.
 * formats/tar/tar_reader.h is the strict reader for everything else.
 */
#ifndef ASSAY_FORMATS_TAR_GO_TAR_H
#define ASSAY_FORMATS_TAR_GO_TAR_H

#include "base/buf.h"
#include "formats/stream/sink.h"
#include "formats/stream/source.h"
#include "formats/tar/tar_map.h"

struct go_tar_time {
    bool set;
    int64_t seconds;
    uint32_t nanoseconds;
};

/* A record of an extended header; the value may hold NUL. */
struct go_tar_record {
    char *key;
    char *value;
    size_t len;
};

struct go_tar_header {
    /* '0' file, '1' hard link, '2' symlink, '3' and '4' devices, '5' directory, '6' fifo; 'g' has
     * nothing but a name and records that are for all that follows; 'S' is a file in GNU's old
     * sparse format; any other is a file to Go, whatever it means to others. */
    char type;
    char *name;
    char *link;
    char *uname;
    char *gname;
    int64_t mode;
    int64_t uid;
    int64_t gid;
    int64_t size;       /* what the header says; of a sparse file: with its holes */
    struct tar_map map; /* of a sparse file */
    int64_t major;
    int64_t minor;
    struct go_tar_time mtime;
    struct go_tar_time atime;
    struct go_tar_time ctime;
    struct go_tar_record *records;
    size_t record_count;
    size_t record_cap;
};
/* All but links, devices, directories, FIFOs and 'g' have content. */
bool go_tar_has_content(char type);
void go_tar_header_dispose(struct go_tar_header *h);
#define AUTO_LK_HEADER AUTO(go_tar_header_dispose) struct go_tar_header
/* Sets a record, over one of the same key. */
int go_tar_header_set(struct go_tar_header *h, const char *key, const char *value, size_t len,
                      struct err *e);
int go_tar_header_rename(char **name, const char *value, struct err *e);

struct go_tar_reader {
    struct source from;
    uint64_t left; /* of the entry's content */
    uint64_t pad;
    struct tar_map
        *map; /* of the entry, when it is sparse; NULL otherwise. Borrowed from its header */
};
/* *more is false at the end. What the last entry has left of content is skipped; its header must be
 * there until it is read. ERR_INPUT: bad headers. */
int go_tar_next(struct go_tar_reader *r, struct go_tar_header *h, bool *more, struct err *e);
int go_tar_read(struct go_tar_reader *r, void *data, size_t len, size_t *got, struct err *e);

/* The header, in PAX form. The caller then writes exactly h->size bytes when it has content. */
int go_tar_write_header(const struct sink *to, const struct go_tar_header *h, struct err *e);
/* Zeros up to the next block after `size` bytes of content. */
int go_tar_write_padding(const struct sink *to, uint64_t size, struct err *e);

/* Go's path.Clean: no empty, "." or inner ".." components. Caller frees. */
int go_tar_path_clean(const char *path, char **out, struct err *e);

#endif
