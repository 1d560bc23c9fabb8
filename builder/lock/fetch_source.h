/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs that were URLs and git commits, from places that are named now: a plan says no host. */
#ifndef ASSAY_BUILDER_LOCK_FETCH_SOURCE_H
#define ASSAY_BUILDER_LOCK_FETCH_SOURCE_H

#include "builder/sources/git_credential.h"
#include "net/http/http.h"
#include "store/cas/cas.h"

#include <jansson.h>

struct fetch_source {
    struct http *http;
    struct cas *cas;
    const char *temp;
    const char *const *env; /* of git */
    struct git_credential_source credentials;
    struct process_limits limits; /* of git */
    const char *ca_file;
};

/*
 * Of an option [NAME=]URL: with a name, "url.NAME" or NAME of the plan's input, the whole URL; else
 * URL/PATH of the "url" origin. ERR_INPUT: it is not there, or has other bytes.
 */
int fetch_url(const struct fetch_source *s, const char *option, const json_t *origin,
              const struct digest *digest, struct err *e);
/* The commit of the "git" origin, from a directory or an https:// repository, as `assay lock` makes
 * its blob. ERR_INPUT: it has it not, or the blob is another one. */
int fetch_git(const struct fetch_source *s, const char *repository, const json_t *origin,
              const struct digest *digest, struct err *e);

/* Whether the option's value can be one. */
bool fetch_url_valid(const char *option);
/* Whether it says anything of the input with this id. */
bool fetch_url_applies(const char *option, const char *id);

#endif
