/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `git` program, run so that only the objects of a repository can matter:
 * no hooks, no configuration of the host or the user, none of its environment,
 * no replaced objects, no transport but the one that is asked for, nothing
 * fetched on the side, no prompts.
 */
#ifndef ASSAY_BUILDER_SOURCES_GIT_RUN_H
#define ASSAY_BUILDER_SOURCES_GIT_RUN_H

#include "base/buf.h"
#include "builder/sources/git_object.h"

enum { GIT_ARGS_MAX = 16, GIT_TREE_BYTES_MAX = 64 * 1024 * 1024 };

struct git_repository {
    const char *directory;  /* a working tree, something in one, or a bare repository */
    const char *const *env; /* proxies are taken from it ("https_proxy=…"); NULL-terminated */
    const char *ca_file;    /* NULL = the system's */
    const char *protocols;  /* that may be used: "https"; NULL = none */
    unsigned seconds;       /* for each run; 0 = 3600 */
};

/* Runs `git ARGS…`; *status is its exit status. ERR_UNDECIDED when there is no git. */
int git_run(const struct git_repository *repository, const char *const *args, struct buf *output,
            struct buf *errors, int *status, struct err *e);

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
/* Calls back for each in order. A missing one is ERR_INPUT. */
int git_read_objects(const struct git_repository *repository, const struct git_request *request,
                     struct err *e);

#endif
