/* SPDX-License-Identifier: Apache-2.0 */
/* The files of sysusers.d: who is declared. Private to builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_SYSUSERS_H
#define ASSAY_BUILDER_DEBIAN_SYSUSERS_H

#include "builder/debian/installed.h"

enum { SYSUSERS_MAX = 4096, SYSUSERS_ID_MAX = 999 };

/* A user, or a group, which has a name and a gid only. Texts are NULL when they are not given. */
struct sysuser {
    char *name;
    char *group; /* of a user that names it */
    char *comment;
    char *home;
    char *shell;
    uint32_t uid;
    uint32_t gid;
    bool uid_set;
    bool gid_set;
    bool gid_given; /* beside the uid: a group that is there */
    bool locked;
};

struct sysuser_member {
    char *user;
    char *group;
};

struct sysusers {
    struct sysuser *users;
    size_t user_count;
    size_t user_cap;
    struct sysuser *groups;
    size_t group_count;
    size_t group_cap;
    struct sysuser_member *members;
    size_t member_count;
    size_t member_cap;
};
void sysusers_dispose(struct sysusers *s);

/* All files, by their names; of several with one name that of the first directory alone. */
int sysusers_read(struct rootfs_writer *w, struct sysusers *out, struct err *e);
/* A number that an id may be. */
bool sysusers_id(const char *text, size_t len, uint32_t *out);

#endif
