/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file by URL, with the digest that it must have: https://, http:// where
 * that was allowed, or file: on this machine. Checked while it streams into
 * the store; a store that has the digest asks nobody.
 */
#ifndef ASSAY_BUILDER_SOURCES_URL_H
#define ASSAY_BUILDER_SOURCES_URL_H

#include "net/http/http.h"
#include "store/cas/cas.h"

struct url_options {
    const char *url;       /* url_remote_valid(), or url_is_file() */
    const char *directory; /* where the relative path of file:PATH starts */
    const struct digest *digest;
    struct http *http; /* for remote ones */
    struct cas *cas;
};

/* ERR_INPUT: not there, or with other bytes; ERR_HOST: the network. */
int url_fetch(const struct url_options *options, uint64_t *size, struct err *e);

/* Whether a repository that is a URL may be asked by plain HTTP. */
int url_may_be_plain(struct http *http, const char *repository, bool *out, struct err *e);

#endif
