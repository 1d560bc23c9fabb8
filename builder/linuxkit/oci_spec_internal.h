/* SPDX-License-Identifier: Apache-2.0 */
/* What oci_spec.c and its parts share. */
#ifndef ASSAY_BUILDER_LINUXKIT_OCI_SPEC_INTERNAL_H
#define ASSAY_BUILDER_LINUXKIT_OCI_SPEC_INTERNAL_H

#include "base/json.h"
#include "builder/linuxkit/oci_spec.h"

/* The entry's value, else the label's, else NULL. */
const json_t *oci_spec_choose(const struct oci_spec_container *c, const char *key);
/* The same for plain texts, where "" counts as absent; `missing` when there is none. */
const char *oci_spec_text(const struct oci_spec_container *c, const char *key, const char *missing);
/* Notes for c->blame what is read next; SIZE_MAX: no item of a list. */
void oci_spec_blame(const struct oci_spec_container *c, const char *key, size_t index);
int oci_spec_push_text(json_t *list, const char *text, struct err *e);
/* Puts a copy of the value unless it is NULL, an empty list or an empty map. */
int oci_spec_put_some(json_t *object, const char *key, const json_t *value, struct err *e);
/* `key` of the label or the entry, with `add_key` of the entry when the entry has no `key`; in
 * strict mode only what is not there yet is added. */
int oci_spec_with_added(const struct oci_spec_container *c, const char *key, const char *add_key,
                        json_t **out, struct err *e);

int oci_spec_capabilities(const struct oci_spec_container *c, json_t **out, struct err *e);
int oci_spec_rlimits(const struct oci_spec_container *c, json_t **out, struct err *e);
int oci_spec_mounts(const struct oci_spec_container *c, json_t **out, struct err *e);

#endif
