/* SPDX-License-Identifier: Apache-2.0 */
/* One run of `assay lock`: what it has open, and what it has found so far. Here the images and
 * volumes of a recipe become digests, each by what it is. */
#ifndef ASSAY_BUILDER_LOCK_LOCK_RUN_H
#define ASSAY_BUILDER_LOCK_LOCK_RUN_H

#include "base/cli.h"
#include "base/private_dir.h"
#include "builder/lock/debian.h"
#include "builder/lock/layouts.h"
#include "builder/lock/relock.h"
#include "net/registry/network.h"

struct lock_run {
    struct cli *cli;
    struct recipe *recipe;
    struct private_dir scratch; /* --check: where what moved is kept for the run */
    char *apt_cache;            /* where apt's lists are kept; NULL: nowhere */
    struct cas *lower;          /* --check: the store, only read */
    struct cas *cas;
    struct plan *plan; /* --check, --update: the plan there is */
    struct relock relock;
    bool *moved; /* --update: of the first `marked` blobs of `locked`, that they may */
    size_t marked;
    struct debian *debian;
    struct network network;
    struct layouts layouts;
    struct environment env;       /* of apt */
    struct process_limits limits; /* of all programs that are run */
    struct locked locked;
    struct progress *progress;
    json_t *warnings; /* --compat */
};

#define LOCK_RUN_INIT(the_cli)                                                                     \
    {                                                                                              \
        .cli = (the_cli), .layouts = LAYOUTS_INIT, .scratch = PRIVATE_DIR_INIT                     \
    }
void lock_run_dispose(struct lock_run *r);
#define AUTO_LOCK_RUN AUTO(lock_run_dispose) struct lock_run

/* Where temporary directories are made; borrowed. */
const char *lock_run_temp(const struct cli *cli);
/* --update: some of an earlier plan moves, all else stays. */
bool lock_run_is_update(const struct lock_run *r);
/* Opens r->network, once. */
int lock_run_network(struct lock_run *r, struct err *e);
/* The blobs that came since the last time: whether they are of something that may move. */
int lock_run_mark(struct lock_run *r, bool may_move, struct err *e);
/* All images that the recipe uses, into r->locked; errors name the line. */
int lock_run_images(struct lock_run *r, struct err *e);
/* The volumes of format oci. */
int lock_run_volumes(struct lock_run *r, struct err *e);

#endif
