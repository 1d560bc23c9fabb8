/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that is there, file by file. */
#ifndef ASSAY_FORMATS_MACHINE_SNAPSHOT_FILES_H
#define ASSAY_FORMATS_MACHINE_SNAPSHOT_FILES_H

#include "formats/machine/machine_write.h"
#include "formats/machine/snapshot.h"

/*
 * Gives the sink config.json, every range's .bin (the uarch RAM's when it is
 * there) and the caches: as they are, or zeros in the right sizes. Modes are those
 * that the writer gives. ERR_INPUT when a cache that is wanted is missing or has
 * another size.
 */
int snapshot_files(const struct snapshot *s, bool caches, const struct machine_sink *sink,
                   struct err *e);

#endif
