/* SPDX-License-Identifier: Apache-2.0 */
/* What of LinuxKit's defects changes the output of compat mode: told when it is locked
 * (docs/formats/linuxkit-compat.md). */
#ifndef ASSAY_BUILDER_LINUXKIT_COMPAT_WARN_H
#define ASSAY_BUILDER_LINUXKIT_COMPAT_WARN_H

#include "builder/linuxkit/compat_check.h"

/* Appends texts to `warnings`, with places where something was written. Reads the layers of every
 * image once. */
int compat_warn(const struct compat_check *c, json_t *warnings, struct err *e);

#endif
