/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the log share; not for others. */
#ifndef ASSAY_STORE_LOG_LOG_INTERNAL_H
#define ASSAY_STORE_LOG_LOG_INTERNAL_H

#include "store/log/db.h"
#include "store/log/log.h"

struct tlog {
    char *path;
    char *vkey;
    struct note_key *key;
    struct signing_key *signing; /* NULL: open for reading only */
    struct log_db *db;
    /* The newest checkpoint that was verified, its note, and its tree's append state. */
    bool have_head;
    struct checkpoint head;
    struct merkle_range range;
    struct buf note;
};

/* Opens the files of a log without looking at its tree. */
int tlog_attach(const char *path, const char *passphrase, struct tlog **out, struct err *e);
/* The nodes of the database as the place where proofs are read from. Borrows the log. */
struct merkle_source tlog_source(struct tlog *log);

#endif
