/* SPDX-License-Identifier: Apache-2.0 */
/* `rootfs:` of a recipe's Debian image; used by recipe_image.c alone. */
#ifndef ASSAY_BUILDER_RECIPE_RECIPE_ROOTFS_H
#define ASSAY_BUILDER_RECIPE_RECIPE_ROOTFS_H

#include "base/yaml/ycur.h"

/*
 * `true`, or a map of what is declared. *out is what the parameters of tree.debian say of it:
 * "divert", "alternatives", "users", "groups", with all defaults filled in and in their order;
 * NULL for `false`. *finish has those of tree.finish but "architecture" and "clamp"; NULL when
 * nothing is to be done. Caller owns both.
 */
int recipe_rootfs_parse(const struct ycur *c, json_t **out, json_t **finish, struct err *e);

#endif
