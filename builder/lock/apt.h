/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apt in a private state directory: its own lists, cache, sources and status,
 * so that a suite and an architecture that this machine does not have can be
 * read without touching the machine. Several suites are one archive to apt: of each package it
 * takes the newest version, as without pins of the machine's. Mirrors, proxies and credentials are
 * the machine's own (apt-get indextargets, apt.conf.d, auth.conf.d). apt checks the Release file's
 * signature with the keyring given, then the index by its hash; anything less than that is an error
 * here, whatever apt.conf says.
 */
#ifndef ASSAY_BUILDER_LOCK_APT_H
#define ASSAY_BUILDER_LOCK_APT_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/process.h"
#include "builder/lock/packages.h"

#define APT_KEYRING_DEFAULT "/usr/share/keyrings/debian-archive-keyring.gpg"

enum { APT_SUITES_MAX = 8 };

struct apt_suite {
    const char *name;    /* a plain word (recipe_image.c checks) */
    const char *keyring; /* what must have signed its Release file */
};

struct apt_options {
    const struct apt_suite *suites;
    size_t suite_count;
    const char *const *components;
    size_t component_count;
    const char *arch;
    bool allow_expired;     /* an index whose Valid-Until is over is taken, too */
    const char *temp;       /* where the private directory is made */
    const char *cache;      /* where lists are kept between locks (apt_cache.h); NULL: nowhere */
    const char *const *env; /* of apt: proxies, APT_CONFIG; NULL-terminated */
    struct process_limits limits; /* of all its runs; the deadline counts */
};

struct apt;

/*
 * Makes the private state and reads the suites' signed indexes. Errors: no
 * mirror configured or reachable ERR_HOST; no such suite, component or
 * architecture ERR_INPUT; a bad signature ERR_REJECTED.
 */
int apt_open(const struct apt_options *options, struct apt **out, struct err *e);
void apt_close(struct apt *apt); /* removes the private state */
/* The suite was taken although its Valid-Until is over. */
bool apt_is_expired(const struct apt *apt, size_t suite);
/* SHA-256 of the InRelease (or Release) file of the suite, whose signature was checked. */
const struct digest *apt_release(const struct apt *apt, size_t suite);
/* The suite that each of the packages is from, as it is: of several the first. */
int apt_suites_of(struct apt *apt, const struct packages *list, size_t *suites, struct err *e);
/* The component whose index has it: from the path "pool/COMPONENT/…", else the only or first one.
 */
const char *apt_component_of(const struct apt *apt, const struct package *p);

/*
 * The candidate of each name (or "name=version"); names that the suite does
 * not have are simply not added.
 */
int apt_show(struct apt *apt, const char *const *names, size_t count, struct packages *out,
             struct err *e);
/* What apt's solver would install on an empty machine, without recommended packages;
 * "name=version". */
int apt_solve(struct apt *apt, const char *const *names, size_t count, char ***out,
              size_t *out_count, struct err *e);
/*
 * Downloads the packages (apt checks them against the index); *directory is
 * where they are, removed by apt_close; borrowed. apt_file names one in it.
 */
int apt_download(struct apt *apt, const struct package *const *list, size_t count,
                 const char **directory, struct err *e);
int apt_file(const struct package *p, char **name, struct err *e);

static inline void scope_apt(struct apt **apt)
{
    apt_close(*apt);
}
#define AUTO_APT AUTO(scope_apt)

void strings_free(char **list, size_t count);

#endif
