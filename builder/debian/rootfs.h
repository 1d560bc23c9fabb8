/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A usable root file system of Debian packages, no maintainer script run: the
 * packages' files as dpkg would leave them, dpkg's database, and what recipes
 * declare of what scripts would else do (docs/formats/debian.md).
 */
#ifndef ASSAY_BUILDER_DEBIAN_ROOTFS_H
#define ASSAY_BUILDER_DEBIAN_ROOTFS_H

#include "formats/layers/layers.h"

enum {
    ROOTFS_PACKAGES_MAX = 16384,
    ROOTFS_DECLARED_MAX = 1024, /* of each: diversions, alternatives, users, groups */
    ROOTFS_MEMBER_MAX = 64,     /* groups that one user is in besides its own */
    ROOTFS_SLAVES_MAX = 256,    /* of one alternative */
    ROOTFS_ID_MAX = 2147483647, /* user and group ids; what chown(1) and dpkg can say */
};

/* Paths are absolute, as people write them; all strings are borrowed. */
struct rootfs_divert {
    const char *path;
    const char *to;
    const char *by; /* the package whose own file stays at `path`; NULL: of no package */
};

struct rootfs_link {
    const char *name;
    const char *link;
    const char *path;
};

struct rootfs_alternative {
    struct rootfs_link self;
    int64_t priority;
    struct rootfs_link *slaves;
    size_t slave_count;
};

struct rootfs_user {
    const char *name;
    uint32_t uid;
    uint32_t gid;
    const char *comment;
    const char *home; /* made when it is not there, but for /nonexistent */
    const char *shell;
    const char **groups;
    size_t group_count;
};

struct rootfs_group {
    const char *name;
    uint32_t gid;
};

struct rootfs_options {
    const char *arch; /* what packages that are not `all` must be for */
    /* include, exclude, clamp, jobs, progress; the rest is ignored */
    struct layers_options layers;
    const struct rootfs_divert *diverts;
    size_t divert_count;
    const struct rootfs_alternative *alternatives;
    size_t alternative_count;
    const struct rootfs_user *users;
    size_t user_count;
    const struct rootfs_group *groups;
    size_t group_count;
};

/* The layers are packages (their `form` is set here), in any order. Errors as layers_flatten. */
int rootfs_make(struct cas *cas, const struct layer_input *packages, size_t count,
                const struct rootfs_options *options, struct tree **out, struct err *e);

/* What plans and recipes may call things; `path` is absolute and names no "." or "..". */
bool rootfs_path_valid(const char *path);
bool rootfs_account_valid(const char *name);
bool rootfs_alternative_valid(const char *name);
bool rootfs_comment_valid(const char *text);

#endif
