/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locking again against a plan that exists: what moved since (--check), and
 * moving some of it while all else stays as the plan has it (--update).
 */
#ifndef ASSAY_BUILDER_LOCK_RELOCK_H
#define ASSAY_BUILDER_LOCK_RELOCK_H

#include "builder/plan/locked.h"
#include "builder/plan/plan.h"
#include "builder/recipe/recipe.h"

/* The images, or local files by their path in the recipe, that may move. */
struct relock {
    const struct plan *plan;
    const struct recipe *recipe;
    const char *const *names;
    size_t name_count;
    bool *used; /* of each name; owned */
};

int relock_init(struct relock *r, const struct plan *plan, const struct recipe *recipe,
                const char *const *names, size_t name_count, struct err *e);
void relock_dispose(struct relock *r);

/* Whether the image is to be locked anew. */
bool relock_moves(struct relock *r, const char *name);
/*
 * Adds the image as the plan has it. ERR_INPUT: the plan has none of that name, or the recipe says
 * something else of it now.
 */
int relock_keep(const struct relock *r, const char *name, struct locked *out, struct err *e);
/*
 * After everything was locked: gives local files that may not move the bytes that the plan has.
 * ERR_USAGE: a name that was of no use; ERR_INPUT: an input has bytes that the plan does not know
 * and may not move. `moved[i]`: blob i of `locked` was added for something that may move.
 */
int relock_settle(struct relock *r, struct locked *locked, const bool *moved, struct err *e);

/*
 * What moved from one plan to the other, for people and programs: {"plan": digest, "moved": [ids of
 * inputs], "changes": [as plan_diff, but for the toolchain's and Release files']}; *count of
 * changes. *out is new.
 */
int relock_report(const struct plan *before, const struct plan *after, json_t **out, size_t *count,
                  struct err *e);

#endif
