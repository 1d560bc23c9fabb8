/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and blobs from an endpoint, each checked against its digest. */
#ifndef ASSAY_NET_REGISTRY_DOWNLOAD_H
#define ASSAY_NET_REGISTRY_DOWNLOAD_H

#include "net/registry/endpoint.h"

/* A body in memory: endpoint_get's context. */
struct document {
    struct buf text;
    uint64_t have;
    char digest[DIGEST_TEXT_MAX + 1]; /* what the registry says it is */
    char link[HTTP_URL_MAX];          /* of the next page */
};
#define DOCUMENT_INIT                                                                              \
    {                                                                                              \
        .text = BUF_INIT(REGISTRY_DOCUMENT_MAX)                                                    \
    }
struct endpoint_sink document_sink(struct document *d);

/*
 * A manifest or index by tag or digest, into memory; *out is the digest of its bytes. ERR_INPUT
 * when the registry itself says another one. `status`: as in endpoint_get.
 */
int download_document(struct endpoint *ep, const char *name, struct document *d, struct digest *out,
                      long *status, struct err *e);
/*
 * A manifest or index by tag (`expected` NULL) or by digest. ERR_INPUT when its bytes are not of
 * the digest asked for, or not of the one that the registry says. It is in
 * the store then.
 */
int download_manifest(struct endpoint *ep, const char *name, const struct digest *expected,
                      struct digest *out, struct err *e);

struct wanted {
    struct digest digest;
    uint64_t size;    /* CAS_SIZE_UNKNOWN: not known, of manifests only */
    bool is_manifest; /* or an index: registries keep these apart from other blobs */
};

/* Whether what a registry says (Docker-Content-Digest, "" = nothing) is no digest, or another one
 * of the same algorithm. */
bool download_contradicts(const char *said, const struct digest *wanted);

/* A blob whose size is known. Cuts are resumed; nothing is left of a bad one. */
int download_blob(struct endpoint *ep, const struct wanted *wanted, struct err *e);
/* One or the other. */
int download(struct endpoint *ep, const struct wanted *wanted, struct err *e);

#endif
