/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of a comparison: differences in groups by cause, and the verdict that follows
 * (docs/formats/explanation.md, schemas/explanation.schema.json).
 */
#ifndef ASSAY_VERIFIER_EXPLAIN_EXPLANATION_H
#define ASSAY_VERIFIER_EXPLAIN_EXPLANATION_H

#include "verifier/explain/cause.h"
#include "verifier/explain/compare.h"

enum { EXPLANATION_GROUPS_MAX = 50, EXPLANATION_SAMPLES_MAX = 5 };

enum explanation_verdict { EXPLANATION_IDENTICAL, EXPLANATION_EQUIVALENT, EXPLANATION_DIFFERS };

struct explanation;

/* `tolerated`: ids of causes after which two things still count as equivalent; ERR_USAGE for an id
 * that there is not. `budget` must outlive the explanation. */
int explanation_new(const char *const *tolerated, size_t count, struct budget *budget,
                    struct explanation **out, struct err *e);
void explanation_free(struct explanation *x);
static inline void scope_explanation(struct explanation **x)
{
    explanation_free(*x);
}
#define AUTO_EXPLANATION AUTO(scope_explanation)

/* For struct compare: its context is the explanation. */
int explanation_add(void *context, const struct difference *d, struct err *e);

enum explanation_verdict explanation_verdict(const struct explanation *x);
const char *explanation_verdict_name(enum explanation_verdict v);
/* One line for people. Appends. */
int explanation_line(const struct explanation *x, struct buf *out, struct err *e);
/* Groups for people. Appends. */
int explanation_text(const struct explanation *x, struct buf *out, struct err *e);
/* The same in GitHub's dialect of Markdown, for the summary of a CI's job; `a` and `b` are what the
 * two are called. Appends. */
int explanation_markdown(const struct explanation *x, const char *a, const char *b, struct buf *out,
                         struct err *e);
/* The same as one HTML document that needs nothing else: no script, no other file. Appends. */
int explanation_page(const struct explanation *x, const char *a, const char *b, struct buf *out,
                     struct err *e);
/* schemas/explanation.schema.json. *out is new. */
int explanation_json(const struct explanation *x, json_t **out, struct err *e);

#endif
