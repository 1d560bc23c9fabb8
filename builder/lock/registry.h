/*
 * Images from OCI registries (distribution specification 1.1, pull). Manifests
 * and indexes, OCI's and Docker's, go into the store as they are; every blob is
 * checked against digest and size while it streams into the store, and a
 * cut is resumed where it was.
 *
 * What reaches a plan is the repository's path and digests; never a host.
 */
#ifndef ASSAY_BUILDER_LOCK_REGISTRY_H
#define ASSAY_BUILDER_LOCK_REGISTRY_H

#include "base/progress.h"
#include "builder/lock/locked.h"
#include "builder/registry/http.h"
#include "store/cas/cas.h"

struct registry_options {
    struct http_options http;
    const char *registry;      /* for references without a host; NULL = docker.io */
    const char *docker_config; /* directory of Docker's config.json; NULL = none */
    const char *const *env;    /* of credential helpers; NULL-terminated */
    unsigned jobs;             /* blobs at a time; 0 = 4 */
    struct cas *cas;
    struct progress *progress;
};

struct registry;
/* Borrows what the options point to. */
int registry_new(const struct registry_options *options, struct registry **out, struct err *e);
void registry_free(struct registry *r);

static inline void scope_registry(struct registry **r)
{
    registry_free(*r);
}
#define AUTO_REGISTRY AUTO(scope_registry)

/*
 * Resolves the reference, fetches what the store lacks of the image for the
 * platform, and adds it to `out` as oci_lock does. ERR_INPUT: no such image,
 * or what the registry sends is not right; ERR_HOST: no network, or it gave no answer in time;
 * ERR_REJECTED: its certificate is not trusted.
 */
int registry_lock(struct registry *r, const char *reference, const char *platform, const char *name,
                  struct locked *out, struct err *e);

#endif
