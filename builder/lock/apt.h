/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apt in a private state directory: its own lists, cache, sources and status,
 * so that a suite and an architecture that this machine does not have can be
 * read without touching the machine. Mirrors, proxies and credentials are the
 * machine's own (apt-get indextargets, apt.conf.d, auth.conf.d). apt checks
 * the Release file's signature with the keyring given, then the index by its
 * hash; anything less than that is an error here, whatever apt.conf says.
 */
#ifndef ASSAY_BUILDER_LOCK_APT_H
#define ASSAY_BUILDER_LOCK_APT_H

#include "base/buf.h"
#include "base/digest.h"
#include "builder/lock/packages.h"

#define APT_KEYRING_DEFAULT "/usr/share/keyrings/debian-archive-keyring.gpg"

struct apt_options {
    const char *suite; /* plain words only (recipe_image.c checks) */
    const char *const *components;
    size_t component_count;
    const char *arch;
    const char *keyring;
    bool allow_expired;     /* an index whose Valid-Until is over is taken, too */
    const char *temp;       /* where the private directory is made */
    const char *const *env; /* of apt: proxies, APT_CONFIG; NULL-terminated */
};

struct apt;

/*
 * Makes the private state and reads the suite's signed index. Errors: no
 * mirror configured or reachable ERR_HOST; no such suite, component or
 * architecture ERR_INPUT; a bad signature ERR_REJECTED.
 */
int apt_open(const struct apt_options *options, struct apt **out, struct err *e);
void apt_close(struct apt *apt); /* removes the private state */
/* It was taken although its Valid-Until is over. */
bool apt_is_expired(const struct apt *apt);
/* SHA-256 of the InRelease (or Release) file whose signature was checked. */
const struct digest *apt_release(const struct apt *apt);
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
