/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an input of a plan stands among the dependencies of a provenance: what writes one and what
 * checks one agree by being the same (docs/formats/attestations.md, "Build provenance").
 */
#ifndef ASSAY_ATTEST_DEPENDENCY_H
#define ASSAY_ATTEST_DEPENDENCY_H

#include "base/buf.h"
#include "base/digest.h"

#include <jansson.h>

/*
 * The ResourceDescriptor of an input with this id, digest and origin (the plan's `from`; text of
 * the wrong type counts as absent): a package of Debian has its package URL. *out is new.
 */
int dependency_descriptor(const char *id, const struct digest *digest, const json_t *from,
                          json_t **out, struct err *e);

#endif
