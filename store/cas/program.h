/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that is given as a file, or as a blob by its digest: a builder of another version,
 * which was imported with the plan that it is for.
 */
#ifndef ASSAY_STORE_CAS_PROGRAM_H
#define ASSAY_STORE_CAS_PROGRAM_H

#include "base/private_dir.h"
#include "store/cas/cas.h"

/* References to builders are "builder:NAME of the plan". */
#define CAS_BUILDER_REF "builder:"

struct program {
    struct private_dir dir; /* of a copy that can be run */
    char *path;
};
#define PROGRAM_INIT                                                                               \
    {                                                                                              \
        .dir = PRIVATE_DIR_INIT                                                                    \
    }

/* "sha256:" and hex digits: a blob, and no file. */
bool program_is_digest(const char *text);
/*
 * `text`: a path, taken as it is; or a digest, whose blob is copied, checked, out of `store` (a
 * directory; NULL: ERR_USAGE) to where it can be run, below `temp`. ERR_INPUT when it is not there
 * or damaged.
 */
int program_open(const char *text, const char *store, const char *temp, struct program *out,
                 struct err *e);
/* The same of an open store. */
int program_from(struct cas *cas, const struct digest *digest, const char *temp,
                 struct program *out, struct err *e);
void program_dispose(struct program *p);

#endif
