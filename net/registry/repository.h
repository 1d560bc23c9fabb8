/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository and where it can be had: its mirrors, in order, and its own
 * registry. Each is asked until one gives what was asked for; when none does,
 * the error says what each of them said.
 */
#ifndef ASSAY_NET_REGISTRY_REPOSITORY_H
#define ASSAY_NET_REGISTRY_REPOSITORY_H

#include "net/registry/download.h"
#include "net/registry/mirrors.h"

enum { REPOSITORY_ENDPOINTS_MAX = 32 };

struct repository {
    struct endpoint *endpoints[REPOSITORY_ENDPOINTS_MAX];
    size_t count;
};

void repository_dispose(struct repository *r);
#define AUTO_REPOSITORY AUTO(repository_dispose) struct repository

/* The reference's own registry behind its mirrors (`mirrors` may be NULL). */
int repository_open(struct client *client, const struct reference *reference,
                    const struct mirrors *mirrors, struct repository *out, struct err *e);
/* One more place to ask: `path` of "HOST[:PORT][/PREFIX]". Before anything was asked. */
int repository_add(struct repository *r, struct client *client, const char *place, const char *path,
                   bool tags, struct err *e);

/* What a tag means, by those who may say so; its manifest is in the store then. */
int repository_resolve(struct repository *r, const char *tag, struct digest *out, struct err *e);
/* One blob or manifest. ERR_HOST when any place may have it and did not answer. */
int repository_fetch(struct repository *r, const struct wanted *wanted, struct err *e);
/* Those of the list that the store lacks, several at a time. */
int repository_fetch_all(struct repository *r, const struct wanted *list, size_t count,
                         struct err *e);

#endif
