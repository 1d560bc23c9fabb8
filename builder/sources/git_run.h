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
#include "base/process.h"
#include "net/registry/credentials.h"

enum { GIT_ARGS_MAX = 16, GIT_ARGV_MAX = 64, GIT_ENV_MAX = 32, GIT_OWN_MAX = 8 };

struct git_repository {
    const char *directory;  /* a working tree, something in one, or a bare repository */
    const char *const *env; /* proxies are taken from it ("https_proxy=…"); NULL-terminated */
    const char *ca_file;    /* NULL = the system's */
    const char *protocols;  /* that may be used: "https"; NULL = none */
    /* Given to servers of `credentials_place` ("https://HOST"), when they ask; NULL = none. */
    const struct credentials *credentials;
    const char *credentials_place;
    struct process_limits limits;
};

/* Runs `git ARGS…`; *status is its exit status. ERR_UNDECIDED when there is no git; ERR_HOST when
 * the limits ended it. */
int git_run(const struct git_repository *repository, const char *const *args, struct buf *output,
            struct buf *errors, int *status, struct err *e);

/* The same, for who runs it otherwise. */
struct git_command {
    const char *argv[GIT_ARGV_MAX]; /* NULL-terminated, as is env */
    const char *env[GIT_ENV_MAX];
    char *own[GIT_OWN_MAX]; /* what of them is ours */
    size_t own_count;
};
/* Into a zeroed one; to be disposed of after a failure, too. */
int git_command_init(struct git_command *c, const struct git_repository *repository,
                     const char *const *args, struct err *e);
void git_command_dispose(struct git_command *c);
/* Of a run of git on it. */
struct process_limits git_limits(const struct git_repository *repository);

#endif
