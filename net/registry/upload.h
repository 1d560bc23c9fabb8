/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs and manifests to an endpoint. What the registry says it has is compared with what was sent.
 */
#ifndef ASSAY_NET_REGISTRY_UPLOAD_H
#define ASSAY_NET_REGISTRY_UPLOAD_H

#include "net/registry/endpoint.h"

struct upload {
    struct digest digest;
    uint64_t size;
    const char *path; /* of the file; NULL: `data` */
    const void *data;
};

/*
 * Unless the registry has it. With `chunk` > 0 in pieces of so many bytes, of which a lost one is
 * sent again; else at once. The bytes are hashed while they are sent: ERR_INPUT when the file is
 * not what its digest says, and the registry then got less than all of it. *there: it had it
 * already.
 */
int upload_blob(struct endpoint *ep, const struct upload *upload, uint64_t chunk, bool *there,
                struct err *e);

/* `name`: a tag or a digest. *registered: the registry keeps track of its `subject` itself. */
int upload_manifest(struct endpoint *ep, const char *name, const char *media_type, const void *data,
                    size_t len, const struct digest *digest, bool *registered, struct err *e);

#endif
