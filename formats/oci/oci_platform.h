/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of an index's entries is for a platform (OCI image specification 1.1, image index).
 *
 * A variant that is not said is the one that the specification has for the architecture: amd64 is
 * v1, arm v7, arm64 v8. The entry that says just what is wanted wins; then the highest variant that
 * what is wanted runs; then, when no entry's platform is wanted, the one that has no platform.
 */
#ifndef ASSAY_FORMATS_OCI_OCI_PLATFORM_H
#define ASSAY_FORMATS_OCI_OCI_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

enum { OCI_PLATFORMS_SHOWN = 200 };

struct oci_choice {
    const char *wanted; /* "os/architecture[/variant]"; the rest begins as zero */
    unsigned rank;
    size_t index;
    bool several;
    char there[OCI_PLATFORMS_SHOWN]; /* the platforms that were offered, for the message */
};

/* An entry of the index; without a platform `os` is NULL, without a variant `variant` is. */
void oci_choice_offer(struct oci_choice *c, size_t index, const char *os, const char *arch,
                      const char *variant);
/* NULL: c->index is the one; else why there is none. Borrowed until the next call on `c`. */
const char *oci_choice_problem(struct oci_choice *c, char *text, size_t size);

#endif
