/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images from a local OCI layout directory, by digest or by reference name.
 * Every blob is checked against digest and size while it is copied into the
 * store; nothing of the layout is trusted. Formats: OCI image specification
 * 1.1, and Docker's media types for the same documents.
 */
#ifndef ASSAY_BUILDER_LOCK_OCI_LAYOUT_H
#define ASSAY_BUILDER_LOCK_OCI_LAYOUT_H

#include "builder/plan/locked.h"
#include "store/cas/cas.h"

/* A blob that reading an image is about to need. */
struct oci_wanted {
    struct digest digest;
    uint64_t size;    /* CAS_SIZE_UNKNOWN: not known */
    bool is_manifest; /* or an index: registries keep these apart from other blobs */
};

/* Where a layout's blobs come from when they are not there yet. */
struct oci_origin {
    int (*fetch)(void *context, const struct oci_wanted *list, size_t count, struct err *e);
    void *context;
    const char *repository; /* without a host */
};

struct oci_request {
    const char *layout;              /* directory */
    const struct oci_origin *origin; /* NULL: the layout has everything */
    const struct digest *manifest;   /* of a manifest or an index */
    const char *platform;            /* "linux/riscv64" or "linux/arm/v7" */
    const char *name;                /* of the image in the recipe */
    bool keep_config;                /* make the configuration an input, too */
    bool like_linuxkit;              /* choose and refuse as LinuxKit does */
    struct cas *cas;
};

/* Adds the image, its layers bottom first with their diff ids, and its blobs to `out`. ERR_INPUT
 * for all that is wrong. */
int oci_lock(const struct oci_request *request, struct locked *out, struct err *e);

/* A blob of a layout, by what it is in the image of that manifest: "manifest", "config", "layer".
 */
struct oci_blob {
    const char *layout;
    const char *role;
    struct digest manifest;
    struct digest digest;
};
/* It becomes an input as it is, its bytes checked. */
int oci_lock_blob(const struct oci_blob *blob, struct cas *cas, struct locked *out, size_t *index,
                  struct err *e);

/*
 * The descriptor in the layout's index.json whose org.opencontainers.image.ref.name is `name`
 * (NULL: the only one there is), as written or with Docker's prefixes (docs/formats/linuxkit.md,
 * section 3.5). Two that differ are ERR_INPUT.
 */
int oci_find(const char *layout, const char *name, bool *found, struct digest *manifest,
             struct err *e);

#endif
