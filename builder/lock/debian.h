/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian packages → digests: names are resolved with apt in a private state
 * (apt.h), packages are fetched through it and put into the blob store, where
 * digest and size are checked again. No host and no URI is kept: a package is
 * suite, component, name, version, architecture, path in the archive, and the
 * digest of the signed Release file that vouched for it.
 */
#ifndef ASSAY_BUILDER_LOCK_DEBIAN_H
#define ASSAY_BUILDER_LOCK_DEBIAN_H

#include "base/process.h"
#include "base/progress.h"
#include "builder/plan/locked.h"
#include "builder/recipe/recipe.h"
#include "store/cas/cas.h"

struct debian_options {
    const char *arch;
    /* "FILE", for all suites that no "SUITE=FILE" names */
    const char *const *keyrings;
    size_t keyring_count;
    bool allow_expired; /* take an index whose Valid-Until is over, */
    void (*expired)(void *context, const char *suite); /* and say so here */
    void *context;
    const char *temp;       /* directory for private apt states */
    const char *cache;      /* where apt's lists are kept; NULL: nowhere */
    const char *const *env; /* apt's environment */
    struct process_limits limits;
    struct cas *cas;
    struct progress *progress;
};

/* Keeps one apt state per list of suites and set of components, for all images of a recipe. */
struct debian;
int debian_new(const struct debian_options *options, struct debian **out, struct err *e);
void debian_free(struct debian *d);

static inline void scope_debian(struct debian **d)
{
    debian_free(*d);
}
#define AUTO_DEBIAN AUTO(scope_debian)

/*
 * Locks one image: adds it, its layers in the order of package names, and its
 * blobs to `out`. An unknown suite, component or package is ERR_INPUT; no
 * mirror or no network ERR_HOST; a bad signature ERR_REJECTED.
 */
int debian_lock(struct debian *d, const struct recipe_image *image, struct locked *out,
                struct err *e);

#endif
