/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kinds that put a disk into a container share: the input as blocks, somewhere for the
 * container's bytes to go, perhaps through gzip, and the step's output. A kind adds its layout.
 */
#ifndef ASSAY_BUILDER_STEPS_DISK_CONTAINER_H
#define ASSAY_BUILDER_STEPS_DISK_CONTAINER_H

#include "builder/plan/step_kind.h"
#include "formats/stream/blocks.h"
#include "formats/stream/sink.h"

struct disk_container {
    const struct blocks *blocks;
    const struct step_input *input;
    const void *params; /* the kind's own */
    unsigned jobs;
    struct sink out;
    uint64_t at;  /* bytes written */
    uint8_t *one; /* room for a block */
};

struct disk_container_options {
    const void *params;
    uint64_t size;  /* of the disk; 0: the input's, rounded up to `unit` */
    uint32_t unit;  /* bytes */
    uint32_t block; /* bytes */
    int level;      /* of gzip around all of it; 0: none */
    int (*write)(struct disk_container *c, struct err *e);
};

int disk_container_run(const struct step_context *context, const struct step_input *input,
                       const struct disk_container_options *options, struct step_output *out,
                       struct err *e);

int disk_container_put(struct disk_container *c, const void *data, size_t len, struct err *e);
/* Reads block `i` and writes all of it. */
int disk_container_put_block(struct disk_container *c, uint64_t i, struct err *e);
/* The blocks that hold anything, in their order. */
int disk_container_put_used(struct disk_container *c, struct err *e);

#endif
