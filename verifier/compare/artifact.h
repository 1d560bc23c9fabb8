/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The artifact as it lies there: a file, an OCI image layout directory, or the
 * directory of a stored machine, and its digest (of a layout: the digest of its
 * one manifest, every blob that it reaches verified; of a machine: that of its
 * packed form, which `assay cartesi pack` gives).
 */
#ifndef ASSAY_VERIFIER_COMPARE_ARTIFACT_H
#define ASSAY_VERIFIER_COMPARE_ARTIFACT_H

#include "base/digest.h"

struct artifact {
    const char *path; /* borrowed */
    bool layout;
    bool machine;
    struct digest digest;
    uint64_t size; /* of a layout: of the blobs that its manifest reaches */
};

/* Missing, damaged, or none of these: ERR_INPUT. A machine is packed under `scratch` for a moment.
 */
int artifact_read(const char *path, const char *scratch, struct artifact *out, struct err *e);

/* The first offset where two files differ (the shorter one's length when one begins the other). */
int artifact_first_difference(const char *a, const char *b, uint64_t *offset, struct err *e);

#endif
