/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and passwords for registries, from Docker's config.json: `auths`, and
 * the helpers of `credHelpers` and `credsStore` (docker-credential-NAME).
 */
#ifndef ASSAY_NET_REGISTRY_CREDENTIALS_H
#define ASSAY_NET_REGISTRY_CREDENTIALS_H

#include "base/process.h"

#include <stdbool.h>
#include <stddef.h>

struct credentials {
    char *user;    /* NULL: none, or an identity token */
    char *secret;  /* wiped when disposed of */
    bool identity; /* `secret` is a token that a token server gives others for (OAuth 2) */
};

void credentials_dispose(struct credentials *c);
#define AUTO_CREDENTIALS AUTO(credentials_dispose) struct credentials

/* free() after overwriting. NULL is fine. */
void secret_free(char *text);

static inline void scope_secret(char **text)
{
    secret_free(*text);
}
#define AUTO_SECRET AUTO(scope_secret)

struct credentials_source {
    const char *directory;  /* where config.json is; NULL or no such file: no credentials */
    const char *const *env; /* of helpers; NULL-terminated */
    const char *path;       /* directories that helpers are looked for in ("/a:/b"); NULL = the
                               system's. Relative ones are passed over */
    struct process_limits limits; /* of helpers; the deadline counts */
};

/*
 * `host` is a registry as in references ("docker.io", "localhost:5000"). A malformed file is
 * ERR_USAGE; a helper that fails is ERR_HOST, one that does not exist ERR_UNDECIDED.
 */
int credentials_find(const struct credentials_source *source, const char *host,
                     struct credentials *out, struct err *e);

/* From the text of a config.json: what `auths` says, and the helper to ask (*helper, caller frees)
 * when there is one. */
int credentials_parse(const void *data, size_t len, const char *host, struct credentials *out,
                      char **helper, struct err *e);

/* "Basic …", caller frees with secret_free. */
int credentials_basic(const struct credentials *c, char **out, struct err *e);

#endif
