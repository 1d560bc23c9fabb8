/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a user lets a command write: what stands behind -o of every program.
 *
 *   "-", /dev/stdout, /dev/fd/N    that descriptor
 *   a device, a FIFO               through it
 *   a symbolic link                what it leads to, by these same rules; the link stays
 *   a file, or nothing             a new file beside it, which takes its name, whole, at the end
 *   a file that is mounted         over its bytes: it cannot be renamed over
 *   a directory, a socket          refused (ERR_USAGE)
 *
 * A new file has the mode that the umask leaves of 0666; one that takes another's place has its mode
 * and, where we may, its owner.
 */
#ifndef ASSAY_BASE_OUTPUT_H
#define ASSAY_BASE_OUTPUT_H

#include "base/file.h"

/* For before the work: ERR_USAGE or ERR_HOST when writing there could not succeed. Writes nothing. */
int output_check(const char *path, struct err *e);
/* The same for a directory that is made when it is missing, with its parents. */
int output_check_dir(const char *path, struct err *e);
/* The same for what may be either: a directory or a file that is there, or a new name. */
int output_check_path(const char *path, struct err *e);
/*
 * The same for a name inside such a directory, which somebody else chose: only a plain file is
 * replaced, and no link is followed.
 */
int output_check_inside(const char *path, struct err *e);
/* What is written there comes out of our stdout. */
bool output_is_stdout(const char *path);

struct output {
    int fd;     /* write here */
    bool whole; /* nothing is visible before output_commit; else what was written is written */
    const char *path;
    struct atomic_file file;
};
#define OUTPUT_INIT                                                                                \
    {                                                                                              \
        .fd = -1, .file = ATOMIC_FILE_INIT                                                         \
    }
#define AUTO_OUTPUT AUTO(output_dispose) struct output

/* Borrows `path`. Waits for the reader of a FIFO. */
int output_open(struct output *o, const char *path, struct err *e);
int output_commit(struct output *o, struct err *e);
void output_dispose(struct output *o);
/* The three in one. */
int output_write(const char *path, const void *data, size_t len, struct err *e);

#endif
