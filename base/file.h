/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: bounded reads, atomic replacement, paths that stay beneath a root.
 */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include "base/buf.h"

#include <sys/types.h>

/* Reads a whole regular file of at most out->max bytes. A missing file is ERR_INPUT; I/O is
 * ERR_HOST. */
int file_read(const char *path, struct buf *out, struct err *e);
int file_read_at(int dirfd, const char *path, struct buf *out, struct err *e);

/* write(2) until all is written. */
int fd_write_all(int fd, const void *data, size_t len, const char *what, struct err *e);
/* pread(2) until `len` bytes are read; a short file is ERR_INPUT. */
int fd_pread_all(int fd, void *data, size_t len, uint64_t offset, const char *what, struct err *e);

/*
 * Atomic replacement: a temporary name beside `path`, written, fsynced, renamed
 * over it, and the directory fsynced. Nothing is visible under `path` before
 * commit; dispose without commit removes the temporary file.
 */
struct atomic_file {
    int fd; /* write here */
    int dirfd;
    char *name;
    char *temp; /* its name, and its path */
    char *path;
    bool committed;
};
#define ATOMIC_FILE_INIT                                                                           \
    {                                                                                              \
        .fd = -1, .dirfd = -1                                                                      \
    }
#define AUTO_ATOMIC_FILE AUTO(atomic_file_dispose) struct atomic_file

/* `mode` is applied exactly, or is what the umask leaves of 0666. */
#define MODE_BY_UMASK ((mode_t)-1)
/* What the umask leaves of `mode`, as open(2) and mkdir(2) have it. */
mode_t mode_by_umask(mode_t mode);
int atomic_file_open(struct atomic_file *f, const char *path, mode_t mode, struct err *e);
int atomic_file_commit(struct atomic_file *f, struct err *e);
void atomic_file_dispose(struct atomic_file *f);
/* The three in one. For files that we name; what a user names is base/destination.h's. */
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *e);

/* mkdir -p with mode 0755 & ~umask for the missing parts. */
int dir_make(const char *path, struct err *e);
int dir_sync(const char *path, struct err *e);
/* Removes a tree (base/remove.h); a missing one is fine. */
int dir_remove(const char *path, struct err *e);
/*
 * A new private directory `<parent>/<prefix><16 hex digits>` (0700), which an interrupt takes away
 * (base/cleanup.h) until it is removed, or was renamed and dir_keep is told. Caller frees *out.
 */
int dir_make_temp(const char *parent, const char *prefix, char **out, struct err *e);
void dir_keep(const char *path);

/* openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: never leaves `dirfd`. Returns fd or
 * negative. */
int open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct err *e);

/* A relative path that is safe to join: no leading '/', no "." or ".." or empty component, no NUL,
 * at most 4095 bytes. */
bool relpath_valid(const char *path);
/* "a/b" joined; caller frees. */
int path_join(char **out, const char *a, const char *b, struct err *e);
/* The part after the last '/'. Borrowed. */
const char *path_base(const char *path);

#endif
