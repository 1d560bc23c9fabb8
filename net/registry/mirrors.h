/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which other registries have what a registry has: from registries.json
 * (docs/reference/registry.md, schemas/registries.schema.json) and the command
 * line. A mirror is asked before the registry itself. What it gives for a digest is checked like
 * everything else; what a tag means it may say only where that is stated.
 */
#ifndef ASSAY_NET_REGISTRY_MIRRORS_H
#define ASSAY_NET_REGISTRY_MIRRORS_H

#include "base/err.h"
#include "base/version.h"

#include <stdbool.h>
#include <stddef.h>

#define MIRRORS_TYPE ASSAY_URI "registries/v1"
enum { MIRRORS_MAX = 64 };

struct mirror {
    char *registry; /* "docker.io", "localhost:5000" */
    char *place;    /* "HOST[:PORT][/PREFIX]": PREFIX/PATH there is PATH here */
    bool tags;      /* it may say what a tag means */
};

struct mirrors {
    struct mirror *items; /* in the order in which they are asked */
    size_t count;
    size_t cap;
    char **plain; /* hosts that may be asked without TLS */
    size_t plain_count;
    size_t plain_cap;
};

void mirrors_dispose(struct mirrors *m);
#define AUTO_MIRRORS AUTO(mirrors_dispose) struct mirrors

/* "HOST[:PORT]=HOST[:PORT][/PREFIX]". ERR_USAGE when it is not. */
int mirrors_add(struct mirrors *m, const char *text, bool tags, struct err *e);
/* The text of a registries.json, strictly. `what` names it in errors, which are ERR_USAGE. */
int mirrors_parse(const void *data, size_t len, const char *what, struct mirrors *m, struct err *e);
/* A missing file is ERR_USAGE. */
int mirrors_read(const char *path, struct mirrors *m, struct err *e);

#endif
