/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media types, and the names of OCI's annotations: each stands here once (tests/lint/facts.sh) and
 * is spelled nowhere else. On the lowest floor, for envelopes, the store, registries and builds
 * name the same ones. What a type means for an image is formats/oci/oci_type.h.
 */
#ifndef ASSAY_BASE_MEDIA_TYPES_H
#define ASSAY_BASE_MEDIA_TYPES_H

/* ---- general ---- */
#define MEDIA_BYTES "application/octet-stream"
#define MEDIA_FORM "application/x-www-form-urlencoded"
#define MEDIA_GZIP "application/gzip"
#define MEDIA_JSON "application/json"
#define MEDIA_TAR "application/x-tar"
#define MEDIA_TEXT "text/plain"

/* ---- OCI image specification 1.1, media-types.md and annotations.md ---- */
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_EMPTY "application/vnd.oci.empty.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP MEDIA_OCI_LAYER "+gzip"
#define MEDIA_OCI_LAYER_ZSTD MEDIA_OCI_LAYER "+zstd"
#define OCI_REF_NAME "org.opencontainers.image.ref.name"
/* Assay's own annotations of a store's references: since when, and that no collector lets go. */
#define ASSAY_KEPT "vnd.assay.kept"
#define ASSAY_PINNED "vnd.assay.pinned"
#define OCI_TITLE "org.opencontainers.image.title"
/* The file oci-layout of a layout directory. */
#define OCI_LAYOUT_BYTES "{\"imageLayoutVersion\":\"1.0.0\"}"

/* ---- Docker's, of the same forms ---- */
#define MEDIA_DOCKER_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MEDIA_DOCKER_LAYER_GZIP MEDIA_DOCKER_LAYER ".gzip"
#define MEDIA_DOCKER_LAYER_ZSTD MEDIA_DOCKER_LAYER ".zstd"

/* ---- attestations ---- */
#define MEDIA_DSSE "application/vnd.dsse.envelope.v1+json"
#define MEDIA_INTOTO "application/vnd.in-toto+json"
#define MEDIA_INTOTO_PREFIX "application/vnd.in-toto." /* and a predicate's name and +json */
#define MEDIA_SIGSTORE                                                                             \
    "application/vnd.dev.sigstore.bundle" /* what all of its bundles begin with */
#define MEDIA_SIGSTORE_BUNDLE MEDIA_SIGSTORE ".v0.3+json"
#define MEDIA_SIGSTORE_BUNDLE_OLD MEDIA_SIGSTORE "+json;version=" /* and 0.1, 0.2 or 0.3 */
#define MEDIA_SPDX "application/spdx+json"
#define MEDIA_CYCLONEDX "application/vnd.cyclonedx+json"

/* ---- Assay's own ---- */
#define MEDIA_ASSAY "application/vnd.assay." /* and the name of a format */
#define MEDIA_ASSAY_PLAN MEDIA_ASSAY "plan.v1+json"
#define MEDIA_ASSAY_BUILDER MEDIA_ASSAY "builder.v1"
#define MEDIA_ASSAY_REPORT MEDIA_ASSAY "report.v1+json"
#define MEDIA_ASSAY_VERITY MEDIA_ASSAY "verity.v1+json"
#define MEDIA_ASSAY_CARTESI_RUN MEDIA_ASSAY "cartesi-run.v1+json"
/* A tar of a stored machine, which a build writes as the directory that it packs. */
#define MEDIA_ASSAY_CARTESI_MACHINE MEDIA_ASSAY "cartesi-machine.v1+tar"
#define MEDIA_ASSAY_KERNEL MEDIA_ASSAY "kernel"
#define MEDIA_ASSAY_INITRD MEDIA_ASSAY "initrd"
#define MEDIA_ASSAY_SQUASHFS MEDIA_ASSAY "squashfs"
#define MEDIA_ASSAY_ISO MEDIA_ASSAY "iso"
#define MEDIA_ASSAY_DISK MEDIA_ASSAY "disk"
/* A disk in a container, by the container's name. */
#define MEDIA_ASSAY_CONTAINER(name) MEDIA_ASSAY name

#endif
