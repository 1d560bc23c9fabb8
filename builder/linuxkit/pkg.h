/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "@pkg:PATH" in LinuxKit files: a package of LinuxKit's own source tree, which
 * LinuxKit names by the hash of its directory in git, or `latest` where there is
 * no git history (docs/formats/linuxkit.md, section 2). A name that can mean something else
 * tomorrow is nothing to lock; it can be shown.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_PKG_H
#define ASSAY_BUILDER_LINUXKIT_PKG_H

#include "base/err.h"

#include <jansson.h>

/*
 * Replaces every text of the document that was read from `file` by
 * docker.io/ORG/IMAGE:latest, out of PATH/build.yml beside the file; without
 * one, ORG is linuxkit and IMAGE the last part of PATH. *count is how many.
 */
int linuxkit_pkg_show(const char *file, json_t *document, size_t *count, struct err *e);

#endif
