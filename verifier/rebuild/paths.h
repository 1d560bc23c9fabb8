/* SPDX-License-Identifier: Apache-2.0 */
/* What a sandboxed program says of files, with the names that they have outside. */
#ifndef ASSAY_VERIFIER_REBUILD_PATHS_H
#define ASSAY_VERIFIER_REBUILD_PATHS_H

#include <stddef.h>

struct path_pair {
    const char *inside; /* absolute, no slash at its end */
    const char *outside;
};

/*
 * Copies `text` into `out`, always terminated, cut between characters; where a name of `pairs` (the
 * first that fits) stands as a path, or in front of one, the outside name takes its place.
 */
void paths_translate(const struct path_pair *pairs, size_t count, const char *text, char *out,
                     size_t size);

#endif
