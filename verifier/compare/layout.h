/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout as a whole: its one manifest gives the digest, and whatever lies in the
 * directory has to belong to it.
 */
#ifndef ASSAY_VERIFIER_COMPARE_LAYOUT_H
#define ASSAY_VERIFIER_COMPARE_LAYOUT_H

#include "verifier/compare/artifact.h"

/*
 * Fills digest, size, blobs and fault. ERR_INPUT when there is no digest to be had: no index, or
 * not one manifest in it.
 */
int layout_read(int dirfd, struct artifact *a, struct err *e);
/* What came of comparing two layouts of one manifest, both without a fault. */
struct layout_difference {
    const char *file; /* the first that differs; static; NULL = none does */
    uint64_t offset;
    char *ref_name; /* what index.json calls the image, when that alone is another name; or NULL */
};
/*
 * What is left to differ are index.json and oci-layout. Whoever copies an image gives it a name
 * (org.opencontainers.image.ref.name): that alone is told apart. Free with
 * layout_difference_dispose.
 */
int layout_compare(const char *a, const char *b, struct layout_difference *out, struct err *e);
void layout_difference_dispose(struct layout_difference *d);

#endif
