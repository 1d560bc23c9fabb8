/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: two things side by side, cheapest evidence first, opening only what differs
 * (docs/formats/explanation.md says in which order). It finds differences and judges none.
 */
#ifndef ASSAY_VERIFIER_EXPLAIN_COMPARE_H
#define ASSAY_VERIFIER_EXPLAIN_COMPARE_H

#include "verifier/explain/difference.h"

struct compare {
    struct budget *budget;
    /* Told of each difference, in order of paths. */
    int (*found)(void *context, const struct difference *d, struct err *e);
    void *context;
};

/* Files or directories. ERR_INPUT when one cannot be opened. */
int compare_paths(const struct compare *c, const char *a, const char *b, struct err *e);
/* Bytes that are at hand; `path` is what they are called in differences. */
int compare_bytes(const struct compare *c, struct bytes *a, struct bytes *b, const char *path,
                  struct err *e);

#endif
