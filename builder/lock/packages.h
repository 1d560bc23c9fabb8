/* SPDX-License-Identifier: Apache-2.0 */
/* Stanzas of Debian package indices, as `apt-cache show` prints them. */
#ifndef ASSAY_BUILDER_LOCK_PACKAGES_H
#define ASSAY_BUILDER_LOCK_PACKAGES_H

#include "base/buf.h"
#include "base/digest.h"

/* One version of one package. Strings are owned and never NULL. */
struct package {
    char *name;
    char *source; /* without its version; the name when the stanza has none */
    char *version;
    char *arch;
    char *depends; /* Pre-Depends and Depends, joined by a comma */
    char *path;    /* in the archive: "pool/main/…" */
    struct digest sha256;
    uint64_t size;
};

struct packages {
    struct package *items;
    size_t count;
    size_t cap;
};

void packages_dispose(struct packages *p);
#define AUTO_PACKAGES AUTO(packages_dispose) struct packages

/*
 * Adds the stanzas of `text`. A stanza without a name, version, architecture,
 * SHA256, Size or a safe Filename, or with a field twice, is ERR_INPUT.
 */
int packages_parse(const char *text, size_t len, struct packages *out, struct err *e);
const struct package *packages_find(const struct packages *p, const char *name);
/* Moves one package over. */
int packages_push(struct packages *p, struct package *taken, struct err *e);

/*
 * One alternative of a dependency: "libc6 (>= 2.38) [arch] | …" read piece by
 * piece. Returns false at the end. *alternative tells that it belongs to the
 * same clause as the one before ("|" instead of ","). `name` has 128 bytes.
 */
bool depends_next(const char **cursor, char *name, bool *alternative);

#endif
