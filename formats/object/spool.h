/* SPDX-License-Identifier: Apache-2.0 */
/* Where decoded bytes are kept: in memory while they are few, then in a file that has no name. */
#ifndef ASSAY_FORMATS_OBJECT_SPOOL_H
#define ASSAY_FORMATS_OBJECT_SPOOL_H

#include "formats/object/budget.h"
#include "formats/stream/bytes.h"
#include "formats/stream/sink.h"

struct spool {
    struct budget *budget;
    struct buf memory;
    int fd;
    uint64_t size;
};

void spool_init(struct spool *s, struct budget *budget);
/* ERR_UNDECIDED when the budget is used up. */
struct sink spool_sink(struct spool *s);
/* What was written, as bytes; the spool is empty then. */
int spool_bytes(struct spool *s, const char *name, struct bytes **out, struct err *e);
void spool_dispose(struct spool *s);
#define AUTO_SPOOL AUTO(spool_dispose) struct spool

#endif
