/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inputs of a plan that a store lacks, from whoever still has them:
 * directories (a store, an OCI layout), registries, Debian archives. Nothing
 * but the digest decides whether bytes are right.
 */
#ifndef ASSAY_BUILDER_LOCK_FETCH_H
#define ASSAY_BUILDER_LOCK_FETCH_H

#include "builder/plan/plan.h"
#include "net/registry/network.h"

struct fetch_options {
    struct network *network;
    const char *const *directories; /* asked first */
    size_t directory_count;
    const char *const *places; /* "HOST[:PORT][/PATH]", asked next, in order */
    size_t place_count;
    const char *const *archives; /* of Debian, asked before this machine's own */
    size_t archive_count;
    const char *const *urls; /* where the files of "url" inputs are now: [NAME=]URL */
    size_t url_count;
    const char *const *gits; /* repositories that may have the commits of "git" inputs */
    size_t git_count;
    bool origin;                  /* ask where the plan says that it is from, at last */
    const char *registry;         /* where repositories of the plan are; NULL = docker.io */
    const char *temp;             /* for private directories */
    const char *const *env;       /* of apt and git */
    const char *const *git_hosts; /* whom git's credential helpers are asked for */
    size_t git_host_count;
    struct process_limits limits; /* of both */
    const char *ca_file;
};

enum fetch_state { FETCH_PRESENT, FETCH_FETCHED, FETCH_MISSING };

struct fetch_item {
    const struct plan_input *input;
    enum fetch_state state;
    enum err_code code; /* when missing */
    char *why;          /* when missing: what everyone said */
};

struct fetch_result {
    struct fetch_item *items; /* one per different digest, in the plan's order */
    size_t count;
};
void fetch_result_dispose(struct fetch_result *r);

/* That a blob is nowhere is no error here: see its state. Errors are this machine's. */
int fetch_plan(const struct plan *plan, const struct fetch_options *options,
               struct fetch_result *out, struct err *e);

#endif
