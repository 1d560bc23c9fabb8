/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is attached to a manifest: the referrers API of distribution 1.1 where a
 * registry has it, else the index under the tag "sha256-<hex>" (its fallback).
 */
#ifndef ASSAY_NET_REGISTRY_REFERRERS_H
#define ASSAY_NET_REGISTRY_REFERRERS_H

#include "net/registry/endpoint.h"

#include <jansson.h>

/*
 * The descriptors of what refers to `subject`, by digest, each once; of `type`
 * only, unless that is NULL. Caller owns *out, an array. *api: the registry has the API. None is no
 * error. ERR_INPUT: what the registry sends is no index.
 */
int referrers_list(struct endpoint *ep, const struct digest *subject, const char *type,
                   json_t **out, bool *api, struct err *e);

/*
 * Adds a descriptor to the index of the fallback tag, keeping what others put there, and looks
 * whether it stayed: two who write at once are told apart, and the one who lost tries again.
 */
int referrers_add(struct endpoint *ep, const struct digest *subject, const json_t *descriptor,
                  struct err *e);

/* An index as a list of descriptors, for `subject`'s page; strict as image_parse. Appends to `list`
 * those of `type` (NULL = all). */
int referrers_parse(const void *data, size_t len, const char *type, json_t *list, struct err *e);

#endif
