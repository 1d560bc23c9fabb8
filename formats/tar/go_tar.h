/*
 * Tar archives as Go's archive/tar reads and writes them, which is what
 * LinuxKit's outputs are made with (spec linuxkit section 9): nothing of a
 * header is lost, and what is written is written byte for byte the same.
 * builder/tree has the strict reader for everything else.
 */
#ifndef ASSAY_FORMATS_TAR_GO_TAR_H
#define ASSAY_FORMATS_TAR_GO_TAR_H

#include "base/buf.h"
#include "formats/stream/sink.h"
#include "formats/stream/source.h"

struct lk_time {
    bool set;
    int64_t seconds;
    uint32_t nanoseconds;
};

/* A record of an extended header; the value may hold NUL. */
struct lk_record {
    char *key;
    char *value;
    size_t len;
};

struct lk_header {
    char type; /* '0' file, '1' hard link, '2' symlink, '3' and '4' devices, '5' directory, '6' fifo
                */
    char *name;
    char *link;
    char *uname;
    char *gname;
    int64_t mode;
    int64_t uid;
    int64_t gid;
    int64_t size; /* what the header says; only files have content */
    int64_t major;
    int64_t minor;
    struct lk_time mtime;
    struct lk_time atime;
    struct lk_time ctime;
    struct lk_record *records;
    size_t record_count;
    size_t record_cap;
};
void lk_header_dispose(struct lk_header *h);
#define AUTO_LK_HEADER AUTO(lk_header_dispose) struct lk_header
/* Sets a record, over one of the same key. */
int lk_header_set(struct lk_header *h, const char *key, const char *value, size_t len,
                  struct err *e);
int lk_header_rename(char **name, const char *value, struct err *e);

struct lk_tar_reader {
    struct source from;
    uint64_t left; /* of the entry's content */
    uint64_t pad;
};
/* *more is false at the end. What the last entry has left of content is skipped. ERR_INPUT: bad
 * headers, sparse files, global headers. */
int lk_tar_next(struct lk_tar_reader *r, struct lk_header *h, bool *more, struct err *e);
int lk_tar_read(struct lk_tar_reader *r, void *data, size_t len, size_t *got, struct err *e);

/* The header, in PAX form. The caller then writes exactly h->size bytes when it is a file. */
int lk_tar_write_header(const struct sink *to, const struct lk_header *h, struct err *e);
/* Zeros up to the next block after `size` bytes of content. */
int lk_tar_write_padding(const struct sink *to, uint64_t size, struct err *e);

/* Go's path.Clean: no empty, "." or inner ".." components. Caller frees. */
int lk_path_clean(const char *path, char **out, struct err *e);

#endif
