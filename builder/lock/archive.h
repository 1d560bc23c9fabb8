/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of Debian archives by their path and digest, long after they were
 * locked: from the archives that this machine's apt reads (its mirrors, proxies
 * and credentials), and others that are named. The digest is the plan's, so no
 * index and no signature is needed.
 */
#ifndef ASSAY_BUILDER_LOCK_ARCHIVE_H
#define ASSAY_BUILDER_LOCK_ARCHIVE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/process.h"

struct archive_file {
    const char *suite;
    const char *path; /* "pool/main/…" */
    struct digest digest;
    bool done;      /* set by archive_fetch when `found` took it */
    bool transient; /* some archive may have it and did not answer */
    char *why;      /* what each archive said, joined; owned; NULL: none was asked */
};

struct archive_options {
    const char *const *uris; /* asked before this machine's own; "https://HOST/debian/" */
    size_t uri_count;
    bool own;                     /* ask this machine's own */
    const char *temp;             /* where a private directory is made */
    const char *const *env;       /* of apt */
    struct process_limits limits; /* of all its runs; the deadline counts */
    /* A file that apt has checked; `path` is gone afterwards. */
    int (*found)(void *context, struct archive_file *file, const char *path, struct err *e);
    void *context;
};

/*
 * Asks one archive after the other for what is not done. That a file is nowhere is no error: see
 * `done` and `why`. Errors: no apt ERR_UNDECIDED, the host's ERR_HOST, and those of `found`.
 */
int archive_fetch(const struct archive_options *options, struct archive_file *files, size_t count,
                  struct err *e);

/* Whether the text is an URI of an archive: http, https or file, and plain. */
bool archive_uri_valid(const char *uri);

#endif
