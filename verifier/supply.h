/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the artifacts that a command line names are verified with: their files and their bundles,
 * which come from a registry where they are named by reference.
 */
#ifndef ASSAY_VERIFIER_SUPPLY_H
#define ASSAY_VERIFIER_SUPPLY_H

#include "verifier/remote.h"
#include "verifier/targets.h"
#include "verifier/verification.h"

struct supply_item {
    struct remote_artifact artifact; /* of a reference */
    struct remote_bundles bundles;   /* of a registry */
    struct verification_bundle *views;
};

struct supply {
    struct remote remote;
    struct supply_item *items; /* as many as there are targets */
    size_t count;
};

/*
 * Pulls what has to be pulled, and fills `views`, one for each target, which borrow from the supply
 * and the targets. What cannot be had is that one's outcome. `supply` is zeroed; to be disposed
 * after a failure, too.
 */
int supply_open(struct supply *supply, const struct cli *cli, const char *scratch,
                const struct targets *targets, struct verification_target *views,
                struct verification_outcome *outcomes, struct err *e);
void supply_dispose(struct supply *supply);

#endif
