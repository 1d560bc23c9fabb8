/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's name and password for a git server, from the credential helpers that the user's own git
 * is configured with (gitcredentials(7)): for https:// and for hosts that were named only. Nobody
 * is asked on a terminal.
 */
#ifndef ASSAY_BUILDER_SOURCES_GIT_CREDENTIAL_H
#define ASSAY_BUILDER_SOURCES_GIT_CREDENTIAL_H

#include "base/process.h"
#include "net/registry/credentials.h"

struct git_credential_source {
    const char *const *hosts; /* HOST[:PORT], as in the URL */
    size_t host_count;
    const char *const *env; /* of git and its helpers; NULL-terminated */
    struct process_limits limits;
};

/*
 * *found: the URL's host is one of them, and `out` and *place ("https://HOST", caller frees) are
 * set. ERR_USAGE: it is, but the helpers have no password for it.
 */
int git_credential_find(const struct git_credential_source *source, const char *url,
                        struct credentials *out, char **place, bool *found, struct err *e);

/* From what `git credential fill` prints. ERR_INPUT: it is malformed; neither is quoted. */
int git_credential_parse(const char *text, size_t len, struct credentials *out, struct err *e);

#endif
