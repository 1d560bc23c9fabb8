/* SPDX-License-Identifier: Apache-2.0 */
/* The files of tmpfiles.d: what is declared that lasts. Private to builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_TMPFILES_H
#define ASSAY_BUILDER_DEBIAN_TMPFILES_H

#include "builder/debian/installed.h"

enum { TMPFILES_MAX = 4096 };

/* What is to become of a mode or an owner. */
struct tmpfile_id {
    uint32_t id;
    bool set;
    bool only_new; /* what is there keeps its own */
};

struct tmpfile {
    char type;    /* d, f, L, C, p, c, b; e, z, Z of what matches; others are one of these */
    bool force;   /* '+' */
    bool exists;  /* 'L?': only where its target is there */
    bool replace; /* '=': what is of another type makes room */
    bool masked;  /* the mode is less what no one may do there now */
    bool done;
    struct tmpfile_id mode;
    struct tmpfile_id user;
    struct tmpfile_id group;
    char *path;     /* of the tree, without a slash in front; a pattern for e, z, Z */
    char *argument; /* NULL: none */
};

struct tmpfiles {
    struct tmpfile *items; /* in the order of files and lines */
    size_t count;
    size_t cap;
};
/* Of what may be there; all else is made. */
bool tmpfile_is_pattern(const struct tmpfile *f);
void tmpfiles_dispose(struct tmpfiles *t);

/* All files, by their names; of several with one name that of the first directory alone. */
int tmpfiles_read(struct rootfs_writer *w, const char *arch, struct tmpfiles *out, struct err *e);

#endif
