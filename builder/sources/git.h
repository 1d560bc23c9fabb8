/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a git commit, from a repository on this machine or over https.
 * Every object is checked against its id, from the commit down to each file,
 * so the tree is the commit's whatever the repository or the server does.
 * Attributes, filters, line endings, hooks and submodules play no part.
 */
#ifndef ASSAY_BUILDER_SOURCES_GIT_H
#define ASSAY_BUILDER_SOURCES_GIT_H

#include "base/process.h"
#include "builder/sources/git_credential.h"
#include "builder/sources/git_object.h"
#include "builder/sources/tree_blob.h"
#include "net/http/http.h"

struct git_options {
    const char *repository; /* a directory, or an https:// (or allowed http://) URL */
    const char *commit;     /* an id, or a name that git resolves: a branch, a tag */
    const char *tree;       /* that the tree must have as its id; NULL = any */
    const char *path;       /* the directory of the commit that is taken; NULL = all of it */
    const char *temp;
    const char *const *env; /* of which git is given the proxies; NULL-terminated */
    const char *ca_file;
    struct http *http; /* what may be asked without TLS, and where a redirect leads; NULL: a
                          directory is read */
    struct git_credential_source credentials;
    struct process_limits limits;
};

struct git_source {
    char commit[GIT_HEX_MAX + 1];
    char tree[GIT_HEX_MAX + 1]; /* of `path`, when there is one */
};

/* Adds the files to b's root. ERR_INPUT: there is no such commit, path or object, or it is not what
 * its id says; ERR_HOST: the network; ERR_UNDECIDED: no git on this machine. */
int git_read(const struct git_options *options, struct tree_blob *b, struct git_source *out,
             struct err *e);

#endif
