/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The artifact as it lies there: a file, an OCI image layout directory, or the
 * directory of a stored machine, and its digest (of a layout: the digest of its
 * one manifest; of a machine: that of its packed form, which `assay cartesi pack` gives).
 */
#ifndef ASSAY_VERIFIER_COMPARE_ARTIFACT_H
#define ASSAY_VERIFIER_COMPARE_ARTIFACT_H

#include "base/digest.h"

#include <stdbool.h>

/* What is wrong with a thing whose digest is known all the same. */
enum artifact_fault {
    ARTIFACT_SOUND,
    ARTIFACT_DAMAGED, /* something that it names is missing, or not what its digest says */
    ARTIFACT_STRANGE, /* something lies in it that does not belong to it */
};

enum { ARTIFACT_FAULT_MAX = 512 };

struct artifact {
    const char *path; /* borrowed */
    bool layout;
    bool machine;
    struct digest digest;
    uint64_t size; /* of a layout: of the blobs that its manifest reaches, itself with them */
    size_t blobs;  /* of a layout: those */
    enum artifact_fault fault;
    char fault_text[ARTIFACT_FAULT_MAX]; /* a clause */
};

/* Missing, damaged, or none of these: ERR_INPUT. A machine is packed under `scratch` for a moment.
 * `name` is what errors call it. */
int artifact_read(const char *path, const char *name, const char *scratch, struct artifact *out,
                  struct err *e);

/* Whether two files are the same, and the first offset where they are not (the shorter one's length
 * when one begins the other). */
int artifact_first_difference(const char *a, const char *b, bool *same, uint64_t *offset,
                              struct err *e);

#endif
