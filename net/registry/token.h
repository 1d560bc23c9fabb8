/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers a registry's challenge: a password (Basic), or a token from the
 * place that it names (Bearer; the distribution project's token protocol, with
 * OAuth 2 for identity tokens), with the credentials of Docker's config.json when there are any.
 */
#ifndef ASSAY_NET_REGISTRY_TOKEN_H
#define ASSAY_NET_REGISTRY_TOKEN_H

#include "net/http/http.h"
#include "net/registry/credentials.h"
#include "net/registry/reference.h"

#include <stddef.h>

struct token_request {
    const char *challenge; /* WWW-Authenticate */
    const struct reference *reference;
    const struct credentials_source *credentials;
    bool push; /* the scope when the challenge names none */
};

/* *out is the Authorization header's value; caller frees with secret_free. */
int token_get(struct http *h, const struct token_request *request, char **out, struct err *e);

/* The token in a token server's answer, as "Bearer …"; refuses bytes that no header may have. */
int token_parse(const void *data, size_t len, char **out, struct err *e);
/* What an identity token is exchanged with (OAuth 2, grant type "refresh_token"), as a form; wiped
 * and freed by the caller with secret_free. */
int token_form(const struct challenge *c, const struct reference *reference, bool push,
               const char *identity, char **out, struct err *e);
/* The token server's URL with its query; caller frees. */
int token_url(const struct challenge *c, const struct reference *reference, bool push, char **out,
              struct err *e);

#endif
