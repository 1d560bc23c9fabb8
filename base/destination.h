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
 * A new file has the mode that the umask leaves of 0666; one that takes another's place has its
 * mode and, where we may, its owner.
 */
#ifndef ASSAY_BASE_DESTINATION_H
#define ASSAY_BASE_DESTINATION_H

#include "base/file.h"

/* For before the work: ERR_USAGE or ERR_HOST when writing there could not succeed. Writes nothing.
 */
int destination_check(const char *path, struct err *e);
/* The same for a directory that is made when it is missing, with its parents. */
int destination_check_dir(const char *path, struct err *e);
/* The same for a directory that is not there yet: nothing has the name. */
int destination_check_new(const char *path, struct err *e);
/* The same for what may be either: a directory or a file that is there, or a new name. */
int destination_check_path(const char *path, struct err *e);
/*
 * The same for a name inside such a directory, which somebody else chose: only a plain file is
 * replaced, and no link is followed.
 */
int destination_check_inside(const char *path, struct err *e);
/* The directory that such a name is in. Caller frees. */
int destination_parent(const char *path, char **out, struct err *e);
/* What is written there comes out of our stdout. */
bool destination_is_stdout(const char *path);

struct destination {
    int fd;     /* write here */
    bool whole; /* nothing is visible before destination_commit; else what was written is written */
    uint64_t written; /* by destination_put */
    const char *path;
    struct atomic_file file;
};
#define DESTINATION_INIT                                                                           \
    {                                                                                              \
        .fd = -1, .file = ATOMIC_FILE_INIT                                                         \
    }
#define AUTO_DESTINATION AUTO(destination_dispose) struct destination

/* Borrows `path`. Waits for the reader of a FIFO. */
int destination_open(struct destination *o, const char *path, struct err *e);
int destination_put(struct destination *o, const void *data, size_t len, struct err *e);
int destination_commit(struct destination *o, struct err *e);
void destination_dispose(struct destination *o);
/* All in one. */
int destination_write(const char *path, const void *data, size_t len, struct err *e);

#endif
