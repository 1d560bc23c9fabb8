/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at SQLite's write-ahead log. SQLite reads it up to the first frame that does not check,
 * and takes the rest for what a power cut left. That may be one transaction, the one that was under
 * way: each was synced before the next began. More than one is damage, and entries are lost.
 */
#ifndef ASSAY_STORE_LOG_WAL_H
#define ASSAY_STORE_LOG_WAL_H

#include "base/err.h"

/* Of the database file `path`. ERR_LOG names the first frame that is damaged. */
int log_wal_check(const char *path, struct err *e);

#endif
