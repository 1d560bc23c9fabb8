/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The member `from` of a plan's input: where its bytes came from, and so what brings them back. The
 * store asks too, before it lets go of what nobody can fetch.
 */
#ifndef ASSAY_BASE_ORIGIN_H
#define ASSAY_BASE_ORIGIN_H

#include <jansson.h>
#include <stdbool.h>

/* Whether `assay fetch PLAN` finds it by what the plan says alone: an image's blob whose repository
 * is named, a package of Debian's archive. */
bool origin_is_fetched(const json_t *from);

/* For a message about an input that is not there: the command that brings it back. Static. */
const char *origin_mending(const json_t *from);

#endif
