/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a Debian package is what its archive's index says it is. */
#ifndef ASSAY_BUILDER_LOCK_PACKAGE_CHECK_H
#define ASSAY_BUILDER_LOCK_PACKAGE_CHECK_H

#include "builder/lock/packages.h"
#include "store/cas/cas.h"

/*
 * The package's own control file must have the name, version and architecture of the index, and be
 * one that dpkg reads; its file must be called NAME_VERSION_ARCHITECTURE.deb, where the version has
 * no epoch. ERR_INPUT. The bytes are in the store.
 */
int package_check(struct cas *cas, const struct package *p, struct err *e);

#endif
