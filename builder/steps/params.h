/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that several kinds have. */
#ifndef ASSAY_BUILDER_STEPS_PARAMS_H
#define ASSAY_BUILDER_STEPS_PARAMS_H

#include "builder/plan/step_kind.h"
#include "formats/stream/blocks.h"
#include "formats/stream/gzip_writer.h"

/* A compressor's name and the levels that it has; a list ends with a NULL name. */
struct compressor_range {
    const char *name;
    int level_min;
    int level_max;
};
/* "gzip" 1..9, and "none" 0. */
extern const struct compressor_range compressor_gzip_or_none[];

/* params.compressor and params.level: the index in `ranges`, and the level, which must be one of
 * that compressor's. */
int params_compressor(const struct jcur *params, const struct compressor_range *ranges,
                      size_t *index, int *level, struct err *e);
int params_bool(const struct jcur *params, const char *key, bool *out, struct err *e);

/* params.size of a disk: 0, or a multiple of `unit` up to BLOCKS_SIZE_MAX. */
int params_disk_size(const struct jcur *params, uint32_t unit, uint64_t *out, struct err *e);

/* Commits the writer as the step's output. */
int output_commit(struct cas_writer *w, struct step_output *out, struct err *e);

#endif
