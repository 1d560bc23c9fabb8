/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a comparison may go: members, memory, decoded bytes, depth and time. Shared by all
 * objects of one run. What was hit is remembered, so that the report can say what was not looked
 * at.
 */
#ifndef ASSAY_FORMATS_OBJECT_BUDGET_H
#define ASSAY_FORMATS_OBJECT_BUDGET_H

#include "base/err.h"
#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

struct budget {
    uint64_t members;    /* of one object */
    uint64_t memory;     /* bytes of all open objects' lists together */
    uint64_t decoded;    /* bytes in all */
    unsigned depth;      /* of objects in objects */
    int64_t seconds;     /* 0 = no limit */
    const char *scratch; /* existing directory for what does not fit in memory */
    const struct host *host;
    int64_t started; /* by the host's clock */
    uint64_t memory_used;
    uint64_t decoded_used;
    const char *hit; /* "members", "memory", …: the first limit that was hit; NULL = none */
};

void budget_start(struct budget *b, const struct host *host, const char *scratch);
/* ERR_UNDECIDED with what was hit. */
int budget_members(struct budget *b, uint64_t count, struct err *e);
int budget_memory(struct budget *b, uint64_t more, struct err *e);
int budget_decoded(struct budget *b, uint64_t more, struct err *e);
int budget_depth(struct budget *b, unsigned depth, struct err *e);
int budget_time(struct budget *b, struct err *e);

#endif
