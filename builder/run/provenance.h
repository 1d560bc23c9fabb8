/* SPDX-License-Identifier: Apache-2.0 */
/* The unsigned provenance of a build: in-toto Statement v1 with SLSA provenance v1, without times.
 */
#ifndef ASSAY_BUILDER_RUN_PROVENANCE_H
#define ASSAY_BUILDER_RUN_PROVENANCE_H

#include "builder/run/execute.h"

#define PROVENANCE_BUILDER_ID ASSAY_URI "builder/assay-build/v1"

enum { PROVENANCE_BYTES_MAX = 4 * PLAN_BYTES_MAX };

/*
 * Canonical JSON, no final newline. A subject for each output whose step was
 * executed, with the digests that other steps gave for it: their blobs, read from
 * `cas`, are lower-case hex, alone or behind "NAME:", and perhaps a newline
 * (ERR_INPUT when they are not). Appends.
 */
int provenance_format(const struct plan *plan, const struct execution *execution, struct cas *cas,
                      const char *builder_id, const struct digest *builder_digest, struct buf *out,
                      struct err *e);

/* ERR_INPUT when the provenance of all outputs of the plan would be too large to be signed; for who
 * makes a plan. */
int provenance_check_size(const struct plan *plan, struct err *e);

#endif
