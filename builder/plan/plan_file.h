/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan from the file that carries it: the plan itself, a self-contained plan, or the provenance
 * of what was built from it, bare, in an envelope or in a bundle. Which one it is, its content
 * tells, never its name.
 */
#ifndef ASSAY_BUILDER_PLAN_PLAN_FILE_H
#define ASSAY_BUILDER_PLAN_PLAN_FILE_H

#include "base/cli.h"
#include "builder/plan/plan_archive.h"

enum plan_carrier {
    PLAN_CARRIER_NONE, /* it is the plan */
    PLAN_CARRIER_ARCHIVE,
    PLAN_CARRIER_STATEMENT, /* in-toto, not signed */
    PLAN_CARRIER_ENVELOPE,
    PLAN_CARRIER_BUNDLE,
};

struct plan_file {
    struct plan *plan;
    struct plan_archive *archive; /* open, for its inputs; NULL but for PLAN_CARRIER_ARCHIVE */
    enum plan_carrier carrier;
    bool has_builder; /* the archive carries an assay-build, or the provenance names what ran */
    struct digest builder;
};

/*
 * Provenance is of Assay's build type, and its plan has the digest that it names: else ERR_INPUT.
 * Its signature is not checked here, which plan_file_caveat says. ERR_INPUT, too, when the file
 * carries no plan; the rest as plan_parse.
 */
int plan_file_read(const char *path, const struct step_table *table, struct plan_file *out,
                   struct err *e);
/* The same, but an outline (plan_parse) in place of ERR_UNDECIDED. */
int plan_file_read_any(const char *path, const struct step_table *table, struct plan_file *out,
                       struct err *e);
/* plan_file_read of a document's bytes. `what` names it in errors. */
int plan_file_parse(const void *data, size_t len, const char *what, const struct step_table *table,
                    struct plan_file *out, struct err *e);
void plan_file_dispose(struct plan_file *f);

/* The plan's own bytes, whatever carried it. Appends. */
int plan_file_bytes(const struct plan_file *f, struct buf *out, struct err *e);
/* "plan", "archive", "statement", "envelope" or "bundle". Static. */
const char *plan_file_carrier(const struct plan_file *f);
/* What nobody has checked of where the plan is from, as a clause; NULL: nothing. Static. */
const char *plan_file_caveat(const struct plan_file *f);
/* Says it on stderr. */
void plan_file_warn(const struct plan_file *f, const struct cli *cli, const char *path);

static inline void scope_plan_file(struct plan_file *f)
{
    plan_file_dispose(f);
}
#define AUTO_PLAN_FILE AUTO(scope_plan_file)

#endif
