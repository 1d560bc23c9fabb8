/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan that is self-contained: the plan and all its inputs in one tar, which
 * is an OCI image layout (docs/formats/plan-archive.md). Writing is deterministic;
 * of what is read nothing is trusted: every blob is checked against its digest,
 * and an archive that has anything else than it must have is refused.
 */
#ifndef ASSAY_BUILDER_PLAN_PLAN_ARCHIVE_H
#define ASSAY_BUILDER_PLAN_PLAN_ARCHIVE_H

#include "builder/plan/plan.h"
#include "store/cas/cas.h"

#define PLAN_ARCHIVE_EXTENSION ".assay"

struct plan_archive_parts {
    const struct plan *plan; /* an outline is enough */
    struct cas *cas;         /* has every input, whole and right: else ERR_INPUT */
    const char *builder;     /* an assay-build that goes in, too; NULL = none */
};
/* Writes `path` (base/destination.h); *size is how much. `temp`: the directory for temporary files.
 */
int plan_archive_write(const struct plan_archive_parts *parts, const char *temp, const char *path,
                       uint64_t *size, struct err *e);

/* Whether a file looks like an archive rather than a plan: it does not begin as JSON does. A
 * missing or unreadable one is ERR_INPUT. */
int plan_archive_is(const char *path, bool *out, struct err *e);
/* The same where it would be anything but a plan: by the tar's magic. */
int plan_archive_is_tar(const char *path, bool *out, struct err *e);

struct plan_archive;
/* Reads the whole tar once and checks all but the bytes of the inputs and of the builder. Of a plan
 * that `table` cannot read, being for another version, it looks at the outline. */
int plan_archive_open(const char *path, const struct step_table *table, struct plan_archive **out,
                      struct err *e);
void plan_archive_close(struct plan_archive *a);

static inline void scope_plan_archive(struct plan_archive **a)
{
    plan_archive_close(*a);
}
#define AUTO_PLAN_ARCHIVE AUTO(scope_plan_archive)

/* The plan's bytes; borrowed. */
const struct buf *plan_archive_plan(const struct plan_archive *a);
/* The assay-build that it carries; false: none. */
bool plan_archive_builder(const struct plan_archive *a, struct digest *out);
/* Puts it into the store, checked; *size is how much. ERR_INPUT when there is none. */
int plan_archive_supply_builder(const struct plan_archive *a, struct cas *cas, uint64_t *size,
                                struct err *e);
/*
 * Puts the inputs of `plan` (the archive's or another) that the archive has and the store lacks
 * into the store, each checked. What neither has is no error: building says so.
 */
int plan_archive_supply(struct plan_archive *a, const struct plan *plan, struct cas *cas,
                        struct err *e);

#endif
