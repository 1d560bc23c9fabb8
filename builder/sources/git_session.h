/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a repository, by one process of git for all of them. */
#ifndef ASSAY_BUILDER_SOURCES_GIT_SESSION_H
#define ASSAY_BUILDER_SOURCES_GIT_SESSION_H

#include "builder/sources/git_object.h"
#include "builder/sources/git_run.h"

enum { GIT_TREE_BYTES_MAX = 64 * 1024 * 1024 };

/* Objects by id, each checked to have it. */
struct git_request {
    const struct git_id *ids;
    size_t count;
    const char *type;  /* "blob", "tree", "commit": another is ERR_INPUT */
    uint64_t size_max; /* of each */
    int (*begin)(void *context, size_t index, uint64_t size, struct err *e);
    int (*data)(void *context, size_t index, const void *data, size_t len, struct err *e);
    /* The object was complete and right. */
    int (*end)(void *context, size_t index, struct err *e);
    void *context;
};

struct git_session;
int git_session_open(const struct git_repository *repository, struct git_session **out,
                     struct err *e);
void git_session_free(struct git_session *s);

static inline void scope_git_session(struct git_session **s)
{
    git_session_free(*s);
}
#define AUTO_GIT_SESSION AUTO(scope_git_session)

/* Calls back for each in order. A missing one is ERR_INPUT. After a failure only git_session_free
 * is left. */
int git_session_read(struct git_session *s, const struct git_request *request, struct err *e);

#endif
