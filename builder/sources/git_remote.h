/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit's objects from a server, in a repository of our own. git follows no redirect: where the
 * first request is led elsewhere, our own client goes there by its own rules (net/http/http.h: no
 * other scheme, without TLS only where that was allowed), and git begins at its end.
 */
#ifndef ASSAY_BUILDER_SOURCES_GIT_REMOTE_H
#define ASSAY_BUILDER_SOURCES_GIT_REMOTE_H

#include "base/place.h"
#include "base/private_dir.h"
#include "builder/sources/git.h"
#include "builder/sources/git_run.h"

/* What a name that is no id was on the server. */
#define GIT_REMOTE_REF "refs/assay/wanted"

struct git_remote {
    struct git_repository repository; /* of what was fetched */
    struct private_dir dir;
    char *directory;
    char *url; /* where the repository is, behind all redirects */
    char *place;
    struct credentials credentials;
};
#define GIT_REMOTE_INIT                                                                            \
    {                                                                                              \
        .dir = PRIVATE_DIR_INIT                                                                    \
    }
void git_remote_close(struct git_remote *r);

/* What options->commit names, into `out`, which is closed after a failure, too. Errors as of
 * git_read. */
int git_remote_fetch(const struct git_options *options, struct git_remote *out, struct err *e);

/* What git says from its last "fatal:" on, or its last line, in one, without what is secret in it;
 * in `out`. */
const char *git_complaint(struct buf *errors, const char *const *env, char out[PLACE_MESSAGE_MAX]);

#endif
