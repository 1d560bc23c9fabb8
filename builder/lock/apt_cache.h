/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists that apt has read, kept between locks: a directory for each list of sources. Nothing of
 * it is believed: apt asks the archive whether its InRelease file is still the newest and checks
 * the signature of the one that it keeps, and the indexes are compared here with the digests in
 * that file. Everything is done as well as it can be, and what cannot be is as if nothing had been
 * kept.
 */
#ifndef ASSAY_BUILDER_LOCK_APT_CACHE_H
#define ASSAY_BUILDER_LOCK_APT_CACHE_H

#include "base/err.h"

#include <stdbool.h>

/* Where the lists of these sources (a file) are kept, below `cache`; caller frees. */
int apt_cache_place(const char *cache, const char *sources, char **out, struct err *e);
/* Copies what is kept into apt's directory of lists; false when that is nothing. */
bool apt_cache_load(const char *place, const char *lists);
/* Each index is one that its suite's signed file names, under its own name, and there is one. */
bool apt_cache_whole(const char *lists);
/* Removes the lists again. */
void apt_cache_drop(const char *lists);
/* Keeps them, in place of what was kept; `cache` is made when it is missing. */
void apt_cache_keep(const char *cache, const char *place, const char *lists);

#endif
