/* SPDX-License-Identifier: Apache-2.0 */
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

#include "builder/plan/locked.h"
#include "net/registry/network.h"

/*
 * Resolves the reference (without a host: at `registry`, NULL = docker.io), fetches what the store
 * lacks of the image for the platform, from mirrors or its registry, and adds it to `out` as
 * oci_lock does, with its configuration when keep_config. ERR_INPUT: no such image, or what a
 * registry sends is not right; ERR_HOST: no network, or no answer in time; ERR_REJECTED: a
 * certificate is not trusted.
 */
int registry_lock(struct network *network, const char *registry, const char *reference,
                  const char *platform, const char *name, bool keep_config, struct locked *out,
                  struct err *e);

#endif
