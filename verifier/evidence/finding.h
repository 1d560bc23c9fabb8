/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a piece of evidence: a value, not an error. Its text may be foreign; it is cut
 * between characters, and who prints it cleans it.
 */
#ifndef ASSAY_VERIFIER_EVIDENCE_FINDING_H
#define ASSAY_VERIFIER_EVIDENCE_FINDING_H

#include "base/err.h"

#include <stdbool.h>

enum finding_class {
    FINDING_NONE,
    FINDING_MALFORMED, /* it cannot be read; nobody has signed that */
    FINDING_REJECTED,  /* it can, and it does not hold */
};

enum { FINDING_TEXT_MAX = 512 };

struct finding {
    enum finding_class kind;
    char text[FINDING_TEXT_MAX]; /* a clause */
};

/* Always 0, for `return finding_set(…)`. The first one stays. */
int finding_set(struct finding *f, enum finding_class kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* An error about what was read becomes a finding of that class; any other stays one. */
int finding_of_error(struct finding *f, enum finding_class kind, int rc, struct err *e);

static inline bool finding_any(const struct finding *f)
{
    return f->kind != FINDING_NONE;
}

#endif
